//! How a connection that somebody opens becomes one that is served.
//!
//! [`Incoming`] → [`Incoming::greet`] → [`Greeting`] → [`Greeting::welcome`] → [`Connection`]. The
//! steps can't be left out: calls are only accepted on a connection. Where newcomers are admitted,
//! [`Incoming::arrive`] stands in the place of `greet`.

use std::net::SocketAddr;
use std::time::Duration;

use enlace_identity::chain::VerifiedLeaf;
use enlace_proto::frame::{self, Place};
use enlace_proto::method::Method;
use enlace_proto::relay::v1::HelloRequest;
use enlace_proto::shape;
use quinn::{ConnectionError, TransportErrorCode};

use crate::close::{CloseCode, Lost};
use crate::connection::{Connection, protocol_of, speaks_enlace, verify_peer};
use crate::endpoint::Endpoint;
use crate::enrolment::{ENROLMENT_ALPN, Newcomer};
use crate::guard::{Before, Guard};
use crate::handshakes;
use crate::hello::{self, HelloError, HelloReply};
use crate::untrusted::Untrusted;
use crate::wire::{self, FrameSource, ReceiveError, SendError};

/// How long a peer may take from its first packet to the end of hello.
const GREETING_TIME: Duration = Duration::from_secs(15);

/// A connection that somebody wants to open.
#[derive(Debug)]
pub struct Incoming {
    endpoint: Endpoint,
    quic: quinn::Incoming,
    place: handshakes::Place,
}

/// Why somebody's connection was not accepted. The peer has been told by a close code.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HandshakeError {
    /// Its first packet says nothing: left over from an earlier connection, or garbage. Of such
    /// packets only some get this far, by the chance of two masked bits: nothing may depend on it.
    #[error("the first packet cannot be read")]
    Noise,
    /// TLS failed: a stranger's certificate, another protocol or key agreement, or nobody there.
    #[error("the handshake failed: {0}")]
    Tls(Lost),
    /// The certificate doesn't hold, though TLS let it pass: a session was resumed.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// Hello was understood and refused.
    #[error("hello was refused: {0}")]
    Hello(#[from] HelloError),
    /// The first call was not hello, or can't be read.
    #[error("the peer broke the protocol before hello")]
    Protocol,
    /// Too many are there who have no certificate.
    #[error("there are too many without a certificate")]
    NoPlace,
    /// It took too long.
    #[error("hello did not come in time")]
    TimedOut,
    /// The connection went away during hello.
    #[error(transparent)]
    Lost(Lost),
}

impl HandshakeError {
    /// What the peer is told; nothing if it is gone or TLS has told it.
    fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Noise | Self::Tls(_) | Self::Lost(_) | Self::NoPlace => None,
            Self::Untrusted(untrusted) => Some(untrusted.close_code()),
            Self::Hello(error) => Some(error.close_code()),
            Self::Protocol => Some(CloseCode::Protocol),
            Self::TimedOut => Some(CloseCode::HelloTimeout),
        }
    }
}

/// Who has come.
#[derive(Debug)]
pub enum Arrival {
    /// A peer with a certificate, which has said hello.
    Peer(Box<Greeting>),
    /// A device without a certificate.
    Newcomer(Newcomer),
}

/// A peer that has said hello and is trusted; it waits for the answer.
#[derive(Debug)]
pub struct Greeting {
    endpoint: Endpoint,
    quic: quinn::Connection,
    answer: quinn::SendStream,
    peer: VerifiedLeaf,
    request: HelloRequest,
    version: u32,
    guard: Guard,
    _place: handshakes::Place,
}

impl Incoming {
    pub(crate) fn new(endpoint: Endpoint, quic: quinn::Incoming, place: handshakes::Place) -> Self {
        Self { endpoint, quic, place }
    }

    /// Where it comes from, as claimed.
    #[must_use]
    pub fn remote_address(&self) -> SocketAddr {
        self.quic.remote_address()
    }

    /// Turns it away.
    pub fn refuse(self) {
        self.quic.refuse();
    }

    /// Does the handshake, verifies the certificate again, and waits for hello. Turns those away who
    /// have no certificate.
    ///
    /// # Errors
    /// [`HandshakeError`]; the connection is closed then.
    pub async fn greet(self) -> Result<Greeting, HandshakeError> {
        match self.arrive().await? {
            Arrival::Peer(greeting) => Ok(*greeting),
            Arrival::Newcomer(newcomer) => {
                newcomer.turn_away(CloseCode::Protocol);
                Err(HandshakeError::Protocol)
            }
        }
    }

    /// As [`greet`](Self::greet), and hands out those who have no certificate where the endpoint
    /// admits them.
    ///
    /// # Errors
    /// [`HandshakeError`]; the connection is closed then.
    pub async fn arrive(self) -> Result<Arrival, HandshakeError> {
        let Self { endpoint, quic, place } = self;
        let deadline = tokio::time::Instant::now() + GREETING_TIME;
        let tls_failed = |error| HandshakeError::Tls(Lost::from(error));
        let connecting = quic.accept().map_err(|error| match error {
            ConnectionError::TransportError(ref broken)
                if broken.code == TransportErrorCode::PROTOCOL_VIOLATION =>
            {
                HandshakeError::Noise
            }
            error => tls_failed(error),
        })?;
        let quic = tokio::time::timeout_at(deadline, connecting)
            .await
            .map_err(|_| HandshakeError::TimedOut)?
            .map_err(tls_failed)?;
        if protocol_of(&quic).as_deref() == Some(ENROLMENT_ALPN) {
            drop(place);
            return newcomer(&endpoint, quic).map(Arrival::Newcomer);
        }

        let greeted = tokio::time::timeout_at(deadline, greet(&endpoint, &quic)).await;
        match greeted.unwrap_or(Err(HandshakeError::TimedOut)) {
            Ok(Greeted { peer, request, version, answer, guard }) => {
                let _place = place;
                let greeting =
                    Greeting { endpoint, quic, answer, peer, request, version, guard, _place };
                Ok(Arrival::Peer(Box::new(greeting)))
            }
            Err(error) => {
                if let Some(code) = error.close_code() {
                    code.close(&quic);
                }
                Err(error)
            }
        }
    }
}

fn newcomer(endpoint: &Endpoint, quic: quinn::Connection) -> Result<Newcomer, HandshakeError> {
    let Some(place) = endpoint.newcomers_place(quic.remote_address()) else {
        CloseCode::Limit.close(&quic);
        return Err(HandshakeError::NoPlace);
    };
    Newcomer::new(quic, place)
}

struct Greeted {
    peer: VerifiedLeaf,
    request: HelloRequest,
    version: u32,
    answer: quinn::SendStream,
    guard: Guard,
}

async fn greet(endpoint: &Endpoint, quic: &quinn::Connection) -> Result<Greeted, HandshakeError> {
    if !speaks_enlace(quic) {
        return Err(HandshakeError::Protocol);
    }
    let trust = endpoint.trust();
    let before = Before::note(trust);
    let peer = verify_peer(trust, quic)?;
    let (answer, request) = receive_hello(quic).await?;
    // Closing comes before `answer` is dropped: the peer is to learn the reason, and not that its
    // stream ended without an answer.
    let version = hello::check_request(trust, &peer, &request)
        .inspect_err(|error| error.close_code().close(quic))?;
    let guard = Guard::spawn(before, quic.clone(), peer.clone());
    Ok(Greeted { peer, request, version, answer, guard })
}

async fn receive_hello(
    quic: &quinn::Connection,
) -> Result<(quinn::SendStream, HelloRequest), HandshakeError> {
    let (answer, recv) =
        quic.accept_bi().await.map_err(|error| HandshakeError::Lost(error.into()))?;
    let mut source = FrameSource::new(recv, Place::Request);
    let frame = match source.next().await {
        Ok(Some(frame)) if frame.kind == Method::Hello.number() => frame,
        Err(ReceiveError::Lost(lost)) => return Err(HandshakeError::Lost(lost)),
        _ => return Err(HandshakeError::Protocol),
    };
    let request = shape::read::<HelloRequest>(frame.body).map_err(|_| HandshakeError::Protocol)?;
    Ok((answer, request))
}

impl Greeting {
    /// The peer's certificate.
    #[must_use]
    pub fn peer(&self) -> &VerifiedLeaf {
        &self.peer
    }

    /// What the peer said.
    #[must_use]
    pub fn request(&self) -> &HelloRequest {
        &self.request
    }

    /// Closes the connection instead, as when the peer has too many.
    pub fn turn_away(self, code: CloseCode) {
        code.close(&self.quic);
    }

    /// Answers, and opens the connection for calls.
    ///
    /// # Errors
    /// [`HandshakeError::Lost`] if the peer is gone; [`HandshakeError::Protocol`] if it doesn't
    /// read the answer.
    pub async fn welcome(mut self, reply: HelloReply) -> Result<Connection, HandshakeError> {
        let identity = self.endpoint.identity();
        let response = hello::response(self.endpoint.trust(), &identity, self.version, reply);
        let place = Place::Response(Method::Hello);
        let sent = match frame::encode(place, frame::OK, &response) {
            Ok(frame) => wire::write(&mut self.answer, &mut [frame]).await,
            Err(too_long) => Err(SendError::TooLong(too_long)),
        };
        match sent {
            Ok(()) => {}
            Err(SendError::Lost(lost)) => return Err(HandshakeError::Lost(lost)),
            Err(SendError::Stopped | SendError::TooLong(_)) => {
                CloseCode::Protocol.close(&self.quic);
                return Err(HandshakeError::Protocol);
            }
        }
        // It fails only if the peer has stopped reading, which its next call shows.
        let _ = self.answer.finish();
        let Self { quic, peer, version, guard, .. } = self;
        Ok(Connection::after_hello(quic, &identity, peer, version, guard))
    }
}
