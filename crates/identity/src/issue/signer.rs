//! What a root and an issuing CA have in common: a certificate, its key, and signing with it.
//!
//! rcgen writes the structures; its own defaults (validity, serial number, key identifiers) are
//! all replaced here.

use ::time::OffsetDateTime;
use rcgen::{
    CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, Issuer,
    KeyIdMethod, PublicKeyData, RevokedCertParams, SerialNumber, SignatureAlgorithm,
};

use crate::canonical::sha256;
use crate::certificate::profile::key_identifier;
use crate::certificate::x509::X509;
use crate::certificate::{CertificateDer, Serial};
use crate::issue::{IssueError, RevocationContent};
use crate::keys::{PublicKey, SigningKey};
use crate::names::Domain;
use crate::time::{Timestamp, Validity};

/// A CA's certificate and key.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    pub(super) domain: Domain,
    pub(super) certificate: X509,
    key: SigningKey,
}

impl Signer {
    pub(super) fn new(
        domain: &Domain,
        certificate: X509,
        key: SigningKey,
    ) -> Result<Self, IssueError> {
        if certificate.public_key != key.public() {
            return Err(IssueError::WrongKey);
        }
        Ok(Self { domain: domain.clone(), certificate, key })
    }

    /// Signs a certificate for `subject`; `params` say all but validity, serial number and issuer.
    pub(super) fn issue(
        &self,
        mut params: CertificateParams,
        subject: &PublicKey,
        validity: Validity,
        serial: &Serial,
    ) -> Result<X509, IssueError> {
        let own = self.certificate.validity;
        if validity.not_before < own.not_before || validity.not_after > own.not_after {
            return Err(IssueError::Validity);
        }
        set_span(&mut params, validity, serial)?;
        params.use_authority_key_identifier_extension = true;
        params.key_identifier_method = key_id_of(subject);
        let issued = params
            .signed_by(&SubjectKey(*subject), &self.issuer()?)
            .map_err(|_| IssueError::Encoding)?;
        parse(issued.der())
    }

    pub(super) fn revocation_list(
        &self,
        content: &RevocationContent,
    ) -> Result<Vec<u8>, IssueError> {
        let revoked = |(serial, at): &(Serial, Timestamp)| {
            Ok(RevokedCertParams {
                serial_number: serial_number(serial),
                revocation_time: rcgen_time(*at)?,
                reason_code: None,
                invalidity_date: None,
            })
        };
        let key_id = key_identifier(&self.certificate)?;
        let params = CertificateRevocationListParams {
            this_update: rcgen_time(content.validity.not_before)?,
            next_update: rcgen_time(content.validity.not_after)?,
            crl_number: SerialNumber::from(content.number),
            issuing_distribution_point: None,
            revoked_certs: content
                .revoked
                .iter()
                .map(revoked)
                .collect::<Result<_, IssueError>>()?,
            key_identifier_method: KeyIdMethod::PreSpecified(key_id.to_vec()),
        };
        let list = params.signed_by(&self.issuer()?).map_err(|_| IssueError::Encoding)?;
        Ok(list.der().as_ref().to_vec())
    }

    fn issuer(&self) -> Result<Issuer<'static, CaKey>, IssueError> {
        Issuer::from_ca_cert_der(&self.certificate.der.to_pki(), CaKey::new(&self.key))
            .map_err(|_| IssueError::Encoding)
    }
}

/// Signs a certificate of `key` with `key` itself.
pub(super) fn self_sign(
    mut params: CertificateParams,
    key: &SigningKey,
    validity: Validity,
    serial: &Serial,
) -> Result<X509, IssueError> {
    set_span(&mut params, validity, serial)?;
    params.key_identifier_method = key_id_of(&key.public());
    let issued = params.self_signed(&CaKey::new(key)).map_err(|_| IssueError::Encoding)?;
    parse(issued.der())
}

/// A CA's name: unlike a leaf's it has an organisational unit, and it is unique to the key.
pub(super) fn ca_name(domain: &Domain, role: &str, key: &PublicKey) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, domain.as_str());
    name.push(DnType::OrganizationalUnitName, "Enlace");
    name.push(DnType::CommonName, format!("{role} {}", hex::encode(&sha256(key.as_bytes())[..4])));
    name
}

fn key_id_of(key: &PublicKey) -> KeyIdMethod {
    KeyIdMethod::PreSpecified(sha256(key.as_bytes())[..20].to_vec())
}

fn set_span(
    params: &mut CertificateParams,
    validity: Validity,
    serial: &Serial,
) -> Result<(), IssueError> {
    if validity.not_before.as_secs() >= validity.not_after.as_secs() {
        return Err(IssueError::Validity);
    }
    params.not_before = rcgen_time(validity.not_before)?;
    params.not_after = rcgen_time(validity.not_after)?;
    params.serial_number = Some(serial_number(serial));
    Ok(())
}

fn serial_number(serial: &Serial) -> SerialNumber {
    SerialNumber::from_slice(serial.as_bytes())
}

/// X.509 writes whole seconds, and no year beyond 9999.
fn rcgen_time(at: Timestamp) -> Result<OffsetDateTime, IssueError> {
    let secs = i64::try_from(at.as_secs()).map_err(|_| IssueError::Validity)?;
    OffsetDateTime::from_unix_timestamp(secs).map_err(|_| IssueError::Validity)
}

fn parse(der: &[u8]) -> Result<X509, IssueError> {
    let der = CertificateDer::from_bytes(der).map_err(|_| IssueError::Encoding)?;
    X509::parse(&der).map_err(|_| IssueError::Encoding)
}

/// Our key as rcgen wants it.
pub(super) struct CaKey {
    key: SigningKey,
    public: PublicKey,
}

impl CaKey {
    pub(super) fn new(key: &SigningKey) -> Self {
        Self { key: key.clone(), public: key.public() }
    }
}

impl PublicKeyData for CaKey {
    fn der_bytes(&self) -> &[u8] {
        self.public.as_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}

impl rcgen::SigningKey for CaKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.key.sign(message).as_bytes().to_vec())
    }
}

/// A subject's key as rcgen wants it.
struct SubjectKey(PublicKey);

impl PublicKeyData for SubjectKey {
    fn der_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}
