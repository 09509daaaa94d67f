//! Each check finds what it is there for, and nothing in a good run.

mod content;
mod cut_off;
mod histories;
mod members;
mod notes;
mod put_back;
mod rogues;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Violation, check};
use crate::facts::{
    Acknowledged, Asked, Change, Entry, Facts, Outcome, Shown, Standing, View, Wish,
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
fn a_panic_is_noticed() {
    assert!(found(|facts| facts.panics.push("at line 1".to_owned())).contains(&6));
}
