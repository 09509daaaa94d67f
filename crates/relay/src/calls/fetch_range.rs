//! `FetchRange`: items once more, within what the caller may read. The first one comes with its
//! chain hash, so that a reader can check them without what lies before.

use enlace_log::ids::MAX_SEQ;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::{FetchRangeRequest, FetchRangeResponse};
use enlace_transport::Refusal;

use super::refusals::{channel_id, malformed, unreadable};
use super::{Caller, Handle};
use crate::hub::{self, Next, ReadError, Reader};
use crate::storage::ReadLimit;

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
        let range = read(hub, channel, caller.reader(), Seq(self.from_seq), limit).await;
        range.map_err(|error| unreadable(&error))
    }
}

/// What a reader may have from a position on; nothing where the log has not come there yet.
pub(crate) async fn read(
    hub: &hub::Handle,
    channel: ChannelId,
    reader: Reader,
    from: Seq,
    limit: ReadLimit,
) -> Result<FetchRangeResponse, ReadError> {
    let log = hub.subscribe(channel, reader).await?;
    match log.read(from, limit).await? {
        Some(Next::Batch(batch)) => {
            let mut batch = batch.into_wire();
            if let Some(first) = batch.items.first_mut() {
                let chain = hub.chain_at(channel, Seq(first.seq)).await?;
                first.chain = chain.ok_or(ReadError::Missing)?.0.to_vec();
            }
            Ok(FetchRangeResponse { items: batch.items, head: batch.head })
        }
        Some(Next::Ended { .. }) => Err(ReadError::NotAMember),
        None => Ok(FetchRangeResponse::default()),
    }
}
