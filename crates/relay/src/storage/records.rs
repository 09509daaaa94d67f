//! What a store gives back.

use bytes::Bytes;
use enlace_identity::canonical::sha256;
use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::{
    ChainHash, ChannelId, ChannelNonce, ClientId, Commitment, Envelope, Generation, Item, ItemKind,
    ListChange, Seq,
};
use enlace_proto::relay::v1 as wire;
use prost::Message as _;

use super::StorageError;

/// What this relay is to a channel.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Role {
    /// It orders the log.
    Hub,
    /// It keeps a copy for its members.
    Follower,
}

/// Where a log ends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Tail {
    /// The last item's position.
    pub seq: Seq,
    /// The chain up to and with it.
    pub chain: ChainHash,
    /// The hub's clock when it was accepted.
    pub received_at: Timestamp,
}

/// One channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChannelRecord {
    /// Which.
    pub channel: ChannelId,
    /// The authority whose relay orders it; where a copy's former hub has stepped down, the one that
    /// is to order it.
    pub hub: Domain,
    /// The authority whose relay created it.
    pub creating_hub: Domain,
    /// With the creating hub, what its id is derived from.
    pub nonce: ChannelNonce,
    /// What this relay is to it.
    pub role: Role,
    /// Its group.
    pub generation: Generation,
    /// Where the log ends.
    pub tail: Tail,
    /// The newest commit item.
    pub fence: Option<Seq>,
    /// Of a hub: the doubts that had come up when it last knew what this channel's log holds.
    pub settled: Doubts,
}

/// How often a relay started without knowing whether its store is the newest it ever had.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Doubts(pub u64);

/// How a relay last ran on a store.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LastRun {
    /// Doubts so far.
    pub doubts: Doubts,
    /// When it was last known to run, or stopped; `None` if it never ran.
    pub seen_at: Option<Timestamp>,
    /// Whether it was stopped in good order.
    pub stopped: bool,
    /// The boot of the machine that it ran in, where that is known.
    pub boot: Option<String>,
    /// Whether the store is a copy of the one that it ran on, as far as the engine can tell.
    pub is_copy: bool,
}

/// One position of a log, as stored: its parts are as they were received, and not read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredItem {
    /// Where it stands.
    pub seq: Seq,
    /// The hub's clock when it was accepted.
    pub received_at: Timestamp,
    /// Canonical.
    pub envelope: Bytes,
    /// 64 bytes, or none.
    pub outer_signature: Bytes,
    /// Empty when erased.
    pub payload: Bytes,
    /// Of a commit: the change of the device list, as a message of the wire schema.
    pub list_change: Option<Bytes>,
    /// The chain up to and with this item.
    pub chain: ChainHash,
}

impl StoredItem {
    /// An item and the chain after it.
    #[must_use]
    pub fn new(item: &Item, chain: ChainHash) -> Self {
        let sealed = &item.sealed;
        let list_change = sealed.list_change().map(ListChange::to_wire);
        Self {
            seq: item.seq,
            received_at: item.received_at,
            envelope: sealed.envelope_bytes().clone(),
            outer_signature: Bytes::copy_from_slice(sealed.outer_signature().as_bytes()),
            payload: sealed.payload().cloned().unwrap_or_default(),
            list_change: list_change.map(|change| change.encode_to_vec().into()),
            chain,
        }
    }

    /// As it travels, without its chain hash.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`].
    pub fn to_wire(&self) -> Result<wire::Item, StorageError> {
        let envelope = Envelope::decode(&self.envelope);
        let envelope = envelope.map_err(|_| StorageError::Corrupt("envelope"))?;
        let list_change = self.list_change.clone().map(wire::ListChange::decode).transpose();
        Ok(wire::Item {
            seq: self.seq.0,
            received_at_ms: self.received_at.as_millis(),
            envelope: Some(Box::new(envelope.to_wire(!self.payload.is_empty()))),
            outer_signature: self.outer_signature.clone().into(),
            payload: self.payload.clone(),
            list_change: list_change.map_err(|_| StorageError::Corrupt("list_change"))?,
            chain: Default::default(),
        })
    }

    /// How many bytes it weighs.
    #[must_use]
    pub fn weight(&self) -> usize {
        let list_change = self.list_change.as_ref().map_or(0, Bytes::len);
        self.envelope.len() + self.outer_signature.len() + self.payload.len() + list_change
    }
}

/// How much one read may return.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReadLimit {
    /// At most so many items, at least 1.
    pub items: usize,
    /// No further item once so many bytes are reached.
    pub bytes: usize,
}

/// What an item is known by when it is sent again.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IdempotencyKey {
    /// The channel.
    pub channel: ChannelId,
    /// The author.
    pub device: DeviceName,
    /// What the author calls it.
    pub client_id: ClientId,
}

/// What stands in the log under an [`IdempotencyKey`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Accepted {
    /// Where.
    pub seq: Seq,
    /// The hub's clock when it was accepted.
    pub received_at: Timestamp,
    /// What it is.
    pub kind: ItemKind,
    /// The entry that it binds.
    pub commitment: Commitment,
    /// SHA-256 of its envelope.
    pub envelope_hash: [u8; 32],
}

impl Accepted {
    /// Of an item in the log.
    #[must_use]
    pub fn of(item: &Item) -> Self {
        let envelope = item.sealed.envelope();
        Self {
            seq: item.seq,
            received_at: item.received_at,
            kind: envelope.kind,
            commitment: envelope.commitment,
            envelope_hash: sha256(item.sealed.envelope_bytes()),
        }
    }
}

/// A key package that was handed out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClaimedKeyPackage {
    /// Whose.
    pub device: DeviceName,
    /// An MLS message.
    pub key_package: Bytes,
    /// Whether it is the one that is handed out again and again until it is replaced.
    pub last_resort: bool,
}

/// An authority's revocation lists, DER.
pub type AuthorityCrls = (Domain, Vec<Vec<u8>>);

/// A welcome that waits for a device or for another authority's relay.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PendingWelcome {
    /// The channel.
    pub channel: ChannelId,
    /// The commit that admits.
    pub seq: Seq,
}
