//! A piece of a log as it is delivered.

use enlace_log::head::HeadSigner;
use enlace_log::{ChannelId, Incarnations, Seq, SignedHead};
use enlace_proto::frame::TooLong;
use enlace_proto::relay::v1::{self as wire, SubscriptionEvent, subscription_event::Event};
use enlace_transport::EncodedFrame;

use super::head_key::HeadKey;
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

    /// What a reader of a hub's log gets begins anew after a commit, for whoever the commit removes
    /// reads no further; and before a hub's statement, for what an incarnation signs does not
    /// reach back. Of what was accepted together, and the newest head of it.
    pub(crate) fn split<'i>(
        channel: ChannelId,
        items: &'i [StoredItem],
        newest: &SignedHead,
        key: &HeadKey,
        incarnations: &'i Incarnations,
    ) -> impl Iterator<Item = Result<Self, StorageError>> + use<'i> {
        let (newest, key) = (newest.clone(), key.clone());
        items
            .chunk_by(|item, next| item.list_change.is_none() && !incarnations.begins_at(next.seq))
            .flat_map(|run| run.chunks(MAX_ITEMS))
            .map(move |run| {
                let head = match run.last() {
                    Some(last) if last.seq != newest.unverified_head().seq => {
                        let incarnation = incarnations.at(last.seq);
                        key.sign(channel, incarnation, last.seq, last.chain).signed().clone()
                    }
                    _ => newest.clone(),
                };
                Self::new(channel, run, head)
            })
    }

    /// As it travels.
    #[must_use]
    pub fn into_wire(self) -> wire::Items {
        wire::Items {
            channel: Some(self.channel.to_wire()),
            items: self.items,
            head: Some(self.head.to_wire()),
        }
    }
}

/// Items of one batch that are encoded together, so that none is too long to be sent.
const MAX_ITEMS: usize = 256;

/// A batch as it is sent to everybody who stands at its first item: encoded once.
#[derive(Debug)]
pub(crate) struct EncodedBatch {
    pub(crate) first: Seq,
    pub(crate) last: Seq,
    /// Whose signature is at the end.
    pub(crate) signer: HeadSigner,
    pub(crate) frame: EncodedFrame<SubscriptionEvent>,
}

impl EncodedBatch {
    /// Encodes a batch.
    ///
    /// # Errors
    /// [`TooLong`].
    pub(crate) fn new(batch: LogBatch) -> Result<Self, TooLong> {
        let (last, signer) = (batch.last, batch.head.signer());
        let first = batch.items.first().map_or(last, |item| Seq(item.seq));
        let event = SubscriptionEvent { event: Some(Event::Items(batch.into_wire())) };
        Ok(Self { first, last, signer, frame: EncodedFrame::new(&event)? })
    }

    /// Bytes that it takes.
    pub(crate) fn weight(&self) -> usize {
        self.frame.wire_len() + size_of::<Self>()
    }
}
