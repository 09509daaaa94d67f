//! Who is suspended, and whose suspension is over, in one channel.

use enlace_channel::channel::Channel;
use enlace_channel::policy::Policy;
use enlace_identity::names::DeviceName;
use enlace_identity::suspension::VerifiedSuspensions;
use enlace_identity::time::Timestamp;
use enlace_transport::Trust;

use super::sweep::CLOCKS;

/// Why a device may come back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Over {
    /// The signed statement that leaves it out or is over; none when the former one has ended.
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
            let stated = trust.suspensions_of(device.domain());
            let stated = stated.filter(|stated| stated.names(device)).map(|stated| stated.end());
            let stated = stated.filter(|end| trust.now() < end.plus(CLOCKS));
            let end = stated.unwrap_or(entry.until).plus(CLOCKS);
            due.next = Some(due.next.map_or(end, |next| next.min(end)));
        }
        due
    }
}

/// Whether a device that a suspension took out may come back, as far as this device knows.
pub(super) fn is_over(policy: &Policy, device: &DeviceName, trust: &Trust) -> Option<Over> {
    let entry = policy.suspended().get(device)?;
    if trust.suspending(device).is_some() {
        return None;
    }
    let (domain, now) = (device.domain(), trust.now());
    let has_ended = now >= entry.until.plus(CLOCKS);
    let there = policy.suspension_serial(domain);
    let lifts = |stated: &VerifiedSuspensions| {
        let is_lifted = !stated.names(device) || now >= stated.not_after.plus(CLOCKS);
        is_lifted && (stated.serial > there || stated.serial == there && !has_ended)
    };
    match trust.suspensions_of(domain).filter(lifts) {
        Some(stated) => Some(Over { statement: Some(stated.signed().encode()) }),
        None => has_ended.then_some(Over { statement: None }),
    }
}
