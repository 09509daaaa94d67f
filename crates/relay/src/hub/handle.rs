//! What the rest of the relay holds of the hub.

mod queue;
mod reading;
mod welcomes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::ids::seq_to_u64;
use enlace_log::{ChannelId, ChannelNonce, Head, Seq, SignedHead, VerifiedHead, VerifiedHubVote};
use enlace_proto::relay::v1 as wire;
use prost::Message as _;
use tokio::sync::{Semaphore, mpsc};

pub(crate) use self::queue::Answer;
pub(super) use self::queue::MAX_UNITS;
use super::core::{Holder, LeaseClaim, Moving};
use super::errors::{IngestError, RefillRefused, SubmitError, Unavailable};
use super::feed::Feeds;
use super::head_key::HeadKey;
use super::ingest::{Anchor, Copy};
use super::moves::{Moves, TakenOver, TakingOver};
use super::refill::{Refill, TakenBack};
use super::sequencer::Request;
use super::submission::Submission;
use super::subscription::Source;
use super::welcome::WelcomeBoard;
use crate::storage::{ClaimedKeyPackage, SideWrite};

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
    /// Bounds the bytes that wait in the queue, in units of `queue::WEIGHT_UNIT`.
    pub(super) waiting: Arc<Semaphore>,
    pub(super) feeds: Arc<Feeds>,
    pub(super) welcomes: Arc<WelcomeBoard>,
    pub(super) source: Source,
    pub(super) is_listening: Arc<AtomicBool>,
}

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

    /// The key that signs this hub's heads.
    #[must_use]
    pub fn head_key(&self) -> &HeadKey {
        &self.source.head_key
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
