//! One round: requests in, one transaction, answers out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::replica::ReplicaError;
use enlace_log::{
    ChannelId, ChannelNonce, ClientId, Head, Seq, SignedHead, SubmitCounter, VerifiedHead,
};

use super::cache::Cache;
use super::options::HubOptions;
use super::request::Request;
use crate::hub::access::Access;
use crate::hub::batch::{EncodedBatch, LogBatch};
use crate::hub::core::{
    Acceptance, ChannelState, Decision, Gate, Holder, LeaseClaim, Recovery, RefillError, Refilled,
    Settling, Shown,
};
use crate::hub::errors::{IngestError, RefillRefused, SubmitError, Unavailable};
use crate::hub::feed::{FeedState, Feeds};
use crate::hub::handle::{Accepted, Answer, LeaseGrant};
use crate::hub::ingest::{Anchor, Copy};
use crate::hub::refill::{Refill, TakenBack};
use crate::hub::submission::Submission;
use crate::hub::subscription::Source;
use crate::hub::welcome::WelcomeBoard;
use crate::storage::{self, LogWrite, Role, SideWrite, Storage, StoredItem, WriteBatch};

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
    accepted: HashMap<(ChannelId, DeviceName, ClientId), storage::Accepted>,
    pending: Vec<Pending>,
    /// Channels that are settled once the transaction is durable.
    settled: BTreeSet<ChannelId>,
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
    /// A copy went back to this item before it grew.
    back_to: Option<StoredItem>,
}

/// An answer that waits for the transaction.
enum Pending {
    Submit(Vec<Result<Placed, SubmitError>>, Answer<Vec<Result<Accepted, SubmitError>>>),
    Create(Result<Placed, SubmitError>, Answer<Result<Accepted, SubmitError>>),
    Ingest(Seq, Answer<Result<Seq, IngestError>>),
    Anchor(Answer<Result<(), IngestError>>),
    Refill(TakenBack, Answer<Result<TakenBack, RefillRefused>>),
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
            settled: BTreeSet::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.options.round_bytes
    }

    pub(super) fn handle(&mut self, request: Request) {
        match request {
            Request::Submit { submissions, answer } => {
                let placed = submissions.iter().map(|submission| self.submit(submission, None));
                let placed = placed.collect();
                self.pending.push(Pending::Submit(placed, answer));
            }
            Request::Create { submission, nonce, answer } => {
                let placed = self.submit(&submission, Some(nonce));
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
            Request::Rewind { hub, head, answer } => match self.rewind(&hub, head) {
                Ok(next) => self.pending.push(Pending::Ingest(next, answer)),
                Err(error) => answer.send(Err(error)),
            },
            Request::Shown { head, answer } => answer.send(self.shown(&head)),
            Request::Heard { holder, ends, answer } => answer.send(self.heard(&holder, &ends)),
            Request::Refill { refill, answer } => match self.refill(refill) {
                Ok(taken) => self.pending.push(Pending::Refill(taken, answer)),
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
            cache, storage, settling, settled, mut writes, counters, grown, pending, ..
        } = self;
        writes.side.extend(
            counters
                .into_iter()
                .map(|(device, counter)| SideWrite::SubmitCounter { device, counter }),
        );
        if !writes.is_empty()
            && let Err(error) = storage.commit(&writes)
        {
            let why = unavailable(&error);
            grown.keys().for_each(|channel| cache.doubt(channel));
            pending.into_iter().for_each(|pending| pending.fail(why));
            tell_of_stored(cache, feeds, source);
            announce(&writes, welcomes);
            return;
        }
        settled.iter().for_each(|channel| settling.settle(channel));
        tell_of_stored(cache, feeds, source);
        let mut heads = publish(cache, grown, feeds, source);
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

    /// What becomes of an item. A refusal may rest on what this round accepted before it: it waits
    /// for the transaction like any answer.
    fn submit(
        &mut self,
        submission: &Submission,
        creates: Option<ChannelNonce>,
    ) -> Result<Placed, SubmitError> {
        self.bytes += submission.weight();
        let channel = submission.sealed().envelope().channel;
        match self.decide(submission, creates) {
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
        creates: Option<ChannelNonce>,
    ) -> Result<Decision, SubmitError> {
        let envelope = submission.sealed().envelope();
        let channel = envelope.channel;
        let key = (channel, submission.device().clone(), envelope.client_id);
        let remembered = match self.accepted.get(&key) {
            Some(accepted) => Some(*accepted),
            None => self.cache.accepted(&key.0, &key.1, &key.2).map_err(|e| unavailable(&e))?,
        };
        if creates.is_none() && remembered.is_none() {
            self.open(&channel)?;
        }
        let trust = &self.options.trust;
        match (self.cache.find(&channel).map_err(|error| unavailable(&error))?, creates) {
            (Some(_), Some(_)) if remembered.is_none() => Err(SubmitError::ChannelExists),
            (Some(state), _) => {
                state.handle_submit(self.now, submission, remembered, |d| trust.is_revoked(d))
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
        let envelope = submission.sealed().envelope();
        let key = (channel, submission.device().clone(), envelope.client_id);
        self.accepted.insert(key, acceptance.accepted);
        let Acceptance { item, writes, access_changed, .. } = acceptance;
        self.append(channel, vec![item], access_changed);
        self.writes.log.extend(writes);
    }

    /// Adds items to the channel's one append of this round.
    fn append(&mut self, channel: ChannelId, items: Vec<StoredItem>, access_changed: bool) {
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
        let expires_in = state.handle_lease(self.now, device, claim, |d| trust.is_revoked(d))?;
        Ok(LeaseGrant { expires_in, fence: state.membership().fence() })
    }

    /// Lets a channel take something in, if that can be answered for: a hub that may lack what it
    /// signed waits, and states it before it goes on.
    fn open(&mut self, channel: &ChannelId) -> Result<(), SubmitError> {
        let Self { now, options, settling, cache, .. } = self;
        let state = cache.find(channel).map_err(|error| unavailable(&error))?;
        let Some(state) = state else { return Ok(()) };
        if settling.is_over() || self.settled.contains(channel) {
            return Ok(());
        }
        let is_revoked = |device: &DeviceName| options.trust.is_revoked(device);
        match state.gate(*now, settling, options.domain(), is_revoked) {
            Gate::Open => Ok(()),
            Gate::Closed => Err(SubmitError::Recovering),
            Gate::Settled => {
                self.settle(*channel);
                Ok(())
            }
            Gate::BeginsAnew(unheard) => {
                tracing::warn!(%channel, ?unheard, "the hub begins anew, and states it");
                let recovery = settling.recovery(channel);
                let (name, key) = (&options.name, &options.head_key);
                let begun = state.begin_anew(*now, recovery, unheard, name, key);
                let (statement, writes) = begun?;
                self.append(*channel, vec![statement], false);
                self.writes.log.extend(writes);
                self.settle(*channel);
                Ok(())
            }
        }
    }

    fn settle(&mut self, channel: ChannelId) {
        let doubts = self.settling.doubts();
        if let Ok(Some(state)) = self.cache.find(&channel) {
            state.settle(doubts);
        }
        self.grown.entry(channel).or_default();
        self.settled.insert(channel);
        self.writes.log.push(LogWrite::Settled { channel, doubts });
    }

    fn shown(&mut self, head: &VerifiedHead) -> Result<(), Unavailable> {
        let channel = head.head().channel;
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let Some(state) = state else { return Ok(()) };
        let now = self.now;
        match (state.look_at(head), self.settling.recovery_mut(&channel)) {
            (Shown::Beyond, Some(recovery)) => recovery.show(head, now),
            (Shown::Beyond, None) => {
                let recovery = Recovery::new(head.clone(), state.tail_seq(), now);
                self.settling.recover(channel, recovery);
                let seq = head.head().seq;
                tracing::error!(%channel, %seq,
                    "this relay has lost what it signed: its store is an older one. It takes in \
                     nothing until others have brought back what is missing");
                self.writes.side.push(SideWrite::ForgetKeyPackages);
            }
            (Shown::Known, _) => {}
            (Shown::Superseded, _) => {
                tracing::debug!(%channel, "somebody holds what was lost when the hub began anew");
            }
        }
        Ok(())
    }

    fn heard(&mut self, holder: &Holder, ends: &[(ChannelId, Seq)]) -> Result<(), Unavailable> {
        for (channel, next) in ends {
            if !self.settling.is_in_doubt(channel) {
                continue;
            }
            let state = self.cache.find(channel).map_err(|error| unavailable(&error))?;
            if state.is_some_and(|state| *next <= state.next_seq()) {
                self.settling.hear(*channel, holder.clone());
            }
        }
        Ok(())
    }

    fn refill(&mut self, refill: Refill) -> Result<TakenBack, RefillRefused> {
        self.bytes += refill.weight();
        let Refill { items, rest, head, nonce } = refill;
        let (now, channel) = (self.now, head.head().channel);
        self.shown(&head)?;
        let trust = self.options.trust.clone();
        let is_revoked = |device: &DeviceName| trust.is_revoked(device);
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let refilled = match (state, nonce) {
            (Some(state), _) => {
                let ours = state.incarnations();
                let departs = ours.first_after(head.head().incarnation);
                if let Some(next) = departs.filter(|seq| *seq <= head.head().seq) {
                    return Ok(TakenBack { next, superseded: true });
                }
                match state.handle_refill(items, &rest, &head, is_revoked) {
                    // It begins elsewhere: whoever brings it learns where to begin.
                    Err(RefillError::Replica(ReplicaError::Gap { .. })) => Refilled::default(),
                    refilled => refilled?,
                }
            }
            (None, Some(nonce)) => {
                let own = self.options.domain();
                let created = ChannelState::recreate(items, &rest, &head, nonce, own, is_revoked);
                let (state, refilled) = created?;
                self.cache.insert(state);
                self.settling.recover(channel, Recovery::new(head, None, now));
                refilled
            }
            (None, None) => return Err(RefillRefused::UnknownChannel),
        };
        self.take_back(channel, refilled);
        let next = self.cache.get(&channel).map_or(Seq(0), ChannelState::next_seq);
        Ok(TakenBack { next, superseded: false })
    }

    fn take_back(&mut self, channel: ChannelId, refilled: Refilled) {
        let Refilled { mut items, log, side, access_changed } = refilled;
        if items.is_empty() {
            return;
        }
        tracing::info!(%channel, count = items.len(), "items were brought back");
        if let Some(recovery) = self.settling.recovery_mut(&channel) {
            recovery.got_on(self.now);
        }
        if items.first().is_some_and(|first| first.seq == Seq(0)) {
            let later = items.split_off(1);
            self.append(channel, items, access_changed);
            items = later;
        }
        self.append(channel, items, access_changed);
        self.writes.log.extend(log);
        self.writes.side.extend(side);
    }

    fn rewind(&mut self, hub: &Domain, head: VerifiedHead) -> Result<Seq, IngestError> {
        let (channel, last) = (head.head().channel, head.head().seq);
        let kept = self.cache.item(&channel, last).map_err(|error| unavailable(&error))?;
        let events =
            self.cache.events_until(&channel, last).map_err(|error| unavailable(&error))?;
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let state = state.ok_or(IngestError::UnknownChannel)?;
        state.check_follows(hub)?;
        if last >= state.next_seq() {
            return Ok(state.next_seq());
        }
        let kept = kept.ok_or(IngestError::BeforeAnchor)?;
        if kept.chain != head.head().chain {
            return Err(ReplicaError::Diverged(Box::new(head)).into());
        }
        let next = last.next();
        tracing::warn!(%channel, %next, "the hub began anew without what this copy holds");
        self.writes.log.extend(state.rewind(&kept, &events));
        self.writes.log.push(LogWrite::Head(head.signed().clone()));
        let grown = self.grown.entry(channel).or_default();
        grown.back_to = Some(kept);
        grown.head = Some(head.signed().clone());
        grown.access_changed = true;
        Ok(next)
    }

    fn ingest(&mut self, copy: Copy) -> Result<Seq, IngestError> {
        let Copy { hub, items, head } = copy;
        let channel = items.first().ok_or(ReplicaError::Empty)?.sealed.envelope().channel;
        let trust = &self.options.trust;
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let state = state.ok_or(IngestError::UnknownChannel)?;
        state.check_follows(&hub)?;
        let copied = state.handle_copy(items, &head, |device| trust.is_revoked(device))?;
        let next = state.next_seq();
        if copied.items.is_empty() && self.contradicts(&channel, head.head())? {
            return Err(ReplicaError::Diverged(Box::new(head)).into());
        }
        self.bytes += copied.items.iter().map(StoredItem::weight).sum::<usize>();
        if !copied.items.is_empty() {
            self.append(channel, copied.items, copied.access_changed);
            self.grown.entry(channel).or_default().head = Some(head.signed().clone());
        }
        self.writes.log.extend(copied.writes);
        Ok(next)
    }

    /// Whether a head stands at a position that is here already, with another chain.
    fn contradicts(&mut self, channel: &ChannelId, head: &Head) -> Result<bool, Unavailable> {
        let chain = self.cache.chain_at(channel, head.seq).map_err(|error| unavailable(&error))?;
        Ok(chain.is_some_and(|chain| chain != head.chain))
    }

    fn end_copy(&mut self, channel: &ChannelId, hub: &Domain) -> Result<(), IngestError> {
        let state = self.cache.find(channel).map_err(|error| unavailable(&error))?;
        let state = state.ok_or(IngestError::UnknownChannel)?;
        state.check_follows(hub)?;
        state.end_copy();
        Ok(())
    }

    fn anchor(&mut self, anchor: Anchor) -> Result<(), IngestError> {
        let channel = anchor.channel();
        let seq = anchor.commit.seq;
        let own = self.options.domain();
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let goes_on = match &state {
            Some(state) => {
                state.check_follows(&anchor.hub)?;
                state.next_seq() > seq || state.copy_goes_on(own)
            }
            None => false,
        };
        if !goes_on {
            let (state, writes) = ChannelState::anchor(state.as_deref(), &anchor);
            self.cache.insert(state);
            let grown = self.grown.entry(channel).or_default();
            grown.items = vec![StoredItem::new(&anchor.commit, anchor.chain)];
            grown.append = None;
            grown.head = Some(anchor.head.clone());
            grown.access_changed = true;
            self.writes.log.extend(writes);
            self.writes.log.push(LogWrite::Head(anchor.head.clone()));
        }
        self.bytes += anchor.delivery_bytes().len();
        self.writes.log.push(LogWrite::Welcome {
            channel,
            seq,
            delivery: anchor.delivery_bytes(),
            devices: anchor.devices,
            domains: Vec::new(),
        });
        Ok(())
    }
}

/// Tells those whom welcomes are for.
fn announce(writes: &WriteBatch, welcomes: &WelcomeBoard) {
    for write in &writes.log {
        if let LogWrite::Welcome { devices, domains, .. } = write {
            welcomes.announce(devices, !domains.is_empty());
        }
    }
}

/// A transaction of which an error was heard may be stored all the same. Its readers are told, as
/// soon as it can be read: after a commit that nobody knows of, no item comes that would wake them.
fn tell_of_stored(cache: &mut Cache, feeds: &Feeds, source: &Source) {
    for channel in cache.take_doubts() {
        let Some(feed) = feeds.find(&channel) else { continue };
        let Some(known) = feed.state() else { continue };
        match stored(cache, &channel, source) {
            Ok(Some(state)) if state.tail > known.tail => feeds.publish(&feed, Vec::new(), state),
            Ok(_) => {}
            Err(_) => cache.doubt(&channel),
        }
    }
}

/// Where a channel stands in the storage.
fn stored(
    cache: &mut Cache,
    channel: &ChannelId,
    source: &Source,
) -> Result<Option<FeedState>, storage::StorageError> {
    let Some(state) = cache.find(channel)? else { return Ok(None) };
    let Some(tail) = state.tail_seq() else { return Ok(None) };
    let (role, chain) = (state.role(), state.chain());
    let access = Arc::new(Access::of(state.membership()));
    let incarnations = Arc::new(state.incarnations().clone());
    let head = match role {
        Role::Hub => {
            let incarnation = state.incarnations().newest();
            Some(source.head_key.sign(*channel, incarnation, tail, chain).signed().clone())
        }
        Role::Follower => cache.head_at(channel, tail)?,
    };
    Ok(head.map(|head| FeedState { role, tail, head, access, incarnations }))
}

/// Tells the readers of each channel that grew; the signed head of each.
fn publish(
    cache: &Cache,
    grown: BTreeMap<ChannelId, Grown>,
    feeds: &Feeds,
    source: &Source,
) -> HashMap<ChannelId, SignedHead> {
    let mut heads = HashMap::with_capacity(grown.len());
    for (channel, Grown { items, head, access_changed, back_to, .. }) in grown {
        if back_to.is_some() {
            source.catch_up.forget(channel);
            if let Some(feed) = feeds.find(&channel) {
                feed.forget();
            }
        }
        let last = items.last().or(back_to.as_ref());
        let (Some(last), Some(state)) = (last, cache.get(&channel)) else { continue };
        let incarnations = state.incarnations();
        let sign = || {
            let incarnation = incarnations.at(last.seq);
            source.head_key.sign(channel, incarnation, last.seq, last.chain).signed().clone()
        };
        let head = head.unwrap_or_else(sign);
        heads.insert(channel, head.clone());
        let Some(feed) = feeds.find(&channel) else { continue };
        let batches = encoded(channel, &items, &head, state, source);
        let known = feed.state().filter(|_| !access_changed).map(|state| state.access.clone());
        let access = known.unwrap_or_else(|| Arc::new(Access::of(state.membership())));
        let incarnations = feed.state().map(|state| state.incarnations.clone());
        let incarnations = incarnations.filter(|known| **known == *state.incarnations());
        let incarnations = incarnations.unwrap_or_else(|| Arc::new(state.incarnations().clone()));
        let role = state.role();
        let state = FeedState { role, tail: last.seq, head, access, incarnations };
        feeds.publish(&feed, batches, state);
    }
    heads
}

/// What a round added to a channel, as it travels. Whatever cannot be encoded is left out: its
/// readers find it in the storage and learn there what is wrong with it.
fn encoded(
    channel: ChannelId,
    items: &[StoredItem],
    head: &SignedHead,
    state: &ChannelState,
    source: &Source,
) -> Vec<EncodedBatch> {
    let incarnations = state.incarnations();
    let batches: Vec<_> = match state.role() {
        Role::Hub => {
            LogBatch::split(channel, items, head, &source.head_key, incarnations).collect()
        }
        Role::Follower => vec![LogBatch::new(channel, items, head.clone())],
    };
    batches.into_iter().flatten().flat_map(EncodedBatch::new).collect()
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
