//! `CreateChannel`: a device of this authority begins a channel, and this relay is its hub.

use enlace_proto::relay::v1::{CreateChannelRequest, CreateChannelResponse};
use enlace_transport::Refusal;

use super::refusals::{malformed, not_allowed, optional_domain};
use super::submit;
use super::{Caller, Handle};

impl Handle for CreateChannelRequest {
    async fn handle(self, caller: &Caller) -> Result<CreateChannelResponse, Refusal> {
        caller.unless_stopping()?;
        caller.own_device()?;
        let first = self.first.ok_or_else(|| malformed("the first item is missing"))?;
        if optional_domain(&first.hub)?.is_some_and(|hub| hub != *caller.context().domain()) {
            return Err(not_allowed("a channel begins at the relay of its creator's authority"));
        }
        let nonce = self.nonce[..].try_into().map_err(|_| malformed("a nonce has 32 bytes"))?;
        let submission = submit::check(caller, first)?;
        let accepted = caller.context().hub().create(submission, nonce).await;
        let accepted = accepted.map_err(|error| submit::refused(&error))?;
        Ok(CreateChannelResponse { first: Some(accepted.to_wire()) })
    }
}
