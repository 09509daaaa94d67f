//! What programs call: one [`Client`] for each open profile.
//!
//! Everything the officer asks for is durable in the store before the call returns; sending it is
//! [`Client::run_sync`]'s or [`Client::sync_once`]'s. Several processes may have the same profile
//! open at once.

mod backup;
mod bundles;
mod channels;
mod devices;
mod doctor;
mod erased;
mod findings;
mod forum;
mod history;
mod notes;
mod parts;
mod transfer;
mod views;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use enlace_channel::mls::{Backend, BackendError};
use enlace_identity::bundle::{Bundle, LeafUsage};
use enlace_identity::chain::{ChainError, VerifiedLeaf};
use enlace_identity::entropy::Entropy;
use enlace_identity::keys::Passphrase;
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_identity::revocation::RevocationLists;
use enlace_transport::{Backoff, Clock, SystemClock, Trust};
use tokio::sync::broadcast;
use tokio::time::Instant;

pub use self::bundles::{PublishError, Published};
#[cfg(test)]
pub(crate) use self::erased::erased_of;
pub use self::erased::{ErasedHere, ErasedView, RelayErasure, RelayErasureState};
pub use self::findings::{Finding, Level};
pub(crate) use self::history::History;
pub use self::notes::{WaitError, Waited};
pub use self::parts::{Parts, Sockets, SystemSockets};
pub use self::transfer::{Delivered, TransferProgress};
pub use self::views::{ChannelDetails, EntryState, EntryView, MemberView};

use crate::engine::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::profile::{Profile, ProfileError};
use crate::store::{SqlCipher, StoreError};
use crate::sync::{Dialler, Goal, Session, Shared, Status, SyncError, SyncReport};

/// How often another process's writing is looked for while there is no connection.
const LOOK: Duration = Duration::from_millis(200);

/// An open profile. Clones are handles to the same one.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    address: OfficerAddress,
    device: DeviceName,
    endpoint_record: Vec<u8>,
    /// Held by whoever syncs.
    syncing: tokio::sync::Mutex<()>,
}

/// Why a profile can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Cryptography can't be set up.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl Client {
    /// Opens a profile with the officer's passphrase.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &Path, passphrase: &Passphrase) -> Result<Self, OpenError> {
        Self::open_with_clock(dir, passphrase, Arc::new(SystemClock))
    }

    /// Opens a profile on another clock, as a simulation does.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_with_clock(
        dir: &Path,
        passphrase: &Passphrase,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let profile = Profile::open(dir)?;
        let unlocked = profile.unlock(passphrase)?;
        Self::open_on(Parts {
            store: Box::new(SqlCipher::open(&profile.store_path(), passphrase)?),
            device: unlocked.device,
            bundle: unlocked.bundle,
            crls: unlocked.crls,
            endpoint_record: unlocked.endpoint_record,
            clock,
            entropy: Entropy::system(),
            sockets: Arc::new(SystemSockets),
        })
    }

    /// Opens a client on what the caller brings. It has no thread and no task of its own: whatever
    /// it does, it does in the futures that its methods return, and dropping those and the client
    /// ends it as a crash does.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_on(parts: Parts) -> Result<Self, OpenError> {
        let Parts { device, bundle, crls, endpoint_record, store, clock, entropy, sockets } = parts;
        let (address, name) = (device.name.officer().clone(), device.name.clone());
        let trust = Trust::new(bundle, RevocationLists::new(), clock);
        let mut engine = Engine::new(store, device, Backend::with_entropy(entropy)?, trust);
        engine.load_bundles()?;
        engine.load_certificate()?;
        engine.load_crls()?;
        engine.take_crls(&crls)?;
        if let Err(error) = engine.expire_daily() {
            tracing::warn!(%error, "what has run its time could not be erased");
        }
        Ok(Self {
            inner: Arc::new(Inner {
                shared: Arc::new(Shared::new(engine, sockets)),
                address,
                device: name,
                endpoint_record,
                syncing: tokio::sync::Mutex::new(()),
            }),
        })
    }

    /// The officer.
    #[must_use]
    pub fn address(&self) -> &OfficerAddress {
        &self.inner.address
    }

    /// This device.
    #[must_use]
    pub fn device(&self) -> &DeviceName {
        &self.inner.device
    }

    /// The network.
    #[must_use]
    pub fn bundle(&self) -> Arc<Bundle> {
        self.with_engine(|engine| engine.trust().bundle())
    }

    /// This device's certificate, verified as of now.
    ///
    /// # Errors
    /// [`ChainError`] says why others would refuse it.
    pub fn certificate(&self) -> Result<VerifiedLeaf, ChainError> {
        self.with_engine(|engine| {
            engine.trust().verify_chain(&engine.device().chain, &[LeafUsage::Device])
        })
    }

    /// What changes from now on. A watcher that lags behind misses events, and reads anew.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<ClientEvent> {
        self.shared().engine().events().subscribe()
    }

    /// What is known of the connection to the home relay.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared().status()
    }

    /// Stays in touch with the home relay, and reconnects with growing pauses. Returns only when
    /// somebody has to do something. Dropping the future ends it at any point without loss.
    ///
    /// # Errors
    /// [`SyncError`] of those that don't pass by themselves.
    pub async fn run_sync(&self) -> Result<(), SyncError> {
        let _syncing = self.inner.syncing.try_lock().map_err(|_| SyncError::Running)?;
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
        loop {
            let began = Instant::now();
            match self.session(Goal::Stay).await {
                Err(error) if !error.may_pass() => return Err(error),
                Err(error) => tracing::info!(%error, "no connection to the relay"),
                Ok(_) => {}
            }
            if began.elapsed() > Duration::from_secs(30) {
                backoff.reset();
            }
            let random = self.with_engine(jitter);
            self.pause(backoff.next(random)).await?;
        }
    }

    /// Waits before the next connection, less when something is to be sent; meanwhile other
    /// processes' writing is noticed.
    async fn pause(&self, length: Duration) -> Result<(), SyncError> {
        let over = tokio::time::sleep(length);
        tokio::pin!(over);
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                biased;
                () = &mut over => return Ok(()),
                () = self.shared().wake.notified() => return Ok(()),
                _ = look.tick() => {
                    self.with_engine(Engine::notice_other_writers)?;
                }
            }
        }
    }

    /// Connects, takes in all that is there and sends all that waits, for at most `limit`.
    ///
    /// # Errors
    /// [`SyncError`]; whatever was taken in or sent until then stays.
    pub async fn sync_once(&self, limit: Duration) -> Result<SyncReport, SyncError> {
        let _syncing = self.inner.syncing.try_lock().map_err(|_| SyncError::Running)?;
        let deadline = Instant::now() + limit;
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        loop {
            match self.session(Goal::Settle(deadline)).await {
                // A connection that was lost in the middle is worth another one.
                Err(SyncError::Lost(lost)) if Instant::now() < deadline => {
                    tracing::info!(%lost, "the connection was lost");
                    let random = self.with_engine(jitter);
                    tokio::time::sleep(backoff.next(random)).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn session(&self, goal: Goal) -> Result<SyncReport, SyncError> {
        let shared = self.inner.shared.clone();
        let dialler = Dialler::new(&shared, &self.inner.endpoint_record)?;
        let greeted = dialler.connect(&shared).await?;
        let ended = Session::open(shared, greeted, goal).await?.run().await;
        dialler.close().await;
        ended
    }

    fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    fn with_engine<T>(&self, work: impl FnOnce(&mut Engine) -> T) -> T {
        work(&mut self.shared().engine())
    }

    /// Tells the session that something waits to be sent.
    fn wake(&self) {
        self.shared().wake.notify_one();
    }
}

/// A random byte, to spread reconnections.
fn jitter(engine: &mut Engine) -> u8 {
    let [byte] = engine.entropy().bytes();
    byte
}

impl From<StoreError> for WaitError {
    fn from(error: StoreError) -> Self {
        Self::Engine(EngineError::from(error))
    }
}
