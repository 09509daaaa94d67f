//! Invariant 0 of expulsions: whoever is put out with the whole authority hears of it, and whose doing it is.
//! That they read nothing later is invariant 4, that they know that they are out invariant 0.

use super::membership::is_of;
use super::restored::lost_something;
use super::{Findings, Membership};
use crate::facts::{Change, Facts};

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    for (channel, changes) in membership.changes() {
        if lost_something(facts, channel) {
            continue;
        }
        for (place, change) in changes.iter().flat_map(|(p, all)| all.iter().map(move |c| (*p, c)))
        {
            let Change::Expelled(authority) = change else { continue };
            for (device, shown) in facts.honest().filter(|(device, _)| is_of(device, authority)) {
                let was_in = membership.includes(channel, device, place.saturating_sub(1));
                if !was_in || facts.is_cut_off(device) || !facts.is_served(device) {
                    continue;
                }
                let Some(view) = shown.channels.get(channel) else { continue };
                let (told, is_by) = (view.left_out.get(&place), view.commits.get(&place));
                if told.is_none() || told != is_by {
                    found.add(
                        0,
                        format!("{device} goes from {channel} at {place} with its authority, by {is_by:?}, and is told of {told:?}"),
                    );
                }
            }
        }
    }
}
