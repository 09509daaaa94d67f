//! `Submit`: an item for a channel that this relay orders, or for another hub.
//!
//! A device's submit counter is durable before its item leaves here, as the hub does for its own:
//! a device that was set back to an older state learns of it in hello.

use enlace_identity::names::Domain;
use enlace_log::Envelope;
use enlace_proto::relay::v1::{SubmitRequest, SubmitResponse};
use enlace_transport::Refusal;
use tracing::error;

use super::refusals::{malformed, optional_domain};
use super::{Caller, Handle, Peer};
use crate::hub::{self, Submission, SubmitError};
use crate::storage::SideWrite;

impl Handle for SubmitRequest {
    async fn handle(self, caller: &Caller) -> Result<SubmitResponse, Refusal> {
        caller.unless_stopping()?;
        match optional_domain(&self.hub)? {
            Some(hub) if hub != *caller.context().domain() => forward(self, caller, &hub).await,
            _ => sequence(self, caller).await,
        }
    }
}

/// This relay is the hub.
async fn sequence(request: SubmitRequest, caller: &Caller) -> Result<SubmitResponse, Refusal> {
    let submission = check(caller, request)?;
    let accepted = caller.context().hub().submit(submission).await;
    Ok(accepted.map_err(|error| refused(&error))?.to_wire())
}

/// Another authority's relay is the hub: only own devices' items go there by way of this relay.
async fn forward(
    request: SubmitRequest,
    caller: &Caller,
    hub: &Domain,
) -> Result<SubmitResponse, Refusal> {
    let device = caller.own_device()?;
    let envelope = Envelope::decode(&request.envelope)
        .map_err(|_| malformed("the envelope cannot be read"))?;
    if envelope.device != *device {
        return Err(refused(&SubmitError::NotTheCallers(envelope.device)));
    }
    let context = caller.context();
    let stored = context.hub().store(vec![counter_of(&envelope)]).await;
    stored.map_err(|unavailable| refused(&unavailable.into()))?;
    context.links().call(hub, &request).await
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

fn counter_of(envelope: &Envelope) -> SideWrite {
    SideWrite::SubmitCounter { device: envelope.device.clone(), counter: envelope.submit_counter }
}

/// The hub's no, as told to the caller.
pub(super) fn refused(error: &SubmitError) -> Refusal {
    if let SubmitError::Unavailable(unavailable) = error {
        error!(%unavailable, "an item could not be sequenced");
    }
    error.to_wire().into()
}
