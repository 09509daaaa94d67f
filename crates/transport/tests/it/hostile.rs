//! Peers with good certificates and bad manners.

use enlace_proto::frame::{self, Place};
use enlace_proto::method::Method;
use enlace_proto::relay::v1::{Envelope, Error, ErrorCode, LeaseRequest, SubmitRequest};
use enlace_transport::{CloseCode, HandshakeError, HelloError};
use prost::Message;

use crate::support::{
    Authority, DAY, Device, Groups, PATIENCE, RawClient, Relay, TestClock, exchange, hello,
    loopback, soon, trust,
};

struct Scene {
    a: Authority,
    trust: enlace_transport::Trust,
    relay: Relay,
}

fn scene() -> Scene {
    let a = Authority::new("a.example");
    let trust = trust(&[&a], &[&a], &TestClock::new());
    let relay = Relay::start(&a, "r1", &trust);
    Scene { a, trust, relay }
}

impl Scene {
    fn client(&self) -> RawClient {
        RawClient::new(&self.a.device("laptop", DAY), Groups::Hybrid, b"enlace/1")
    }

    async fn greeted(&self) -> quinn::Connection {
        self.client().greeted(&self.relay.target, &self.trust).await
    }
}

#[tokio::test]
async fn a_first_packet_that_cannot_be_read_is_noise() {
    let mut scene = scene();
    let socket = tokio::net::UdpSocket::bind(loopback()).await.unwrap();
    let address = scene.relay.endpoint.local_address().unwrap();
    // An Initial packet of version 1 with two connection ids of 8 bytes, and nothing true in it.
    // What its header's masked bits come to depends on its bytes: one in four gets any further.
    for filler in 0..64 {
        let header = [&[0xc3, 0, 0, 0, 1, 8][..], &[1; 8], &[8], &[2; 8], &[0], &[0x44, 0x96]];
        let mut packet = header.concat();
        packet.resize(1200, filler);
        socket.send_to(&packet, address).await.unwrap();
    }
    assert_eq!(scene.relay.accepted().await.unwrap_err(), HandshakeError::Noise);
    scene.greeted().await;
}

#[tokio::test]
async fn nothing_is_served_before_hello() {
    let mut scene = scene();
    let connection = scene.client().connect(&scene.relay.target).await.unwrap();
    let lease = encode(Method::Lease, &LeaseRequest::default());
    exchange(&connection, &lease).await.unwrap_err();
    assert_closed(&connection, CloseCode::Protocol).await;
    assert_eq!(scene.relay.accepted().await.unwrap_err(), HandshakeError::Protocol);
}

#[tokio::test]
async fn a_hello_that_cannot_be_read_ends_the_connection() {
    let mut scene = scene();
    let good = encode(Method::Hello, &hello(&scene.trust, vec![1]));
    let garbage = [&[0, 1, 0, 0, 0, 4][..], &[0xff; 4]].concat();
    let too_long = [0, 1, 0xff, 0xff, 0xff, 0xff].to_vec();
    for bad in [good[..good.len() - 1].to_vec(), garbage, too_long, Vec::new()] {
        let connection = scene.client().connect(&scene.relay.target).await.unwrap();
        exchange(&connection, &bad).await.unwrap_err();
        assert_closed(&connection, CloseCode::Protocol).await;
        assert_eq!(scene.relay.accepted().await.unwrap_err(), HandshakeError::Protocol);
    }
}

#[tokio::test]
async fn a_peer_from_the_future_is_told_so() {
    let mut scene = scene();
    let connection = scene.client().connect(&scene.relay.target).await.unwrap();
    let request = encode(Method::Hello, &hello(&scene.trust, vec![3, 2]));
    exchange(&connection, &request).await.unwrap_err();
    assert_closed(&connection, CloseCode::NoCommonVersion).await;
    let refused = scene.relay.accepted().await.unwrap_err();
    assert_eq!(refused, HandshakeError::Hello(HelloError::NoCommonVersion));
}

#[tokio::test]
async fn bad_lists_in_hello_do_no_harm() {
    let scene = scene();
    let connection = scene.client().connect(&scene.relay.target).await.unwrap();
    let mut request = hello(&scene.trust, vec![1]);
    let mut mutated = scene.a.lists(9, &[]).remove(1);
    let middle = mutated.len() / 2;
    mutated[middle] ^= 1;
    request.crls = vec![Vec::new(), vec![0x30; 1000], mutated];
    exchange(&connection, &encode(Method::Hello, &request)).await.unwrap();
    assert_still_serves(&connection).await;
}

#[tokio::test]
async fn a_second_hello_is_no_call() {
    let scene = scene();
    let connection = scene.greeted().await;
    let request = encode(Method::Hello, &hello(&scene.trust, vec![1]));
    assert_refused(&connection, &request, ErrorCode::Malformed).await;
    assert_still_serves(&connection).await;
}

#[tokio::test]
async fn a_frame_over_its_limit_is_refused_before_its_body_comes() {
    let scene = scene();
    let connection = scene.greeted().await;
    for method in Method::ALL {
        let length = method.request_limit() + 1;
        let header = [&method.number().to_be_bytes()[..], &length.to_be_bytes()[..]].concat();
        let (mut send, mut recv) = connection.open_bi().await.unwrap();
        send.write_all(&header).await.unwrap();
        // The stream stays open: the answer doesn't wait for the rest.
        let answer = soon(recv.read_to_end(1 << 16)).await.unwrap();
        assert_eq!(error_of(&answer), ErrorCode::Malformed);
    }
    assert_still_serves(&connection).await;
}

#[tokio::test]
async fn an_unknown_method_is_refused() {
    let scene = scene();
    let connection = scene.greeted().await;
    assert_refused(&connection, &[0, 99, 0, 0, 0, 0], ErrorCode::Unsupported).await;
    assert_refused(&connection, &[0, 0, 0, 0, 0, 0], ErrorCode::Unsupported).await;
    assert_still_serves(&connection).await;
}

#[tokio::test]
async fn truncated_requests_are_refused() {
    let scene = scene();
    let connection = scene.greeted().await;
    let request = encode(Method::Submit, &submit());
    for end in 1..request.len() {
        assert_refused(&connection, &request[..end], ErrorCode::Malformed).await;
    }
    assert_still_serves(&connection).await;
}

#[tokio::test]
async fn bytes_after_a_request_are_refused() {
    let scene = scene();
    let connection = scene.greeted().await;
    let request = encode(Method::Submit, &submit());
    let twice = [&request[..], &request[..]].concat();
    assert_refused(&connection, &twice, ErrorCode::Malformed).await;
    assert_still_serves(&connection).await;
}

#[tokio::test]
async fn mutated_requests_harm_nobody() {
    let scene = scene();
    let connection = scene.greeted().await;
    let request = encode(Method::Submit, &submit());
    for position in 0..request.len() {
        for bit in 0..8 {
            let mut mutated = request.clone();
            mutated[position] ^= 1 << bit;
            // Whatever the answer is, one comes or the stream is abandoned.
            drop(exchange(&connection, &mutated).await);
        }
    }
    assert_still_serves(&connection).await;
}

#[tokio::test]
async fn stalled_streams_block_nobody() {
    let scene = scene();
    let connection = scene.greeted().await;
    let mut stalled = Vec::new();
    for index in 0..12_usize {
        let (mut send, recv) = connection.open_bi().await.unwrap();
        // Half of a header, a header alone, or a large body that doesn't come.
        let large = [&[0, 6][..], &(4_u32 << 20).to_be_bytes()[..], &[0; 70_000]].concat();
        let begun = [&[0, 6, 0][..], &[0, 6, 0, 0, 0, 9], &large][index % 3].to_vec();
        send.write_all(&begun).await.unwrap();
        stalled.push((send, recv));
    }
    assert_still_serves(&connection).await;

    let other = Device::new(&scene.a.device("phone", DAY), &scene.trust);
    let other = other.connected(&scene.relay.target).await;
    let large = SubmitRequest { payload: vec![1; 4 << 20].into(), ..SubmitRequest::default() };
    other.call(&large, PATIENCE).await.unwrap_err();
    drop(stalled);
}

#[tokio::test]
async fn no_more_streams_are_permitted_than_agreed() {
    let scene = scene();
    let connection = scene.greeted().await;
    let mut open = Vec::new();
    let now = std::time::Duration::ZERO;
    while let Ok(stream) = tokio::time::timeout(now, connection.open_bi()).await {
        open.push(stream.unwrap());
        assert!(open.len() <= 16);
    }
    assert!(open.len() >= 12);
    let one_way = tokio::time::timeout(now, connection.open_uni());
    assert!(one_way.await.is_err());
    assert_eq!(connection.max_datagram_size(), None);
}

fn encode<M: Message>(method: Method, request: &M) -> Vec<u8> {
    frame::encode(Place::Request, method.number(), request).unwrap().to_vec()
}

fn submit() -> SubmitRequest {
    SubmitRequest {
        envelope: Some(Envelope { author: "a".into(), ..Envelope::default() }),
        payload: vec![2; 20].into(),
        hub: "a.example".to_owned(),
        ..SubmitRequest::default()
    }
}

fn error_of(answer: &[u8]) -> ErrorCode {
    assert_eq!(answer[..2], frame::ERROR.to_be_bytes());
    Error::decode(&answer[frame::HEADER_BYTES..]).unwrap().code()
}

async fn assert_refused(connection: &quinn::Connection, request: &[u8], code: ErrorCode) {
    assert_eq!(error_of(&exchange(connection, request).await.unwrap()), code);
}

async fn assert_still_serves(connection: &quinn::Connection) {
    let lease = encode(Method::Lease, &LeaseRequest::default());
    let answer = exchange(connection, &lease).await.unwrap();
    assert_eq!(answer[..2], frame::OK.to_be_bytes());
}

async fn assert_closed(connection: &quinn::Connection, code: CloseCode) {
    let closed = soon(connection.closed()).await;
    let quinn::ConnectionError::ApplicationClosed(close) = closed else {
        panic!("closed by the relay, not by {closed:?}");
    };
    assert_eq!(close.error_code.into_inner(), u64::from(code.number()));
}
