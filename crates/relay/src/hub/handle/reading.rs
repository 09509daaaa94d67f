//! Reading what is durable, and following a channel's log.

use std::sync::Arc;

use enlace_log::{ChainHash, ChannelId, Hubs, Incarnations, Seq, SignedHead};

use super::Handle;
use crate::hub::access::{Access, Reader};
use crate::hub::errors::ReadError;
use crate::hub::feed::FeedState;
use crate::hub::moves;
use crate::hub::subscription::Subscription;
use crate::storage::{ChannelRecord, ReadLimit, ReadStorage, StorageError};

impl Handle {
    /// Reads what is durable, when a reader is free.
    ///
    /// # Errors
    /// [`ReadError::Storage`], [`ReadError::Stopped`].
    pub async fn query<R, F>(&self, read: F) -> Result<R, ReadError>
    where
        R: Send + 'static,
        F: FnOnce(&mut dyn ReadStorage) -> Result<R, StorageError> + Send + 'static,
    {
        self.source.readers.run(read).await
    }

    /// What is stored of a channel.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn channel(&self, channel: ChannelId) -> Result<Option<ChannelRecord>, ReadError> {
        self.query(move |storage| storage.channel(&channel)).await
    }

    /// The chain up to and with a position; `None` where there is no item.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn chain_at(
        &self,
        channel: ChannelId,
        seq: Seq,
    ) -> Result<Option<ChainHash>, ReadError> {
        let one = ReadLimit { items: 1, bytes: 1 };
        let items = self.query(move |storage| storage.items(&channel, seq, one)).await?;
        Ok(items.first().map(|item| item.chain))
    }

    /// Opens a channel's log for a reader, who may be none: then reading says so.
    ///
    /// # Errors
    /// [`ReadError::UnknownChannel`], [`ReadError::Storage`].
    pub async fn subscribe(
        &self,
        channel: ChannelId,
        reader: Reader,
    ) -> Result<Subscription, ReadError> {
        let feed = self.feeds.open(channel);
        if feed.state().is_none() {
            let found = self.query(move |storage| find_channel(storage, channel)).await?;
            let Found { record, head, access, incarnations, hubs } =
                found.ok_or(ReadError::UnknownChannel)?;
            let (role, tail) = (record.role, record.tail);
            let head = if *hubs.at(tail.seq) == self.source.own {
                let key = &self.source.head_key;
                let incarnation = incarnations.newest();
                key.sign(channel, incarnation, tail.seq, tail.chain).signed().clone()
            } else {
                head.ok_or(StorageError::Corrupt("head"))?
            };
            let (access, incarnations) = (Arc::new(access), Arc::new(incarnations));
            let is_next_hub = self.moves().is_to_take_over(&channel);
            let (tail, hubs) = (tail.seq, Arc::new(hubs));
            let found = FeedState { role, is_next_hub, tail, head, access, incarnations, hubs };
            feed.initialise(found);
        }
        Ok(Subscription::new(channel, reader, feed, self.source.clone()))
    }
}

/// What is stored of a channel that somebody reads.
struct Found {
    record: ChannelRecord,
    head: Option<SignedHead>,
    access: Access,
    incarnations: Incarnations,
    hubs: Hubs,
}

fn find_channel(
    storage: &mut dyn ReadStorage,
    channel: ChannelId,
) -> Result<Option<Found>, StorageError> {
    let Some(record) = storage.channel(&channel)? else { return Ok(None) };
    let head = storage.newest_head(&channel, Seq(0), record.tail.seq)?;
    let access = storage.readers(&channel)?.into_iter().collect();
    let incarnations = storage.incarnations(&channel)?;
    let hubs = moves::hubs_of(storage, &channel)?.ok_or(StorageError::Corrupt("hubs"))?;
    Ok(Some(Found { record, head, access, incarnations, hubs }))
}
