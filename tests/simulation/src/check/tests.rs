//! Each check finds what it is there for, and nothing in a good run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Violation, check};
use crate::facts::{
    Acknowledged, Alarm, Asked, Breach, Change, Copied, Entry, Facts, Outcome, Renewed, Right,
    SetBack, Shown, Standing, TakenBack, Tombstone, View, Wish,
};

const CHANNEL: &str = "c1";

fn entry(place: u64, author: &str, id: &str, text: &str) -> Entry {
    let (author, id, text) = (author.to_owned(), id.to_owned(), text.to_owned());
    Entry { place, author, id, text, erased: false, quotes: None }
}

fn view(first: u64) -> View {
    View {
        standing: Standing::Member,
        stopped: None,
        next: 4,
        authenticator: "key".to_owned(),
        policy: "policy".to_owned(),
        bundle: String::new(),
        moves: BTreeMap::new(),
        members: BTreeSet::from(["ana-pc".to_owned(), "ben-pc".to_owned()]),
        roles: BTreeMap::new(),
        stand_ins: BTreeMap::new(),
        closed: false,
        is_due: false,
        has_expired: false,
        not_done: 0,
        entries: vec![entry(2, "ana-pc", "n1", "hello")],
        changes: BTreeMap::from([(1, vec![Change::Admitted("ben-pc".to_owned())])]),
        joined: BTreeSet::new(),
        void: BTreeMap::new(),
        chain: (first..4).map(|place| (place, format!("h{place}"))).collect(),
        commits: BTreeMap::from([(1, "ana-pc".to_owned())]),
        lost: BTreeMap::new(),
        restarts: BTreeSet::new(),
        alarms: Vec::new(),
        threads: BTreeMap::new(),
        without_content: BTreeSet::new(),
        unreadable: BTreeMap::new(),
        left_out: BTreeMap::new(),
        leaves: BTreeMap::new(),
        unproven: BTreeSet::new(),
    }
}

/// Ana opens a channel, admits Ben at 1, and writes at 2.
fn good() -> Facts {
    let asked = |id: &str, what| Asked {
        at: Duration::ZERO,
        device: "ana-pc".to_owned(),
        channel: CHANNEL.to_owned(),
        id: id.to_owned(),
        what,
    };
    let acknowledged = |id: &str, place| Acknowledged {
        at: Duration::ZERO,
        device: "ana-pc".to_owned(),
        id: id.to_owned(),
        place: Some(place),
    };
    let shown = |officer: &str, first| Shown {
        officer: officer.to_owned(),
        relay: "hub".to_owned(),
        outcomes: BTreeMap::new(),
        channels: BTreeMap::from([(CHANNEL.to_owned(), view(first))]),
        holds: BTreeSet::new(),
        certificate: None,
    };
    let mut facts = Facts {
        asked: vec![
            asked("a1", Wish::Admit("ben".to_owned())),
            asked("n1", Wish::Note("hello".to_owned())),
        ],
        acknowledged: vec![acknowledged("a1", 1), acknowledged("n1", 2)],
        secrets: vec!["hello".to_owned()],
        kept_by_relays: vec![("a disk".to_owned(), b"nothing".to_vec())],
        ..Facts::default()
    };
    let mut ana = shown("ana", 0);
    ana.outcomes.insert("a1".to_owned(), Outcome::Accepted(Some(1)));
    ana.outcomes.insert("n1".to_owned(), Outcome::Accepted(Some(2)));
    facts.devices.insert("ana-pc".to_owned(), ana);
    facts.devices.insert("ben-pc".to_owned(), shown("ben", 2));
    facts
}

/// What is found when something is different.
fn found(change: impl FnOnce(&mut Facts)) -> BTreeSet<u8> {
    let mut facts = good();
    change(&mut facts);
    check(&facts).into_iter().map(|violation: Violation| violation.invariant).collect()
}

fn of<'f>(facts: &'f mut Facts, device: &str) -> &'f mut View {
    facts.devices.get_mut(device).unwrap().channels.get_mut(CHANNEL).unwrap()
}

#[test]
fn a_good_run_passes() {
    assert_eq!(check(&good()), []);
}

#[test]
fn a_lost_note_is_missed() {
    assert!(found(|facts| of(facts, "ben-pc").entries.clear()).contains(&1));
    assert!(found(|facts| of(facts, "ana-pc").entries.clear()).contains(&1));
}

#[test]
fn a_doubled_note_is_noticed() {
    let twice = found(|facts| {
        let again = entry(3, "ana-pc", "n1", "hello");
        of(facts, "ben-pc").entries.push(again.clone());
        of(facts, "ana-pc").entries.push(again);
    });
    assert!(twice.contains(&1));
}

#[test]
fn what_was_taken_must_not_be_forgotten_or_left() {
    let becomes = |outcome: Outcome| {
        move |facts: &mut Facts| {
            facts.devices.get_mut("ana-pc").unwrap().outcomes.insert("n1".to_owned(), outcome);
        }
    };
    assert!(found(becomes(Outcome::Forgotten)).contains(&1));
    assert!(found(becomes(Outcome::Queued)).contains(&0));
    assert!(found(becomes(Outcome::Accepted(Some(3)))).contains(&1));
}

#[test]
fn an_act_must_have_taken_effect() {
    let nothing = |facts: &mut Facts| {
        facts.devices.remove("ben-pc");
        of(facts, "ana-pc").changes.clear();
    };
    assert!(found(nothing).contains(&1));
}

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
fn forked(facts: &mut Facts) {
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
fn an_authority_comes_in_where_all_others_have_a_lead() {
    let waits = |others_role: &'static str| {
        move |facts: &mut Facts| {
            with_roles(facts);
            for device in ["ana-pc", "ben-pc"] {
                let other = ("cid@c".to_owned(), others_role.to_owned());
                let admitted = Change::Role(other.0.clone(), Some(other.1.clone()));
                of(facts, device).roles.insert(other.0, other.1);
                of(facts, device).changes.get_mut(&1).unwrap().push(admitted);
            }
            let admit = Wish::Admit("dora@d".to_owned());
            let asked = Asked { what: admit, id: "x".to_owned(), ..facts.asked[0].clone() };
            facts.asked.push(asked);
            let ana = facts.devices.get_mut("ana-pc").unwrap();
            ana.officer = "ana@a".to_owned();
            ana.outcomes.insert("x".to_owned(), Outcome::Queued);
        }
    };
    assert_eq!(found(waits("member")), BTreeSet::new());
    assert_eq!(found(waits("lead")), BTreeSet::from([0]));
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
fn who_was_set_back_and_let_in_anew_may_lack_what_it_wrote_itself_before() {
    let lacks = |copied: u64, joined: u64, author: &'static str| {
        move |facts: &mut Facts| {
            forked(facts);
            of(facts, "ana-pc").entries.clear();
            of(facts, "ana-pc").joined.insert(joined);
            of(facts, "ben-pc").entries = vec![entry(2, author, "n1", "hello")];
            let next = BTreeMap::from([(CHANNEL.to_owned(), copied)]);
            let copied = Copied { next, ..Copied::default() };
            let set_back = SetBack { copied, until: Duration::from_secs(9) };
            facts.set_back.insert("ana-pc".to_owned(), vec![set_back]);
        }
    };
    let is_found = |copied, joined, author| found(lacks(copied, joined, author)).contains(&1);
    assert!(!is_found(2, 3, "ana-pc"));
    assert!(is_found(3, 3, "ana-pc"), "it was on the copy");
    assert!(is_found(2, 2, "ana-pc"), "it was in");
    assert!(is_found(2, 3, "ben-pc"));
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

#[test]
fn relays_must_not_hold_a_secret() {
    let holds = |facts: &mut Facts| facts.kept_by_relays[0].1 = b"..hello..".to_vec();
    assert!(found(holds).contains(&3));
}

#[test]
fn nobody_has_what_came_before_or_after() {
    let early = |facts: &mut Facts| {
        let before = entry(0, "ana-pc", "n0", "early");
        of(facts, "ben-pc").entries.push(before.clone());
        of(facts, "ana-pc").entries.push(before);
    };
    assert!(found(early).contains(&4));
    let late = |facts: &mut Facts| {
        for device in ["ana-pc", "ben-pc"] {
            of(facts, device).changes.insert(2, vec![Change::Removed("ben-pc".to_owned())]);
            let after = entry(3, "ana-pc", "n2", "late");
            of(facts, device).entries.push(after);
        }
    };
    assert!(found(late).contains(&4));
}

#[test]
fn whoever_was_let_in_knows_it_where_nobody_else_does_any_more() {
    let forgotten = |facts: &mut Facts, joined: &[u64]| {
        facts.devices.get_mut("ana-pc").unwrap().channels.clear();
        facts.set_back.insert(
            "ana-pc".to_owned(),
            vec![SetBack { copied: Copied::default(), until: Duration::from_secs(9) }],
        );
        let ben = of(facts, "ben-pc");
        ben.changes.clear();
        ben.joined.extend(joined);
    };
    assert!(found(|facts| forgotten(facts, &[])).contains(&4));
    assert!(!found(|facts| forgotten(facts, &[1])).contains(&4));
}

#[test]
fn void_changes_are_void_for_all() {
    let one = |facts: &mut Facts| {
        of(facts, "ana-pc").void.insert(3, "ben-pc".to_owned());
    };
    assert!(found(one).contains(&5));
}

/// Ben's program is modified: it has done something at 3 that breaks the rules.
fn ben_breaks_the_rules(facts: &mut Facts) {
    let (channel, author) = (CHANNEL.to_owned(), "ben-pc".to_owned());
    facts.modified.insert(author.clone());
    facts.breaches.push(Breach { channel, place: 3, author: author.clone() });
    for device in ["ana-pc", "ben-pc"] {
        of(facts, device).commits.insert(3, author.clone());
    }
}

#[test]
fn a_breach_is_void_for_all_and_its_author_named() {
    assert!(found(ben_breaks_the_rules).contains(&5));
    let accused = |whom: &'static str| {
        move |facts: &mut Facts| {
            ben_breaks_the_rules(facts);
            of(facts, "ana-pc").void.insert(3, whom.to_owned());
        }
    };
    assert!(found(accused("ana-pc")).contains(&5));
    assert_eq!(found(accused("ben-pc")), BTreeSet::new());
    let lost = |facts: &mut Facts| {
        ben_breaks_the_rules(facts);
        of(facts, "ana-pc").commits.insert(3, "ana-pc".to_owned());
    };
    assert_eq!(found(lost), BTreeSet::new());
}

#[test]
fn what_nobody_said_is_not_shown() {
    assert!(found(|facts| facts.forged.push("hello".to_owned())).contains(&5));
}

#[test]
fn what_was_written_can_be_read() {
    let cannot = |facts: &mut Facts| {
        of(facts, "ben-pc").unreadable.insert(3, "ana-pc".to_owned());
    };
    assert!(found(cannot).contains(&1));
    assert!(
        !found(|facts| {
            cannot(facts);
            facts.modified.insert("ana-pc".to_owned());
        })
        .contains(&1)
    );
}

/// A hub that lost a change left Ben without keys from 2 on, until he was put back at 3.
fn put_back_at(place: u64) -> impl Fn(&mut Facts) {
    move |facts| {
        facts.restored.insert(CHANNEL.to_owned());
        of(facts, "ben-pc").entries.clear();
        let put_back = Change::PutBack("ben-pc".to_owned(), 2);
        of(facts, "ana-pc").changes.insert(place, vec![put_back]);
    }
}

#[test]
fn whoever_was_put_back_has_what_somebody_could_send_it() {
    assert!(found(put_back_at(3)).contains(&1));
    let nobody_could = |facts: &mut Facts| {
        put_back_at(3)(facts);
        of(facts, "ana-pc").roles.insert("ana".to_owned(), "observer".to_owned());
    };
    assert!(!found(nobody_could).contains(&1));
}

#[test]
fn whoever_was_put_back_lacks_what_came_before_and_nothing_else() {
    let by_an_observer = |place: u64| {
        move |facts: &mut Facts| {
            put_back_at(place)(facts);
            of(facts, "ana-pc").roles.insert("ana".to_owned(), "observer".to_owned());
        }
    };
    assert!(found(by_an_observer(2)).contains(&1));
    // In another log than his, nobody put him back.
    let elsewhere = |facts: &mut Facts| {
        by_an_observer(3)(facts);
        of(facts, "ben-pc").chain.insert(3, "other".to_owned());
    };
    assert!(found(elsewhere).contains(&1));
}

#[test]
fn nobody_loses_the_keys_without_a_reason() {
    let put_back = |facts: &mut Facts| {
        let put_back = vec![Change::PutBack("ben-pc".to_owned(), 2)];
        of(facts, "ana-pc").changes.insert(3, put_back);
        of(facts, "ben-pc").commits.insert(2, "cid-pc".to_owned());
    };
    assert!(found(put_back).contains(&9));
    let by_a_modified_program = |facts: &mut Facts| {
        put_back(facts);
        facts.modified.insert("cid-pc".to_owned());
    };
    assert_eq!(found(by_a_modified_program), BTreeSet::new());
}

#[test]
fn a_modified_program_is_held_to_nothing() {
    let lost = |facts: &mut Facts| {
        facts.modified.insert("ben-pc".to_owned());
        let ben = of(facts, "ben-pc");
        ben.entries.clear();
        ben.authenticator = "other".to_owned();
        ben.stopped = Some("it does not fit".to_owned());
        ben.changes.insert(1, vec![Change::Removed("ana-pc".to_owned())]);
    };
    assert_eq!(found(lost), BTreeSet::new());
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
fn the_revoked_get_nothing() {
    let revoked = |facts: &mut Facts| {
        facts.revoked.insert("ben-pc".to_owned());
        facts.probes.push("hello".to_owned());
    };
    assert!(found(revoked).contains(&7));
}

#[test]
fn the_revoked_are_taken_out() {
    let revoked = |facts: &mut Facts| _ = facts.revoked.insert("ben-pc".to_owned());
    assert!(found(revoked).contains(&7));
    let removed = |facts: &mut Facts| {
        revoked(facts);
        of(facts, "ana-pc").members.remove("ben-pc");
    };
    assert!(!found(removed).contains(&7));
}

/// Ben is suspended, goes at 3 for it, and comes back at 4 unless he does not.
#[test]
fn nobody_stands_in_without_a_mandate_or_when_it_is_over() {
    let stands_in = |is_over: bool, is_mandated: bool| {
        move |facts: &mut Facts| {
            with_roles(facts);
            of(facts, "ana-pc").stand_ins.insert("ben@a".to_owned(), is_over);
            assert!(of(facts, "ana-pc").roles.contains_key("ben@a"));
            let mandate = (CHANNEL.to_owned(), "ben@a".to_owned());
            facts.mandates.extend(is_mandated.then_some(mandate));
        }
    };
    assert_eq!(found(stands_in(false, true)), BTreeSet::new());
    assert_eq!(found(stands_in(true, true)), BTreeSet::from([0]));
    assert_eq!(found(stands_in(false, false)), BTreeSet::from([5]));
}

#[test]
fn only_what_was_done_since_a_disk_was_copied_may_be_forgotten() {
    let set_back_at = |copied: u64| {
        move |facts: &mut Facts| {
            let device = facts.devices.get_mut("ana-pc").unwrap();
            device.outcomes.insert("n1".to_owned(), Outcome::Forgotten);
            let copied = Copied { at: Duration::from_secs(copied), ..Copied::default() };
            let set_back = SetBack { copied, until: Duration::from_secs(9) };
            facts.set_back.insert("ana-pc".to_owned(), vec![set_back]);
        }
    };
    assert_eq!(found(set_back_at(0)), BTreeSet::new());
    assert_eq!(found(set_back_at(1)), BTreeSet::from([1]));
    let as_it_was_put_back = |facts: &mut Facts| {
        set_back_at(0)(facts);
        facts.set_back.get_mut("ana-pc").unwrap()[0].until = Duration::ZERO;
    };
    assert_eq!(found(as_it_was_put_back), BTreeSet::new());
}

#[test]
fn what_was_acknowledged_since_a_copy_may_wait_where_nobody_serves_the_device() {
    let waits = |copied: u64| {
        move |facts: &mut Facts| {
            facts.revoked.insert("ana-pc".to_owned());
            let ana = facts.devices.get_mut("ana-pc").unwrap();
            ana.outcomes.insert("n1".to_owned(), Outcome::Queued);
            facts.acknowledged[1].at = Duration::from_secs(5);
            let next = BTreeMap::from([(CHANNEL.to_owned(), 2)]);
            let copied = Copied { at: Duration::from_secs(copied), next, ..Copied::default() };
            let set_back = SetBack { copied, until: Duration::from_secs(9) };
            facts.set_back.insert("ana-pc".to_owned(), vec![set_back]);
        }
    };
    assert!(!found(waits(4)).contains(&1));
    assert!(found(waits(6)).contains(&1), "the copy had heard of it");
    let served = |facts: &mut Facts| {
        waits(4)(facts);
        facts.revoked.clear();
    };
    assert!(found(served).contains(&0), "it waits in vain");
}

#[test]
fn nothing_stays_on_a_disk_when_its_time_is_over() {
    let holds = |is_due: bool| {
        move |facts: &mut Facts| {
            of(facts, "ana-pc").is_due = is_due;
            facts.devices.get_mut("ana-pc").unwrap().holds.insert("hello".to_owned());
        }
    };
    assert_eq!(found(holds(false)), BTreeSet::new());
    assert_eq!(found(holds(true)), BTreeSet::from([1]));
}

fn suspended(comes_back_as: Option<&'static str>) -> impl Fn(&mut Facts) {
    move |facts| {
        with_roles(facts);
        facts.once_suspended.insert("ben-pc".to_owned());
        let ben = || "ben-pc".to_owned();
        let role = |role: Option<&str>| Change::Role("ben@a".to_owned(), role.map(str::to_owned));
        facts.devices.get_mut("ben-pc").unwrap().officer = "ben@a".to_owned();
        facts.asked.remove(0);
        for device in ["ana-pc", "ben-pc"] {
            let view = of(facts, device);
            let goes = vec![Change::Removed(ben()), Change::Suspended(ben()), role(None)];
            view.changes.insert(3, goes);
            view.next = 5;
            if let Some(back) = comes_back_as {
                let back = vec![Change::Returned(ben()), Change::Admitted(ben()), role(Some(back))];
                view.changes.insert(4, back);
                view.roles.insert("ben@a".to_owned(), comes_back_as.unwrap().to_owned());
            } else {
                view.members.remove("ben-pc");
                view.roles.remove("ben@a");
                view.standing = match device {
                    "ben-pc" => Standing::Removed,
                    _ => Standing::Member,
                };
            }
        }
    }
}

#[test]
fn the_suspended_go_and_come_back_as_what_they_were() {
    assert_eq!(found(suspended(Some("lead"))), BTreeSet::new());
    assert!(found(suspended(Some("owner"))).contains(&5));
    assert_eq!(found(suspended(None)), BTreeSet::from([0]));
    let still_is = |facts: &mut Facts| {
        suspended(None)(facts);
        facts.suspended.insert("ben-pc".to_owned());
    };
    assert_eq!(found(still_is), BTreeSet::new());
    let not_taken_out = |facts: &mut Facts| {
        suspended(Some("lead"))(facts);
        facts.suspended.insert("ben-pc".to_owned());
    };
    assert!(found(not_taken_out).contains(&7));
    let never_was = |facts: &mut Facts| {
        suspended(Some("lead"))(facts);
        facts.once_suspended.clear();
    };
    assert!(found(never_was).contains(&5));
    let removed_by_hand = |facts: &mut Facts| {
        suspended(None)(facts);
        let asked = facts.asked[0].clone();
        facts.asked.push(Asked {
            what: Wish::Remove("ben@a".to_owned()),
            id: "r".to_owned(),
            ..asked
        });
        let failed = Outcome::Failed("is out".to_owned());
        facts.devices.get_mut("ana-pc").unwrap().outcomes.insert("r".to_owned(), failed);
        of(facts, "ana-pc").not_done = 1;
    };
    assert_eq!(found(removed_by_hand), BTreeSet::new());
}

/// Ana withdraws her note at 3, and has the relays erase it.
fn withdrawn(facts: &mut Facts) {
    facts.hubs.insert(CHANNEL.to_owned(), "hub".to_owned());
    let ana = facts.devices.get_mut("ana-pc").unwrap();
    ana.outcomes.insert("w1".to_owned(), Outcome::Accepted(Some(3)));
    let asked = Asked { id: "w1".to_owned(), ..facts.asked[1].clone() };
    facts.asked.push(Asked { what: Wish::Note("a mistake".to_owned()), ..asked });
    let said = |id: &str| ("ana-pc".to_owned(), id.to_owned());
    facts.taken_back.push(TakenBack {
        channel: CHANNEL.to_owned(),
        by: said("w1"),
        of: said("n1"),
        withdrawn: true,
    });
    for device in ["ana-pc", "ben-pc"] {
        let view = of(facts, device);
        view.entries[0] = Entry { erased: true, ..entry(2, "ana-pc", "n1", "") };
        view.entries.push(entry(3, "ana-pc", "w1", "a mistake"));
    }
    let key = ("hub".to_owned(), CHANNEL.to_owned());
    let (by, author) = ("ana-pc".to_owned(), "ana-pc".to_owned());
    facts.tombstones.insert(key, vec![Tombstone { by, author, erased: 2 }]);
}

#[test]
fn what_is_withdrawn_is_erased_everywhere() {
    assert_eq!(found(withdrawn), BTreeSet::new());
    let is_shown = |facts: &mut Facts| {
        withdrawn(facts);
        of(facts, "ben-pc").entries[0] = entry(2, "ana-pc", "n1", "hello");
    };
    assert!(found(is_shown).contains(&1));
    let is_held = |facts: &mut Facts| {
        withdrawn(facts);
        facts.devices.get_mut("ben-pc").unwrap().holds.insert("hello".to_owned());
    };
    assert!(found(is_held).contains(&1));
    let relays_keep_it = |facts: &mut Facts| {
        withdrawn(facts);
        let key = ("hub".to_owned(), CHANNEL.to_owned());
        facts.payloads.insert(key, BTreeSet::from([2]));
    };
    assert!(found(relays_keep_it).contains(&1));
    let nobody_told_them = |facts: &mut Facts| {
        withdrawn(facts);
        facts.tombstones.clear();
    };
    assert!(found(nobody_told_them).contains(&1));
    let came_later = |facts: &mut Facts| {
        withdrawn(facts);
        of(facts, "ben-pc").entries.remove(0);
        of(facts, "ben-pc").without_content.insert(2);
    };
    assert_eq!(found(came_later), BTreeSet::new());
}

#[test]
fn who_holds_keeps_what_is_withdrawn_until_the_hold_ends() {
    let held = |facts: &mut Facts| {
        withdrawn(facts);
        facts.devices.get_mut("ben-pc").unwrap().officer = "ben@b".to_owned();
        facts.asked.remove(0);
        for device in ["ana-pc", "ben-pc"] {
            let placed = vec![Change::Hold("b".to_owned(), true)];
            of(facts, device).changes.insert(2, placed);
        }
    };
    assert!(found(held).contains(&1), "Ben has erased it");
    let keeps = |facts: &mut Facts| {
        held(facts);
        of(facts, "ben-pc").entries[0] = entry(2, "ana-pc", "n1", "hello");
        facts.devices.get_mut("ben-pc").unwrap().holds.insert("hello".to_owned());
    };
    assert_eq!(found(keeps), BTreeSet::new());
    let lifted = |facts: &mut Facts| {
        keeps(facts);
        for device in ["ana-pc", "ben-pc"] {
            let lifted = vec![Change::Hold("b".to_owned(), false)];
            of(facts, device).changes.insert(3, lifted);
        }
    };
    assert!(found(lifted).contains(&1));
}

/// A newer bundle lists Ben's authority no longer; Ana has taken him out.
fn dropped(facts: &mut Facts) {
    with_roles(facts);
    facts.hubs.insert(CHANNEL.to_owned(), "hub".to_owned());
    facts.bundle = "second".to_owned();
    for all in [&mut facts.dropped, &mut facts.once_dropped] {
        all.insert("ben-pc".to_owned());
    }
    let ana = of(facts, "ana-pc");
    let ben = || "ben-pc".to_owned();
    let goes =
        [Change::Removed(ben()), Change::Dropped(ben()), Change::Role("ben@a".to_owned(), None)];
    ana.changes.insert(3, goes.to_vec());
    ana.members.remove("ben-pc");
    ana.roles.remove("ben@a");
    ana.bundle = "second".to_owned();
    of(facts, "ben-pc").next = 3;
}

#[test]
fn channels_follow_the_bundle_and_whom_it_drops_is_out() {
    assert_eq!(found(dropped), BTreeSet::new());
    let does_not_follow = |facts: &mut Facts| {
        dropped(facts);
        of(facts, "ana-pc").bundle = "first".to_owned();
    };
    assert!(found(does_not_follow).contains(&0));
    let still_in = |facts: &mut Facts| {
        dropped(facts);
        of(facts, "ana-pc").members.insert("ben-pc".to_owned());
    };
    assert!(found(still_in).contains(&7));
    let reads_on = |facts: &mut Facts| {
        dropped(facts);
        facts.probes.push("hello".to_owned());
    };
    assert!(found(reads_on).contains(&7));
    let never_was = |facts: &mut Facts| {
        dropped(facts);
        facts.once_dropped.clear();
    };
    assert!(found(never_was).contains(&5));
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

#[test]
fn a_question_has_one_answer() {
    let answered = |answers: [u64; 2]| {
        move |facts: &mut Facts| {
            facts.hubs.insert(CHANNEL.to_owned(), "hub".to_owned());
            for (device, answer) in ["ana-pc", "ben-pc"].into_iter().zip(answers) {
                of(facts, device).threads.insert(2, (Some(answer), false));
            }
        }
    };
    assert_eq!(found(answered([3, 3])), BTreeSet::new());
    assert_eq!(found(answered([3, 4])), BTreeSet::from([9]));
    let on_top = |facts: &mut Facts| {
        answered([3, 3])(facts);
        of(facts, "ben-pc").threads.insert(2, (Some(3), true));
    };
    assert_eq!(found(on_top), BTreeSet::from([9]));
}

#[test]
fn nothing_else_is_erased() {
    let erased = |facts: &mut Facts| {
        facts.hubs.insert(CHANNEL.to_owned(), "hub".to_owned());
        of(facts, "ben-pc").entries[0] = Entry { erased: true, ..entry(2, "ana-pc", "n1", "") };
    };
    assert!(found(erased).contains(&1));
    let never_came = |facts: &mut Facts| {
        facts.hubs.insert(CHANNEL.to_owned(), "hub".to_owned());
        of(facts, "ben-pc").entries.clear();
        of(facts, "ben-pc").without_content.insert(2);
    };
    assert!(found(never_came).contains(&1));
}

#[test]
fn nobody_stays_without_the_keys_where_others_could_help() {
    let stranded = |facts: &mut Facts| of(facts, "ben-pc").standing = Standing::Stranded;
    assert_eq!(found(stranded), BTreeSet::from([0]));
    let nobody_could = |facts: &mut Facts| {
        stranded(facts);
        facts.modified.insert("ana-pc".to_owned());
    };
    assert_eq!(found(nobody_could), BTreeSet::new());
}

#[test]
fn a_new_group_is_one_that_was_asked_for_and_an_expelled_authority_reads_no_more() {
    let asks = |what: Wish| {
        move |facts: &mut Facts| {
            let asked = Asked { id: "g1".to_owned(), what, ..facts.asked[1].clone() };
            facts.asked.push(asked);
            let told = Acknowledged {
                id: "g1".to_owned(),
                place: Some(3),
                ..facts.acknowledged[1].clone()
            };
            facts.acknowledged.push(told);
            let ana = facts.devices.get_mut("ana-pc").unwrap();
            ana.outcomes.insert("g1".to_owned(), Outcome::Accepted(Some(3)));
        }
    };
    assert!(found(asks(Wish::NewGroup)).contains(&1));
    let founded = |facts: &mut Facts| {
        asks(Wish::NewGroup)(facts);
        for device in ["ana-pc", "ben-pc"] {
            of(facts, device).changes.insert(3, vec![Change::Founded]);
        }
    };
    assert_eq!(found(founded), BTreeSet::new());
    let cid = "pc.cid.officer.c";
    let expelled = |facts: &mut Facts| {
        asks(Wish::Expel("c".to_owned()))(facts);
        let mut shown = facts.devices["ben-pc"].clone();
        shown.officer = "cid@c".to_owned();
        facts.devices.insert(cid.to_owned(), shown);
        of(facts, cid).standing = Standing::Removed;
        let out = vec![Change::Founded, Change::Expelled("c".to_owned())];
        for device in ["ana-pc", "ben-pc"] {
            let view = of(facts, device);
            view.changes.get_mut(&1).unwrap().push(Change::Admitted(cid.to_owned()));
            view.changes.insert(3, out.clone());
        }
        let admitted = of(facts, "ana-pc").changes[&1].clone();
        let view = of(facts, cid);
        view.changes.insert(1, admitted);
        view.commits.insert(3, "ana-pc".to_owned());
        view.left_out.insert(3, "ana-pc".to_owned());
    };
    assert_eq!(found(expelled), BTreeSet::new());
    let unsaid = |facts: &mut Facts| {
        expelled(facts);
        of(facts, cid).left_out.clear();
    };
    assert!(found(unsaid).contains(&0), "nobody told Cid");
    let of_another = |facts: &mut Facts| {
        expelled(facts);
        of(facts, cid).left_out.insert(3, "ben-pc".to_owned());
    };
    assert!(found(of_another).contains(&0), "it was Ana");
    let waits_with = |third: &[&str]| {
        let leads: Vec<_> =
            third.iter().map(|lead| ((*lead).to_owned(), "lead".to_owned())).collect();
        move |facts: &mut Facts| {
            asks(Wish::Expel("c".to_owned()))(facts);
            facts.acknowledged.pop();
            let ana = facts.devices.get_mut("ana-pc").unwrap();
            ana.officer = "ana@a".to_owned();
            ana.outcomes.insert("g1".to_owned(), Outcome::Queued);
            of(facts, "ana-pc").roles.extend(leads);
        }
    };
    assert!(found(waits_with(&["ben@b", "cid@c"])).contains(&0), "Ben could consent");
    assert!(!found(waits_with(&["cid@c"])).contains(&0), "of two none puts the other out");
    let reads_on = |facts: &mut Facts| {
        expelled(facts);
        for device in ["ana-pc", "ben-pc", cid] {
            let said = entry(3, "ana-pc", "n2", "among us");
            of(facts, device).entries.push(said);
        }
    };
    assert!(found(reads_on).contains(&4));
}

#[test]
fn states_are_the_same() {
    assert!(found(|facts| of(facts, "ben-pc").authenticator = "other".to_owned()).contains(&9));
    assert!(found(|facts| of(facts, "ben-pc").policy = "other".to_owned()).contains(&9));
    assert!(found(|facts| of(facts, "ben-pc").members.clear()).contains(&9));
    assert!(found(|facts| of(facts, "ben-pc").next = 3).contains(&0));
}

#[test]
fn a_member_knows_that_it_is_one() {
    assert!(found(|facts| of(facts, "ben-pc").standing = Standing::Removed).contains(&0));
    let nothing = |facts: &mut Facts| facts.devices.get_mut("ben-pc").unwrap().channels.clear();
    assert!(found(nothing).contains(&0));
}

#[test]
fn a_panic_is_noticed() {
    assert!(found(|facts| facts.panics.push("at line 1".to_owned())).contains(&6));
}

/// Ana owns the channel, Ben is a lead of her authority.
fn with_roles(facts: &mut Facts) {
    facts.openers.insert(CHANNEL.to_owned(), "ana@a".to_owned());
    let roles = [("ana@a", "owner"), ("ben@a", "lead")].map(|(o, r)| (o.to_owned(), r.to_owned()));
    for device in ["ana-pc", "ben-pc"] {
        let lead = Change::Role("ben@a".to_owned(), Some("lead".to_owned()));
        of(facts, device).changes.get_mut(&1).unwrap().push(lead);
        of(facts, device).roles = BTreeMap::from(roles.clone());
    }
}

#[test]
fn an_owner_who_goes_is_succeeded() {
    assert_eq!(found(with_roles), BTreeSet::new());
    let goes = |facts: &mut Facts| {
        with_roles(facts);
        facts.revoked.insert("ana-pc".to_owned());
        let ben = of(facts, "ben-pc");
        ben.members.remove("ana-pc");
        ben.roles.remove("ana@a");
        let out = [Change::Removed("ana-pc".to_owned()), Change::Role("ana@a".to_owned(), None)];
        ben.changes.insert(3, out.to_vec());
        of(facts, "ana-pc").next = 3;
    };
    assert_eq!(found(goes), BTreeSet::from([9]));
    let succeeds = |facts: &mut Facts| {
        goes(facts);
        let ben = of(facts, "ben-pc");
        let heir = Change::Role("ben@a".to_owned(), Some("owner".to_owned()));
        ben.changes.get_mut(&3).unwrap().push(heir);
        ben.roles.insert("ben@a".to_owned(), "owner".to_owned());
    };
    assert_eq!(found(succeeds), BTreeSet::new());
}

#[test]
fn there_are_no_two_owners_and_all_show_the_same_roles() {
    let two = |facts: &mut Facts| {
        with_roles(facts);
        for device in ["ana-pc", "ben-pc"] {
            let second = Change::Role("ben@a".to_owned(), Some("owner".to_owned()));
            of(facts, device).changes.insert(3, vec![second]);
            of(facts, device).roles.insert("ben@a".to_owned(), "owner".to_owned());
        }
    };
    assert!(found(two).contains(&9));
    let shows_another = |facts: &mut Facts| {
        with_roles(facts);
        of(facts, "ben-pc").roles.insert("ben@a".to_owned(), "member".to_owned());
    };
    assert!(found(shows_another).contains(&9));
}

/// The channel is closed at a place.
fn closed_at(place: u64) -> impl Fn(&mut Facts) {
    move |facts| {
        for device in ["ana-pc", "ben-pc"] {
            of(facts, device).changes.entry(place).or_default().push(Change::Closed(true));
            of(facts, device).closed = true;
        }
    }
}

#[test]
fn nothing_is_said_in_a_closed_channel_and_nobody_comes_in() {
    assert_eq!(found(closed_at(3)), BTreeSet::new());
    // The note stands at 2, Ben came in at 1.
    assert!(found(closed_at(1)).contains(&5));
    assert!(found(closed_at(0)).contains(&5));
    let opened = |facts: &mut Facts| {
        closed_at(0)(facts);
        for device in ["ana-pc", "ben-pc"] {
            of(facts, device).changes.get_mut(&0).unwrap().push(Change::Closed(false));
            of(facts, device).closed = false;
        }
    };
    assert!(!found(opened).contains(&9));
    let does_not_know = |facts: &mut Facts| {
        closed_at(3)(facts);
        of(facts, "ben-pc").closed = false;
    };
    assert!(found(does_not_know).contains(&9));
}

#[test]
fn a_device_that_was_named_is_in_and_no_other() {
    let named = |facts: &mut Facts| {
        facts.devices.get_mut("ben-pc").unwrap().officer = "ana".to_owned();
        facts.openers.insert(CHANNEL.to_owned(), "ana".to_owned());
        facts.once_named.insert("ben-pc".to_owned());
        let others = BTreeSet::from(["ben-pc".to_owned()]);
        facts.named.insert("ana-pc".to_owned(), others);
        for device in ["ana-pc", "ben-pc"] {
            of(facts, device).roles.insert("ana".to_owned(), "owner".to_owned());
        }
        facts.asked.remove(0);
    };
    assert_eq!(found(named), BTreeSet::new());
    let never_named = |facts: &mut Facts| {
        named(facts);
        facts.once_named.clear();
    };
    assert!(found(never_named).contains(&5));
    let not_in = |facts: &mut Facts| {
        named(facts);
        of(facts, "ana-pc").members.remove("ben-pc");
    };
    assert!(found(not_in).contains(&0));
}

/// Ana's first device goes, and comes back by her other one.
#[test]
fn whoever_opened_a_channel_may_go_and_come_back() {
    let comes_back = |facts: &mut Facts| {
        facts.once_named.insert("ana-pc".to_owned());
        for device in ["ana-pc", "ben-pc"] {
            let view = of(facts, device);
            view.changes.insert(2, vec![Change::Removed("ana-pc".to_owned())]);
            view.changes.insert(3, vec![Change::Admitted("ana-pc".to_owned())]);
            view.entries.clear();
        }
        facts.asked.truncate(1);
        facts.acknowledged.truncate(1);
    };
    assert_eq!(found(comes_back), BTreeSet::new());
}

#[test]
fn of_what_failed_officers_are_told() {
    let failed = |facts: &mut Facts| {
        let asked = Asked { id: "n2".to_owned(), ..facts.asked[1].clone() };
        facts.asked.push(Asked { what: Wish::Note("never sent".to_owned()), ..asked });
        let outcome = Outcome::Failed("the channel is closed".to_owned());
        facts.devices.get_mut("ana-pc").unwrap().outcomes.insert("n2".to_owned(), outcome);
    };
    assert_eq!(found(failed), BTreeSet::from([0]));
    let told = |facts: &mut Facts| {
        failed(facts);
        of(facts, "ana-pc").not_done = 1;
    };
    assert_eq!(found(told), BTreeSet::new());
}

/// Ana has a certificate that ends later, and all know it.
fn renewed(facts: &mut Facts) {
    facts.due.insert("ana-pc".to_owned(), 10);
    let (at, device) = (Duration::from_secs(100), "ana-pc".to_owned());
    facts.renewed.push(Renewed { at, device, until: 20 });
    facts.devices.get_mut("ana-pc").unwrap().certificate = Some(20);
    for device in ["ana-pc", "ben-pc"] {
        of(facts, device).leaves.insert("ana-pc".to_owned(), 20);
    }
}

#[test]
fn a_certificate_is_renewed_in_time_and_wherever_its_device_is() {
    assert_eq!(found(renewed), BTreeSet::new());
    let stays = |certificate: Option<u64>| {
        move |facts: &mut Facts| {
            renewed(facts);
            facts.devices.get_mut("ana-pc").unwrap().certificate = certificate;
        }
    };
    assert_eq!(found(stays(Some(10))), BTreeSet::from([0]));
    assert_eq!(found(stays(None)), BTreeSet::from([0]));
    let is_known_by_the_former = |facts: &mut Facts| {
        renewed(facts);
        of(facts, "ben-pc").leaves.insert("ana-pc".to_owned(), 10);
    };
    assert_eq!(found(is_known_by_the_former), BTreeSet::from([0]));
}

#[test]
fn whoever_is_cut_off_gets_no_other_certificate() {
    let since = |seconds: u64| {
        move |facts: &mut Facts| {
            renewed(facts);
            facts.cut_off_at.insert("ana-pc".to_owned(), Duration::from_secs(seconds));
        }
    };
    assert_eq!(found(since(60)), BTreeSet::from([7]));
    assert_eq!(found(since(90)), BTreeSet::new(), "it was on its way");
}

#[test]
fn what_was_written_under_a_former_certificate_stays_its_authors() {
    let unproven = |facts: &mut Facts| _ = of(facts, "ben-pc").unproven.insert(2);
    assert_eq!(found(unproven), BTreeSet::from([1]));
}

#[test]
fn nobody_stays_out_for_a_certificate_that_has_ended() {
    let failed = |facts: &mut Facts| {
        let failed = Outcome::Failed("the certificate has expired".to_owned());
        facts.devices.get_mut("ana-pc").unwrap().outcomes.insert("a1".to_owned(), failed);
    };
    assert!(found(failed).contains(&0));
}
