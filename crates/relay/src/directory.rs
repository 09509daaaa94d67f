//! Where the network's relays are: the newest endpoint record of each authority.
//!
//! A record only says where to dial; who answers there is proven by certificate. So a record
//! counts even when no current revocation list of its authority is at hand yet, as at the first
//! start, and is refused only when its signer is known to be revoked.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use enlace_identity::endpoint::{EndpointError, SignedEndpointRecord, VerifiedEndpointRecord};
use enlace_identity::names::Domain;
use enlace_identity::revocation::RevocationStatusError;
use enlace_transport::{Expected, Target, Trust, Untrusted};

/// The endpoint records known here.
#[derive(Debug)]
pub(crate) struct Directory {
    trust: Trust,
    own: Domain,
    records: RwLock<BTreeMap<Domain, VerifiedEndpointRecord>>,
}

/// Why a record is not taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OfferError {
    /// It doesn't hold.
    #[error(transparent)]
    Record(#[from] EndpointError),
    /// Its signer is revoked.
    #[error(transparent)]
    Revoked(Untrusted),
}

impl Directory {
    /// Nothing is known.
    pub(crate) fn new(trust: Trust, own: Domain) -> Self {
        Self { trust, own, records: RwLock::default() }
    }

    /// Takes in a signed record that holds; returns whose it is if it is news.
    pub(crate) fn offer(&self, bytes: &[u8]) -> Result<Option<Domain>, OfferError> {
        let signed = SignedEndpointRecord::decode(bytes).map_err(EndpointError::from)?;
        let offered = signed.verify(&self.trust.bundle(), self.trust.now())?;
        match self.trust.check_revocation(offered.signer()) {
            Ok(()) | Err(Untrusted::Revocation(RevocationStatusError::Stale(_))) => {}
            Err(untrusted) => return Err(OfferError::Revoked(untrusted)),
        }
        let domain = offered.domain.clone();
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        if records.get(&domain).is_some_and(|kept| kept.version >= offered.version) {
            return Ok(None);
        }
        records.insert(domain.clone(), offered);
        Ok(Some(domain))
    }

    /// The own authority's record; empty when there is none.
    pub(crate) fn own(&self) -> Vec<u8> {
        self.signed(&self.own).unwrap_or_default()
    }

    /// An authority's record, signed.
    pub(crate) fn signed(&self, domain: &Domain) -> Option<Vec<u8>> {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        records.get(domain).map(|record| record.signed().encode())
    }

    /// Every record, signed.
    pub(crate) fn all(&self) -> Vec<Vec<u8>> {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        records.values().map(|record| record.signed().encode()).collect()
    }

    /// Where to dial an authority. A record that has expired is better than none: see above.
    pub(crate) fn target(&self, domain: &Domain) -> Option<Target> {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        let record = records.get(domain)?;
        let addresses = record
            .relays
            .iter()
            .flat_map(|relay| &relay.addresses)
            .map(|address| (address.host.to_string(), address.port))
            .collect();
        Some(Target { expected: Expected::AnyRelayOf(domain.clone()), addresses })
    }
}
