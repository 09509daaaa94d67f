//! Commits, from the command to the item.

use std::collections::BTreeSet;

use enlace_identity::names::DeviceName;
use enlace_log::{ClientId, DeviceList, ItemKind};

use super::SealError;
use crate::channel::act::{Admission, Command};
use crate::channel::outgoing::CommitExtras;
use crate::channel::state::PendingCommit;
use crate::channel::{Channel, ChannelError, Context, Outgoing};
use crate::mls::Changes;

/// A commit about to be built.
pub(in crate::channel) struct Commit<'a> {
    pub(in crate::channel) changes: Changes<'a>,
    /// The devices before it, as the hub knows them.
    pub(in crate::channel) before: DeviceList,
    /// The devices after it.
    pub(in crate::channel) list: DeviceList,
    /// Whom its welcome is for.
    pub(in crate::channel) welcomed: BTreeSet<DeviceName>,
    /// Whether the rules judge it: all but the one that creates the channel.
    pub(in crate::channel) judged: bool,
}

impl Channel {
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
        super::plan::check_admission(ctx, self, admission).map(|_| ())
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
    pub(in crate::channel) fn drop_pending(
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

    pub(in crate::channel) fn commit(
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
            self.judge(ctx, &built.details, &envelope, ctx.now)
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
}
