//! Invariant 1 of what has run its time: it is gone from the disks of the authority whose time it was, and
//! nowhere else.

use super::Findings;
use crate::facts::{Channel, Facts, Standing, Wish};

pub(super) fn check(facts: &Facts, found: &mut Findings) {
    for (device, shown) in facts.honest().filter(|(device, _)| !facts.is_cut_off(device)) {
        for (channel, view) in &shown.channels {
            if !view.is_due || view.standing != Standing::Member || view.stopped.is_some() {
                continue;
            }
            for asked in facts.asked.iter().filter(|asked| asked.channel == *channel) {
                if let Wish::Note(text) = &asked.what
                    && shown.holds.contains(text)
                {
                    found.add(1, format!("the disk of {device} still holds {text:?} of {channel}, whose time is over"));
                }
            }
        }
    }
}

/// Whether a channel's time was over somewhere: what was erased there was not withdrawn.
pub(super) fn has_expired(facts: &Facts, channel: &Channel) -> bool {
    let mut views = facts.devices.values().filter_map(|shown| shown.channels.get(channel));
    views.any(|view| view.has_expired)
}
