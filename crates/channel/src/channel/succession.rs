//! Founding a channel's next group: one item closes the present one and begins the next.

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::{ClientId, ItemKind, Seq, Succession};

use super::outgoing::CommitExtras;
use super::seal::SealError;
use super::state::{PendingCommit, Standing};
use super::{Channel, ChannelError, Context, Outgoing, group_id};
use crate::credential::VerifiedDevice;
use crate::entry::SignedEntry;
use crate::mls::{Founded, Group, GroupError, GroupId, Suite, validate_key_package};
use crate::policy::{Expulsion, Founding, FoundingReason, Policy};
use crate::rules::{self, Successor};

/// The next group of a channel, as its founder wants it.
#[derive(Clone, Debug)]
pub struct SuccessionDraft {
    /// Why the present one is given up.
    pub reason: FoundingReason,
    /// The key agreement.
    pub suite: Suite,
    /// A key package of each other device in the channel, of that suite.
    pub key_packages: Vec<Vec<u8>>,
    /// Which authority is put out, and the entries by which leads of the others consent.
    pub expulsion: Option<(Domain, Vec<SignedEntry>)>,
}

/// What is founded, once more: also otherwise than the rules want it.
pub struct Foundation {
    /// The group's policy.
    pub policy: Vec<u8>,
    /// Its members' key packages.
    pub key_packages: Vec<Vec<u8>>,
    /// Rewrites what its members are told.
    pub tell: Box<dyn FnOnce(&mut Succession)>,
}

impl Channel {
    /// Founds the next group, and judges it as every member will. It stays beside the present one
    /// until its item comes, another change comes, or [`Self::commit_refused`]. A stranded device
    /// may do this too, of a poisoned channel.
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn seal_succession(
        &mut self,
        ctx: &Context<'_>,
        draft: SuccessionDraft,
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        match (self.state.standing, draft.reason) {
            (Standing::Provisional | Standing::Member, _) => {}
            // Not where the log has lost the founding of the group that it holds.
            (Standing::Stranded, FoundingReason::Poisoned)
                if self.state.group_generation() == self.state.generation() => {}
            (Standing::Stranded, _) => return Err(SealError::Stranded),
            (Standing::Removed, _) => return Err(SealError::NotAMember),
        }
        if self.has_pending_commit() {
            return Err(SealError::CommitPending);
        }
        self.check_key_packages(ctx, &draft)?;
        let outgoing = self.found(ctx, draft, |_| {}, client_id)?;
        let founded = self.founded(ctx)?.ok_or(ChannelError::from(GroupError::Unknown))?;
        let me = &ctx.device.name;
        rules::judge_succession(
            self.newest_bundle(ctx),
            &self
                .successor(&founded, me, &outgoing.envelope, ctx.now)?
                .map_err(|void| SealError::NotAllowed(void.to_string()))?,
        )
        .map_err(|refused| SealError::NotAllowed(refused.to_string()))?;
        Ok(outgoing)
    }

    /// Founds a group that nobody has judged, with a policy and members that `alter` has rewritten:
    /// what a modified client sends. For tests that play one.
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn dangerous_seal_succession(
        &mut self,
        ctx: &Context<'_>,
        draft: SuccessionDraft,
        alter: impl FnOnce(&mut Foundation),
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        self.found(ctx, draft, alter, client_id)
    }

    fn found(
        &mut self,
        ctx: &Context<'_>,
        draft: SuccessionDraft,
        alter: impl FnOnce(&mut Foundation),
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        let predecessor = self.state.last_valid().ok_or(SealError::NotAMember)?;
        let expulsion = draft.expulsion.map(|(authority, consents)| Expulsion {
            authority,
            consents: consents.iter().map(SignedEntry::encode).collect(),
        });
        let founding = Founding { predecessor, reason: draft.reason, expulsion };
        let policy = self.policy.at_hub(&self.hub())?.succeed(founding)?;
        let mut foundation = Foundation {
            policy: policy.encode(),
            key_packages: draft.key_packages,
            tell: Box::new(|_| {}),
        };
        alter(&mut foundation);
        let provider = ctx.backend.on(ctx.store);
        let (id, device) = (self.next_group_id(), ctx.device);
        let Founded { group, welcome } = Group::found(
            &provider,
            id,
            &device.key,
            &device.chain,
            draft.suite,
            &foundation.policy,
            foundation.key_packages,
        )?;
        let view = group.view().map_err(ChannelError::from)?;
        let roster = super::Roster::of(&view).ok_or(ChannelError::from(GroupError::Foreign))?;
        let mut payload = Succession {
            channel: self.id(),
            generation: self.state.next_generation(),
            founding: group.founding_hash().map_err(ChannelError::from)?,
            suite: view.suite.code(),
            leaves: roster.leaves(),
            welcome: welcome.unwrap_or_default(),
        };
        (foundation.tell)(&mut payload);
        let (before, list) = (self.devices(), roster.list());
        let mut envelope = self.envelope(ctx, ItemKind::Succession, client_id)?;
        envelope.list_hash = list.hash();
        self.state.pending = Some(PendingCommit::founding(client_id));
        let extras =
            CommitExtras { list_change: before.change_to(&list), ..CommitExtras::default() };
        let outgoing = Outgoing::seal(envelope, payload.encode(), Some(extras), device);
        self.remember(ctx, outgoing)
    }

    /// The owner who goes on without this device, by its signature, and whom this device cannot follow.
    /// The others go on with it or they do not; a relay that serves this device no more says that they do.
    #[must_use]
    pub fn put_out_by(&self) -> Option<DeviceName> {
        self.state.put_out_by()
    }

    /// The others go on without this device: it is out, until a later welcome lets it in again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end(&mut self, ctx: &Context<'_>) -> Result<(), ChannelError> {
        self.state.standing = Standing::Removed;
        Ok(self.state.save(ctx.store)?)
    }

    /// One usable key package of each other device, and of nobody else.
    fn check_key_packages(
        &self,
        ctx: &Context<'_>,
        draft: &SuccessionDraft,
    ) -> Result<(), SealError> {
        let mut missing: Vec<DeviceName> = self.devices().iter().cloned().collect();
        let expelled = draft.expulsion.as_ref().map(|(authority, _)| authority);
        missing.retain(|d| {
            *d != ctx.device.name && !expelled.is_some_and(|e| self.policy.are_one(d.domain(), e))
        });
        for message in &draft.key_packages {
            let package = validate_key_package(ctx.backend, message, draft.suite)?;
            let key = package.signature_key();
            let device =
                VerifiedDevice::verify(package.chain(), key, self.present_bundle(ctx)?, ctx.now)?;
            let place = missing.iter().position(|missing| missing == device.name());
            let place =
                place.ok_or_else(|| SealError::OtherOfficer(device.name().officer().clone()))?;
            missing.swap_remove(place);
        }
        match missing.pop() {
            None => Ok(()),
            Some(device) => Err(SealError::NoKeyPackage(device)),
        }
    }

    /// What the rules see of a founded group.
    pub(super) fn successor(
        &self,
        founded: &Group,
        founder: &DeviceName,
        envelope: &enlace_log::Envelope,
        received_at: enlace_identity::time::Timestamp,
    ) -> Result<Result<Successor, rules::Void>, ChannelError> {
        let (before, after) = (self.group.view()?, founded.view()?);
        let states = (rules::State::of_view(&before), rules::State::of_view(&after));
        let (state_before, state_after) = match states {
            (Ok(before), Ok(after)) => (before, after),
            (Err(void), _) | (_, Err(void)) => return Ok(Err(void)),
        };
        Ok(Ok(Successor {
            founder: founder.clone(),
            before: state_before,
            suite_before: before.suite,
            last_valid: self.state.last_valid(),
            after: state_after,
            suite_after: after.suite,
            predecessor: envelope.last_valid_commit,
            list_hash: envelope.list_hash,
            hub: self.hub(),
            received_at,
        }))
    }

    /// The group that this device has founded, while that waits for its place.
    pub(super) fn founded(&self, ctx: &Context<'_>) -> Result<Option<Group>, ChannelError> {
        Ok(Group::load(&ctx.backend.on(ctx.store), self.next_group_id())?)
    }

    pub(super) fn drop_founded(&self, ctx: &Context<'_>) -> Result<(), ChannelError> {
        if let Some(founded) = self.founded(ctx)? {
            founded.delete(&ctx.backend.on(ctx.store))?;
        }
        Ok(())
    }

    pub(super) fn next_group_id(&self) -> GroupId {
        group_id(self.id(), self.state.next_generation())
    }

    /// The channel goes on in another group; the present one's keys are gone.
    pub(super) fn go_on_in(
        &mut self,
        ctx: &Context<'_>,
        seq: Seq,
        group: Group,
    ) -> Result<(), ChannelError> {
        let policy = Policy::decode(group.policy()?)?;
        let former = std::mem::replace(&mut self.group, group);
        former.delete(&ctx.backend.on(ctx.store))?;
        if let Some(seat) = self.roster.seat(&ctx.device.name) {
            self.state.leave_leaf(seq, seat.leaf_hash);
        }
        self.state.enter(seq, policy.generation());
        Ok(())
    }
}
