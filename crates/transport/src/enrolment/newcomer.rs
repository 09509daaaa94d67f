//! A device without a certificate, seen from the relay: it may be anybody.
//!
//! One call at a time, few calls, and little time: whoever wants more connects again.

use std::net::IpAddr;
use std::time::Duration;

use enlace_identity::invitation::Binding;
use enlace_proto::frame::Place;
use enlace_proto::method::{Call, Method};
use enlace_proto::relay::v1::{EnrollRequest, FetchEnrolmentRequest};
use enlace_proto::shape;
use tokio::time::Instant;

use super::binding;
use crate::accept::HandshakeError;
use crate::close::CloseCode;
use crate::handshakes;
use crate::serve::{Answer, Reply, RequestError, refusal_of};
use crate::wire::{FrameSource, ReceiveError};

/// How long a newcomer's connection lasts at most, whatever it does.
const LIFETIME: Duration = Duration::from_secs(30);

/// Calls on one connection: bundle, request, and some to spare.
const MAX_CALLS: u32 = 4;

/// A connection of somebody who has shown no certificate. It is closed when this is dropped.
#[derive(Debug)]
pub struct Newcomer {
    quic: quinn::Connection,
    binding: Binding,
    ends_at: Instant,
    calls: u32,
    _place: handshakes::Place,
}

/// One of the two calls that a newcomer can make.
#[derive(Debug)]
pub enum NewcomerCall {
    /// It hands in its request.
    Enroll(EnrollRequest, Reply<EnrollRequest>),
    /// It wants what it verifies this side with.
    Fetch(FetchEnrolmentRequest, Reply<FetchEnrolmentRequest>),
}

impl Newcomer {
    /// TLS has agreed on the protocol of newcomers.
    pub(crate) fn new(
        quic: quinn::Connection,
        place: handshakes::Place,
    ) -> Result<Self, HandshakeError> {
        let binding = binding(&quic).ok_or(HandshakeError::Protocol)?;
        let ends_at = Instant::now() + LIFETIME;
        Ok(Self { quic, binding, ends_at, calls: 0, _place: place })
    }

    /// The network that it comes from: an IPv4 address, or the 64 bits that an IPv6 subscriber has.
    #[must_use]
    pub fn network(&self) -> IpAddr {
        handshakes::network_of(self.quic.remote_address().ip())
    }

    /// What its proofs have to hold for.
    #[must_use]
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// When it is cut off, whatever is in progress.
    #[must_use]
    pub fn ends_at(&self) -> Instant {
        self.ends_at
    }

    /// Turns it away.
    pub fn turn_away(self, code: CloseCode) {
        code.close(&self.quic);
    }

    /// Waits for the next call; `None` when the connection is over. The first thing that is no call
    /// ends it.
    pub async fn next(&mut self) -> Option<NewcomerCall> {
        self.calls += 1;
        if self.calls > MAX_CALLS {
            // The last answer may still be on its way.
            let _ = tokio::time::timeout_at(self.ends_at, self.quic.accept_bi()).await;
            CloseCode::Limit.close(&self.quic);
            return None;
        }
        let called = tokio::time::timeout_at(self.ends_at, self.receive()).await;
        match called {
            Ok(Ok(call)) => Some(call),
            Ok(Err(_)) => {
                CloseCode::Protocol.close(&self.quic);
                None
            }
            Err(_) => {
                CloseCode::HelloTimeout.close(&self.quic);
                None
            }
        }
    }

    async fn receive(&self) -> Result<NewcomerCall, RequestError> {
        let lost = |error: quinn::ConnectionError| ReceiveError::Lost(error.into());
        let (send, recv) = self.quic.accept_bi().await.map_err(lost)?;
        let mut answer = Answer::new(send);
        let mut source = FrameSource::new(recv, Place::NewcomersRequest);
        match read(&mut source).await {
            Ok(Read::Enroll(request)) => Ok(NewcomerCall::Enroll(request, Reply::new(answer))),
            Ok(Read::Fetch(request)) => Ok(NewcomerCall::Fetch(request, Reply::new(answer))),
            Err(error) => {
                if let Some(refusal) = refusal_of(&error) {
                    // Whether the peer hears of it changes nothing here.
                    let _ = answer.refuse(refusal).await;
                }
                Err(error)
            }
        }
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        // Nothing happens where it was closed with another code.
        CloseCode::Done.close(&self.quic);
    }
}

enum Read {
    Enroll(EnrollRequest),
    Fetch(FetchEnrolmentRequest),
}

async fn read(source: &mut FrameSource) -> Result<Read, RequestError> {
    let frame = source.next().await?.ok_or(ReceiveError::Abandoned)?;
    if source.has_remainder() {
        return Err(ReceiveError::Message.into());
    }
    match Method::from_number(frame.kind) {
        Some(EnrollRequest::METHOD) => shape::read(frame.body).map(Read::Enroll),
        Some(FetchEnrolmentRequest::METHOD) => shape::read(frame.body).map(Read::Fetch),
        _ => return Err(ReceiveError::Message.into()),
    }
    .map_err(|_| ReceiveError::Message.into())
}
