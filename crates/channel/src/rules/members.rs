//! Sovereign membership: who may let in and put out whom.

use std::collections::BTreeSet;

use enlace_identity::names::{DeviceName, Domain};

use super::act::Act;
use super::change::Change;
use super::rule::{Rule, Void};
use crate::policy::Role;

/// R-REMOVE-OWNER, R-REMOVE-SOVEREIGN. `leavers` asked for it themselves.
pub(super) fn check_removals(
    change: &Change,
    leavers: &BTreeSet<DeviceName>,
) -> Result<Vec<Act>, Void> {
    change.removed.iter().map(|device| check_removal(change, device, leavers)).collect()
}

fn check_removal(
    change: &Change,
    device: &DeviceName,
    leavers: &BTreeSet<DeviceName>,
) -> Result<Act, Void> {
    let officer = device.officer();
    let left = leavers.contains(device);
    if change.role_before(officer) == Some(Role::Owner) {
        return Err(Void::new(Rule::RemoveOwner, officer));
    }
    if !left && !change.is_by_lead_of(device.domain()) {
        return Err(Void::new(Rule::RemoveSovereign, officer));
    }
    Ok(Act::Removed { officer: officer.clone(), device: device.clone(), left })
}

/// R-ADMIT-AUTHORITY, R-ADMIT-SOVEREIGN, R-ADMIT-ROLE, R-OWN-ROLE-ALONE.
pub(super) fn check_admissions(change: &Change) -> Result<Vec<Act>, Void> {
    let committer = change.committer.officer();
    let own_role_changes = change.role_before(committer) != change.role_after(committer);
    if own_role_changes && let Some(device) = change.added.first() {
        return Err(Void::new(Rule::OwnRoleAlone, device));
    }
    let present = change.authorities_before();
    change.added.iter().map(|device| check_admission(change, device, &present)).collect()
}

fn check_admission(
    change: &Change,
    device: &DeviceName,
    present: &BTreeSet<&Domain>,
) -> Result<Act, Void> {
    let officer = device.officer();
    let role = change.role_after(officer).ok_or_else(|| Void::new(Rule::RolesMatch, officer))?;
    let new_authority = !present.contains(device.domain());
    if new_authority {
        let of_it = change.after.policy.roles().keys().filter(|o| o.domain() == device.domain());
        if !change.is_by_owner() || of_it.count() != 1 || role != Role::Lead {
            return Err(Void::new(Rule::AdmitAuthority, officer));
        }
    } else {
        if !change.is_by_lead_of(device.domain()) {
            return Err(Void::new(Rule::AdmitSovereign, officer));
        }
        if !matches!(role, Role::Lead | Role::Member | Role::Observer) {
            return Err(Void::new(Rule::AdmitRole, officer));
        }
    }
    Ok(Act::Admitted { officer: officer.clone(), device: device.clone(), role, new_authority })
}
