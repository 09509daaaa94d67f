//! `FetchContacts`: officers of this authority who can be admitted to a channel of a suite.

use enlace_identity::names::OfficerAddress;
use enlace_proto::relay::v1::{FetchContactsRequest, FetchContactsResponse};
use enlace_transport::Refusal;

use super::refusals::{malformed, suite, unreadable};
use super::{Caller, Handle};

/// The most officers in one answer.
const PAGE: usize = 2_000;

impl Handle for FetchContactsRequest {
    async fn handle(self, caller: &Caller) -> Result<FetchContactsResponse, Refusal> {
        // Who works at an authority is its own officers' to know.
        caller.own_device()?;
        let (suite, after) = (suite(self.suite)?, self.after);
        if !after.is_empty() && after.parse::<OfficerAddress>().is_err() {
            return Err(malformed("that is not an officer's address"));
        }
        let read = move |storage: &mut dyn crate::storage::ReadStorage| {
            storage.officers_with_key_packages(suite, &after, PAGE + 1)
        };
        let mut officers =
            caller.context().hub().query(read).await.map_err(|error| unreadable(&error))?;
        let more = officers.len() > PAGE;
        officers.truncate(PAGE);
        let officers = officers.iter().map(ToString::to_string).collect();
        Ok(FetchContactsResponse { officers, more })
    }
}
