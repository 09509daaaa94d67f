//! Who may commit next.
//!
//! Leases are manners, not validity: they keep a thousand members from building commits of which
//! one can win. Whoever is refused gets a place in a queue and is told when to come back; the place
//! waits for it a while, so that nobody who asks at the right moment takes its turn. The order is
//! [`Place`]'s. Only memory knows any of this, within bounds that no crowd exceeds ([`Queue`]);
//! after a restart everybody asks again.

mod class;
mod penalties;
mod place;
mod queue;
mod served;
#[cfg(test)]
mod tests;

use std::time::Duration;

use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;

use penalties::Penalties;
use place::{Place, Seniority};
use queue::Queue;
use served::Served;

pub use class::{Class, LeaseClaim};

/// How long a lease lasts.
pub const LEASE: Duration = Duration::from_secs(10);

/// How long a free lease is kept for each one who goes first: the time that it takes to hear of
/// a commit, or to wake at the time told, and to ask.
const TURN: Duration = Duration::from_secs(2);

/// The lease of one channel.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    holder: Option<Holder>,
    free_since: Timestamp,
    queue: Queue,
    served: Served,
    penalties: Penalties,
    arrivals: u64,
}

#[derive(Clone, Debug)]
struct Holder {
    device: DeviceName,
    class: Class,
    until: Timestamp,
}

/// Somebody else holds the lease, or goes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotYet {
    /// When to ask again at the latest.
    pub wait: Duration,
    /// How many others come first, the holder aside: after so many commits it is worth asking at
    /// once.
    pub ahead: usize,
}

impl Lease {
    /// Asks for the lease: how long it lasts. A holder that asks again hears what is left.
    ///
    /// # Errors
    /// When to ask again. Until then, and a little longer, the place is kept.
    pub fn ask(
        &mut self,
        now: Timestamp,
        device: &DeviceName,
        class: Class,
    ) -> Result<Duration, NotYet> {
        self.follow_clock(now);
        self.lapse(now);
        if let Some(holder) = self.holder.as_ref().filter(|holder| holder.device == *device) {
            return Ok(holder.until.since(now));
        }
        self.queue.expire(now);
        let arrived = self.queue.find(device).map(Place::arrival);
        let arrived = arrived.unwrap_or_else(|| {
            self.arrivals += 1;
            (self.arrivals, now)
        });
        let mut place = Place::new(device.clone(), class, arrived);
        let rank = |place: &Place| place.rank(self.seniority(now, place));
        let own = rank(&place);
        let others = self.queue.iter().filter(|other| other.device() != device);
        let ahead = others.filter(|other| rank(other) < own).count();
        let free_at = self.holder.as_ref().map_or(self.free_since, |holder| holder.until);
        let turn = free_at.plus(TURN * u32::try_from(ahead).unwrap_or(u32::MAX));
        if self.holder.is_none() && turn <= now {
            self.queue.remove(device);
            self.served.add(device);
            self.holder = Some(Holder { device: device.clone(), class, until: now.plus(LEASE) });
            return Ok(LEASE);
        }
        place.expect(turn);
        let ranks: Vec<_> = self.queue.iter().map(rank).collect();
        self.queue.put(place, &own, &ranks);
        Err(NotYet { wait: turn.since(now), ahead })
    }

    /// Whether a device holds it.
    #[must_use]
    pub fn is_held_by(&self, device: &DeviceName, now: Timestamp) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.device == *device && now < holder.until)
    }

    /// Whether anybody holds it, or waits for it.
    #[must_use]
    pub fn is_in_use(&self, now: Timestamp) -> bool {
        self.holder.as_ref().is_some_and(|holder| now < holder.until) || self.queue.is_awaited(now)
    }

    /// Its holder has committed what bears out a claim to `class`. Whoever claimed more goes last.
    pub fn handle_commit(&mut self, now: Timestamp, class: Class) {
        if let Some(holder) = self.holder.take() {
            self.free_since = now;
            if holder.class < class {
                self.penalties.add(now, &holder.device);
            }
        }
    }

    /// Lets others go first for a while, if any wait: a device's commit was void, as far as a hub
    /// can know.
    pub fn put_last(&mut self, now: Timestamp, device: &DeviceName) {
        self.penalties.add(now, device);
    }

    /// A device was put last without reason.
    pub fn pardon(&mut self, device: &DeviceName) {
        self.penalties.lift(device);
    }

    /// A clock that stepped back keeps nobody waiting for longer than the lease's time.
    fn follow_clock(&mut self, now: Timestamp) {
        self.free_since = self.free_since.min(now);
        if let Some(holder) = &mut self.holder {
            holder.until = holder.until.min(now.plus(LEASE));
        }
    }

    fn lapse(&mut self, now: Timestamp) {
        if let Some(holder) = self.holder.take_if(|holder| now >= holder.until) {
            self.free_since = holder.until;
            self.penalties.add(holder.until, &holder.device);
        }
    }

    fn seniority(&self, now: Timestamp, place: &Place) -> Seniority {
        Seniority {
            goes_last: self.penalties.holds(now, place.device()),
            has_waited: now.since(place.arrival().1),
            served: self.served.turns_of(place.device()),
        }
    }
}
