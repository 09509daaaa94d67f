//! Whether a hub knows what its logs hold.
//!
//! A store can be older than what the relay has signed: restored from a backup, rolled back with
//! its machine, or on a disk that lost what it had confirmed. So a relay that was not stopped in
//! good order, or whose store looks like a copy or like one of another day, is in *doubt*. A channel
//! in doubt takes in nothing until everybody who may hold more has shown where its copy ends, or
//! [`PATIENCE`] has passed; in the second case the hub first states that it begins anew
//! (PROTOCOL.md §6.5).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Membership, Seq};

use super::recovery::Recovery;
use crate::storage::{Doubts, LastRun};

/// How long whoever may hold more is waited for after a start.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The same when the store looks like one of another time: others may have to be woken.
pub const LONG_PATIENCE: Duration = Duration::from_secs(5 * 60);

/// A store that was last in use longer ago looks like one of another time.
pub const AWAY: Duration = Duration::from_secs(5 * 60);

/// Somebody who may hold what this hub has lost.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Holder {
    /// Another authority's relay: it holds all that its devices hold.
    Relay(Domain),
    /// A device of the own authority.
    Device(DeviceName),
}

/// What a start says of the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// It is the newest state that there ever was.
    Sure,
    /// The relay, or its machine, was cut off.
    Interrupted,
    /// It looks like a copy, or like a state of another time.
    Restored,
}

impl Start {
    /// Judges by how the relay last ran on the store, and where it is now.
    #[must_use]
    pub fn of(last: &LastRun, now: Timestamp, boot: Option<&str>) -> Self {
        let Some(seen_at) = last.seen_at else { return Self::Sure };
        if last.is_copy || now.since(seen_at) > AWAY {
            return Self::Restored;
        }
        // What the operating system had taken survives the end of a process.
        let same_boot = boot.is_some() && boot == last.boot.as_deref();
        if last.stopped || same_boot { Self::Sure } else { Self::Interrupted }
    }
}

/// The doubts of one start, until each channel is settled.
#[derive(Clone, Debug)]
pub struct Settling {
    doubts: Doubts,
    began: Timestamp,
    patience: Duration,
    /// The channels ordered here that are in doubt.
    unsettled: BTreeSet<ChannelId>,
    /// Where the copy of each goes on who was heard.
    heard: BTreeMap<ChannelId, BTreeMap<Holder, Seq>>,
    /// The channels that this relay is to take over, each since when.
    taken_over: BTreeMap<ChannelId, Timestamp>,
    /// The channels of which the hub knows that it has lost something.
    recoveries: BTreeMap<ChannelId, Recovery>,
}

impl Settling {
    /// Begins with the channels that are in doubt.
    #[must_use]
    pub fn new(
        doubts: Doubts,
        start: Start,
        began: Timestamp,
        unsettled: BTreeSet<ChannelId>,
    ) -> Self {
        let patience = if start == Start::Restored { LONG_PATIENCE } else { PATIENCE };
        let (heard, taken_over, recoveries) = Default::default();
        Self { doubts, began, patience, unsettled, heard, taken_over, recoveries }
    }

    /// The doubts that came up so far, that of this start included.
    #[must_use]
    pub fn doubts(&self) -> Doubts {
        self.doubts
    }

    /// Whether a channel is in doubt.
    #[must_use]
    pub fn is_in_doubt(&self, channel: &ChannelId) -> bool {
        self.unsettled.contains(channel)
    }

    /// Whether no channel is, and none is to be taken over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.unsettled.is_empty() && self.taken_over.is_empty()
    }

    /// A channel is in doubt from now on.
    pub fn doubt(&mut self, channel: ChannelId) {
        self.unsettled.insert(channel);
    }

    /// A channel is to be taken over once others were heard.
    pub fn await_others(&mut self, channel: ChannelId, now: Timestamp) {
        self.taken_over.entry(channel).or_insert(now);
    }

    /// A channel is to be taken over no longer.
    pub fn await_nobody(&mut self, channel: &ChannelId) {
        if self.taken_over.remove(channel).is_some() && !self.is_in_doubt(channel) {
            self.heard.remove(channel);
        }
    }

    /// The channels that are to be taken over.
    pub fn to_take_over(&self) -> impl Iterator<Item = ChannelId> {
        self.taken_over.keys().copied()
    }

    /// Whether the others are still waited for before a channel is taken over.
    #[must_use]
    pub fn awaits_others(&self, channel: &ChannelId, now: Timestamp, patience: Duration) -> bool {
        self.taken_over.get(channel).is_some_and(|since| is_within(*since, now, patience))
    }

    /// Whether somebody's copy was heard to end just where a log does that goes on at `next`.
    #[must_use]
    pub fn ends_with(&self, channel: &ChannelId, holder: &Holder, next: Seq) -> bool {
        self.heard.get(channel).and_then(|heard| heard.get(holder)) == Some(&next)
    }

    /// Whether somebody has shown where its copy ends.
    #[must_use]
    pub fn has_heard(&self, channel: &ChannelId, holder: &Holder) -> bool {
        self.heard.get(channel).is_some_and(|heard| heard.contains_key(holder))
    }

    /// What is known to be lost of a channel.
    #[must_use]
    pub fn recovery(&self, channel: &ChannelId) -> Option<&Recovery> {
        self.recoveries.get(channel)
    }

    /// The same, to be changed.
    pub fn recovery_mut(&mut self, channel: &ChannelId) -> Option<&mut Recovery> {
        self.recoveries.get_mut(channel)
    }

    /// Something is known to be lost of a channel: it is in doubt, if it was not before.
    pub fn recover(&mut self, channel: ChannelId, recovery: Recovery) {
        self.unsettled.insert(channel);
        self.recoveries.insert(channel, recovery);
    }

    /// Whether whoever may hold more is still waited for. A clock that steps back ends it.
    #[must_use]
    pub fn is_patient(&self, now: Timestamp) -> bool {
        is_within(self.began, now, self.patience)
    }

    /// Somebody's copy of a channel goes on at `next`.
    pub fn hear(&mut self, channel: ChannelId, holder: Holder, next: Seq) {
        if self.is_in_doubt(&channel) || self.taken_over.contains_key(&channel) {
            self.heard.entry(channel).or_default().insert(holder, next);
        }
    }

    /// The channel is settled.
    pub fn settle(&mut self, channel: &ChannelId) {
        self.unsettled.remove(channel);
        self.taken_over.remove(channel);
        self.heard.remove(channel);
        self.recoveries.remove(channel);
    }

    /// The authorities with members that may hold more than a log that goes on at `next`, and were
    /// not heard, or do; `own` for devices of this relay's.
    #[must_use]
    pub fn unheard(
        &self,
        channel: &ChannelId,
        next: Seq,
        membership: &Membership,
        own: &Domain,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> BTreeSet<Domain> {
        let heard = self.heard.get(channel);
        let members = membership.current().iter().filter(|device| !is_revoked(device));
        let unheard = members.filter(|device| {
            let holder = if device.domain() == own {
                Holder::Device((*device).clone())
            } else {
                Holder::Relay(device.domain().clone())
            };
            let end = heard.and_then(|heard| heard.get(&holder));
            end.is_none_or(|end| *end > next)
        });
        unheard.map(|device| device.domain().clone()).collect()
    }
}

/// Whether `now` lies in the time that began then.
pub(super) fn is_within(began: Timestamp, now: Timestamp, time: Duration) -> bool {
    began <= now && now < began.plus(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stopped: bool, boot: &str) -> LastRun {
        LastRun {
            doubts: Doubts(0),
            seen_at: Some(Timestamp::from_secs(1_000)),
            stopped,
            boot: Some(boot.to_owned()),
            is_copy: false,
        }
    }

    #[test]
    fn only_the_newest_state_is_sure() {
        let soon = Timestamp::from_secs(1_060);
        let of = |last: &LastRun| Start::of(last, soon, Some("b"));
        assert_eq!(of(&LastRun::default()), Start::Sure, "a new store");
        assert_eq!(of(&run(true, "a")), Start::Sure, "stopped in good order");
        assert_eq!(of(&run(false, "b")), Start::Sure, "only the process ended");
        assert_eq!(of(&run(false, "a")), Start::Interrupted);
        assert_eq!(Start::of(&run(false, "b"), soon, None), Start::Interrupted);
        assert_eq!(of(&LastRun { is_copy: true, ..run(true, "b") }), Start::Restored);
        let tomorrow = Timestamp::from_secs(90_000);
        assert_eq!(Start::of(&run(true, "b"), tomorrow, Some("b")), Start::Restored);
    }

    #[test]
    fn patience_ends() {
        let began = Timestamp::from_secs(50);
        let settling = Settling::new(Doubts(1), Start::Interrupted, began, BTreeSet::new());
        assert!(settling.is_patient(began) && settling.is_patient(Timestamp::from_secs(59)));
        assert!(!settling.is_patient(Timestamp::from_secs(60)));
        assert!(!settling.is_patient(Timestamp::from_secs(49)));
    }
}
