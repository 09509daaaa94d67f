//! What a command changes.

use std::collections::BTreeMap;

use enlace_identity::mandate::{MandateError, SignedMandate};
use enlace_identity::names::DeviceName;
use enlace_identity::suspension::{SignedSuspensions, SuspensionError, VerifiedSuspensions};
use enlace_identity::time::Timestamp;
use enlace_log::DeviceList;
use enlace_log::control::Stranded;
use enlace_proto::channel::v1 as wire;

use super::SealError;
use super::evidence::{consent_evidence, encode, mandate_evidence};
use crate::channel::act::{Admission, Command};
use crate::channel::bundle::bundle_evidence;
use crate::channel::{Channel, Context, Device};
use crate::credential::VerifiedDevice;
use crate::mls::{Changes, NewIdentity, validate_key_package};
use crate::policy::{Policy, PolicyEdit, PolicyError, Role};

#[derive(Default)]
pub(super) struct Plan<'a> {
    pub(super) changes: Changes<'a>,
    pub(super) added: Vec<DeviceName>,
    removed: Vec<DeviceName>,
    /// Until when those are suspended that go for it.
    suspended: BTreeMap<DeviceName, Timestamp>,
}

impl Plan<'_> {
    fn suspension_evidence(
        &mut self,
        ctx: &Context<'_>,
        device: &DeviceName,
        statement: &[u8],
    ) -> Result<VerifiedSuspensions, SealError> {
        let signed = SignedSuspensions::decode(statement).map_err(SuspensionError::from)?;
        let verified = signed.verify_though_over(ctx.bundle, ctx.now)?;
        let (device, statement) = (device.to_string(), statement.to_vec());
        let evidence = wire::SuspensionEvidence { device, statement };
        self.changes.evidence.push(encode(wire::evidence::Evidence::Suspension(evidence)));
        Ok(verified)
    }

    pub(super) fn list_after(&self, before: &DeviceList) -> DeviceList {
        let stay = before.iter().filter(|device| !self.removed.contains(device));
        stay.chain(&self.added).cloned().collect()
    }
}

impl Channel {
    pub(super) fn plan<'c>(
        &self,
        ctx: &Context<'c>,
        command: &Command,
    ) -> Result<Plan<'c>, SealError> {
        let mut plan = Plan::default();
        plan.changes.identity = self.renewed_identity(ctx)?;
        let mut policy = self.policy.clone();
        let mut next = None;
        match command {
            Command::Admit(admissions) => {
                let mut edit = policy.edit()?;
                for admission in admissions {
                    plan.added.push(check_admission(ctx, self, admission)?);
                    plan.changes.add.push(admission.key_package.clone());
                    edit = edit.role(&admission.officer, admission.role);
                }
                policy = edit.finish()?;
            }
            Command::AdmitAuthority { admission, consents } => {
                policy = self.plan_admission(ctx, &mut plan, &policy, admission)?;
                plan.changes.evidence.extend(consents.iter().map(consent_evidence));
            }
            Command::AdmitStandIn { admission, mandate } => {
                let signed = SignedMandate::decode(mandate).map_err(MandateError::from)?;
                let stated = signed.verify(ctx.bundle, ctx.now)?;
                policy = self.plan_admission(ctx, &mut plan, &policy, admission)?;
                let edit = policy.edit()?;
                policy =
                    edit.stand_in(&stated.officer, stated.not_after, stated.serial).finish()?;
                plan.changes.evidence.push(mandate_evidence(mandate));
            }
            Command::AppointOwner { officer, .. } if policy.role_of(officer).is_none() => {
                return Err(SealError::NoSuchMember);
            }
            Command::AppointOwner { officer, consents } => {
                policy = policy.edit()?.appointed_owner(officer).finish()?;
                plan.changes.evidence.extend(consents.iter().map(consent_evidence));
            }
            Command::AddDevice { device, key_package } => {
                let (officer, me) = (device.officer().clone(), ctx.device.name.officer());
                if policy.role_of(&officer).is_none() && policy.succeeds(&officer, me) {
                    policy = policy.edit()?.succeed_address(me, &officer).finish()?;
                }
                let role = policy.role_of(&officer).ok_or(SealError::NoSuchMember)?;
                let admission = Admission { officer, role, key_package: key_package.clone() };
                let found = check_admission(ctx, self, &admission)?;
                if found != *device {
                    return Err(SealError::OtherOfficer(admission.officer));
                }
                plan.changes.add.push(admission.key_package);
                plan.added.push(found);
            }
            Command::RemoveDevice(device) => {
                let is_former = policy.succeeds(ctx.device.name.officer(), device.officer());
                match self.is_only_device(device) {
                    true if is_former => {
                        policy = policy.edit()?.without(device.officer()).finish()?
                    }
                    true => return Err(SealError::LastDevice),
                    false => {}
                }
                self.plan_removal(&mut plan, |removed| removed == device)?;
            }
            Command::Remove(officer) => {
                policy = policy.edit()?.without(officer).finish()?;
                self.plan_removal(&mut plan, |device| device.officer() == officer)?;
            }
            Command::RemoveAll(officers) => {
                let leaving = |edit: PolicyEdit, officer| edit.without(officer);
                policy = officers.iter().fold(policy.edit()?, leaving).finish()?;
                self.plan_removal(&mut plan, |device| officers.contains(device.officer()))?;
            }
            Command::CarryOutLeave(device) => {
                let evidence = self.state.leave_of(device).ok_or(SealError::NoSuchWish)?;
                policy = policy.edit()?.without(device.officer()).finish()?;
                plan.changes.evidence.push(evidence.encode_leave());
                let officer = device.officer();
                self.plan_removal(&mut plan, |leaving| leaving.officer() == officer)?;
            }
            Command::PutBack(device) => {
                let evidence = self.state.stranded_of(device).ok_or(SealError::NoSuchWish)?;
                let stranded = Stranded::decode(&evidence.payload);
                let stranded = stranded.map_err(|_| SealError::NoSuchWish)?;
                plan.changes.evidence.push(evidence.encode_stranded());
                plan.changes.add.push(stranded.key_package);
                plan.added.push(device.clone());
                self.plan_removal(&mut plan, |stranded| stranded == device)?;
            }
            Command::RemoveRevoked { device, list } => {
                policy = self.edit_without(device)?.finish()?;
                let device_and_list =
                    wire::RevocationEvidence { device: device.to_string(), list: list.clone() };
                let evidence = wire::evidence::Evidence::Revocation(device_and_list);
                plan.changes.evidence.push(encode(evidence));
                self.plan_removal(&mut plan, |revoked| revoked == device)?;
            }
            Command::RemoveSuspended { device, statement } => {
                let stated = plan.suspension_evidence(ctx, device, statement)?;
                plan.suspended.insert(device.clone(), stated.end());
                let edit = self.edit_without(device)?;
                let edit = edit.suspension_serial(&stated.domain, stated.serial);
                // At once: a stand-in keeps its mandate by being listed as suspended.
                let roles = edit.clone().finish()?;
                let removed = BTreeMap::from([(device.clone(), Some(stated.end()))]);
                let suspended = self.policy.suspended_after(&roles, &removed, None);
                policy = edit.suspended(suspended).finish()?;
                self.plan_removal(&mut plan, |suspended| suspended == device)?;
            }
            Command::Readmit { device, key_package, statement } => {
                let officer = device.officer().clone();
                let role = policy.role_on_return(device).ok_or(SealError::NoSuchMember)?;
                policy = policy.edit()?.role(&officer, role).finish()?;
                if let Some(statement) = statement {
                    let stated = plan.suspension_evidence(ctx, device, statement)?;
                    let edit = policy.edit()?.suspension_serial(&stated.domain, stated.serial);
                    policy = edit.finish()?;
                }
                let admission = Admission { officer, role, key_package: key_package.clone() };
                let found = check_admission(ctx, self, &admission)?;
                if found != *device {
                    return Err(SealError::OtherOfficer(admission.officer));
                }
                plan.changes.add.push(admission.key_package);
                plan.added.push(found);
            }
            Command::SetRole(officer, _) if policy.role_of(officer).is_none() => {
                return Err(SealError::NoSuchMember);
            }
            Command::SetRole(officer, Role::Owner) => {
                policy = policy.edit()?.owner(officer).finish()?;
            }
            Command::SetRole(officer, role) => {
                policy = policy.edit()?.role(officer, *role).finish()?;
            }
            Command::SetRetention(days) => {
                let own = policy.present(ctx.device.name.domain()).clone();
                policy = policy.edit()?.retention(&own, *days).finish()?;
            }
            Command::SetHold(placed) => {
                let own = policy.present(ctx.device.name.domain()).clone();
                policy = policy.edit()?.hold(&own, *placed).finish()?;
            }
            Command::SetClosed(closed) => policy = policy.edit()?.closed(*closed).finish()?,
            Command::RaiseRules => policy = policy.edit()?.raise_rules().finish()?,
            Command::FollowBundle => {
                let later = self.later_bundle(ctx)?.ok_or(SealError::NoLaterBundle)?;
                policy = self.policy_under(&later)?;
                next = Some(later.bundle);
                plan.changes.evidence.push(bundle_evidence(later.signed));
                if !later.gone.is_empty() {
                    self.plan_removal(&mut plan, |device| later.gone.contains(device))?;
                }
            }
            Command::SelfUpdate => {}
        }
        let removed = plan.removed.iter();
        let removed = removed.map(|device| (device.clone(), plan.suspended.get(device).copied()));
        let suspended = self.policy.suspended_after(&policy, &removed.collect(), next);
        if suspended != *policy.suspended() {
            policy = policy.edit()?.suspended(suspended).finish()?;
        }
        let policy = policy.at_hub(&self.hub())?;
        plan.changes.policy = (policy != self.policy).then(|| policy.encode().to_vec());
        Ok(plan)
    }

    fn plan_admission(
        &self,
        ctx: &Context<'_>,
        plan: &mut Plan<'_>,
        policy: &Policy,
        admission: &Admission,
    ) -> Result<Policy, SealError> {
        let device = check_admission(ctx, self, admission)?;
        plan.changes.add.push(admission.key_package.clone());
        plan.added.push(device);
        Ok(policy.edit()?.role(&admission.officer, admission.role).finish()?)
    }

    /// The policy when a device goes whose authority took it away: with its last one its officer
    /// goes, and an owner is succeeded.
    fn edit_without(&self, device: &DeviceName) -> Result<PolicyEdit, PolicyError> {
        let mut edit = self.policy.edit()?;
        if !self.is_only_device(device) {
            return Ok(edit);
        }
        let officer = device.officer();
        edit = edit.without(officer);
        if self.policy.role_of(officer) == Some(Role::Owner)
            && let Some(heir) = self.policy.successors(officer).next()
        {
            edit = edit.role(heir, Role::Owner);
        }
        Ok(edit)
    }

    /// The device's certificate, if its leaf here still has another one.
    fn renewed_identity<'c>(
        &self,
        ctx: &Context<'c>,
    ) -> Result<Option<NewIdentity<'c>>, SealError> {
        if !self.has_other_certificate(ctx)? {
            return Ok(None);
        }
        let Device { key, chain, .. } = ctx.device;
        Ok(Some(NewIdentity { signer: key, chain: chain.clone() }))
    }

    fn is_only_device(&self, device: &DeviceName) -> bool {
        !self
            .roster
            .list()
            .iter()
            .any(|other| other != device && other.officer() == device.officer())
    }

    fn plan_removal(
        &self,
        plan: &mut Plan<'_>,
        goes: impl Fn(&DeviceName) -> bool,
    ) -> Result<(), SealError> {
        let roster = &self.roster;
        for device in roster.list().iter().filter(|device| goes(device)) {
            plan.changes.remove.extend(roster.seat(device).map(|seat| seat.leaf));
            plan.removed.push(device.clone());
        }
        if plan.removed.is_empty() { Err(SealError::NoSuchMember) } else { Ok(()) }
    }
}

/// A key package may only bring the officer that it was claimed for.
pub(super) fn check_admission(
    ctx: &Context<'_>,
    channel: &Channel,
    admission: &Admission,
) -> Result<DeviceName, SealError> {
    let package = validate_key_package(ctx.backend, &admission.key_package, channel.group.suite())?;
    let key = package.signature_key();
    let bundle = channel.present_bundle(ctx)?;
    let device = VerifiedDevice::verify(package.chain(), key, bundle, ctx.now)?;
    if *device.name().officer() == admission.officer {
        Ok(device.name().clone())
    } else {
        Err(SealError::OtherOfficer(admission.officer.clone()))
    }
}
