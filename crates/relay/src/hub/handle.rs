//! What the rest of the relay holds of the hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::ids::seq_to_u64;
use enlace_log::{
    ChainHash, ChannelId, ChannelNonce, Head, Hubs, Incarnations, Seq, SignedHead, VerifiedHead,
    VerifiedHubVote, former,
};
use enlace_proto::relay::v1 as wire;
use enlace_transport::watch;
use prost::Message as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::access::{Access, Reader};
use super::core::{Holder, LeaseClaim, Moving};
use super::errors::{IngestError, ReadError, RefillRefused, SubmitError, Unavailable};
use super::feed::{FeedState, Feeds};
use super::head_key::HeadKey;
use super::ingest::{Anchor, Copy};
use super::moves::{self, Moves, TakenOver, TakingOver};
use super::refill::{Refill, TakenBack};
use super::sequencer::Request;
use super::submission::Submission;
use super::subscription::{Source, Subscription};
use super::welcome::{WelcomeBoard, WelcomeWatch};
use crate::storage::{
    ChannelRecord, ClaimedKeyPackage, PendingWelcome, ReadLimit, ReadStorage, SideWrite,
    StorageError,
};

/// An item has a durable place in the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Accepted {
    /// Which.
    pub seq: Seq,
    /// The hub's clock then.
    pub received_at: Timestamp,
    /// The hub's signature at `seq` or later.
    pub head: SignedHead,
    /// Whether it had been accepted before.
    pub is_duplicate: bool,
}

/// A lease.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LeaseGrant {
    /// How long it lasts.
    pub expires_in: Duration,
    /// The newest commit item: what the commit to come must name.
    pub fence: Option<Seq>,
}

/// A handle to the hub. Cheap to clone; every method may be called from any task.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) requests: mpsc::WeakSender<Request>,
    /// Bounds the bytes that wait in the queue, in units of [`WEIGHT_UNIT`].
    pub(super) waiting: Arc<Semaphore>,
    pub(super) feeds: Arc<Feeds>,
    pub(super) welcomes: Arc<WelcomeBoard>,
    pub(super) source: Source,
    pub(super) is_listening: Arc<AtomicBool>,
}

/// What one permit of the queue's byte bound stands for.
pub(super) const WEIGHT_UNIT: usize = 1024;

impl Handle {
    /// Submits an item; returns when it is durable. Waits while the queue is full.
    ///
    /// # Errors
    /// [`SubmitError`]; after [`SubmitError::Unavailable`] the outcome is unknown, and the same
    /// submission may be sent again.
    pub async fn submit(&self, submission: Submission) -> Result<Accepted, SubmitError> {
        let mut answers = self.submit_all(vec![submission]).await?.await?;
        answers.pop().unwrap_or(Err(Unavailable::Stopped.into()))
    }

    /// Submits items in their order; returns as soon as they have their place in the queue, which
    /// is after everything that was submitted before. What is returned is ready when they are
    /// durable or refused: an answer for each, in the same order. Waits while the queue is full.
    ///
    /// # Errors
    /// [`Unavailable`]; the outcome is unknown then.
    pub async fn submit_all(
        &self,
        submissions: Vec<Submission>,
    ) -> Result<
        impl Future<Output = Result<Vec<Result<Accepted, SubmitError>>, Unavailable>> + use<>,
        Unavailable,
    > {
        let weight = submissions.iter().map(Submission::weight).sum();
        self.queue(weight, |answer| Request::Submit { submissions, answer }).await
    }

    /// Creates a channel by its first commit; its id is derived from this hub and the nonce. A
    /// channel that was created by the same submission before is a duplicate.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn create(
        &self,
        submission: Submission,
        nonce: ChannelNonce,
    ) -> Result<Accepted, SubmitError> {
        let weight = submission.weight();
        let submission = Box::new(submission);
        self.ask(weight, |answer| Request::Create { submission, nonce, answer }).await?
    }

    /// Asks for the lease of a channel on behalf of a device that the caller may speak for.
    ///
    /// # Errors
    /// [`SubmitError::LeaseHeld`] says when to ask again.
    pub async fn lease(
        &self,
        channel: ChannelId,
        device: DeviceName,
        claim: LeaseClaim,
    ) -> Result<LeaseGrant, SubmitError> {
        self.ask(0, |answer| Request::Lease { channel, device, claim, answer }).await?
    }

    /// Adds a batch of another hub's log to this relay's copy; the position that comes next. A
    /// batch that is there already, or overlaps, is fine.
    ///
    /// # Errors
    /// [`IngestError::Replica`] with `Diverged` proves, with the heads known here, a fork.
    pub async fn ingest(&self, copy: Copy) -> Result<Seq, IngestError> {
        let weight = copy.items.iter().map(|item| item.sealed.payload().map_or(0, |p| p.len()));
        let weight = weight.sum::<usize>() + 1024 * copy.items.len();
        self.ask(weight, |answer| Request::Ingest { copy, answer }).await?
    }

    /// Stores a welcome for this authority's devices; a copy of the channel's log begins with it
    /// where there is none that goes on.
    ///
    /// # Errors
    /// [`IngestError`].
    pub async fn anchor(&self, anchor: Anchor) -> Result<(), IngestError> {
        let weight = anchor.delivery.encoded_len();
        let anchor = Box::new(anchor);
        self.ask(weight, |answer| Request::Anchor { anchor, answer }).await?
    }

    /// A channel's hub says that nobody of this authority reads a log any more, whatever this relay's own
    /// copy of the membership says: the next welcome begins the copy anew.
    ///
    /// # Errors
    /// [`IngestError`].
    pub async fn end_copy(&self, channel: ChannelId, hub: Domain) -> Result<(), IngestError> {
        self.ask(0, |answer| Request::EndCopy { channel, hub, answer }).await?
    }

    /// A copy goes back to a head of its hub's, after which the hub began anew without what came
    /// here, as a head of its `newest` incarnation says; the position that comes next.
    ///
    /// # Errors
    /// [`IngestError::NotSuperseded`] when it does not say so; [`IngestError::BeforeAnchor`] when
    /// the copy does not reach back so far; [`IngestError::Replica`] with `Diverged` when it differs
    /// there already.
    pub async fn rewind(
        &self,
        hub: Domain,
        head: VerifiedHead,
        newest: &VerifiedHead,
    ) -> Result<Seq, IngestError> {
        let Head { channel, incarnation: newest, .. } = *newest.head();
        if channel != head.head().channel {
            return Err(IngestError::NotSuperseded);
        }
        self.ask(0, |answer| Request::Rewind { hub, head, newest, answer }).await?
    }

    /// Somebody holds a head by this hub's own signature. If what leads there is not here, nothing
    /// is taken in until others have brought it back.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn show(&self, head: VerifiedHead) -> Result<(), Unavailable> {
        self.ask(0, |answer| Request::Shown { head, answer }).await?
    }

    /// The copies of somebody who may hold more than this hub go on at these positions.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn hear(
        &self,
        holder: Holder,
        ends: Vec<(ChannelId, Seq)>,
    ) -> Result<(), Unavailable> {
        if !self.is_listening.load(Ordering::Acquire) {
            return Ok(());
        }
        self.ask(0, |answer| Request::Heard { holder, ends, answer }).await?
    }

    /// Takes back what this hub signed and lost, or says where its log goes on.
    ///
    /// # Errors
    /// [`RefillRefused`].
    pub async fn refill(&self, refill: Refill) -> Result<TakenBack, RefillRefused> {
        self.ask(refill.weight(), |answer| Request::Refill { refill, answer }).await?
    }

    /// Takes in votes for another hub, and says where the channel's move stands; without votes it
    /// judges those that are known. `None` for a channel that is not here.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn vote(
        &self,
        channel: ChannelId,
        votes: Vec<VerifiedHubVote>,
    ) -> Result<Option<Moving>, Unavailable> {
        self.ask(0, |answer| Request::Votes { channel, votes, answer }).await?
    }

    /// Takes a channel over if this relay is to, and it is time.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn take_over(&self, channel: ChannelId) -> Result<TakingOver, Unavailable> {
        self.ask(0, |answer| Request::TakeOver { channel, answer }).await?
    }

    /// Another relay took over the channel before what this one holds: it is followed from now on.
    /// Whose relay it is.
    ///
    /// # Errors
    /// [`IngestError`].
    pub async fn displace(&self, taken_over: TakenOver) -> Result<Domain, IngestError> {
        let taken_over = Box::new(taken_over);
        self.ask(0, |answer| Request::Displace { taken_over, answer }).await?
    }

    /// What is known of channels that move.
    pub(crate) fn moves(&self) -> &Moves {
        &self.source.moves
    }

    /// Writes something beside the logs; returns when it is durable.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn store(&self, writes: Vec<SideWrite>) -> Result<(), Unavailable> {
        let weight = writes.iter().map(SideWrite::weight).sum();
        self.ask(weight, |answer| Request::Store { writes, answer }).await?
    }

    /// Takes one key package of each device that has one.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn take_key_packages(
        &self,
        suite: u16,
        devices: Vec<DeviceName>,
    ) -> Result<Vec<ClaimedKeyPackage>, Unavailable> {
        self.ask(0, |answer| Request::TakeKeyPackages { suite, devices, answer }).await?
    }

    /// Reads what is durable, when a reader is free.
    ///
    /// # Errors
    /// [`ReadError::Storage`], [`ReadError::Stopped`].
    pub async fn query<R, F>(&self, read: F) -> Result<R, ReadError>
    where
        R: Send + 'static,
        F: FnOnce(&mut dyn ReadStorage) -> Result<R, StorageError> + Send + 'static,
    {
        self.source.readers.run(read).await
    }

    /// What is stored of a channel.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn channel(&self, channel: ChannelId) -> Result<Option<ChannelRecord>, ReadError> {
        self.query(move |storage| storage.channel(&channel)).await
    }

    /// The chain up to and with a position; `None` where there is no item.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn chain_at(
        &self,
        channel: ChannelId,
        seq: Seq,
    ) -> Result<Option<ChainHash>, ReadError> {
        let one = ReadLimit { items: 1, bytes: 1 };
        let items = self.query(move |storage| storage.items(&channel, seq, one)).await?;
        Ok(items.first().map(|item| item.chain))
    }

    /// Opens a channel's log for a reader, who may be none: then reading says so.
    ///
    /// # Errors
    /// [`ReadError::UnknownChannel`], [`ReadError::Storage`].
    pub async fn subscribe(
        &self,
        channel: ChannelId,
        reader: Reader,
    ) -> Result<Subscription, ReadError> {
        let feed = self.feeds.open(channel);
        if feed.state().is_none() {
            let found = self.query(move |storage| find_channel(storage, channel)).await?;
            let Found { record, head, access, incarnations, hubs } =
                found.ok_or(ReadError::UnknownChannel)?;
            let (role, tail) = (record.role, record.tail);
            let head = if *hubs.at(tail.seq) == self.source.own {
                let key = &self.source.head_key;
                let incarnation = incarnations.newest();
                key.sign(channel, incarnation, tail.seq, tail.chain).signed().clone()
            } else {
                head.ok_or(StorageError::Corrupt("head"))?
            };
            let (access, incarnations) = (Arc::new(access), Arc::new(incarnations));
            let is_next_hub = self.moves().is_to_take_over(&channel);
            let (tail, hubs) = (tail.seq, Arc::new(hubs));
            let found = FeedState { role, is_next_hub, tail, head, access, incarnations, hubs };
            feed.initialise(found);
        }
        Ok(Subscription::new(channel, reader, feed, self.source.clone()))
    }

    /// Sees when welcomes for a device are stored.
    #[must_use]
    pub fn watch_welcomes(&self, device: DeviceName) -> WelcomeWatch {
        self.welcomes.watch(device)
    }

    /// Sees when welcomes for other authorities' relays are stored.
    #[must_use]
    pub fn watch_outbound(&self) -> watch::Receiver<()> {
        self.welcomes.watch_outbound()
    }

    /// The oldest welcomes that a device has not acknowledged, ready to be sent;
    /// [`SideWrite::WelcomeTaken`] acknowledges one.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn pending_welcomes(
        &self,
        device: DeviceName,
        limit: usize,
    ) -> Result<Vec<wire::WelcomeDelivery>, ReadError> {
        let read = move |storage: &mut dyn ReadStorage| {
            let pending = storage.pending_welcomes(&device, limit)?;
            load_welcomes(storage, &pending)
        };
        self.complete(self.query(read).await?)
    }

    /// The welcomes of one commit, ready to be sent; `None` when nobody waits for them. Which wait
    /// for whom, [`ReadStorage::pending_welcomes`] and [`ReadStorage::outbound_welcomes`] say.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn welcome(
        &self,
        channel: ChannelId,
        seq: Seq,
    ) -> Result<Option<wire::WelcomeDelivery>, ReadError> {
        let wanted = [PendingWelcome { channel, seq }];
        let loaded = self.query(move |storage| load_welcomes(storage, &wanted)).await?;
        Ok(self.complete(loaded)?.pop())
    }

    /// The key that signs this hub's heads.
    #[must_use]
    pub fn head_key(&self) -> &HeadKey {
        &self.source.head_key
    }

    async fn ask<T>(
        &self,
        weight: usize,
        request: impl FnOnce(Answer<T>) -> Request,
    ) -> Result<T, Unavailable> {
        self.queue(weight, request).await?.await
    }

    /// Puts a request into the queue; what is returned waits for the answer.
    async fn queue<T, F: FnOnce(Answer<T>) -> Request>(
        &self,
        weight: usize,
        request: F,
    ) -> Result<impl Future<Output = Result<T, Unavailable>> + use<T, F>, Unavailable> {
        let units = u32::try_from(1 + weight / WEIGHT_UNIT).unwrap_or(u32::MAX);
        let room = self.waiting.clone().acquire_many_owned(units.min(MAX_UNITS)).await;
        let room = room.map_err(|_| Unavailable::Stopped)?;
        let (sender, receiver) = oneshot::channel();
        let answer = Answer { sender, _room: room };
        let queue = self.requests.upgrade().ok_or(Unavailable::Stopped)?;
        queue.send(request(answer)).await.map_err(|_| Unavailable::Stopped)?;
        drop(queue);
        Ok(async move { receiver.await.map_err(|_| Unavailable::Stopped) })
    }

    /// Adds what only a hub can, and only once the commits are durable: its signatures there.
    fn complete(
        &self,
        deliveries: Vec<(wire::WelcomeDelivery, Incarnations)>,
    ) -> Result<Vec<wire::WelcomeDelivery>, ReadError> {
        let mut complete = Vec::with_capacity(deliveries.len());
        for (mut delivery, incarnations) in deliveries {
            if delivery.head.is_some() {
                complete.push(delivery);
                continue;
            }
            let (channel, seq, chain) =
                place_of(&delivery).ok_or(StorageError::Corrupt("welcome"))?;
            let head_key = &self.source.head_key;
            delivery.head =
                Some(head_key.sign(channel, incarnations.at(seq), seq, chain).to_wire());
            delivery.head_certificates = head_key.certificates().to_vec();
            complete.push(delivery);
        }
        Ok(complete)
    }
}

fn place_of(delivery: &wire::WelcomeDelivery) -> Option<(ChannelId, Seq, ChainHash)> {
    let channel = ChannelId::try_from(&delivery.channel.as_ref()?.value[..]).ok()?;
    let commit = delivery.commit.as_ref()?;
    Some((channel, Seq(commit.seq), commit.chain[..].try_into().ok()?))
}

/// One request never asks for more room than the queue can have.
pub(super) const MAX_UNITS: u32 = 32 * 1024;

/// Where the answer to a request goes. While it is kept, the request takes up room in the queue.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    sender: oneshot::Sender<T>,
    _room: OwnedSemaphorePermit,
}

impl<T> Answer<T> {
    /// Answers; whoever asked may be gone.
    pub(crate) fn send(self, value: T) {
        drop(self.sender.send(value));
    }
}

impl Accepted {
    /// As it travels.
    #[must_use]
    pub fn to_wire(&self) -> wire::SubmitResponse {
        wire::SubmitResponse {
            seq: self.seq.0,
            received_at_ms: self.received_at.as_millis(),
            head: Some(self.head.to_wire()),
        }
    }
}

impl LeaseGrant {
    /// As it travels.
    #[must_use]
    pub fn to_wire(&self) -> wire::LeaseResponse {
        let expires_in = self.expires_in.as_millis();
        wire::LeaseResponse {
            expires_in_ms: u64::try_from(expires_in).unwrap_or(u64::MAX),
            fence: seq_to_u64(self.fence),
        }
    }
}

/// What is stored of a channel that somebody reads.
struct Found {
    record: ChannelRecord,
    head: Option<SignedHead>,
    access: Access,
    incarnations: Incarnations,
    hubs: Hubs,
}

fn find_channel(
    storage: &mut dyn ReadStorage,
    channel: ChannelId,
) -> Result<Option<Found>, StorageError> {
    let Some(record) = storage.channel(&channel)? else { return Ok(None) };
    let head = storage.newest_head(&channel, Seq(0), record.tail.seq)?;
    let access = storage.readers(&channel)?.into_iter().collect();
    let incarnations = storage.incarnations(&channel)?;
    let hubs = moves::hubs_of(storage, &channel)?.ok_or(StorageError::Corrupt("hubs"))?;
    Ok(Some(Found { record, head, access, incarnations, hubs }))
}

/// Without those that were acknowledged meanwhile.
fn load_welcomes(
    storage: &mut dyn ReadStorage,
    welcomes: &[PendingWelcome],
) -> Result<Vec<(wire::WelcomeDelivery, Incarnations)>, StorageError> {
    let mut deliveries = Vec::with_capacity(welcomes.len());
    for PendingWelcome { channel, seq } in welcomes {
        let Some(bytes) = storage.welcome(channel, *seq)? else { continue };
        let delivery = former::read_delivery(&bytes);
        let mut delivery = delivery.map_err(|_| StorageError::Corrupt("welcome"))?;
        if !delivery.creating_hub.is_empty() && delivery.hub_votes.is_empty() {
            delivery.hub_votes = moves::votes_of_newest_move(storage, channel)?;
        }
        deliveries.push((delivery, storage.incarnations(channel)?));
    }
    Ok(deliveries)
}
