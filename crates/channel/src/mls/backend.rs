//! What every MLS operation needs: cryptography, randomness and a store.

use std::sync::Arc;

use enlace_identity::entropy::Entropy;
use enlace_identity::keys::SigningKey;
use openmls_traits::OpenMlsProvider;

use super::crypto::{Crypto, Tamper};
use super::error::BackendError;
use super::signer::DeviceSigner;
use super::storage::Storage;
use crate::known_rules::ProgramRules;
use crate::state_store::{StateError, StateStore};

/// Cryptography and randomness, shared by all groups of a process. Cloning is cheap.
#[derive(Clone)]
pub struct Backend {
    crypto: Arc<Crypto>,
    rules: ProgramRules,
}

impl Backend {
    /// Draws from the operating system's randomness.
    pub fn new() -> Result<Self, BackendError> {
        Self::with_entropy(Entropy::system())
    }

    /// Draws from `entropy`. With a seeded one the same commands make the same bytes, ephemeral
    /// keys of welcomes and commits included, with one exception: openmls orders the removals of a
    /// commit that has several by a hash map of its own, so that such a commit, and all that
    /// follows it in the channel, has other bytes each time, of the same length.
    pub fn with_entropy(entropy: Entropy) -> Result<Self, BackendError> {
        Crypto::new(entropy).map(Self::of)
    }

    /// Lets an adversary rewrite what this backend makes, for tests.
    pub fn dangerous_with_tamper(tamper: Box<dyn Tamper>) -> Result<Self, BackendError> {
        Ok(Self::of(Crypto::new(Entropy::system())?.with_tamper(tamper)))
    }

    /// The same adversary, whose chance comes from a seed.
    pub fn dangerous_seeded_with_tamper(
        seed: [u8; 32],
        tamper: Box<dyn Tamper>,
    ) -> Result<Self, BackendError> {
        let crypto = Crypto::new(Entropy::dangerous_seeded(seed))?;
        Ok(Self::of(crypto.with_tamper(tamper)))
    }

    /// The same as a program of other rules, whose leaves say so: for tests.
    #[must_use]
    pub fn with_rules(self, rules: ProgramRules) -> Self {
        Self { rules, ..self }
    }

    /// The versions of the rules that this program applies.
    #[must_use]
    pub fn rules(&self) -> ProgramRules {
        self.rules
    }

    /// Joins the backend with the store that an operation works on.
    #[must_use]
    pub fn on<'a>(&'a self, store: &'a dyn StateStore) -> Provider<'a> {
        Provider {
            mls: MlsProvider { crypto: &self.crypto, storage: Storage::new(store) },
            rules: self.rules,
        }
    }

    /// Where chance comes from.
    #[must_use]
    pub fn entropy(&self) -> &Entropy {
        self.crypto.entropy()
    }

    pub(super) fn crypto(&self) -> &Crypto {
        &self.crypto
    }

    fn of(crypto: Crypto) -> Self {
        Self { crypto: Arc::new(crypto), rules: ProgramRules::CURRENT }
    }
}

/// A [`Backend`] on one store, for the length of a transaction.
pub struct Provider<'a> {
    mls: MlsProvider<'a>,
    rules: ProgramRules,
}

impl<'a> Provider<'a> {
    pub(super) fn mls(&self) -> &MlsProvider<'a> {
        &self.mls
    }

    pub(super) fn rules(&self) -> ProgramRules {
        self.rules
    }

    pub(super) fn crypto(&self) -> &'a Crypto {
        self.mls.crypto
    }

    pub(super) fn signer<'b>(&'b self, key: &'b SigningKey) -> DeviceSigner<'b> {
        DeviceSigner { key, crypto: self.mls.crypto }
    }

    pub(super) fn storage(&self) -> &Storage<'a> {
        &self.mls.storage
    }

    /// Says whether the store failed since the last check. To be asked before anything that
    /// openmls reports is believed.
    pub(super) fn check_store(&self) -> Result<(), StateError> {
        self.mls.storage.check()
    }
}

/// The provider as openmls sees it.
pub(super) struct MlsProvider<'a> {
    crypto: &'a Crypto,
    storage: Storage<'a>,
}

impl<'a> OpenMlsProvider for MlsProvider<'a> {
    type CryptoProvider = Crypto;
    type RandProvider = Crypto;
    type StorageProvider = Storage<'a>;

    fn storage(&self) -> &Self::StorageProvider {
        &self.storage
    }

    fn crypto(&self) -> &Self::CryptoProvider {
        self.crypto
    }

    fn rand(&self) -> &Self::RandProvider {
        self.crypto
    }
}
