//! A device that makes single calls, as whoever holds its key can.

use std::time::Duration;

use enlace_log::ChannelId;
use enlace_proto::method::Call;
use enlace_proto::relay::v1 as wire;
use enlace_transport::{
    CallError, ConnectError, Connection, Dialled, Endpoint, HelloOffer, LocalIdentity, Refusal,
    Target, Trust,
};

use crate::soon;

/// One device's own socket.
pub struct Wire {
    endpoint: Endpoint,
}

impl Wire {
    /// Opens a socket with a device's identity.
    #[must_use]
    pub fn new(identity: LocalIdentity, trust: Trust) -> Self {
        Self { endpoint: Endpoint::dial_only(identity, trust).unwrap() }
    }

    /// Dials a relay and says hello.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn dial(&self, target: &Target) -> Result<Dialled, ConnectError> {
        let offer = HelloOffer { software: "test".to_owned(), ..HelloOffer::default() };
        let dialled = self.endpoint.connect(target, offer, Duration::from_secs(20));
        soon("the relay answers", dialled).await
    }

    /// Dials a relay that must let this device in.
    pub async fn connect(&self, target: &Target) -> Connection {
        self.dial(target).await.unwrap().connection
    }

    /// Full handshakes so far; others were resumed.
    #[must_use]
    pub fn full_handshakes(&self) -> u64 {
        self.endpoint.full_handshakes()
    }
}

/// Makes a call that must be answered, yes or no.
///
/// # Errors
/// The relay's refusal.
///
/// # Panics
/// When there is no answer.
pub async fn call<C: Call>(connection: &Connection, request: &C) -> Result<C::Response, Refusal> {
    match connection.call(request, Duration::from_secs(50)).await {
        Ok(response) => Ok(response),
        Err(CallError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("the call was not answered: {error}"),
    }
}

/// A channel's id on the wire.
#[must_use]
pub fn wire_id(channel: ChannelId) -> wire::ChannelId {
    channel.to_wire()
}
