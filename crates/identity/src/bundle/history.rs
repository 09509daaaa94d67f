//! The versions of one network's bundle, one after the other, each known to belong to the others.
//!
//! It begins with a version that is trusted by its hash. A later one is taken in when it follows the
//! newest as [`SignedBundle::open_after`] says; an earlier one when the oldest names its hash.

use std::sync::Arc;

use crate::bundle::{Bundle, BundleError, BundleHash, SignedBundle};

/// Consecutive versions of a network's bundle, at least one.
#[derive(Clone, Debug)]
pub struct BundleHistory {
    versions: Vec<Version>,
}

#[derive(Clone, Debug)]
struct Version {
    signed: Arc<[u8]>,
    bundle: Arc<Bundle>,
}

/// What came of a bundle that was shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Taken {
    /// It is the newest version now.
    Newest,
    /// It is the oldest version known now.
    Earlier,
    /// It was known.
    Known,
}

impl BundleHistory {
    /// Begins with one version, which was vouched for by its hash.
    ///
    /// # Errors
    /// As [`SignedBundle::open`].
    pub fn new(signed: &[u8], expected: &BundleHash) -> Result<Self, BundleError> {
        let bundle = SignedBundle::decode(signed)?.open(expected)?;
        Ok(Self { versions: vec![Version::new(signed, bundle)] })
    }

    /// Takes in a version, if it follows the newest or comes before the oldest.
    ///
    /// # Errors
    /// [`BundleError`] says what doesn't hold: [`BundleError::NotNext`] when others are needed
    /// first, [`BundleError::Fork`] when it contradicts what is known.
    pub fn take(&mut self, signed: &[u8]) -> Result<Taken, BundleError> {
        let decoded = SignedBundle::decode(signed)?;
        let version = decoded.unverified_content()?.version;
        let fork = BundleError::Fork { version, found: decoded.hash() };
        if let Some(known) = self.version(version) {
            return if known.hash() == decoded.hash() { Ok(Taken::Known) } else { Err(fork) };
        }
        let oldest = &self.versions[0].bundle;
        if version < oldest.version() {
            if version.saturating_add(1) < oldest.version() {
                return Err(BundleError::NotNext {
                    expected: oldest.version() - 1,
                    found: version,
                });
            }
            let hash = oldest.content().previous.ok_or_else(|| fork.clone())?;
            let bundle = decoded.open(&hash).map_err(|error| match error {
                BundleError::WrongHash { .. } => fork,
                other => other,
            })?;
            self.versions.insert(0, Version::new(signed, bundle));
            return Ok(Taken::Earlier);
        }
        let bundle = decoded.open_after(self.newest())?;
        self.versions.push(Version::new(signed, bundle));
        Ok(Taken::Newest)
    }

    /// The newest version: the one in force.
    #[must_use]
    pub fn newest(&self) -> &Arc<Bundle> {
        &self.versions[self.versions.len() - 1].bundle
    }

    /// The oldest version that is known.
    #[must_use]
    pub fn oldest(&self) -> &Arc<Bundle> {
        &self.versions[0].bundle
    }

    /// The version with that number, if it is known.
    #[must_use]
    pub fn version(&self, version: u64) -> Option<&Arc<Bundle>> {
        self.at(version).map(|known| &known.bundle)
    }

    /// The version with that hash, if it is known.
    #[must_use]
    pub fn by_hash(&self, hash: &BundleHash) -> Option<&Arc<Bundle>> {
        self.versions.iter().map(|known| &known.bundle).find(|bundle| bundle.hash() == *hash)
    }

    /// The signed bytes of a version, if it is known.
    #[must_use]
    pub fn signed(&self, version: u64) -> Option<&Arc<[u8]>> {
        self.at(version).map(|known| &known.signed)
    }

    /// The signed bytes of all versions, oldest first.
    pub fn all_signed(&self) -> impl DoubleEndedIterator<Item = &Arc<[u8]>> {
        self.versions.iter().map(|known| &known.signed)
    }

    fn at(&self, version: u64) -> Option<&Version> {
        let index = version.checked_sub(self.oldest().version())?;
        self.versions.get(usize::try_from(index).ok()?)
    }
}

impl Version {
    fn new(signed: &[u8], bundle: Bundle) -> Self {
        Self { signed: signed.into(), bundle: Arc::new(bundle) }
    }
}
