//! Sovereign membership: who may let in and put out whom.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::names::{DeviceName, Domain};

use super::act::{Act, Removal};
use super::change::Change;
use super::rule::{Rule, Void};
use crate::policy::Role;

/// R-REMOVE-OWNER, R-REMOVE-SOVEREIGN. `grounds` is what the evidence says.
pub(super) fn check_removals(
    change: &Change,
    grounds: &BTreeMap<DeviceName, Removal>,
) -> Result<Vec<Act>, Void> {
    change.removed.iter().map(|device| check_removal(change, device, grounds)).collect()
}

fn check_removal(
    change: &Change,
    device: &DeviceName,
    grounds: &BTreeMap<DeviceName, Removal>,
) -> Result<Act, Void> {
    let officer = device.officer();
    let because = grounds.get(device).copied().unwrap_or(Removal::ByLead);
    if change.role_before(officer) == Some(Role::Owner) && because != Removal::Revoked {
        return Err(Void::new(Rule::RemoveOwner, officer));
    }
    if because == Removal::ByLead && !change.is_by_lead_of(device.domain()) {
        return Err(Void::new(Rule::RemoveSovereign, officer));
    }
    Ok(Act::Removed { officer: officer.clone(), device: device.clone(), because })
}

/// R-CLOSED, R-ADMIT-AUTHORITY, R-ADMIT-SOVEREIGN, R-ADMIT-ROLE, R-OWN-ROLE-ALONE.
pub(super) fn check_admissions(change: &Change) -> Result<Vec<Act>, Void> {
    let is_closed = change.before.policy.is_closed() || change.after.policy.is_closed();
    if is_closed && let Some(device) = change.added.first() {
        return Err(Void::new(Rule::Closed, device));
    }
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
