//! The channels of one subscription, each waiting for what comes next in its log.
//!
//! A channel costs its cursor and a waiting future. What it brings is read only when the
//! subscriber takes it: a slow reader holds no items but those being read at that moment, and
//! falls back to the log.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use enlace_log::{ChannelId, Seq};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::oneshot;

use crate::hub::{self, LogBatch, Next, ReadError, Reader};
use crate::storage::ReadLimit;

/// What one batch holds at most; a single item may be larger.
const BATCH: ReadLimit = ReadLimit { items: 256, bytes: 256 << 10 };

/// How long to wait before a channel that is not here, or could not be read, is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// The logs that one subscriber reads.
pub(super) struct Channels {
    hub: hub::Handle,
    reader: Reader,
    limit: usize,
    followed: HashMap<ChannelId, Followed>,
    waiting: FuturesUnordered<Waiting>,
}

type Waiting = Pin<Box<dyn Future<Output = Option<Arrival>> + Send>>;

/// Dropping it ends the channel's future.
struct Followed {
    turn: u64,
    _stop: oneshot::Sender<std::convert::Infallible>,
}

/// What a channel's future ends with.
struct Arrival {
    channel: ChannelId,
    turn: u64,
    log: Option<hub::Subscription>,
    stop: oneshot::Receiver<std::convert::Infallible>,
    from: Seq,
    result: Result<Next, ReadError>,
}

/// What the subscriber is to be sent.
#[derive(Debug)]
pub(super) enum Step {
    /// Items.
    Batch(LogBatch),
    /// It may read no further.
    Ended {
        /// Of which channel.
        channel: ChannelId,
        /// The last position that it could read.
        last: Option<Seq>,
    },
}

/// More channels than one subscription may follow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a subscription follows {0} channels at most")]
pub(super) struct TooMany(usize);

impl Channels {
    /// No channels yet, and at most `limit`.
    pub(super) fn new(hub: hub::Handle, reader: Reader, limit: usize) -> Self {
        let (followed, waiting) = (HashMap::new(), FuturesUnordered::new());
        Self { hub, reader, limit, followed, waiting }
    }

    /// Follows a channel from a position on, or moves its cursor there.
    pub(super) fn follow(&mut self, channel: ChannelId, from: Seq) -> Result<(), TooMany> {
        let turn = match self.followed.get(&channel) {
            Some(followed) => followed.turn + 1,
            None if self.followed.len() >= self.limit => return Err(TooMany(self.limit)),
            None => 0,
        };
        let (sender, stop) = oneshot::channel();
        self.followed.insert(channel, Followed { turn, _stop: sender });
        self.wait(channel, turn, None, stop, from);
        Ok(())
    }

    /// Follows a channel no longer.
    pub(super) fn unfollow(&mut self, channel: ChannelId) {
        self.followed.remove(&channel);
    }

    /// What comes next in any of the channels; waits for ever if there is none. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Step, ReadError> {
        loop {
            let Some(arrival) = self.waiting.next().await else {
                return std::future::pending().await;
            };
            let Some(arrival) = arrival else { continue };
            let Arrival { channel, turn, log, stop, from, result } = arrival;
            if self.followed.get(&channel).is_none_or(|followed| followed.turn != turn) {
                continue;
            }
            match result {
                Ok(Next::Batch(batch)) => {
                    self.wait(channel, turn, log, stop, batch.last.next());
                    return Ok(Step::Batch(batch));
                }
                Ok(Next::Ended { last }) => {
                    self.unfollow(channel);
                    return Ok(Step::Ended { channel, last: Some(last) });
                }
                Err(ReadError::NotAMember) => {
                    self.unfollow(channel);
                    let last = from.0.checked_sub(1).map(Seq);
                    return Ok(Step::Ended { channel, last });
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn wait(
        &self,
        channel: ChannelId,
        turn: u64,
        log: Option<hub::Subscription>,
        mut stop: oneshot::Receiver<std::convert::Infallible>,
        from: Seq,
    ) {
        let (hub, reader) = (self.hub.clone(), self.reader.clone());
        self.waiting.push(Box::pin(async move {
            let mut log = log;
            let result = tokio::select! {
                result = next(&hub, channel, &reader, &mut log, from) => result,
                _ = &mut stop => return None,
            };
            Some(Arrival { channel, turn, log, stop, from, result })
        }));
    }
}

async fn next(
    hub: &hub::Handle,
    channel: ChannelId,
    reader: &Reader,
    log: &mut Option<hub::Subscription>,
    from: Seq,
) -> Result<Next, ReadError> {
    loop {
        let open = match log {
            Some(open) => open,
            None => match hub.subscribe(channel, reader.clone()).await {
                Ok(open) => log.insert(open),
                Err(ReadError::UnknownChannel) => {
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
                Err(error) => return Err(error),
            },
        };
        return open.next(from, BATCH).await;
    }
}
