//! `FetchRange`: items once more, within what the caller may read.

use enlace_log::Seq;
use enlace_log::ids::MAX_SEQ;
use enlace_proto::relay::v1::{FetchRangeRequest, FetchRangeResponse};
use enlace_transport::Refusal;

use super::refusals::{channel_id, malformed, unreadable};
use super::{Caller, Handle};
use crate::hub::{Next, ReadError};
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
        let log = hub.subscribe(channel, caller.reader()).await;
        let log = log.map_err(|error| unreadable(&error))?;
        match log.read(Seq(self.from_seq), limit).await {
            Ok(Some(Next::Batch(batch))) => {
                let batch = batch.into_wire();
                Ok(FetchRangeResponse { items: batch.items, head: batch.head })
            }
            Ok(Some(Next::Ended { .. })) => Err(unreadable(&ReadError::NotAMember)),
            Ok(None) => Ok(FetchRangeResponse::default()),
            Err(error) => Err(unreadable(&error)),
        }
    }
}
