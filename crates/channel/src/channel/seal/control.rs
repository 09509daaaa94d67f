//! Control items: wishes to leave, objections, tombstones.

use enlace_log::control::{Contest, Leave};
use enlace_log::{ClientId, ItemKind, PayloadHash, Seq, Tombstone};

use super::SealError;
use crate::channel::{Channel, Context, Outgoing};
use crate::policy::Role;

impl Channel {
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
}
