//! Invariants 0 and 5 of officers with several devices: what an officer named is wherever the device is
//! on which she did so; and nobody's second device comes in that was never named.

use std::collections::{BTreeMap, BTreeSet};

use super::restored::lost_something;
use super::roles::is_of;
use super::{Findings, Membership};
use crate::facts::{Change, Channel, DeviceId, Facts, Standing, View};

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    for (device, named) in &facts.named {
        let Some(shown) = facts.devices.get(device).filter(|_| takes_part(facts, device)) else {
            continue;
        };
        for (channel, view) in &shown.channels {
            are_in(facts, (device, named), channel, view, found);
        }
    }
    for (channel, changes) in membership.changes() {
        none_comes_unnamed(facts, channel, changes.values(), found);
    }
}

fn takes_part(facts: &Facts, device: &DeviceId) -> bool {
    facts.is_honest(device) && facts.is_served(device) && !facts.is_cut_off(device)
}

fn are_in(
    facts: &Facts,
    (device, named): (&DeviceId, &BTreeSet<DeviceId>),
    channel: &Channel,
    view: &View,
    found: &mut Findings,
) {
    let is_open = view.standing == Standing::Member && view.stopped.is_none() && !view.closed;
    // A hub that lost an admission did not lose it for whoever asked for it.
    if !is_open || facts.is_forked(channel) || lost_something(facts, channel) {
        return;
    }
    for other in named.difference(&view.members).filter(|other| takes_part(facts, other)) {
        found.add(0, format!("{device} was told of {other}, which is not in {channel}"));
    }
}

fn none_comes_unnamed<'f>(
    facts: &Facts,
    channel: &Channel,
    changes: impl Iterator<Item = &'f Vec<Change>>,
    found: &mut Findings,
) {
    let mut inside: BTreeMap<&String, BTreeSet<&DeviceId>> = BTreeMap::new();
    let officer = |device| facts.devices.get(device).map(|shown| &shown.officer);
    if let Some(opener) = facts.openers.get(channel) {
        inside.entry(opener).or_default();
    }
    for (changes, change) in changes.flat_map(|all| all.iter().map(move |change| (all, change))) {
        match change {
            Change::Admitted(device) => {
                let Some(officer) = officer(device) else { continue };
                // Whoever comes back was in before.
                let returns = changes.contains(&Change::Returned(device.clone()));
                let is_second = inside.contains_key(officer) && !returns;
                if is_second && !facts.once_named.contains(device) {
                    found.add(5, format!("{device} came into {channel} and was never named"));
                }
                inside.entry(officer).or_default().insert(device);
            }
            Change::Role(officer, None) => _ = inside.remove(officer),
            Change::Expelled(authority) => inside.retain(|officer, _| !is_of(officer, authority)),
            _ => {}
        }
    }
}
