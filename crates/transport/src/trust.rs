//! Whom this side trusts now: the network bundle, the revocation lists and the suspensions, shared
//! by all connections and replaced while they live.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use enlace_identity::bundle::{Bundle, BundleError};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::{ChainError, LeafUsage, VerifiedLeaf};
use enlace_identity::names::{DeviceName, Domain, LeafName};
use enlace_identity::revocation::{CrlError, Inserted, RevocationLists};
use enlace_identity::suspension::{
    SignedSuspensions, SuspensionError, Suspensions, Taken, VerifiedSuspensions,
};
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
    suspensions: Suspensions,
}

/// Why a revocation list or a statement about suspensions is not taken in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ListError {
    /// It is a revocation list.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// It is a statement about suspensions.
    #[error(transparent)]
    Suspensions(#[from] SuspensionError),
}

impl ListError {
    /// Whether a newer one is known. Harmless, unless somebody insists.
    #[must_use]
    pub fn is_older(&self) -> bool {
        matches!(
            self,
            Self::Crl(CrlError::Older { .. }) | Self::Suspensions(SuspensionError::Older { .. })
        )
    }
}

/// What came of a version of the bundle that was shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TakenBundle {
    /// It is in force now.
    InForce,
    /// It is one before the oldest that was known.
    Earlier,
    /// It was known.
    Known,
}

impl Trust {
    /// Trusts a bundle and, in it, whom those lists don't revoke, by that clock.
    #[must_use]
    pub fn new(bundle: Bundle, lists: RevocationLists, clock: Arc<dyn Clock>) -> Self {
        let state =
            RwLock::new(State { bundle: Arc::new(bundle), lists, suspensions: Suspensions::new() });
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

    /// Takes in another version of the bundle, signed: the one that follows the newest, which is in
    /// force then, or the one before the oldest known. Tells everybody who watches if it is news.
    ///
    /// # Errors
    /// As [`Bundle::with`]; nothing changes then.
    pub fn take_bundle(&self, signed: &[u8]) -> Result<TakenBundle, BundleError> {
        let taken = self.write(|state| match state.bundle.with(signed)? {
            None => Ok::<_, BundleError>(TakenBundle::Known),
            Some(with) => {
                let is_newer = with.version() > state.bundle.version();
                state.bundle = Arc::new(with);
                Ok(if is_newer { TakenBundle::InForce } else { TakenBundle::Earlier })
            }
        })?;
        if taken != TakenBundle::Known {
            self.announce();
        }
        Ok(taken)
    }

    /// Takes a revocation list that its authority's CA has signed, or a statement about suspensions
    /// by its duty key, and tells everybody who watches if it is newer than the one known. The two
    /// travel together, and their first bytes tell them apart.
    ///
    /// # Errors
    /// As [`RevocationLists::insert`] and [`Suspensions::insert`]; nothing changes then.
    pub fn insert_crl(&self, list: &[u8]) -> Result<Inserted, ListError> {
        let now = self.now();
        let inserted = self.write(|state| state.insert(list, now))?;
        if inserted == Inserted::New {
            self.announce();
        }
        Ok(inserted)
    }

    /// The newest revocation lists of an authority, and its suspensions, as they travel.
    #[must_use]
    pub fn crls_of(&self, authority: &Domain) -> Vec<Vec<u8>> {
        let suspensions = self.suspensions_of(authority).into_iter();
        let lists = self.read().lists.of_authority(authority).into_iter();
        lists.chain(suspensions.map(|kept| kept.signed().encode())).collect()
    }

    /// The statement that suspends a device now, if there is one.
    #[must_use]
    pub fn suspending(&self, device: &DeviceName) -> Option<VerifiedSuspensions> {
        let (now, state) = (self.now(), self.read());
        state.suspensions.suspending(device, &state.lists, now).cloned()
    }

    /// The newest statement of an authority about suspensions. It may be over.
    #[must_use]
    pub fn suspensions_of(&self, authority: &Domain) -> Option<VerifiedSuspensions> {
        let (now, state) = (self.now(), self.read());
        let kept = state.suspensions.of_authority(authority, &state.lists, now);
        kept.filter(|kept| now < kept.signed_until()).cloned()
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

    /// The newest revocation lists of all authorities, and then their suspensions, as they travel.
    #[must_use]
    pub fn all_crls(&self) -> Vec<Vec<u8>> {
        let (now, state) = (self.now(), self.read());
        let suspensions = state.suspensions.iter(&state.lists, now);
        let suspensions = suspensions.filter(|kept| now < kept.signed_until());
        let lists = state.lists.all().into_iter();
        lists.chain(suspensions.map(|kept| kept.signed().encode())).collect()
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

    /// Whether current lists say that neither the leaf nor its issuing CA is revoked, and its device
    /// is not suspended.
    ///
    /// # Errors
    /// [`Untrusted::Revocation`] also when there is no current list of one of the issuers;
    /// [`Untrusted::Suspended`].
    pub fn check_revocation(&self, leaf: &VerifiedLeaf) -> Result<(), Untrusted> {
        let (now, state) = (self.now(), self.read());
        state.lists.check(leaf, now)?;
        let LeafName::Device(device) = leaf.name() else { return Ok(()) };
        match state.suspensions.suspending(device, &state.lists, now) {
            Some(_) => Err(Untrusted::Suspended(device.clone())),
            None => Ok(()),
        }
    }

    /// Whether a leaf that was verified before still holds: chain, expiry, revocation, suspension.
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

    /// Sees a change whenever the bundle, a revocation list or the suspensions were replaced.
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

impl State {
    fn insert(&mut self, list: &[u8], now: Timestamp) -> Result<Inserted, ListError> {
        if !SignedSuspensions::is_meant(list) {
            return Ok(self.lists.insert(list, &self.bundle, now)?);
        }
        match self.suspensions.insert(list, &self.bundle, &self.lists, now)? {
            Taken::New(_) => Ok(Inserted::New),
            Taken::Known => Ok(Inserted::Known),
        }
    }
}
