//! Invariants 0 and 5 of the network's bundle: each channel whose hub is listed goes by the newest version,
//! and nobody goes as dropped whom every version lists. That the dropped are out is invariant 7.

use super::restored::lost_something;
use super::{Findings, Membership};
use crate::facts::{Change, Facts, Standing};

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    for (channel, changes) in membership.changes() {
        for change in changes.values().flatten() {
            if let Change::Dropped(device) = change
                && !facts.once_dropped.contains(device)
            {
                found.add(5, format!("{device} goes from {channel} as dropped, and never was"));
            }
        }
        if lost_something(facts, channel) {
            continue;
        }
        for (device, shown) in facts.honest() {
            let Some(view) = shown.channels.get(channel) else { continue };
            let is_current = view.standing == Standing::Member
                && view.stopped.is_none()
                && !facts.is_cut_off(device)
                && facts.is_served(device);
            if is_current && view.bundle != facts.bundle {
                let (has, newest) = (&view.bundle, &facts.bundle);
                found.add(0, format!("{device} has {channel} go by {has} instead of {newest}"));
            }
        }
    }
}
