//! Who is in, as what, and what all of them show alike.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{CHANNEL, entry, found, of};
use crate::facts::{Acknowledged, Asked, Change, Copied, Facts, Outcome, SetBack, Standing, Wish};

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

/// Ana owns the channel, Ben is a lead of her authority.
pub(super) fn with_roles(facts: &mut Facts) {
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
