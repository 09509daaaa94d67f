//! `DeliverWelcome`: another authority's relay hands over what admits devices of this one.

use enlace_log::{ChannelId, SignedHead};
use enlace_proto::relay::v1::{DeliverWelcomeRequest, DeliverWelcomeResponse, ErrorCode};
use enlace_transport::Refusal;
use tracing::info;

use super::refusals::{internal, malformed, not_allowed, unreadable};
use super::{Caller, Handle};
use crate::head_certificates::HeadCertificateError;
use crate::hub::{Anchor, IngestError};

impl Handle for DeliverWelcomeRequest {
    async fn handle(self, caller: &Caller) -> Result<DeliverWelcomeResponse, Refusal> {
        caller.unless_stopping()?;
        if caller.is_own() {
            return Err(not_allowed("welcomes come from other authorities' relays"));
        }
        let context = caller.context();
        let hub = caller.domain();
        let welcome = self.welcome.ok_or_else(|| malformed("the welcome is missing"))?;
        let heads = context.head_certificates();
        heads.learn(&welcome.head_certificates).await.map_err(bad_head)?;
        let head = welcome.head.as_ref().ok_or_else(|| malformed("the head is missing"))?;
        let channel =
            welcome.channel.as_ref().and_then(|id| ChannelId::try_from(&id.value[..]).ok());
        let channel = channel.ok_or_else(|| malformed("the channel is missing"))?;
        let head = SignedHead::from_wire(channel, head);
        let head = head.map_err(|error| malformed(error.to_string()))?;
        let head = heads.verify(head, hub).await.map_err(bad_head)?;

        let anchor = Anchor::check(welcome, &head, hub, context.domain(), context.device_trust());
        let anchor = anchor.map_err(|error| refused(&error))?;
        let channel = anchor.channel();
        context.hub().anchor(anchor).await.map_err(|error| refused(&error))?;
        info!(channel = %short(&channel), %hub, "a welcome came");

        context.links().follow(hub, channel);
        Ok(DeliverWelcomeResponse {})
    }
}

fn refused(error: &IngestError) -> Refusal {
    error.to_wire().into()
}

fn bad_head(error: HeadCertificateError) -> Refusal {
    match error {
        HeadCertificateError::Read(error) => unreadable(&error),
        HeadCertificateError::Store => internal("a head certificate cannot be stored"),
        error => Refusal::new(ErrorCode::BadEnvelope, error.to_string()),
    }
}

/// Enough of a channel's id for a log.
pub(crate) fn short(channel: &enlace_log::ChannelId) -> String {
    channel.to_string().chars().take(8).collect()
}
