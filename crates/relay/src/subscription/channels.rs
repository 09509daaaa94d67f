//! The channels of one subscription, each waiting until its log may have more.
//!
//! A channel costs its cursor and a future that waits for a signal and holds nothing that others
//! wait for: while the subscriber is slow, nobody polls it. What a channel brings is read only when
//! the subscriber takes it, one channel after the other.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use enlace_identity::names::Domain;
use enlace_log::{ChannelId, Incarnation, Seq};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::oneshot;
use tracing::error;

use crate::hub::{self, EncodedBatch, NextEncoded, ReadError, Reader};
use crate::server::Context;

/// What is sent at once at most; a single batch may be longer.
const BYTES: usize = 256 << 10;

/// How long to wait before a channel that is not here, or could not be read, is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// The logs that one subscriber reads.
pub(super) struct Channels {
    context: Arc<Context>,
    reader: Reader,
    limit: usize,
    followed: HashMap<ChannelId, Followed>,
    /// Where there may be something to read, in turn.
    ready: VecDeque<Place>,
    waiting: FuturesUnordered<Waiting>,
}

type Waiting = Pin<Box<dyn Future<Output = Option<Place>> + Send>>;

/// Dropping it ends the channel's future.
struct Followed {
    turn: u64,
    _stop: oneshot::Sender<std::convert::Infallible>,
}

/// Where a channel is read from next.
struct Place {
    channel: ChannelId,
    turn: u64,
    /// The authority that orders it, by the subscriber's word.
    hub: Option<Domain>,
    log: Option<hub::Subscription>,
    stop: oneshot::Receiver<std::convert::Infallible>,
    from: Seq,
    /// The hub's incarnation before it.
    incarnation: Incarnation,
}

/// What the subscriber is to be sent.
#[derive(Debug)]
pub(super) enum Step {
    /// Items.
    Batches(Vec<Arc<EncodedBatch>>),
    /// It may read no further.
    Ended {
        /// Of which channel.
        channel: ChannelId,
        /// The last position that it could read.
        last: Option<Seq>,
    },
    /// Its copy is not of this log from some position on: it is followed no further.
    Departs {
        /// Of which channel.
        channel: ChannelId,
        /// The first position that differs.
        next: Seq,
    },
}

/// More channels than one subscription may follow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a subscription follows {0} channels at most")]
pub(super) struct TooMany(usize);

impl Channels {
    /// No channels yet, and at most `limit`.
    pub(super) fn new(context: Arc<Context>, reader: Reader, limit: usize) -> Self {
        let (followed, ready, waiting) = (HashMap::new(), VecDeque::new(), FuturesUnordered::new());
        Self { context, reader, limit, followed, ready, waiting }
    }

    /// Follows a channel from a position on, or moves its cursor there.
    pub(super) fn follow(
        &mut self,
        channel: ChannelId,
        hub: Option<Domain>,
        from: Seq,
        incarnation: Incarnation,
    ) -> Result<(), TooMany> {
        let turn = match self.followed.get(&channel) {
            Some(followed) => followed.turn + 1,
            None if self.followed.len() >= self.limit => return Err(TooMany(self.limit)),
            None => 0,
        };
        let (sender, stop) = oneshot::channel();
        self.followed.insert(channel, Followed { turn, _stop: sender });
        self.ready.push_back(Place { channel, turn, hub, log: None, stop, from, incarnation });
        Ok(())
    }

    /// Whether a channel is followed.
    pub(super) fn follows(&self, channel: &ChannelId) -> bool {
        self.followed.contains_key(channel)
    }

    /// Follows a channel no longer.
    pub(super) fn unfollow(&mut self, channel: ChannelId) {
        self.followed.remove(&channel);
    }

    /// What comes next in any of the channels; waits for ever if there is none. Cancel safe.
    ///
    /// # Errors
    /// Only [`ReadError::Stopped`]: a channel that can't be read is tried again later, and holds up
    /// no other.
    pub(super) async fn next(&mut self) -> Result<Step, ReadError> {
        loop {
            while let Some(Some(woken)) = self.waiting.next().now_or_never() {
                self.ready.extend(woken);
            }
            let Some(place) = self.ready.front_mut() else {
                match self.waiting.next().await {
                    Some(woken) => self.ready.extend(woken),
                    None => return std::future::pending().await,
                }
                continue;
            };
            let is_followed = |followed: &Followed| followed.turn == place.turn;
            let result = if self.followed.get(&place.channel).is_some_and(is_followed) {
                Some(read(self.context.hub(), &self.reader, place).await)
            } else {
                None
            };
            let (Some(place), Some(result)) = (self.ready.pop_front(), result) else { continue };
            if let Some(step) = self.take(place, result)? {
                return Ok(step);
            }
        }
    }

    fn take(
        &mut self,
        place: Place,
        result: Result<Option<NextEncoded>, ReadError>,
    ) -> Result<Option<Step>, ReadError> {
        let channel = place.channel;
        match result {
            Ok(Some(NextEncoded::Batches(batches))) => {
                let last = batches.last().map(|batch| batch.last);
                let from = last.map_or(place.from, Seq::next);
                let known = place.log.as_ref().zip(last);
                let incarnation =
                    known.map_or(place.incarnation, |(log, last)| log.incarnation_at(last));
                self.ready.push_back(Place { from, incarnation, ..place });
                Ok(Some(Step::Batches(batches)))
            }
            Ok(Some(NextEncoded::Ended { last })) => {
                self.question_end(&place);
                self.unfollow(channel);
                Ok(Some(Step::Ended { channel, last: Some(last) }))
            }
            Ok(Some(NextEncoded::Departs(next))) => {
                self.unfollow(channel);
                Ok(Some(Step::Departs { channel, next }))
            }
            Err(ReadError::NotAMember | ReadError::Missing) => {
                self.question_end(&place);
                self.unfollow(channel);
                Ok(Some(Step::Ended { channel, last: place.from.0.checked_sub(1).map(Seq) }))
            }
            Err(ReadError::Stopped) => Err(ReadError::Stopped),
            Ok(None) => {
                self.wait(place);
                Ok(None)
            }
            Err(ReadError::UnknownChannel) => {
                let wanted = place.hub.clone();
                self.wait_for(Place { log: None, ..place }, wanted);
                Ok(None)
            }
            Err(error @ ReadError::Storage(_)) => {
                error!(%channel, %error, "a log cannot be read");
                self.wait(Place { log: None, ..place });
                Ok(None)
            }
        }
    }

    /// By this copy an own device may read no further; its hub may know better by now. What it sends then
    /// is there when the device asks again.
    fn question_end(&self, place: &Place) {
        if let Some(hub) = &place.hub {
            self.context.links().follow_again(hub, place.channel);
        }
    }

    fn wait(&self, place: Place) {
        self.wait_for(place, None);
    }

    /// Sets a channel aside until its log changes; one without a log, for a while, and its hub is
    /// asked for the copy's beginning.
    fn wait_for(&self, mut place: Place, wanted: Option<Domain>) {
        let (context, channel) = (self.context.clone(), place.channel);
        self.waiting.push(Box::pin(async move {
            let Place { log, stop, .. } = &mut place;
            let changed = async {
                match log {
                    Some(log) => log.changed().await,
                    None => {
                        if let Some(hub) = wanted {
                            context.links().request_welcome(&hub, channel).await;
                        }
                        tokio::time::sleep(RETRY).await;
                    }
                }
            };
            tokio::select! {
                biased;
                _ = stop => None,
                () = changed => Some(place),
            }
        }));
    }
}

async fn read(
    hub: &hub::Handle,
    reader: &Reader,
    place: &mut Place,
) -> Result<Option<NextEncoded>, ReadError> {
    let log = match &mut place.log {
        Some(open) => open,
        None => place.log.insert(hub.subscribe(place.channel, reader.clone()).await?),
    };
    log.read_encoded(place.from, place.incarnation, BYTES).await
}
