//! A batch of a log: verified as a whole, handled item by item, stored with everything it brings.

use std::collections::BTreeMap;

use enlace_channel::channel::{Channel, ChannelError, Standing};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::names::{DeviceName, Domain, LeafName};
use enlace_identity::time::Timestamp;
use enlace_log::head::HeadError;
use enlace_log::item::ItemError;
use enlace_log::replica::ReplicaError;
use enlace_log::{ChannelId, HeadSigner, Hubs, Item, Seq, SignedHead, VerifiedHead};
use enlace_proto::relay::v1 as wire;

use super::refill::KEPT;
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{
    ChannelRow, ChannelStanding, ItemRow, OutboxRow, OutboxState, StoreError, Transaction,
};

/// Why a channel is stopped whose rules this program does not know.
pub const NEEDS_NEWER_VERSION: &str = "the channel needs a newer version of this program";

/// Why a channel is stopped that the relay serves no more.
pub(super) const MAY_NOT_READ: &str = "the relay says that this device may read no further";

/// What became of a batch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Received {
    /// The position that comes next; everything before it is durable.
    pub next: Seq,
    /// Head keys that members quoted and that are not here.
    pub missing_head_keys: Vec<HeadSigner>,
    /// Whether this device is no longer a member.
    pub ended: bool,
}

/// Why a batch was not taken in. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Nobody asked for this channel.
    #[error("this device is not in that channel")]
    UnknownChannel,
    /// The certificate of the head's key is not here: fetch it, and offer the batch again.
    #[error("the certificate of the hub's head key is missing")]
    HeadKey(HeadSigner),
    /// An item does not fit together: the relay's fault.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// The head does not hold: the relay's fault.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The copy is to go back, and the hub has not signed that it began anew: the relay's fault.
    #[error("the relay that orders this channel has not said that it began anew")]
    NotSuperseded,
    /// The batch does not continue what is here.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// This channel can't go on: something is kept back, missing or damaged.
    #[error(transparent)]
    Channel(ChannelError),
    /// The store.
    #[error(transparent)]
    Engine(EngineError),
}

impl From<EngineError> for ReceiveError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Channel(error) => error.into(),
            error => Self::Engine(error),
        }
    }
}

impl From<StoreError> for ReceiveError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<ChannelError> for ReceiveError {
    fn from(error: ChannelError) -> Self {
        if super::concerns_one(&error) { Self::Channel(error) } else { Self::Engine(error.into()) }
    }
}

impl Engine {
    /// Takes in a batch. What is here already is skipped.
    ///
    /// # Errors
    /// [`ReceiveError`]; nothing has changed then.
    pub fn receive(
        &mut self,
        channel: ChannelId,
        items: Vec<wire::Item>,
        head: &wire::SignedHead,
    ) -> Result<Received, ReceiveError> {
        let items = items.into_iter().map(|item| Item::from_wire(channel, item));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        let head = SignedHead::from_wire(channel, head)?;
        self.write(|work| work.receive(channel, &items, head))
    }

    /// A channel rests until this program is newer: says so, once.
    ///
    /// # Errors
    /// When the store fails.
    pub fn needs_newer_version(&mut self, id: ChannelId) -> Result<(), EngineError> {
        self.stop_channel(id, NEEDS_NEWER_VERSION)
    }

    /// A channel's log is not taken in any more: says so, once.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stop_channel(&mut self, id: ChannelId, reason: &str) -> Result<(), EngineError> {
        self.write(|work| work.stop_channel(id, reason))
    }

    /// Stops the channel that an error is about, if the others can go on.
    pub(super) fn stop_if_alone(
        &mut self,
        id: ChannelId,
        error: EngineError,
    ) -> Result<(), EngineError> {
        self.write(|work| work.stop_if_alone(id, error))
    }
}

impl Work<'_> {
    pub(super) fn stop_channel(&mut self, id: ChannelId, reason: &str) -> Result<(), EngineError> {
        let Some(mut row) = self.tx.channel(id)? else { return Ok(()) };
        if row.stopped.as_deref() == Some(reason) {
            return Ok(());
        }
        tracing::error!(channel = %id, reason, "a channel cannot go on");
        row.stopped = Some(reason.to_owned());
        self.tx.put_channel(&row)?;
        self.tell(ClientEvent::Channel(id));
        let notice = match reason {
            NEEDS_NEWER_VERSION => Notice::NeedsNewerVersion,
            reason => Notice::Stopped { reason: reason.to_owned() },
        };
        Ok(self.note(Some(id), None, notice)?)
    }

    pub(super) fn stop_if_alone(
        &mut self,
        id: ChannelId,
        error: EngineError,
    ) -> Result<(), EngineError> {
        match error.of_one_channel().map(ToString::to_string) {
            Some(reason) => self.stop_channel(id, &reason),
            None => Err(error),
        }
    }
}

/// What a batch gathers on its way.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) missing_head_keys: Vec<HeadSigner>,
    /// Whether a commit of this device was void: its key packages went with it.
    pub(super) own_commit_was_void: bool,
    /// Heads that members quoted and that contradict this copy of the log.
    pub(super) contradictions: Vec<VerifiedHead>,
    /// Entries that came without their content.
    pub(super) without_content: Vec<(Seq, Timestamp)>,
    authors: Option<BTreeMap<DeviceName, Author>>,
}

/// A member whose entries may be in the batch.
struct Author {
    chain: UnverifiedChain,
    /// Whether the certificates are stored.
    is_kept: bool,
}

impl Work<'_> {
    fn receive(
        &mut self,
        id: ChannelId,
        items: &[Item],
        head: SignedHead,
    ) -> Result<Received, ReceiveError> {
        let row = self.tx.channel(id)?.ok_or(ReceiveError::UnknownChannel)?;
        let mut channel = self.take(id)?.ok_or(ReceiveError::UnknownChannel)?;
        let head = self.verify_batch(&channel, items, head)?;
        let mut replica = channel.replica();
        let added = replica.append(items, &head)?;
        let news = items.len() - added.len()..;
        for (item, added) in items[news.clone()].iter().zip(&added) {
            self.tx.put_item(&ItemRow { item: item.clone(), chain: added.chain })?;
        }
        if let Some(first) = added.first() {
            let old = |seq: Seq| Seq(seq.0.saturating_sub(KEPT));
            self.tx.drop_payloads(id, old(first.seq), old(replica.next_seq()))?;
        }
        let mut batch = Batch::default();
        for item in &items[news] {
            let events = channel.handle_item(&self.ctx, item)?;
            if events.is_empty() {
                self.settle_sent_before(item)?;
            }
            for event in events {
                self.apply(&channel, item, event, &mut batch)?;
            }
        }
        if let Some(last) = items.last().filter(|_| !added.is_empty()) {
            for event in channel.advance(&self.ctx, &replica, &head)? {
                self.apply(&channel, last, event, &mut batch)?;
            }
            self.is_served_again(&channel)?;
            self.update_row(row, &channel, &head)?;
            for quoted in std::mem::take(&mut batch.contradictions) {
                self.raise_contradiction(&channel, &quoted)?;
            }
            self.tell_without_content(id, &batch)?;
            self.take_back_unkept(id, replica.next_seq())?;
        }
        let received = Received {
            next: replica.next_seq(),
            missing_head_keys: batch.missing_head_keys,
            ended: channel.standing() == Standing::Removed,
        };
        self.keep(channel);
        Ok(received)
    }

    /// Entries whose place the log has passed without them were never given it, whatever the relay
    /// answered: they are sent again.
    fn take_back_unkept(&mut self, id: ChannelId, next: Seq) -> Result<(), StoreError> {
        for row in self.tx.unlogged_entries(id)? {
            if matches!(row.state, OutboxState::Accepted(Some(seq)) if seq < next) {
                let client_id = row.client_id;
                tracing::warn!(channel = %id, "an acceptance was false: the log does not have it");
                let state = OutboxState::Queued;
                self.tx.update_outbox(&OutboxRow { state: state.clone(), ..row })?;
                self.tell(ClientEvent::Outbox { channel: id, client_id, state });
            }
        }
        Ok(())
    }

    /// The head over a batch is of the hub that ordered it; of the next one where the batch begins with
    /// its statement.
    fn verify_batch(
        &self,
        channel: &Channel,
        items: &[Item],
        head: SignedHead,
    ) -> Result<VerifiedHead, ReceiveError> {
        let first = items.first().filter(|first| first.seq == channel.replica().next_seq());
        match first {
            Some(first) => {
                let hub = channel.hub_after(&self.ctx, first, channel.fence())?;
                self.verify_head(&hub, head)
            }
            None => self.verify_head_of(&channel.hubs(), head),
        }
    }

    /// Verifies a head by the hub that ordered its position, or a later one.
    pub(super) fn verify_head_of(
        &self,
        hubs: &Hubs,
        head: SignedHead,
    ) -> Result<VerifiedHead, ReceiveError> {
        let (signer, seq) = (head.signer(), head.unverified_head().seq);
        let key = hubs.signers(seq).find_map(|hub| self.ctx.log.head_key(hub, signer));
        Ok(head.verify(&key.ok_or(ReceiveError::HeadKey(signer))?)?)
    }

    pub(super) fn verify_head(
        &self,
        hub: &Domain,
        head: SignedHead,
    ) -> Result<VerifiedHead, ReceiveError> {
        let signer = head.signer();
        let key = self.ctx.log.head_key(hub, signer).ok_or(ReceiveError::HeadKey(signer))?;
        Ok(head.verify(&key)?)
    }

    fn update_row(
        &mut self,
        before: ChannelRow,
        channel: &Channel,
        head: &VerifiedHead,
    ) -> Result<(), StoreError> {
        let id = before.id;
        let row = self.tx.channel(id)?.unwrap_or(before);
        let row = ChannelRow {
            hub: channel.hub(),
            title: channel.policy().title().to_owned(),
            standing: standing_of(channel),
            stopped: None,
            head: Some(head.signed().clone()),
            ..row
        };
        self.tx.put_channel(&row)?;
        self.tell(ClientEvent::Channel(id));
        Ok(())
    }
}

impl Batch {
    /// Keeps the certificates of a member, as of the present epoch; their fingerprint, or zeros
    /// when they are not known.
    pub(super) fn keep_certificates(
        &mut self,
        tx: &dyn Transaction,
        channel: &Channel,
        device: &DeviceName,
    ) -> Result<[u8; 32], EngineError> {
        if self.authors.is_none() {
            self.authors = Some(authors_of(channel)?);
        }
        let author = self.authors.as_mut().and_then(|authors| authors.get_mut(device));
        let Some(author) = author else { return Ok([0; 32]) };
        if !author.is_kept {
            tx.put_certificates(&author.chain)?;
            author.is_kept = true;
        }
        Ok(*author.chain.leaf().fingerprint().as_bytes())
    }

    pub(super) fn forget_members(&mut self) {
        self.authors = None;
    }
}

fn authors_of(channel: &Channel) -> Result<BTreeMap<DeviceName, Author>, ChannelError> {
    let members = channel.view()?.members.into_iter();
    let named = members.filter_map(|member| match member.chain.unverified_name() {
        Ok(LeafName::Device(device)) => {
            Some((device, Author { chain: member.chain, is_kept: false }))
        }
        _ => None,
    });
    Ok(named.collect())
}

pub(super) fn standing_of(channel: &Channel) -> ChannelStanding {
    match channel.standing() {
        Standing::Provisional => ChannelStanding::Provisional,
        Standing::Member => ChannelStanding::Member,
        Standing::Stranded => ChannelStanding::Stranded,
        Standing::Removed => ChannelStanding::Removed,
    }
}
