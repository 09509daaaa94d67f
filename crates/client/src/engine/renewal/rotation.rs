//! When a device renews its keys in a channel. Pure: times and counts in, a decision out.
//!
//! Each device has a lot in each channel, a hash of both names, and no other coordination is
//! needed. Time is cut into periods that grow with the membership, so that a channel sees at most
//! one renewal by age in [`PACE`] on average, whatever its size; a device's lot is its place in
//! each period. Whoever joins a large channel renews soon after, spread likewise. A renewal that
//! is due waits for a quiet moment, drawn anew after each item, so that of many who wait one goes
//! first; but not for ever, and not at all once the device has written so much that its keys have
//! to go.

use std::time::Duration;

use enlace_identity::canonical::sha256;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Seq};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The shortest period. Others are this one doubled, as often as it takes: so a place in a longer
/// period is a place in each shorter one, and a member more or less moves nobody's turn.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// The time that each member adds to the period: in a channel, renewals by age come no closer on
/// average.
const PACE: Duration = Duration::from_secs(15 * 60);

/// The largest channel in which joiners don't renew soon: their leaves cost the others little.
const SMALL: u64 = 50;

/// The time that each member adds to what joiners of a large channel spread over.
const JOINERS_PACE: Duration = MINUTE;

/// How many items a device encrypts before its keys are due, whatever their age.
const MESSAGES: u64 = 1000;

/// How many items a device encrypts at most before it renews its keys: then this goes before
/// everything else that waits. A quarter of what a reader skips at most (PROTOCOL.md, section 5.1),
/// so that no number of lost or refused items leads beyond.
pub(in crate::engine) const MOST_MESSAGES: u64 = 16_384;

/// How long a channel has been quiet when nothing came: this long, to twice this long.
const QUIET: Duration = Duration::from_secs(120);

/// How long a program looks for a quiet moment at least, and what each member adds to what the
/// end of its patience is spread over.
const PATIENCE: Duration = HOUR;
const IMPATIENCE_PACE: Duration = Duration::from_secs(10);

/// A renewal that is further in the future than this was noted by a clock that was wrong.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

/// One device's turns in one channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    names: [u8; 32],
    members: u64,
}

/// The device's keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    /// When the device joined.
    pub(super) joined_at: Timestamp,
    /// When it renewed them; the time of joining until it does.
    pub(super) renewed_at: Timestamp,
    /// How many items it has encrypted since.
    pub(super) messages: u64,
    /// Whether the leaf has another certificate than the device, or says of its program what isn't
    /// so any more.
    pub(super) has_outdated_leaf: bool,
}

/// What goes on in the channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traffic {
    /// The newest item here.
    pub(super) newest: Option<(Seq, Timestamp)>,
    /// Whether something of this device waits to be sent.
    pub(super) has_queue: bool,
    /// Since when this program has looked for a quiet moment, if it has.
    pub(super) looking_since: Option<Timestamp>,
}

/// What to do now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Turn {
    /// Nothing: it is not due.
    Later,
    /// To look for a quiet moment.
    Look,
    /// To renew.
    Now,
}

impl Rotation {
    /// The turns of a device in a channel that has so many.
    pub(super) fn new(device: &DeviceName, channel: ChannelId, members: usize) -> Self {
        let names = sha256(&[&channel.0, device.as_str().as_bytes()].concat());
        Self { names, members: u64::try_from(members).unwrap_or(u64::MAX) }
    }

    /// Decides.
    pub(super) fn turn(&self, now: Timestamp, keys: &Keys, traffic: &Traffic) -> Turn {
        if keys.messages >= MOST_MESSAGES {
            return Turn::Now;
        }
        let is_from_the_future = keys.renewed_at > now.plus(AHEAD);
        let is_due = keys.messages >= MESSAGES
            || keys.has_outdated_leaf
            || is_from_the_future
            || self.due_at(keys) <= now;
        if !is_due {
            return Turn::Later;
        }
        let is_quiet = !traffic.has_queue
            && traffic.newest.is_none_or(|(seq, at)| now.since(at) >= self.quiet_after(seq));
        let since = traffic.looking_since.unwrap_or(now);
        let is_patient = now.since(since) < self.patience();
        if is_quiet || !is_patient { Turn::Now } else { Turn::Look }
    }

    /// When the keys are due by their age: at the device's first turn that is half a period or more
    /// after the last time; in a large channel soon after joining.
    pub(super) fn due_at(&self, keys: &Keys) -> Timestamp {
        let period = millis(self.period());
        let earliest = keys.renewed_at.plus(self.period() / 2).as_millis();
        let place = self.lot() % period;
        let wait = (place + period - earliest % period) % period;
        let by_age = Timestamp::from_millis(earliest.saturating_add(wait));
        let is_new = self.members > SMALL && keys.renewed_at == keys.joined_at;
        let soon = keys.joined_at.plus(part(self.lot(), self.for_each(JOINERS_PACE)));
        if is_new { by_age.min(soon) } else { by_age }
    }

    /// How far a device's turns are apart.
    pub(super) fn period(&self) -> Duration {
        let least = self.for_each(PACE);
        let mut period = WEEK;
        while period < least {
            period = period.saturating_mul(2);
        }
        period
    }

    /// How long nothing has come when the channel counts as quiet, after its item at `seq`.
    pub(super) fn quiet_after(&self, seq: Seq) -> Duration {
        let draw = sha256(&[&self.names[..], &seq.0.to_be_bytes()].concat());
        QUIET + part(first_bytes(&draw), QUIET)
    }

    /// How long a program looks for a quiet moment.
    pub(super) fn patience(&self) -> Duration {
        PATIENCE + part(self.lot(), self.for_each(IMPATIENCE_PACE))
    }

    fn lot(&self) -> u64 {
        first_bytes(&self.names)
    }

    fn for_each(&self, pace: Duration) -> Duration {
        pace.saturating_mul(u32::try_from(self.members).unwrap_or(u32::MAX))
    }
}

fn first_bytes(hash: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *hash;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The part of a duration that a lot stands for: from none to just not all of it.
fn part(lot: u64, of: Duration) -> Duration {
    let product = u128::from(lot) * u128::from(millis(of));
    Duration::from_millis(u64::try_from(product >> 64).unwrap_or(u64::MAX))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
