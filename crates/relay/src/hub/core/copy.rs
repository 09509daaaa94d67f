//! A follower's copy of a log: it grows by what the hub signed, under the same machinery.

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::membership::{Event, ReadRange};
use enlace_log::replica::ReplicaError;
use enlace_log::{Item, Membership, Replica, VerifiedHead};

use super::{ChannelState, Lease};
use crate::hub::ingest::Anchor;
use crate::storage::{ChannelRecord, LogWrite, Role, StoredItem, Tail};

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
        let chains = self.replica.append(&items, head)?;
        let mut copied = Copied::default();
        let Some((first, _)) = chains.first().copied() else { return Ok(copied) };
        let new = items.into_iter().skip_while(|item| item.seq < first);
        for (item, (seq, chain)) in new.zip(chains) {
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
        copied.writes.push(LogWrite::Head(head.signed().clone()));
        Ok(copied)
    }

    /// Begins a copy at a commit that admits one of this authority's devices, or begins it again
    /// after a gap.
    pub fn anchor(previous: Option<&Self>, anchor: &Anchor) -> (Self, Vec<LogWrite>) {
        let Anchor { hub, nonce, commit, chain, list, .. } = anchor;
        let (nonce, chain, list) = (*nonce, *chain, list.clone());
        let envelope = commit.sealed.envelope();
        let (channel, author, seq) = (envelope.channel, envelope.device.clone(), commit.seq);
        let record = ChannelRecord {
            channel,
            hub: hub.clone(),
            nonce,
            role: Role::Follower,
            generation: envelope.generation,
            tail: Tail { seq, chain, received_at: commit.received_at },
            fence: Some(seq),
        };
        let mut state = Self {
            hub: hub.clone(),
            nonce,
            role: Role::Follower,
            generation: envelope.generation,
            replica: Replica::after(channel, seq, chain),
            received_at: commit.received_at,
            membership: previous.map_or_else(Membership::default, |state| state.membership.clone()),
            lease: Lease::default(),
            last_committer: Some(author.clone()),
            has_ended: false,
        };
        let mut writes = vec![LogWrite::Anchor(record, StoredItem::new(commit, chain))];
        state.apply(seq, Event::Anchor { seq, author, list }, &mut writes);
        (state, writes)
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
