//! Everything that changes the store, one transaction each. No sockets and no waiting: the sync
//! session brings what came and takes away what is to be sent.
//!
//! MLS state, the position in a log and the rows that are shown change together. Channels are
//! kept in memory between transactions; they are dropped when a transaction is abandoned, and when
//! another process has written since.

mod acts;
mod answers;
mod automatic;
mod backup;
mod batches;
mod bundles;
mod certificate;
mod cleaning;
mod compose;
mod confirmations;
mod consents;
mod demoted;
mod devices;
mod directory;
mod dropped;
mod events;
mod followed;
mod fork;
mod forum;
mod holders;
mod items;
mod keeping;
mod key_packages;
mod lanes;
mod leases;
mod moving;
mod passing;
mod plan;
mod put_back;
mod put_out;
mod refill;
mod renewal;
mod seal;
mod settle;
mod share;
mod share_keys;
mod snapshot;
mod succession;
mod suspension;
mod sweep;
#[cfg(test)]
mod tests;
mod tombstones;
mod transfer;
mod turns;
mod welcome;
mod withdrawals;
mod work;

use std::collections::{BTreeMap, HashMap};

use enlace_channel::channel::{Channel, ChannelError, Context, Device};
use enlace_channel::mls::Backend;
use enlace_channel::state_store::StateError;
use enlace_identity::entropy::Entropy;
use enlace_identity::time::Timestamp;
use enlace_log::ChannelId;
use enlace_transport::{Trust, watch};
use tokio::sync::broadcast;

pub use self::acts::{ActError, Wish};
pub use self::answers::Answer;
pub use self::backup::{BackupError, Restored};
pub use self::batches::{BATCH, Batches};
pub use self::bundles::TakeBundleError;
pub use self::certificate::CertificateRefused;
pub use self::compose::{CreateChannelError, NewChannel, NewNote, PostError};
pub use self::confirmations::{Inquiry, NextInquiry};
pub use self::consents::AgreementView;
pub use self::devices::{DeviceError, OwnDevice};
pub use self::directory::{DirectoryError, RelayAddress, relay_addresses};
pub use self::followed::Followed;
pub use self::forum::Thread;
pub use self::items::{NEEDS_NEWER_VERSION, ReceiveError, Received};
pub(crate) use self::key_packages::SUITES;
pub use self::key_packages::{PoolError, Publication};
pub use self::lanes::Lanes;
pub use self::moving::{MoveError, MoveView};
pub use self::plan::{Action, Plan};
pub use self::refill::{Departure, SetBack};
pub use self::snapshot::ResumeError;
pub use self::transfer::TransferError;
pub(crate) use self::transfer::{Announced, Asking, Outgoing};
pub use self::welcome::{Disposition, WelcomeError};

pub(crate) use self::backup::restored_setting;
pub(crate) use self::confirmations::confirmed;
pub(crate) use self::demoted::{demoted, published};
pub(crate) use self::forum::Forum;
pub(crate) use self::holders::Holders;
pub(crate) use self::settle::body_of;
pub(crate) use self::withdrawals::may_take_back;

use self::cleaning::Cleaning;
use self::passing::Passing;
use self::sweep::Sweep;
use self::work::{Book, Work};
use crate::event::ClientEvent;
use crate::store::{Store, StoreError, Transaction};

/// Events that a slow watcher may lag behind before it misses some.
const EVENTS: usize = 1024;

/// A device at work on its store.
pub struct Engine {
    store: Box<dyn Store>,
    device: Device,
    backend: Backend,
    trust: Trust,
    channels: HashMap<ChannelId, Channel>,
    seen_version: Option<u64>,
    /// Whether another process has written, and watchers were not told yet.
    others_wrote: bool,
    may_seal: bool,
    /// How often this device has encrypted, by the relay's last word.
    seen_by_relay: Option<u64>,
    /// Where a renewal of keys is due, and since when a quiet moment is looked for.
    looking_for_quiet: BTreeMap<ChannelId, Timestamp>,
    /// When it was last looked whether something has run its time.
    expired_at: Option<Timestamp>,
    /// Whether the files may hold what was erased.
    scrub_is_due: bool,
    cleaning: Cleaning,
    /// Where revoked devices are to be looked for.
    sweep: Sweep,
    /// Whether votes for other hubs may have to be handed over, or signed again.
    votes_are_due: bool,
    /// Lists to be passed on in channels.
    passing: Vec<Passing>,
    /// Sees lists that came other than by [`Self::take_crls`].
    lists: watch::Receiver<u64>,
    events: broadcast::Sender<ClientEvent>,
}

/// The store failed or is damaged; nobody's message is to blame.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A channel's state.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

impl EngineError {
    /// Why one channel alone can't go on, if the others can.
    pub(crate) fn of_one_channel(&self) -> Option<&ChannelError> {
        match self {
            Self::Channel(error) if concerns_one(error) => Some(error),
            _ => None,
        }
    }
}

/// Whether an error is about the channel at hand, and not about the store that all share.
fn concerns_one(error: &ChannelError) -> bool {
    use enlace_channel::mls::GroupError;

    !matches!(
        error,
        ChannelError::State(StateError::Engine(_) | StateError::NoSavepoint)
            | ChannelError::Group(GroupError::State(StateError::Engine(_)))
    )
}

impl From<StateError> for EngineError {
    fn from(error: StateError) -> Self {
        Self::Channel(error.into())
    }
}

impl Engine {
    /// A device on its store.
    #[must_use]
    pub fn new(store: Box<dyn Store>, device: Device, backend: Backend, trust: Trust) -> Self {
        let (events, _) = broadcast::channel(EVENTS);
        let lists = trust.changes();
        Self {
            passing: Vec::new(),
            lists,
            store,
            device,
            backend,
            trust,
            channels: HashMap::new(),
            seen_version: None,
            others_wrote: false,
            may_seal: false,
            seen_by_relay: None,
            looking_for_quiet: BTreeMap::new(),
            expired_at: None,
            scrub_is_due: true,
            cleaning: Cleaning::default(),
            sweep: Sweep::default(),
            votes_are_due: true,
            events,
        }
    }

    /// This device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Whom it trusts.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Where chance comes from.
    #[must_use]
    pub fn entropy(&self) -> &Entropy {
        self.backend.entropy()
    }

    /// Where events are told.
    #[must_use]
    pub fn events(&self) -> &broadcast::Sender<ClientEvent> {
        &self.events
    }

    /// Runs `work` in a transaction: all of it becomes durable, or nothing.
    pub(crate) fn write<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let Self {
            store, device, backend, trust, channels, seen_version, events, may_seal, ..
        } = self;
        let (bundle, now) = (trust.bundle(), trust.now());
        let tx = store.begin()?;
        let version = tx.data_version()?;
        let seen = seen_version.replace(version);
        if seen != Some(version) {
            channels.clear();
            self.others_wrote |= seen.is_some();
        }
        let book = Book::new(&*tx);
        let ctx = Context { store: &*tx, backend, device, bundle: &bundle, log: &book, now };
        let mut open = Work::new(&*tx, ctx, trust, channels, *may_seal);
        let done = work(&mut open);
        let (told, has_erased) = open.into_events();
        let committed = done.and_then(|done| Ok(tx.commit().map(|()| done)?));
        match &committed {
            // Nobody needs to listen.
            Ok(_) => {
                self.sweep.note(&told);
                self.votes_are_due |=
                    told.iter().any(|event| matches!(event, ClientEvent::Channel(_)));
                if trust.bundle().hash() != bundle.hash() {
                    self.sweep = Sweep::default();
                }
                told.into_iter().for_each(|event| drop(events.send(event)));
            }
            Err(_) => channels.clear(),
        }
        self.scrub_is_due |= has_erased;
        if self.scrub_is_due {
            self.scrub();
        }
        committed
    }

    /// While somebody else reads it is tried again after the next transaction; else when it may be.
    fn scrub(&mut self) {
        let now = self.trust.now();
        if self.cleaning.next(now) > now {
            return;
        }
        match self.store.scrub() {
            Ok(done) => {
                self.scrub_is_due = !done;
                self.cleaning.cleaned(now, self.trust.now().since(now));
            }
            Err(error) => {
                self.cleaning.failed(now);
                tracing::warn!(%error, "what was erased is still in the files");
            }
        }
    }

    /// Cleans the files if that was put off; when to ask again, if it still is.
    pub(crate) fn clean(&mut self) -> Option<Timestamp> {
        if !self.scrub_is_due {
            return None;
        }
        let (now, next) = (self.trust.now(), self.cleaning.next(self.trust.now()));
        if next > now {
            return Some(next);
        }
        self.scrub();
        None
    }

    /// Reads one state of the store.
    pub(crate) fn read<T>(
        &mut self,
        read: impl FnOnce(&dyn Transaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let tx = self.store.read()?;
        read(&*tx)
    }

    /// Whether another process has written since this was last asked; watchers are told.
    ///
    /// # Errors
    /// When the store fails.
    pub fn notice_other_writers(&mut self) -> Result<bool, EngineError> {
        let version = self.store.read()?.data_version()?;
        let seen = self.seen_version.replace(version);
        if seen != Some(version) {
            self.channels.clear();
            self.others_wrote |= seen.is_some();
        }
        let changed = std::mem::take(&mut self.others_wrote);
        self.votes_are_due |= changed;
        if changed {
            self.check_submit_counter_again()?;
            let _ = self.events.send(ClientEvent::StoreChanged);
        }
        Ok(changed)
    }
}

impl Drop for Engine {
    /// Nothing of what was erased is left for the next start.
    fn drop(&mut self) {
        if self.scrub_is_due
            && let Err(error) = self.store.scrub()
        {
            tracing::warn!(%error, "what was erased is still in the files");
        }
    }
}
