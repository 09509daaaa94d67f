//! `Submit`: an item for a channel that this relay orders, or for another hub.
//!
//! A device's submit counter is durable before its item leaves here, as the hub does for its own:
//! a device that was set back to an older state learns of it in hello.

use enlace_identity::names::{Domain, LeafName};
use enlace_log::{ChannelId, SubmitCounter};
use enlace_proto::relay::v1::{self as wire, SubmitRequest, SubmitResponse};
use enlace_transport::Refusal;
use tracing::error;

use super::refusals::{internal, malformed, optional_domain};
use super::{Caller, Handle, Peer};
use crate::federation::Forwarded;
use crate::hub::{self, Submission, SubmitError};

impl Handle for SubmitRequest {
    async fn handle(self, caller: &Caller) -> Result<SubmitResponse, Refusal> {
        caller.unless_stopping()?;
        match other_hub(caller, &self)? {
            Some(hub) => forward(self, caller, &hub).await,
            None => sequence(self, caller).await,
        }
    }
}

/// The hub that an item is for, where it isn't this relay.
pub(super) fn other_hub(
    caller: &Caller,
    request: &SubmitRequest,
) -> Result<Option<Domain>, Refusal> {
    let own = caller.context().domain();
    Ok(hub_of(caller, request.channel.as_ref(), &request.hub)?.filter(|hub| hub != own))
}

/// The hub that a caller names, or the one to which the channel has moved, as this relay knows it.
/// What another relay asks for, it asks of this one.
pub(super) fn hub_of(
    caller: &Caller,
    channel: Option<&wire::ChannelId>,
    named: &str,
) -> Result<Option<Domain>, Refusal> {
    let named = optional_domain(named)?;
    if matches!(caller.peer(), Peer::Relay(_)) {
        return Ok(None);
    }
    let channel = channel.and_then(|id| ChannelId::try_from(&id.value[..]).ok());
    let moved = channel.filter(|_| caller.is_own());
    let moved = moved.and_then(|channel| caller.context().hub().moves().hub_of(&channel));
    Ok(moved.or(named))
}

/// This relay is the hub.
async fn sequence(request: SubmitRequest, caller: &Caller) -> Result<SubmitResponse, Refusal> {
    look_at_known_head(caller, &request).await;
    let submission = check(caller, request)?;
    let accepted = caller.context().hub().submit(submission).await;
    Ok(accepted.map_err(|error| refused(&error))?.to_wire())
}

/// Another authority's relay is the hub.
async fn forward(
    request: SubmitRequest,
    caller: &Caller,
    hub: &Domain,
) -> Result<SubmitResponse, Refusal> {
    let forwarded = check_forwarded(caller, request)?;
    let answers = caller.context().links().submit(hub, vec![forwarded]).await?;
    answers.await.pop().unwrap_or_else(|| Err(internal("an item was not answered")))
}

/// Only own devices' items go to another hub by way of this relay.
pub(super) fn check_forwarded(
    caller: &Caller,
    request: SubmitRequest,
) -> Result<Forwarded, Refusal> {
    let device = caller.own_device()?;
    let envelope = request.envelope.as_ref().ok_or_else(|| malformed("no envelope"))?;
    let author = envelope.author.parse::<LeafName>();
    match author.map_err(|_| malformed("the envelope's author cannot be read"))? {
        LeafName::Service(_) => return Err(refused(&SubmitError::HubStatement)),
        LeafName::Device(author) if author != *device => {
            return Err(refused(&SubmitError::NotTheCallers(author)));
        }
        LeafName::Device(_) => {}
    }
    let counter = SubmitCounter(envelope.submit_counter);
    Ok(Forwarded { device: device.clone(), counter, request })
}

/// What the author knows to be signed comes before what it submits.
pub(super) async fn look_at_known_head(caller: &Caller, request: &SubmitRequest) {
    let (Some(head), Some(channel)) = (&request.known_head, &request.channel) else { return };
    if let Ok(channel) = ChannelId::try_from(&channel.value[..]) {
        caller.context().take_shown(channel, head).await;
    }
}

/// Checks a request by itself: who may speak for whom, hashes, signatures.
pub(super) fn check(caller: &Caller, request: SubmitRequest) -> Result<Submission, Refusal> {
    let speaker = match caller.peer() {
        Peer::Device(device) => hub::Caller::Device(device.clone()),
        Peer::Relay(relay) => hub::Caller::Relay(relay.domain().clone()),
    };
    Submission::check(&speaker, request, caller.context().device_trust())
        .map_err(|error| refused(&error))
}

/// The hub's no, as told to the caller.
pub(super) fn refused(error: &SubmitError) -> Refusal {
    if let SubmitError::Unavailable(unavailable) = error {
        error!(%unavailable, "an item could not be sequenced");
    }
    error.to_wire().into()
}
