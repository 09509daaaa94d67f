//! Invariant 9 of forums: whoever has been there since a question was asked, or something pinned, shows the
//! same answer to it, and it on top or not, as everybody else who has.

use std::collections::BTreeMap;

use super::acknowledged::must_have_all;
use super::restored::lost_something;
use super::{Findings, Membership};
use crate::facts::{Channel, DeviceId, Facts, Place, Standing};

type Thread = (Option<Place>, bool);

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    for channel in facts.hubs.keys() {
        if !facts.is_forked(channel) && !lost_something(facts, channel) {
            all_show_the_same(facts, membership, channel, found);
        }
    }
}

fn all_show_the_same(
    facts: &Facts,
    membership: &Membership,
    channel: &Channel,
    found: &mut Findings,
) {
    let mut seen: BTreeMap<Place, (&DeviceId, Thread)> = BTreeMap::new();
    for (device, shown) in facts.honest() {
        let Some(view) = shown.channels.get(channel) else { continue };
        if view.standing != Standing::Member {
            continue;
        }
        for (place, thread) in &view.threads {
            let was_there = membership.stays_from(channel, device, *place)
                && must_have_all(facts, device, channel, *place);
            if !was_there {
                continue;
            }
            let (first, other) = seen.entry(*place).or_insert((device, *thread));
            if other != thread {
                found.add(9, format!("at {place} of {channel} {first} shows (answer, on top) {other:?}, {device} {thread:?}"));
            }
        }
    }
}
