//! What modified programs do.

use std::collections::BTreeSet;

use super::{CHANNEL, found, of};
use crate::facts::{Breach, Change, Facts};

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
