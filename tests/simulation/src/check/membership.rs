//! Who was in, at which places. Taken from what members were told, where all must have been told
//! the same.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Findings;
use super::put_back::needs_a_lead;
use super::restored::is_lost;
use crate::facts::{Change, Channel, DeviceId, Facts, Place, Standing, View, Wish};

/// What changed at which places.
pub(super) type Changes = BTreeMap<Place, Vec<Change>>;

/// The places at which each device was a member, and what changed where.
#[derive(Debug, Default)]
pub struct Membership {
    spans: BTreeMap<(Channel, DeviceId), Vec<Range<Place>>>,
    changes: BTreeMap<Channel, Changes>,
}

impl Membership {
    /// Reads it off the facts.
    pub fn of(facts: &Facts, found: &mut Findings) -> Self {
        let mut membership = Self::default();
        let channels: BTreeSet<&Channel> =
            facts.devices.values().flat_map(|shown| shown.channels.keys()).collect();
        for channel in channels {
            let changes = changes(facts, channel, found);
            if facts.is_forked(channel) {
                continue;
            }
            membership.follow(facts, channel, &changes, found);
            asked_acts_took_effect(facts, channel, &changes, found);
            membership.changes.insert(channel.clone(), changes);
        }
        membership
    }

    /// Whether a device was a member at a place. Of a forked channel nobody can say.
    #[must_use]
    pub fn includes(&self, channel: &Channel, device: &DeviceId, place: Place) -> bool {
        self.spans(channel, device).iter().any(|span| span.contains(&place))
    }

    /// Whether a device is a member in the end.
    #[must_use]
    pub fn includes_now(&self, channel: &Channel, device: &DeviceId) -> bool {
        self.spans(channel, device).last().is_some_and(|span| span.end == Place::MAX)
    }

    /// Whether a device was a member at a place and has been one ever since.
    #[must_use]
    pub fn stays_from(&self, channel: &Channel, device: &DeviceId, place: Place) -> bool {
        let last = self.spans(channel, device).last();
        last.is_some_and(|span| span.end == Place::MAX && span.contains(&place))
    }

    /// What changed in a channel, unless it is forked.
    pub(super) fn changes_of(&self, channel: &Channel) -> Option<&Changes> {
        self.changes.get(channel)
    }

    /// What changed in each channel, but forked ones.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&Channel, &Changes)> {
        self.changes.iter()
    }

    fn spans(&self, channel: &Channel, device: &DeviceId) -> &[Range<Place>] {
        self.spans.get(&(channel.clone(), device.clone())).map_or(&[], Vec::as_slice)
    }

    fn follow(
        &mut self,
        facts: &Facts,
        channel: &Channel,
        changes: &Changes,
        found: &mut Findings,
    ) {
        let mut first: BTreeMap<&DeviceId, bool> = BTreeMap::new();
        for change in changes.values().flatten() {
            match change {
                Change::Admitted(device) => _ = first.entry(device).or_insert(true),
                Change::Removed(device) => _ = first.entry(device).or_insert(false),
                _ => {}
            }
        }
        // Whoever has the channel from its first place, and was not let in first of all, opened it.
        for (device, shown) in &facts.devices {
            let begins = shown.channels.get(channel).is_some_and(View::begins_it);
            if begins && first.get(device) != Some(&true) {
                let whole = 0..Place::MAX;
                self.spans.entry((channel.clone(), device.clone())).or_default().push(whole);
            }
        }
        for (place, change) in changes.iter().flat_map(|(p, all)| all.iter().map(move |c| (*p, c)))
        {
            match change {
                Change::Admitted(device) => {
                    let spans = self.spans.entry((channel.clone(), device.clone())).or_default();
                    if spans.last().is_some_and(|span| span.end == Place::MAX) {
                        found.add(
                            2,
                            format!("{device} was admitted to {channel} twice, again at {place}"),
                        );
                    }
                    spans.push(place + 1..Place::MAX);
                }
                Change::Removed(device) => {
                    let spans = self.spans.entry((channel.clone(), device.clone())).or_default();
                    match spans.last_mut() {
                        Some(span) if span.end == Place::MAX => span.end = place,
                        _ => found.add(
                            2,
                            format!(
                                "{device} was removed from {channel} at {place} and was not in"
                            ),
                        ),
                    }
                }
                Change::Expelled(authority) => {
                    let gone = self
                        .spans
                        .iter_mut()
                        .filter(|((log, device), _)| log == channel && is_of(device, authority));
                    for span in gone.flat_map(|(_, spans)| spans) {
                        span.end = span.end.min(place);
                    }
                }
                _ => {}
            }
        }
    }
}

pub(super) fn is_of(device: &str, authority: &str) -> bool {
    device.split_once(".officer.").is_some_and(|(_, domain)| domain == authority)
}

impl View {
    fn begins_it(&self) -> bool {
        self.chain.contains_key(&0)
    }

    fn is_told_all(&self) -> bool {
        self.standing == Standing::Member && self.stopped.is_none()
    }
}

/// What members were told changed, by place.
fn changes(facts: &Facts, channel: &Channel, found: &mut Findings) -> Changes {
    let mut told: BTreeMap<Place, (&DeviceId, &Vec<Change>)> = BTreeMap::new();
    // A modified program, or whoever was left behind, counts where nobody else was there to be told.
    let is_doubtful =
        |device: &DeviceId| !facts.is_honest(device) || facts.is_left_behind(device, channel);
    let (doubtful, good): (Vec<_>, Vec<_>) =
        facts.devices.iter().partition(|(device, _)| is_doubtful(device));
    for (device, shown) in good.into_iter().chain(doubtful) {
        let Some(view) = shown.channels.get(channel) else { continue };
        for (place, changes) in &view.changes {
            let (first, other) = told.entry(*place).or_insert((device, changes));
            let counts = !facts.is_forked(channel) && !is_doubtful(device);
            if *other != changes && counts {
                found.add(
                    2,
                    format!(
                        "{channel} at {place}: {first} was told {other:?}, {device} {changes:?}"
                    ),
                );
            }
        }
    }
    let mut changes: Changes =
        told.into_iter().map(|(place, (_, changes))| (place, changes.clone())).collect();
    // Where all who had been told were set back since, whoever was let in still knows it.
    let views = || facts.honest().filter_map(|(_, shown)| shown.channels.get(channel));
    let is_void = |place: &Place| views().any(|view| view.void.contains_key(place));
    for (device, shown) in facts.honest().filter(|_| !facts.set_back.is_empty()) {
        let joined = shown.channels.get(channel).map(|view| &view.joined);
        for place in joined.into_iter().flatten().filter(|place| !is_void(place)) {
            changes.entry(*place).or_insert_with(|| vec![Change::Admitted(device.clone())]);
        }
    }
    changes
}

/// What was acknowledged as carried out must have happened there.
fn asked_acts_took_effect(
    facts: &Facts,
    channel: &Channel,
    changes: &Changes,
    found: &mut Findings,
) {
    for asked in facts.asked.iter().filter(|asked| asked.channel == *channel) {
        let acknowledged = facts.acknowledged.iter().find(|acknowledged| {
            acknowledged.device == asked.device && acknowledged.id == asked.id
        });
        let Some(place) = acknowledged.and_then(|acknowledged| acknowledged.place) else {
            continue;
        };
        let there = changes.get(&place).map_or(&[][..], Vec::as_slice);
        if facts.modified.contains(&asked.device) {
            continue;
        }
        let happened = match &asked.what {
            Wish::Admit(officer) => there.iter().any(|change| match change {
                Change::Admitted(device) => officer_of(facts, device) == Some(officer),
                _ => false,
            }),
            Wish::Remove(officer) => there.iter().any(|change| match change {
                Change::Removed(device) => officer_of(facts, device) == Some(officer),
                _ => false,
            }),
            Wish::Role(officer, role) => {
                there.contains(&Change::Role(officer.clone(), Some(role.clone())))
            }
            Wish::Closed(closed) => there.contains(&Change::Closed(*closed)),
            Wish::NewGroup => there.contains(&Change::Founded),
            Wish::Expel(authority) => there.contains(&Change::Expelled(authority.clone())),
            Wish::Note(_) | Wish::Leave | Wish::Other => continue,
        };
        let somebody_was_told = facts.devices.values().any(|shown| {
            shown
                .channels
                .get(channel)
                .is_some_and(|v| v.is_told_all() && v.next > place && v.chain.contains_key(&place))
        });
        let is_gone = facts.is_forked(channel)
            || is_lost(facts, channel, place)
            || needs_a_lead(facts, channel, &asked.device);
        if !happened && somebody_was_told && !is_gone {
            found.add(1, format!(
                "{}: {:?} was acknowledged at {place} of {channel} and did not happen: {there:?}",
                asked.device, asked.what
            ));
        }
    }
}

pub(super) fn officer_of<'f>(facts: &'f Facts, device: &DeviceId) -> Option<&'f String> {
    facts.devices.get(device).map(|shown| &shown.officer)
}
