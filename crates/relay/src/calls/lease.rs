//! `Lease`: to be the only one to commit for a few seconds.

use enlace_proto::relay::v1::{LeaseRequest, LeaseResponse};
use enlace_transport::Refusal;

use super::refusals::{channel_id, device_name, malformed, unreadable};
use super::submit::refused;
use super::{Caller, Handle, Peer};
use crate::hub::SubmitError;
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
            caller.own_device()?;
            let request = Self { device: device.to_string(), ..self };
            return context.links().call(&record.hub, &request).await;
        }
        let granted = context.hub().lease(channel, device).await;
        Ok(granted.map_err(|error| refused(&error))?.to_wire())
    }
}
