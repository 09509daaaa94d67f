//! What live readers of one channel share: its newest state, and its newest batches as they travel.
//!
//! A feed exists while somebody reads. All feeds together keep so many bytes of batches; the oldest
//! go first, whosever they are, and whoever falls behind reads the storage: a slow reader costs no
//! memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use enlace_log::{ChannelId, Hubs, Incarnation, Incarnations, Seq, SignedHead};
use enlace_transport::watch;

use super::access::Access;
use super::batch::EncodedBatch;
use crate::storage::Role;

/// What all feeds together keep.
const KEPT_BYTES: usize = 32 << 20;

/// Where a channel stands.
#[derive(Clone, Debug)]
pub(crate) struct FeedState {
    pub(crate) role: Role,
    /// Whether this relay takes over once it holds what others do.
    pub(crate) is_next_hub: bool,
    pub(crate) tail: Seq,
    /// The head at `tail`.
    pub(crate) head: SignedHead,
    pub(crate) access: Arc<Access>,
    pub(crate) incarnations: Arc<Incarnations>,
    pub(crate) hubs: Arc<Hubs>,
}

impl FeedState {
    /// Whether this is a copy that lags behind another one, which goes on at `next`.
    pub(crate) fn is_behind(&self, next: Seq) -> bool {
        self.role == Role::Follower && !self.is_next_hub && next > self.tail.next()
    }

    /// Where the log departs from a copy that goes on at `next`, of that incarnation of the hub. A
    /// follower's copy may simply lag.
    pub(crate) fn departs(&self, next: Seq, incarnation: Incarnation) -> Option<Seq> {
        let end = self.tail.next();
        let began_anew = self.incarnations.first_after(incarnation).filter(|seq| *seq < next);
        let is_other = next <= end && !self.incarnations.knows(incarnation);
        let asks_for_more = self.role == Role::Hub || self.is_next_hub;
        let is_beyond = asks_for_more && next > end;
        began_anew.or(is_other.then_some(next)).or(is_beyond.then_some(end))
    }
}

/// One channel's.
#[derive(Debug)]
pub(crate) struct Feed {
    state: watch::Sender<Option<Arc<FeedState>>>,
    /// Consecutive, the newest at the back.
    recent: Mutex<VecDeque<Arc<EncodedBatch>>>,
}

impl Feed {
    fn new() -> Self {
        Self { state: watch::Sender::new(None), recent: Mutex::default() }
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

    /// The batches from exactly `from` on that end at `to` at the latest, of so many bytes or one;
    /// none when none begins there.
    pub(crate) fn recent(&self, from: Seq, to: Seq, most_bytes: usize) -> Vec<Arc<EncodedBatch>> {
        let recent = lock(&self.recent);
        let start = recent.partition_point(|batch| batch.first < from);
        let mut bytes = 0;
        let aligned = |batch: &&Arc<EncodedBatch>| batch.first == from;
        let begins = recent.get(start).as_ref().is_some_and(aligned);
        let found = recent.range(if begins { start.. } else { recent.len().. });
        let wanted = found.take_while(|batch| {
            let has_room = bytes == 0 || bytes < most_bytes;
            bytes += batch.weight();
            has_room && batch.last <= to
        });
        wanted.cloned().collect()
    }

    fn keep(&self, batch: Arc<EncodedBatch>) {
        let mut recent = lock(&self.recent);
        if recent.back().is_some_and(|newest| newest.last.next() != batch.first) {
            recent.clear();
        }
        recent.push_back(batch);
    }

    /// The log has gone back.
    pub(crate) fn forget(&self) {
        lock(&self.recent).clear();
    }

    fn drop_until(&self, last: Seq) {
        let mut recent = lock(&self.recent);
        let count = recent.partition_point(|batch| batch.last <= last);
        recent.drain(..count);
    }
}

/// The feeds of all channels that somebody reads.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    by_channel: Mutex<HashMap<ChannelId, Weak<Feed>>>,
    kept: Mutex<Kept>,
}

/// The batches in the order in which they were published, over all feeds.
#[derive(Debug, Default)]
struct Kept {
    order: VecDeque<(Weak<Feed>, Seq, usize)>,
    bytes: usize,
}

impl Feeds {
    /// The feed of a channel; a new one knows nothing yet.
    pub(crate) fn open(&self, channel: ChannelId) -> Arc<Feed> {
        let mut feeds = lock(&self.by_channel);
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
        lock(&self.by_channel).get(channel).and_then(Weak::upgrade)
    }

    /// Adds durable batches to a feed and wakes its readers.
    pub(crate) fn publish(&self, feed: &Arc<Feed>, batches: Vec<EncodedBatch>, state: FeedState) {
        let mut kept = lock(&self.kept);
        for batch in batches {
            let (last, weight) = (batch.last, batch.weight());
            kept.order.push_back((Arc::downgrade(feed), last, weight));
            kept.bytes += weight;
            feed.keep(Arc::new(batch));
        }
        while kept.bytes > KEPT_BYTES
            && let Some((oldest, last, weight)) = kept.order.pop_front()
        {
            kept.bytes -= weight;
            if let Some(oldest) = oldest.upgrade() {
                oldest.drop_until(last);
            }
        }
        drop(kept);
        feed.state.send_replace(Some(Arc::new(state)));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
