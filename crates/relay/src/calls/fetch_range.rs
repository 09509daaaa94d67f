//! `FetchRange`: items once more, within what the caller may read. The first one comes with its
//! chain hash, so that a reader can check them without what lies before.

use enlace_log::ids::MAX_SEQ;
use enlace_log::{ChainHash, ChannelId, Seq};
use enlace_proto::relay::v1::{FetchRangeRequest, FetchRangeResponse};
use enlace_transport::Refusal;

use super::refusals::{channel_id, internal, malformed, unreadable};
use super::{Caller, Handle};
use crate::hub::{Next, ReadError};
use crate::storage::{ReadLimit, ReadStorage};

/// The most items of one answer.
const MAX_ITEMS: usize = 1000;

/// An answer gets no further item once it has so many bytes.
const BYTES: usize = 1 << 20;

impl Handle for FetchRangeRequest {
    async fn handle(self, caller: &Caller) -> Result<FetchRangeResponse, Refusal> {
        let channel = channel_id(self.channel.as_ref())?;
        if self.from_seq > MAX_SEQ {
            return Err(malformed("no log reaches that position"));
        }
        let items = match self.max_items {
            0 => MAX_ITEMS,
            most => (most as usize).min(MAX_ITEMS),
        };
        let limit = ReadLimit { items, bytes: BYTES };
        let hub = caller.context().hub();
        let log = hub.subscribe(channel, caller.reader()).await;
        let log = log.map_err(|error| unreadable(&error))?;
        match log.read(Seq(self.from_seq), limit).await {
            Ok(Some(Next::Batch(batch))) => {
                let mut batch = batch.into_wire();
                if let Some(first) = batch.items.first_mut() {
                    first.chain = chain_at(caller, channel, Seq(first.seq)).await?.0.to_vec();
                }
                Ok(FetchRangeResponse { items: batch.items, head: batch.head })
            }
            Ok(Some(Next::Ended { .. })) => Err(unreadable(&ReadError::NotAMember)),
            Ok(None) => Ok(FetchRangeResponse::default()),
            Err(error) => Err(unreadable(&error)),
        }
    }
}

async fn chain_at(caller: &Caller, channel: ChannelId, seq: Seq) -> Result<ChainHash, Refusal> {
    let one = ReadLimit { items: 1, bytes: 1 };
    let read = move |storage: &mut dyn ReadStorage| storage.items(&channel, seq, one);
    let items = caller.context().hub().query(read).await.map_err(|error| unreadable(&error))?;
    let item = items.first().ok_or_else(|| internal("an item that was just read is gone"))?;
    Ok(item.chain)
}
