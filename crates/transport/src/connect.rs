//! Dialling a relay: names to addresses, one address after the other, TLS, hello.
//!
//! [`ConnectError`] sorts what goes wrong by what an officer can do about it: no answer on UDP at
//! all, a certificate that doesn't hold on either side, a clock that is off.

use std::net::SocketAddr;
use std::time::Duration;

use enlace_identity::chain::ChainError;
use enlace_identity::time::{Timestamp, ValidityError};
use enlace_proto::relay::v1::HelloResponse;
use quinn::ConnectionError;

use crate::call::{self, CallError};
use crate::close::{CloseCode, Lost};
use crate::connection::{Connection, speaks_enlace, verify_peer};
use crate::endpoint::{Acting, Endpoint};
use crate::expected::Expected;
use crate::guard::Guard;
use crate::hello::{self, HelloError, HelloOffer};
use crate::untrusted::Untrusted;

/// Addresses tried for one call of [`Endpoint::connect`].
const MAX_ADDRESSES: usize = 16;

/// Whom to reach, and where.
#[derive(Clone, Debug)]
pub struct Target {
    /// Whose certificate has to answer.
    pub expected: Expected,
    /// Host names or IP literals, with ports, in the order in which they are tried.
    pub addresses: Vec<(String, u16)>,
}

/// A connection that this side opened, and what its peer said in hello.
#[derive(Clone, Debug)]
pub struct Dialled {
    /// The connection.
    pub connection: Connection,
    /// The relay's answer to hello.
    pub hello: HelloResponse,
    /// This side's clock when the answer came: compare with `hello.time_ms`.
    pub answered_at: Timestamp,
}

/// Why a relay can't be reached.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConnectError {
    /// None of the host names has an address: a wrong name, or no name service.
    #[error("no address is known for {hosts}")]
    NoAddress {
        /// The names tried.
        hosts: String,
    },
    /// The network can't carry packets to any of the addresses.
    #[error("{address} can't be reached from here: {reason}")]
    Unroutable {
        /// The last address tried.
        address: SocketAddr,
        /// What QUIC says.
        reason: String,
    },
    /// Nothing answered on UDP: the relay is down, the address is wrong, or a network in between
    /// drops UDP.
    #[error("no answer from {}", list(.tried))]
    NoAnswer {
        /// The addresses tried.
        tried: Vec<SocketAddr>,
    },
    /// Whoever answered is not the relay that was meant, or its certificate doesn't hold.
    #[error("the relay is not trusted: {0}")]
    Untrusted(#[from] Untrusted),
    /// The two clocks, or this side's and the certificates', contradict each other: set the clock.
    #[error("the clocks disagree: {0}")]
    Clock(ClockDoubt),
    /// The relay refuses this side's certificate.
    #[error("the relay refuses our certificate: {0}")]
    Refused(Refused),
    /// Whoever answered speaks TLS differently: no relay, an old one, or an interception.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    /// Hello failed for another reason than trust.
    #[error(transparent)]
    Hello(HelloError),
    /// TLS went well, but hello brought no usable answer.
    #[error("hello was not answered: {0}")]
    NoHello(CallError),
    /// The relay closed the connection during hello, or it was lost.
    #[error(transparent)]
    Lost(Lost),
    /// This endpoint has been closed.
    #[error("this side has been closed")]
    Closed,
}

/// Why a clock is in doubt.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClockDoubt {
    /// By our clock our certificate holds; the relay finds it expired or not valid yet.
    #[error("by our clock our certificate holds, by the relay's it doesn't")]
    OursHoldsHere,
    /// By our clock the relay's certificate is not valid yet.
    #[error("by our clock the relay's certificate lies in the future")]
    TheirsLiesAhead,
}

/// Why a relay refuses this side's certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// It has expired: renew it.
    #[error("it has expired")]
    Expired,
    /// It is revoked: ask the registrar.
    #[error("it is revoked")]
    Revoked,
    /// The relay has no current revocation list of our authority.
    #[error("the relay has no current revocation list of our authority")]
    StaleCrl,
    /// The relay's network doesn't know our authority, or finds fault with the certificate.
    #[error("it is not one of the relay's network")]
    Unknown,
}

impl Endpoint {
    /// Dials a relay and says hello. Each address gets `per_address` for the handshake, and hello
    /// as long again.
    ///
    /// # Errors
    /// [`ConnectError`]: of the last address that answered, else [`ConnectError::NoAnswer`].
    pub async fn connect(
        &self,
        target: &Target,
        offer: HelloOffer,
        per_address: Duration,
    ) -> Result<Dialled, ConnectError> {
        let mut tried = Vec::new();
        let mut failure = None;
        for address in resolve(&target.addresses).await? {
            tried.push(address);
            let handshake = self.handshake(address, &target.expected);
            match tokio::time::timeout(per_address, handshake).await {
                Ok(Ok(quic)) => return self.say_hello(quic, target, offer, per_address).await,
                Ok(Err(ConnectError::NoAnswer { .. })) | Err(_) => {}
                Ok(Err(error)) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or(ConnectError::NoAnswer { tried }))
    }

    async fn handshake(
        &self,
        address: SocketAddr,
        expected: &Expected,
    ) -> Result<quinn::Connection, ConnectError> {
        let name = expected.server_name();
        let acting = self.acting();
        let connecting =
            self.shared.quic.connect_with(acting.dialling.clone(), address, name).map_err(
                |error| match error {
                    quinn::ConnectError::EndpointStopping => ConnectError::Closed,
                    error => ConnectError::Unroutable { address, reason: error.to_string() },
                },
            )?;
        let outcome = connecting.await;
        let refusal = self.shared.verifier.take_refusal(name);
        match (outcome, refusal) {
            (Ok(quic), _) => Ok(quic),
            (Err(_), Some(untrusted)) => Err(doubting_the_clock(untrusted)),
            (Err(error), None) => Err(self.sort(&acting, address, error)),
        }
    }

    async fn say_hello(
        &self,
        quic: quinn::Connection,
        target: &Target,
        offer: HelloOffer,
        limit: Duration,
    ) -> Result<Dialled, ConnectError> {
        let acting = self.acting();
        let address = quic.remote_address();
        let greeted = self.greet(&acting, &quic, target, offer);
        match tokio::time::timeout(limit, greeted).await {
            Ok(Ok(dialled)) => Ok(dialled),
            Ok(Err(error)) => {
                close_code(&error).close(&quic);
                match (error, quic.close_reason()) {
                    (ConnectError::NoHello(CallError::Lost(_)), Some(reason)) => {
                        Err(self.sort(&acting, address, reason))
                    }
                    (error, _) => Err(error),
                }
            }
            Err(_) => {
                CloseCode::HelloTimeout.close(&quic);
                Err(ConnectError::NoHello(CallError::TimedOut))
            }
        }
    }

    async fn greet(
        &self,
        acting: &Acting,
        quic: &quinn::Connection,
        target: &Target,
        offer: HelloOffer,
    ) -> Result<Dialled, ConnectError> {
        if !speaks_enlace(quic) {
            return Err(ConnectError::Tls("the relay speaks another protocol".to_owned()));
        }
        let trust = self.trust();
        let changes = trust.changes();
        let peer = verify_peer(trust, quic).map_err(doubting_the_clock)?;
        target.expected.check(&peer)?;
        let request = hello::request(trust, &acting.identity, offer);
        let hello = call::call(quic, &request).await.map_err(ConnectError::NoHello)?;
        hello::check_response(trust, &peer, &hello).map_err(|error| match error {
            HelloError::Untrusted(untrusted) => ConnectError::Untrusted(untrusted),
            error => ConnectError::Hello(error),
        })?;
        let guard = Guard::spawn(trust.clone(), changes, quic.clone(), peer.clone());
        let version = hello.version;
        let connection =
            Connection::after_hello(quic.clone(), &acting.identity, peer, version, guard);
        Ok(Dialled { connection, hello, answered_at: trust.now() })
    }

    /// What the end of a connection means before hello is through.
    fn sort(&self, acting: &Acting, address: SocketAddr, error: ConnectionError) -> ConnectError {
        if matches!(error, ConnectionError::TimedOut) {
            return ConnectError::NoAnswer { tried: vec![address] };
        }
        let refused = match (&error, alert(&error)) {
            (ConnectionError::ConnectionClosed(_), Some(ALERT_EXPIRED)) => Refused::Expired,
            (ConnectionError::ConnectionClosed(_), Some(ALERT_BAD | ALERT_UNKNOWN_CA)) => {
                Refused::Unknown
            }
            (_, Some(_)) => return ConnectError::Tls(error.to_string()),
            (_, None) => match Lost::from(error) {
                Lost::ByPeer(CloseCode::Untrusted) => Refused::Unknown,
                Lost::ByPeer(CloseCode::Expired) => Refused::Expired,
                Lost::ByPeer(CloseCode::Revoked) => Refused::Revoked,
                Lost::ByPeer(CloseCode::StaleCrl) => Refused::StaleCrl,
                Lost::ByPeer(CloseCode::OtherNetwork) => {
                    return ConnectError::Hello(HelloError::OtherNetwork);
                }
                Lost::ByPeer(CloseCode::NoCommonVersion) => {
                    return ConnectError::Hello(HelloError::NoCommonVersion);
                }
                lost => return ConnectError::Lost(lost),
            },
        };
        if refused == Refused::Expired && self.trust().holds_now(acting.identity.leaf()) {
            return ConnectError::Clock(ClockDoubt::OursHoldsHere);
        }
        ConnectError::Refused(refused)
    }
}

/// TLS alerts (RFC 8446 §6.2).
const ALERT_BAD: u64 = 42;
const ALERT_EXPIRED: u64 = 45;
const ALERT_UNKNOWN_CA: u64 = 48;

/// The TLS alert that ended a handshake, sent or received (RFC 9001 §4.8).
fn alert(error: &ConnectionError) -> Option<u64> {
    let code = match error {
        ConnectionError::ConnectionClosed(close) => close.error_code,
        ConnectionError::TransportError(error) => error.code,
        _ => return None,
    };
    u64::from(code).checked_sub(0x100).filter(|alert| *alert < 0x100)
}

fn doubting_the_clock(untrusted: Untrusted) -> ConnectError {
    let ahead = ValidityError::NotYetValid;
    match untrusted {
        Untrusted::Chain(
            ChainError::LeafValidity { problem, .. } | ChainError::IssuingValidity { problem, .. },
        ) if problem == ahead => ConnectError::Clock(ClockDoubt::TheirsLiesAhead),
        untrusted => ConnectError::Untrusted(untrusted),
    }
}

/// What the relay is told when this side gives up.
fn close_code(error: &ConnectError) -> CloseCode {
    match error {
        ConnectError::Untrusted(untrusted) => untrusted.close_code(),
        ConnectError::Clock(_) => CloseCode::Expired,
        ConnectError::Hello(error) => error.close_code(),
        _ => CloseCode::Protocol,
    }
}

/// Literals are taken as they are; names that can't be looked up are passed over.
async fn resolve(hosts: &[(String, u16)]) -> Result<Vec<SocketAddr>, ConnectError> {
    let mut addresses = Vec::new();
    for (host, port) in hosts {
        match tokio::net::lookup_host((host.as_str(), *port)).await {
            Ok(found) => addresses.extend(found),
            Err(error) => tracing::debug!(host, %error, "a relay's name has no address"),
        }
    }
    addresses.truncate(MAX_ADDRESSES);
    if addresses.is_empty() {
        let hosts: Vec<&str> = hosts.iter().map(|(host, _)| host.as_str()).collect();
        return Err(ConnectError::NoAddress { hosts: hosts.join(", ") });
    }
    Ok(addresses)
}

fn list(addresses: &[SocketAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    texts.join(", ")
}
