//! Certificates as bytes, before anything about them has been checked.

pub(crate) mod profile;
pub(crate) mod x509;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use der::pem::LineEnding;
use rustls_pki_types::pem::PemObject as _;

use crate::canonical::sha256;
use crate::entropy::Entropy;
use crate::names::LeafName;

pub use self::profile::{LeafUsage, ProfileError};

/// The DER of one certificate, of at most [`CertificateDer::MAX_BYTES`]. Cheap to clone.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CertificateDer(Arc<[u8]>);

/// SHA-256 of a certificate's DER.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint([u8; 32]);

/// A certificate's serial number: the content of its DER INTEGER, positive.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Serial(Vec<u8>);

/// Why bytes can't even be taken for certificates.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CertificateFormatError {
    /// There is no certificate, or one is longer than any of this protocol's.
    #[error("this is not a certificate")]
    Certificate,
    /// A chain has another number of certificates.
    #[error("a chain has two certificates, leaf and issuing CA; this one has {0}")]
    ChainLength(usize),
    /// Not the hexadecimal digits of a serial number.
    #[error("this is not a serial number")]
    Serial,
}

impl CertificateDer {
    /// No certificate of this protocol comes near this length.
    pub const MAX_BYTES: usize = 4096;

    /// Takes bytes for a certificate, checking their length only.
    ///
    /// # Errors
    /// [`CertificateFormatError::Certificate`] when there are none or too many.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CertificateFormatError> {
        if (1..=Self::MAX_BYTES).contains(&bytes.len()) {
            Ok(Self(bytes.into()))
        } else {
            Err(CertificateFormatError::Certificate)
        }
    }

    /// The DER.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// SHA-256 of the DER.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(sha256(&self.0))
    }

    /// As a PEM file.
    #[must_use]
    pub fn to_pem(&self) -> String {
        to_pem("CERTIFICATE", &self.0)
    }

    /// The first certificate of a PEM file.
    ///
    /// # Errors
    /// [`CertificateFormatError::Certificate`] when there is none.
    pub fn from_pem(pem: &str) -> Result<Self, CertificateFormatError> {
        certificates_of_pem(pem)?.into_iter().next().ok_or(CertificateFormatError::Certificate)
    }

    /// The domain of the authority whose root certificate this is.
    ///
    /// # Errors
    /// [`ProfileError`] when it is no authority's root.
    pub fn root_domain(&self) -> Result<crate::names::Domain, ProfileError> {
        profile::root_domain(&x509::X509::parse(self)?)
    }

    pub(crate) fn to_pki(&self) -> rustls_pki_types::CertificateDer<'_> {
        rustls_pki_types::CertificateDer::from(self.as_bytes())
    }
}

impl Fingerprint {
    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Serial {
    /// RFC 5280 §4.1.2.2: positive, at most 20 bytes; no other form of the same number.
    pub(crate) fn from_der_integer(bytes: &[u8]) -> Option<Self> {
        let minimal = match bytes {
            [0, second, ..] => *second >= 0x80,
            [first, ..] => (1..0x80).contains(first),
            [] => false,
        };
        (minimal && bytes.len() <= 20).then(|| Self(bytes.to_vec()))
    }

    /// A number of 126 random bits.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_random(Entropy::system().bytes())
    }

    /// The number made of those random bytes, of which two bits are lost.
    #[must_use]
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[0] = bytes[0] & 0x3f | 0x40;
        Self(bytes.to_vec())
    }

    /// The big-endian bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Serial {
    type Err = CertificateFormatError;

    /// From hexadecimal digits, as [`Display`](fmt::Display) shows them.
    fn from_str(text: &str) -> Result<Self, CertificateFormatError> {
        let bytes = hex::decode(text).map_err(|_| CertificateFormatError::Serial)?;
        Self::from_der_integer(&bytes).ok_or(CertificateFormatError::Serial)
    }
}

/// A leaf and the issuing CA's certificate, as somebody sent them. Cheap to clone; clones remember
/// together what name the leaf carries, once one of them was asked.
#[derive(Clone, Debug)]
pub struct UnverifiedChain {
    leaf: CertificateDer,
    issuing: CertificateDer,
    name: Arc<OnceLock<LeafName>>,
}

impl UnverifiedChain {
    /// Puts a chain together.
    #[must_use]
    pub fn new(leaf: CertificateDer, issuing: CertificateDer) -> Self {
        Self { leaf, issuing, name: Arc::default() }
    }

    /// Takes a list of two certificates in DER, the leaf first.
    ///
    /// # Errors
    /// [`CertificateFormatError`].
    pub fn from_ders(ders: &[impl AsRef<[u8]>]) -> Result<Self, CertificateFormatError> {
        let [leaf, issuing] = ders else {
            return Err(CertificateFormatError::ChainLength(ders.len()));
        };
        let leaf = CertificateDer::from_bytes(leaf.as_ref())?;
        Ok(Self::new(leaf, CertificateDer::from_bytes(issuing.as_ref())?))
    }

    /// Both certificates in DER, the leaf first.
    #[must_use]
    pub fn ders(&self) -> Vec<Vec<u8>> {
        vec![self.leaf.0.to_vec(), self.issuing.0.to_vec()]
    }

    /// The leaf.
    #[must_use]
    pub fn leaf(&self) -> &CertificateDer {
        &self.leaf
    }

    /// The issuing CA's certificate.
    #[must_use]
    pub fn issuing(&self) -> &CertificateDer {
        &self.issuing
    }

    /// As a PEM file, the leaf first.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.leaf.to_pem() + &self.issuing.to_pem()
    }

    /// Reads a PEM file with two certificates, the leaf first.
    ///
    /// # Errors
    /// [`CertificateFormatError`].
    pub fn from_pem(pem: &str) -> Result<Self, CertificateFormatError> {
        let certificates = certificates_of_pem(pem)?;
        let [leaf, issuing] = <[_; 2]>::try_from(certificates)
            .map_err(|all| CertificateFormatError::ChainLength(all.len()))?;
        Ok(Self::new(leaf, issuing))
    }

    /// Where the leaf's name is kept once it was read. It follows from the leaf.
    pub(crate) fn known_name(&self) -> &OnceLock<LeafName> {
        &self.name
    }
}

impl PartialEq for UnverifiedChain {
    fn eq(&self, other: &Self) -> bool {
        self.leaf == other.leaf && self.issuing == other.issuing
    }
}

impl Eq for UnverifiedChain {}

impl Hash for UnverifiedChain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.leaf.hash(state);
        self.issuing.hash(state);
    }
}

pub(crate) fn to_pem(label: &'static str, der: &[u8]) -> String {
    der::pem::encode_string(label, LineEnding::LF, der).expect("memory takes any PEM text")
}

fn certificates_of_pem(pem: &str) -> Result<Vec<CertificateDer>, CertificateFormatError> {
    rustls_pki_types::CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(|der| der.map_err(|_| CertificateFormatError::Certificate))
        .map(|der| CertificateDer::from_bytes(&der?))
        .collect()
}

impl AsRef<[u8]> for CertificateDer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for CertificateDer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateDer({})", self.fingerprint())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_has_two_certificates() {
        let one = CertificateDer::from_bytes(b"one").unwrap();
        let two = CertificateDer::from_bytes(b"two").unwrap();
        let chain = UnverifiedChain::new(one.clone(), two.clone());
        assert_eq!(UnverifiedChain::from_ders(&chain.ders()), Ok(chain.clone()));
        assert_eq!(UnverifiedChain::from_pem(&chain.to_pem()), Ok(chain));
        let ders = [one.as_bytes(); 3];
        for length in [0, 1, 3] {
            let refused = Err(CertificateFormatError::ChainLength(length));
            assert_eq!(UnverifiedChain::from_ders(&ders[..length]), refused);
            assert_eq!(UnverifiedChain::from_pem(&one.to_pem().repeat(length)), refused);
        }
        let long = [0; CertificateDer::MAX_BYTES + 1];
        assert_eq!(CertificateDer::from_bytes(&long), Err(CertificateFormatError::Certificate));
        assert_eq!(CertificateDer::from_pem(""), Err(CertificateFormatError::Certificate));
    }

    #[test]
    fn a_serial_number_has_one_form() {
        for good in [&[1][..], &[0x7f; 20], &[0, 0x80]] {
            assert!(Serial::from_der_integer(good).is_some(), "{good:?}");
        }
        for bad in [&[][..], &[0], &[0x80], &[0, 1], &[1; 21]] {
            assert!(Serial::from_der_integer(bad).is_none(), "{bad:?}");
        }
    }
}
