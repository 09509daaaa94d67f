//! What is said of logs in hello: the caller shows the newest heads that it knows, and hears this
//! relay's of each of these channels that it may read.

use std::sync::Arc;

use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::names::LeafName;
use enlace_log::ChannelId;
use enlace_proto::relay::v1::{HelloRequest, KnownHead};

use super::Context;
use crate::hub::{Next, ReadError, Reader};
use crate::storage::ReadLimit;

/// Channels answered in one hello.
pub(super) const MAX_CHANNELS: usize = 64;

/// Looks at the heads that were shown; those that belong into the answer.
pub(super) async fn known_heads(
    context: &Arc<Context>,
    peer: &VerifiedLeaf,
    request: &HelloRequest,
) -> Vec<KnownHead> {
    let reader = match peer.name() {
        LeafName::Device(device) => Reader::Device(device.clone()),
        LeafName::Service(relay) => Reader::Relay(relay.domain().clone()),
    };
    let mut heads = Vec::new();
    for known in request.known_heads.iter().take(MAX_CHANNELS) {
        let channel = known.channel.as_ref().and_then(|id| ChannelId::try_from(&id.value[..]).ok());
        let Some(channel) = channel else { continue };
        if let Some(head) = &known.head {
            context.take_shown(channel, head).await;
        }
        if let Ok(Some(head)) = newest_head(context, channel, reader.clone()).await {
            heads.push(KnownHead { channel: known.channel.clone(), head: Some(head) });
        }
    }
    heads
}

/// The newest head of a channel, for whoever may read it there.
pub(crate) async fn newest_head(
    context: &Context,
    channel: ChannelId,
    reader: Reader,
) -> Result<Option<enlace_proto::relay::v1::SignedHead>, ReadError> {
    let log = context.hub().subscribe(channel, reader).await?;
    let Some((tail, _)) = log.tail() else { return Ok(None) };
    match log.read(tail, ReadLimit { items: 1, bytes: 1 }).await? {
        Some(Next::Batch(batch)) => Ok(Some(batch.head.to_wire())),
        Some(Next::Ended { .. }) | None => Ok(None),
    }
}
