//! Entries.

use enlace_log::{ClientId, ItemKind};

use super::SealError;
use crate::channel::{Channel, Context, Outgoing};
use crate::entry::SignedEntry;
use crate::mls;
use crate::rules;

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
}
