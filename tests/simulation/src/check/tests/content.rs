//! What a channel says: answers, what is withdrawn or has run its time, and a closed case.

use std::collections::BTreeSet;

use super::{CHANNEL, entry, found, of};
use crate::facts::{Asked, Change, Entry, Facts, Outcome, TakenBack, Tombstone, Wish};

#[test]
fn relays_must_not_hold_a_secret() {
    let holds = |facts: &mut Facts| facts.kept_by_relays[0].1 = b"..hello..".to_vec();
    assert!(found(holds).contains(&3));
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
