//! A follower's copy of a log: it grows by what the hub signed, under the same machinery.

use std::collections::BTreeMap;

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::membership::{Event, ReadRange};
use enlace_log::replica::{Added, ReplicaError};
use enlace_log::{Hubs, Item, ItemKind, Membership, Replica, VerifiedHead};

use super::{ChannelState, Lease};
use crate::hub::ingest::Anchor;
use crate::storage::{ChannelRecord, Doubts, LogWrite, Role, StoredItem, Tail};

/// What a batch added to a copy.
#[derive(Clone, Debug, Default)]
pub struct Copied {
    /// The items that were new.
    pub items: Vec<StoredItem>,
    /// What is written beside them.
    pub writes: Vec<LogWrite>,
    /// Whether who may read has changed.
    pub access_changed: bool,
}

impl ChannelState {
    /// Takes a batch of the hub's log; items that are here already are skipped.
    ///
    /// An item that the hub should have refused is kept all the same, for it is signed into the
    /// log, and members judge it; it changes nothing about who may read here.
    ///
    /// # Errors
    /// [`ReplicaError`]; nothing has changed then.
    pub fn handle_copy(
        &mut self,
        items: Vec<Item>,
        head: &VerifiedHead,
        is_revoked: impl Fn(&DeviceName) -> bool,
    ) -> Result<Copied, ReplicaError> {
        let added = self.replica.append(&items, head)?;
        let mut copied = Copied::default();
        let Some(first) = added.first().map(|added| added.seq) else { return Ok(copied) };
        let new = items.into_iter().skip_while(|item| item.seq < first);
        for (item, Added { seq, chain, incarnation }) in new.zip(added) {
            if item.sealed.envelope().kind == ItemKind::HubStatement {
                self.begin_incarnation(seq, incarnation, &mut copied.writes);
            }
            match self.membership.plan(seq, &item.sealed, &is_revoked) {
                Ok(Some(event)) => {
                    copied.access_changed |= self.apply(seq, event, &mut copied.writes);
                }
                Ok(None) => {}
                Err(error) => {
                    let channel = self.channel();
                    tracing::warn!(%channel, %seq, %error, "a hub accepted what it should not have");
                }
            }
            self.received_at = item.received_at;
            copied.items.push(StoredItem::new(&item, chain));
        }
        self.has_ended = false;
        copied.writes.push(LogWrite::Head(head.signed().clone()));
        Ok(copied)
    }

    /// Begins a copy at a commit that admits one of this authority's devices, or begins it again
    /// after a gap.
    pub fn anchor(previous: Option<&Self>, anchor: &Anchor) -> (Self, Vec<LogWrite>) {
        let Anchor { hub, creating_hub, nonce, commit, chain, head, list, .. } = anchor;
        let (nonce, chain, list) = (*nonce, *chain, list.clone());
        let envelope = commit.sealed.envelope();
        let (channel, author, seq) = (envelope.channel, anchor.author.clone(), commit.seq);
        let incarnation = head.unverified_head().incarnation;
        let record = ChannelRecord {
            channel,
            hub: hub.clone(),
            creating_hub: creating_hub.clone(),
            nonce,
            role: Role::Follower,
            generation: envelope.generation,
            tail: Tail { seq, chain, received_at: commit.received_at },
            fence: Some(seq),
            settled: Doubts::default(),
        };
        let mut state = Self {
            hub: hub.clone(),
            hubs: previous.map_or_else(|| Hubs::new(creating_hub.clone()), |s| s.hubs.clone()),
            votes: BTreeMap::new(),
            is_next_hub: false,
            nonce,
            role: Role::Follower,
            replica: Replica::after(channel, seq, chain, incarnation),
            received_at: commit.received_at,
            membership: previous.map_or_else(Membership::default, |state| state.membership.clone()),
            incarnations: previous
                .map_or_else(Default::default, |state| state.incarnations.clone()),
            settled: Doubts::default(),
            lease: Lease::default(),
            last_committer: Some(author.clone()),
            has_ended: false,
        };
        let mut writes = vec![LogWrite::Anchor(record, StoredItem::new(commit, chain))];
        if incarnation != state.incarnations.newest() {
            state.begin_incarnation(seq, incarnation, &mut writes);
        }
        if state.hubs.newest() != hub {
            state.hubs.move_to(seq, hub.clone());
            writes.push(LogWrite::Moved { channel, seq, hub: hub.clone() });
        }
        let generation = envelope.generation;
        state.apply(seq, Event::Anchor { seq, author, generation, list }, &mut writes);
        (state, writes)
    }

    /// Goes back to an item, after which the hub began anew without what is here. `events` are
    /// those until then, `kept` is the item.
    pub fn rewind(&mut self, kept: &StoredItem, events: &[Event]) -> Vec<LogWrite> {
        let mut incarnations = self.incarnations.clone();
        incarnations.rewind(kept.seq.next());
        let mut hubs = self.hubs.clone();
        hubs.rewind(kept.seq.next());
        let votes = std::mem::take(&mut self.votes);
        let (hub, nonce) = (self.hub.clone(), self.nonce);
        let creating_hub = hubs.first().clone();
        let (channel, role) = (self.channel(), self.role);
        let generation = self.membership.generation();
        let (tail, settled) = (kept.tail(), self.settled);
        let record = ChannelRecord {
            channel,
            hub,
            creating_hub,
            nonce,
            role,
            generation,
            tail,
            fence: None,
            settled,
        };
        let state = Self::load(&record, events, incarnations);
        let is_next_hub = self.is_next_hub;
        *self = Self { has_ended: self.has_ended, hubs, votes, is_next_hub, ..state };
        let mut writes = vec![LogWrite::Rewind(self.record(tail))];
        writes.extend(self.membership.readers().map(|(device, range)| LogWrite::Reader {
            channel,
            device: device.clone(),
            range,
        }));
        writes
    }

    /// Whether the copy still grows: one of the authority's devices may read on, and the hub has
    /// not said otherwise.
    #[must_use]
    pub fn copy_goes_on(&self, own: &Domain) -> bool {
        let reads_on =
            |device: &DeviceName, range: ReadRange| device.domain() == own && range.to.is_none();
        !self.has_ended && self.membership.readers().any(|(device, range)| reads_on(device, range))
    }

    /// The hub has no more for it. Only memory knows this: the hub says it again when asked again.
    pub fn end_copy(&mut self) {
        self.has_ended = true;
    }
}
