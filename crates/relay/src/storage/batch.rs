//! What is written in one transaction.

use bytes::Bytes;
use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::head::HeadSigner;
use enlace_log::membership::{Event, ReadRange};
use enlace_log::{ChannelId, Incarnation, Seq, SignedHead, SubmitCounter};

use super::records::{Accepted, ChannelRecord, Doubts, IdempotencyKey, Role, StoredItem, Tail};

/// How many key packages of a device are remembered, so that none goes to the pool twice: a device
/// that was not answered publishes the same again, soon after.
pub const REMEMBERED_KEY_PACKAGES: usize = 1000;

/// Writes that become durable together, in order.
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    /// Of logs: only whoever sequences or copies them writes these.
    pub log: Vec<LogWrite>,
    /// Of everything beside the logs.
    pub side: Vec<SideWrite>,
}

impl WriteBatch {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.log.is_empty() && self.side.is_empty()
    }
}

/// A write to a log.
#[derive(Clone, Debug)]
pub enum LogWrite {
    /// A channel begins with its first item; it must not exist yet. The record's tail is the item.
    Create(ChannelRecord, StoredItem),
    /// A follower's copy begins at a commit, again or for the first time. A copy that exists must
    /// end before it; what it holds stays. The record's tail is the item.
    Anchor(ChannelRecord, StoredItem),
    /// Consecutive items.
    Append {
        /// The channel.
        channel: ChannelId,
        /// The tail after which they stand.
        after: Seq,
        /// The items, at least one.
        items: Vec<StoredItem>,
        /// The newest commit item after them.
        fence: Option<Seq>,
    },
    /// The payloads of items are erased, from the files too; nothing else of them changes.
    Erase {
        /// The channel.
        channel: ChannelId,
        /// Where they stand; what is not here is passed over.
        items: Vec<Seq>,
    },
    /// A head that a hub signed.
    Head(SignedHead),
    /// Who may read and write changed with the item at `seq`.
    Event {
        /// The channel.
        channel: ChannelId,
        /// The item.
        seq: Seq,
        /// The change.
        event: Event,
    },
    /// What a device may read of a channel; a range that begins at the same position is replaced.
    Reader {
        /// The channel.
        channel: ChannelId,
        /// The device.
        device: DeviceName,
        /// The positions.
        range: ReadRange,
    },
    /// The hub began a new incarnation with the item at `seq`.
    Incarnation {
        /// The channel.
        channel: ChannelId,
        /// Its statement.
        seq: Seq,
        /// Which.
        incarnation: Incarnation,
    },
    /// The channel goes on at another hub with the item at `seq`.
    Moved {
        /// The channel.
        channel: ChannelId,
        /// The next hub's statement.
        seq: Seq,
        /// The authority whose relay orders it from there on.
        hub: Domain,
    },
    /// This relay is something else to the channel from now on, or follows another hub.
    Turned {
        /// The channel.
        channel: ChannelId,
        /// What it is.
        role: Role,
        /// The authority whose relay orders it.
        hub: Domain,
    },
    /// The votes for another hub that are known: they replace those before.
    Votes {
        /// The channel.
        channel: ChannelId,
        /// The newest of each device, signed.
        votes: Vec<(DeviceName, Bytes)>,
    },
    /// The hub knows what the channel's log holds, whatever doubts there were.
    Settled {
        /// The channel.
        channel: ChannelId,
        /// The doubts until then.
        doubts: Doubts,
    },
    /// A log goes back: everything after the record's tail is forgotten, and who may read; what
    /// may be read of the rest is written beside it.
    Rewind(ChannelRecord),
    /// An idempotency key is used up.
    Accepted {
        /// Which.
        key: IdempotencyKey,
        /// What stands in the log under it.
        accepted: Accepted,
    },
    /// The welcomes of a commit wait to be delivered.
    Welcome {
        /// The channel.
        channel: ChannelId,
        /// The commit.
        seq: Seq,
        /// What is delivered; the caller's own encoding.
        delivery: Bytes,
        /// This relay's devices among the admitted.
        devices: Vec<DeviceName>,
        /// The other authorities with devices among them.
        domains: Vec<Domain>,
    },
}

/// A write beside the logs.
#[derive(Clone, Debug)]
pub enum SideWrite {
    /// A device was seen to use this counter; kept if it is the highest.
    SubmitCounter {
        /// The device.
        device: DeviceName,
        /// The counter.
        counter: SubmitCounter,
    },
    /// Adds to the pool of a device; replaces its last resort if one is given.
    KeyPackages {
        /// The device.
        device: DeviceName,
        /// The MLS suite.
        suite: u16,
        /// For the pool; of the newest [`REMEMBERED_KEY_PACKAGES`] of a device none goes there
        /// again, handed out or not.
        key_packages: Vec<Bytes>,
        /// Handed out when the pool is empty.
        last_resort: Option<Bytes>,
    },
    /// Drops a device's pool and last resort: it has lost their private keys.
    DropKeyPackages {
        /// The device.
        device: DeviceName,
        /// The MLS suite.
        suite: u16,
    },
    /// A device has stored its welcome; nothing happens when none waited.
    WelcomeTaken {
        /// The device.
        device: DeviceName,
        /// The channel.
        channel: ChannelId,
        /// The commit.
        seq: Seq,
    },
    /// Another authority's relay has stored a welcome; nothing happens when none waited. The newest
    /// of each channel is kept, in case that relay loses it.
    WelcomeSent {
        /// The authority.
        domain: Domain,
        /// The channel.
        channel: ChannelId,
        /// The commit.
        seq: Seq,
    },
    /// The newest welcome that was sent to another authority's relay is to be sent again; nothing
    /// happens when there is none.
    WelcomeWanted {
        /// The authority.
        domain: Domain,
        /// The channel.
        channel: ChannelId,
    },
    /// The certificates of a head key, DER, the leaf first.
    HeadCertificate {
        /// Hash of the leaf.
        signer: HeadSigner,
        /// The chain.
        certificates: Vec<Vec<u8>>,
    },
    /// All revocation lists of an authority, DER: replaces those before.
    Crls {
        /// The authority.
        authority: Domain,
        /// The lists.
        crls: Vec<Vec<u8>>,
    },
    /// A version of the network's bundle, signed; nothing happens when it is there.
    Bundle {
        /// The version.
        version: u64,
        /// The file.
        signed: Bytes,
    },
    /// The newest signed endpoint record of an authority: replaces the one before.
    EndpointRecord {
        /// The authority.
        domain: Domain,
        /// The file.
        record: Bytes,
    },
    /// The relay starts without knowing whether this is the newest state of its store.
    Doubt,
    /// Forgets the key packages in all pools, which may have been handed out: their devices
    /// publish others. Those of last resort stay.
    ForgetKeyPackages,
    /// The relay runs on this store, or ends running in good order.
    Seen {
        /// When.
        at: Timestamp,
        /// The boot of the machine, where that is known.
        boot: Option<String>,
        /// Whether it ends.
        stopped: bool,
    },
}

impl LogWrite {
    /// The channel that it concerns.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        match self {
            Self::Create(record, _) | Self::Anchor(record, _) | Self::Rewind(record) => {
                record.channel
            }
            Self::Head(head) => head.unverified_head().channel,
            Self::Accepted { key, .. } => key.channel,
            Self::Append { channel, .. }
            | Self::Erase { channel, .. }
            | Self::Event { channel, .. }
            | Self::Reader { channel, .. }
            | Self::Incarnation { channel, .. }
            | Self::Moved { channel, .. }
            | Self::Turned { channel, .. }
            | Self::Votes { channel, .. }
            | Self::Settled { channel, .. }
            | Self::Welcome { channel, .. } => *channel,
        }
    }
}

impl SideWrite {
    /// How many bytes it weighs, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        let bytes: usize = match self {
            Self::KeyPackages { key_packages, last_resort, .. } => {
                key_packages.iter().chain(last_resort).map(Bytes::len).sum()
            }
            Self::HeadCertificate { certificates: list, .. } | Self::Crls { crls: list, .. } => {
                list.iter().map(Vec::len).sum()
            }
            Self::EndpointRecord { record, .. } => record.len(),
            Self::Bundle { signed, .. } => signed.len(),
            Self::SubmitCounter { .. }
            | Self::WelcomeTaken { .. }
            | Self::WelcomeSent { .. }
            | Self::WelcomeWanted { .. }
            | Self::Doubt
            | Self::ForgetKeyPackages
            | Self::DropKeyPackages { .. }
            | Self::Seen { .. } => 0,
        };
        bytes + 256
    }
}

impl StoredItem {
    /// The log's end if this is its last item.
    #[must_use]
    pub fn tail(&self) -> Tail {
        Tail { seq: self.seq, chain: self.chain, received_at: self.received_at }
    }
}
