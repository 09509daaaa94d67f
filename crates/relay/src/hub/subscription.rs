//! One reader of one channel.

use std::sync::Arc;

use enlace_identity::names::Domain;
use enlace_log::membership::ReadRange;
use enlace_log::{ChannelId, Incarnation, Incarnations, Seq, SignedHead};
use enlace_transport::watch;

use super::access::{Access, Reader, Window};
use super::batch::{EncodedBatch, LogBatch};
use super::catch_up::{CatchUp, Shared};
use super::errors::ReadError;
use super::feed::{Feed, FeedState};
use super::head_key::HeadKey;
use super::moves::Moves;
use super::readers::Readers;
use crate::storage::{ReadLimit, ReadStorage, StorageError, StoredItem};

/// Items that are read from the storage at a time for whoever catches up.
const CATCH_UP_ITEMS: usize = 256;

/// Reads a channel's log as it grows, within what its reader may read. Holds no cursor: the
/// caller says from where.
#[derive(Debug)]
pub struct Subscription {
    channel: ChannelId,
    reader: Reader,
    feed: Arc<Feed>,
    changes: watch::Receiver<Option<Arc<FeedState>>>,
    /// What was last found that the reader may read, and of whom that was said.
    range: Option<(Arc<Access>, ReadRange)>,
    source: Source,
}

/// What comes next in a log.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nearly always a batch, and taken apart at once")]
pub enum Next {
    /// Items.
    Batch(LogBatch),
    /// Nothing more for this reader.
    Ended {
        /// The last position that it could read.
        last: Seq,
    },
}

/// What comes next, as it travels.
#[derive(Debug)]
pub(crate) enum NextEncoded {
    /// Consecutive batches, at least one.
    Batches(Vec<Arc<EncodedBatch>>),
    /// Nothing more for this reader.
    Ended {
        /// The last position that it could read.
        last: Seq,
    },
    /// The reader's copy is not of this log from that position on.
    Departs(Seq),
}

/// Where items and heads come from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) readers: Readers,
    pub(crate) head_key: HeadKey,
    pub(crate) catch_up: CatchUp,
    pub(crate) moves: Arc<Moves>,
    /// The authority whose relay this is.
    pub(crate) own: Domain,
}

impl Subscription {
    pub(crate) fn new(channel: ChannelId, reader: Reader, feed: Arc<Feed>, source: Source) -> Self {
        let changes = feed.watch();
        Self { channel, reader, feed, changes, range: None, source }
    }

    /// The channel.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        self.channel
    }

    /// The log's last position, and the signed head there.
    #[must_use]
    pub fn tail(&self) -> Option<(Seq, SignedHead)> {
        self.feed.state().map(|state| (state.tail, state.head.clone()))
    }

    /// Who may read what, as of now.
    #[must_use]
    pub fn access(&self) -> Option<Arc<Access>> {
        self.feed.state().map(|state| state.access.clone())
    }

    /// Waits until the log holds something at `from` for this reader, and reads it. A batch ends
    /// with a signed head, and after a commit. Cancel safe.
    ///
    /// # Errors
    /// [`ReadError`]; the subscription stays usable after one of the storage.
    pub async fn next(&mut self, from: Seq, limit: ReadLimit) -> Result<Next, ReadError> {
        loop {
            let state = self.changes.borrow_and_update().clone();
            if let Some(next) = self.read_at(state, from, limit).await? {
                return Ok(next);
            }
            self.changes.changed().await.map_err(|_| ReadError::Stopped)?;
        }
    }

    /// Waits until the log may hold more than when this was opened, or when this last returned.
    /// Cancel safe.
    pub async fn changed(&mut self) {
        // It fails only without the feed, and that is held here.
        let _ = self.changes.changed().await;
    }

    /// As [`Self::next`], without waiting: `None` when nothing is there yet.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read(&self, from: Seq, limit: ReadLimit) -> Result<Option<Next>, ReadError> {
        self.read_at(self.feed.state(), from, limit).await
    }

    /// Which incarnation of the hub ordered a position.
    pub(crate) fn incarnation_at(&self, seq: Seq) -> Incarnation {
        self.feed.state().map_or_else(Incarnation::default, |state| state.incarnations.at(seq))
    }

    /// As [`Self::read`], in the form in which all readers at this position share it: at most
    /// `most_bytes`, or one batch. What lies before `from` is of that incarnation of the hub.
    ///
    /// # Errors
    /// [`ReadError`]; also of a batch that is too long to be sent.
    pub(crate) async fn read_encoded(
        &mut self,
        from: Seq,
        incarnation: Incarnation,
        most_bytes: usize,
    ) -> Result<Option<NextEncoded>, ReadError> {
        let state = self.feed.state().ok_or(ReadError::UnknownChannel)?;
        let window = self.window(&state, from);
        // Whoever was removed where its copy is another one has to read of that first.
        let may_know = |next: &Seq| match window {
            Window::Open(_) => true,
            Window::Ended(last) => *next <= last,
            Window::Closed => false,
        };
        match state.departs(from, incarnation) {
            Some(next) if may_know(&next) => return Ok(Some(NextEncoded::Departs(next))),
            // A welcome may overtake what a follower copies: it cannot say yet who is a member there.
            None if state.is_behind(from) => return Ok(None),
            _ => {}
        }
        let to = match window {
            Window::Open(to) => to.map_or(state.tail, |to| to.min(state.tail)),
            Window::Ended(last) => return Ok(Some(NextEncoded::Ended { last })),
            Window::Closed => return Err(ReadError::NotAMember),
        };
        if from > to {
            return Ok(None);
        }
        let recent = self.feed.recent(from, to, most_bytes);
        if !recent.is_empty() {
            return Ok(Some(NextEncoded::Batches(recent)));
        }
        let cell = self.source.catch_up.cell(self.channel, from);
        let found = match cell.get() {
            Some(batch) => Ok(batch.clone()),
            None => {
                let read = || self.read_batch(&state, from, to, most_bytes);
                let batch = cell.get_or_try_init(read).await.cloned();
                if let Ok(batch) = &batch {
                    self.source.catch_up.count(self.channel, batch);
                }
                batch
            }
        };
        let found = match found {
            Ok(batch) if batch.last > to => self.read_batch(&state, from, to, most_bytes).await,
            found => found,
        };
        match found {
            Ok(batch) => Ok(Some(NextEncoded::Batches(vec![batch]))),
            Err(Shared::Ended(last)) => Ok(Some(NextEncoded::Ended { last })),
            Err(Shared::Read(error)) => Err(error),
        }
    }

    async fn read_batch(
        &self,
        state: &FeedState,
        from: Seq,
        to: Seq,
        most_bytes: usize,
    ) -> Result<Arc<EncodedBatch>, Shared> {
        let limit = ReadLimit { items: CATCH_UP_ITEMS, bytes: most_bytes };
        match self.read_stored(state, from, to, limit).await? {
            Next::Batch(batch) => Ok(Arc::new(EncodedBatch::new(batch)?)),
            Next::Ended { last } => Err(Shared::Ended(last)),
        }
    }

    /// As [`Access::window`]; a lasting permission is remembered as long as nobody's changes.
    fn window(&mut self, state: &FeedState, from: Seq) -> Window {
        if let Some((access, range)) = &self.range
            && Arc::ptr_eq(access, &state.access)
            && range.contains(from)
        {
            return Window::Open(range.to);
        }
        let window = state.access.window(&self.reader, from);
        if let Window::Open(to) = window {
            self.range = Some((state.access.clone(), ReadRange { from, to }));
        }
        window
    }

    async fn read_at(
        &self,
        state: Option<Arc<FeedState>>,
        from: Seq,
        limit: ReadLimit,
    ) -> Result<Option<Next>, ReadError> {
        let state = state.ok_or(ReadError::UnknownChannel)?;
        let to = match state.access.window(&self.reader, from) {
            Window::Open(to) => to.map_or(state.tail, |to| to.min(state.tail)),
            Window::Ended(last) => return Ok(Some(Next::Ended { last })),
            Window::Closed => return Err(ReadError::NotAMember),
        };
        if from > to {
            return Ok(None);
        }
        self.read_stored(&state, from, to, limit).await.map(Some)
    }

    async fn read_stored(
        &self,
        state: &FeedState,
        from: Seq,
        to: Seq,
        limit: ReadLimit,
    ) -> Result<Next, ReadError> {
        // A batch ends before the next hub's statement: it is of one hub.
        if *state.hubs.at(from) == self.source.own {
            self.read_hub(state, from, to, limit).await
        } else {
            self.read_copy(state, from, to, limit).await
        }
    }

    /// A hub can sign any position that is durable.
    async fn read_hub(
        &self,
        state: &FeedState,
        from: Seq,
        to: Seq,
        limit: ReadLimit,
    ) -> Result<Next, ReadError> {
        let channel = self.channel;
        let incarnations = state.incarnations.clone();
        let read = move |storage: &mut dyn ReadStorage| {
            stored_items(storage, channel, from, to, limit, &incarnations)
        };
        let items = self.source.readers.run(read).await?;
        let last = items.last().ok_or(ReadError::Missing)?;
        let head = if last.seq == state.tail {
            state.head.clone()
        } else {
            let incarnation = state.incarnations.at(last.seq);
            let key = &self.source.head_key;
            key.sign(self.channel, incarnation, last.seq, last.chain).signed().clone()
        };
        Ok(Next::Batch(LogBatch::new(self.channel, &items, head)?))
    }

    /// A follower has the heads that it received: a batch ends at one of them.
    async fn read_copy(
        &self,
        state: &FeedState,
        from: Seq,
        to: Seq,
        limit: ReadLimit,
    ) -> Result<Next, ReadError> {
        let (channel, incarnations) = (self.channel, state.incarnations.clone());
        let read = move |storage: &mut dyn ReadStorage| {
            copied(storage, channel, from, to, limit, &incarnations)
        };
        match self.source.readers.run(read).await? {
            Copied::Batch(batch) => Ok(Next::Batch(batch)),
            Copied::Unsigned => Ok(Next::Ended { last: Seq(from.0.saturating_sub(1)) }),
            Copied::Gap => Err(ReadError::Missing),
        }
    }
}

/// Items up to the first commit or before the next statement of the hub, none after `to`.
fn stored_items(
    storage: &mut dyn ReadStorage,
    channel: ChannelId,
    from: Seq,
    to: Seq,
    limit: ReadLimit,
    incarnations: &Incarnations,
) -> Result<Vec<StoredItem>, StorageError> {
    let limit = ReadLimit { items: limit.items.clamp(1, span(from, to)), ..limit };
    let mut items = storage.items(&channel, from, limit)?;
    let commit = items.iter().position(|item| item.list_change.is_some());
    items.truncate(commit.map_or(items.len(), |commit| commit + 1));
    let statement = items.iter().skip(1).position(|item| incarnations.begins_at(item.seq));
    items.truncate(statement.map_or(items.len(), |before| before + 1));
    Ok(items)
}

/// What a copy holds for a reader.
#[allow(clippy::large_enum_variant, reason = "nearly always a batch, and taken apart at once")]
enum Copied {
    Batch(LogBatch),
    /// Items, but no head up to where its reading ends.
    Unsigned,
    /// Nothing.
    Gap,
}

/// The longest batch within the limit that ends at a kept head; where there is none, the shortest
/// beyond it, which is never longer than what the hub sent in one piece.
fn copied(
    storage: &mut dyn ReadStorage,
    channel: ChannelId,
    from: Seq,
    to: Seq,
    limit: ReadLimit,
    incarnations: &Incarnations,
) -> Result<Copied, StorageError> {
    let mut items = stored_items(storage, channel, from, to, limit, incarnations)?;
    let Some(last) = items.last() else { return Ok(Copied::Gap) };
    let head = match storage.newest_head(&channel, from, last.seq)? {
        Some(head) => head,
        None => match storage.next_head(&channel, from)? {
            Some(head) if head.unverified_head().seq <= to => head,
            _ => return Ok(Copied::Unsigned),
        },
    };
    let end = head.unverified_head().seq;
    if end > last.seq {
        let limit = ReadLimit { items: span(from, end), bytes: usize::MAX };
        items = storage.items(&channel, from, limit)?;
    }
    items.retain(|item| item.seq <= end);
    LogBatch::new(channel, &items, head).map(Copied::Batch)
}

fn span(from: Seq, to: Seq) -> usize {
    usize::try_from(to.0 - from.0).unwrap_or(usize::MAX).saturating_add(1)
}
