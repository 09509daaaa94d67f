//! One place in the queue, and the order of places.

use std::time::Duration;

use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;

use super::class::Class;

/// After which time a place goes before all that came later, but for revocations: nobody is kept
/// out for good by those who always have something more urgent.
const AGED: Duration = Duration::from_secs(60);

/// How long a place is kept after the time that its device was told to come back at.
const KEPT: Duration = Duration::from_secs(10);

/// A device that waits.
#[derive(Clone, Debug)]
pub(super) struct Place {
    device: DeviceName,
    class: Class,
    arrival: (u64, Timestamp),
    kept_until: Timestamp,
}

/// What a place's rank depends on beside itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seniority {
    /// It let a lease lapse, or its commit was void.
    pub(super) goes_last: bool,
    pub(super) has_waited: Duration,
    /// How recently its authority, and its officer, held the lease; 0 is not within memory.
    pub(super) served: (usize, usize),
}

/// Lower goes first: by urgency; then those whose authority, and then those who themselves, held
/// the lease less recently; then by arrival.
pub(super) type Rank = (Urgency, (usize, usize), u64);

/// How urgent.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Urgency {
    Revocation,
    Aged,
    Class(Class),
    Last,
}

impl Place {
    /// A place since `arrival`: the how-manieth, and when.
    pub(super) fn new(device: DeviceName, class: Class, arrival: (u64, Timestamp)) -> Self {
        Self { device, class, arrival, kept_until: arrival.1 }
    }

    pub(super) fn device(&self) -> &DeviceName {
        &self.device
    }

    pub(super) fn authority(&self) -> &Domain {
        self.device.domain()
    }

    pub(super) fn arrival(&self) -> (u64, Timestamp) {
        self.arrival
    }

    /// Its device is told to ask again at that time.
    pub(super) fn expect(&mut self, at: Timestamp) {
        self.kept_until = at.plus(KEPT);
    }

    pub(super) fn is_kept(&self, now: Timestamp) -> bool {
        now < self.kept_until
    }

    pub(super) fn rank(&self, seniority: Seniority) -> Rank {
        let urgency = match self.class {
            _ if seniority.goes_last => Urgency::Last,
            Class::Revocation => Urgency::Revocation,
            _ if seniority.has_waited >= AGED => Urgency::Aged,
            class => Urgency::Class(class),
        };
        (urgency, seniority.served, self.arrival.0)
    }
}
