//! What modified programs did has no effect on anybody else (invariant 5), and takes nothing away
//! from what others said (invariant 1).

use super::put_back::was_stranded;
use super::{Findings, Membership};
use crate::facts::{Breach, Channel, DeviceId, Facts, Standing, View};

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    for breach in &facts.breaches {
        is_void(facts, membership, breach, found);
    }
    for (device, shown) in facts.honest() {
        for (channel, view) in &shown.channels {
            for entry in view.entries.iter().filter(|e| facts.forged.contains(&e.text)) {
                found.add(5, format!("{device} shows what nobody said in {channel}: {entry:?}"));
            }
            all_can_be_read(facts, device, channel, view, found);
        }
    }
}

/// Whoever was there says that it is void, and by whom it is.
fn is_void(facts: &Facts, membership: &Membership, breach: &Breach, found: &mut Findings) {
    let Breach { channel, place, author } = breach;
    for (device, shown) in facts.honest() {
        let Some(view) = shown.channels.get(channel) else { continue };
        let took_it_in = view.next > *place
            // A restored hub may have lost it.
            && view.commits.get(place) == Some(author)
            && view.standing != Standing::Stranded
            && !was_stranded(facts, channel, device, *place)
            && membership.includes(channel, device, *place);
        if took_it_in && view.void.get(place) != Some(author) {
            found.add(
                5,
                format!("{device} does not void the breach of {author} at {place} of {channel}"),
            );
        }
    }
}

/// An honest program's entry that has its place can be read by whoever is in. A device that was set back
/// cannot decrypt what it does not know to be its own; it gets that from others.
fn all_can_be_read(
    facts: &Facts,
    device: &DeviceId,
    channel: &Channel,
    view: &View,
    found: &mut Findings,
) {
    let excused = facts.is_forked(channel) || view.standing == Standing::Stranded;
    for (place, author) in view.unreadable.iter().filter(|(_, author)| facts.is_honest(author)) {
        let was_set_back = author == device && facts.set_back.contains_key(device);
        if !excused && !was_set_back {
            found.add(
                1,
                format!("{device} cannot read what {author} wrote at {place} of {channel}"),
            );
        }
    }
}
