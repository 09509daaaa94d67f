//! Invariants 0 and 1: nothing that was taken is lost, doubled or left lying.

use std::collections::{BTreeMap, BTreeSet};

use super::put_back::{may_lack, needs_a_lead};
use super::restored::{is_lost, may_miss_its_welcome};
use super::retention::has_expired;
use super::roles::is_of;
use super::{Findings, Membership};
use crate::facts::{Asked, DeviceId, Entry, Facts, Outcome, Place, Standing, Wish};

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    for asked in facts.asked.iter().filter(|asked| facts.is_honest(&asked.device)) {
        is_settled(facts, membership, asked, found);
        if let Wish::Note(text) = &asked.what {
            note_is_everywhere(facts, membership, asked, text, found);
        }
    }
    for acknowledged in facts.acknowledged.iter().filter(|a| facts.is_honest(&a.device)) {
        let (device, id) = (&acknowledged.device, &acknowledged.id);
        // A place in a history that is gone, or that was lost, is none.
        let asked = facts.asked.iter().find(|asked| asked.device == *device && asked.id == *id);
        let channel = asked.map(|asked| &asked.channel);
        let is_gone = |channel| {
            facts.is_forked(channel)
                || acknowledged.place.is_some_and(|place| is_lost(facts, channel, place))
        };
        let is_undone = asked.is_some_and(|asked| facts.is_undone(device, asked.at));
        let is_stuck = channel.is_some_and(|channel| needs_a_lead(facts, channel, device));
        if is_undone || is_stuck || channel.is_some_and(is_gone) {
            continue;
        }
        let now = facts.devices.get(device).and_then(|shown| shown.outcomes.get(id));
        // It waited on the copy, and was found to be done, or done again; or it waits still: that this
        // is in vain is found above.
        let is_note = asked.is_some_and(|asked| matches!(asked.what, Wish::Note(_)));
        let is_done = matches!(now, Some(Outcome::Accepted(_))) && !is_note;
        let waits = now == Some(&Outcome::Queued);
        if facts.is_undone(device, acknowledged.at) && (is_done || waits) {
            continue;
        }
        if now.is_some_and(|now| *now != Outcome::Accepted(acknowledged.place)) {
            let place = acknowledged.place;
            found
                .add(1, format!("{device}: {id} was acknowledged at {place:?} and is now {now:?}"));
        }
    }
    what_failed_is_said(facts, found);
    nothing_is_doubled(facts, found);
    all_have_all(facts, membership, found);
}

/// Whether a device still has a say: the revoked and the removed may be left with what they asked.
fn counts(facts: &Facts, membership: &Membership, asked: &Asked) -> bool {
    !facts.is_cut_off(&asked.device)
        && facts.is_honest(&asked.device)
        && facts.is_served(&asked.device)
        && membership.includes_now(&asked.channel, &asked.device)
        && facts.devices.get(&asked.device).is_some_and(|shown| {
            shown
                .channels
                .get(&asked.channel)
                .is_some_and(|view| view.standing == Standing::Member && view.stopped.is_none())
        })
}

fn is_settled(facts: &Facts, membership: &Membership, asked: &Asked, found: &mut Findings) {
    let outcome = facts.devices.get(&asked.device).and_then(|shown| shown.outcomes.get(&asked.id));
    let what = &asked.what;
    match outcome {
        Some(Outcome::Forgotten) if facts.is_undone(&asked.device, asked.at) => {}
        None | Some(Outcome::Forgotten) => {
            let device = &asked.device;
            found.add(1, format!("{device} took {what:?} as {} and knows nothing of it", asked.id));
        }
        Some(Outcome::Queued)
            if counts(facts, membership, asked) && !nobody_could_consent(facts, asked) =>
        {
            let device = &asked.device;
            found.add(0, format!("{device}: {what:?}, asked at {:?}, still waits", asked.at));
        }
        Some(_) => {}
    }
}

/// Whether something waits for a lead of another authority, and there is none.
fn nobody_could_consent(facts: &Facts, asked: &Asked) -> bool {
    let Some(shown) = facts.devices.get(&asked.device) else { return false };
    let Some(view) = shown.channels.get(&asked.channel) else { return false };
    let own = authority_of(&shown.officer);
    let leads = |authority: &str| {
        let mut roles = view.roles.iter().filter(|(officer, _)| is_of(officer, authority));
        roles.any(|(_, role)| ["lead", "owner"].contains(&role.as_str()))
    };
    match &asked.what {
        Wish::Expel(authority) => {
            let mut others = view.roles.keys().map(|officer| authority_of(officer));
            !others.any(|other| other != own && other != authority && leads(other))
        }
        // Every authority that is there has to let another one in.
        Wish::Admit(officer) => {
            let comes = authority_of(officer);
            let mut there = view.roles.keys().map(|officer| authority_of(officer));
            !view.roles.keys().any(|other| is_of(other, comes)) && there.any(|other| !leads(other))
        }
        _ => false,
    }
}

fn authority_of(officer: &str) -> &str {
    officer.split_once('@').map_or("", |(_, domain)| domain)
}

/// Of what came to nothing, officers are told.
fn what_failed_is_said(facts: &Facts, found: &mut Findings) {
    for (device, shown) in facts.honest() {
        for (channel, view) in &shown.channels {
            let own = |asked: &&Asked| asked.device == *device && asked.channel == *channel;
            let ids: BTreeSet<&String> = facts.asked.iter().filter(own).map(|a| &a.id).collect();
            let failed =
                |id: &&&String| matches!(shown.outcomes.get(**id), Some(Outcome::Failed(_)));
            let failed = ids.iter().filter(failed).count();
            if failed > view.not_done {
                let told = view.not_done;
                found.add(
                    0,
                    format!("{device}: {failed} acts failed in {channel}, {told} were told"),
                );
            }
        }
    }
}

/// Whether what others have at a place is due on a device.
pub(super) fn must_have_all(facts: &Facts, device: &DeviceId, channel: &str, place: Place) -> bool {
    let Some(view) = facts.devices.get(device).and_then(|shown| shown.channels.get(channel)) else {
        return false;
    };
    !facts.is_cut_off(device)
        && facts.is_honest(device)
        && facts.is_served(device)
        && !may_miss_its_welcome(facts, channel, Some(view))
        && view.standing != Standing::Stranded
        && !may_lack(facts, channel, device, place)
        && !needs_a_lead(facts, channel, device)
        // Nobody puts a device back that has been removed since it was set back.
        && !(facts.set_back.contains_key(device) && view.standing == Standing::Removed)
        && view.stopped.is_none()
}

/// Whether what stands at a place had been erased when it came; that somebody did so is checked
/// elsewhere.
fn never_came(facts: &Facts, device: &DeviceId, channel: &str, place: Place) -> bool {
    let view = facts.devices.get(device).and_then(|shown| shown.channels.get(channel));
    view.is_some_and(|view| view.without_content.contains(&place))
}

/// An accepted note stands at its place in the store of everybody who was a member there.
fn note_is_everywhere(
    facts: &Facts,
    membership: &Membership,
    asked: &Asked,
    text: &str,
    found: &mut Findings,
) {
    let Asked { device: author, channel, id, .. } = asked;
    let outcome = facts.devices.get(author).and_then(|shown| shown.outcomes.get(id));
    let Some(Outcome::Accepted(Some(place))) = outcome else {
        if matches!(outcome, Some(Outcome::Accepted(None))) {
            found.add(1, format!("{author}: the note {text:?} was accepted nowhere"));
        }
        return;
    };
    // Its time was over at whoever shared it.
    let has_come_erased = |entry: &Entry| entry.text.is_empty() && has_expired(facts, channel);
    for (device, shown) in &facts.devices {
        if !membership.includes(channel, device, *place)
            || !must_have_all(facts, device, channel, *place)
        {
            continue;
        }
        let is_it = |entry: &Entry| {
            entry.place == *place
                && entry.author == *author
                && entry.id == *id
                && (entry.text == text || entry.erased || has_come_erased(entry))
        };
        let entries = shown.channels.get(channel).map_or(&[][..], |view| view.entries.as_slice());
        if !entries.iter().any(is_it) && !never_came(facts, device, channel, *place) {
            let there: Vec<&Entry> =
                entries.iter().filter(|e| e.place == *place || e.id == *id).collect();
            found.add(1, format!("{device} lacks the note {text:?} of {author}, accepted at {place} of {channel}; it has {there:?}"));
        }
    }
}

fn nothing_is_doubled(facts: &Facts, found: &mut Findings) {
    for (device, shown) in facts.honest() {
        for (channel, view) in &shown.channels {
            let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
            for entry in &view.entries {
                if !ids.insert((&entry.author, &entry.id)) || !places.insert(entry.place) {
                    found.add(1, format!("{device} shows {entry:?} of {channel} twice"));
                }
            }
        }
    }
}

/// Whatever one member shows, all show who were members there.
fn all_have_all(facts: &Facts, membership: &Membership, found: &mut Findings) {
    let mut all: BTreeMap<(&String, u64), (&DeviceId, &Entry)> = BTreeMap::new();
    for (device, shown) in facts.honest() {
        let views = shown.channels.iter();
        for (channel, view) in views.filter(|(c, _)| !facts.is_left_behind(device, c)) {
            for entry in &view.entries {
                let first = all.entry((channel, entry.place)).or_insert((device, entry));
                if first.1.erased {
                    *first = (device, entry);
                }
            }
        }
    }
    for ((channel, place), (witness, entry)) in all {
        for (device, shown) in &facts.devices {
            if !membership.includes(channel, device, place)
                || !must_have_all(facts, device, channel, place)
            {
                continue;
            }
            let Some(view) = shown.channels.get(channel) else { continue };
            let same = view.entries.iter().find(|e| e.place == place);
            let is_same = same.is_some_and(|same| same.is_same_as(entry));
            if !is_same && !never_came(facts, device, channel, place) {
                found.add(
                    1,
                    format!("at {place} of {channel} {witness} shows {entry:?}, {device} {same:?}"),
                );
            }
        }
    }
}
