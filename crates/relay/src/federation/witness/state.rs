//! What is to be told to another authority's relay, and what it has shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use enlace_log::{ChannelId, Seq, SignedHead};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Heads of one relay that wait to be judged; what comes beyond is passed over: it comes again.
const MAX_SHOWN: usize = 4096;

/// The channels whose copies here have grown.
#[derive(Debug, Default)]
pub(in crate::federation) struct Moved {
    channels: Mutex<BTreeSet<ChannelId>>,
    changed: Notify,
}

/// One authority's relay as a witness.
#[derive(Debug, Default)]
pub(in crate::federation) struct Witness {
    state: Mutex<State>,
    woken: Notify,
}

#[derive(Debug, Default)]
struct State {
    due: BTreeSet<ChannelId>,
    /// Where the newest head that it was told stands.
    told: BTreeMap<ChannelId, Seq>,
    /// One of each channel: the first, until it is judged.
    shown: BTreeMap<ChannelId, Shown>,
}

/// A head that was shown, not verified yet.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) head: SignedHead,
    /// The witness has to be asked for more, from then on.
    pub(super) ask_from: Option<Instant>,
    /// Where the copy ended when it was last looked at.
    pub(super) tail: Option<Seq>,
}

impl Moved {
    /// A copy has grown.
    pub(in crate::federation) fn add(&self, channel: ChannelId) {
        if lock(&self.channels).insert(channel) {
            self.changed.notify_one();
        }
    }

    pub(super) fn take(&self) -> BTreeSet<ChannelId> {
        std::mem::take(&mut *lock(&self.channels))
    }

    /// Waits until a copy has grown.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Witness {
    /// The newest heads of these channels are to be told.
    pub(in crate::federation) fn owe(&self, channels: impl IntoIterator<Item = ChannelId>) {
        lock(&self.state).due.extend(channels);
        self.woken.notify_one();
    }

    /// The newest head of a channel stands there; it is to be told, unless it was.
    pub(super) fn owe_news(&self, channel: ChannelId, newest: Seq) {
        let mut state = lock(&self.state);
        if state.told.get(&channel) != Some(&newest) {
            state.due.insert(channel);
            self.woken.notify_one();
        }
    }

    /// It was told the newest head of a channel, which stands there.
    pub(in crate::federation) fn told(&self, channel: ChannelId, newest: Seq) {
        let mut state = lock(&self.state);
        state.due.remove(&channel);
        state.told.insert(channel, newest);
    }

    /// It showed a head.
    pub(in crate::federation) fn show(&self, head: SignedHead) {
        let channel = head.unverified_head().channel;
        let mut state = lock(&self.state);
        if state.shown.len() < MAX_SHOWN {
            let shown = Shown { head, ask_from: None, tail: None };
            state.shown.entry(channel).or_insert(shown);
            self.woken.notify_one();
        }
    }

    /// Waits until something is due or shown.
    pub(super) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// From when on the other is to be spoken to.
    pub(super) fn wish(&self) -> Option<Instant> {
        let state = lock(&self.state);
        if !state.due.is_empty() {
            return Some(Instant::now());
        }
        state.shown.values().filter_map(|shown| shown.ask_from).min()
    }

    /// At most so many channels that are due; they no longer are.
    pub(super) fn take_due(&self, most: usize) -> BTreeSet<ChannelId> {
        let due = &mut lock(&self.state).due;
        let rest = due.iter().nth(most).copied();
        let rest = rest.map(|first| due.split_off(&first)).unwrap_or_default();
        std::mem::replace(due, rest)
    }

    /// All that wait to be judged.
    pub(super) fn shown(&self) -> Vec<Shown> {
        lock(&self.state).shown.values().cloned().collect()
    }

    /// What is left to be judged of the head shown of a channel.
    pub(super) fn judged(&self, channel: ChannelId, left: Option<Shown>) {
        let shown = &mut lock(&self.state).shown;
        match left {
            Some(left) => drop(shown.insert(channel, left)),
            None => drop(shown.remove(&channel)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
