//! What this device wants to have sent. A row stays until the log holds its item, and survives
//! everything: the officer was told that it will be sent.

use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Seq};
use enlace_proto::relay::v1::SubmitRequest;

use super::StoreError;
use crate::task::Task;

/// Something to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    /// Its place in the queue, rising; 0 in a row that is not stored yet.
    pub position: u64,
    /// Its idempotency key.
    pub client_id: ClientId,
    /// The channel.
    pub channel: ChannelId,
    /// What is to be sent.
    pub task: Task,
    /// An entry, signed, as an `enlace.channel.v1.Entry`.
    pub signed: Option<Vec<u8>>,
    /// What was made for the present fence, to be sent as often as needed.
    pub sealed: Option<SealedItem>,
    /// Where it stands.
    pub state: OutboxState,
    /// How often sending failed since it last got on.
    pub attempts: u32,
    /// Nothing is done about it earlier.
    pub not_before: Timestamp,
    /// The client's own act, which the officer doesn't wait for.
    pub automatic: bool,
    /// When the officer asked for it.
    pub created_at: Timestamp,
}

/// An item as it is submitted.
#[derive(Clone, Debug, PartialEq)]
pub struct SealedItem {
    /// The request.
    pub request: SubmitRequest,
    /// The fence in its envelope: once the log has passed it, the item can get no place.
    pub fence: Option<Seq>,
}

/// Where something to be sent stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OutboxState {
    /// Waits, or is on its way.
    Queued,
    /// It has its place in the log; an act that was no longer needed has none.
    Accepted(Option<Seq>),
    /// It will never be sent, for this reason.
    Failed(String),
}

/// The outbox.
pub trait OutboxRows {
    /// A row goes on under another idempotency key, at its place in the queue.
    ///
    /// # Errors
    /// When the store fails.
    fn rename_outbox(&self, from: ClientId, to: ClientId) -> Result<(), StoreError>;

    /// Adds a row at the end of the queue; its position is given.
    ///
    /// # Errors
    /// When the engine fails, or the client id is taken.
    fn put_outbox(&self, row: &OutboxRow) -> Result<u64, StoreError>;

    /// Writes a row that is there, found by its client id.
    ///
    /// # Errors
    /// When the engine fails.
    fn update_outbox(&self, row: &OutboxRow) -> Result<(), StoreError>;

    /// The row with a client id.
    ///
    /// # Errors
    /// When the engine fails.
    fn outbox_of(&self, client_id: ClientId) -> Result<Option<OutboxRow>, StoreError>;

    /// Everything still to be sent, in order; of one channel or of all.
    ///
    /// # Errors
    /// When the engine fails.
    fn queued(&self, channel: Option<ChannelId>) -> Result<Vec<OutboxRow>, StoreError>;

    /// Entries of this device that are not in the log yet, in order; refused ones too.
    ///
    /// # Errors
    /// When the engine fails.
    fn unlogged_entries(&self, channel: ChannelId) -> Result<Vec<OutboxRow>, StoreError>;
}
