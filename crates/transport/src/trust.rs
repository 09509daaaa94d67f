//! Whom this side trusts now: the network bundle and the revocation lists, shared by all
//! connections and replaced while they live.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use enlace_identity::bundle::Bundle;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::{ChainError, LeafUsage, VerifiedLeaf};
use enlace_identity::names::Domain;
use enlace_identity::revocation::{CrlError, Inserted, RevocationLists};
use enlace_identity::time::Timestamp;

use crate::clock::Clock;
use crate::untrusted::Untrusted;
use crate::watch;

/// The certificates that open connections.
pub(crate) const CONNECTING: [LeafUsage; 2] = [LeafUsage::Device, LeafUsage::Relay];

/// A handle to what is trusted. Cloning is cheap, and all clones see the same.
#[derive(Clone, Debug)]
pub struct Trust {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    bundle: Arc<Bundle>,
    lists: RevocationLists,
}

impl Trust {
    /// Trusts a bundle and, in it, whom those lists don't revoke, by that clock.
    #[must_use]
    pub fn new(bundle: Bundle, lists: RevocationLists, clock: Arc<dyn Clock>) -> Self {
        let state = RwLock::new(State { bundle: Arc::new(bundle), lists });
        let (changes, _) = watch::channel(0);
        Self { shared: Arc::new(Shared { clock, state, changes }) }
    }

    /// The time by the injected clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// The bundle in force.
    #[must_use]
    pub fn bundle(&self) -> Arc<Bundle> {
        self.read().bundle.clone()
    }

    /// Puts another bundle in force, and tells everybody who watches.
    pub fn replace_bundle(&self, bundle: Bundle) {
        self.write(|state| state.bundle = Arc::new(bundle));
        self.announce();
    }

    /// Takes a revocation list that its authority's CA has signed, and tells everybody who watches
    /// if it is newer than the one known.
    ///
    /// # Errors
    /// As [`RevocationLists::insert`]; nothing changes then.
    pub fn insert_crl(&self, der: &[u8]) -> Result<Inserted, CrlError> {
        let now = self.now();
        let inserted = self.write(|state| state.lists.insert(der, &state.bundle, now))?;
        if inserted == Inserted::New {
            self.announce();
        }
        Ok(inserted)
    }

    /// The newest revocation lists of an authority, in DER.
    #[must_use]
    pub fn crls_of(&self, authority: &Domain) -> Vec<Vec<u8>> {
        self.read().lists.of_authority(authority)
    }

    /// The newest list that withdraws a certificate or its issuing CA, as it travels.
    #[must_use]
    pub fn withdrawing(&self, leaf: &VerifiedLeaf) -> Option<Vec<u8>> {
        self.read().lists.withdrawing(leaf)
    }

    /// The authorities whose newest lists revoke anything.
    #[must_use]
    pub fn revoking_authorities(&self) -> BTreeSet<Domain> {
        self.read().lists.revoking_authorities()
    }

    /// The newest revocation lists of all authorities, in DER.
    #[must_use]
    pub fn all_crls(&self) -> Vec<Vec<u8>> {
        self.read().lists.all()
    }

    /// Verifies a chain as of now: path, profile and expiry, not revocation.
    ///
    /// # Errors
    /// As [`Bundle::verify_one_of`].
    pub fn verify_chain(
        &self,
        chain: &UnverifiedChain,
        usages: &[LeafUsage],
    ) -> Result<VerifiedLeaf, ChainError> {
        self.bundle().verify_one_of(chain, self.now(), usages)
    }

    /// Whether current lists say that neither the leaf nor its issuing CA is revoked.
    ///
    /// # Errors
    /// [`Untrusted::Revocation`] also when there is no current list of one of the issuers.
    pub fn check_revocation(&self, leaf: &VerifiedLeaf) -> Result<(), Untrusted> {
        let now = self.now();
        Ok(self.read().lists.check(leaf, now)?)
    }

    /// Whether a leaf that was verified before still holds: chain, expiry and revocation.
    ///
    /// # Errors
    /// [`Untrusted`] says why not.
    pub fn recheck(&self, leaf: &VerifiedLeaf) -> Result<(), Untrusted> {
        self.verify_chain(&leaf.to_unverified(), &[leaf.usage()])?;
        self.check_revocation(leaf)
    }

    pub(crate) fn holds_now(&self, leaf: &VerifiedLeaf) -> bool {
        self.verify_chain(&leaf.to_unverified(), &[leaf.usage()]).is_ok()
    }

    /// Sees a change whenever the bundle or a revocation list was replaced.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    fn announce(&self) {
        self.shared.changes.send_modify(|generation| *generation += 1);
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.shared.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.shared.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}
