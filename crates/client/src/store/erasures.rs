//! What was erased here, and why. Erasing is of content: an entry's row stays, with header and
//! signature, and the place in the log with its envelope.

use std::fmt;
use std::str::FromStr;

use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Commitment, Seq};

use super::{EntryRow, StoreError};

/// An entry whose content was erased here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ErasureRow {
    /// The channel.
    pub channel: ChannelId,
    /// Whose entry it was.
    pub author: DeviceName,
    /// Its author's idempotency key.
    pub client_id: ClientId,
    /// Why.
    pub why: ErasedBecause,
    /// The place of the withdrawal, if that is why.
    pub by: Option<Seq>,
    /// When it was erased here, by this device's clock.
    pub at: Timestamp,
}

/// Why content was erased.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErasedBecause {
    /// Its author took it back.
    Withdrawn,
    /// The time for which the authority keeps it is over.
    Expired,
}

/// An entry whose payload the relays were told to erase.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TombstoneRow {
    /// The channel.
    pub channel: ChannelId,
    /// Where the entry stands.
    pub seq: Seq,
    /// Who told them.
    pub by: DeviceName,
    /// The hub's clock then.
    pub at: Timestamp,
    /// Where that stands.
    pub by_seq: Seq,
}

/// Erasures.
pub trait ErasureRows {
    /// Erases what an entry says wherever this store has it: `without` is the entry without content
    /// and salts, which takes its place. Its sealed form goes too. `false` when it was erased
    /// before, and nothing changed.
    ///
    /// Only [`Store::scrub`](super::Store::scrub), after the commit, leaves nothing of it in the
    /// files.
    ///
    /// # Errors
    /// When the engine fails.
    fn erase_entry(&self, row: &ErasureRow, without: &[u8]) -> Result<bool, StoreError>;

    /// Everything that was erased in a channel, oldest first.
    ///
    /// # Errors
    /// When the engine fails.
    fn erasures(&self, channel: ChannelId) -> Result<Vec<ErasureRow>, StoreError>;

    /// Keeps that relays were told to erase an entry's payload, and drops it here; the first word
    /// counts. `false` when there was nothing to drop: the files hold nothing of it.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_tombstone(&self, row: &TombstoneRow) -> Result<bool, StoreError>;

    /// What relays were told to erase of a channel, by place.
    ///
    /// # Errors
    /// When the engine fails.
    fn tombstones(&self, channel: ChannelId) -> Result<Vec<TombstoneRow>, StoreError>;

    /// Keeps that an entry came without its content.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_without_content(
        &self,
        channel: ChannelId,
        seq: Seq,
        author: &DeviceName,
    ) -> Result<(), StoreError>;

    /// Forgets that an entry came without its content; whose it is, if it did.
    ///
    /// # Errors
    /// When the engine fails.
    fn take_without_content(
        &self,
        channel: ChannelId,
        seq: Seq,
    ) -> Result<Option<DeviceName>, StoreError>;

    /// The entries of a channel that came without their content, by place.
    ///
    /// # Errors
    /// When the engine fails.
    fn without_content(&self, channel: ChannelId) -> Result<Vec<(Seq, DeviceName)>, StoreError>;

    /// The entry of a channel that a commitment is to.
    ///
    /// # Errors
    /// When the engine fails.
    fn entry_committed(
        &self,
        channel: ChannelId,
        commitment: Commitment,
    ) -> Result<Option<EntryRow>, StoreError>;

    /// Entries of a channel of one kind that name that one as their parent, in the log's order.
    ///
    /// # Errors
    /// When the engine fails.
    fn entries_about(
        &self,
        channel: ChannelId,
        parent: Commitment,
        kind: u64,
    ) -> Result<Vec<EntryRow>, StoreError>;

    /// Whether a channel has an entry of one kind.
    ///
    /// # Errors
    /// When the engine fails.
    fn has_kind(&self, channel: ChannelId, kind: u64) -> Result<bool, StoreError>;

    /// The files still hold something that this transaction deleted and that must not stay.
    ///
    /// # Errors
    /// When the engine fails.
    fn note_residue(&self) -> Result<(), StoreError>;

    /// Keeps what was erased elsewhere; nothing happens when it is here.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_erasure(&self, row: &ErasureRow) -> Result<(), StoreError>;

    /// Entries of a channel of one kind, in the log's order.
    ///
    /// # Errors
    /// When the engine fails.
    fn entries_of_kind(&self, channel: ChannelId, kind: u64) -> Result<Vec<EntryRow>, StoreError>;
}

impl ErasedBecause {
    const ALL: [Self; 2] = [Self::Withdrawn, Self::Expired];

    /// Its name in the store and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for ErasedBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ErasedBecause {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|why| why.as_str() == text);
        found.ok_or(StoreError::Corrupt("reason of an erasure"))
    }
}
