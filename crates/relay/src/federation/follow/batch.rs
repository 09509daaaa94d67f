//! One batch of a followed log: checked, made durable, acknowledged; or the end of following.

use std::collections::HashSet;

use enlace_identity::names::Domain;
use enlace_log::item::ItemError;
use enlace_log::replica::ReplicaError;
use enlace_log::{ChannelId, Item, Seq, SignedHead};
use enlace_proto::relay::v1::{self as wire, Acknowledge, subscription_control::Control};
use tracing::{debug, error};

use super::FollowError;
use crate::calls::short;
use crate::federation::alarm;
use crate::federation::link::Link;
use crate::head_certificates::HeadCertificateError;
use crate::hub::{self, IngestError};
use crate::server::Context;

/// Why one channel is followed no further on this link.
#[derive(Debug, thiserror::Error)]
enum BatchError {
    /// The hub sent a batch that breaks the schema's rules.
    #[error("the batch cannot be read: {0}")]
    Malformed(&'static str),
    /// An item doesn't fit together.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// The head at its end doesn't hold.
    #[error(transparent)]
    Head(#[from] HeadCertificateError),
    /// It doesn't continue what is here.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

impl BatchError {
    /// Whether this relay failed, and the hub said nothing wrong.
    fn is_our_own(&self) -> bool {
        matches!(
            self,
            Self::Ingest(IngestError::Unavailable(_))
                | Self::Head(HeadCertificateError::Read(_) | HeadCertificateError::Store)
        )
    }
}

/// Takes a batch in, or stops following its channel; what to tell the hub.
pub(super) async fn take(
    context: &Context,
    authority: &Domain,
    link: &Link,
    refused: &mut HashSet<ChannelId>,
    channel: ChannelId,
    items: wire::Items,
) -> Result<Option<Control>, FollowError> {
    if refused.contains(&channel) {
        return Ok(None);
    }
    // A witness has shown, since following began, that the hub lies.
    if link.is_forsaken(&channel) {
        refused.insert(channel);
        return Ok(Some(Control::Unfollow(super::wire_id(channel))));
    }
    let batch = items.clone();
    let hub_of = || context.hub().moves().hub_of(&channel);
    match ingest(context, channel, items).await {
        Ok(seq) => {
            context.links().moved(channel);
            if let Some(hub) = hub_of().filter(|hub| hub != authority) {
                context.links().follow(&hub, channel);
            }
            Ok(Some(Control::Acknowledge(Acknowledge {
                channel: Some(super::wire_id(channel)),
                seq: seq.0,
            })))
        }
        Err(error) if error.is_our_own() => Err(FollowError::Store),
        // It has moved from there.
        Err(error) if hub_of().is_some_and(|hub| hub != *authority) => {
            debug!(channel = %short(&channel), %authority, %error, "a former hub is not followed");
            refused.insert(channel);
            Ok(Some(Control::Unfollow(super::wire_id(channel))))
        }
        Err(error) => {
            refused.insert(channel);
            error!(channel = %short(&channel), hub = %authority, %error,
                "ALARM: a log is followed no further, what its hub sends does not hold");
            if let BatchError::Ingest(IngestError::Replica(ReplicaError::Diverged(head))) = error {
                alarm::keep_batch(context, authority, &head, &batch).await;
                link.forsake(channel);
            }
            Ok(Some(Control::Unfollow(super::wire_id(channel))))
        }
    }
}

/// Checks a batch and makes it durable; its last position.
async fn ingest(
    context: &Context,
    channel: ChannelId,
    items: wire::Items,
) -> Result<Seq, BatchError> {
    let head = items.head.as_ref().ok_or(BatchError::Malformed("no head"))?;
    let head = SignedHead::from_wire(channel, head).map_err(HeadCertificateError::from)?;
    let (head, signer) = context.head_certificates().verify_any(head).await?;
    let last = head.head().seq;
    let items = items.items.into_iter().map(|item| Item::from_wire(channel, item));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    context.hub().ingest(hub::Copy { hub: signer, items, head }).await?;
    Ok(last)
}
