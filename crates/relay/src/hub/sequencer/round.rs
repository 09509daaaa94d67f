//! One round: requests in, one transaction, answers out.

mod copying;
mod erasing;
mod moving;
mod publishing;
mod recovering;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::slice;

use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ChannelNonce, ItemKind, Seq, SignedHead, SubmitCounter};

use self::publishing::{announce, note_next_hubs, publish, tell_of_stored, tell_of_turned};
use super::cache::Cache;
use super::options::HubOptions;
use super::request::Request;
use crate::hub::core::{Acceptance, ChannelState, Decision, LeaseClaim, Moving, Settling};
use crate::hub::errors::{IngestError, RefillRefused, SubmitError, Unavailable};
use crate::hub::feed::Feeds;
use crate::hub::handle::{Accepted, Answer, LeaseGrant};
use crate::hub::moves::TakingOver;
use crate::hub::refill::TakenBack;
use crate::hub::submission::Submission;
use crate::hub::subscription::Source;
use crate::hub::welcome::WelcomeBoard;
use crate::storage::{self, IdempotencyKey, LogWrite, SideWrite, Storage, StoredItem, WriteBatch};

/// What a round has gathered.
pub(super) struct Round<'a> {
    now: Timestamp,
    options: &'a HubOptions,
    settling: &'a mut Settling,
    cache: &'a mut Cache,
    storage: &'a mut dyn Storage,
    writes: WriteBatch,
    /// The highest that each device was seen to use: one write for all its items.
    counters: BTreeMap<DeviceName, SubmitCounter>,
    bytes: usize,
    grown: BTreeMap<ChannelId, Grown>,
    accepted: HashMap<IdempotencyKey, storage::Accepted>,
    pending: Vec<Pending>,
    /// Channels to which this relay is something else, or of which it knows other votes, once the
    /// transaction is durable.
    turned: BTreeSet<ChannelId>,
    /// Channels that are settled once the transaction is durable.
    settled: BTreeSet<ChannelId>,
    /// Why the round cannot be made durable.
    broken: Option<Unavailable>,
}

/// What a round adds to one channel.
#[derive(Default)]
struct Grown {
    items: Vec<StoredItem>,
    /// Where the channel's items stand among the round's writes.
    append: Option<usize>,
    /// Of a copy: the hub's newest head.
    head: Option<SignedHead>,
    access_changed: bool,
    /// Whether what readers may find in memory was erased.
    has_erased: bool,
    /// The log went back to this item before it grew.
    back_to: Option<StoredItem>,
}

/// An answer that waits for the transaction.
enum Pending {
    Submit(Vec<Result<Placed, SubmitError>>, Answer<Vec<Result<Accepted, SubmitError>>>),
    Create(Result<Placed, SubmitError>, Answer<Result<Accepted, SubmitError>>),
    Ingest(Seq, Answer<Result<Seq, IngestError>>),
    Anchor(Answer<Result<(), IngestError>>),
    Refill(TakenBack, Answer<Result<TakenBack, RefillRefused>>),
    Votes(Option<Moving>, Answer<Result<Option<Moving>, Unavailable>>),
    TakeOver(TakingOver, Answer<Result<TakingOver, Unavailable>>),
    Displace(Domain, Answer<Result<Domain, IngestError>>),
    Store(Answer<Result<(), Unavailable>>),
}

/// An item that has its place once the transaction is durable.
struct Placed {
    channel: ChannelId,
    accepted: storage::Accepted,
    is_duplicate: bool,
}

impl<'a> Round<'a> {
    pub(super) fn new(
        now: Timestamp,
        options: &'a HubOptions,
        settling: &'a mut Settling,
        cache: &'a mut Cache,
        storage: &'a mut dyn Storage,
    ) -> Self {
        Self {
            now,
            options,
            settling,
            cache,
            storage,
            writes: WriteBatch::default(),
            counters: BTreeMap::new(),
            bytes: 0,
            grown: BTreeMap::new(),
            accepted: HashMap::new(),
            pending: Vec::new(),
            turned: BTreeSet::new(),
            settled: BTreeSet::new(),
            broken: None,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.options.round_bytes
    }

    pub(super) fn handle(&mut self, request: Request) {
        match request {
            Request::Submit { submissions, answer } => {
                let placed = self.submit_all(&submissions);
                self.pending.push(Pending::Submit(placed, answer));
            }
            Request::Create { submission, nonce, answer } => {
                let remembered = self.remembered(slice::from_ref(&*submission));
                let placed = remembered.map_err(Into::into).and_then(|mut remembered| {
                    self.submit(&submission, remembered.pop().flatten(), Some(nonce))
                });
                self.pending.push(Pending::Create(placed, answer));
            }
            Request::Lease { channel, device, claim, answer } => {
                answer.send(self.lease(&channel, &device, &claim));
            }
            Request::Ingest { copy, answer } => match self.ingest(copy) {
                Ok(next) => self.pending.push(Pending::Ingest(next, answer)),
                Err(error) => answer.send(Err(error)),
            },
            Request::Anchor { anchor, answer } => match self.anchor(*anchor) {
                Ok(()) => self.pending.push(Pending::Anchor(answer)),
                Err(error) => answer.send(Err(error)),
            },
            Request::EndCopy { channel, hub, answer } => answer.send(self.end_copy(&channel, &hub)),
            Request::Rewind { hub, head, newest, answer } => {
                match self.rewind(&hub, head, newest) {
                    Ok(next) => self.pending.push(Pending::Ingest(next, answer)),
                    Err(error) => answer.send(Err(error)),
                }
            }
            Request::Shown { head, answer } => answer.send(self.shown(&head)),
            Request::Heard { holder, ends, answer } => {
                self.heard(&holder, &ends);
                answer.send(Ok(()));
            }
            Request::Refill { refill, answer } => match self.refill(refill) {
                Ok(taken) => self.pending.push(Pending::Refill(taken, answer)),
                Err(error) => answer.send(Err(error)),
            },
            Request::Votes { channel, votes, answer } => match self.votes(channel, votes) {
                Ok(moving) => self.pending.push(Pending::Votes(moving, answer)),
                Err(why) => answer.send(Err(why)),
            },
            Request::TakeOver { channel, answer } => match self.take_over(channel) {
                Ok(taking) => self.pending.push(Pending::TakeOver(taking, answer)),
                Err(why) => answer.send(Err(why)),
            },
            Request::Displace { taken_over, answer } => match self.displace(&taken_over) {
                Ok(hub) => self.pending.push(Pending::Displace(hub, answer)),
                Err(error) => answer.send(Err(error)),
            },
            Request::Store { writes, answer } => {
                self.bytes += writes.iter().map(SideWrite::weight).sum::<usize>();
                self.writes.side.extend(writes);
                self.pending.push(Pending::Store(answer));
            }
            Request::TakeKeyPackages { suite, devices, answer } => {
                let taken = self.storage.take_key_packages(suite, &devices);
                answer.send(taken.map_err(|error| unavailable(&error)));
            }
        }
    }

    /// Makes the round durable, then answers and tells the readers.
    pub(super) fn finish(self, feeds: &Feeds, welcomes: &WelcomeBoard, source: &Source) {
        let Self {
            cache,
            storage,
            settling,
            settled,
            turned,
            mut writes,
            counters,
            grown,
            pending,
            broken,
            ..
        } = self;
        writes.side.extend(
            counters
                .into_iter()
                .map(|(device, counter)| SideWrite::SubmitCounter { device, counter }),
        );
        let committed = match broken {
            Some(why) => Err(why),
            None if writes.is_empty() => Ok(()),
            None => storage.commit(&writes).map_err(|error| unavailable(&error)),
        };
        if let Err(why) = committed {
            grown.keys().chain(&turned).for_each(|channel| cache.doubt(channel));
            pending.into_iter().for_each(|pending| pending.fail(why));
            tell_of_stored(cache, feeds, source);
            announce(&writes, welcomes);
            return;
        }
        settled.iter().for_each(|channel| settling.settle(channel));
        tell_of_stored(cache, feeds, source);
        note_next_hubs(cache, &turned, source);
        let turned = turned.into_iter().filter(|channel| !grown.contains_key(channel));
        let turned: Vec<_> = turned.collect();
        let mut heads = publish(cache, grown, feeds, source);
        tell_of_turned(cache, &turned, feeds, source);
        source.moves.announce(&writes.log);
        announce(&writes, welcomes);
        let mut head = |channel: &ChannelId| {
            if let Some(head) = heads.get(channel) {
                return Some(head.clone());
            }
            let state = cache.get(channel)?;
            let tail = state.tail_seq()?;
            let incarnation = state.incarnations().newest();
            let head = source.head_key.sign(*channel, incarnation, tail, state.chain());
            let head = head.signed().clone();
            heads.insert(*channel, head.clone());
            Some(head)
        };
        pending.into_iter().for_each(|pending| pending.succeed(&mut head));
    }

    fn submit_all(&mut self, submissions: &[Submission]) -> Vec<Result<Placed, SubmitError>> {
        match self.remembered(submissions) {
            Ok(remembered) => {
                let items = submissions.iter().zip(remembered);
                items.map(|(item, remembered)| self.submit(item, remembered, None)).collect()
            }
            Err(why) => submissions.iter().map(|_| Err(why.into())).collect(),
        }
    }

    /// What stands in the log, before this round, under the items' keys.
    fn remembered(
        &mut self,
        submissions: &[Submission],
    ) -> Result<Vec<Option<storage::Accepted>>, Unavailable> {
        let keys: Vec<_> = submissions.iter().map(Submission::key).collect();
        let mut remembered = self.storage.accepted(&keys).map_err(|error| unavailable(&error))?;
        for (key, accepted) in keys.iter().zip(&mut remembered) {
            let back_to = self.grown.get(&key.channel).and_then(|grown| grown.back_to.as_ref());
            *accepted = accepted.filter(|a| back_to.is_none_or(|kept| a.seq <= kept.seq));
        }
        Ok(remembered)
    }

    /// What becomes of an item. A refusal may rest on what this round accepted before it: it waits
    /// for the transaction like any answer.
    fn submit(
        &mut self,
        submission: &Submission,
        remembered: Option<storage::Accepted>,
        creates: Option<ChannelNonce>,
    ) -> Result<Placed, SubmitError> {
        self.bytes += submission.weight();
        let channel = submission.sealed().envelope().channel;
        match self.decide(submission, remembered, creates) {
            Ok(Decision::Accept(acceptance)) => {
                let accepted = acceptance.accepted;
                self.note_counter(submission);
                self.add(channel, submission, *acceptance);
                Ok(Placed { channel, accepted, is_duplicate: false })
            }
            Ok(Decision::Duplicate(accepted)) => {
                Ok(Placed { channel, accepted, is_duplicate: true })
            }
            Err(error) => {
                // The ciphertext of a member was seen: a device restored from before it must not
                // use its counter again.
                if let SubmitError::StaleFence(_) = error {
                    self.note_counter(submission);
                }
                Err(error)
            }
        }
    }

    fn decide(
        &mut self,
        submission: &Submission,
        remembered: Option<storage::Accepted>,
        creates: Option<ChannelNonce>,
    ) -> Result<Decision, SubmitError> {
        let channel = submission.sealed().envelope().channel;
        let remembered = self.accepted.get(&submission.key()).copied().or(remembered);
        if creates.is_none() && remembered.is_none() {
            self.open(&channel)?;
        }
        if submission.sealed().envelope().kind == ItemKind::Tombstone && remembered.is_none() {
            self.judge_tombstone(submission)?;
        }
        let trust = &self.options.trust;
        match (self.cache.find(&channel).map_err(|error| unavailable(&error))?, creates) {
            (Some(_), Some(_)) if remembered.is_none() => Err(SubmitError::ChannelExists),
            (Some(state), _) => {
                let is_revoked = |device: &DeviceName| trust.is_revoked(device);
                let decided = state.handle_submit(self.now, submission, remembered, is_revoked);
                decided.map_err(|error| error.or_suspended(|device| trust.is_suspended(device)))
            }
            (None, Some(nonce)) => {
                let (own, doubts) = (self.options.domain(), self.settling.doubts());
                let (state, acceptance) =
                    ChannelState::create(self.now, submission, nonce, own, doubts)?;
                self.cache.insert(state);
                Ok(Decision::Accept(Box::new(acceptance)))
            }
            (None, None) => Err(SubmitError::UnknownChannel),
        }
    }

    fn note_counter(&mut self, submission: &Submission) {
        let counter = submission.sealed().envelope().submit_counter;
        match self.counters.get_mut(submission.device()) {
            Some(highest) => *highest = counter.max(*highest),
            None => {
                self.counters.insert(submission.device().clone(), counter);
            }
        }
    }

    fn add(&mut self, channel: ChannelId, submission: &Submission, acceptance: Acceptance) {
        self.accepted.insert(submission.key(), acceptance.accepted);
        let Acceptance { item, writes, access_changed, .. } = acceptance;
        self.append(channel, vec![item], access_changed);
        self.writes.log.extend(writes);
    }

    /// Adds items to the channel's one append of this round.
    fn append(&mut self, channel: ChannelId, items: Vec<StoredItem>, access_changed: bool) {
        self.append_items(channel, items.clone(), access_changed);
        self.carry_out_tombstones(channel, &items);
    }

    fn append_items(&mut self, channel: ChannelId, items: Vec<StoredItem>, access_changed: bool) {
        let Some(state) = self.cache.get(&channel) else { return };
        let Some(first) = items.first() else { return };
        let fence = state.membership().fence();
        let grown = self.grown.entry(channel).or_default();
        grown.access_changed |= access_changed;
        grown.items.extend(items.iter().cloned());
        let open = grown.append.and_then(|index| self.writes.log.get_mut(index));
        if let Some(LogWrite::Append { items: open, fence: newest, .. }) = open {
            open.extend(items);
            *newest = fence;
            return;
        }
        let write = match first.seq.0.checked_sub(1) {
            Some(after) => LogWrite::Append { channel, after: Seq(after), items, fence },
            None => {
                let item = first.clone();
                LogWrite::Create(state.record(item.tail()), item)
            }
        };
        if matches!(write, LogWrite::Append { .. }) {
            grown.append = Some(self.writes.log.len());
        }
        self.writes.log.push(write);
    }

    /// The log goes on after `kept`, and what this round had added before is void.
    fn go_back(&mut self, channel: ChannelId, kept: StoredItem) -> &mut Grown {
        let grown = self.grown.entry(channel).or_default();
        *grown = Grown { back_to: Some(kept), access_changed: true, ..Grown::default() };
        grown
    }

    fn lease(
        &mut self,
        channel: &ChannelId,
        device: &DeviceName,
        claim: &LeaseClaim,
    ) -> Result<LeaseGrant, SubmitError> {
        self.open(channel)?;
        let trust = &self.options.trust;
        let state = self.cache.find(channel).map_err(|error| unavailable(&error))?;
        let state = state.ok_or(SubmitError::UnknownChannel)?;
        let expires_in = state.handle_lease(self.now, device, claim, |d| trust.is_revoked(d));
        let expires_in =
            expires_in.map_err(|error| error.or_suspended(|device| trust.is_suspended(device)))?;
        Ok(LeaseGrant { expires_in, fence: state.membership().fence() })
    }
}

impl Pending {
    fn succeed(self, head: &mut impl FnMut(&ChannelId) -> Option<SignedHead>) {
        match self {
            Self::Submit(placed, answer) => {
                let answers = placed.into_iter().map(|placed| placed?.answer(head));
                answer.send(answers.collect());
            }
            Self::Create(placed, answer) => {
                answer.send(placed.and_then(|placed| placed.answer(head)));
            }
            Self::Ingest(next, answer) => answer.send(Ok(next)),
            Self::Anchor(answer) => answer.send(Ok(())),
            Self::Refill(taken, answer) => answer.send(Ok(taken)),
            Self::Votes(moving, answer) => answer.send(Ok(moving)),
            Self::TakeOver(taking, answer) => answer.send(Ok(taking)),
            Self::Displace(hub, answer) => answer.send(Ok(hub)),
            Self::Store(answer) => answer.send(Ok(())),
        }
    }

    fn fail(self, why: Unavailable) {
        match self {
            Self::Submit(placed, answer) => {
                answer.send(placed.iter().map(|_| Err(why.into())).collect());
            }
            Self::Create(_, answer) => answer.send(Err(why.into())),
            Self::Ingest(_, answer) => answer.send(Err(why.into())),
            Self::Anchor(answer) => answer.send(Err(why.into())),
            Self::Refill(_, answer) => answer.send(Err(why.into())),
            Self::Votes(_, answer) => answer.send(Err(why)),
            Self::TakeOver(_, answer) => answer.send(Err(why)),
            Self::Displace(_, answer) => answer.send(Err(why.into())),
            Self::Store(answer) => answer.send(Err(why)),
        }
    }
}

impl Placed {
    fn answer(
        self,
        head: &mut impl FnMut(&ChannelId) -> Option<SignedHead>,
    ) -> Result<Accepted, SubmitError> {
        let Self { channel, accepted, is_duplicate } = self;
        let storage::Accepted { seq, received_at, .. } = accepted;
        let head = head(&channel).ok_or(SubmitError::UnknownChannel)?;
        Ok(Accepted { seq, received_at, head, is_duplicate })
    }
}

fn unavailable(error: &storage::StorageError) -> Unavailable {
    tracing::error!(error = error as &dyn std::error::Error, "the storage failed");
    Unavailable::Storage
}
