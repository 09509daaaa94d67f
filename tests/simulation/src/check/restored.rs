//! Invariant 1 where a hub was restored from an older copy: nothing that somebody holds is lost, and
//! what nobody holds is said to be lost.

use super::Findings;
use crate::facts::{Channel, DeviceId, Entry, Facts, Place, Standing, View};

pub(super) fn check(facts: &Facts, found: &mut Findings) {
    for Loss { device, channel, place, from } in lost(facts) {
        // Of two histories the hub can only say that one of them goes on.
        if facts.is_forked(channel) {
            continue;
        }
        if !facts.restored.contains(channel) {
            found.add(1, format!("{device} is told that {place} of {channel} is lost, whose hub was never restored"));
        }
        if let Some((holder, entry)) = holder(facts, channel, place, from) {
            found.add(
                1,
                format!(
                    "{device} is told that {place} of {channel} is lost; {holder} has {entry:?}"
                ),
            );
        }
    }
}

/// Whether the hub said that what stood at a place is lost.
pub(super) fn is_lost(facts: &Facts, channel: &Channel, place: Place) -> bool {
    lost(facts).any(|lost| lost.channel == channel && lost.place == place)
}

/// Whether anything of a channel was said to be lost.
pub(super) fn lost_something(facts: &Facts, channel: &Channel) -> bool {
    lost(facts).any(|lost| lost.channel == channel)
}

/// Whether a device may wait for a welcome for ever: a restored hub gets back the commit that let it
/// in, and not the welcome that waited there. A lead has to let it in again.
pub(super) fn may_miss_its_welcome(facts: &Facts, channel: &str, view: Option<&View>) -> bool {
    facts.restored.contains(channel) && view.is_none_or(|view| view.standing == Standing::Removed)
}

/// What a device was told.
struct Loss<'f> {
    device: &'f DeviceId,
    channel: &'f Channel,
    place: Place,
    /// Where the log that goes on parts from the one that is lost.
    from: Place,
}

fn lost(facts: &Facts) -> impl Iterator<Item = Loss<'_>> {
    facts.honest().flat_map(|(device, shown)| {
        shown.channels.iter().flat_map(move |(channel, view)| {
            let lost = view.lost.iter();
            lost.map(move |(place, from)| Loss { device, channel, place: *place, from: *from })
        })
    })
}

/// Who has what was acknowledged at a place; the revoked can give nothing back.
fn holder<'f>(
    facts: &'f Facts,
    channel: &Channel,
    place: Place,
    from: Place,
) -> Option<(&'f DeviceId, &'f Entry)> {
    // Something else may have the place now: what was brought back before the hub began anew, or
    // what came after that.
    let was_there = |entry: &&Entry| {
        facts.acknowledged.iter().any(|acknowledged| {
            acknowledged.device == entry.author
                && acknowledged.id == entry.id
                && acknowledged.place == Some(place)
        })
    };
    let counts = |(device, _): &(&DeviceId, _)| !facts.is_cut_off(device);
    facts.honest().filter(counts).find_map(|(device, shown)| {
        let view = shown.channels.get(channel)?;
        if view.restarts.range(from..=place).next().is_some() {
            return None;
        }
        let mut entries = view.entries.iter();
        Some((device, entries.find(|entry| entry.place == place && was_there(entry))?))
    })
}
