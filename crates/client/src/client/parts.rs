//! What a client stands on: a profile on this machine, or what a simulation puts in its place.

use std::sync::Arc;

use enlace_channel::channel::Device;
use enlace_identity::bundle::Bundle;
use enlace_identity::entropy::Entropy;
use enlace_transport::{BindError, Clock, Endpoint, LocalIdentity, Trust};

use crate::store::Store;

/// What [`Client::open_on`](super::Client::open_on) builds a client on.
pub struct Parts {
    /// Name, key and certificates.
    pub device: Device,
    /// The network.
    pub bundle: Bundle,
    /// Revocation lists that came with the enrolment.
    pub crls: Vec<Vec<u8>>,
    /// The signed endpoint record that came with the enrolment.
    pub endpoint_record: Vec<u8>,
    /// The database. The client works on it in the task that calls it, without a thread.
    pub store: Box<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where chance comes from.
    pub entropy: Entropy,
    /// Where connections are dialled from.
    pub sockets: Arc<dyn Sockets>,
}

/// Opens the sockets that a client dials from: one for each session.
pub trait Sockets: Send + Sync {
    /// Opens one.
    ///
    /// # Errors
    /// [`BindError`].
    fn open(&self, identity: LocalIdentity, trust: Trust) -> Result<Endpoint, BindError>;
}

/// The operating system's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSockets;

impl Sockets for SystemSockets {
    fn open(&self, identity: LocalIdentity, trust: Trust) -> Result<Endpoint, BindError> {
        Endpoint::dial_only(identity, trust)
    }
}
