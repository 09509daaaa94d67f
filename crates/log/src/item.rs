//! One position of a log, read and checked for itself.
//!
//! An [`Item`] fits together: its envelope can be read, its payload is the one that the envelope
//! names, and it carries an outer signature just where one is due. Whose signature that is, where
//! it stands in the chain and what it holds, others check.

use bytes::Bytes;
use enlace_identity::canonical::DecodeError;
use enlace_identity::time::Timestamp;
use enlace_proto::relay::v1 as wire;

use crate::chain::{ChainHash, ChainLink};
use crate::device_list::{ListChange, ListError};
use crate::envelope::{Envelope, OuterSignature, PayloadHash};
use crate::ids::{ChannelId, MAX_SEQ, Seq};

/// One position of a channel's log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Item {
    /// Where it stands.
    pub seq: Seq,
    /// The hub's clock when it was accepted.
    pub received_at: Timestamp,
    /// What stands round it.
    pub sealed: Sealed,
}

/// An item as its author made it, before a hub has given it a place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sealed {
    envelope: Envelope,
    envelope_bytes: Bytes,
    outer_signature: OuterSignature,
    payload: Option<Bytes>,
    list_change: Option<ListChange>,
}

impl Sealed {
    /// The largest payload, in bytes.
    pub const MAX_PAYLOAD_BYTES: usize = 4 << 20;

    /// Takes an item as it is kept, with its envelope's canonical bytes, and checks that its pieces
    /// fit together. An empty payload stands for an erased one.
    ///
    /// # Errors
    /// What an honest author would not have made.
    pub fn read(
        envelope: Bytes,
        outer_signature: &[u8],
        payload: Bytes,
        list_change: Option<&wire::ListChange>,
    ) -> Result<Self, ItemError> {
        let read = Envelope::decode(&envelope)?;
        let payload = (!payload.is_empty()).then_some(payload);
        if payload.as_ref().is_some_and(|p| PayloadHash::of(p) != read.payload_hash) {
            return Err(ItemError::Payload);
        }
        Self::assemble(read, envelope, outer_signature, payload, list_change)
    }

    /// Takes a channel's item as it travels. An empty payload stands for an erased one; a submitted
    /// item must not be erased.
    ///
    /// # Errors
    /// The sender's fault, whatever it is.
    pub fn from_wire(
        channel: ChannelId,
        envelope: Option<&wire::Envelope>,
        outer_signature: &[u8],
        payload: Bytes,
        list_change: Option<&wire::ListChange>,
    ) -> Result<Self, ItemError> {
        if payload.len() > Self::MAX_PAYLOAD_BYTES {
            return Err(ItemError::TooLarge);
        }
        let envelope = envelope.ok_or(DecodeError::Truncated)?;
        let payload = (!payload.is_empty()).then_some(payload);
        let read = Envelope::from_wire(channel, envelope, payload.as_deref())?;
        let bytes = read.encode().into();
        Self::assemble(read, bytes, outer_signature, payload, list_change)
    }

    /// Takes what a request submits, welcomes and certificates aside.
    ///
    /// # Errors
    /// As those of [`Self::from_wire`].
    pub fn from_request(request: &wire::SubmitRequest) -> Result<Self, ItemError> {
        let channel = request.channel.as_ref().ok_or(DecodeError::Truncated)?;
        let channel = ChannelId::try_from(&channel.value[..]);
        Self::from_wire(
            channel.map_err(|_| DecodeError::Value("channel"))?,
            request.envelope.as_ref(),
            &request.outer_signature,
            request.payload.clone(),
            request.list_change.as_ref(),
        )
    }

    fn assemble(
        envelope: Envelope,
        envelope_bytes: Bytes,
        outer_signature: &[u8],
        payload: Option<Bytes>,
        list_change: Option<&wire::ListChange>,
    ) -> Result<Self, ItemError> {
        let payload_bytes = payload.as_ref().map_or(0, Bytes::len);
        if envelope_bytes.len() > Envelope::MAX_BYTES || payload_bytes > Self::MAX_PAYLOAD_BYTES {
            return Err(ItemError::TooLarge);
        }
        let outer_signature = OuterSignature::decode(envelope.kind, outer_signature)?;
        let list_change = list_change.map(ListChange::try_from).transpose()?;
        if list_change.is_some() != envelope.kind.is_change() {
            return Err(ItemError::ListChange);
        }
        Ok(Self { envelope, envelope_bytes, outer_signature, payload, list_change })
    }

    /// An item that its author has just made: an envelope, its signature where one is due, and the
    /// payload that the envelope names. Neither a commit nor a succession.
    #[must_use]
    pub fn new(envelope: Envelope, outer_signature: OuterSignature, payload: Bytes) -> Self {
        let envelope_bytes = envelope.encode().into();
        let payload = Some(payload);
        Self { envelope, envelope_bytes, outer_signature, payload, list_change: None }
    }

    /// The envelope, read.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The envelope's bytes as received: what is hashed and signed.
    #[must_use]
    pub fn envelope_bytes(&self) -> &Bytes {
        &self.envelope_bytes
    }

    /// The author's signature over the envelope, where one is due.
    #[must_use]
    pub fn outer_signature(&self) -> &OuterSignature {
        &self.outer_signature
    }

    /// The payload; `None` when it was erased.
    #[must_use]
    pub fn payload(&self) -> Option<&Bytes> {
        self.payload.as_ref()
    }

    /// What a commit or a succession does to the device list.
    #[must_use]
    pub fn list_change(&self) -> Option<&ListChange> {
        self.list_change.as_ref()
    }
}

impl Item {
    /// The chain up to and with this item.
    #[must_use]
    pub fn chain_after(&self, before: &ChainHash) -> ChainHash {
        before.after_link(self.seq, &self.link())
    }

    /// What the chain takes of it.
    #[must_use]
    pub fn link(&self) -> ChainLink {
        let Sealed { envelope_bytes, outer_signature, .. } = &self.sealed;
        ChainLink::new(self.received_at, envelope_bytes, outer_signature)
    }

    /// As it travels, without its chain hash.
    #[must_use]
    pub fn to_wire(&self) -> wire::Item {
        let sealed = &self.sealed;
        wire::Item {
            seq: self.seq.0,
            received_at_ms: self.received_at.as_millis(),
            envelope: Some(Box::new(sealed.envelope.to_wire(sealed.payload.is_some()))),
            outer_signature: sealed.outer_signature.as_bytes().to_vec(),
            payload: sealed.payload.clone().unwrap_or_default(),
            list_change: sealed.list_change.as_ref().map(ListChange::to_wire),
            chain: Vec::new(),
        }
    }

    /// Takes a channel's item as it travels.
    ///
    /// # Errors
    /// The sender's fault, whatever it is.
    pub fn from_wire(channel: ChannelId, item: wire::Item) -> Result<Self, ItemError> {
        if item.seq > MAX_SEQ {
            return Err(ItemError::Envelope(DecodeError::Value("seq")));
        }
        Ok(Self {
            seq: Seq(item.seq),
            received_at: Timestamp::from_millis(item.received_at_ms),
            sealed: Sealed::from_wire(
                channel,
                item.envelope.as_deref(),
                &item.outer_signature,
                item.payload,
                item.list_change.as_ref(),
            )?,
        })
    }
}

/// Why an item is refused: always the fault of whoever sent it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ItemError {
    /// The envelope or the outer signature cannot be read.
    #[error("the item's envelope cannot be read: {0}")]
    Envelope(#[from] DecodeError),
    /// The device list's change cannot be read.
    #[error(transparent)]
    List(#[from] ListError),
    /// A commit or a succession without a change of the device list, or another item with one.
    #[error("only a change of the group carries one of the device list, and each does")]
    ListChange,
    /// The payload is not the one that the envelope names.
    #[error("the item's payload is not the one that its envelope names")]
    Payload,
    /// It is larger than the limit.
    #[error("the item is larger than is allowed")]
    TooLarge,
}
