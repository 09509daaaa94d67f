//! Who is suspended, and whose suspension is over, in one channel.

use enlace_channel::channel::Channel;
use enlace_channel::policy::Policy;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_transport::Trust;

use super::sweep::CLOCKS;

/// Why a device may come back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Over {
    /// The signed statement that leaves it out; none when the former one has ended.
    pub(super) statement: Option<Vec<u8>>,
}

/// What suspensions ask for in a channel.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// Members who are suspended.
    pub(super) suspended: Vec<DeviceName>,
    /// Devices that may come back.
    pub(super) returning: Vec<DeviceName>,
    /// When the next of the others may.
    pub(super) next: Option<Timestamp>,
}

impl Due {
    /// As far as this device knows.
    pub(super) fn of(channel: &Channel, trust: &Trust) -> Self {
        let devices = channel.devices();
        let suspended = devices.iter().filter(|device| trust.suspending(device).is_some());
        let mut due = Self { suspended: suspended.cloned().collect(), ..Self::default() };
        let policy = channel.policy();
        if policy.is_closed() {
            return due;
        }
        for (device, entry) in policy.suspended() {
            if devices.contains(device) {
                continue;
            }
            if is_over(policy, device, trust).is_some() {
                due.returning.push(device.clone());
                continue;
            }
            let end = trust.suspending(device).map_or(entry.until, |stated| stated.end());
            let end = end.plus(CLOCKS);
            due.next = Some(due.next.map_or(end, |next| next.min(end)));
        }
        due
    }
}

/// Whether a device that a suspension took out may come back, as far as this device knows.
pub(super) fn is_over(policy: &Policy, device: &DeviceName, trust: &Trust) -> Option<Over> {
    let entry = policy.suspended().get(device)?;
    let newest = trust.suspensions_of(device.domain());
    if newest.as_ref().is_some_and(|stated| stated.names(device)) {
        return None;
    }
    let domain = device.domain();
    let newest = newest.filter(|stated| stated.serial >= policy.suspension_serial(domain));
    match newest {
        Some(stated) => Some(Over { statement: Some(stated.signed().encode()) }),
        None if trust.now() >= entry.until.plus(CLOCKS) => Some(Over { statement: None }),
        None => None,
    }
}
