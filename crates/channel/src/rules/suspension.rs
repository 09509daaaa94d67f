//! What the policy records of suspensions, and who comes back.

use enlace_identity::bundle::Bundle;
use enlace_identity::names::DeviceName;

use super::act::Act;
use super::change::Change;
use super::evidence::Grounds;
use super::rule::{Rule, Void};

/// R-SUSPENSION: the serials of the statements that took effect, and the devices that may come back.
/// A lead may strike devices of its own authority out: they come back by a lead alone.
pub(super) fn check(change: &Change, grounds: &Grounds, next: Option<&Bundle>) -> Result<(), Void> {
    let (before, after) = (&change.before.policy, &change.after.policy);
    let mut serials = before.suspension_serials().clone();
    serials.extend(grounds.serials.clone());
    if *after.suspension_serials() != serials {
        return Err(Void::new(Rule::Suspension, "suspension_serials"));
    }
    let removed = change.removed.iter();
    let removed = removed.map(|device| (device.clone(), grounds.until.get(device).copied()));
    let expected = before.suspended_after(after, &removed.collect(), next);
    let recorded = after.suspended();
    let struck = |device: &DeviceName| {
        !recorded.contains_key(device)
            && before.suspended().contains_key(device)
            && change.is_by_lead_of(device.domain())
    };
    let missing = expected
        .iter()
        .find(|(device, entry)| recorded.get(*device) != Some(*entry) && !struck(device));
    let surplus = recorded.keys().find(|device| !expected.contains_key(*device));
    match missing.map(|(device, _)| device).or(surplus) {
        Some(device) => Err(Void::new(Rule::Suspension, device)),
        None => Ok(()),
    }
}

/// R-ADMIT-LIFTED: a device that a suspension took out is let in again by anybody, as what its
/// officer was, when a later statement leaves it out or is over, or the one that took it out has ended.
pub(super) fn admit_lifted(change: &Change, grounds: &Grounds, device: &DeviceName) -> Option<Act> {
    let before = &change.before.policy;
    let entry = before.suspended().get(device)?;
    let is_lifted = grounds.lifted.contains(device) || change.received_at >= entry.until;
    let officer = device.officer();
    let role = before.role_on_return(device)?;
    let as_before = change.role_after(officer) == Some(role);
    let (officer, device) = (officer.clone(), device.clone());
    (is_lifted && as_before).then_some(Act::Returned { officer, device, role })
}
