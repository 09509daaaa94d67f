//! The connection to the home relay, for as long as it is wanted.
//!
//! A session is one task. It owns the connection, the subscription and the calls in progress, and
//! brings everything that comes to the [`Engine`], one short transaction at a time. Whatever it
//! holds in memory can be lost at any point: the store knows where to go on.
//!
//! ```text
//! connect → hello: is this store current? → subscribe at the stored positions
//!         → items, welcomes, head keys, lists in; acknowledgements, submissions out
//! ```

mod bundles;
mod calls;
mod connect;
mod cut_off;
mod inbound;
mod refill;
mod session;
mod settled;
mod transfer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enlace_log::ClientId;
use enlace_transport::{
    BindError, ConnectError, Endpoint, LocalIdentity, LocalIdentityError, Lost, StreamError, Trust,
};
use tokio::sync::Notify;

use crate::client::Sockets;
use crate::engine::{Engine, EngineError};
use crate::store::StoreError;

pub(crate) use self::bundles::hand_over;
pub(crate) use self::connect::Dialler;
pub(crate) use self::session::{Goal, Session};
pub(crate) use self::transfer::Line;

/// What the sync task and those who ask it share.
pub(crate) struct Shared {
    engine: Mutex<Engine>,
    /// Where connections are dialled from.
    sockets: Arc<dyn Sockets>,
    /// Something was put in the outbox.
    pub(crate) wake: Notify,
    /// What the last connection taught.
    status: Mutex<Status>,
}

/// What is known of the connection to the home relay.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Whether it is there.
    pub connected: bool,
    /// By how many milliseconds the relay's clock is ahead of ours; negative when behind.
    pub clock_offset_ms: Option<i64>,
    /// Why the last attempt failed, or the last connection ended.
    pub last_error: Option<String>,
}

/// What a bounded sync came to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SyncReport {
    /// What the officer asked for and what is still to be sent.
    pub pending: Vec<ClientId>,
    /// Whether everything that the relay has was taken in.
    pub caught_up: bool,
}

/// Why there is no session, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The profile names no relay.
    #[error("the profile knows no address of the own relay")]
    NoRelay,
    /// The own certificate can't be used now.
    #[error(transparent)]
    Identity(#[from] LocalIdentityError),
    /// No UDP socket.
    #[error(transparent)]
    Socket(#[from] BindError),
    /// The relay can't be reached, or refuses.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection is gone.
    #[error("the connection to the relay ended: {0}")]
    Lost(#[from] Lost),
    /// The subscription ended.
    #[error("the relay ended the subscription: {0}")]
    Subscription(#[from] StreamError),
    /// The subscription could not be opened or written to.
    #[error("the subscription failed: {0}")]
    Stream(String),
    /// This client is syncing already.
    #[error("this client is syncing already")]
    Running,
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for SyncError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl SyncError {
    /// Whether trying again makes sense without somebody doing something.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Engine(EngineError::Store(StoreError::Busy(_))) => true,
            Self::Engine(_) | Self::NoRelay | Self::Running => false,
            _ => true,
        }
    }
}

impl Shared {
    pub(crate) fn new(engine: Engine, sockets: Arc<dyn Sockets>) -> Self {
        let (engine, wake, status) = (Mutex::new(engine), Notify::new(), Mutex::default());
        Self { engine, sockets, wake, status }
    }

    /// Opens a socket to dial from.
    pub(crate) fn open_socket(
        &self,
        identity: LocalIdentity,
        trust: Trust,
    ) -> Result<Endpoint, BindError> {
        self.sockets.open(identity, trust)
    }

    /// The engine; never held while waiting.
    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn update_status(&self, update: impl FnOnce(&mut Status)) {
        update(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// How long each address may take to answer.
pub(crate) const PER_ADDRESS: Duration = Duration::from_secs(5);
