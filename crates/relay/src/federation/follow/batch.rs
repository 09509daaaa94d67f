//! One batch of a followed log: checked, made durable, acknowledged; or the end of following.

use std::collections::HashSet;

use enlace_identity::names::Domain;
use enlace_log::item::ItemError;
use enlace_log::replica::ReplicaError;
use enlace_log::{ChannelId, Item, Seq, SignedHead};
use enlace_proto::relay::v1::{self as wire, Acknowledge, subscription_control::Control};
use tracing::{debug, error, info};

use super::FollowError;
use super::back::{Other, Outcome};
use crate::calls::short;
use crate::federation::{alarm, moving};
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

/// Takes a batch in, or stops following its channel; what is to be done about it then.
pub(super) async fn take(
    other: &Other<'_>,
    refused: &mut HashSet<ChannelId>,
    channel: ChannelId,
    items: wire::Items,
) -> Result<Outcome, FollowError> {
    let Other { context, authority, link, .. } = *other;
    if refused.contains(&channel) {
        return Ok(Outcome::Nothing);
    }
    // A witness has shown, since following began, that the hub lies.
    if link.is_forsaken(&channel) {
        refused.insert(channel);
        return Ok(unfollow(channel));
    }
    let (first, batch) = (items.items.first().map(|item| Seq(item.seq)), items.clone());
    let hub_of = || context.hub().moves().hub_of(&channel);
    match ingest(context, channel, items).await {
        Ok(seq) => {
            context.links().moved(channel);
            if let Some(hub) = hub_of().filter(|hub| hub != authority) {
                context.links().follow(&hub, channel);
            }
            let (channel, seq) = (Some(super::wire_id(channel)), seq.0);
            Ok(Outcome::Say(Control::Acknowledge(Acknowledge { channel, seq })))
        }
        Err(error) if error.is_our_own() => Err(FollowError::Store),
        // It has moved from there.
        Err(error) if hub_of().is_some_and(|hub| hub != *authority) => {
            debug!(channel = %short(&channel), %authority, %error, "a former hub is not followed");
            refused.insert(channel);
            Ok(unfollow(channel))
        }
        // The next hub took over before what the present one has ordered meanwhile.
        Err(BatchError::Ingest(IngestError::OtherHub(hub)))
            if is_wanted(context, authority, channel).await? =>
        {
            info!(channel = %short(&channel), %hub, next = %authority, "a log has moved meanwhile");
            match first {
                Some(first) => other.offer(channel, first).await,
                None => Ok(Outcome::Later),
            }
        }
        Err(error) => {
            refused.insert(channel);
            error!(channel = %short(&channel), hub = %authority, %error,
                "ALARM: a log is followed no further, what its hub sends does not hold");
            if let BatchError::Ingest(IngestError::Replica(ReplicaError::Diverged(head))) = error {
                alarm::keep_batch(context, authority, &head, &batch).await;
                link.forsake(channel);
            }
            Ok(unfollow(channel))
        }
    }
}

fn unfollow(channel: ChannelId) -> Outcome {
    Outcome::Say(Control::Unfollow(super::wire_id(channel)))
}

/// Whether a majority wants the channel to go on at that authority's relay, by the votes that are here.
async fn is_wanted(
    context: &Context,
    authority: &Domain,
    channel: ChannelId,
) -> Result<bool, FollowError> {
    let moving = moving::take(context, channel, Vec::new()).await;
    let moving = moving.map_err(|_| FollowError::Store)?;
    Ok(moving.and_then(|moving| moving.next).as_ref() == Some(authority))
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
