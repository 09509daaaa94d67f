//! Invariant 1 of what officers take back: whoever hears of a withdrawal keeps nothing of what it is of, in
//! no table of the store, nor of what corrects that; the relays neither, once they were told; and nothing
//! else is erased, or kept from anybody.

use std::collections::{BTreeMap, BTreeSet};

use super::acknowledged::must_have_all;
use super::membership::{Changes, officer_of};
use super::restored::lost_something;
use super::retention::has_expired;
use super::roles::is_of;
use super::{Findings, Membership};
use crate::facts::{
    Acknowledged, Change, Channel, DeviceId, Facts, Outcome, Place, Standing, TakenBack, View, Wish,
};

/// An entry, by its author and its number there.
type Said = (DeviceId, String);

/// What was withdrawn of a channel: where that stands, and from which place on it concerns this.
type Withdrawn = BTreeMap<Said, (Place, Place)>;

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    let channels: BTreeSet<&Channel> = facts.hubs.keys().collect();
    for channel in channels.into_iter().filter(|channel| !facts.is_forked(channel)) {
        let withdrawn = withdrawn(facts, channel);
        nothing_else_is_erased(facts, channel, &withdrawn, found);
        // A place in a history that was lost is none.
        if lost_something(facts, channel) {
            continue;
        }
        for (said, place) in &withdrawn {
            is_gone(facts, membership, channel, said, *place, found);
        }
        relays_are_told(facts, membership, channel, found);
        relays_have_erased(facts, channel, found);
    }
}

/// What was withdrawn, itself or what it corrects, and is in the log.
fn withdrawn(facts: &Facts, channel: &Channel) -> Withdrawn {
    let of_it = || facts.taken_back.iter().filter(|taken| taken.channel == *channel);
    let mut withdrawn = Withdrawn::new();
    for taken in of_it().filter(|taken| taken.withdrawn) {
        if let Some(place) = place_of(facts, &taken.by) {
            let known = withdrawn.entry(taken.of.clone()).or_insert((place, place));
            *known = (place, place).min(*known);
        }
    }
    // Corrections come after what they correct, and may be corrected themselves.
    for taken in of_it().filter(|taken| !taken.withdrawn) {
        let Some(place) = place_of(facts, &taken.by) else { continue };
        if let Some((withdrawal, known)) = withdrawn.get(&taken.of).copied() {
            withdrawn.entry(taken.by.clone()).or_insert((withdrawal, known.max(place)));
        }
    }
    withdrawn
}

fn place_of(facts: &Facts, (device, id): &Said) -> Option<Place> {
    match facts.devices.get(device)?.outcomes.get(id)? {
        Outcome::Accepted(place) => *place,
        // It was done before the device was set back.
        Outcome::Forgotten => {
            let told = |it: &&Acknowledged| it.device == *device && it.id == *id;
            facts.acknowledged.iter().find(told)?.place
        }
        _ => None,
    }
}

fn text_of<'f>(facts: &'f Facts, (device, id): &Said) -> Option<&'f String> {
    let asked = facts.asked.iter().find(|asked| asked.device == *device && asked.id == *id)?;
    match &asked.what {
        Wish::Note(text) => Some(text),
        _ => None,
    }
}

/// Whoever was there when it was withdrawn has erased it.
fn is_gone(
    facts: &Facts,
    membership: &Membership,
    channel: &Channel,
    said: &Said,
    (withdrawal, place): (Place, Place),
    found: &mut Findings,
) {
    for (device, shown) in facts.honest() {
        let Some(view) = shown.channels.get(channel) else { continue };
        // Whoever came in between the two knows of neither.
        let heard_of_it = membership.includes(channel, device, withdrawal)
            && membership.includes(channel, device, place)
            && must_have_all(facts, device, channel, place)
            && view.next > place;
        if !heard_of_it {
            continue;
        }
        let hold = Hold::of(membership.changes_of(channel), &shown.officer, place);
        let entry =
            view.entries.iter().find(|entry| (&entry.author, &entry.id) == (&said.0, &said.1));
        match hold {
            Hold::Lasts => {
                if let Some(entry) = entry.filter(|entry| entry.erased) {
                    let what = format!(
                        "{device} has erased in {channel} what its authority holds: {entry:?}"
                    );
                    found.add(1, what);
                }
                continue;
            }
            // Whether it was here when the hold was placed, nobody knows.
            Hold::CameLater => continue,
            Hold::None => {}
        }
        if let Some(entry) = entry.filter(|entry| !entry.erased) {
            found.add(
                1,
                format!(
                    "{device} still shows in {channel} what was withdrawn at {place}: {entry:?}"
                ),
            );
        }
        if text_of(facts, said).is_some_and(|text| shown.holds.contains(text)) {
            found.add(1, format!("the disk of {device} still holds what {said:?} said in {channel}, withdrawn at {place}"));
        }
    }
}

/// Whether a device's authority keeps its copies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Hold {
    /// Not in the end.
    None,
    /// Since before a place.
    Lasts,
    /// Since after it.
    CameLater,
}

impl Hold {
    fn of(changes: Option<&Changes>, officer: &str, place: Place) -> Self {
        let mut since = None;
        let all = changes
            .into_iter()
            .flatten()
            .flat_map(|(at, all)| all.iter().map(move |one| (*at, one)));
        for (at, change) in all {
            match change {
                Change::Hold(authority, placed) if is_of(officer, authority) => {
                    since = placed.then_some(at);
                }
                _ => {}
            }
        }
        match since {
            None => Self::None,
            Some(since) if since < place => Self::Lasts,
            Some(_) => Self::CameLater,
        }
    }
}

/// Nothing is erased, and no content kept back, that its officer did not withdraw.
fn nothing_else_is_erased(
    facts: &Facts,
    channel: &Channel,
    withdrawn: &Withdrawn,
    found: &mut Findings,
) {
    if has_expired(facts, channel) {
        return;
    }
    for (device, shown) in facts.honest() {
        let Some(view) = shown.channels.get(channel) else { continue };
        for entry in view.entries.iter().filter(|entry| entry.erased) {
            let said = (entry.author.clone(), entry.id.clone());
            if !withdrawn.contains_key(&said) && !lost_something(facts, channel) {
                found.add(
                    1,
                    format!("{device} has erased in {channel} what nobody withdrew: {entry:?}"),
                );
            }
        }
        let places: BTreeSet<Place> =
            withdrawn.keys().filter_map(|said| place_of(facts, said)).collect();
        for place in view.without_content.difference(&places) {
            if !lost_something(facts, channel) {
                found.add(1, format!("{device} never got what stands at {place} of {channel}, which nobody withdrew"));
            }
        }
    }
}

/// Whoever withdrew something and is still there has had the relays told.
fn relays_are_told(
    facts: &Facts,
    membership: &Membership,
    channel: &Channel,
    found: &mut Findings,
) {
    let Some(hub) = facts.hubs.get(channel) else { return };
    let told = facts.tombstones.get(&(hub.clone(), channel.clone()));
    for taken in facts.taken_back.iter().filter(|t| t.withdrawn && t.channel == *channel) {
        let TakenBack { by, of, .. } = taken;
        let (Some(withdrawal), Some(place)) = (place_of(facts, by), place_of(facts, of)) else {
            continue;
        };
        let Some(view) = facts.devices.get(&by.0).and_then(|shown| shown.channels.get(channel))
        else {
            continue;
        };
        let could = membership.stays_from(channel, &by.0, withdrawal)
            && must_have_all(facts, &by.0, channel, withdrawal)
            && can_write(view);
        let is_told = told.into_iter().flatten().any(|tombstone| tombstone.erased == place);
        if could && !is_told {
            found.add(
                1,
                format!(
                    "{by:?} withdrew what stands at {place} of {channel}, and had no relay erase it"
                ),
            );
        }
    }
}

fn can_write(view: &View) -> bool {
    view.standing == Standing::Member && view.stopped.is_none()
}

/// A relay that was told so by the author's officer has it no longer.
fn relays_have_erased(facts: &Facts, channel: &Channel, found: &mut Findings) {
    let here = facts.tombstones.iter().filter(|((_, log), _)| log == channel);
    for (key, tombstones) in here {
        let kept = facts.payloads.get(key);
        for tombstone in tombstones {
            let is_theirs =
                officer_of(facts, &tombstone.by) == officer_of(facts, &tombstone.author);
            let is_kept = kept.is_some_and(|kept| kept.contains(&tombstone.erased));
            if is_theirs && is_kept {
                found.add(
                    1,
                    format!(
                        "{} keeps what it was told to erase of {channel}: {tombstone:?}",
                        key.0
                    ),
                );
            }
        }
    }
}
