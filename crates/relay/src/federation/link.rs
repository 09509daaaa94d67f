//! The state of one link, shared by those who use it and the task that keeps it.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enlace_log::ChannelId;
use enlace_transport::{Connection, watch};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::forward::{self, Forward};
use super::witness::Witness;

/// How long to wait before the same welcome is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// How long to wait before a channel is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Welcomes that are asked for in that time.
const MAX_REQUESTED: usize = 256;

/// A link, up or down.
#[derive(Debug)]
pub(super) struct Link {
    state: watch::Sender<State>,
    waiting: AtomicUsize,
    told: AtomicU64,
    /// The newest version of the network's bundle that the other is known to have.
    bundle: AtomicU64,
    work: Notify,
    hurry: Notify,
    to_follow: Mutex<BTreeSet<ChannelId>>,
    following: Notify,
    forsaken: Mutex<BTreeSet<ChannelId>>,
    /// When a welcome was asked for.
    requested: Mutex<HashMap<ChannelId, Instant>>,
    forwards: mpsc::Sender<Forward>,
    /// Until the task that forwards takes it.
    forwarding: Mutex<Option<mpsc::Receiver<Forward>>>,
    witness: Witness,
    /// Which votes for another hub the other was told, by channel and hash.
    votes_told: Mutex<BTreeSet<(ChannelId, [u8; 32])>>,
    votes_forgotten: Notify,
    /// When a channel was last looked for in the other's log.
    looked: Mutex<HashMap<ChannelId, Instant>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    connection: Option<Connection>,
    failures: u64,
}

impl State {
    /// The connection, unless it was lost and the task has yet to notice.
    fn live(&self) -> Option<Connection> {
        self.connection.clone().filter(|connection| connection.lost().is_none())
    }
}

/// Counts a caller as long as it waits.
struct Waiting<'l>(&'l Link);

impl Link {
    pub(super) fn new() -> Self {
        let (forwards, forwarding) = mpsc::channel(forward::QUEUE);
        Self {
            forwards,
            forwarding: Mutex::new(Some(forwarding)),
            state: watch::Sender::default(),
            waiting: AtomicUsize::new(0),
            told: AtomicU64::new(0),
            bundle: AtomicU64::new(0),
            work: Notify::new(),
            hurry: Notify::new(),
            to_follow: Mutex::default(),
            following: Notify::new(),
            forsaken: Mutex::default(),
            requested: Mutex::default(),
            witness: Witness::default(),
            votes_told: Mutex::default(),
            votes_forgotten: Notify::new(),
            looked: Mutex::default(),
        }
    }

    /// The connection, dialled first if there is none; nothing if that fails.
    pub(super) async fn connection(&self, limit: Duration) -> Option<Connection> {
        let mut state = self.state.subscribe();
        let failures = {
            let state = state.borrow();
            if let Some(connection) = state.live() {
                return Some(connection);
            }
            state.failures
        };
        let _waiting = Waiting::begin(self);
        let decided = state.wait_until(|state| match state.live() {
            Some(connection) => Some(Some(connection)),
            None => (state.failures > failures).then_some(None),
        });
        tokio::time::timeout(limit, decided).await.ok()?.ok()?
    }

    /// The connection, if it is up.
    pub(super) fn live(&self) -> Option<Connection> {
        self.state.borrow().live()
    }

    /// Waits until the connection is up.
    pub(super) async fn up(&self) {
        let is_live = |state: &State| state.live().map(drop);
        // The sender is held here.
        let _ = self.state.subscribe().wait_until(is_live).await;
    }

    /// What the two relays show each other.
    pub(super) fn witness(&self) -> &Witness {
        &self.witness
    }

    /// Puts items into the queue; waits while it is full.
    pub(super) async fn forward(&self, forward: Forward) {
        // It is closed only when the relay ends; who waits for an answer learns it then.
        drop(self.forwards.send(forward).await);
    }

    /// The queue's other end, once.
    pub(super) fn take_forwards(&self) -> Option<mpsc::Receiver<Forward>> {
        self.forwarding.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// There is something to do.
    pub(super) fn wake(&self) {
        self.work.notify_one();
    }

    /// Waits until there may be something to do.
    pub(super) async fn woken(&self) {
        self.work.notified().await;
    }

    /// Whether somebody waits for the connection.
    pub(super) fn is_waited_for(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Dialling again makes sense now.
    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// Waits until dialling again makes sense.
    pub(super) async fn hurried(&self) {
        self.hurry.notified().await;
    }

    /// The connection is up.
    pub(super) fn is_up(&self, connection: Connection) {
        self.state.send_modify(|state| state.connection = Some(connection));
    }

    /// The connection is gone, or could not be opened.
    pub(super) fn is_down(&self) {
        self.state.send_modify(|state| {
            state.connection = None;
            state.failures += 1;
        });
    }

    /// Which version of the own authority's revocation lists the other has been told.
    pub(super) fn told(&self) -> u64 {
        self.told.load(Ordering::Acquire)
    }

    /// The other has been told that version.
    pub(super) fn tell(&self, version: u64) {
        self.told.fetch_max(version, Ordering::AcqRel);
    }

    /// Which version of the network's bundle the other has, as far as it has said.
    pub(super) fn bundle(&self) -> u64 {
        self.bundle.load(Ordering::Acquire)
    }

    /// The other has that version.
    pub(super) fn heard_bundle(&self, version: u64) {
        self.bundle.fetch_max(version, Ordering::AcqRel);
    }

    /// The other was told these votes.
    pub(super) fn tell_votes(&self, channel: ChannelId, hash: [u8; 32]) {
        lock(&self.votes_told).insert((channel, hash));
    }

    /// Whether the other was told these votes.
    pub(super) fn knows_votes(&self, channel: &ChannelId, hash: &[u8; 32]) -> bool {
        lock(&self.votes_told).contains(&(*channel, *hash))
    }

    /// The other is to be told a channel's votes again.
    pub(super) fn forget_votes(&self, channel: &ChannelId) {
        lock(&self.votes_told).retain(|(of, _)| of != channel);
        self.votes_forgotten.notify_one();
    }

    /// Waits until votes are to be told again.
    pub(super) async fn has_forgotten_votes(&self) {
        self.votes_forgotten.notified().await;
    }

    /// Whether a channel may be looked for in the other's log; notes that it is.
    pub(super) fn may_look(&self, channel: ChannelId) -> bool {
        let (mut looked, now) = (lock(&self.looked), Instant::now());
        looked.retain(|_, at| now.duration_since(*at) < LOOK_AGAIN);
        if looked.len() >= MAX_REQUESTED || looked.contains_key(&channel) {
            return false;
        }
        looked.insert(channel, now);
        true
    }

    /// The hub lied about a channel: as long as this relay runs, it is not followed again.
    pub(super) fn forsake(&self, channel: ChannelId) {
        self.forsaken.lock().unwrap_or_else(PoisonError::into_inner).insert(channel);
    }

    /// Whether the hub lied about a channel.
    pub(super) fn is_forsaken(&self, channel: &ChannelId) -> bool {
        self.forsaken.lock().unwrap_or_else(PoisonError::into_inner).contains(channel)
    }

    /// Whether the hub may be asked for a channel's welcome; notes that it is.
    pub(super) fn may_request(&self, channel: ChannelId) -> bool {
        let mut requested = self.requested.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        requested.retain(|_, at| now.duration_since(*at) < ASK_AGAIN);
        if requested.len() >= MAX_REQUESTED || requested.contains_key(&channel) {
            return false;
        }
        requested.insert(channel, now);
        true
    }

    /// A channel is to be followed from where its copy ends.
    pub(super) fn follow(&self, channel: ChannelId) {
        if self.is_forsaken(&channel) {
            return;
        }
        self.to_follow.lock().unwrap_or_else(PoisonError::into_inner).insert(channel);
        self.following.notify_one();
        self.work.notify_one();
    }

    /// Whether channels were added.
    pub(super) fn has_to_follow(&self) -> bool {
        !lock(&self.to_follow).is_empty()
    }

    /// Waits for channels to follow, and takes them.
    pub(super) async fn taken_to_follow(&self) -> BTreeSet<ChannelId> {
        loop {
            let taken = self.take_to_follow();
            if !taken.is_empty() {
                return taken;
            }
            self.following.notified().await;
        }
    }

    /// Takes the channels that were added.
    pub(super) fn take_to_follow(&self) -> BTreeSet<ChannelId> {
        let mut to_follow = self.to_follow.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *to_follow)
    }
}

impl<'l> Waiting<'l> {
    fn begin(link: &'l Link) -> Self {
        link.waiting.fetch_add(1, Ordering::AcqRel);
        link.work.notify_one();
        link.hurry.notify_one();
        Self(link)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
