//! `Lease`: to be the only one to commit for a few seconds.

use enlace_identity::certificate::UnverifiedChain;
use enlace_proto::relay::v1::{LeaseRequest, LeaseResponse};
use enlace_transport::Refusal;
use tracing::debug;

use super::refusals::{channel_id, device_name, malformed, unreadable};
use super::submit::refused;
use super::{Caller, Handle, Peer};
use crate::hub::core::LeaseClaim;
use crate::hub::{DeviceTrust as _, SubmitError};
use crate::storage::Role;

impl Handle for LeaseRequest {
    async fn handle(self, caller: &Caller) -> Result<LeaseResponse, Refusal> {
        caller.unless_stopping()?;
        let channel = channel_id(self.channel.as_ref())?;
        let device = match caller.peer() {
            Peer::Device(own) if self.device.is_empty() => own.clone(),
            Peer::Relay(_) if self.device.is_empty() => {
                return Err(malformed("a relay asks on behalf of a device"));
            }
            _ => device_name(&self.device)?,
        };
        caller.may_act_for(&device)?;

        let context = caller.context();
        let record = context.hub().channel(channel).await.map_err(|error| unreadable(&error))?;
        let record = record.ok_or_else(|| refused(&SubmitError::UnknownChannel))?;
        if record.role == Role::Follower {
            if matches!(caller.peer(), Peer::Relay(_)) {
                return Err(refused(&SubmitError::NotTheHub(record.hub)));
            }
            caller.own_device()?;
            let request = Self { device: device.to_string(), ..self };
            return context.links().call(&record.hub, &request).await;
        }
        let claim = claim_of(&self, caller)?;
        let granted = context.hub().lease(channel, device, claim).await;
        Ok(granted.map_err(|error| refused(&error))?.to_wire())
    }
}

/// What the lease is wanted for. A certificate that comes along is remembered, so that the hub can
/// look it up in its revocation lists; one that doesn't hold proves nothing.
fn claim_of(request: &LeaseRequest, caller: &Caller) -> Result<LeaseClaim, Refusal> {
    let revoked = match request.revoked.as_str() {
        "" => None,
        name => Some(device_name(name)?),
    };
    if revoked.is_some() && !request.certificates.is_empty() {
        let chain = UnverifiedChain::from_ders(&request.certificates)
            .map_err(|_| malformed("the certificates cannot be read"))?;
        if let Err(error) = caller.context().device_trust().device_key(&chain) {
            debug!(%error, "a certificate said to be revoked");
        }
    }
    Ok(LeaseClaim { class: request.purpose().into(), revoked })
}
