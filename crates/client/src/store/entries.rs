//! Entries that have their place in a log: the record.

use enlace_channel::entry::HandlingCode;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Commitment, Seq};

use super::StoreError;

/// An entry, verified when it was stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EntryRow {
    /// The channel.
    pub channel: ChannelId,
    /// Its place.
    pub seq: Seq,
    /// The hub's clock when it got it.
    pub received_at: Timestamp,
    /// Who signed it.
    pub author: DeviceName,
    /// The author's idempotency key.
    pub client_id: ClientId,
    /// The number of its kind (PROTOCOL.md §3.3).
    pub kind: u64,
    /// The author's clock.
    pub local_time: Timestamp,
    /// What may be done with it.
    pub handling: HandlingCode,
    /// Its text, one line for each part, to be shown.
    pub body: String,
    /// Header, signature, salt and parts with their salts: all that is needed to verify it
    /// without MLS, as an `enlace.channel.v1.Entry`.
    pub signed: Vec<u8>,
    /// SHA-256 of the author's certificate at the time.
    pub certificate: [u8; 32],
    /// What others name it by.
    pub commitment: Commitment,
    /// The entry that it answers, corrects, withdraws or pins.
    pub parent: Option<Commitment>,
}

/// Entries.
pub trait EntryRows {
    /// Adds an entry; `false` when this author's client id is here already, and nothing changed.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_entry(&self, row: &EntryRow) -> Result<bool, StoreError>;

    /// At most `limit` entries of a channel from `from` on, in the log's order, without those that
    /// pass on lists or confirmations.
    ///
    /// # Errors
    /// When the engine fails.
    fn entries(
        &self,
        channel: ChannelId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<EntryRow>, StoreError>;

    /// A channel's proposals and consents, in the log's order.
    ///
    /// # Errors
    /// When the engine fails.
    fn statements(&self, channel: ChannelId) -> Result<Vec<EntryRow>, StoreError>;

    /// A forum's questions, answers and pins, in the log's order.
    ///
    /// # Errors
    /// When the engine fails.
    fn forum_entries(&self, channel: ChannelId) -> Result<Vec<EntryRow>, StoreError>;

    /// The entry of a channel with an author's idempotency key.
    ///
    /// # Errors
    /// When the engine fails.
    fn entry_of(
        &self,
        channel: ChannelId,
        author: &DeviceName,
        client_id: ClientId,
    ) -> Result<Option<EntryRow>, StoreError>;

    /// The entry with an author's idempotency key that had a place in a log which the log has lost.
    ///
    /// # Errors
    /// When the engine fails.
    fn superseded_entry(
        &self,
        channel: ChannelId,
        author: &DeviceName,
        client_id: ClientId,
    ) -> Result<Option<EntryRow>, StoreError>;

    /// The entries of a channel that had a place in a log which the log has lost, by that place;
    /// those that have another one now, too.
    ///
    /// # Errors
    /// When the engine fails.
    fn superseded_entries(&self, channel: ChannelId) -> Result<Vec<EntryRow>, StoreError>;

    /// Keeps an author's certificates; nothing happens when they are here.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_certificates(&self, chain: &UnverifiedChain) -> Result<(), StoreError>;

    /// An author's certificates.
    ///
    /// # Errors
    /// When the engine fails.
    fn certificates(&self, fingerprint: &[u8; 32]) -> Result<Option<UnverifiedChain>, StoreError>;
}
