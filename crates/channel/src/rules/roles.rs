//! Who may give which role to whom.

use enlace_identity::names::OfficerAddress;

use super::act::Act;
use super::change::Change;
use super::consents::Consents;
use super::rule::{Rule, Void};
use crate::consent::Subject;
use crate::policy::Role;

/// R-HANDOVER, R-APPOINT-OWNER, R-ROLE-KIND, R-ROLE-SOVEREIGN, for the officers who were there and stay.
pub(super) fn check(change: &Change, consents: &Consents) -> Result<Vec<Act>, Void> {
    let mut acts = Vec::new();
    for (officer, &from) in change.before.policy.roles() {
        let Some(to) = change.role_after(officer).filter(|to| *to != from) else { continue };
        check_role(change, consents, officer, (from, to))?;
        acts.push(Act::RoleChanged { officer: officer.clone(), from, to });
    }
    Ok(acts)
}

/// R-ONE-OWNER. None only when the owner's certificate was withdrawn, and its authority has nobody
/// who succeeds.
pub(super) fn check_one_owner(change: &Change) -> Result<(), Void> {
    let orphaned = change.owner_stays().is_none() && heir(change).is_none();
    match change.after.policy.owners().count() {
        1 => Ok(()),
        0 if orphaned => Ok(()),
        count => Err(Void::new(Rule::OneOwner, count)),
    }
}

/// Who succeeds an owner that is removed.
fn heir(change: &Change) -> Option<&OfficerAddress> {
    let owner = change.before.policy.owners().next()?;
    let stays = |officer: &&OfficerAddress| change.role_after(officer).is_some();
    change.before.policy.successors(owner).find(stays)
}

/// Whether a commit makes somebody of the members the owner whom neither the owner chose nor the order
/// of succession. Who comes back as the owner was that before.
pub(super) fn appoints_an_owner(change: &Change) -> bool {
    let mut owners = change.after.policy.owners();
    owners.any(|owner| {
        let is_new = change.role_before(owner).is_some_and(|role| role != Role::Owner);
        is_new && !change.is_by_owner() && !succeeds(change, owner)
    })
}

fn succeeds(change: &Change, officer: &OfficerAddress) -> bool {
    change.owner_stays().is_none() && heir(change) == Some(officer)
}

fn check_role(
    change: &Change,
    consents: &Consents,
    officer: &OfficerAddress,
    (from, to): (Role, Role),
) -> Result<(), Void> {
    let refused = |rule| Err(Void::new(rule, officer));
    match (from, to) {
        (_, to) if !to.exists_in(change.after.policy.kind()) => refused(Rule::RoleKind),
        (Role::Owner, Role::Lead) | (Role::Lead | Role::Member, Role::Owner)
            if change.is_by_owner() =>
        {
            Ok(())
        }
        (Role::Lead, Role::Owner) if succeeds(change, officer) => Ok(()),
        (Role::Lead | Role::Member, Role::Owner) => {
            consents.check_appointment(change, &Subject::Owner(officer.clone()))
        }
        (Role::Owner, Role::Lead) if appoints_an_owner(change) => Ok(()),
        (Role::Owner, _) | (_, Role::Owner) => refused(Rule::Handover),
        _ if change.is_by_lead_of(officer.domain()) => Ok(()),
        (_, Role::Lead) if appoints_the_missing_lead(change, officer) => Ok(()),
        _ => refused(Rule::RoleSovereign),
    }
}

/// The owner gives an authority that has none one lead.
fn appoints_the_missing_lead(change: &Change, officer: &OfficerAddress) -> bool {
    let domain = officer.domain();
    change.is_by_owner()
        && change.before.policy.leads_at(domain, change.received_at).next().is_none()
        && change.after.policy.leads_at(domain, change.received_at).count() == 1
}
