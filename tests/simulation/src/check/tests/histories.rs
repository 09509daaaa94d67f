//! Histories: one log, what a hub that signs two gives away, and what a restored one says.

use std::collections::{BTreeMap, BTreeSet};

use super::{CHANNEL, entry, found, of};
use crate::facts::{Alarm, Entry, Facts, Outcome, Right, Standing};

#[test]
fn different_logs_are_noticed() {
    let other = |facts: &mut Facts| {
        of(facts, "ben-pc").chain.insert(3, "other".to_owned());
    };
    assert!(found(other).contains(&2));
    assert!(
        found(|facts| of(facts, "ben-pc").stopped = Some("it does not fit".to_owned()))
            .contains(&2)
    );
}

#[test]
fn a_channel_that_too_few_wanted_elsewhere_stays_where_it_is() {
    let moved_by = |voters: &'static [&'static str]| {
        move |facts: &mut Facts| {
            for (device, relay) in [("ana-pc", "hub"), ("ben-pc", "next")] {
                facts.devices.get_mut(device).unwrap().relay = relay.to_owned();
                of(facts, device).moves.insert(3, "next".to_owned());
            }
            let vote =
                |device: &&str| (CHANNEL.to_owned(), (*device).to_owned(), "next".to_owned());
            facts.hub_votes.extend(voters.iter().map(vote));
        }
    };
    assert_eq!(found(moved_by(&[])), BTreeSet::from([5]));
    assert_eq!(found(moved_by(&["ben-pc"])), BTreeSet::from([5]), "a half is no majority");
    assert_eq!(found(moved_by(&["ana-pc", "ben-pc"])), BTreeSet::new());
}

#[test]
fn a_false_alarm_is_noticed() {
    let alarm = |facts: &mut Facts| {
        of(facts, "ben-pc").alarms.push(Alarm { genuine: true, contradicting: false });
    };
    assert!(found(alarm).contains(&2));
}

/// The hub signed another history for Ben from 3 on, and went on to 4 with its own.
pub(super) fn forked(facts: &mut Facts) {
    let channel = CHANNEL.to_owned();
    facts.forked.insert(channel.clone());
    facts.hubs.insert(channel.clone(), "hub".to_owned());
    of(facts, "ben-pc").chain.insert(3, "other".to_owned());
    let log = (0..5).map(|place| (place, format!("h{place}"))).collect();
    facts.logs.insert(("hub".to_owned(), channel.clone()), log);
    let ben = Right { device: "ben-pc".to_owned(), from: 1, to: None };
    facts.readers.insert(("hub".to_owned(), channel), vec![ben]);
}

#[test]
fn whoever_is_shown_two_histories_raises_an_alarm() {
    assert!(found(forked).contains(&2));
    let alarmed = |facts: &mut Facts| {
        forked(facts);
        of(facts, "ben-pc").alarms.push(Alarm { genuine: true, contradicting: true });
    };
    assert_eq!(found(alarmed), BTreeSet::new());
    let sees_one = |facts: &mut Facts| {
        forked(facts);
        facts.readers.clear();
    };
    assert_eq!(found(sees_one), BTreeSet::new());
    let without_proof = |facts: &mut Facts| {
        forked(facts);
        of(facts, "ben-pc").alarms.push(Alarm { genuine: false, contradicting: true });
    };
    assert!(found(without_proof).contains(&2));
}

#[test]
fn a_copy_of_another_history_is_noticed() {
    let follows = |facts: &mut Facts| {
        forked(facts);
        facts.devices.get_mut("ben-pc").unwrap().relay = "follower".to_owned();
        let copy = of(facts, "ben-pc").chain.clone();
        let follower = ("follower".to_owned(), CHANNEL.to_owned());
        facts.logs.insert(follower.clone(), copy);
        let rights = facts.readers[&("hub".to_owned(), CHANNEL.to_owned())].clone();
        facts.readers.insert(follower, rights);
    };
    assert!(found(follows).contains(&2));
    let proven = |facts: &mut Facts| {
        follows(facts);
        facts.proofs.insert(("follower".to_owned(), CHANNEL.to_owned()));
    };
    assert_eq!(found(proven), BTreeSet::new());
    let is_dropped = |facts: &mut Facts| {
        follows(facts);
        facts.dropped_relays.insert("follower".to_owned());
    };
    assert_eq!(found(is_dropped), BTreeSet::new());
    let is_left = |facts: &mut Facts| {
        follows(facts);
        // In its own history Ben has gone.
        of(facts, "ben-pc").standing = Standing::Removed;
        facts.readers.get_mut(&("follower".to_owned(), CHANNEL.to_owned())).unwrap()[0].to =
            Some(3);
    };
    assert_eq!(found(is_left), BTreeSet::new());
}

#[test]
fn one_history_has_one_record() {
    let lacks = |facts: &mut Facts| {
        forked(facts);
        of(facts, "ben-pc").alarms.push(Alarm { genuine: true, contradicting: true });
        of(facts, "ben-pc").entries.clear();
    };
    assert!(found(lacks).contains(&1));
}

#[test]
fn a_quote_of_another_history_is_noticed() {
    let quotes = |facts: &mut Facts| {
        let entry = Entry {
            quotes: Some((1, "other".to_owned())),
            ..entry(3, "ana-pc", "n2", "as I saw it")
        };
        of(facts, "ben-pc").entries.push(entry.clone());
        of(facts, "ana-pc").entries.push(entry);
    };
    assert!(found(quotes).contains(&2));
}

#[test]
fn relays_have_the_log_that_members_have() {
    let other = |facts: &mut Facts| {
        let log = BTreeMap::from([(1, "other".to_owned())]);
        facts.logs.insert(("hub".to_owned(), CHANNEL.to_owned()), log);
    };
    assert!(found(other).contains(&2));
}

#[test]
fn a_dropped_relay_may_keep_what_a_restored_hub_gave_up() {
    let channel = CHANNEL.to_owned();
    let keeps = |facts: &mut Facts| {
        let log = BTreeMap::from([(1, "other".to_owned())]);
        facts.logs.insert(("other".to_owned(), CHANNEL.to_owned()), log);
    };
    let is_found = |restored: bool, dropped: bool| {
        found(|facts| {
            keeps(facts);
            facts.restored.extend(restored.then(|| channel.clone()));
            facts.dropped_relays.extend(dropped.then(|| "other".to_owned()));
        })
        .contains(&2)
    };
    assert!(!is_found(true, true));
    assert!(is_found(true, false), "one that is listed goes back with its hub");
    assert!(is_found(false, true), "a hub that was never set back gives nothing up");
}

/// Ana's note was acknowledged at 2, and stands at 3 after the hub was restored.
fn moved(facts: &mut Facts) {
    facts.restored.insert(CHANNEL.to_owned());
    let again = entry(3, "ana-pc", "n1", "hello");
    of(facts, "ana-pc").entries = vec![again.clone()];
    of(facts, "ben-pc").entries = vec![again];
    let ana = facts.devices.get_mut("ana-pc").unwrap();
    ana.outcomes.insert("n1".to_owned(), Outcome::Accepted(Some(3)));
}

#[test]
fn a_restored_hub_says_what_it_lost() {
    assert!(found(moved).contains(&1));
    let told = |facts: &mut Facts| {
        moved(facts);
        for device in ["ana-pc", "ben-pc"] {
            of(facts, device).lost.insert(2, 2);
        }
    };
    assert_eq!(found(told), BTreeSet::new());
}

#[test]
fn whoever_was_revoked_cannot_hear_that_a_hub_was_restored() {
    let revoked = |facts: &mut Facts| {
        facts.revoked.insert("ben-pc".to_owned());
        of(facts, "ana-pc").members.remove("ben-pc");
        of(facts, "ben-pc").chain.insert(3, "lost".to_owned());
        of(facts, "ben-pc").entries.push(entry(3, "ana-pc", "n2", "lost"));
    };
    assert!(found(revoked).contains(&2));
    let restored = |facts: &mut Facts| {
        revoked(facts);
        facts.restored.insert(CHANNEL.to_owned());
    };
    assert_eq!(found(restored), BTreeSet::new());
}

/// The commit that let Ben in was brought back to its hub, the welcome that waited there was not.
#[test]
fn whoever_misses_a_welcome_since_its_hub_was_restored_is_excused() {
    let never_joined = |facts: &mut Facts| {
        facts.devices.get_mut("ben-pc").unwrap().channels.clear();
    };
    assert!(found(never_joined).contains(&0));
    let restored = |facts: &mut Facts| {
        never_joined(facts);
        facts.restored.insert(CHANNEL.to_owned());
    };
    assert_eq!(found(restored), BTreeSet::new());
}

#[test]
fn what_somebody_holds_is_not_lost() {
    let holds = |facts: &mut Facts| {
        facts.restored.insert(CHANNEL.to_owned());
        of(facts, "ana-pc").lost.insert(2, 2);
    };
    assert!(found(holds).contains(&1));
    let without_a_copy = |facts: &mut Facts| {
        of(facts, "ana-pc").lost.insert(3, 2);
    };
    assert!(found(without_a_copy).contains(&1));
    // What came after the hub had begun anew was not there to be lost.
    let came_after = |facts: &mut Facts| {
        facts.restored.insert(CHANNEL.to_owned());
        of(facts, "ana-pc").lost.insert(2, 1);
        for device in ["ana-pc", "ben-pc"] {
            of(facts, device).restarts.insert(1);
        }
    };
    assert_eq!(found(came_after), BTreeSet::new());
}

#[test]
fn a_channel_has_one_hub() {
    let ordered = |by: [&'static str; 2]| {
        move |facts: &mut Facts| {
            for (device, relay) in [("ana-pc", "a"), ("ben-pc", "b")] {
                facts.devices.get_mut(device).unwrap().relay = relay.to_owned();
            }
            let orders = ["a", "b"].into_iter().zip(by);
            let orders = orders.map(|(relay, hub)| (relay.to_owned(), hub.to_owned()));
            facts.ordered_by.insert(CHANNEL.to_owned(), orders.collect());
        }
    };
    assert_eq!(found(ordered(["b", "b"])), BTreeSet::new());
    assert_eq!(found(ordered(["a", "b"])), BTreeSet::from([2]), "each orders it");
    assert_eq!(found(ordered(["b", "a"])), BTreeSet::from([2]), "none does");
    let nobody_of_b = |facts: &mut Facts| {
        ordered(["a", "b"])(facts);
        facts.suspended.insert("ben-pc".to_owned());
    };
    assert!(!found(nobody_of_b).contains(&2), "a relay without members hears of nothing");
}
