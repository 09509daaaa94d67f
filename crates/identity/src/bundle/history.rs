//! The versions of one network's bundle, one after the other, each known to belong to the others.
//!
//! A bundle brings the versions before it along, as far as they are known. The first of them was
//! trusted by its hash. A later one is taken in when it follows the newest as
//! [`SignedBundle::open_after`] says; an earlier one when the oldest names its hash.

use std::iter;
use std::sync::Arc;

use crate::bundle::{Bundle, BundleError, BundleHash, SignedBundle};

impl Bundle {
    /// This newest version with another one taken in: the one that follows it, which is the newest
    /// then, or the one before the oldest known. `None` when it is known already.
    ///
    /// # Errors
    /// [`BundleError`] says what doesn't hold: [`BundleError::NotNext`] when others are needed
    /// first, [`BundleError::Fork`] when it contradicts what is known.
    pub fn with(&self, signed: &[u8]) -> Result<Option<Self>, BundleError> {
        let decoded = SignedBundle::decode(signed)?;
        let version = decoded.unverified_content()?.version;
        let fork = BundleError::Fork { version, found: decoded.hash() };
        if let Some(known) = self.version_known(version) {
            return if known.hash == decoded.hash() { Ok(None) } else { Err(fork) };
        }
        if version > self.version() {
            return decoded.open_after(self).map(Some);
        }
        let oldest = self.oldest_known();
        let expected = oldest.version() - 1;
        if version != expected {
            return Err(BundleError::NotNext { expected, found: version });
        }
        let hash = oldest.content.previous.ok_or_else(|| fork.clone())?;
        let earlier = decoded.open(&hash).map_err(|error| match error {
            BundleError::WrongHash { .. } => fork,
            other => other,
        })?;
        Ok(Some(self.on(earlier)))
    }

    /// This version or one before it, by its hash, if it is known.
    #[must_use]
    pub fn known(&self, hash: &BundleHash) -> Option<&Self> {
        self.all_known().find(|bundle| bundle.hash == *hash)
    }

    /// This version or one before it, by its number, if it is known.
    #[must_use]
    pub fn version_known(&self, version: u64) -> Option<&Self> {
        self.all_known().find(|bundle| bundle.version() == version)
    }

    /// The oldest version known.
    #[must_use]
    pub fn oldest_known(&self) -> &Self {
        self.all_known().last().unwrap_or(self)
    }

    /// This version and those before it that are known, newest first.
    pub fn all_known(&self) -> impl Iterator<Item = &Self> {
        iter::successors(Some(self), |bundle| bundle.former.as_deref())
    }

    /// The signed bundle's bytes, as they came.
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// The same versions, on one more.
    fn on(&self, earlier: Self) -> Self {
        let former = match &self.former {
            Some(former) => former.on(earlier),
            None => earlier,
        };
        Self { former: Some(Arc::new(former)), ..self.clone() }
    }
}
