//! What live readers of one channel share: its newest state, and its newest items in memory.
//!
//! A feed exists while somebody reads. The ring is bounded by count and bytes, and whoever falls
//! behind it reads the storage: a slow reader costs no memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use enlace_log::{ChannelId, Seq, SignedHead};
use enlace_transport::watch;

use super::access::Access;
use crate::storage::{ReadLimit, Role, StoredItem};

const RING_ITEMS: usize = 128;
const RING_BYTES: usize = 256 << 10;

/// Where a channel stands.
#[derive(Clone, Debug)]
pub(crate) struct FeedState {
    pub(crate) role: Role,
    pub(crate) tail: Seq,
    /// The head at `tail`.
    pub(crate) head: SignedHead,
    pub(crate) access: Arc<Access>,
}

/// One channel's.
#[derive(Debug)]
pub(crate) struct Feed {
    state: watch::Sender<Option<Arc<FeedState>>>,
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    items: VecDeque<StoredItem>,
    bytes: usize,
}

impl Feed {
    fn new() -> Self {
        Self { state: watch::Sender::new(None), ring: Mutex::default() }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Option<Arc<FeedState>>> {
        self.state.subscribe()
    }

    pub(crate) fn state(&self) -> Option<Arc<FeedState>> {
        self.state.borrow().clone()
    }

    /// Sets what a reader found in the storage, unless the sequencer was faster.
    pub(crate) fn initialise(&self, found: FeedState) {
        self.state.send_if_modified(|state| {
            let is_first = state.is_none();
            if is_first {
                *state = Some(Arc::new(found));
            }
            is_first
        });
    }

    /// Adds durable items and wakes the readers.
    pub(crate) fn publish(&self, items: &[StoredItem], state: FeedState) {
        lock(&self.ring).extend(items);
        self.state.send_replace(Some(Arc::new(state)));
    }

    /// The items from `from` to `to`, within the limit and up to the first commit; `None` when
    /// memory does not reach back so far.
    pub(crate) fn recent(&self, from: Seq, to: Seq, limit: ReadLimit) -> Option<Vec<StoredItem>> {
        let ring = lock(&self.ring);
        let skip = from.0.checked_sub(ring.items.front()?.seq.0)?;
        let mut items = Vec::new();
        let mut bytes = 0;
        for item in ring.items.iter().skip(usize::try_from(skip).ok()?) {
            let is_full = items.len() >= limit.items.max(1) || bytes >= limit.bytes;
            if item.seq > to || (is_full && !items.is_empty()) {
                break;
            }
            bytes += item.weight();
            items.push(item.clone());
            if item.list_change.is_some() {
                break;
            }
        }
        (!items.is_empty()).then_some(items)
    }
}

impl Ring {
    fn extend(&mut self, items: &[StoredItem]) {
        let follows = |last: &StoredItem| items.first().is_some_and(|i| i.seq == last.seq.next());
        if !self.items.back().is_none_or(follows) {
            self.items.clear();
            self.bytes = 0;
        }
        for item in items {
            self.bytes += item.weight();
            self.items.push_back(item.clone());
        }
        while self.items.len() > RING_ITEMS || self.bytes > RING_BYTES {
            let Some(item) = self.items.pop_front() else { break };
            self.bytes -= item.weight();
        }
    }
}

/// The feeds of all channels that somebody reads.
#[derive(Debug, Default)]
pub(crate) struct Feeds(Mutex<HashMap<ChannelId, Weak<Feed>>>);

impl Feeds {
    /// The feed of a channel; a new one knows nothing yet.
    pub(crate) fn open(&self, channel: ChannelId) -> Arc<Feed> {
        let mut feeds = lock(&self.0);
        if let Some(feed) = feeds.get(&channel).and_then(Weak::upgrade) {
            return feed;
        }
        if feeds.len() == feeds.capacity() {
            feeds.retain(|_, feed| feed.strong_count() > 0);
        }
        let feed = Arc::new(Feed::new());
        feeds.insert(channel, Arc::downgrade(&feed));
        feed
    }

    /// The feed of a channel, if somebody reads it.
    pub(crate) fn find(&self, channel: &ChannelId) -> Option<Arc<Feed>> {
        lock(&self.0).get(channel).and_then(Weak::upgrade)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
