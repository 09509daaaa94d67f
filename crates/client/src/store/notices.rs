//! Notices: what happened in a channel besides entries, and alarms.

use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Seq};

use super::StoreError;
use crate::notice::Notice;

/// A notice as kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoticeRow {
    /// Its number, rising; 0 in a row that is not stored yet.
    pub id: u64,
    /// The channel, unless it concerns the device.
    pub channel: Option<ChannelId>,
    /// The item that brought it about.
    pub seq: Option<Seq>,
    /// The hub's clock for what an item brought about, else this device's.
    pub at: Timestamp,
    /// What happened.
    pub notice: Notice,
}

/// Notices.
pub trait NoticeRows {
    /// Adds a notice; its id is given.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_notice(&self, row: &NoticeRow) -> Result<u64, StoreError>;

    /// At most `limit` notices above `after`, of one channel or of all, oldest first.
    ///
    /// # Errors
    /// When the engine fails.
    fn notices(
        &self,
        channel: Option<ChannelId>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<NoticeRow>, StoreError>;
}
