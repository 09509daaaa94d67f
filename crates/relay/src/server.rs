//! The running relay: it accepts connections, serves their calls, keeps the links to other
//! authorities, and stops without losing what it has accepted.

mod accept;
mod allowances;
mod bucket;
mod bundles;
mod context;
mod crls;
mod expiring;
mod hello;
mod in_flight;
mod newcomers;
mod parts;
mod peers;
mod seen;
mod shown;
mod start;
mod trusted;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use enlace_identity::names::ServiceName;
use enlace_transport::{BindError, CloseCode, watch};
use tokio::task::JoinSet;
use tracing::warn;

use crate::config::{Limits, Material, Settings};
use crate::hub::Sequencer;
use crate::storage::StorageError;

pub(crate) use self::bundles::{level as level_bundles, take as take_bundle};
pub(crate) use self::context::Context;
pub(crate) use self::hello::newest_head;
pub use self::parts::Parts;

/// What the relay tells others of itself.
pub(crate) const SOFTWARE: &str = concat!("enlace-relay ", env!("CARGO_PKG_VERSION"));

/// How long calls in progress may take once the relay is asked to stop.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// How long the last answers may travel.
const ANSWER_TIME: Duration = Duration::from_millis(100);

/// How long peers may take to hear that the relay stops.
const FAREWELL_TIME: Duration = Duration::from_secs(2);

/// A relay that runs. Dropping it ends it at once; [`Server::stop`] ends it in good order.
#[derive(Debug)]
pub struct Server {
    context: Arc<Context>,
    tasks: JoinSet<()>,
    accepting: JoinSet<()>,
    sequencer: Option<Sequencer>,
    /// Where the sequencer runs, unless it has a thread of its own.
    sequencing: JoinSet<()>,
    reload: watch::Sender<()>,
    local_addr: SocketAddr,
}

/// Why a relay doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory can't be made.
    #[error("the directory {path} cannot be made: {source}")]
    Directory {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The store can't be opened or read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The store can't be read.
    #[error(transparent)]
    Read(#[from] crate::hub::ReadError),
    /// The address can't be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The operating system doesn't say where the relay listens.
    #[error("the address of the socket is not known: {0}")]
    Address(std::io::Error),
}

impl Server {
    /// Opens the store and the socket, and serves. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(settings: Settings, material: Material) -> Result<Self, StartError> {
        let parts = Parts::of_this_machine(&settings, &material)?;
        Self::start_on(settings.name, settings.limits, material, parts).await
    }

    /// Serves on what the caller brings: see [`Parts`]. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start_on(
        name: ServiceName,
        limits: Limits,
        material: Material,
        parts: Parts,
    ) -> Result<Self, StartError> {
        start::start(name, limits, material, parts).await
    }

    /// Ends as a crash does: whatever is in progress stops where it waits, and nobody is answered.
    /// Returns when nothing of the relay runs any more and its store is closed, but for what QUIC
    /// still sends.
    pub async fn kill(self) {
        let Self { context, mut tasks, mut accepting, mut sequencing, sequencer, .. } = self;
        sequencing.shutdown().await;
        tasks.shutdown().await;
        accepting.shutdown().await;
        drop(sequencer);
        let gone = Arc::downgrade(&context);
        drop(context);
        // Calls end with the task of their connection, on the runtime's next turns.
        while gone.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Where the relay listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Reads the directory of revocation lists again.
    pub fn reload_crls(&self) {
        self.reload.send_replace(());
    }

    /// Becomes ready when the relay can accept nothing any more, by a bug of its own: whoever runs
    /// it stops it and starts it again.
    pub fn failed(&self) -> impl Future<Output = ()> + Send + use<> {
        let ended = self.sequencer.as_ref().map(Sequencer::ended);
        async move {
            if let Some(ended) = ended {
                ended.await;
            }
        }
    }

    /// Takes nothing new, finishes what was accepted, tells everybody, closes the store.
    pub async fn stop(mut self) {
        self.context.stopping.send_replace(true);
        if tokio::time::timeout(DRAIN_TIME, self.context.in_flight.none()).await.is_err() {
            warn!("calls in progress are cut off");
        }
        self.tasks.shutdown().await;
        // The failure was logged; the lists come again from where they came.
        let _ = self.context.crls.store_news(&self.context).await;
        // Whatever is queued becomes durable here.
        if let Some(sequencer) = self.sequencer.take() {
            if !self.sequencing.is_empty() {
                sequencer.stop();
                while self.sequencing.join_next().await.is_some() {}
            } else if tokio::task::spawn_blocking(move || sequencer.stop()).await.is_err() {
                warn!("the sequencer did not stop in good order");
            }
        }
        // The last answers are on their way; closing drops what has not arrived.
        tokio::time::sleep(ANSWER_TIME).await;
        self.context.endpoint.close(CloseCode::Stopping);
        let told = async {
            self.context.endpoint.idle().await;
            while self.accepting.join_next().await.is_some() {}
        };
        if tokio::time::timeout(FAREWELL_TIME, told).await.is_err() {
            warn!("some peers were not told that the relay stops");
        }
        self.accepting.shutdown().await;
    }
}
