//! A hub that is shown its own signature beyond its log: it takes in nothing new, takes back what
//! others hold, states what happened, and only then goes on (PROTOCOL.md §6.5).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use enlace_identity::names::{DeviceName, Domain, ServiceName};
use enlace_identity::time::Timestamp;
use enlace_log::membership::{Event, MembershipError};
use enlace_log::replica::ReplicaError;
use enlace_log::tombstone::may_erase;
use enlace_log::{
    ChainLink, ChainStart, ChannelId, ChannelNonce, ClientId, Commitment, Envelope, Generation,
    HubStatement, Hubs, Incarnation, Incarnations, Item, ItemKind, ListHash, Membership,
    PayloadHash, Replica, Sealed, Seq, SubmitCounter, TakeOver, Tombstone, VerifiedHead,
    WelcomesHash,
};

use super::settling::{Settling, is_within};
use super::{ChannelState, Lease, MAX_CLOCK_STEP};
use crate::hub::errors::SubmitError;
use crate::hub::head_key::HeadKey;
use crate::hub::refill::Refill;
use crate::storage::{Accepted, IdempotencyKey, LogWrite, Role, SideWrite, StoredItem};

/// How long a hub that recovers waits for more of what it lacks after something came.
pub const REFILL_PATIENCE: Duration = Duration::from_secs(30);

/// What a hub knows of what it lost of one channel, until it has stated it.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The newest head of its own that lay beyond its log.
    shown: VerifiedHead,
    /// Where its log ended before anything was brought back.
    held: Option<Seq>,
    /// When that head was shown, or something brought back.
    since: Timestamp,
}

impl Recovery {
    /// Begins when the first head beyond a log that ends at `held` is shown.
    #[must_use]
    pub fn new(shown: VerifiedHead, held: Option<Seq>, now: Timestamp) -> Self {
        Self { shown, held, since: now }
    }

    /// Another head is shown; the one of the newest incarnation counts, and of these the newest.
    pub fn show(&mut self, shown: &VerifiedHead, now: Timestamp) {
        let order = |head: &VerifiedHead| (head.head().incarnation, head.head().seq);
        if order(shown) > order(&self.shown) {
            self.shown = shown.clone();
            self.since = now;
        }
    }

    /// Something was brought back.
    pub fn got_on(&mut self, now: Timestamp) {
        self.since = now;
    }

    /// Whether more may come soon.
    fn is_patient(&self, now: Timestamp) -> bool {
        is_within(self.since, now, REFILL_PATIENCE)
    }

    /// Whether nothing of a newer incarnation was shown than this.
    #[must_use]
    pub fn is_newest(&self, head: &VerifiedHead) -> bool {
        head.head().incarnation >= self.shown.head().incarnation
    }

    /// What the store held from `next` on was given up.
    pub fn go_back(&mut self, next: Seq) {
        self.held = self.held.min(next.0.checked_sub(1).map(Seq));
    }
}

/// Whether a channel takes in what is submitted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Gate {
    /// It does.
    Open,
    /// Not yet.
    Closed,
    /// It does once the hub has stated that it begins anew; the authorities that were not heard.
    BeginsAnew(Vec<Domain>),
}

/// What a signed head says to the hub whose signature it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shown {
    /// Nothing new.
    Known,
    /// The hub has lost what leads there.
    Beyond,
    /// Of a former incarnation: the log has gone on without what leads there.
    Superseded,
}

/// What others brought back.
#[derive(Clone, Debug, Default)]
pub struct Refilled {
    /// The items that were new.
    pub items: Vec<StoredItem>,
    /// What is written beside them.
    pub log: Vec<LogWrite>,
    /// What is written beside the log.
    pub side: Vec<SideWrite>,
    /// Whether who may read has changed.
    pub access_changed: bool,
}

/// Why nothing is taken back. Nothing has changed then.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RefillError {
    /// This relay does not order the channel.
    #[error("the channel's hub is {0}")]
    NotTheHub(Domain),
    /// The items do not lead from the log to the head.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// An item with another list change than its envelope says: whoever brings it altered what no
    /// signature covers.
    #[error("the item at {0} is not as it was accepted here: {1}")]
    Item(Seq, MembershipError),
    /// An item without its content: somebody else may have it whole.
    #[error("the item at {0} comes without its content")]
    Erased(Seq),
    /// The items do not begin a channel of this hub.
    #[error("the items do not begin a channel of this relay")]
    NotACreation,
}

impl ChannelState {
    /// Whether what is submitted can be taken in now.
    pub fn gate(
        &self,
        now: Timestamp,
        settling: &Settling,
        own: &Domain,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> Gate {
        if self.role != Role::Hub {
            return Gate::Open;
        }
        if !settling.is_in_doubt(&self.channel()) {
            return Gate::Open;
        }
        let (channel, next) = (self.channel(), self.next_seq());
        let unheard = settling.unheard(&channel, next, &self.membership, own, &is_revoked);
        if let Some(recovery) = settling.recovery(&self.channel()) {
            // Whoever was not heard may hold more than was shown.
            let may_grow = !unheard.is_empty() && settling.is_patient(now);
            let is_lacking = self.look_at(&recovery.shown) == Shown::Beyond;
            let is_awaited = is_lacking || !unheard.is_empty();
            let waits = may_grow || is_awaited && recovery.is_patient(now);
            return if waits { Gate::Closed } else { Gate::BeginsAnew(sorted(unheard)) };
        }
        // Somebody may hold more of whom a log that ends here knows nothing: whom it let in later.
        if !unheard.is_empty() && settling.is_patient(now) {
            Gate::Closed
        } else {
            Gate::BeginsAnew(sorted(unheard))
        }
    }

    /// What a head says that this hub signed.
    #[must_use]
    pub fn look_at(&self, shown: &VerifiedHead) -> Shown {
        let head = shown.head();
        let newest = self.incarnations.newest();
        let is_held = head.seq < self.next_seq() && head.incarnation <= newest;
        if self.role != Role::Hub || is_held {
            return Shown::Known;
        }
        if head.incarnation < newest { Shown::Superseded } else { Shown::Beyond }
    }

    /// Where the log is another one than a copy that ends at `head`, though both are this hub's.
    #[must_use]
    pub fn departs_from(&self, copy: &Incarnations, head: &VerifiedHead) -> Option<Seq> {
        self.incarnations.departs_from(self.next_seq(), copy, head.head().seq.next())
    }

    /// Takes back items that lead, with `rest`, to a head that this hub signed.
    ///
    /// # Errors
    /// [`RefillError`]; nothing has changed then.
    pub fn handle_refill(
        &mut self,
        items: Vec<Item>,
        rest: &[ChainLink],
        head: &VerifiedHead,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> Result<Refilled, RefillError> {
        if self.role != Role::Hub {
            return Err(RefillError::NotTheHub(self.hub.clone()));
        }
        if self.look_at(head) != Shown::Beyond || items.is_empty() {
            return Ok(Refilled::default());
        }
        let mut state = self.clone();
        let refilled = state.take_back(items, rest, head, is_revoked)?;
        *self = state;
        Ok(refilled)
    }

    /// As [`Self::handle_refill`], of items that depart from this log after `kept`. When they lead
    /// to a newer incarnation, what is here beyond `kept` is what the hub gave up when it began
    /// that one, and gives way again; `events` are those until there. Also what is written before.
    ///
    /// # Errors
    /// As [`Self::handle_refill`].
    pub fn handle_newer_line(
        &mut self,
        kept: &StoredItem,
        events: &[Event],
        refill: Refill,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> Result<Option<(Vec<LogWrite>, Refilled)>, RefillError> {
        let Refill { items, rest, head, .. } = refill;
        if head.head().incarnation <= self.incarnations.newest() {
            return Ok(None);
        }
        let mut state = self.clone();
        let before = state.rewind(kept, events);
        let refilled = state.handle_refill(items, &rest, &head, is_revoked)?;
        if refilled.items.is_empty() {
            return Ok(None);
        }
        *self = state;
        Ok(Some((before, refilled)))
    }

    /// Begins a channel of this hub again of which its store knows nothing.
    ///
    /// # Errors
    /// [`RefillError`].
    pub fn recreate(
        items: Vec<Item>,
        rest: &[ChainLink],
        head: &VerifiedHead,
        nonce: ChannelNonce,
        own: &Domain,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> Result<(Self, Refilled), RefillError> {
        let first = items.first().ok_or(RefillError::NotACreation)?;
        let envelope = first.sealed.envelope();
        let (channel, generation) = (envelope.channel, Generation(0));
        let begins = first.seq == Seq(0)
            && envelope.kind == ItemKind::Commit
            && envelope.fence.is_none()
            && envelope.generation == generation
            && channel == ChannelId::derive(own, &nonce);
        if !begins {
            return Err(RefillError::NotACreation);
        }
        let mut state = Self::empty(channel, nonce, own);
        let refilled = state.handle_refill(items, rest, head, is_revoked)?;
        Ok((state, refilled))
    }

    pub(super) fn empty(channel: ChannelId, nonce: ChannelNonce, own: &Domain) -> Self {
        let (hub, generation) = (own.clone(), Generation(0));
        let start = ChainStart { channel, hub: hub.clone(), generation, predecessor: [0; 32] };
        Self {
            hubs: Hubs::new(hub.clone()),
            votes: BTreeMap::new(),
            is_next_hub: false,
            hub,
            nonce,
            role: Role::Hub,
            replica: Replica::from_start(&start),
            received_at: Timestamp::default(),
            membership: Membership::default(),
            incarnations: Default::default(),
            settled: Default::default(),
            lease: Lease::default(),
            last_committer: None,
            has_ended: false,
        }
    }

    fn take_back(
        &mut self,
        items: Vec<Item>,
        rest: &[ChainLink],
        head: &VerifiedHead,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> Result<Refilled, RefillError> {
        let channel = self.channel();
        let added = self.replica.refill(&items, rest, head)?;
        let mut refilled = Refilled::default();
        let Some(first) = added.first().map(|added| added.seq) else { return Ok(refilled) };
        let erased = erased_by(&items);
        let new = items.into_iter().skip_while(|item| item.seq < first);
        for (item, added) in new.zip(added) {
            let seq = item.seq;
            if item.sealed.payload().is_none() && !erased.contains(&seq) {
                return Err(RefillError::Erased(seq));
            }
            let event = match self.membership.plan(seq, &item.sealed, &is_revoked) {
                Ok(event) => event,
                Err(error @ (MembershipError::List(_) | MembershipError::Change(_))) => {
                    return Err(RefillError::Item(seq, error));
                }
                // It was accepted then; what is known of revocations now may say otherwise.
                Err(error) => {
                    tracing::warn!(%channel, %seq, %error, "what was accepted is kept, without effect");
                    None
                }
            };
            let stored = StoredItem::new(&item, added.chain);
            let envelope = item.sealed.envelope();
            match envelope.device() {
                Some(device) => {
                    let (device, client_id) = (device.clone(), envelope.client_id);
                    let counter = envelope.submit_counter;
                    refilled
                        .side
                        .push(SideWrite::SubmitCounter { device: device.clone(), counter });
                    let key = IdempotencyKey { channel, device, client_id };
                    refilled.log.push(LogWrite::Accepted { key, accepted: Accepted::of(&item) });
                }
                None => self.begin_incarnation(seq, added.incarnation, &mut refilled.log),
            }
            if let Some(event) = event {
                if envelope.kind.is_change() {
                    self.last_committer = envelope.device().cloned();
                }
                refilled.access_changed |= self.apply(seq, event, &mut refilled.log);
            }
            self.received_at = item.received_at;
            refilled.items.push(stored);
        }
        Ok(refilled)
    }

    /// States that the hub begins anew; the statement, and what is written beside it.
    ///
    /// # Errors
    /// [`SubmitError::ClockStep`]; nothing has changed then.
    pub fn begin_anew(
        &mut self,
        now: Timestamp,
        recovery: Option<&Recovery>,
        unheard: Vec<Domain>,
        relay: &ServiceName,
        key: &HeadKey,
    ) -> Result<(StoredItem, Vec<LogWrite>), SubmitError> {
        self.go_on_anew(now, recovery, unheard, None, relay, key)
    }

    pub(super) fn go_on_anew(
        &mut self,
        now: Timestamp,
        recovery: Option<&Recovery>,
        unheard: Vec<Domain>,
        taken_over: Option<TakeOver>,
        relay: &ServiceName,
        key: &HeadKey,
    ) -> Result<(StoredItem, Vec<LogWrite>), SubmitError> {
        if now.plus(MAX_CLOCK_STEP) < self.received_at {
            return Err(SubmitError::ClockStep);
        }
        let held = recovery.map_or(self.tail_seq(), |recovery| recovery.held);
        let shown = recovery.map(|recovery| &recovery.shown);
        let newest = shown.map(|shown| shown.head().incarnation).unwrap_or_default();
        let lost = shown.filter(|shown| self.look_at(shown) == Shown::Beyond);
        let before = self.incarnations.newest().max(newest);
        // Two beginnings from one copy are two incarnations.
        let incarnation = before.next().max(Incarnation(now.as_millis() / 1000));
        let lost = lost.map(|lost| lost.quoted());
        let signer = key.signer();
        let statement = HubStatement { incarnation, held, lost, unheard, signer, taken_over };

        let seq = self.next_seq();
        let sealed = self.seal(&statement, relay, key);
        let item = Item { seq, received_at: now, sealed };
        let chain = item.chain_after(&self.replica.chain());
        let mut writes = Vec::new();
        self.begin_incarnation(seq, incarnation, &mut writes);
        self.replica = Replica::after(self.channel(), seq, chain, incarnation);
        self.received_at = now;
        Ok((StoredItem::new(&item, chain), writes))
    }

    fn seal(&self, statement: &HubStatement, relay: &ServiceName, key: &HeadKey) -> Sealed {
        let payload = Bytes::from(statement.encode());
        let payload_hash = PayloadHash::of(&payload);
        let client_id = std::array::from_fn(|index| payload_hash.0[index]);
        let envelope = Envelope {
            channel: self.channel(),
            generation: self.membership.generation(),
            kind: ItemKind::HubStatement,
            author: relay.clone().into(),
            client_id: ClientId(client_id),
            submit_counter: SubmitCounter(0),
            fence: self.membership.fence(),
            last_valid_commit: None,
            commitment: Commitment::NONE,
            list_hash: ListHash::NONE,
            welcomes_hash: WelcomesHash::NONE,
            payload_hash,
        };
        let signature = key.sign_envelope(&envelope);
        Sealed::new(envelope, signature, payload)
    }

    pub(super) fn begin_incarnation(
        &mut self,
        seq: Seq,
        incarnation: Incarnation,
        writes: &mut Vec<LogWrite>,
    ) {
        self.incarnations.begin(seq, incarnation);
        writes.push(LogWrite::Incarnation { channel: self.channel(), seq, incarnation });
    }
}

/// The entries that tombstones among these items erase: nobody has their content any more. The hub
/// judged the tombstones when it took them in, and its signature covers them.
fn erased_by(items: &[Item]) -> BTreeSet<Seq> {
    let mut erased = BTreeSet::new();
    for item in items.iter().filter(|i| i.sealed.envelope().kind == ItemKind::Tombstone) {
        let (by, at) = (item.sealed.envelope().device(), item.received_at);
        let tombstone = item.sealed.payload().and_then(|payload| Tombstone::decode(payload).ok());
        let (Some(by), Some(tombstone)) = (by, tombstone) else { continue };
        let is_named = |named: &Item| {
            let hash = named.sealed.envelope().payload_hash;
            let may = may_erase(by, at, named.sealed.envelope(), named.received_at);
            may && tombstone.erased.contains(&(named.seq, hash))
        };
        let before = items.iter().take_while(|named| named.seq < item.seq);
        erased.extend(before.filter(|named| is_named(named)).map(|named| named.seq));
    }
    erased
}

fn sorted(domains: std::collections::BTreeSet<Domain>) -> Vec<Domain> {
    domains.into_iter().collect()
}
