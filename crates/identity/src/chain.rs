//! From two certificates that somebody sent to a name that can be relied on.
//!
//! Path validation is webpki's (RFC 5280 §6), against the roots of exactly one authority: the one
//! whose domain the leaf's name lies in. The profile is checked on top of it. Revocation is not
//! looked at here: see [`crate::revocation`].

use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::UnixTime;
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter};

use crate::bundle::Issuers;
use crate::certificate::profile::{check_issuing, check_leaf, common_name, leaf_name};
use crate::certificate::x509::X509;
use crate::certificate::{CertificateDer, Fingerprint, ProfileError, Serial, UnverifiedChain};
use crate::keys::PublicKey;
use crate::names::{Domain, LeafName};
use crate::time::{Timestamp, Validity, ValidityError};

pub use crate::certificate::LeafUsage;

/// A leaf certificate that an authority of the bundle issued, with a name of its own domain, valid
/// at the time that was asked for. Whether it is revoked is not known.
#[derive(Clone, Debug)]
pub struct VerifiedLeaf {
    name: LeafName,
    usage: LeafUsage,
    common_name: String,
    leaf: Arc<Essentials>,
    issuing: Arc<Essentials>,
    root_key: PublicKey,
    not_after: Timestamp,
}

/// What is kept of a certificate that was verified: a relay has two of them for each connection.
#[derive(Debug)]
pub(crate) struct Essentials {
    der: CertificateDer,
    pub(crate) serial: Serial,
    validity: Validity,
    pub(crate) public_key: PublicKey,
}

impl From<X509> for Essentials {
    fn from(certificate: X509) -> Self {
        let X509 { der, serial, validity, public_key, .. } = certificate;
        Self { der, serial, validity, public_key }
    }
}

/// Why a chain is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChainError {
    /// The leaf departs from the profile.
    #[error("the certificate is refused: {0}")]
    Leaf(#[from] ProfileError),
    /// The issuing CA's certificate departs from the profile.
    #[error("the issuing CA's certificate is refused: {0}")]
    Issuing(#[source] ProfileError),
    /// No authority of the network owns the domain of the leaf's name: get the newest bundle.
    #[error("{0} is no authority of this network")]
    UnknownAuthority(Domain),
    /// The leaf is for something else.
    #[error("{name} is not a certificate for this use")]
    Usage {
        /// The leaf's name.
        name: LeafName,
    },
    /// Neither root of the authority vouches for this chain.
    #[error("the certificate of {name} was not issued by {}", .name.domain())]
    NotIssued {
        /// The leaf's name.
        name: LeafName,
    },
    /// The leaf is not valid at that time.
    #[error("the certificate of {name} is {problem}")]
    LeafValidity {
        /// The leaf's name.
        name: LeafName,
        /// On which side of its validity the time lies.
        problem: ValidityError,
    },
    /// The issuing CA's certificate is not valid at that time.
    #[error("the issuing CA of {domain} is {problem}")]
    IssuingValidity {
        /// The authority.
        domain: Domain,
        /// On which side of its validity the time lies.
        problem: ValidityError,
    },
    /// The name lies in a domain that its authority had before, and at that time no more.
    #[error("{name} is a name of a former domain, whose certificates hold no longer")]
    FormerDomain {
        /// The leaf's name.
        name: LeafName,
    },
    /// The root is not valid at that time.
    #[error("the root of {domain} is {problem}")]
    RootValidity {
        /// The authority.
        domain: Domain,
        /// On which side of its validity the time lies.
        problem: ValidityError,
    },
}

impl VerifiedLeaf {
    /// Whose certificate it is.
    #[must_use]
    pub fn name(&self) -> &LeafName {
        &self.name
    }

    /// What it is for.
    #[must_use]
    pub fn usage(&self) -> LeafUsage {
        self.usage
    }

    /// The key that it certifies.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.leaf.public_key
    }

    /// The person's or service's name, to be shown: UTF-8, at most 64 characters.
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// The serial number that its issuing CA gave it.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        &self.leaf.serial
    }

    /// When its validity begins.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.leaf.validity.not_before
    }

    /// When its validity ends: in a former domain, with that at the latest.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// SHA-256 of the leaf.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.leaf.der.fingerprint()
    }

    /// SHA-256 of the issuing CA's certificate.
    #[must_use]
    pub fn issuing_fingerprint(&self) -> Fingerprint {
        self.issuing.der.fingerprint()
    }

    /// The validity of the issuing CA's certificate.
    #[must_use]
    pub fn issuing_validity(&self) -> Validity {
        self.issuing.validity
    }

    /// The leaf in DER.
    #[must_use]
    pub fn leaf_der(&self) -> &CertificateDer {
        &self.leaf.der
    }

    /// The issuing CA's certificate in DER.
    #[must_use]
    pub fn issuing_der(&self) -> &CertificateDer {
        &self.issuing.der
    }

    /// Both certificates in DER, the leaf first.
    #[must_use]
    pub fn chain_ders(&self) -> Vec<Vec<u8>> {
        self.to_unverified().ders()
    }

    /// The chain, to be verified anew at another time.
    #[must_use]
    pub fn to_unverified(&self) -> UnverifiedChain {
        UnverifiedChain::new(self.leaf.der.clone(), self.issuing.der.clone())
    }

    pub(crate) fn issuing(&self) -> &Essentials {
        &self.issuing
    }

    pub(crate) fn root_key(&self) -> PublicKey {
        self.root_key
    }
}

impl UnverifiedChain {
    /// The name on the leaf, before anything vouches for it.
    ///
    /// # Errors
    /// [`ChainError::Leaf`] when there isn't one.
    pub fn unverified_name(&self) -> Result<LeafName, ChainError> {
        if let Some(name) = self.known_name().get() {
            return Ok(name.clone());
        }
        let (_, name) = unverified_name(self)?;
        Ok(self.known_name().get_or_init(|| name).clone())
    }

    /// Whether the leaf is for that key, before anything vouches for it.
    #[must_use]
    pub fn is_for_key(&self, key: &PublicKey) -> bool {
        X509::parse(self.leaf()).is_ok_and(|leaf| leaf.public_key == *key)
    }

    /// When both certificates claim to hold, before anything vouches for them.
    ///
    /// # Errors
    /// [`ChainError::Leaf`], [`ChainError::Issuing`] when one can't be read.
    pub fn unverified_validity(&self) -> Result<Validity, ChainError> {
        let leaf = X509::parse(self.leaf()).map_err(ProfileError::from)?.validity;
        let issuing = X509::parse(self.issuing()).map_err(|e| ChainError::Issuing(e.into()))?;
        Ok(Validity {
            not_before: leaf.not_before.max(issuing.validity.not_before),
            not_after: leaf.not_after.min(issuing.validity.not_after),
        })
    }
}

/// The name on a leaf, before anything vouches for it.
pub(crate) fn unverified_name(chain: &UnverifiedChain) -> Result<(X509, LeafName), ChainError> {
    let leaf = X509::parse(chain.leaf()).map_err(ProfileError::from)?;
    let name = leaf_name(&leaf)?;
    Ok((leaf, name))
}

/// Verifies a leaf for whose domain those issuers vouch.
pub(crate) fn verify(
    issuers: &Issuers<'_>,
    leaf: X509,
    name: LeafName,
    issuing: &CertificateDer,
    at: Timestamp,
) -> Result<VerifiedLeaf, ChainError> {
    let domain = name.domain().clone();
    let usage = LeafUsage::of(&name);
    let issuing = X509::parse(issuing).map_err(|e| ChainError::Issuing(e.into()))?;
    let not_issued = || ChainError::NotIssued { name: name.clone() };

    let root = issuers.root_of(&issuing).ok_or_else(not_issued)?;
    check_issuing(&issuing, &root.certificate, &domain).map_err(ChainError::Issuing)?;
    check_leaf(&leaf, &issuing, &name, usage)?;

    let root_validity = root.certificate.validity.check(at);
    root_validity
        .map_err(|problem| ChainError::RootValidity { domain: domain.clone(), problem })?;
    let issuing_validity = issuing.validity.check(at);
    issuing_validity.map_err(|problem| ChainError::IssuingValidity { domain, problem })?;
    let leaf_validity = leaf.validity.check(at);
    leaf_validity.map_err(|p| ChainError::LeafValidity { name: name.clone(), problem: p })?;

    if issuers.until.is_some_and(|until| at >= until) {
        return Err(ChainError::FormerDomain { name });
    }

    verify_path(&leaf, &issuing, &root.anchor, at).map_err(|_| not_issued())?;

    let not_after = leaf.validity.not_after;
    let not_after = issuers.until.map_or(not_after, |until| until.min(not_after));
    let common_name = common_name(&leaf.subject)?;
    let root_key = root.certificate.public_key;
    let (leaf, issuing) = (Arc::new(leaf.into()), Arc::new(issuing.into()));
    Ok(VerifiedLeaf { name, usage, common_name, leaf, issuing, root_key, not_after })
}

/// RFC 5280 §6: signatures, validity, constraints, from the leaf over the issuing CA to the root.
fn verify_path(
    leaf: &X509,
    issuing: &X509,
    anchor: &rustls_pki_types::TrustAnchor<'_>,
    at: Timestamp,
) -> Result<(), webpki::Error> {
    let leaf = leaf.der.to_pki();
    let intermediates = [issuing.der.to_pki()];
    let path = EndEntityCert::try_from(&leaf)?;
    let path = path.verify_for_usage(
        &[webpki::aws_lc_rs::ED25519],
        std::slice::from_ref(anchor),
        &intermediates,
        UnixTime::since_unix_epoch(Duration::from_millis(at.as_millis())),
        PurposesCheckedByProfile,
        None,
        None,
    )?;
    match path.intermediate_certificates().count() {
        1 => Ok(()),
        _ => Err(webpki::Error::UnknownIssuer),
    }
}

/// The profile compares the key purposes byte for byte, private ones too.
struct PurposesCheckedByProfile;

impl ExtendedKeyUsageValidator for PurposesCheckedByProfile {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}
