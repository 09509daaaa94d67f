//! Who makes a call, by the certificate of its connection and by nothing else.

use std::sync::Arc;
use std::time::Duration;

use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::names::{DeviceName, Domain, LeafName, ServiceName};
use enlace_proto::method::{self, Method};
use enlace_proto::relay::v1::ErrorCode;
use enlace_transport::{Connection, Refusal};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::refusals::{limit, not_allowed};
use crate::hub::Reader;
use crate::server::Context;

/// A caller and the relay that it calls.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    context: Arc<Context>,
    connection: Connection,
    peer: Peer,
    long_answers: Arc<Semaphore>,
}

/// What a caller is.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// An officer's device.
    Device(DeviceName),
    /// A relay.
    Relay(ServiceName),
}

impl Caller {
    /// The peer of a connection.
    pub(crate) fn new(context: Arc<Context>, connection: Connection) -> Self {
        let peer = match connection.peer().name() {
            LeafName::Device(name) => Peer::Device(name.clone()),
            LeafName::Service(name) => Peer::Relay(name.clone()),
        };
        let at_once = match &peer {
            Peer::Device(_) => 2,
            Peer::Relay(_) => 8,
        };
        Self { context, connection, peer, long_answers: Arc::new(Semaphore::new(at_once)) }
    }

    /// Waits until an answer that may be long can be made: of one peer few are in memory at a
    /// time, however slowly it takes them.
    pub(crate) async fn turn(&self, method: Method) -> Option<SemaphorePermit<'_>> {
        if method.response_limit() <= method::SMALL {
            return None;
        }
        // It is never closed.
        self.long_answers.acquire().await.ok()
    }

    /// The relay.
    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// What the caller is.
    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The name in its certificate.
    pub(crate) fn name(&self) -> &LeafName {
        self.connection.peer().name()
    }

    /// Its certificate.
    pub(crate) fn leaf(&self) -> &VerifiedLeaf {
        self.connection.peer()
    }

    /// What it reads as.
    pub(crate) fn reader(&self) -> Reader {
        match &self.peer {
            Peer::Device(device) => Reader::Device(device.clone()),
            Peer::Relay(relay) => Reader::Relay(relay.domain().clone()),
        }
    }

    /// Its authority.
    pub(crate) fn domain(&self) -> &Domain {
        self.name().domain()
    }

    /// Whether it belongs to this relay's authority.
    pub(crate) fn is_own(&self) -> bool {
        self.domain() == self.context.domain()
    }

    /// Counts a call with a request of so many bytes.
    pub(crate) fn admit(&self, bytes: usize) -> Result<(), Refusal> {
        self.take(1, bytes)
            .map_err(|wait| limit("too many calls, or too many bytes").retry_after(wait))
    }

    /// Counts so many calls with requests of so many bytes in all, or says when to ask again.
    pub(crate) fn take(&self, calls: usize, bytes: usize) -> Result<(), Duration> {
        let leaf = self.connection.peer();
        let allowances = self.context.allowances();
        allowances.take_calls(leaf.name(), leaf.usage(), calls as u64, bytes, Instant::now())
    }

    /// The device, if the caller is one of this relay's authority.
    pub(crate) fn own_device(&self) -> Result<&DeviceName, Refusal> {
        match &self.peer {
            Peer::Device(device) if self.is_own() => Ok(device),
            _ => Err(not_allowed("this is for devices of the relay's own authority")),
        }
    }

    /// Whether the caller may act for a device: its own, or one of a relay's authority.
    pub(crate) fn may_act_for(&self, device: &DeviceName) -> Result<(), Refusal> {
        let may = match &self.peer {
            Peer::Device(own) => own == device,
            Peer::Relay(relay) => relay.domain() == device.domain(),
        };
        if may { Ok(()) } else { Err(not_allowed("the certificate is not that device's")) }
    }

    /// Refuses what changes something while the relay stops.
    pub(crate) fn unless_stopping(&self) -> Result<(), Refusal> {
        if self.context.is_stopping() {
            return Err(Refusal::new(ErrorCode::Stopping, "the relay is being stopped"));
        }
        Ok(())
    }
}
