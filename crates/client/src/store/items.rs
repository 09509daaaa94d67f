//! The logs: what proves order and completeness of what was read.

use enlace_log::{ChainHash, ChannelId, Item, Seq};

use super::StoreError;

/// One position of a log with the chain there. Payloads are kept of commits and of hubs' statements,
/// and of the newest others: what an entry says is its row in [`EntryRows`](super::EntryRows).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ItemRow {
    /// The item.
    pub item: Item,
    /// The chain up to and with it.
    pub chain: ChainHash,
}

/// Logs.
pub trait ItemRows {
    /// Adds a position, or writes it again: a device that is let back in takes in again what it
    /// could not read.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_item(&self, row: &ItemRow) -> Result<(), StoreError>;

    /// One position of a channel.
    ///
    /// # Errors
    /// When the engine fails.
    fn item(&self, channel: ChannelId, seq: Seq) -> Result<Option<ItemRow>, StoreError>;

    /// The chain up to and with one position of a channel.
    ///
    /// # Errors
    /// When the engine fails.
    fn chain_at(&self, channel: ChannelId, seq: Seq) -> Result<Option<ChainHash>, StoreError>;

    /// The positions `from..=to` of a channel that are here, in order.
    ///
    /// # Errors
    /// When the engine fails.
    fn items(&self, channel: ChannelId, from: Seq, to: Seq) -> Result<Vec<ItemRow>, StoreError>;

    /// Drops the payloads of the positions `from..to` that nobody needs: of entries and control
    /// items.
    ///
    /// # Errors
    /// When the engine fails.
    fn drop_payloads(&self, channel: ChannelId, from: Seq, to: Seq) -> Result<(), StoreError>;

    /// The newest commit item up to and with a position.
    ///
    /// # Errors
    /// When the engine fails.
    fn newest_commit(&self, channel: ChannelId, to: Seq) -> Result<Option<Seq>, StoreError>;

    /// Forgets the positions from `from` on, and what was told of them. Entries there are kept
    /// apart from the log.
    ///
    /// # Errors
    /// When the engine fails.
    fn supersede(&self, channel: ChannelId, from: Seq) -> Result<(), StoreError>;
}
