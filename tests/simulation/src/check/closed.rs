//! Invariant 5 of closed channels: nothing is said in one, and nobody comes in. What was accepted while
//! it was open is there as always (invariant 1).

use std::ops::Range;

use super::membership::Changes;
use super::restored::lost_something;
use super::{Findings, Membership};
use crate::facts::{Change, Channel, Facts, Place, Standing};

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    for (channel, changes) in membership.changes() {
        // What a restored hub lost closed what is open now.
        if lost_something(facts, channel) {
            continue;
        }
        let closed = spans(changes);
        nobody_comes_in(channel, changes, &closed, found);
        nothing_is_said(facts, channel, &closed, found);
        all_know_it(facts, channel, changes, &closed, found);
    }
}

/// The places between each closing and the opening after it.
fn spans(changes: &Changes) -> Vec<Range<Place>> {
    let mut spans: Vec<Range<Place>> = Vec::new();
    for (place, change) in changes.iter().flat_map(|(p, all)| all.iter().map(move |c| (*p, c))) {
        match (change, spans.last_mut()) {
            (Change::Closed(true), _) => spans.push(place + 1..Place::MAX),
            (Change::Closed(false), Some(span)) => span.end = place,
            _ => {}
        }
    }
    spans
}

fn nobody_comes_in(
    channel: &Channel,
    changes: &Changes,
    closed: &[Range<Place>],
    found: &mut Findings,
) {
    for (place, changes) in changes {
        let admits = changes.iter().any(|change| matches!(change, Change::Admitted(_)));
        let is_closed = closed.iter().any(|span| (span.start - 1..=span.end).contains(place));
        if admits && is_closed {
            found.add(5, format!("{channel} is closed at {place}, and takes in: {changes:?}"));
        }
    }
}

fn nothing_is_said(
    facts: &Facts,
    channel: &Channel,
    closed: &[Range<Place>],
    found: &mut Findings,
) {
    for (device, shown) in facts.honest() {
        let entries = shown.channels.get(channel).map_or(&[][..], |view| view.entries.as_slice());
        for entry in entries {
            if closed.iter().any(|span| span.contains(&entry.place)) {
                found.add(
                    5,
                    format!("{device} shows what was said in the closed {channel}: {entry:?}"),
                );
            }
        }
    }
}

fn all_know_it(
    facts: &Facts,
    channel: &Channel,
    changes: &Changes,
    closed: &[Range<Place>],
    found: &mut Findings,
) {
    let is_closed = closed.last().is_some_and(|span| span.end == Place::MAX);
    let last = changes.keys().next_back();
    for (device, shown) in facts.honest() {
        let Some(view) = shown.channels.get(channel) else { continue };
        let is_current = view.standing == Standing::Member
            && view.stopped.is_none()
            && !facts.is_cut_off(device)
            && last.is_none_or(|last| view.next > *last);
        if is_current && view.closed != is_closed {
            let what =
                format!("{device} shows {channel} as closed: {}; it is: {is_closed}", view.closed);
            found.add(9, what);
        }
    }
}
