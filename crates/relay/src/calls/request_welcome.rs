//! `RequestWelcome`: another authority's relay lost its copy of a log that its devices read here.
//! It was restored to a state from before they came; the welcome with which its copy began is
//! delivered again.

use enlace_identity::names::DeviceName;
use enlace_proto::relay::v1::{RequestWelcomeRequest, RequestWelcomeResponse};
use enlace_transport::Refusal;

use super::refusals::{channel_id, internal, unreadable};
use super::{Caller, Handle};
use crate::hub::ReadError;
use crate::storage::SideWrite;

impl Handle for RequestWelcomeRequest {
    async fn handle(self, caller: &Caller) -> Result<RequestWelcomeResponse, Refusal> {
        caller.unless_stopping()?;
        let channel = channel_id(self.channel.as_ref())?;
        let (hub, domain) = (caller.context().hub(), caller.domain().clone());
        let readers = hub.query(move |storage| storage.readers(&channel)).await;
        let readers = readers.map_err(|error| unreadable(&error))?;
        let is_theirs = |device: &DeviceName| *device.domain() == domain;
        if !readers.iter().any(|(device, range)| range.to.is_none() && is_theirs(device)) {
            return Err(unreadable(&ReadError::NotAMember));
        }
        let wanted = SideWrite::WelcomeWanted { domain, channel };
        hub.store(vec![wanted]).await.map_err(|_| internal("the relay's storage failed"))?;
        Ok(RequestWelcomeResponse {})
    }
}
