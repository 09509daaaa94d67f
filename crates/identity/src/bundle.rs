//! Network bundles: the list of a network's authorities and their roots (PROTOCOL.md §3.12).
//!
//! A [`SignedBundle`] is what a file holds; nothing about it is known until it is opened with the
//! hash that the officer or operator was told by another way. A [`Bundle`] has passed every check
//! and is what certificates are verified against.

mod content;
mod continuity;
mod former;
mod history;
mod signed;
mod successor;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls_pki_types::TrustAnchor;

use crate::canonical::DecodeError;
use crate::certificate::profile::names_issuer;
use crate::certificate::x509::X509;
use crate::certificate::{CertificateDer, ProfileError, UnverifiedChain};
use crate::chain::{self, ChainError, VerifiedLeaf};
use crate::keys::PublicKey;
use crate::names::Domain;
use crate::time::{Timestamp, Validity};

pub(crate) use self::former::Issuers;

pub use self::content::{AuthorityContent, BundleContent, FormerContent};
pub use self::former::FormerDomain;
pub use self::signed::SignedBundle;
pub use crate::certificate::LeafUsage;

/// A network's authorities, checked, and trusted by its hash.
#[derive(Clone, Debug)]
pub struct Bundle {
    content: BundleContent,
    hash: BundleHash,
    authorities: Vec<Authority>,
    former_domains: Vec<FormerDomain>,
    signers: Vec<Domain>,
    signed: Arc<[u8]>,
    former: Option<Arc<Bundle>>,
}

/// One authority of a bundle.
#[derive(Clone, Debug)]
pub struct Authority {
    domain: Domain,
    country: String,
    name: String,
    roots: Vec<Root>,
}

/// A root certificate, ready for path validation.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(crate) certificate: X509,
    pub(crate) anchor: TrustAnchor<'static>,
}

/// SHA-256 of a bundle, shown as hexadecimal in groups of four.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BundleHash([u8; 32]);

/// Why a bundle is refused, or could not be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BundleError {
    /// The bytes are no bundle.
    #[error("this is not a network bundle: {0}")]
    Decode(#[from] DecodeError),
    /// It is another bundle than the one that was vouched for. Compare the hash again with
    /// whoever told it.
    #[error("this bundle's hash is {found}, not {expected}")]
    WrongHash {
        /// The hash that was told.
        expected: BundleHash,
        /// The hash of this bundle.
        found: BundleHash,
    },
    /// Two of its domains are the same, or one lies inside the other.
    #[error("the domains {0} and {1} are the same or lie inside each other")]
    NestedDomains(Domain, Domain),
    /// A certificate in it can't be this authority's root.
    #[error("a root of {domain} is refused: {reason}")]
    Root {
        /// The authority.
        domain: Domain,
        /// What is wrong with it.
        reason: ProfileError,
    },
    /// Two authorities, or one of them twice, have the same root key.
    #[error("the key of a root of {0} stands there twice")]
    RepeatedRoot(Domain),
    /// A signature of somebody who is not in it.
    #[error("it is signed for {0}, which is not one of its authorities")]
    UnknownSigner(Domain),
    /// A signature that none of the authority's roots made.
    #[error("the signature of {0} does not fit")]
    Signature(Domain),
    /// It isn't the version after the one in force. An older one is of no use; for a later one,
    /// those between are needed first.
    #[error("this is version {found} of a bundle, and {expected} is the next one")]
    NotNext {
        /// The version that comes next.
        expected: u64,
        /// The version of this one.
        found: u64,
    },
    /// It follows, or stands in the place of, another version than the one known here: it is of
    /// another network, or somebody signed two versions of the same number.
    #[error("version {version} of this bundle, {found}, does not belong to the network known here")]
    Fork {
        /// Its version.
        version: u64,
        /// Its hash.
        found: BundleHash,
    },
    /// Fewer authorities of the version before have signed than that version asks for.
    #[error("{found} authorities of the version before have signed, and it takes {needed}")]
    TooFewSignatures {
        /// How many it takes.
        needed: u64,
        /// How many have signed.
        found: u64,
    },
    /// A domain is claimed to have been an authority's before, and the version before doesn't bear
    /// that out: it was another's or nobody's, with other roots, or two are made one.
    #[error("{0} is claimed as a former domain, which the version before does not bear out")]
    UnfoundedFormer(Domain),
    /// What was an authority's domain before would be free for others, while it is still there.
    #[error("{0} was an authority's domain before, and is left out though the authority is not")]
    ForgottenFormer(Domain),
    /// An authority enters without having signed, or has other roots without having signed with one
    /// of its former ones.
    #[error("{0} enters, or changes its roots or its domain, without its own signature")]
    Unasked(Domain),
}

/// The text is not the hash of a bundle.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a bundle's hash is 64 hexadecimal digits, with or without spaces")]
pub struct BundleHashError;

impl Bundle {
    /// Verifies that a chain was issued by the authority in whose domain its name lies, is valid at
    /// `at`, fits the profile, and is for `usage`. A pure function of bytes and time: revocation is
    /// looked up with [`RevocationLists::check`](crate::revocation::RevocationLists::check).
    ///
    /// # Errors
    /// [`ChainError`] says what doesn't hold.
    pub fn verify(
        &self,
        chain: &UnverifiedChain,
        at: Timestamp,
        usage: LeafUsage,
    ) -> Result<VerifiedLeaf, ChainError> {
        self.verify_one_of(chain, at, &[usage])
    }

    /// As [`verify`](Self::verify), for a peer that may be one of several things; which of them,
    /// [`VerifiedLeaf::usage`] says.
    ///
    /// # Errors
    /// [`ChainError`] says what doesn't hold.
    pub fn verify_one_of(
        &self,
        chain: &UnverifiedChain,
        at: Timestamp,
        usages: &[LeafUsage],
    ) -> Result<VerifiedLeaf, ChainError> {
        let (leaf, name) = chain::unverified_name(chain)?;
        if !usages.contains(&LeafUsage::of(&name)) {
            return Err(ChainError::Usage { name });
        }
        let Some(issuers) = self.issuers(name.domain()) else {
            return Err(ChainError::UnknownAuthority(name.domain().clone()));
        };
        chain::verify(&issuers, leaf, name, chain.issuing(), at)
    }

    /// The hash it is trusted by, and known by on the wire.
    #[must_use]
    pub fn hash(&self) -> BundleHash {
        self.hash
    }

    /// The network's name.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.content.network
    }

    /// Its version, from 1.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.content.version
    }

    /// When it is meant to be in use; whether to refuse it afterwards is the caller's to decide.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.content.validity
    }

    /// What was hashed and signed.
    #[must_use]
    pub fn content(&self) -> &BundleContent {
        &self.content
    }

    /// Its authorities, sorted by domain.
    #[must_use]
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// The authorities that signed it, sorted.
    #[must_use]
    pub fn signers(&self) -> &[Domain] {
        &self.signers
    }

    /// The authority whose present domain this is.
    #[must_use]
    pub fn authority(&self, domain: &Domain) -> Option<&Authority> {
        let found = self.authorities.binary_search_by(|authority| authority.domain.cmp(domain));
        found.ok().map(|index| &self.authorities[index])
    }

    /// Whether a domain is the present one of one of its authorities.
    #[must_use]
    pub fn contains(&self, domain: &Domain) -> bool {
        self.authority(domain).is_some()
    }
}

impl Authority {
    /// The domain.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// ISO 3166-1 alpha-2, upper case.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.country
    }

    /// The authority's name, to be shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its root certificates.
    pub fn roots(&self) -> impl Iterator<Item = &CertificateDer> {
        self.roots.iter().map(|root| &root.certificate.der)
    }

    /// The validity of each of its roots.
    pub fn root_validities(&self) -> impl Iterator<Item = Validity> {
        self.roots.iter().map(|root| root.certificate.validity)
    }

    pub(crate) fn root_keys(&self) -> impl Iterator<Item = PublicKey> {
        self.roots.iter().map(|root| root.certificate.public_key)
    }
}

impl Issuers<'_> {
    /// The root that claims to have issued a certificate; no signature is checked.
    pub(crate) fn root_of(&self, issued: &X509) -> Option<&Root> {
        self.roots.iter().find(|root| names_issuer(issued, &root.certificate))
    }
}

impl BundleHash {
    /// Takes the 32 bytes of a hash.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for BundleHash {
    type Err = BundleHashError;

    /// Spaces, line breaks and upper case are let through: people type this.
    fn from_str(text: &str) -> Result<Self, BundleHashError> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| BundleHashError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for BundleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.0.chunks(2).enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", hex::encode(pair))?;
        }
        Ok(())
    }
}

impl fmt::Debug for BundleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
