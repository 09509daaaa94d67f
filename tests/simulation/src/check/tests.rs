//! Each check finds what it is there for, and nothing in a good run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Violation, check};
use crate::facts::{
    Acknowledged, Alarm, Asked, Change, Entry, Facts, Outcome, Shown, Standing, View, Wish,
};

const CHANNEL: &str = "c1";

fn entry(place: u64, author: &str, id: &str, text: &str) -> Entry {
    Entry { place, author: author.to_owned(), id: id.to_owned(), text: text.to_owned() }
}

fn view(first: u64) -> View {
    View {
        standing: Standing::Member,
        stopped: None,
        next: 4,
        authenticator: "key".to_owned(),
        policy: "policy".to_owned(),
        members: BTreeSet::from(["ana-pc".to_owned(), "ben-pc".to_owned()]),
        entries: vec![entry(2, "ana-pc", "n1", "hello")],
        changes: BTreeMap::from([(1, vec![Change::Admitted("ben-pc".to_owned())])]),
        void: BTreeMap::new(),
        chain: (first..4).map(|place| (place, format!("h{place}"))).collect(),
        alarms: Vec::new(),
        unreadable: BTreeSet::new(),
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
        outcomes: BTreeMap::new(),
        channels: BTreeMap::from([(CHANNEL.to_owned(), view(first))]),
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
fn a_false_alarm_is_noticed() {
    let alarm = |facts: &mut Facts| {
        of(facts, "ben-pc").alarms.push(Alarm { genuine: true, contradicting: false });
    };
    assert!(found(alarm).contains(&2));
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
fn void_changes_are_void_for_all() {
    let one = |facts: &mut Facts| {
        of(facts, "ana-pc").void.insert(3, "ben-pc".to_owned());
    };
    assert!(found(one).contains(&5));
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
