//! Connections between devices and relays: QUIC, mutual TLS, and the calls on them.
//!
//! An [`Endpoint`] is one UDP socket that dials and accepts. A [`Connection`] exists only after
//! three gates: TLS ([`tls`]) has verified the peer's chain, the chain was verified again on this
//! very connection, resumed or not, and hello ([`hello`]) has brought the revocation lists that
//! clear it. From then on a guard cuts it as soon as the certificate stops holding. Devices that have
//! no certificate yet have a protocol of their own beside it: [`enrolment`].
//!
//! On a connection both sides make calls ([`call`]) and serve them ([`serve`]); one of these opens
//! a subscription's stream ([`stream`]). What the calls mean is not known here. PROTOCOL.md §4
//! describes all of it.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod accept;
pub mod backoff;
pub mod call;
pub mod clock;
pub mod close;
pub mod connect;
pub mod connection;
pub mod endpoint;
pub mod enrolment;
pub mod expected;
pub mod hello;
pub mod local;
pub mod refusal;
pub mod serve;
pub mod stream;
pub mod submitting;
pub mod tls;
pub mod trust;
pub mod untrusted;
pub mod watch;
pub mod wire;

mod guard;
mod handshakes;
mod quic;

pub use self::accept::{Arrival, Greeting, HandshakeError, Incoming};
pub use self::backoff::Backoff;
pub use self::call::{CallError, SubmitStream, Subscription};
pub use self::clock::{Clock, SystemClock};
pub use self::close::{CloseCode, Lost};
pub use self::connect::{ConnectError, Dialled, Target};
pub use self::connection::Connection;
pub use self::endpoint::{BindError, Endpoint};
pub use self::enrolment::{
    Newcomer, NewcomerCall, NewcomerEndpoint, UnverifiedRelay, VerifiedRelay,
};
pub use self::expected::Expected;
pub use self::hello::{HelloError, HelloOffer, HelloReply};
pub use self::local::{LocalIdentity, LocalIdentityError};
pub use self::refusal::Refusal;
pub use self::serve::{
    IncomingCall, IncomingStream, IncomingSubmitStream, IncomingSubscription, Reply, ReplyError,
    RequestError,
};
pub use self::stream::{EncodedFrame, FrameReceiver, FrameSender, Portion, Room, StreamError};
pub use self::submitting::{Answers, answers_by_index};
pub use self::trust::{TakenBundle, Trust};
pub use self::untrusted::Untrusted;
pub use self::wire::{ReceiveError, SendError};
