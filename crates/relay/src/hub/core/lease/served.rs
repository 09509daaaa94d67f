//! Who held the lease lately: authorities take turns, and officers within each.

use std::collections::VecDeque;

use enlace_identity::names::DeviceName;

/// How many are remembered; who is forgotten counts as not served.
const MAX: usize = 64;

/// The newest holders, newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Served(VecDeque<DeviceName>);

impl Served {
    pub(super) fn add(&mut self, device: &DeviceName) {
        self.0.retain(|other| other.officer() != device.officer());
        if self.0.len() == MAX {
            self.0.pop_front();
        }
        self.0.push_back(device.clone());
    }

    /// How recently the device's authority, and its officer, held the lease: more is more recent,
    /// 0 not within memory.
    pub(super) fn turns_of(&self, device: &DeviceName) -> (usize, usize) {
        let newest = |is_of: &dyn Fn(&DeviceName) -> bool| {
            self.0.iter().rposition(is_of).map_or(0, |position| position + 1)
        };
        (
            newest(&|other| other.domain() == device.domain()),
            newest(&|other| other.officer() == device.officer()),
        )
    }
}
