//! Who is revoked or suspended, and whose certificate ends.

use std::collections::BTreeSet;
use std::time::Duration;

use super::members::with_roles;
use super::{found, good, of};
use crate::check::{Findings, renewed as certificates};
use crate::facts::{Asked, Change, Facts, Outcome, Renewed, Standing, Wish};

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

#[test]
fn whoever_is_cut_off_stays_out_with_a_certificate_that_has_ended() {
    let is_found = |since: u64, of: &str| {
        let mut facts = good();
        facts.asked[0].at = Duration::from_secs(60);
        facts.cut_off_at.insert("dora-pc".to_owned(), Duration::from_secs(since));
        let failed = Outcome::Failed(format!("refused: the certificate of {of} is expired"));
        facts.devices.get_mut("ana-pc").unwrap().outcomes.insert("a1".to_owned(), failed);
        let mut found = Findings::default();
        certificates::check(&facts, &mut found);
        found.0.iter().any(|violation| violation.invariant == 0)
    };
    assert!(!is_found(60, "dora-pc"));
    assert!(is_found(61, "dora-pc"), "it could have had another one until then");
    assert!(is_found(60, "eva-pc"), "it is another one's");
}
