//! Invariants 2, 5, 7 and 9: everybody has one sequence and one state.

use std::collections::BTreeMap;

use super::put_back::somebody_has_forgotten;
use super::put_back::was_stranded;
use super::restored::{lost_something, may_miss_its_welcome};
use super::{Findings, Membership};
use crate::facts::{Channel, DeviceId, Facts, Place, Standing, View};

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    let mut channels: BTreeMap<&Channel, Vec<(&DeviceId, &View)>> = BTreeMap::new();
    for (device, shown) in facts.honest() {
        for (channel, view) in &shown.channels {
            channels.entry(channel).or_default().push((device, view));
        }
    }
    for (channel, views) in channels {
        alarms(facts, channel, &views, found);
        one_chain(facts, channel, &views, found);
        one_state(facts, channel, &views, found);
        void_alike(facts, membership, channel, &views, found);
        who_is_cut_off_is_out(facts, channel, &views, found);
        members_know_it(facts, membership, channel, &views, found);
    }
}

type Views<'f> = [(&'f DeviceId, &'f View)];

fn alarms(facts: &Facts, channel: &Channel, views: &Views<'_>, found: &mut Findings) {
    for (device, view) in views {
        for alarm in &view.alarms {
            if !alarm.genuine || !alarm.contradicting || !facts.is_forked(channel) {
                found.add(2, format!("{device} raises a false alarm in {channel}: {alarm:?}"));
            }
        }
        let may_stop = facts.is_forked(channel) || lost_something(facts, channel);
        if let Some(reason) = view.stopped.as_ref().filter(|_| !may_stop) {
            found.add(2, format!("{device} stopped taking in {channel}: {reason}"));
        }
    }
}

/// All have the same chain at each place, devices and relays alike; who was lied to aside.
fn one_chain(facts: &Facts, channel: &Channel, views: &Views<'_>, found: &mut Findings) {
    if facts.is_forked(channel) {
        return;
    }
    let mut chain: BTreeMap<Place, (&String, &String)> = BTreeMap::new();
    let relays = facts
        .logs
        .iter()
        .filter(|((relay, log), _)| log == channel && !facts.is_relay_left_behind(relay, channel));
    let of_relays = relays.map(|((relay, _), log)| (relay, log));
    let keeps_up = |(device, _): &&(&DeviceId, &View)| !facts.is_left_behind(device, channel);
    let of_devices = views.iter().filter(keeps_up).map(|(device, view)| (*device, &view.chain));
    for (who, log) in of_devices.chain(of_relays) {
        for (place, hash) in log {
            let (first, other) = chain.entry(*place).or_insert((who, hash));
            if *other != hash {
                found.add(
                    2,
                    format!("{first} and {who} have different logs of {channel} at {place}"),
                );
                return;
            }
        }
    }
}

/// Current members, who hold keys and take in what comes.
fn current<'v, 'f>(facts: &Facts, views: &'v Views<'f>) -> Vec<&'v (&'f DeviceId, &'f View)> {
    let takes_part = |(device, view): &&(&DeviceId, &View)| {
        view.standing == Standing::Member
            && view.stopped.is_none()
            && !facts.is_cut_off(device)
            && facts.is_served(device)
    };
    views.iter().filter(takes_part).collect()
}

fn one_state(facts: &Facts, channel: &Channel, views: &Views<'_>, found: &mut Findings) {
    if facts.is_forked(channel) {
        return;
    }
    let current = current(facts, views);
    let Some((first, one)) = current.first() else { return };
    for (device, other) in &current[1..] {
        let pair = format!("{first} and {device} in {channel}");
        if one.next != other.next {
            found
                .add(0, format!("{pair} are at different places: {} and {}", one.next, other.next));
            continue;
        }
        if one.authenticator != other.authenticator {
            found.add(9, format!("{pair} have different keys at {}", one.next));
        }
        if one.policy != other.policy {
            found.add(9, format!("{pair} have different policies at {}", one.next));
        }
        if one.members != other.members {
            found.add(
                9,
                format!("{pair} see different members: {:?} and {:?}", one.members, other.members),
            );
        }
    }
}

fn void_alike(
    facts: &Facts,
    membership: &Membership,
    channel: &Channel,
    views: &Views<'_>,
    found: &mut Findings,
) {
    if facts.is_forked(channel) {
        return;
    }
    for (witness, view) in views {
        for (place, author) in &view.void {
            for (device, other) in views {
                let was_there = membership.includes(channel, device, *place) && other.next > *place;
                if was_there
                    && other.standing != Standing::Stranded
                    && !was_stranded(facts, channel, device, *place)
                    && other.void.get(place) != Some(author)
                {
                    found.add(5, format!("{witness} voids the change of {author} at {place} of {channel}, {device} does not"));
                }
            }
        }
    }
}

/// Nothing of what is written at the end reaches a device that was cut off before, and those who are
/// left have taken it out.
fn who_is_cut_off_is_out(
    facts: &Facts,
    channel: &Channel,
    views: &Views<'_>,
    found: &mut Findings,
) {
    for (device, view) in views.iter().filter(|(device, _)| facts.is_cut_off(device)) {
        for entry in view.entries.iter().filter(|entry| facts.probes.contains(&entry.text)) {
            found.add(7, format!("{device} is cut off and reads on in {channel}: {entry:?}"));
        }
    }
    if facts.is_forked(channel) {
        return;
    }
    for (member, view) in current(facts, views) {
        for device in view.members.iter().filter(|device| facts.is_cut_off(device)) {
            found
                .add(7, format!("{device} is cut off and still in {channel}, as {member} sees it"));
        }
    }
}

/// Whoever is in by what everybody was told knows it.
fn members_know_it(
    facts: &Facts,
    membership: &Membership,
    channel: &Channel,
    views: &Views<'_>,
    found: &mut Findings,
) {
    for (device, shown) in facts.honest() {
        let is_in = membership.includes_now(channel, device);
        let view = shown.channels.get(channel);
        let knows = view.is_some_and(|view| view.standing != Standing::Removed);
        let excused = facts.is_cut_off(device)
            || facts.is_forked(channel)
            || !facts.is_served(device)
            // A commit that a restored hub lost leaves whoever made it, or came by it, behind.
            || lost_something(facts, channel)
            || (is_in && may_miss_its_welcome(facts, channel, view))
            || somebody_has_forgotten(facts, channel);
        if is_in != knows && !excused && !current(facts, views).is_empty() {
            found.add(
                0,
                format!("{device} is a member of {channel}: {is_in}; it believes so: {knows}"),
            );
        }
    }
}
