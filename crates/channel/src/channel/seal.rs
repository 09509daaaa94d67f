//! Making items: entries, commits, wishes to leave, objections.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::mandate::{MandateError, SignedMandate};
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_identity::suspension::{SignedSuspensions, SuspensionError, VerifiedSuspensions};
use enlace_identity::time::Timestamp;
use enlace_log::control::{Contest, Leave, Stranded};
use enlace_log::{
    ClientId, Commitment, DeviceList, Envelope, ItemKind, ListHash, PayloadHash, Seq, Tombstone,
    WelcomesHash,
};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::act::{Admission, Command};
use super::bundle::bundle_evidence;
use super::outgoing::CommitExtras;
use super::state::{PendingCommit, Standing, next_submit_counter};
use super::{Channel, ChannelError, Context, Device, Outgoing};
use crate::credential::{CredentialError, VerifiedDevice};
use crate::entry::SignedEntry;
use crate::mls::{
    self, Changes, CommitError, EncryptError, KeyPackageError, MergeError, NewIdentity, ShareError,
    validate_key_package,
};
use crate::policy::{Policy, PolicyEdit, PolicyError, Role};
use crate::rules;
use crate::state_store::StateError;

impl Channel {
    /// Encrypts a signed entry. To be called again with the same entry when the hub refuses the
    /// fence: the entry is never signed again, and keeps its client id.
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn seal_entry(
        &mut self,
        ctx: &Context<'_>,
        entry: &SignedEntry,
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        rules::judge_entry(&self.policy, &ctx.device.name, entry.header(), ctx.now)
            .map_err(|void| SealError::NotAllowed(void.to_string()))?;
        self.dangerous_seal_entry(ctx, entry, client_id)
    }

    /// As [`Self::seal_entry`], whatever the author's role: what a modified client sends. For tests
    /// that play one.
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn dangerous_seal_entry(
        &mut self,
        ctx: &Context<'_>,
        entry: &SignedEntry,
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        self.may_write(ctx)?;
        let mut envelope = self.envelope(ctx, ItemKind::Entry, client_id)?;
        envelope.commitment = entry.commitment();
        let provider = ctx.backend.on(ctx.store);
        let aad = envelope.aad(None);
        let plaintext = entry.to_plaintext_in(self.state.generation());
        let message = self.group.encrypt(&provider, &ctx.device.key, &aad, &plaintext)?;
        let payload = mls::compact(self.group.id(), &aad, &message).ok_or(SealError::Shape)?;
        self.state.own_messages_since_update += 1;
        let outgoing = Outgoing::seal(envelope, payload, None, ctx.device);
        self.remember(ctx, outgoing)
    }

    /// Builds a commit that carries out a command, and judges it as every member will. It stays
    /// pending until its item comes, another commit's item comes, or [`Self::commit_refused`].
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn seal_commit(
        &mut self,
        ctx: &Context<'_>,
        command: &Command,
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        self.may_write(ctx)?;
        if self.has_pending_commit() {
            return Err(SealError::CommitPending);
        }
        let plan = self.plan(ctx, command)?;
        let before = self.devices();
        let list = plan.list_after(&before);
        let welcomed = plan.added.into_iter().collect();
        let commit = Commit { changes: plan.changes, before, list, welcomed, judged: true };
        self.commit(ctx, commit, client_id)
    }

    /// Whether an officer can be admitted with that key package, as far as the key package goes.
    ///
    /// # Errors
    /// [`SealError::OtherOfficer`], [`SealError::KeyPackage`], [`SealError::Certificate`]: claim
    /// another one.
    pub fn check_admission(
        &self,
        ctx: &Context<'_>,
        admission: &Admission,
    ) -> Result<(), SealError> {
        check_admission(ctx, self, admission).map(|_| ())
    }

    /// Builds a commit that nobody has judged, and tells the hub the list `claimed` instead of the
    /// true one: what a modified client sends. For tests that play one.
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn dangerous_seal_commit(
        &mut self,
        ctx: &Context<'_>,
        command: &Command,
        claimed: Option<DeviceList>,
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        let plan = self.plan(ctx, command)?;
        let list = claimed.unwrap_or_else(|| plan.list_after(&self.devices()));
        let (before, welcomed) = (self.devices(), plan.added.into_iter().collect());
        let commit = Commit { changes: plan.changes, before, list, welcomed, judged: false };
        self.commit(ctx, commit, client_id)
    }

    /// The same with changes that `alter` has rewritten: a policy, leaves, evidence.
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn dangerous_seal_altered(
        &mut self,
        ctx: &Context<'_>,
        command: &Command,
        alter: impl FnOnce(&mut Changes<'_>),
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        let mut plan = self.plan(ctx, command)?;
        let before = self.devices();
        let list = plan.list_after(&before);
        alter(&mut plan.changes);
        let welcomed = plan.added.into_iter().collect();
        let commit = Commit { changes: plan.changes, before, list, welcomed, judged: false };
        self.commit(ctx, commit, client_id)
    }

    /// Asks the others to remove this device.
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn seal_leave(
        &mut self,
        ctx: &Context<'_>,
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        self.may_write(ctx)?;
        if self.policy.role_of(ctx.device.name.officer()) == Some(Role::Owner) {
            return Err(SealError::OwnerLeaves);
        }
        let leaf = self.roster.seat(&ctx.device.name).map(|seat| seat.leaf_hash);
        let payload = Leave {
            channel: self.id(),
            generation: self.state.generation(),
            device: ctx.device.name.clone(),
            leaf: leaf.ok_or(SealError::NotAMember)?,
        };
        let envelope = self.envelope(ctx, ItemKind::Leave, client_id)?;
        let outgoing = Outgoing::seal(envelope, payload.encode(), None, ctx.device);
        self.remember(ctx, outgoing)
    }

    /// Objects to a void commit that dropped this device from the hub's list.
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn seal_contest(
        &mut self,
        ctx: &Context<'_>,
        commit: Seq,
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        let generation = self.state.generation();
        let payload = Contest { channel: self.id(), generation, commit };
        let envelope = self.envelope(ctx, ItemKind::Contest, client_id)?;
        let outgoing = Outgoing::seal(envelope, payload.encode(), None, ctx.device);
        self.remember(ctx, outgoing)
    }

    /// Has the relays erase what entries say; each is named with its payload's hash, in order.
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn seal_tombstone(
        &mut self,
        ctx: &Context<'_>,
        erased: Vec<(Seq, PayloadHash)>,
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        self.may_write(ctx)?;
        let generation = self.state.generation();
        let payload = Tombstone { channel: self.id(), generation, erased };
        let envelope = self.envelope(ctx, ItemKind::Tombstone, client_id)?;
        let outgoing = Outgoing::seal(envelope, payload.encode(), None, ctx.device);
        self.remember(ctx, outgoing)
    }

    /// The hub has refused the pending commit for good. A timeout is no refusal.
    ///
    /// # Errors
    /// When the store fails.
    pub fn commit_refused(&mut self, ctx: &Context<'_>) -> Result<(), ChannelError> {
        if self.drop_pending(ctx)?.is_some() {
            self.state.save(ctx.store)?;
        }
        Ok(())
    }

    /// A pending commit, or a group that was founded, gets no place any more; which item that was.
    pub(super) fn drop_pending(
        &mut self,
        ctx: &Context<'_>,
    ) -> Result<Option<ClientId>, ChannelError> {
        let Some(pending) = self.state.pending.take() else { return Ok(None) };
        let provider = ctx.backend.on(ctx.store);
        if pending.is_founding() {
            self.drop_founded(ctx)?;
        } else {
            self.group.clear_pending(&provider)?;
        }
        self.state.forget(pending.client_id());
        Ok(Some(pending.client_id()))
    }

    pub(super) fn commit(
        &mut self,
        ctx: &Context<'_>,
        commit: Commit<'_>,
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        let mut envelope = self.envelope(ctx, ItemKind::Commit, client_id)?;
        envelope.list_hash = commit.list.hash();
        let provider = ctx.backend.on(ctx.store);
        let aad = envelope.aad(self.known_head().as_ref());
        let built = self.group.commit(&provider, &ctx.device.key, &aad, commit.changes)?;
        if commit.judged {
            rules::judge(self.newest_bundle(ctx), &built.details, &envelope, ctx.now)
                .map_err(|refused| SealError::NotAllowed(refused.to_string()))?;
        }
        self.state.pending = Some(PendingCommit::new(client_id));
        let extras = CommitExtras {
            list_change: commit.before.change_to(&commit.list),
            welcomed: commit.welcomed,
            welcome: built.welcome,
            bundle: self.bundle_for_joiners(ctx)?,
        };
        let outgoing = Outgoing::seal(envelope, built.commit, Some(extras), ctx.device);
        self.remember(ctx, outgoing)
    }

    fn plan<'c>(&self, ctx: &Context<'c>, command: &Command) -> Result<Plan<'c>, SealError> {
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
                let officer = device.officer().clone();
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
                if self.is_only_device(device) {
                    return Err(SealError::LastDevice);
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
                policy = policy.edit()?.retention(ctx.device.name.domain(), *days).finish()?;
            }
            Command::SetHold(placed) => {
                policy = policy.edit()?.hold(ctx.device.name.domain(), *placed).finish()?;
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

    pub(super) fn envelope(
        &self,
        ctx: &Context<'_>,
        kind: ItemKind,
        client_id: ClientId,
    ) -> Result<Envelope, StateError> {
        Ok(Envelope {
            channel: self.id(),
            generation: self.state.generation(),
            kind,
            author: ctx.device.name.clone().into(),
            client_id,
            submit_counter: next_submit_counter(ctx.store)?,
            fence: self.state.fence(),
            last_valid_commit: self.state.last_valid(),
            commitment: Commitment::NONE,
            list_hash: ListHash::NONE,
            welcomes_hash: WelcomesHash::NONE,
            payload_hash: PayloadHash([0; 32]),
        })
    }

    pub(super) fn remember(
        &mut self,
        ctx: &Context<'_>,
        mut outgoing: Outgoing,
    ) -> Result<Outgoing, SealError> {
        outgoing.request.hub = self.hub().to_string();
        self.state.sent(&outgoing);
        self.state.save(ctx.store)?;
        Ok(outgoing)
    }

    fn may_write(&self, ctx: &Context<'_>) -> Result<(), SealError> {
        self.check_program(ctx)?;
        match self.state.standing {
            Standing::Provisional if self.awaits_another() => Err(SealError::Unconfirmed),
            Standing::Provisional | Standing::Member => Ok(()),
            Standing::Stranded => Err(SealError::Stranded),
            Standing::Removed => Err(SealError::NotAMember),
        }
    }
}

/// A commit about to be built.
pub(super) struct Commit<'a> {
    pub(super) changes: Changes<'a>,
    /// The devices before it, as the hub knows them.
    pub(super) before: DeviceList,
    /// The devices after it.
    pub(super) list: DeviceList,
    /// Whom its welcome is for.
    pub(super) welcomed: BTreeSet<DeviceName>,
    /// Whether the rules judge it: all but the one that creates the channel.
    pub(super) judged: bool,
}

#[derive(Default)]
struct Plan<'a> {
    changes: Changes<'a>,
    added: Vec<DeviceName>,
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
        let verified = signed.verify(ctx.bundle, ctx.now)?;
        let (device, statement) = (device.to_string(), statement.to_vec());
        let evidence = wire::SuspensionEvidence { device, statement };
        let evidence = Some(wire::evidence::Evidence::Suspension(evidence));
        self.changes.evidence.push(wire::Evidence { evidence }.encode_to_vec());
        Ok(verified)
    }

    fn list_after(&self, before: &DeviceList) -> DeviceList {
        let stay = before.iter().filter(|device| !self.removed.contains(device));
        stay.chain(&self.added).cloned().collect()
    }
}

/// A key package may only bring the officer that it was claimed for.
fn check_admission(
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

fn mandate_evidence(mandate: &[u8]) -> Vec<u8> {
    let consent = wire::ConsentEvidence { entry: None, mandate: mandate.to_vec() };
    wire::Evidence { evidence: Some(wire::evidence::Evidence::Consent(consent)) }.encode_to_vec()
}

fn consent_evidence(entry: &SignedEntry) -> Vec<u8> {
    let consent = wire::ConsentEvidence { entry: Some(entry.to_wire()), mandate: Vec::new() };
    encode(wire::evidence::Evidence::Consent(consent))
}

impl super::state::ControlEvidence {
    fn encode_leave(&self) -> Vec<u8> {
        let Self { envelope, outer_signature, payload } = self.clone();
        let leave = wire::LeaveEvidence { envelope, outer_signature, payload };
        encode(wire::evidence::Evidence::Leave(leave))
    }

    fn encode_stranded(&self) -> Vec<u8> {
        let Self { envelope, outer_signature, payload } = self.clone();
        let stranded = wire::StrandedEvidence { envelope, outer_signature, payload };
        encode(wire::evidence::Evidence::Stranded(stranded))
    }
}

fn encode(evidence: wire::evidence::Evidence) -> Vec<u8> {
    wire::Evidence { evidence: Some(evidence) }.encode_to_vec()
}

/// Why an item was not made. Nothing may be kept of the transaction.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// This device is not a member any more.
    #[error("this device is not a member of the channel any more")]
    NotAMember,
    /// A commit's secrets did not reach this device: it waits to be swapped back in.
    #[error("this device has lost step with the channel and cannot write until it is let back in")]
    Stranded,
    /// Whoever stranded this device also put it back: it waits for somebody else's word.
    #[error("this device waits for a third member before it writes again")]
    Unconfirmed,
    /// This device follows the channel: there is nothing to ask for.
    #[error("this device has not lost step with the channel")]
    NotStranded,
    /// The key for what this device missed could not be made.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// An officer without a device is none: remove the officer, or leave.
    #[error("this is the officer's last device in the channel")]
    LastDevice,
    /// An earlier commit of this device waits for its place: try again after it.
    #[error("an earlier change waits for its answer")]
    CommitPending,
    /// Nobody of that name is in the channel.
    #[error("there is no such member in the channel")]
    NoSuchMember,
    /// The channel goes by the newest version of the network's bundle that is known and lists its hub.
    #[error("the channel goes by the newest version of the network's bundle")]
    NoLaterBundle,
    /// That member did not ask to leave, or already has.
    #[error("that member did not ask to leave")]
    NoSuchWish,
    /// The statement about suspensions does not hold, or no longer.
    #[error(transparent)]
    Suspension(#[from] SuspensionError),
    /// The owner must hand the ownership on first.
    #[error("the owner cannot leave: hand the ownership to somebody else first")]
    OwnerLeaves,
    /// The relay handed out somebody else's key package: claim another one.
    #[error("the key package that the relay gave out is not one of {0}")]
    OtherOfficer(OfficerAddress),
    /// The key package cannot be used: claim another one.
    #[error("the key package that the relay gave out cannot be used: {0}")]
    KeyPackage(#[from] KeyPackageError),
    /// The certificate in the key package is not good: claim another one.
    #[error("the certificate in the key package is refused: {0}")]
    Certificate(#[from] CredentialError),
    /// There must be a key package of each device: claim one of this.
    #[error("there is no key package of {0}")]
    NoKeyPackage(DeviceName),
    /// The mandate does not hold.
    #[error(transparent)]
    Mandate(#[from] MandateError),
    /// The rules of the channel do not allow it: every member would void it.
    #[error("the rules of the channel do not allow this: {0}")]
    NotAllowed(String),
    /// The change to the policy is not possible.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// MLS refuses the changes.
    #[error("the change could not be made: {0}")]
    Commit(CommitError),
    /// The entry could not be encrypted.
    #[error("the entry could not be encrypted: {0}")]
    Encrypt(EncryptError),
    /// The encrypted entry has not the form that others expect: our bug.
    #[error("the encrypted entry has an unexpected form")]
    Shape,
    /// The merge of the first commit failed.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The store failed, or is damaged.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

impl From<StateError> for SealError {
    fn from(error: StateError) -> Self {
        Self::Channel(error.into())
    }
}

impl From<CommitError> for SealError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::State(error) => error.into(),
            CommitError::AlreadyPending => Self::CommitPending,
            CommitError::NotAMember => Self::NotAMember,
            CommitError::KeyPackage { error, .. } => Self::KeyPackage(error),
            error => Self::Commit(error),
        }
    }
}

impl From<EncryptError> for SealError {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::State(error) => error.into(),
            EncryptError::NotAMember => Self::NotAMember,
            error @ EncryptError::Mls(_) => Self::Encrypt(error),
        }
    }
}
