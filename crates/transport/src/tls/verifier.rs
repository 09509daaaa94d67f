//! Verifies the peer's chain inside the handshake, so that a stranger gets no further.
//!
//! Chain, profile, expiry and, for a dialler, the expected name. Revocation waits for hello, which
//! brings the peer's lists.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::LeafUsage;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::ED25519_ONLY;
use crate::close::CloseCode;
use crate::expected::Expected;
use crate::trust::{CONNECTING, Trust};
use crate::untrusted::Untrusted;

/// Both sides' verifier. It is one object for all connections of an endpoint: rustls resumes a
/// session only under the verifier that it began with.
#[derive(Debug)]
pub(crate) struct PeerVerifier {
    trust: Trust,
    runs: AtomicU64,
    newcomers: AtomicBool,
    refused: Mutex<HashMap<String, Untrusted>>,
}

impl PeerVerifier {
    pub(crate) fn new(trust: Trust) -> Self {
        let (runs, newcomers) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { trust, runs, newcomers, refused: Mutex::default() }
    }

    /// How many handshakes have asked: full ones do, resumed ones don't.
    pub(crate) fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Whether whoever shows no certificate gets through TLS, which has no other verifier for another
    /// protocol. On the ordinary one they get no further: every connection's certificates are looked
    /// at again.
    pub(crate) fn admit_newcomers(&self, admits: bool) {
        self.newcomers.store(admits, Ordering::Relaxed);
    }

    pub(crate) fn admits_newcomers(&self) -> bool {
        self.newcomers.load(Ordering::Relaxed)
    }

    /// Takes out why the certificate of whoever answered under that name was refused: TLS itself
    /// only passes an alert number on.
    pub(crate) fn take_refusal(&self, server_name: &str) -> Option<Untrusted> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).remove(server_name)
    }

    fn verify_client(&self, chain: &[&[u8]]) -> Result<(), Untrusted> {
        let chain = UnverifiedChain::from_ders(chain)?;
        self.trust.verify_chain(&chain, &CONNECTING)?;
        Ok(())
    }

    fn verify_server(&self, chain: &[&[u8]], expected: &Expected) -> Result<(), Untrusted> {
        let chain = UnverifiedChain::from_ders(chain)?;
        let leaf = self.trust.verify_chain(&chain, &[LeafUsage::Relay])?;
        expected.check(&leaf)
    }
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let name = server_name.to_str();
        let expected = Expected::from_server_name(&name)
            .ok_or(Error::InvalidCertificate(CertificateError::NotValidForName))?;
        match self.verify_server(&ders(leaf, intermediates), &expected) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(untrusted) => {
                let error = alert_of(&untrusted);
                let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                refused.insert(name.into_owned(), untrusted);
                Err(error)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls13RequiredForQuic))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &ED25519_ONLY)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ED25519_ONLY.supported_schemes()
    }
}

impl ClientCertVerifier for PeerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        !self.admits_newcomers()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.verify_client(&ders(leaf, intermediates)).map_err(|untrusted| alert_of(&untrusted))?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ED25519_ONLY.supported_schemes()
    }
}

fn ders<'a>(leaf: &'a CertificateDer<'_>, others: &'a [CertificateDer<'_>]) -> Vec<&'a [u8]> {
    std::iter::once(leaf).chain(others).map(AsRef::as_ref).collect()
}

/// The error whose TLS alert says the most (RFC 8446 §6.2): 45 for time, 48 for strangers, 42 for
/// another name.
fn alert_of(untrusted: &Untrusted) -> Error {
    Error::InvalidCertificate(match (untrusted, untrusted.close_code()) {
        (_, CloseCode::Expired) => CertificateError::Expired,
        (Untrusted::OtherName { .. }, _) => CertificateError::NotValidForName,
        (Untrusted::Format(_), _) => CertificateError::BadEncoding,
        _ => CertificateError::UnknownIssuer,
    })
}
