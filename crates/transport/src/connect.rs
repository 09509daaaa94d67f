//! Dialling a relay: names to addresses, one address after the other, TLS, hello.
//!
//! [`ConnectError`] sorts what goes wrong by what an officer can do about it: no answer on UDP at
//! all, a certificate that doesn't hold on either side, a clock that is off.

mod failure;

use std::net::SocketAddr;
use std::time::Duration;

use enlace_identity::time::Timestamp;
use enlace_proto::relay::v1::HelloResponse;
use quinn::ConnectionError;

use crate::call::{self, CallError};
use crate::close::CloseCode;
use crate::connection::{Connection, speaks_enlace, verify_peer};
use crate::endpoint::{Acting, Endpoint};
use crate::expected::Expected;
use crate::guard::{Before, Guard};
use crate::hello::{self, HelloError, HelloOffer};

pub use self::failure::{ClockDoubt, ConnectError, Refused};

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
                Ok(Ok(quic)) => {
                    match self.say_hello(quic, target, offer.clone(), per_address).await {
                        Ok(dialled) => return Ok(dialled),
                        // Another of the authority's relays may be the one to talk to.
                        Err(error) => failure = Some(error),
                    }
                }
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
            (Err(_), Some(untrusted)) => Err(ConnectError::untrusted(untrusted)),
            (Err(error), None) => Err(self.ending_of(&acting, address, error)),
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
                let gone = quic.close_reason();
                error.close_code().close(&quic);
                match (error, gone) {
                    (ConnectError::NoHello(CallError::Lost(_)), Some(reason)) => {
                        Err(self.ending_of(&acting, address, reason))
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
        let before = Before::note(trust);
        let peer = verify_peer(trust, quic).map_err(ConnectError::untrusted)?;
        target.expected.check(&peer)?;
        hello::refuse_if_known_revoked(trust, &peer)?;
        let request = hello::request(trust, &acting.identity, offer);
        let hello = call::call(quic, &request).await.map_err(ConnectError::NoHello)?;
        hello::check_response(trust, &peer, &hello).map_err(|error| match error {
            HelloError::Untrusted(untrusted) => ConnectError::Untrusted(untrusted),
            error => ConnectError::Hello(error),
        })?;
        let guard = Guard::spawn(before, quic.clone(), peer.clone());
        let version = hello.version;
        let connection =
            Connection::after_hello(quic.clone(), &acting.identity, peer, version, guard);
        Ok(Dialled { connection, hello, answered_at: trust.now() })
    }

    fn ending_of(
        &self,
        acting: &Acting,
        address: SocketAddr,
        error: ConnectionError,
    ) -> ConnectError {
        let ours_holds = || self.trust().holds_now(acting.identity.leaf());
        ConnectError::ending_of(error, address, ours_holds)
    }
}

/// Literals are taken as they are; names that can't be looked up are passed over.
pub(crate) async fn resolve(hosts: &[(String, u16)]) -> Result<Vec<SocketAddr>, ConnectError> {
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
