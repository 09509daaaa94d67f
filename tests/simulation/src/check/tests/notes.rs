//! Notes and acts: nothing is lost, doubled or left lying.

use std::collections::BTreeSet;

use super::members::with_roles;
use super::{entry, found, of};
use crate::facts::{Asked, Change, Facts, Outcome, Wish};

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
