//! TLS 1.3 as this protocol wants it, and nothing besides (PROTOCOL.md §4.1).
//!
//! One key agreement, X25519MLKEM768; Ed25519 certificates on both sides; no early data; no server
//! name on the wire. Sessions may be resumed: rustls then runs no verifier, which is why every
//! connection's chain is verified again by [`crate::connection`].

mod unverified;
mod verifier;

use std::sync::Arc;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::server::ServerSessionMemoryCache;
use rustls::{ClientConfig, ServerConfig, SignatureScheme};

use crate::clock::{Clock, TlsTime};
use crate::enrolment::ENROLMENT_ALPN;
use crate::local::LocalIdentity;
use crate::trust::Trust;

use self::unverified::UnverifiedServer;
pub(crate) use self::verifier::PeerVerifier;

/// The application protocol.
pub const ALPN: &[u8] = b"enlace/1";

/// Sessions that a relay remembers for resumption, and that a dialler does.
const SERVER_SESSIONS: usize = 4096;
const CLIENT_SESSIONS: usize = 256;

const ED25519_ONLY: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[webpki::aws_lc_rs::ED25519],
    mapping: &[(SignatureScheme::ED25519, &[webpki::aws_lc_rs::ED25519])],
};

/// TLS can't be set up: our own fault, or the library's.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// rustls refuses the configuration.
    #[error("TLS can't be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// QUIC misses the cipher suite of its first packets.
    #[error("QUIC can't be set up: {0}")]
    Quic(#[from] quinn::crypto::rustls::NoInitialCipherSuite),
}

pub(crate) fn client(
    identity: &LocalIdentity,
    trust: &Trust,
    verifier: Arc<PeerVerifier>,
) -> Result<quinn::ClientConfig, TlsSetupError> {
    let time = Arc::new(TlsTime(Arc::new(trust.clone())));
    let mut config = ClientConfig::builder_with_details(provider(), time)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(identity.certified());
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_sni = false;
    config.resumption = Resumption::in_memory_sessions(CLIENT_SESSIONS);
    let crypto = QuicClientConfig::with_initial(Arc::new(config), initial_suite()?)?;
    Ok(quinn::ClientConfig::new(Arc::new(crypto)))
}

/// For a device without certificate and bundle: the relay's certificate is kept for later, and no
/// session is.
pub(crate) fn newcomer(clock: Arc<dyn Clock>) -> Result<quinn::ClientConfig, TlsSetupError> {
    let mut config = ClientConfig::builder_with_details(provider(), Arc::new(TlsTime(clock)))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(UnverifiedServer))
        .with_no_client_auth();
    config.alpn_protocols = vec![ENROLMENT_ALPN.to_vec()];
    config.enable_sni = false;
    config.resumption = Resumption::disabled();
    let crypto = QuicClientConfig::with_initial(Arc::new(config), initial_suite()?)?;
    Ok(quinn::ClientConfig::new(Arc::new(crypto)))
}

pub(crate) fn server(
    identity: &LocalIdentity,
    trust: &Trust,
    verifier: Arc<PeerVerifier>,
) -> Result<quinn::ServerConfig, TlsSetupError> {
    let time = Arc::new(TlsTime(Arc::new(trust.clone())));
    let mut config = ServerConfig::builder_with_details(provider(), time)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier.clone())
        .with_cert_resolver(identity.certified());
    config.alpn_protocols = vec![ALPN.to_vec()];
    if verifier.admits_newcomers() {
        config.alpn_protocols.push(ENROLMENT_ALPN.to_vec());
    }
    config.session_storage = ServerSessionMemoryCache::new(SERVER_SESSIONS);
    config.send_tls13_tickets = 1;
    let crypto = QuicServerConfig::with_initial(Arc::new(config), initial_suite()?)?;
    Ok(quinn::ServerConfig::with_crypto(Arc::new(crypto)))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![kx_group::X25519MLKEM768],
        signature_verification_algorithms: ED25519_ONLY,
        ..default_provider()
    })
}

/// RFC 9001 §5.2: the first packets are always protected by AES-128-GCM, under a public key.
fn initial_suite() -> Result<rustls::quic::Suite, rustls::Error> {
    cipher_suite::TLS13_AES_128_GCM_SHA256
        .tls13()
        .and_then(rustls::Tls13CipherSuite::quic_suite)
        .ok_or_else(|| rustls::Error::General("AES-128-GCM is not built in".into()))
}
