//! The network's bundle between this device and its relay: whoever has a newer version hands it
//! over; earlier ones, which old channels go by, are asked for.

use std::time::Duration;

use enlace_proto::relay::v1::{
    FetchBundleRequest, FetchBundleResponse, PublishBundleRequest, PublishBundleResponse,
};
use enlace_transport::CallError;

use super::calls::Done;
use super::connect::Greeted;
use super::session::Session;
use super::{Shared, SyncError};

/// How long the relay may take for an answer.
const LIMIT: Duration = Duration::from_secs(20);

/// Hands the relay the versions that it lacks, one after the other. Returns the newest one that it
/// had before, and the newest one that it has now.
pub(crate) async fn hand_over(shared: &Shared, greeted: &Greeted) -> Result<(u64, u64), CallError> {
    let bundle = shared.engine().trust().bundle();
    let before = greeted.dialled.hello.bundle_version;
    let mut newest = before;
    while let Some(next) = bundle.version_known(newest + 1) {
        let request = PublishBundleRequest { bundle: next.signed().to_vec() };
        let answer = greeted.dialled.connection.call(&request, LIMIT).await?;
        if answer.newest <= newest {
            break;
        }
        newest = answer.newest;
    }
    Ok((before, newest))
}

impl Session {
    /// Asks for the next version that this device lacks, or hands over the next one that the relay
    /// lacks. Each answer leads to the next step.
    pub(super) fn level_bundles(&mut self) {
        let bundle = self.shared.engine().trust().bundle();
        let (ours, theirs) = (bundle.version(), self.relay_bundle);
        let oldest = bundle.oldest_known().version();
        if theirs > ours {
            self.fetch_bundle(ours + 1);
        } else if let Some(next) = bundle.version_known(theirs + 1) {
            let request = PublishBundleRequest { bundle: next.signed().to_vec() };
            self.settled.asked();
            self.spawn(request, LIMIT, Done::BundleHandedOver);
        } else if oldest > 1 {
            self.fetch_bundle(oldest - 1);
        }
    }

    fn fetch_bundle(&mut self, version: u64) {
        self.settled.asked();
        self.spawn(FetchBundleRequest { version }, LIMIT, Done::Bundle);
    }

    pub(super) async fn take_fetched_bundle(
        &mut self,
        answer: Result<FetchBundleResponse, CallError>,
    ) -> Result<(), SyncError> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(%error, "a version of the network's bundle did not come");
                return Ok(());
            }
        };
        // Without news nothing would be asked for but the same again.
        if !answer.bundle.is_empty() && self.take_bundle(&answer.bundle).await? {
            self.level_bundles();
        }
        Ok(())
    }

    pub(super) fn take_handed_over(&mut self, answer: Result<PublishBundleResponse, CallError>) {
        match answer {
            Ok(answer) if answer.newest > self.relay_bundle => {
                self.relay_bundle = answer.newest;
                self.level_bundles();
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the relay did not take the newer bundle"),
        }
    }

    /// The relay has a newer version; those between may be lacking.
    pub(super) async fn take_bundle_event(&mut self, signed: &[u8]) -> Result<(), SyncError> {
        let bundle = enlace_identity::bundle::SignedBundle::decode(signed);
        let content = bundle.and_then(|signed| signed.unverified_content());
        if let Ok(content) = content {
            self.relay_bundle = self.relay_bundle.max(content.version);
        }
        if !self.take_bundle(signed).await? {
            self.level_bundles();
        }
        Ok(())
    }

    /// What waited for a bundle is looked at again.
    async fn take_bundle(&mut self, signed: &[u8]) -> Result<bool, SyncError> {
        let is_news = self.shared.engine().take_bundle(signed)?;
        if is_news {
            for welcome in std::mem::take(&mut self.kept_welcomes) {
                Box::pin(self.handle_welcome(welcome)).await?;
            }
        }
        Ok(is_news)
    }
}
