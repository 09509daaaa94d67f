//! What a hub decides, without clock, socket or database.
//!
//! A [`ChannelState`] is everything that a decision needs of one channel. `handle_*` methods take
//! the time and what was looked up, and say what follows: what is to be written, as
//! [`LogWrite`]s, and what to answer. An accepted item has changed the state already; if it
//! cannot be made durable, the state is thrown away and loaded again.

mod copy;
mod lease;
mod moving;
mod recovery;
mod settling;
mod writes;

use std::collections::BTreeMap;
use std::time::Duration;

use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::membership::{Event, MembershipError};
use enlace_log::{
    ChainHash, ChannelId, ChannelNonce, Envelope, Generation, Hubs, Incarnations, Item, ItemKind,
    Membership, Replica, Seq, SignedHubVote,
};
use enlace_proto::method;

use super::errors::{IngestError, SubmitError};
use super::submission::Submission;
use crate::storage::{Accepted, ChannelRecord, Doubts, LogWrite, Role, StoredItem, Tail};

pub use copy::Copied;
pub use lease::{Class, LEASE, Lease, LeaseClaim, NotYet};
pub use moving::{Moving, VoteRefused, judge_statement};
pub use recovery::{Gate, REFILL_PATIENCE, Recovery, RefillError, Refilled, Shown};
pub use settling::{AWAY, Holder, LONG_PATIENCE, PATIENCE, Settling, Start};

/// A hub's clock may step back so far without its operator.
pub const MAX_CLOCK_STEP: Duration = Duration::from_secs(5 * 60);

/// The most devices that a channel may have.
pub const MAX_DEVICES: usize = 20_000;

/// A welcome is delivered with the whole device list: what a delivery may be longer than a submit,
/// less than heads and certificates take.
const MAX_LIST_BYTES: usize = (method::DELIVERY - method::LARGE - method::SMALL) as usize;

/// What a name costs beside its letters.
const LIST_OVERHEAD: usize = 4;

/// One channel, as this relay knows it.
#[derive(Clone, Debug)]
pub struct ChannelState {
    hub: Domain,
    /// Whose relay ordered which part of the log, by what stands in it.
    hubs: Hubs,
    /// For another hub: the newest of each device.
    votes: BTreeMap<DeviceName, SignedHubVote>,
    /// Whether this relay is to take over as soon as it knows what others hold. Memory knows it, and
    /// finds out again.
    is_next_hub: bool,
    nonce: ChannelNonce,
    role: Role,
    replica: Replica,
    received_at: Timestamp,
    membership: Membership,
    incarnations: Incarnations,
    settled: Doubts,
    lease: Lease,
    last_committer: Option<DeviceName>,
    has_ended: bool,
}

/// What follows from a submission that is not refused.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It has a place in the log now.
    Accept(Box<Acceptance>),
    /// It had one already.
    Duplicate(Accepted),
}

/// An accepted item.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// Its place, and what is written of it.
    pub item: StoredItem,
    /// What stands under its client id from now on.
    pub accepted: Accepted,
    /// What is written beside it, in the same transaction.
    pub writes: Vec<LogWrite>,
    /// Whether who may read has changed.
    pub access_changed: bool,
}

impl ChannelState {
    /// A channel as stored: its record, its membership events in order, and where its hub began
    /// anew.
    #[must_use]
    pub fn load(record: &ChannelRecord, events: &[Event], incarnations: Incarnations) -> Self {
        let mut membership = Membership::default();
        for event in events {
            membership.apply(event);
        }
        let last_committer = events.iter().rev().find_map(|event| match event {
            Event::Commit { author, .. } | Event::Anchor { author, .. } => Some(author.clone()),
            _ => None,
        });
        Self {
            hub: record.hub.clone(),
            hubs: Hubs::new(record.creating_hub.clone()),
            votes: BTreeMap::new(),
            is_next_hub: false,
            nonce: record.nonce,
            role: record.role,
            replica: Replica::after(
                record.channel,
                record.tail.seq,
                record.tail.chain,
                incarnations.at(record.tail.seq),
            ),
            received_at: record.tail.received_at,
            membership,
            incarnations,
            settled: record.settled,
            lease: Lease::default(),
            last_committer,
            has_ended: false,
        }
    }

    /// Begins a channel with its first commit, at the hub `own`. Its id is the one that follows
    /// from the hub and the nonce.
    ///
    /// # Errors
    /// The submitter's fault.
    pub fn create(
        now: Timestamp,
        submission: &Submission,
        nonce: ChannelNonce,
        own: &Domain,
        doubts: Doubts,
    ) -> Result<(Self, Acceptance), SubmitError> {
        let envelope = submission.sealed().envelope();
        if envelope.author.domain() != own {
            return Err(SubmitError::ForeignCreator(own.clone()));
        }
        let generation = Generation(0);
        if envelope.kind != ItemKind::Commit
            || envelope.fence.is_some()
            || envelope.generation != generation
        {
            return Err(SubmitError::NotAFirstItem);
        }
        let channel = envelope.channel;
        if channel != ChannelId::derive(own, &nonce) {
            return Err(SubmitError::ChannelId(own.clone()));
        }
        let mut state = Self { settled: doubts, ..Self::empty(channel, nonce, own) };
        let acceptance = state.accept(now, submission, |_| false)?;
        Ok((state, acceptance))
    }

    /// Decides a submission. `remembered` is what stands under its client id; `is_revoked` says
    /// which devices this relay knows to be revoked.
    ///
    /// # Errors
    /// The refusal to answer. Nothing has changed then.
    pub fn handle_submit(
        &mut self,
        now: Timestamp,
        submission: &Submission,
        remembered: Option<Accepted>,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> Result<Decision, SubmitError> {
        if self.role != Role::Hub {
            return Err(SubmitError::NotTheHub(self.hub.clone()));
        }
        if let Some(accepted) = remembered {
            return decide_remembered(submission, accepted);
        }
        self.check_standing(now, submission, &is_revoked)?;
        let acceptance = self.accept(now, submission, is_revoked)?;
        Ok(Decision::Accept(Box::new(acceptance)))
    }

    /// Whether a submission that is not remembered comes from somebody who may submit it now. It
    /// changes nothing.
    ///
    /// # Errors
    /// As [`handle_submit`](Self::handle_submit) for the submitter's part.
    pub fn check_submitter(
        &self,
        now: Timestamp,
        submission: &Submission,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> Result<(), SubmitError> {
        if self.role != Role::Hub {
            return Err(SubmitError::NotTheHub(self.hub.clone()));
        }
        self.check_standing(now, submission, &is_revoked)?;
        self.membership.plan(self.next_seq(), submission.sealed(), is_revoked)?;
        Ok(())
    }

    /// Gives the lease to a member, when it is its turn; how long it lasts.
    ///
    /// # Errors
    /// [`SubmitError::LeaseHeld`] says when to ask again.
    pub fn handle_lease(
        &mut self,
        now: Timestamp,
        device: &DeviceName,
        claim: &LeaseClaim,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> Result<Duration, SubmitError> {
        if self.role != Role::Hub {
            return Err(SubmitError::NotTheHub(self.hub.clone()));
        }
        let members = self.membership.current();
        if !members.contains(device) {
            return Err(MembershipError::NotAMember.into());
        }
        if is_revoked(device) {
            return Err(SubmitError::Revoked(device.clone()));
        }
        let class = claim.believed(|device| members.contains(device) && is_revoked(device));
        self.lease.ask(now, device, class).map_err(SubmitError::LeaseHeld)
    }

    /// The channel.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        self.replica.channel()
    }

    /// What this relay is to it.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether this relay keeps a copy of what `hub` orders.
    ///
    /// # Errors
    /// [`IngestError::NotAFollower`], [`IngestError::OtherHub`].
    pub fn check_follows(&self, hub: &Domain) -> Result<(), IngestError> {
        match self.role {
            Role::Hub => Err(IngestError::NotAFollower),
            Role::Follower if self.hub != *hub => Err(IngestError::OtherHub(self.hub.clone())),
            Role::Follower => Ok(()),
        }
    }

    /// How many bytes it takes in memory, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.membership.weight()
    }

    /// Who may read and write.
    #[must_use]
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// The position after the last item.
    #[must_use]
    pub fn next_seq(&self) -> Seq {
        self.replica.next_seq()
    }

    /// The last item's position; `None` before the first.
    #[must_use]
    pub fn tail_seq(&self) -> Option<Seq> {
        self.next_seq().0.checked_sub(1).map(Seq)
    }

    /// As it is stored when the log ends at `tail`.
    #[must_use]
    pub fn record(&self, tail: Tail) -> ChannelRecord {
        ChannelRecord {
            channel: self.channel(),
            hub: self.hub.clone(),
            creating_hub: self.hubs.first().clone(),
            nonce: self.nonce,
            role: self.role,
            generation: self.membership.generation(),
            tail,
            fence: self.membership.fence(),
            settled: self.settled,
        }
    }

    /// The chain so far.
    #[must_use]
    pub fn chain(&self) -> ChainHash {
        self.replica.chain()
    }

    /// It is known what the log holds, whatever doubts there were.
    pub fn settle(&mut self, doubts: Doubts) {
        self.settled = doubts;
    }

    /// Whether no doubt has come up since it was known what the log holds.
    #[must_use]
    pub fn is_settled(&self, doubts: Doubts) -> bool {
        self.settled >= doubts
    }

    /// Which incarnation of the hub ordered which part of it.
    #[must_use]
    pub fn incarnations(&self) -> &Incarnations {
        &self.incarnations
    }

    /// Whether somebody holds the lease or waits for it, which only memory knows.
    #[must_use]
    pub fn is_leased(&self, now: Timestamp) -> bool {
        self.lease.is_in_use(now)
    }

    /// Revocation, fence and lease.
    fn check_standing(
        &self,
        now: Timestamp,
        submission: &Submission,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> Result<(), SubmitError> {
        let envelope = submission.sealed().envelope();
        let device = submission.device();
        if is_revoked(device) {
            return Err(SubmitError::Revoked(device.clone()));
        }
        // After the hub has begun anew, positions are given again: an author who has not heard of
        // it may name the same fence and mean another commit.
        let is_behind = submission.incarnation() != self.incarnations.newest()
            || envelope.fence != self.membership.fence();
        // Whoever a void commit cut off can hear of neither, and may object all the same.
        if is_behind && envelope.kind != ItemKind::Contest {
            return Err(SubmitError::StaleFence(self.membership.fence()));
        }
        if envelope.kind.is_change() && !self.lease.is_held_by(device, now) {
            return Err(SubmitError::LeaseMissing);
        }
        Ok(())
    }

    /// The checks that depend on who may write, then the item's place in the log.
    fn accept(
        &mut self,
        now: Timestamp,
        submission: &Submission,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> Result<Acceptance, SubmitError> {
        if now.plus(MAX_CLOCK_STEP) < self.received_at {
            return Err(SubmitError::ClockStep);
        }
        let seq = self.next_seq();
        let sealed = submission.sealed();
        let event = self.membership.plan(seq, sealed, &is_revoked)?;
        self.check_admission(submission, event.as_ref())?;

        let envelope = sealed.envelope();
        let item = Item { seq, received_at: now, sealed: sealed.clone() };
        let chain = item.chain_after(&self.replica.chain());
        let accepted = Accepted {
            seq,
            received_at: now,
            kind: envelope.kind,
            commitment: envelope.commitment,
            envelope_hash: *submission.envelope_hash(),
        };
        let mut writes = vec![LogWrite::Accepted { key: submission.key(), accepted }];
        let access_changed = match event {
            Some(event) => {
                self.note_manners(now, envelope, &event, is_revoked);
                self.apply(seq, event, &mut writes)
            }
            None => false,
        };
        if envelope.kind.is_change() {
            writes.extend(self.welcome_write(submission, &item, &chain));
        }
        let incarnation = self.incarnations.newest();
        self.replica = Replica::after(envelope.channel, seq, chain, incarnation);
        self.received_at = now;
        Ok(Acceptance { item: StoredItem::new(&item, chain), accepted, writes, access_changed })
    }

    /// A commit has a welcome for each device that it admits, its author aside; and for no other, but
    /// for one that asked to be put back.
    fn check_admission(
        &self,
        submission: &Submission,
        event: Option<&Event>,
    ) -> Result<(), SubmitError> {
        let Some(event @ Event::Commit { author, change, .. }) = event else {
            return Ok(());
        };
        let admitted = self.membership.admitted_by(event);
        let expected = admitted.iter().filter(|device| *device != author);
        let is_put_back = |device: &DeviceName| {
            device != author
                && !admitted.contains(device)
                && self.membership.may_be_put_back(device)
        };
        if !expected.eq(submission.welcomed().filter(|device| !is_put_back(device))) {
            return Err(SubmitError::Welcomes);
        }
        if self.membership.current().len() + change.added.len() > MAX_DEVICES {
            return Err(SubmitError::TooManyDevices(MAX_DEVICES));
        }
        let names = self.membership.current().iter().chain(&change.added);
        let length: usize = names.map(|device| LIST_OVERHEAD + device.as_str().len()).sum();
        if submission.welcomed().next().is_some() && length > MAX_LIST_BYTES {
            return Err(SubmitError::ListTooLong);
        }
        Ok(())
    }

    /// What an item says of how leases were used. One ends with its commit. Whose commit is passed
    /// over as void, or contested, goes last, until somebody else confirms it.
    fn note_manners(
        &mut self,
        now: Timestamp,
        envelope: &Envelope,
        event: &Event,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) {
        match event {
            Event::Commit { author, change, .. } => {
                self.lease.handle_commit(now, Class::of_commit(change, is_revoked));
                let previous = self.last_committer.replace(author.clone());
                let was_void = envelope.last_valid_commit != envelope.fence;
                if let Some(void) = previous.filter(|_| was_void) {
                    self.lease.put_last(now, &void);
                }
            }
            Event::Contest { commit, .. } => {
                if let Some(author) = self.membership.author_of(*commit) {
                    self.lease.put_last(now, author);
                }
            }
            Event::Confirmation { commit, .. } => {
                if let Some(author) = self.membership.author_of(*commit) {
                    self.lease.pardon(author);
                }
            }
            Event::Anchor { .. } | Event::Leave { .. } | Event::Stranded { .. } => {}
        }
    }
}

/// Sent twice, or an honest retry under a new encryption: the same place. Anything else under an
/// old client id is refused.
fn decide_remembered(submission: &Submission, accepted: Accepted) -> Result<Decision, SubmitError> {
    let envelope = submission.sealed().envelope();
    let is_same = accepted.envelope_hash == *submission.envelope_hash()
        || (accepted.kind == envelope.kind && accepted.commitment == envelope.commitment);
    if is_same { Ok(Decision::Duplicate(accepted)) } else { Err(SubmitError::ClientIdReused) }
}
