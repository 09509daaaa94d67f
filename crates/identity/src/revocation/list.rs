//! One revocation list (RFC 5280 §5), with what it takes to verify it.
//!
//! As it travels: the DER of the `CertificateList`; behind it, if an issuing CA signed the list,
//! the DER of that CA's certificate. In a PEM file the two are two blocks, which OpenSSL reads.

use std::collections::BTreeSet;

use der::asn1::ObjectIdentifier;
use der::{Decode as _, Reader as _, SliceReader};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject as _;
use x509_cert::certificate::Version;
use x509_cert::crl::{RevokedCert, TbsCertList};
use x509_cert::ext::Extension;
use x509_cert::name::Name;

use crate::certificate::profile::{authority_key_id, key_identifier};
use crate::certificate::x509::{SignedStructure, X509, is_ed25519};
use crate::certificate::{CertificateDer, Serial, to_pem};
use crate::keys::PublicKey;
use crate::revocation::CrlError;
use crate::time::{Timestamp, Validity};

const AUTHORITY_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const REASON: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");

/// A revocation list as it travels, unverified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevocationList {
    crl: Vec<u8>,
    issuing: Option<CertificateDer>,
}

/// What a list says, once parsed.
pub(super) struct ListContent {
    pub(super) number: u64,
    pub(super) validity: Validity,
    pub(super) revoked: BTreeSet<Serial>,
    issuer: Name,
    authority_key_id: Vec<u8>,
}

impl RevocationList {
    /// The longest list: some twenty thousand revoked certificates.
    pub const MAX_BYTES: usize = 1 << 20;

    pub(crate) fn new(crl: Vec<u8>, issuing: Option<CertificateDer>) -> Self {
        Self { crl, issuing }
    }

    /// Splits the bytes into list and certificate; nothing is verified.
    ///
    /// # Errors
    /// [`CrlError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CrlError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(CrlError::Malformed);
        }
        let split = || -> der::Result<(&[u8], &[u8])> {
            let mut reader = SliceReader::new(bytes)?;
            let crl = reader.tlv_bytes()?;
            let rest = reader.read_slice(reader.remaining_len())?;
            Ok((crl, rest))
        };
        let (crl, rest) = split().map_err(|_| CrlError::Malformed)?;
        let issuing = match rest {
            [] => None,
            der => Some(CertificateDer::from_bytes(der).map_err(|_| CrlError::Malformed)?),
        };
        Ok(Self { crl: crl.to_vec(), issuing })
    }

    /// The bytes as they travel.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let issuing = self.issuing.as_ref().map_or(&[][..], CertificateDer::as_bytes);
        [&self.crl, issuing].concat()
    }

    /// As a PEM file: the list, then the issuing CA's certificate.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let issuing = self.issuing.as_ref().map(CertificateDer::to_pem);
        to_pem("X509 CRL", &self.crl) + &issuing.unwrap_or_default()
    }

    /// Reads such a PEM file; nothing is verified.
    ///
    /// # Errors
    /// [`CrlError::Malformed`].
    pub fn from_pem(pem: &str) -> Result<Self, CrlError> {
        let crl = CertificateRevocationListDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| CrlError::Malformed)?;
        let issuing = CertificateDer::from_pem(pem).ok();
        Self::from_bytes(&Self { crl: crl.as_ref().to_vec(), issuing }.to_bytes())
    }

    /// The `CertificateList` in DER.
    #[must_use]
    pub fn crl_der(&self) -> &[u8] {
        &self.crl
    }

    /// The issuing CA that signed it; none for a root's list.
    #[must_use]
    pub fn issuing_der(&self) -> Option<&CertificateDer> {
        self.issuing.as_ref()
    }

    pub(super) fn verify(&self, issuer: &PublicKey) -> Result<(), CrlError> {
        let structure = SignedStructure::parse(&self.crl).map_err(|_| CrlError::Malformed)?;
        structure.verify(issuer).map_err(|_| CrlError::Signature)
    }

    pub(super) fn content(&self) -> Result<ListContent, CrlError> {
        let content = SignedStructure::parse(&self.crl).map_err(|_| CrlError::Malformed)?.content;
        let list = TbsCertList::from_der(content).map_err(|_| CrlError::Malformed)?;
        read_content(list).ok_or(CrlError::Malformed)
    }
}

impl ListContent {
    /// Whether the list names that certificate as its issuer, by name and key identifier.
    pub(super) fn is_issued_by(&self, issuer: &X509) -> bool {
        let key_id = key_identifier(issuer).map(authority_key_id);
        self.issuer == issuer.subject && key_id.is_ok_and(|id| id == self.authority_key_id)
    }
}

impl ListContent {
    /// Whether the list and a certificate name the same issuer.
    pub(super) fn is_issued_beside(&self, issued: &X509) -> bool {
        let named = issued.extension(AUTHORITY_KEY_ID).map(|e| e.extn_value.as_bytes());
        self.issuer == issued.issuer && named == Some(&self.authority_key_id)
    }
}

fn read_content(list: TbsCertList) -> Option<ListContent> {
    if list.version != Version::V2 || !is_ed25519(&list.signature) {
        return None;
    }
    let mut authority_key_id = None;
    let mut number = None;
    for extension in list.crl_extensions? {
        let slot = extension.extn_value.as_bytes();
        match extension.extn_id {
            _ if extension.critical => return None,
            AUTHORITY_KEY_ID if authority_key_id.is_none() => {
                authority_key_id = Some(slot.to_vec())
            }
            CRL_NUMBER if number.is_none() => number = Some(u64::from_der(slot).ok()?),
            _ => return None,
        }
    }
    let not_before = Timestamp::from_secs(list.this_update.to_unix_duration().as_secs());
    let not_after = Timestamp::from_secs(list.next_update?.to_unix_duration().as_secs());
    let revoked = list.revoked_certificates.unwrap_or_default();
    Some(ListContent {
        number: number?,
        validity: Validity { not_before, not_after },
        revoked: revoked.into_iter().map(revoked_serial).collect::<Option<_>>()?,
        issuer: list.issuer,
        authority_key_id: authority_key_id?,
    })
}

/// Whatever the reason, an entry revokes for good.
fn revoked_serial(entry: RevokedCert) -> Option<Serial> {
    let harmless = |extension: &Extension| {
        !extension.critical && matches!(extension.extn_id, REASON | INVALIDITY_DATE)
    };
    let known = entry.crl_entry_extensions.unwrap_or_default().iter().all(harmless);
    let serial = Serial::from_der_integer(entry.serial_number.as_bytes());
    serial.filter(|_| known)
}
