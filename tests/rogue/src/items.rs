//! Items that nobody has judged.

use enlace_channel::channel::{Command, Outgoing, SealError};
use enlace_identity::names::{DeviceName, LeafName};
use enlace_log::{ChannelId, ClientId, DeviceList, Envelope, OuterSignature, PayloadHash, Seq};
use enlace_proto::relay::v1::SubmitRequest;

use crate::{Rogue, RogueError};

impl Rogue {
    /// A commit that nobody has judged; `claimed` is the list that the hub is told.
    ///
    /// # Errors
    /// When not even that can be built.
    pub fn build_commit(
        &mut self,
        channel: ChannelId,
        command: &Command,
        claimed: Option<DeviceList>,
    ) -> Result<Outgoing, RogueError> {
        let id = ClientId(self.random());
        let built = self
            .act(channel, |channel, ctx| channel.dangerous_seal_commit(ctx, command, claimed, id));
        Ok(built??)
    }

    /// Whether the rules of the channel forbid a command, so that every member voids it. Nothing
    /// changes.
    ///
    /// # Errors
    /// [`RogueError`].
    pub fn is_forbidden(
        &mut self,
        channel: ChannelId,
        command: &Command,
    ) -> Result<bool, RogueError> {
        let id = ClientId(self.random());
        let judged = self.act(channel, |channel, ctx| {
            let sealed = channel.seal_commit(ctx, command, id);
            // Whatever comes of it is not kept.
            Err::<(), bool>(matches!(sealed, Err(SealError::NotAllowed(_))))
        });
        Ok(judged? == Err(true))
    }

    /// An objection to a commit, with or without reason.
    ///
    /// # Errors
    /// [`RogueError`].
    pub fn build_contest(
        &mut self,
        channel: ChannelId,
        commit: Seq,
    ) -> Result<Outgoing, RogueError> {
        let id = ClientId(self.random());
        let built = self.act(channel, |channel, ctx| channel.seal_contest(ctx, commit, id));
        Ok(built??)
    }

    /// Forgets a commit that the hub has refused, as the honest program would.
    ///
    /// # Errors
    /// [`RogueError`].
    pub fn forget_commit(&mut self, channel: ChannelId) -> Result<(), RogueError> {
        Ok(self.act(channel, |channel, ctx| channel.commit_refused(ctx))??)
    }

    /// Signs an envelope that was meddled with as the officer's device would.
    #[must_use]
    pub fn sign(&self, envelope: &Envelope) -> OuterSignature {
        envelope.sign(self.key())
    }

    /// The same request with another payload, signed anew.
    #[must_use]
    pub fn with_payload(&self, outgoing: &Outgoing, payload: &[u8]) -> SubmitRequest {
        let client_id = ClientId(self.random());
        let meddled = self.in_signed_envelope(outgoing, |envelope| {
            (envelope.payload_hash, envelope.client_id) = (PayloadHash::of(payload), client_id);
        });
        SubmitRequest { payload: payload.to_vec().into(), ..meddled }
    }

    /// An item with another envelope than the one with which it was encrypted, signed anew.
    #[must_use]
    pub fn in_signed_envelope(
        &self,
        outgoing: &Outgoing,
        change: impl FnOnce(&mut Envelope),
    ) -> SubmitRequest {
        let mut envelope = outgoing.envelope.clone();
        change(&mut envelope);
        SubmitRequest {
            outer_signature: self.sign(&envelope).as_bytes().to_vec(),
            channel: Some(envelope.channel.to_wire()),
            envelope: Some(envelope.to_wire(true)),
            ..outgoing.request.clone()
        }
    }

    /// The public key to which secrets for a member's leaf are sealed; `None` for no member.
    ///
    /// # Errors
    /// [`RogueError`].
    pub fn encryption_key(
        &mut self,
        channel: ChannelId,
        device: &DeviceName,
    ) -> Result<Option<Vec<u8>>, RogueError> {
        let named = LeafName::Device(device.clone());
        self.read(channel, |_, channel| {
            let members = channel.view()?.members;
            let is_it = |leaf: Option<LeafName>| leaf.as_ref() == Some(&named);
            let found = members.iter().find(|m| is_it(m.chain.unverified_name().ok()));
            Ok(found.map(|member| member.encryption_key.to_vec()))
        })?
    }
}

/// An entry's envelope, changed after the encryption.
#[must_use]
pub fn in_another_envelope(
    outgoing: &Outgoing,
    change: impl FnOnce(&mut Envelope),
) -> SubmitRequest {
    let mut envelope = outgoing.envelope.clone();
    change(&mut envelope);
    SubmitRequest {
        channel: Some(envelope.channel.to_wire()),
        envelope: Some(envelope.to_wire(true)),
        ..outgoing.request.clone()
    }
}
