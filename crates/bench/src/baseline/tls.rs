//! TLS and QUIC parameters like those of the real transport: the same certificates, key agreement,
//! cipher suites, stream counts and windows. Certificates are verified by rustls's own verifiers.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::SigningKey;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{Endpoint, EndpointConfig, TokioRuntime, TransportConfig, VarInt};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider, kx_group};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use socket2::{Domain, Protocol, Socket, Type};

use crate::place::{CERTIFICATES, KEY, ROOTS};

const ALPN: &[u8] = b"bare";
const STREAMS: u32 = 16;
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
const SOCKET_BYTES: usize = 4 << 20;
const IDLE: Duration = Duration::from_secs(60);
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// A socket that accepts, with the relay's certificate from its directory.
pub(crate) fn server(directory: &Path) -> Result<Endpoint> {
    let (chain, key) = credential(directory)?;
    let provider = provider();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots(directory)?), provider.clone())
            .build()?;
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&chain), private(&key))?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(Arc::new(transport(STREAMS)?));
    endpoint(Some(config))
}

/// A socket that dials with the relay's certificate from its directory.
pub(crate) fn client_of_relay(directory: &Path) -> Result<Endpoint> {
    let (chain, key) = credential(directory)?;
    client(directory, &chain, &key)
}

/// A socket that dials with a device's certificate.
pub(crate) fn client(
    directory: &Path,
    chain: &UnverifiedChain,
    key: &SigningKey,
) -> Result<Endpoint> {
    let mut tls = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots(directory)?)
        .with_client_auth_cert(certificates(chain), private(key))?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    let mut transport = transport(0)?;
    transport.keep_alive_interval(Some(KEEP_ALIVE));
    config.transport_config(Arc::new(transport));
    let mut endpoint = endpoint(None)?;
    endpoint.set_default_client_config(config);
    Ok(endpoint)
}

fn credential(directory: &Path) -> Result<(UnverifiedChain, SigningKey)> {
    let chain = UnverifiedChain::from_pem(&fs::read_to_string(directory.join(CERTIFICATES))?)?;
    let key = SigningKey::from_pem(&fs::read_to_string(directory.join(KEY))?, None)?;
    Ok((chain, key))
}

fn endpoint(server: Option<quinn::ServerConfig>) -> Result<Endpoint> {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // The kernel may grant less, to the relay as well.
    let _ = socket.set_recv_buffer_size(SOCKET_BYTES);
    let _ = socket.set_send_buffer_size(SOCKET_BYTES);
    socket.bind(&address.into()).context("no UDP port is free")?;
    let socket = UdpSocket::from(socket);
    Ok(Endpoint::new(EndpointConfig::default(), server, socket, Arc::new(TokioRuntime))?)
}

fn transport(streams: u32) -> Result<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(CONNECTION_WINDOW.into())
        .max_idle_timeout(Some(IDLE.try_into()?));
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
            // Of QUIC's first packets alone.
            cipher_suite::TLS13_AES_128_GCM_SHA256,
        ],
        kx_groups: vec![kx_group::X25519MLKEM768],
        ..default_provider()
    })
}

fn roots(directory: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for root in fs::read_dir(directory.join(ROOTS))? {
        roots.add(CertificateDer::from(fs::read(root?.path())?))?;
    }
    Ok(roots)
}

fn certificates(chain: &UnverifiedChain) -> Vec<CertificateDer<'static>> {
    chain.ders().into_iter().map(CertificateDer::from).collect()
}

fn private(key: &SigningKey) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.to_pkcs8_der().to_vec()).into()
}
