//! What relays have signed of their erasing, and what is still to be asked.

use enlace_identity::names::Domain;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Seq};

use super::StoreError;

/// What an authority's relay has confirmed of one tombstone: verified when it was stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfirmationRow {
    /// The channel.
    pub channel: ChannelId,
    /// Where the tombstone stands.
    pub tombstone: Seq,
    /// Whose relay.
    pub authority: Domain,
    /// The signed confirmation (PROTOCOL.md §3.18).
    pub signed: Vec<u8>,
    /// The place of the entry that put it on the record.
    pub recorded: Option<Seq>,
}

/// A tombstone of this device that not all relays have confirmed yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InquiryRow {
    /// The channel.
    pub channel: ChannelId,
    /// Where the tombstone stands.
    pub tombstone: Seq,
    /// How often relays were asked.
    pub rounds: u32,
    /// They are not asked earlier.
    pub not_before: Timestamp,
}

/// Confirmations.
pub trait ConfirmationRows {
    /// Keeps an authority's word about a tombstone, in place of a former one.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_confirmation(&self, row: &ConfirmationRow) -> Result<(), StoreError>;

    /// What was confirmed in a channel, by tombstone and authority.
    ///
    /// # Errors
    /// When the engine fails.
    fn confirmations(&self, channel: ChannelId) -> Result<Vec<ConfirmationRow>, StoreError>;

    /// What one authority has confirmed of a tombstone.
    ///
    /// # Errors
    /// When the engine fails.
    fn confirmation(
        &self,
        channel: ChannelId,
        tombstone: Seq,
        authority: &Domain,
    ) -> Result<Option<ConfirmationRow>, StoreError>;

    /// Keeps what is to be asked, in place of what was.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_inquiry(&self, row: &InquiryRow) -> Result<(), StoreError>;

    /// What is to be asked first.
    ///
    /// # Errors
    /// When the engine fails.
    fn next_inquiry(&self) -> Result<Option<InquiryRow>, StoreError>;

    /// Nothing is to be asked of a tombstone any more.
    ///
    /// # Errors
    /// When the engine fails.
    fn drop_inquiry(&self, channel: ChannelId, tombstone: Seq) -> Result<(), StoreError>;
}
