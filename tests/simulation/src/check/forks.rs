//! Invariant 2 where a hub signed two histories: whoever could see both knows it, and whoever saw
//! the same has the same. And everywhere: what honest members quote of the log is in it.

use std::collections::BTreeMap;

use super::Findings;
use super::put_back::may_lack;
use super::restored::is_lost;
use crate::facts::{Channel, DeviceId, Entry, Facts, Place, Relay, Standing, View};

pub(super) fn check(facts: &Facts, found: &mut Findings) {
    for (device, shown) in facts.honest() {
        for (channel, view) in &shown.channels {
            quotes_fit(facts, device, channel, view, found);
            if facts.is_forked(channel) {
                knows_of_it(facts, device, &shown.relay, channel, view, found);
            }
        }
    }
    for channel in &facts.forked {
        relays_know_of_it(facts, channel, found);
        one_history_one_record(facts, channel, found);
    }
}

/// A member that quotes what is not in the log was told another one: whoever reads it can prove it.
fn quotes_fit(
    facts: &Facts,
    device: &DeviceId,
    channel: &Channel,
    view: &View,
    found: &mut Findings,
) {
    for entry in view.entries.iter().filter(|entry| facts.is_honest(&entry.author)) {
        let Some((place, chain)) = &entry.quotes else { continue };
        let contradicts = view.chain.get(place).is_some_and(|here| here != chain);
        if contradicts && view.alarms.is_empty() && !is_lost(facts, channel, *place) {
            found.add(
                2,
                format!(
                    "{device} read of another history of {channel}, and says nothing: {entry:?}"
                ),
            );
        }
    }
}

/// A device that holds another history than its relay, and is sent more of the relay's, has proof.
fn knows_of_it(
    facts: &Facts,
    device: &DeviceId,
    relay: &Relay,
    channel: &Channel,
    view: &View,
    found: &mut Findings,
) {
    let Some(log) = facts.logs.get(&(relay.clone(), channel.clone())) else { return };
    let Some(place) = difference(&view.chain, log) else { return };
    let goes_on = log.contains_key(&view.next)
        && facts.may_read(relay, channel, |reader| reader == device, view.next);
    let has_a_say = view.standing == Standing::Member && !facts.is_cut_off(device);
    if goes_on && has_a_say && view.alarms.is_empty() {
        found.add(
            2,
            format!("{device} was shown two histories of {channel}, from {place} on, and raises no alarm; it stopped: {:?}", view.stopped),
        );
    }
}

/// The same for relays that keep a copy: they have proof for their operator. Nobody shows anything to one
/// whose authority is no longer of the network, or whose last member has gone in the history that it has: it
/// follows the channel no further, and the other history is none of its officers' any more.
fn relays_know_of_it(facts: &Facts, channel: &Channel, found: &mut Findings) {
    let Some(hub) = facts.hubs.get(channel) else { return };
    let Some(log) = facts.logs.get(&(hub.clone(), channel.clone())) else { return };
    for ((relay, _), copy) in facts.logs.iter().filter(|((r, c), _)| c == channel && r != hub) {
        let Some(place) = difference(copy, log) else { continue };
        let Some(next) = copy.last_key_value().map(|(last, _)| last + 1) else { continue };
        let is_own = |device: &DeviceId| {
            facts.devices.get(device).is_some_and(|shown| shown.relay == *relay)
        };
        let goes_on = log.contains_key(&next) && facts.may_read(hub, channel, is_own, next);
        let follows = facts.may_read(relay, channel, is_own, next);
        let is_shown_it = goes_on && follows && !facts.dropped_relays.contains(relay);
        if is_shown_it && !facts.proofs.contains(&(relay.clone(), channel.clone())) {
            found.add(
                2,
                format!("{relay} was shown two histories of {channel}, from {place} on, and keeps no proof"),
            );
        }
    }
}

/// Whoever has the same chain at a place has taken in the same, and shows the same.
fn one_history_one_record(facts: &Facts, channel: &Channel, found: &mut Findings) {
    let mut record: BTreeMap<(Place, &String), (&DeviceId, Option<&Entry>)> = BTreeMap::new();
    for (device, shown) in facts.honest() {
        let Some(view) = shown.channels.get(channel) else { continue };
        if view.standing == Standing::Stranded {
            continue;
        }
        let is_due = |place: &Place| !may_lack(facts, channel, device, *place);
        for (place, chain) in view.chain.iter().filter(|(place, _)| is_due(place)) {
            if view.without_content.contains(place) {
                continue;
            }
            let here = view.entries.iter().find(|entry| entry.place == *place);
            let (first, other) = record.entry((*place, chain)).or_insert((device, here));
            let is_same = match (*other, here) {
                (Some(other), Some(here)) => other.is_same_as(here),
                (other, here) => other == here,
            };
            if !is_same {
                found.add(
                    1,
                    format!("at {place} of one history of {channel} {first} shows {other:?}, {device} {here:?}"),
                );
            }
        }
    }
}

/// The first place at which two logs differ.
fn difference(one: &BTreeMap<Place, String>, other: &BTreeMap<Place, String>) -> Option<Place> {
    let differs =
        |(place, chain): &(&Place, &String)| other.get(*place).is_some_and(|there| there != *chain);
    one.iter().find(differs).map(|(place, _)| *place)
}
