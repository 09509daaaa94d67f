//! Whose signature a head carries: head keys' certificates, verified and remembered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use enlace_identity::certificate::{CertificateFormatError, UnverifiedChain};
use enlace_identity::chain::{ChainError, LeafUsage, VerifiedLeaf};
use enlace_identity::names::Domain;
use enlace_log::head::{HeadError, HeadSigner};
use enlace_log::{SignedHead, VerifiedHead};
use enlace_transport::{Trust, Untrusted, watch};

use crate::hub::{self, ReadError};
use crate::storage::SideWrite;

/// Certificates remembered in memory; all are in the store.
const MAX_REMEMBERED: usize = 4096;

/// The head keys of all hubs.
#[derive(Debug)]
pub(crate) struct HeadCertificates {
    trust: Trust,
    hub: hub::Handle,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    leaves: HashMap<HeadSigner, VerifiedLeaf>,
    changes: watch::Receiver<u64>,
}

/// Why a head, or the certificate of its key, is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeadCertificateError {
    /// There are not two certificates.
    #[error(transparent)]
    Format(#[from] CertificateFormatError),
    /// The certificate doesn't hold.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// It is revoked, or not known to be unrevoked.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The key belongs to another authority than the hub.
    #[error("the head is signed by {found}, the hub is {expected}")]
    OtherAuthority {
        /// Whose head was expected.
        expected: Domain,
        /// Whose it is.
        found: Domain,
    },
    /// Nobody has shown the certificate: ask for it.
    #[error("the certificate of the head's key is not known")]
    Unknown(HeadSigner),
    /// The head can't be read, or the signature is not the key's.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The storage failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The certificate can't be stored now.
    #[error("the certificate cannot be stored")]
    Store,
}

impl HeadCertificates {
    /// None in memory.
    pub(crate) fn new(trust: Trust, hub: hub::Handle) -> Self {
        let known = Known { leaves: HashMap::new(), changes: trust.changes() };
        Self { trust, hub, known: Mutex::new(known) }
    }

    /// Takes in a head key's certificates, DER, the leaf first, and stores them.
    pub(crate) async fn learn(
        &self,
        certificates: &[Vec<u8>],
    ) -> Result<VerifiedLeaf, HeadCertificateError> {
        let leaf = self.verified(certificates)?;
        let signer = signer_of(&leaf);
        if self.remembered(&signer).is_none() {
            let write = SideWrite::HeadCertificate { signer, certificates: certificates.to_vec() };
            self.hub.store(vec![write]).await.map_err(|_| HeadCertificateError::Store)?;
            self.remember(signer, leaf.clone());
        }
        Ok(leaf)
    }

    /// Checks that a head was signed by a head key of the hub's authority.
    pub(crate) async fn verify(
        &self,
        head: SignedHead,
        hub: &Domain,
    ) -> Result<VerifiedHead, HeadCertificateError> {
        let (head, found) = self.verify_any(head).await?;
        if found != *hub {
            let expected = hub.clone();
            return Err(HeadCertificateError::OtherAuthority { expected, found });
        }
        Ok(head)
    }

    /// Checks that a head was signed by a head key of some authority: which one.
    pub(crate) async fn verify_any(
        &self,
        head: SignedHead,
    ) -> Result<(VerifiedHead, Domain), HeadCertificateError> {
        let signer = head.signer();
        let leaf = match self.remembered(&signer) {
            Some(leaf) => leaf,
            None => self.load(signer).await?,
        };
        Ok((head.verify(&leaf.public_key())?, leaf.name().domain().clone()))
    }

    /// The certificates of a head key, DER, the leaf first.
    pub(crate) async fn certificates(
        &self,
        signer: HeadSigner,
    ) -> Result<Option<Vec<Vec<u8>>>, ReadError> {
        let own = self.hub.head_key();
        if own.signer() == signer {
            return Ok(Some(own.certificates().to_vec()));
        }
        self.hub.query(move |storage| storage.head_certificate(&signer)).await
    }

    async fn load(&self, signer: HeadSigner) -> Result<VerifiedLeaf, HeadCertificateError> {
        let stored = self.certificates(signer).await?;
        let leaf = self.verified(&stored.ok_or(HeadCertificateError::Unknown(signer))?)?;
        self.remember(signer, leaf.clone());
        Ok(leaf)
    }

    fn verified(&self, certificates: &[Vec<u8>]) -> Result<VerifiedLeaf, HeadCertificateError> {
        let chain = UnverifiedChain::from_ders(certificates)?;
        let leaf = self.trust.verify_chain(&chain, &[LeafUsage::Head])?;
        self.trust.check_revocation(&leaf)?;
        Ok(leaf)
    }

    /// What was verified holds until it expires, or bundle or revocation lists change.
    fn remembered(&self, signer: &HeadSigner) -> Option<VerifiedLeaf> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.changes.has_changed().unwrap_or(true) {
            known.changes.mark_unchanged();
            known.leaves.clear();
        }
        let leaf = known.leaves.get(signer)?;
        (self.trust.now() < leaf.not_after()).then(|| leaf.clone())
    }

    fn remember(&self, signer: HeadSigner, leaf: VerifiedLeaf) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.leaves.len() >= MAX_REMEMBERED {
            known.leaves.clear();
        }
        known.leaves.insert(signer, leaf);
    }
}

fn signer_of(leaf: &VerifiedLeaf) -> HeadSigner {
    HeadSigner(*leaf.fingerprint().as_bytes())
}
