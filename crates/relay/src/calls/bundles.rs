//! `FetchBundle`, `PublishBundle`: the versions of the network's bundle. Whoever brings one, what
//! counts is that it follows; when the answer goes out, it is in the store.

use enlace_identity::bundle::BundleError;
use enlace_proto::relay::v1::{
    FetchBundleRequest, FetchBundleResponse, PublishBundleRequest, PublishBundleResponse,
};
use enlace_transport::Refusal;

use super::refusals::{internal, malformed};
use super::{Caller, Handle};
use crate::server::take_bundle;

impl Handle for FetchBundleRequest {
    async fn handle(self, caller: &Caller) -> Result<FetchBundleResponse, Refusal> {
        let bundle = caller.context().trust().bundle();
        let version = if self.version == 0 { bundle.version() } else { self.version };
        let found = bundle.version_known(version).map(|known| known.signed().to_vec());
        Ok(FetchBundleResponse { bundle: found.unwrap_or_default(), newest: bundle.version() })
    }
}

impl Handle for PublishBundleRequest {
    async fn handle(self, caller: &Caller) -> Result<PublishBundleResponse, Refusal> {
        let context = caller.context();
        let newest = || context.trust().bundle().version();
        match take_bundle(context, &self.bundle) {
            // The answer says which one is wanted.
            Ok(_) | Err(BundleError::NotNext { .. }) => {}
            Err(error) => return Err(malformed(error.to_string())),
        }
        // Also when nothing was news: whoever brought it first may not have been answered yet.
        context.bundles().store_news(context).await.map_err(internal)?;
        Ok(PublishBundleResponse { newest: newest() })
    }
}
