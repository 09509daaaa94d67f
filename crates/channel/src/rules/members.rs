//! Sovereign membership: who may let in and put out whom.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::names::{DeviceName, Domain};

use super::act::{Act, Removal};
use super::change::Change;
use super::evidence::Grounds;
use super::put_back::Back;
use super::rule::{Rule, Void};
use super::suspension::admit_lifted;
use crate::consent::Subject;
use crate::policy::Role;

/// R-REMOVE-OWNER, R-REMOVE-SOVEREIGN. `grounds` is what the evidence says; who asked to be put `back`
/// is not gone.
pub(super) fn check_removals(
    change: &Change,
    grounds: &BTreeMap<DeviceName, Removal>,
    back: &Back,
) -> Result<Vec<Act>, Void> {
    let gone = change.removed.iter().filter(|device| !back.contains_key(*device));
    gone.map(|device| check_removal(change, device, grounds)).collect()
}

fn check_removal(
    change: &Change,
    device: &DeviceName,
    grounds: &BTreeMap<DeviceName, Removal>,
) -> Result<Act, Void> {
    let officer = device.officer();
    let goes = change.role_after(officer).is_none();
    let because = removal_of(change, device, grounds);
    let is_owner = change.role_before(officer) == Some(Role::Owner);
    let owner_may_lose_it = match because {
        Some(Removal::Revoked | Removal::Suspended | Removal::Dropped) => true,
        Some(Removal::Own) => !goes,
        _ => false,
    };
    if is_owner && !owner_may_lose_it {
        return Err(Void::new(Rule::RemoveOwner, officer));
    }
    let because = because.ok_or_else(|| Void::new(Rule::RemoveSovereign, officer))?;
    let device = device.clone();
    Ok(match goes {
        true => Act::Removed { officer: officer.clone(), device, because },
        false => Act::DeviceRemoved { device, because },
    })
}

/// What entitles to a removal. Who leaves, leaves with all devices.
fn removal_of(
    change: &Change,
    device: &DeviceName,
    grounds: &BTreeMap<DeviceName, Removal>,
) -> Option<Removal> {
    let officer = device.officer();
    let leaves = grounds
        .iter()
        .any(|(leaver, removal)| leaver.officer() == officer && *removal == Removal::Left);
    match grounds.get(device) {
        Some(removal) => Some(*removal),
        None if leaves => Some(Removal::Left),
        None if change.committer.officer() == officer => Some(Removal::Own),
        None if change.before.policy.succeeds(change.committer.officer(), officer) => {
            Some(Removal::Own)
        }
        None if change.is_by_lead_of(device.domain()) => Some(Removal::ByLead),
        None if change.before.policy.has_ended(officer, change.received_at) => Some(Removal::Ended),
        None => None,
    }
}

/// R-CLOSED, R-OWN-ROLE-ALONE, R-SUCCEED-ADDRESS, R-ADMIT-LIFTED, R-ADMIT-AUTHORITY, R-ADMIT-CONSENT, R-ADMIT-SOVEREIGN,
/// R-ADMIT-ROLE. `grounds` is what the evidence says.
pub(super) fn check_admissions(
    change: &Change,
    grounds: &Grounds,
    back: &Back,
) -> Result<Vec<Act>, Void> {
    let is_closed = change.before.policy.is_closed() || change.after.policy.is_closed();
    let mut new = change.added.iter().filter(|device| !back.contains_key(*device));
    if is_closed && let Some(device) = new.next() {
        return Err(Void::new(Rule::Closed, device));
    }
    let committer = change.committer.officer();
    let own_role_changes = change.role_before(committer) != change.role_after(committer);
    let mut others = change.added.iter().filter(|d| !change.is_succeeded_by(d.officer()));
    if own_role_changes && let Some(device) = others.next() {
        return Err(Void::new(Rule::OwnRoleAlone, device));
    }
    let present = change.authorities_before();
    let admit = |device: &DeviceName| {
        if let Some(asked) = back.get(device) {
            let (since, share_key) = (asked.since, asked.share_key.clone());
            return Ok(Act::PutBack { device: device.clone(), since, share_key });
        }
        match admit_lifted(change, grounds, device) {
            Some(returned) => Ok(returned),
            None => check_admission(change, device, &present, grounds),
        }
    };
    change.added.iter().map(admit).collect()
}

fn check_admission(
    change: &Change,
    device: &DeviceName,
    present: &BTreeSet<&Domain>,
    grounds: &Grounds,
) -> Result<Act, Void> {
    let officer = device.officer();
    let role = change.role_after(officer).ok_or_else(|| Void::new(Rule::RolesMatch, officer))?;
    if change.is_succeeded_by(officer) {
        return check_succession(change, device, role);
    }
    let sovereign = change.is_by_lead_of(device.domain());
    if let Some(role) = change.role_before(officer) {
        let committer = change.committer.officer();
        let own = committer == officer || change.before.policy.succeeds(officer, committer);
        // Whose device speaks for the owner is nobody else's affair.
        return match own || sovereign && role != Role::Owner {
            true => Ok(Act::DeviceAdded { device: device.clone() }),
            false => Err(Void::new(Rule::AdmitSovereign, officer)),
        };
    }
    let policy = &change.after.policy;
    let new_authority = !present.contains(policy.present(device.domain()));
    if new_authority {
        let of_it = policy.roles().keys().filter(|o| policy.are_one(o.domain(), device.domain()));
        if !change.is_by_owner() || of_it.count() != 1 || role != Role::Lead {
            return Err(Void::new(Rule::AdmitAuthority, officer));
        }
        grounds.consents.check_entry(change, &Subject::Authority(officer.clone()))?;
    } else {
        if !sovereign && !grounds.mandates.admit(change, officer, role) {
            return Err(Void::new(Rule::AdmitSovereign, officer));
        }
        if role == Role::Owner || !role.exists_in(change.after.policy.kind()) {
            return Err(Void::new(Rule::AdmitRole, officer));
        }
    }
    Ok(Act::Admitted { officer: officer.clone(), device: device.clone(), role, new_authority })
}

/// R-SUCCEED-ADDRESS: an officer's role passes to the officer's address of today, by a device of the
/// former one. The owner is a lead from then on, whoever else keeps the role until the devices of
/// the former address go. A stand-in's mandate names one address.
fn check_succession(change: &Change, device: &DeviceName, role: Role) -> Result<Act, Void> {
    let (former, officer) = (change.committer.officer(), device.officer());
    let before = change.role_before(former);
    let kept = if before == Some(Role::Owner) { Some(Role::Lead) } else { before };
    let passes = before == Some(role) && change.role_after(former) == kept;
    if !passes || change.before.policy.stand_ins().contains_key(former) {
        return Err(Void::new(Rule::SucceedAddress, officer));
    }
    let (officer, former) = (officer.clone(), former.clone());
    Ok(Act::AddressChanged { former, officer, device: device.clone(), role })
}
