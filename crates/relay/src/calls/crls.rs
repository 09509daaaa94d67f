//! `PublishCrls`: newer revocation lists and suspensions. Whoever brings them, their signatures count; when the
//! answer goes out, they are in the store.

use enlace_identity::revocation::Inserted;
use enlace_proto::relay::v1::{PublishCrlsRequest, PublishCrlsResponse};
use enlace_transport::Refusal;
use tracing::info;

use super::refusals::{internal, limit, malformed};
use super::{Caller, Handle};

/// The most lists in one call.
const MAX_LISTS: usize = 256;

impl Handle for PublishCrlsRequest {
    async fn handle(self, caller: &Caller) -> Result<PublishCrlsResponse, Refusal> {
        if self.crls.len() > MAX_LISTS {
            return Err(limit("at most 256 revocation lists are published at a time"));
        }
        let context = caller.context();
        let mut refused = None;
        for list in &self.crls {
            match context.trust().insert_crl(list) {
                Ok(Inserted::New) => info!(from = %caller.domain(), "a revocation list came"),
                Ok(Inserted::Known) => {}
                Err(error) if error.is_older() => {}
                Err(error) => refused = Some(error),
            }
        }
        // Also when nothing was news: whoever brought it first may not have been answered yet.
        let stored = context.crls().store_news(context).await;
        stored.map_err(internal)?;
        match refused {
            None => Ok(PublishCrlsResponse {}),
            Some(error) => Err(malformed(error.to_string())),
        }
    }
}
