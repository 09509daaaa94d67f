//! Devices without keys, or whose disk was put back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::histories::forked;
use super::{CHANNEL, entry, found, of};
use crate::facts::{Change, Copied, Facts, Outcome, SetBack, Standing};

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
fn nobody_stays_without_the_keys_where_others_could_help() {
    let stranded = |facts: &mut Facts| of(facts, "ben-pc").standing = Standing::Stranded;
    assert_eq!(found(stranded), BTreeSet::from([0]));
    let nobody_could = |facts: &mut Facts| {
        stranded(facts);
        facts.modified.insert("ana-pc".to_owned());
    };
    assert_eq!(found(nobody_could), BTreeSet::new());
}
