//! An open transaction with everything that a piece of work needs.

use std::cell::RefCell;
use std::collections::HashMap;

use enlace_channel::channel::{Channel, ChannelError, Context, LogBook};
use enlace_channel::entry::Salt;
use enlace_channel::policy::{Policy, Role};
use enlace_identity::keys::PublicKey;
use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::{ChainHash, ChannelId, ClientId, HeadSigner, Seq};
use enlace_transport::Trust;

use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{NoticeRow, StoreError, Transaction};

/// An open transaction.
pub(crate) struct Work<'w> {
    pub(crate) tx: &'w dyn Transaction,
    pub(super) ctx: Context<'w>,
    pub(super) trust: &'w Trust,
    /// Whether this device may encrypt: the relay knows of no later state of it.
    pub(super) may_seal: bool,
    channels: &'w mut HashMap<ChannelId, Channel>,
    events: Vec<ClientEvent>,
    /// Whether content was erased.
    pub(super) has_erased: bool,
}

impl<'w> Work<'w> {
    pub(super) fn new(
        tx: &'w dyn Transaction,
        ctx: Context<'w>,
        trust: &'w Trust,
        channels: &'w mut HashMap<ChannelId, Channel>,
        may_seal: bool,
    ) -> Self {
        Self { tx, ctx, trust, may_seal, channels, events: Vec::new(), has_erased: false }
    }

    pub(super) fn into_events(self) -> (Vec<ClientEvent>, bool) {
        (self.events, self.has_erased)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.ctx.now
    }

    pub(super) fn me(&self) -> &'w DeviceName {
        &self.ctx.device.name
    }

    /// What this device's officer may do in a channel now: a stand-in whose mandate has ended is a
    /// member, as for the rules.
    pub(super) fn own_role(&self, policy: &Policy) -> Option<Role> {
        policy.role_at(self.me().officer(), self.now())
    }

    /// Random bytes.
    pub(super) fn random<const N: usize>(&self) -> [u8; N] {
        self.ctx.backend.entropy().bytes()
    }

    /// A fresh salt.
    pub(super) fn salt(&self) -> Salt {
        Salt::from_bytes(self.random())
    }

    /// A fresh idempotency key for a channel's item. Of a channel that isn't in hand the position
    /// is 0, which is as good, only not as quick for its hub.
    pub(super) fn new_client_id(&self, channel: ChannelId) -> ClientId {
        let next = self.channels.get(&channel).map_or(Seq(0), |c| c.replica().next_seq());
        ClientId::new(next, self.random())
    }

    /// Takes a channel in hand; [`Self::keep`] puts it back.
    pub(crate) fn take(&mut self, id: ChannelId) -> Result<Option<Channel>, ChannelError> {
        match self.channels.remove(&id) {
            Some(channel) => Ok(Some(channel)),
            None => Channel::load(&self.ctx, id),
        }
    }

    /// Keeps a channel for the next transaction.
    pub(crate) fn keep(&mut self, channel: Channel) {
        self.channels.insert(channel.id(), channel);
    }

    /// Drops a channel whose changes were rolled back.
    pub(super) fn forget(&mut self, id: ChannelId) {
        self.channels.remove(&id);
    }

    /// Says, once the transaction is durable, that something happened.
    pub(super) fn tell(&mut self, event: ClientEvent) {
        if !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    pub(super) fn note(
        &mut self,
        channel: Option<ChannelId>,
        place: Option<(Seq, Timestamp)>,
        notice: Notice,
    ) -> Result<(), StoreError> {
        let at = place.map_or(self.now(), |(_, received_at)| received_at);
        let row = NoticeRow { id: 0, channel, seq: place.map(|(seq, _)| seq), at, notice };
        let id = self.tx.put_notice(&row)?;
        self.tell(ClientEvent::Notice { channel, id });
        Ok(())
    }
}

/// The store as channels ask it, in one transaction.
pub(super) struct Book<'a> {
    tx: &'a dyn Transaction,
    /// Those asked for already: every entry of a batch quotes a head, mostly of one key.
    head_keys: RefCell<HashMap<(Domain, HeadSigner), PublicKey>>,
}

impl<'a> Book<'a> {
    pub(super) fn new(tx: &'a dyn Transaction) -> Self {
        Self { tx, head_keys: RefCell::default() }
    }
}

impl LogBook for Book<'_> {
    fn head_key(&self, hub: &Domain, signer: HeadSigner) -> Option<PublicKey> {
        let known = (hub.clone(), signer);
        if let Some(key) = self.head_keys.borrow().get(&known) {
            return Some(*key);
        }
        let found = self.tx.head_certificate(hub, signer);
        let found =
            found.inspect_err(|error| tracing::warn!(%error, "a head key cannot be read")).ok()?;
        let key = found?.key;
        self.head_keys.borrow_mut().insert(known, key);
        Some(key)
    }

    fn chain_at(&self, channel: ChannelId, seq: Seq) -> Option<ChainHash> {
        let found = self.tx.chain_at(channel, seq);
        found.inspect_err(|error| tracing::warn!(%error, "an item cannot be read")).ok()?
    }
}
