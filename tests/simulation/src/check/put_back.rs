//! Devices that lost the group's keys and were put back: what they may miss, and that there was a reason.

use std::collections::BTreeSet;

use super::Findings;
use super::restored::lost_something;
use crate::facts::{Change, Channel, DeviceId, Facts, Place, Shown, Standing, View};

/// Whether somebody could have put a stranded device back, and did not.
fn waits_in_vain(facts: &Facts, channel: &Channel, device: &DeviceId) -> bool {
    let is_served = |device: &DeviceId| !facts.is_cut_off(device) && facts.is_served(device);
    let is_member = |(other, shown): (&DeviceId, &Shown)| {
        shown.channels.get(channel).is_some_and(|view| {
            view.standing == Standing::Member
                && view.stopped.is_none()
                && view.members.contains(device)
                && is_served(other)
        })
    };
    is_served(device)
        && !facts.is_forked(channel)
        && !lost_something(facts, channel)
        && !needs_a_lead(facts, channel, device)
        && facts.honest().any(is_member)
}

/// Whether a device was set back in a channel that had been told alone what changed there, so that nobody
/// tells it any more; or that may not know that it is in.
pub(super) fn somebody_has_forgotten(facts: &Facts, channel: &str) -> bool {
    let views = || facts.honest().filter_map(|(_, shown)| shown.channels.get(channel));
    let is_told = |place: &Place| {
        views().any(|view| view.changes.contains_key(place) || view.void.contains_key(place))
    };
    let was_in = |device: &DeviceId| {
        facts.devices.get(device).is_some_and(|shown| shown.channels.contains_key(channel))
    };
    let commits = || views().flat_map(|view| view.commits.keys());
    facts.set_back.keys().any(|device| {
        let since = |place: &&Place| is_since_a_copy(facts, channel, device, place);
        needs_a_lead(facts, channel, device)
            || was_in(device) && !commits().filter(since).all(is_told)
    })
}

/// Whether a device that was set back did not have a place yet on a copy.
fn is_since_a_copy(facts: &Facts, channel: &str, device: &DeviceId, place: &Place) -> bool {
    let mut set_back = facts.set_back.get(device).into_iter().flatten();
    set_back.any(|it| it.copied.next.get(channel).is_none_or(|next| place >= next))
}

/// Whether a device was set back to before it was let in: then it does not know of the channel, or that it
/// is in it again, and a lead has to let it in.
pub(super) fn needs_a_lead(facts: &Facts, channel: &str, device: &DeviceId) -> bool {
    let set_back = || facts.set_back.get(device).into_iter().flatten();
    let lets_it_in = |(place, changes): (&Place, &Vec<Change>)| {
        is_since_a_copy(facts, channel, device, place)
            && changes.contains(&Change::Admitted(device.clone()))
    };
    let has_opened_it = || set_back().any(|it| !it.copied.next.contains_key(channel));
    facts.honest().filter_map(|(_, shown)| shown.channels.get(channel)).any(|view| {
        view.changes.iter().any(lets_it_in) || view.members.contains(device) && has_opened_it()
    })
}

/// Honest programs lose the keys only where a hub lost or signed twice what they had taken in, where
/// a modified program's change garbled them, or where their disk was put back.
pub(super) fn check(facts: &Facts, found: &mut Findings) {
    for (device, shown) in facts.honest() {
        for (channel, view) in &shown.channels {
            if view.standing == Standing::Stranded && waits_in_vain(facts, channel, device) {
                found.add(
                    0,
                    format!("{device} lost the keys of {channel}, and nobody puts it back"),
                );
            }
            let was_set_back = facts.set_back.contains_key(device);
            if facts.restored.contains(channel) || facts.is_forked(channel) || was_set_back {
                continue;
            }
            for since in sinces(facts, channel, device, view) {
                let author = view.commits.get(&since);
                if author.is_none_or(|author| facts.is_honest(author)) {
                    found.add(
                        9,
                        format!("{device} lost the keys of {channel} at {since}, by the change of {author:?}"),
                    );
                }
            }
        }
    }
}

fn sinces(facts: &Facts, channel: &Channel, device: &DeviceId, view: &View) -> Vec<Place> {
    let mut sinces: Vec<_> = gaps(facts, channel, device, view).map(|(since, _)| since).collect();
    sinces.sort_unstable();
    sinces.dedup();
    sinces
}

/// Whether a device was in a channel at a place without the keys, and has them again.
pub(super) fn was_stranded(facts: &Facts, channel: &str, device: &DeviceId, place: Place) -> bool {
    let view = facts.devices.get(device).and_then(|shown| shown.channels.get(channel));
    view.is_some_and(|view| {
        gaps(facts, channel, device, view).any(|(since, back)| (since..back).contains(&place))
    })
}

/// Whether a device may lack what stands at a place: it was stranded there, and nobody is left who
/// could have sent it that since; or it is its own, from before it was let in anew.
pub(super) fn may_lack(facts: &Facts, channel: &str, device: &DeviceId, place: Place) -> bool {
    may_lack_its_own(facts, channel, device, place)
        || nobody_could_send(facts, channel, device, place)
}

/// Whether a device was set back to before it wrote something, and has been let in anew since: nobody is
/// sent what was written before that, whoever says to have written it.
fn may_lack_its_own(facts: &Facts, channel: &str, device: &DeviceId, place: Place) -> bool {
    let mut set_back = facts.set_back.get(device).into_iter().flatten();
    let shown = facts.devices.get(device).and_then(|shown| shown.channels.get(channel));
    let is_its_own = |view: &View| {
        view.entries.iter().any(|entry| entry.place == place && entry.author == *device)
    };
    set_back.any(|it| it.copied.next.get(channel).is_some_and(|next| place >= *next))
        && shown.is_some_and(|view| view.joined.iter().any(|joined| *joined > place))
        && facts.honest().filter_map(|(_, shown)| shown.channels.get(channel)).any(is_its_own)
}

/// Whether a device was stranded at a place, and nobody is left who could have sent it that since. Whoever had
/// no keys when it was put back did not hear of it in time.
fn nobody_could_send(facts: &Facts, channel: &str, device: &DeviceId, place: Place) -> bool {
    let Some(view) = facts.devices.get(device).and_then(|shown| shown.channels.get(channel)) else {
        return false;
    };
    let gaps = gaps(facts, channel, device, view);
    let back = gaps.filter(|(since, back)| (*since..*back).contains(&place)).map(|(_, back)| back);
    let back: BTreeSet<_> = back.collect();
    let was_stranded = |other, place| was_stranded(facts, channel, other, place);
    !back.is_empty()
        && !facts.honest().any(|(other, shown)| {
            let view = shown.channels.get(channel);
            other != device
                && !facts.is_cut_off(other)
                && facts.is_served(other)
                && !was_stranded(other, place)
                && !back.iter().all(|back| was_stranded(other, *back))
                && view.is_some_and(|view| can_share(view, &shown.officer, place))
        })
}

/// Whether a member that shows this could send others what it holds of a place. Of what it has from before it
/// was let in again it cannot say that it is all.
fn can_share(view: &View, officer: &str, place: Place) -> bool {
    view.standing == Standing::Member
        && view.stopped.is_none()
        && view.roles.get(officer).is_none_or(|role| role != "observer")
        && view.joined.last().is_none_or(|joined| place > *joined)
        && view.entries.iter().any(|entry| entry.place == place)
}

/// From where until where a device had no keys, by what those were told who have the same log.
fn gaps<'f>(
    facts: &'f Facts,
    channel: &'f str,
    device: &'f DeviceId,
    view: &'f View,
) -> impl Iterator<Item = (Place, Place)> {
    let others = facts.honest().filter_map(|(_, shown)| shown.channels.get(channel));
    let told = others.flat_map(|other| {
        let changes = other.changes.iter().filter(|(place, _)| {
            let here = view.chain.get(place);
            here.is_some() && here == other.chain.get(place)
        });
        changes.flat_map(|(place, all)| all.iter().map(move |change| (*place, change)))
    });
    told.filter_map(move |(place, change)| match change {
        Change::PutBack(back, since) if back == device => Some((*since, place)),
        _ => None,
    })
}
