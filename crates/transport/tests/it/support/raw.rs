//! A client that says whatever a test wants, on QUIC without this crate's manners.

use std::sync::Arc;

use enlace_proto::frame::{self, Place};
use enlace_proto::method::Method;
use enlace_proto::relay::v1::HelloRequest;
use enlace_transport::{Target, Trust};
use quinn::crypto::rustls::QuicClientConfig;
use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

use super::relay::loopback;
use super::{Credential, soon};

/// Which key agreements the client offers.
#[derive(Clone, Copy)]
pub(crate) enum Groups {
    Hybrid,
    ClassicOnly,
    Both,
}

pub(crate) struct RawClient {
    endpoint: quinn::Endpoint,
    config: quinn::ClientConfig,
}

impl RawClient {
    pub(crate) fn new(credential: &Credential, groups: Groups, alpn: &[u8]) -> Self {
        let chain = credential.chain.ders().into_iter().map(CertificateDer::from).collect();
        let key = PrivatePkcs8KeyDer::from(credential.key.to_pkcs8_der().to_vec());
        let tls = builder(groups).with_client_auth_cert(chain, key.into()).unwrap();
        Self::with(tls, alpn)
    }

    /// One without a certificate. Another protocol resumes its sessions, too.
    pub(crate) fn nobody(alpn: &[u8]) -> (Self, impl Fn(&[u8]) -> Self) {
        let tls = builder(Groups::Hybrid).with_no_client_auth();
        let again = tls.clone();
        (Self::with(tls, alpn), move |alpn: &[u8]| Self::with(again.clone(), alpn))
    }

    fn with(mut tls: ClientConfig, alpn: &[u8]) -> Self {
        tls.alpn_protocols = vec![alpn.to_vec()];
        let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
        Self { endpoint: quinn::Endpoint::client(loopback()).unwrap(), config }
    }

    /// TLS alone. The relay may refuse the certificate only after this returns.
    pub(crate) async fn connect(
        &self,
        target: &Target,
    ) -> Result<quinn::Connection, quinn::ConnectionError> {
        let address = (loopback().ip(), target.addresses[0].1).into();
        let connecting = self.endpoint.connect_with(self.config.clone(), address, "relay.example");
        soon(connecting.unwrap()).await
    }

    /// TLS and a proper hello.
    pub(crate) async fn greeted(&self, target: &Target, trust: &Trust) -> quinn::Connection {
        let connection = self.connect(target).await.unwrap();
        let hello = hello(trust, vec![1]);
        let request = frame::encode(Place::Request, Method::Hello.number(), &hello).unwrap();
        let answer = exchange(&connection, &request).await.unwrap();
        assert_eq!(answer[..2], frame::OK.to_be_bytes());
        connection
    }
}

pub(crate) fn hello(trust: &Trust, versions: Vec<u32>) -> HelloRequest {
    HelloRequest {
        versions,
        bundle_hash: trust.bundle().hash().as_bytes().to_vec(),
        ..HelloRequest::default()
    }
}

/// Sends bytes as a whole stream, and reads whatever comes back.
pub(crate) async fn exchange(
    connection: &quinn::Connection,
    bytes: &[u8],
) -> Result<Vec<u8>, quinn::ReadToEndError> {
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    // A relay that refuses early stops reading.
    let _ = send.write_all(bytes).await;
    let _ = send.finish();
    soon(recv.read_to_end(1 << 20)).await
}

fn builder(groups: Groups) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    ClientConfig::builder_with_provider(provider(groups))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TrustsAnybody))
}

fn provider(groups: Groups) -> Arc<CryptoProvider> {
    let kx_groups: Vec<&'static dyn SupportedKxGroup> = match groups {
        Groups::Hybrid => vec![kx_group::X25519MLKEM768],
        Groups::ClassicOnly => vec![kx_group::X25519, kx_group::SECP256R1],
        Groups::Both => vec![kx_group::X25519, kx_group::X25519MLKEM768],
    };
    Arc::new(CryptoProvider { kx_groups, ..default_provider() })
}

#[derive(Debug)]
struct TrustsAnybody;

impl ServerCertVerifier for TrustsAnybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}
