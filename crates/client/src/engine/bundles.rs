//! The versions of the network's bundle: taken in as far as each follows, and written down.

use enlace_identity::bundle::BundleError;
use enlace_transport::TakenBundle;

use super::work::Work;
use super::{Engine, EngineError};
use crate::store::{DocumentKind, StoreError};

/// Why a version of the bundle is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum TakeBundleError {
    /// It doesn't follow, or contradicts, what is known.
    #[error(transparent)]
    Refused(#[from] BundleError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Takes in a version of the bundle that somebody brought; one that doesn't follow is passed
    /// over. Returns whether it was news.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_bundle(&mut self, signed: &[u8]) -> Result<bool, StoreError> {
        match self.take_in_bundle(signed) {
            Ok(is_news) => Ok(is_news),
            Err(TakeBundleError::Store(error)) => Err(error),
            Err(TakeBundleError::Refused(error)) => {
                tracing::warn!(%error, "a version of the network's bundle is refused");
                Ok(false)
            }
        }
    }

    /// Takes in a version of the bundle, and returns whether it was news.
    ///
    /// # Errors
    /// [`TakeBundleError`]; nothing has changed then.
    pub fn take_in_bundle(&mut self, signed: &[u8]) -> Result<bool, TakeBundleError> {
        let taken = self.trust.take_bundle(signed)?;
        if taken == TakenBundle::Known {
            return Ok(false);
        }
        let version = self.trust.bundle().version();
        tracing::info!(version, ?taken, "a version of the network's bundle was taken in");
        self.write(|work| work.save_bundles())?;
        Ok(true)
    }

    /// Trusts the versions that were written down.
    ///
    /// # Errors
    /// When the store fails.
    pub fn load_bundles(&mut self) -> Result<(), StoreError> {
        let mut versions: Vec<(u64, Vec<u8>)> = self
            .read(|tx| tx.documents(DocumentKind::Bundle))?
            .into_iter()
            .filter_map(|(version, signed)| Some((version.parse().ok()?, signed)))
            .collect();
        versions.sort();
        let oldest = self.trust.bundle().oldest_known().version();
        let (later, earlier): (Vec<_>, Vec<_>) =
            versions.into_iter().partition(|(version, _)| *version >= oldest);
        for (version, signed) in later.into_iter().chain(earlier.into_iter().rev()) {
            if let Err(error) = self.trust.take_bundle(&signed) {
                tracing::warn!(version, %error, "a stored version of the bundle no longer counts");
            }
        }
        Ok(())
    }
}

impl Work<'_> {
    /// Takes in what a channel's commit brought along; it was verified as far as the channel's own
    /// version goes. Another network's, or a contradicting one, is passed over: the channel then waits.
    pub(super) fn take_bundles(&mut self, signed: &[Vec<u8>]) -> Result<(), EngineError> {
        for version in signed {
            if let Err(error) = self.trust.take_bundle(version) {
                tracing::warn!(%error, "a version of the bundle that a channel goes by is refused");
            }
        }
        Ok(self.save_bundles()?)
    }

    fn save_bundles(&mut self) -> Result<(), StoreError> {
        let bundle = self.trust.bundle();
        let known = bundle.all_known();
        let named: Vec<(String, Vec<u8>)> =
            known.map(|known| (known.version().to_string(), known.signed().to_vec())).collect();
        self.tx.replace_documents(DocumentKind::Bundle, &named)?;
        self.note_dropped_hubs()
    }
}
