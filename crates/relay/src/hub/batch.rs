//! A piece of a log as it is delivered.

use enlace_log::{ChannelId, Seq, SignedHead};
use enlace_proto::relay::v1 as wire;

use crate::storage::{StorageError, StoredItem};

/// Consecutive items and the hub's signature over the last of them.
#[derive(Clone, Debug, PartialEq)]
pub struct LogBatch {
    /// The channel.
    pub channel: ChannelId,
    /// The items, at least one.
    pub items: Vec<wire::Item>,
    /// The last one's position.
    pub last: Seq,
    /// The head there.
    pub head: SignedHead,
}

impl LogBatch {
    pub(crate) fn new(
        channel: ChannelId,
        items: &[StoredItem],
        head: SignedHead,
    ) -> Result<Self, StorageError> {
        let items = items.iter().map(StoredItem::to_wire).collect::<Result<_, _>>()?;
        Ok(Self { channel, items, last: head.unverified_head().seq, head })
    }

    /// As it travels.
    #[must_use]
    pub fn into_wire(self) -> wire::Items {
        wire::Items {
            channel: Some(wire::ChannelId { value: self.channel.0.to_vec() }),
            items: self.items,
            head: Some(self.head.to_wire()),
        }
    }
}
