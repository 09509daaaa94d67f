//! Putting a new version of the network's bundle in use, by way of the own relay.

use enlace_identity::bundle::BundleError;
use enlace_transport::CallError;

use super::Client;
use crate::engine::TakeBundleError;
use crate::store::StoreError;
use crate::sync::{Dialler, SyncError, hand_over};

/// What came of publishing a bundle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Published {
    /// The newest version that the relay had before.
    pub before: u64,
    /// The newest version that it has now.
    pub now: u64,
}

/// Why a bundle is not in use.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It doesn't follow the versions known here.
    #[error("the bundle is refused: {0}")]
    Refused(#[from] BundleError),
    /// The relay can't be reached.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The relay didn't take it.
    #[error("the relay did not take the bundle: {0}")]
    Call(#[from] CallError),
}

impl From<TakeBundleError> for PublishError {
    fn from(error: TakeBundleError) -> Self {
        match error {
            TakeBundleError::Refused(error) => Self::Refused(error),
            TakeBundleError::Store(error) => Self::from(error),
        }
    }
}

impl From<StoreError> for PublishError {
    fn from(error: StoreError) -> Self {
        Self::Sync(error.into())
    }
}

impl Client {
    /// Takes in versions of the bundle, the earlier ones first, and hands the relay what it lacks.
    /// From there they reach everybody.
    ///
    /// # Errors
    /// [`PublishError`]; what was taken in until then stays.
    pub async fn publish_bundles(&self, versions: &[Vec<u8>]) -> Result<Published, PublishError> {
        for signed in versions {
            self.with_engine(|engine| engine.take_in_bundle(signed))?;
        }
        let dialler = Dialler::new(self.shared(), &self.inner.endpoint_record)?;
        let published = self.hand_over(&dialler).await;
        dialler.close().await;
        published
    }

    async fn hand_over(&self, dialler: &Dialler) -> Result<Published, PublishError> {
        let greeted = dialler.connect(self.shared()).await?;
        let (before, now) = hand_over(self.shared(), &greeted).await?;
        Ok(Published { before, now })
    }
}
