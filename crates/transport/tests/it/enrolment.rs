//! Devices without a certificate: what a relay serves them, what it doesn't, and which relay they
//! hand their request to.

use std::sync::Arc;
use std::time::Duration;

use enlace_identity::entropy::Entropy;
use enlace_identity::revocation::RevocationLists;
use enlace_proto::frame::{self, Place};
use enlace_proto::method::{Caller, Method};
use enlace_proto::relay::v1::{
    EnrollRequest, EnrollResponse, Error, ErrorCode, FetchEnrolmentRequest, FetchEnrolmentResponse,
    LeaseRequest,
};
use enlace_transport::{
    Arrival, CloseCode, ConnectError, Endpoint, Expected, HandshakeError, HelloReply, NewcomerCall,
    NewcomerEndpoint, Trust, Untrusted, UnverifiedRelay,
};
use prost::Message as _;
use tokio::sync::mpsc;

use crate::support::{
    Authority, Credential, DAY, Device, Groups, PATIENCE, RawClient, TestClock, bundle, exchange,
    hello, loopback, serve, soon, trust,
};

const ENROL: &[u8] = b"enlace-enroll/1";

/// A relay that answers newcomers with the binding of their connection.
struct Scene {
    authority: Authority,
    clock: Arc<TestClock>,
    trust: Trust,
    port: u16,
    refused: mpsc::Receiver<HandshakeError>,
}

impl Scene {
    fn new(admits: bool) -> Self {
        let authority = Authority::new("a.example");
        let credential = authority.relay("r1");
        Self::of(authority, &credential, admits)
    }

    fn of(authority: Authority, credential: &Credential, admits: bool) -> Self {
        let clock = TestClock::new();
        let trust = trust(&[&authority], &[&authority], &clock);
        let identity = credential.identity(&trust);
        let endpoint = Endpoint::bind(loopback(), identity, trust.clone()).unwrap();
        if admits {
            endpoint.admit_newcomers(true).unwrap();
        }
        let port = endpoint.local_address().unwrap().port();
        let (report, refused) = mpsc::channel(64);
        tokio::spawn(run(endpoint, report));
        Self { authority, clock, trust, port, refused }
    }

    fn newcomer(&self) -> NewcomerEndpoint {
        NewcomerEndpoint::open(self.clock.clone(), &Entropy::system()).unwrap()
    }

    async fn dial(&self, newcomer: &NewcomerEndpoint) -> Result<UnverifiedRelay, ConnectError> {
        let addresses = [("127.0.0.1".to_owned(), self.port)];
        soon(newcomer.dial(&addresses, Duration::from_secs(20))).await
    }

    fn target(&self) -> enlace_transport::Target {
        let expected = Expected::AnyRelayOf(self.authority.domain.clone());
        enlace_transport::Target { expected, addresses: vec![("127.0.0.1".to_owned(), self.port)] }
    }

    /// What a device trusts that has just got the bundle.
    fn fresh_trust(&self) -> Trust {
        Trust::new(bundle(&[&self.authority]), RevocationLists::new(), self.clock.clone())
    }

    fn expected(&self) -> Expected {
        Expected::AnyRelayOf(self.authority.domain.clone())
    }

    fn lists(&self, revoked: &[&Credential]) -> Vec<Vec<u8>> {
        self.authority.lists(2, revoked)
    }

    /// A connection without a certificate, on the protocol of newcomers.
    async fn nobody(&self) -> quinn::Connection {
        RawClient::nobody(ENROL).0.connect(&self.target()).await.unwrap()
    }
}

async fn run(endpoint: Endpoint, report: mpsc::Sender<HandshakeError>) {
    while let Some(incoming) = endpoint.accept().await {
        let report = report.clone();
        tokio::spawn(async move {
            match incoming.arrive().await {
                Ok(Arrival::Peer(greeting)) => {
                    if let Ok(connection) = greeting.welcome(HelloReply::default()).await {
                        serve(connection).await;
                    }
                }
                Ok(Arrival::Newcomer(mut newcomer)) => {
                    let binding = newcomer.binding().to_vec();
                    while let Some(call) = newcomer.next().await {
                        match call {
                            NewcomerCall::Enroll(request, reply) => {
                                let certificates = vec![binding.clone(), request.request];
                                let _ = reply.send(Ok(EnrollResponse { certificates })).await;
                            }
                            NewcomerCall::Fetch(_, reply) => {
                                let response = FetchEnrolmentResponse {
                                    bundle: binding.clone(),
                                    ..FetchEnrolmentResponse::default()
                                };
                                let _ = reply.send(Ok(response)).await;
                            }
                        }
                    }
                }
                Err(error) => drop(report.send(error).await),
            }
        });
    }
}

#[tokio::test]
async fn a_newcomer_gets_the_bundle_verifies_the_relay_and_hands_its_request_in() {
    let scene = Scene::new(true);
    let newcomer = scene.newcomer();
    let relay = scene.dial(&newcomer).await.unwrap();
    let answer = relay.fetch(&FetchEnrolmentRequest::default(), PATIENCE).await.unwrap();
    assert_eq!(answer.bundle, relay.binding(), "both sides know it");
    let relay = relay.verify(&scene.fresh_trust(), &scene.expected(), &scene.lists(&[])).unwrap();
    let request = EnrollRequest { request: vec![7], ..EnrollRequest::default() };
    let answer = relay.enroll(&request, PATIENCE).await.unwrap();
    assert_eq!(answer.certificates, [relay.binding().to_vec(), vec![7]]);

    let again = scene.dial(&newcomer).await.unwrap();
    assert_ne!(again.binding(), relay.binding(), "a proof holds for one connection alone");
    newcomer.close().await;
}

#[tokio::test]
async fn a_relay_of_another_authority_does_not_get_the_request() {
    let scene = Scene::new(true);
    let other = Authority::new("b.example");
    let both = Trust::new(
        bundle(&[&scene.authority, &other]),
        RevocationLists::new(),
        scene.clock.clone(),
    );
    let relay = scene.dial(&scene.newcomer()).await.unwrap();
    let expected = Expected::AnyRelayOf(other.domain.clone());
    let refused = relay.verify(&both, &expected, &scene.lists(&[])).unwrap_err();
    assert!(matches!(refused, ConnectError::Untrusted(Untrusted::OtherName { .. })), "{refused}");

    let others_alone = Trust::new(bundle(&[&other]), RevocationLists::new(), scene.clock.clone());
    let relay = scene.dial(&scene.newcomer()).await.unwrap();
    let refused = relay.verify(&others_alone, &expected, &[]).unwrap_err();
    assert!(matches!(refused, ConnectError::Untrusted(Untrusted::Chain(_))), "{refused}");
}

#[tokio::test]
async fn a_device_that_poses_as_the_relay_does_not_get_the_request() {
    let authority = Authority::new("a.example");
    let clock = TestClock::new();
    let trusted = trust(&[&authority], &[&authority], &clock);
    // An officer of the same authority listens with what it has: a device's certificate.
    let device = authority.device("laptop", DAY);
    let chain = device.chain.ders().into_iter().map(Into::into).collect();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(device.key.to_pkcs8_der().to_vec());
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_protocol_versions(&[&rustls::version::TLS13])
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(chain, key.into())
    .unwrap();
    tls.alpn_protocols = vec![ENROL.to_vec()];
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(tls).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let endpoint = quinn::Endpoint::server(config, loopback()).unwrap();
    let port = endpoint.local_addr().unwrap().port();
    tokio::spawn(async move {
        let connection = endpoint.accept().await.unwrap().await.unwrap();
        connection.closed().await
    });
    let newcomer = NewcomerEndpoint::open(clock, &Entropy::system()).unwrap();
    let addresses = [("127.0.0.1".to_owned(), port)];
    let relay = soon(newcomer.dial(&addresses, Duration::from_secs(20))).await.unwrap();
    let expected = Expected::AnyRelayOf(authority.domain.clone());
    let refused = relay.verify(&trusted, &expected, &[]).unwrap_err();
    assert!(matches!(refused, ConnectError::Untrusted(Untrusted::OtherName { .. })), "{refused}");
}

#[tokio::test]
async fn a_relay_that_is_revoked_or_shows_no_current_lists_does_not_get_the_request() {
    let authority = Authority::new("a.example");
    let credential = authority.relay("r1");
    let scene = Scene::of(authority, &credential, true);
    for lists in [Vec::new(), scene.lists(&[&credential])] {
        let relay = scene.dial(&scene.newcomer()).await.unwrap();
        let refused = relay.verify(&scene.fresh_trust(), &scene.expected(), &lists).unwrap_err();
        assert!(matches!(refused, ConnectError::Untrusted(Untrusted::Revocation(_))), "{refused}");
    }
}

#[tokio::test]
async fn a_relay_that_admits_no_newcomers_speaks_no_such_protocol() {
    let scene = Scene::new(false);
    let refused = scene.dial(&scene.newcomer()).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Tls(_)), "{refused}");
}

#[tokio::test]
async fn whoever_has_no_certificate_gets_no_further_on_the_ordinary_protocol() {
    for admits in [false, true] {
        let mut scene = Scene::new(admits);
        let (nobody, again) = RawClient::nobody(ENROL);
        if admits {
            // A session that began as a newcomer's is resumed as nobody else's.
            let connection = nobody.connect(&scene.target()).await.unwrap();
            exchange(&connection, &encode(Method::FetchEnrolment)).await.unwrap();
        }
        let ordinary = again(b"enlace/1");
        if let Ok(connection) = ordinary.connect(&scene.target()).await {
            let request = frame::encode(
                Place::Request,
                Method::Hello.number(),
                &hello(&scene.trust, vec![1]),
            );
            exchange(&connection, &request.unwrap()).await.unwrap_err();
        }
        let refused = soon(scene.refused.recv()).await.unwrap();
        match (admits, &refused) {
            (true, HandshakeError::Untrusted(Untrusted::Format(_)))
            | (false, HandshakeError::Tls(_)) => {}
            _ => panic!("{admits}: {refused}"),
        }
    }
}

#[tokio::test]
async fn newcomers_can_make_two_calls_and_no_other() {
    let scene = Scene::new(true);
    for method in Method::ALL {
        let connection = scene.nobody().await;
        let answer = exchange(&connection, &encode(method)).await;
        if method.allows(Caller::Newcomer) {
            assert_eq!(answer.unwrap()[..2], frame::OK.to_be_bytes(), "{method:?}");
            continue;
        }
        if let Ok(answer) = answer {
            assert_eq!(error_of(&answer), ErrorCode::Unsupported, "{method:?}");
        }
        assert_closed(&connection, CloseCode::Protocol).await;
    }
}

#[tokio::test]
async fn whoever_has_a_certificate_cannot_make_newcomers_calls() {
    let scene = Scene::new(true);
    let client =
        RawClient::new(&scene.authority.device("laptop", DAY), Groups::Hybrid, b"enlace/1");
    let connection = client.greeted(&scene.target(), &scene.trust).await;
    for method in [Method::Enroll, Method::FetchEnrolment] {
        let answer = exchange(&connection, &encode(method)).await.unwrap();
        assert_eq!(error_of(&answer), ErrorCode::NotAllowed);
    }
    let device = Device::new(&scene.authority.device("phone", DAY), &scene.trust);
    device.connected(&scene.target()).await.call(&LeaseRequest::default(), PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_newcomers_frame_over_its_limit_or_cut_short_ends_the_connection() {
    let scene = Scene::new(true);
    let head = |method: Method, length: u32| {
        [&method.number().to_be_bytes()[..], &length.to_be_bytes()[..]].concat()
    };
    let limit = Method::Enroll.request_limit();
    assert!(limit <= 8 << 10);
    // Nothing of the bodies comes: the answer doesn't wait for them.
    for begun in [head(Method::Enroll, limit + 1), head(Method::FetchEnrolment, u32::MAX)] {
        let connection = scene.nobody().await;
        let (mut send, _recv) = connection.open_bi().await.unwrap();
        send.write_all(&begun).await.unwrap();
        assert_closed(&connection, CloseCode::Protocol).await;
    }
    let cut = [head(Method::Enroll, 9), vec![0; 8]].concat();
    let longer = [encode(Method::Enroll), vec![0]].concat();
    let garbage = [head(Method::Enroll, 4), vec![0xff; 4]].concat();
    for bad in [cut, longer, garbage, Vec::new()] {
        let connection = scene.nobody().await;
        drop(exchange(&connection, &bad).await);
        assert_closed(&connection, CloseCode::Protocol).await;
    }
    // Whoever behaves is still served.
    scene.dial(&scene.newcomer()).await.unwrap();
}

#[tokio::test]
async fn a_newcomer_makes_few_calls_on_one_connection() {
    let scene = Scene::new(true);
    let connection = scene.nobody().await;
    for _ in 0..4 {
        exchange(&connection, &encode(Method::Enroll)).await.unwrap();
    }
    exchange(&connection, &encode(Method::Enroll)).await.unwrap_err();
    assert_closed(&connection, CloseCode::Limit).await;
}

#[tokio::test]
async fn newcomers_that_stall_keep_no_certified_device_out() {
    let scene = Scene::new(true);
    let (client, _) = RawClient::nobody(ENROL);
    let mut stalled = Vec::new();
    let mut refused = 0;
    for _ in 0..12 {
        let connection = client.connect(&scene.target()).await.unwrap();
        match exchange(&connection, &encode(Method::Enroll)).await {
            Ok(_) => stalled.push(connection),
            Err(_) => {
                assert_closed(&connection, CloseCode::Limit).await;
                refused += 1;
            }
        }
    }
    assert_eq!((stalled.len(), refused), (8, 4), "one network has so many places");
    let device = Device::new(&scene.authority.device("phone", DAY), &scene.trust);
    device.connected(&scene.target()).await;
    drop(stalled);
}

fn encode(method: Method) -> Vec<u8> {
    let empty = LeaseRequest::default();
    frame::encode(Place::Request, method.number(), &empty).unwrap().to_vec()
}

fn error_of(answer: &[u8]) -> ErrorCode {
    assert_eq!(answer[..2], frame::ERROR.to_be_bytes());
    Error::decode(&answer[frame::HEADER_BYTES..]).unwrap().code()
}

async fn assert_closed(connection: &quinn::Connection, code: CloseCode) {
    let closed = soon(connection.closed()).await;
    let quinn::ConnectionError::ApplicationClosed(close) = closed else {
        panic!("closed by the relay, not by {closed:?}");
    };
    assert_eq!(close.error_code.into_inner(), u64::from(code.number()));
}
