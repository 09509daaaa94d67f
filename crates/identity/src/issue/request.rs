//! Certificate requests (PKCS#10, RFC 2986): made by a device, read by the registrar.
//!
//! A request proves that its sender holds the key. What else it asks for is compared with what the
//! registrar approved, or refused; nothing of it but the key ends up in a certificate.

use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _};
use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, SanType};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::request::{CertReqInfo, ExtensionReq};

use crate::certificate::profile::{common_name, sole_dns_name};
use crate::certificate::to_pem;
use crate::certificate::x509::{SignedStructure, public_key};
use crate::issue::signer::CaKey;
use crate::keys::{PublicKey, SigningKey};
use crate::names::LeafName;

const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const PEM_LABEL: &str = "CERTIFICATE REQUEST";

/// A request whose sender has proven to hold the key, and which asks for nothing that no device
/// may have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateRequest {
    der: Vec<u8>,
    name: Option<LeafName>,
    common_name: Option<String>,
    public_key: PublicKey,
}

/// Why a request is refused: always the fault of whoever sent it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// Not a PKCS#10 request of an Ed25519 key.
    #[error("this is not a certificate request of an Ed25519 key (PKCS#10)")]
    Malformed,
    /// Its sender does not hold the key.
    #[error("the request is not signed with the key that it is for")]
    NotProven,
    /// It asks for a certificate with which others could be issued.
    #[error("the request asks for a certificate authority; only a root's key may issue that")]
    CertificateAuthority,
    /// It asks for more than one name, or one that is not a device's or service's.
    #[error("the request does not ask for exactly one name of a device or service")]
    Name,
}

impl CertificateRequest {
    /// The longest request.
    pub const MAX_BYTES: usize = 4096;

    /// Makes a request for `name`.
    ///
    /// # Errors
    /// [`RequestError::Name`] when `common_name` can't be encoded.
    pub fn create(
        key: &SigningKey,
        name: &LeafName,
        common_name: &str,
    ) -> Result<Self, RequestError> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::NoCa;
        params.subject_alt_names =
            vec![SanType::DnsName(name.as_str().try_into().map_err(|_| RequestError::Name)?)];
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, common_name);
        params.distinguished_name = subject;
        let request =
            params.serialize_request(&CaKey::new(key)).map_err(|_| RequestError::Malformed)?;
        Self::from_der(request.der())
    }

    /// Reads a request and checks the proof of possession.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn from_der(der: &[u8]) -> Result<Self, RequestError> {
        if der.len() > Self::MAX_BYTES {
            return Err(RequestError::Malformed);
        }
        let structure = SignedStructure::parse(der).map_err(|_| RequestError::Malformed)?;
        let info = CertReqInfo::from_der(structure.content).map_err(|_| RequestError::Malformed)?;
        let public_key = public_key(&info.public_key).map_err(|_| RequestError::Malformed)?;
        structure.verify(&public_key).map_err(|_| RequestError::NotProven)?;
        let extensions = extensions(&info)?;
        refuse_authority(&extensions)?;
        let name = requested_name(&extensions)?;
        let common_name = common_name(&info.subject).ok();
        Ok(Self { der: der.to_vec(), name, common_name, public_key })
    }

    /// Reads a PEM file.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn from_pem(pem: &str) -> Result<Self, RequestError> {
        match der::pem::decode_vec(pem.as_bytes()) {
            Ok((PEM_LABEL, der)) => Self::from_der(&der),
            _ => Err(RequestError::Malformed),
        }
    }

    /// As a PEM file.
    #[must_use]
    pub fn to_pem(&self) -> String {
        to_pem(PEM_LABEL, &self.der)
    }

    /// The DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The name it asks for, if it asks for one.
    #[must_use]
    pub fn name(&self) -> Option<&LeafName> {
        self.name.as_ref()
    }

    /// The person's or service's name, as the sender wrote it, if it can be shown.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The key, which its sender holds.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }
}

/// The extensions of every extension request among the attributes; other attributes say nothing
/// that a certificate could take over.
fn extensions(info: &CertReqInfo) -> Result<Vec<Extension>, RequestError> {
    let requests = info.attributes.iter().filter(|attribute| attribute.oid == EXTENSION_REQUEST);
    let values = requests.flat_map(|attribute| attribute.values.iter());
    let mut all = Vec::new();
    for value in values {
        let der = value.to_der().map_err(|_| RequestError::Malformed)?;
        let ExtensionReq(some) =
            ExtensionReq::from_der(&der).map_err(|_| RequestError::Malformed)?;
        all.extend(some);
    }
    Ok(all)
}

fn refuse_authority(extensions: &[Extension]) -> Result<(), RequestError> {
    for extension in extensions {
        let value = extension.extn_value.as_bytes();
        let authority = match extension.extn_id {
            BASIC_CONSTRAINTS => BasicConstraints::from_der(value).map(|b| b.ca),
            KEY_USAGE => KeyUsage::from_der(value).map(|k| k.key_cert_sign() || k.crl_sign()),
            _ => Ok(false),
        };
        if authority.map_err(|_| RequestError::Malformed)? {
            return Err(RequestError::CertificateAuthority);
        }
    }
    Ok(())
}

fn requested_name(extensions: &[Extension]) -> Result<Option<LeafName>, RequestError> {
    let mut names = extensions.iter().filter(|e| e.extn_id == SUBJECT_ALT_NAME);
    match (names.next(), names.next()) {
        (None, _) => Ok(None),
        (Some(names), None) => sole_dns_name(names).map(Some).map_err(|_| RequestError::Name),
        (Some(_), Some(_)) => Err(RequestError::Name),
    }
}
