//! `ExchangeHeads`: another authority's relay shows which heads it holds of the channels that both
//! have members in, and is shown those held here. What it shows is judged later, and by nobody
//! else: [`crate::federation::Links::show`].

use enlace_log::{Seq, SignedHead};
use enlace_proto::relay::v1::{ExchangeHeadsRequest, ExchangeHeadsResponse, KnownHead};
use enlace_transport::Refusal;

use super::refusals::{channel_id, limit, malformed, not_allowed};
use super::{Caller, Handle};
use crate::server::newest_head;

/// The most heads of one call; as many are answered.
pub(crate) const MAX_HEADS: usize = 256;

impl Handle for ExchangeHeadsRequest {
    async fn handle(self, caller: &Caller) -> Result<ExchangeHeadsResponse, Refusal> {
        if caller.is_own() {
            return Err(not_allowed("heads are compared with other authorities' relays"));
        }
        if self.known_heads.len() > MAX_HEADS {
            return Err(malformed(format!("at most {MAX_HEADS} heads at a time")));
        }
        // Each costs as much as a call.
        caller
            .take(self.known_heads.len(), 0)
            .map_err(|wait| limit("too many heads").retry_after(wait))?;
        let context = caller.context();
        let mut known_heads = Vec::new();
        for shown in self.known_heads {
            let channel = channel_id(shown.channel.as_ref())?;
            let head = shown.head.as_ref().ok_or_else(|| malformed("a head is missing"))?;
            let head = SignedHead::from_wire(channel, head);
            let head = head.map_err(|error| malformed(error.to_string()))?;
            // Who may not read a channel learns not even whether it is here.
            let own = newest_head(context, channel, caller.reader()).await;
            let Ok(Some(own)) = own else { continue };
            context.links().show(caller.domain(), head, Seq(own.seq));
            known_heads.push(KnownHead { channel: shown.channel, head: Some(own) });
        }
        Ok(ExchangeHeadsResponse { known_heads })
    }
}
