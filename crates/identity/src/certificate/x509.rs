//! Taking X.509 structures apart: parsing, without any judgement but on their form.

use der::asn1::ObjectIdentifier;
use der::{Decode as _, Reader as _, SliceReader};
use x509_cert::TbsCertificate;
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::{CertificateDer, Serial};
use crate::keys::{PublicKey, Signature, SignatureError};
use crate::time::{Timestamp, Validity};

/// `AlgorithmIdentifier` of Ed25519, without parameters (RFC 8410 §3).
const ED25519: [u8; 7] = [0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
const ED25519_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Not a structure of that kind, or not signed with Ed25519.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Malformed;

impl From<der::Error> for Malformed {
    fn from(_: der::Error) -> Self {
        Self
    }
}

/// What certificates, requests and revocation lists share: content, algorithm, signature.
pub(crate) struct SignedStructure<'a> {
    /// The signed bytes, exactly as they came.
    pub(crate) content: &'a [u8],
    signature: Signature,
}

impl<'a> SignedStructure<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = SliceReader::new(der)?;
        let parts = outer.sequence(|inner| {
            let content = inner.tlv_bytes()?;
            let algorithm = inner.tlv_bytes()?;
            let signature = der::asn1::BitStringRef::decode(inner)?;
            Ok((content, algorithm, signature))
        });
        let (content, algorithm, signature) = parts?;
        outer.finish(())?;
        let signature = signature.as_bytes().ok_or(Malformed)?;
        if algorithm != ED25519 {
            return Err(Malformed);
        }
        Ok(Self { content, signature: Signature::try_from(signature).map_err(|_| Malformed)? })
    }

    pub(crate) fn verify(&self, signer: &PublicKey) -> Result<(), SignatureError> {
        signer.verify(self.content, &self.signature)
    }
}

/// A certificate taken apart.
#[derive(Clone, Debug)]
pub(crate) struct X509 {
    pub(crate) der: CertificateDer,
    pub(crate) subject: Name,
    pub(crate) issuer: Name,
    pub(crate) serial: Serial,
    pub(crate) validity: Validity,
    pub(crate) public_key: PublicKey,
    pub(crate) extensions: Vec<Extension>,
}

impl X509 {
    pub(crate) fn parse(der: &CertificateDer) -> Result<Self, Malformed> {
        let content = SignedStructure::parse(der.as_bytes())?.content;
        let tbs = TbsCertificate::from_der(content)?;
        let unique_ids = tbs.issuer_unique_id.is_some() || tbs.subject_unique_id.is_some();
        if tbs.version != Version::V3 || unique_ids || !is_ed25519(&tbs.signature) {
            return Err(Malformed);
        }
        let not_before = tbs.validity.not_before.to_unix_duration();
        let not_after = tbs.validity.not_after.to_unix_duration();
        Ok(Self {
            der: der.clone(),
            subject: tbs.subject,
            issuer: tbs.issuer,
            serial: Serial::from_der_integer(tbs.serial_number.as_bytes()).ok_or(Malformed)?,
            validity: Validity {
                not_before: Timestamp::from_secs(not_before.as_secs()),
                not_after: Timestamp::from_secs(not_after.as_secs()),
            },
            public_key: public_key(&tbs.subject_public_key_info)?,
            extensions: tbs.extensions.unwrap_or_default(),
        })
    }

    pub(crate) fn verify_signature(&self, signer: &PublicKey) -> Result<(), SignatureError> {
        SignedStructure::parse(self.der.as_bytes())
            .map_err(|_| SignatureError)
            .and_then(|structure| structure.verify(signer))
    }

    pub(crate) fn extension(&self, id: ObjectIdentifier) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.extn_id == id)
    }
}

/// The key of a `SubjectPublicKeyInfo`, if it is an Ed25519 one that can be used.
pub(crate) fn public_key(info: &SubjectPublicKeyInfoOwned) -> Result<PublicKey, Malformed> {
    if !is_ed25519(&info.algorithm) {
        return Err(Malformed);
    }
    let bytes = info.subject_public_key.as_bytes().ok_or(Malformed)?;
    PublicKey::try_from(bytes).map_err(|_| Malformed)
}

/// RFC 8410 §3: the parameters are absent.
pub(crate) fn is_ed25519(algorithm: &AlgorithmIdentifierOwned) -> bool {
    algorithm.oid == ED25519_OID && algorithm.parameters.is_none()
}
