//! Who goes last for a while.

use std::time::Duration;

use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_identity::time::Timestamp;

/// How long an officer's devices go last, one of which let a lease lapse or made a void commit.
pub(super) const LAST_FOR: Duration = Duration::from_secs(60);

/// More are not remembered: within [`LAST_FOR`] few can hold a lease and spoil it.
const MAX: usize = 64;

/// The officers who go last, oldest first: changing devices wins nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Penalties(Vec<(OfficerAddress, Timestamp)>);

impl Penalties {
    pub(super) fn add(&mut self, now: Timestamp, device: &DeviceName) {
        let officer = device.officer();
        self.0.retain(|(other, until)| other != officer && now < *until);
        if self.0.len() == MAX {
            self.0.remove(0);
        }
        self.0.push((officer.clone(), now.plus(LAST_FOR)));
    }

    pub(super) fn lift(&mut self, device: &DeviceName) {
        self.0.retain(|(other, _)| other != device.officer());
    }

    pub(super) fn holds(&self, now: Timestamp, device: &DeviceName) -> bool {
        self.0.iter().any(|(other, until)| other == device.officer() && now < *until)
    }
}
