//! A hub that was restored from an older copy: what this device has of its log is brought back; where
//! the hub has stated that it begins anew without that, this copy goes back to where the two agree.

use enlace_channel::channel::{Channel, Rewound};
use enlace_identity::names::Domain;
use enlace_identity::time::Timestamp;
use enlace_log::replica::ReplicaError;
use enlace_log::{
    ChainHash, ChainLink, ChannelId, ChannelNonce, HeadSigner, Item, ItemKind, Seq, SignedHead,
    VerifiedHead,
};
use enlace_proto::relay::v1 as wire;

use super::items::{ReceiveError, standing_of};
use super::settle::reload;
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{ChannelRow, ChannelStanding, EntryRow, OutboxRow, OutboxState, StoreError};
use crate::task::Task;

/// Items brought back at once, and their bytes.
const PAGE_ITEMS: usize = 256;
const PAGE_BYTES: usize = 1 << 20;

/// Of how many of a channel's newest items the whole content is kept.
pub(super) const KEPT: u64 = 4096;

/// What a relay shows of where a hub's log goes on without what stands in this copy.
#[derive(Clone, Debug)]
pub struct Departure {
    /// The hub's head at the last position that both have.
    pub before: wire::SignedHead,
    /// The hub's items from the next position on.
    pub items: Vec<wire::Item>,
    /// The hub's head at the last of them.
    pub head: wire::SignedHead,
    /// The hub's head over its newest statement.
    pub newest: wire::SignedHead,
}

/// What became of a copy that goes back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SetBack {
    /// It goes on from there.
    GoesOn,
    /// The hub knows this device no more: it is out of the channel until it is let in again.
    Ended,
}

impl Engine {
    /// What is to be brought back to the hub of a channel whose log goes on at `from`; to ask where
    /// it goes on, without. Nothing when this device has no more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refill(
        &mut self,
        id: ChannelId,
        from: Option<Seq>,
    ) -> Result<Option<wire::RefillRequest>, EngineError> {
        self.write(|work| work.refill(id, from))
    }

    /// The hub of a channel began anew, and its log departs there from this copy.
    ///
    /// # Errors
    /// [`ReceiveError`]; nothing has changed then. [`ReplicaError::Diverged`] when the two differ
    /// before, [`ReceiveError::NotSuperseded`] when the hub's heads don't say that it began anew, or
    /// that it goes on with another item than this copy.
    pub fn go_back(
        &mut self,
        id: ChannelId,
        departure: &Departure,
    ) -> Result<SetBack, ReceiveError> {
        self.write(|work| work.go_back(id, departure))
    }

    /// The hub of a channel began anew without what stood from `next` on: `newest` says so. Whether
    /// that was before this device was let in: then it is out of the channel.
    ///
    /// # Errors
    /// [`ReceiveError`]; nothing has changed then. [`ReceiveError::NotSuperseded`] when `newest` does
    /// not say so.
    pub fn is_left_behind(
        &mut self,
        id: ChannelId,
        next: Seq,
        newest: &wire::SignedHead,
    ) -> Result<bool, ReceiveError> {
        let newest = SignedHead::from_wire(id, newest)?;
        self.write(|work| work.is_left_behind(id, next, newest))
    }
}

impl Departure {
    /// The chain at the first position at which the logs depart, in the hub's.
    fn verify(&self, before: &VerifiedHead, end: &VerifiedHead) -> Result<ChainHash, ReceiveError> {
        let (channel, last) = (before.head().channel, before.head().seq);
        let items = self.items.iter().map(|item| Item::from_wire(channel, item.clone()));
        let items: Vec<Item> = items.collect::<Result<_, _>>()?;
        let first = items.first().ok_or(ReceiveError::NotSuperseded)?;
        let (mut next, mut chain) = (last, before.head().chain);
        for item in &items {
            next = next.next();
            chain = item.chain_after(&chain);
            if item.seq != next {
                return Err(ReceiveError::NotSuperseded);
            }
        }
        match (end.head().seq, end.head().chain) == (next, chain) {
            true => Ok(first.chain_after(&before.head().chain)),
            false => Err(ReceiveError::NotSuperseded),
        }
    }
}

impl Work<'_> {
    fn refill(
        &mut self,
        id: ChannelId,
        from: Option<Seq>,
    ) -> Result<Option<wire::RefillRequest>, EngineError> {
        let Some(row) = self.tx.channel(id)? else { return Ok(None) };
        let Some(head) = row.head else { return Ok(None) };
        let last = head.unverified_head().seq;
        let mut items: Vec<Item> = Vec::new();
        let mut rest = Vec::new();
        if let Some(from) = from {
            // A relay says where to begin: it is not to have the whole log read.
            if last.0.saturating_sub(from.0) > (PAGE_ITEMS + ChainLink::MAX_AT_ONCE) as u64 {
                return Ok(None);
            }
            let mut bytes = 0;
            for held in self.tx.items(id, from, last)? {
                if items.len() < PAGE_ITEMS && bytes < PAGE_BYTES && rest.is_empty() {
                    bytes += held.item.sealed.payload().map_or(0, |payload| payload.len());
                    items.push(held.item);
                } else {
                    rest.push(held.item.link());
                }
            }
            // What this device keeps without its content somebody else may have whole.
            let end = items.last().map_or(from, |item| item.seq);
            let tombstones = self.tx.tombstones(id)?;
            let is_erased =
                |item: &Item| tombstones.iter().any(|row| row.seq == item.seq && row.by_seq <= end);
            if items.iter().any(|item| item.sealed.payload().is_none() && !is_erased(item)) {
                return Ok(None);
            }
            if items.first().is_none_or(|item| item.seq != from)
                || rest.len() > ChainLink::MAX_AT_ONCE
            {
                return Ok(None);
            }
        }
        let incarnations = match self.take(id)? {
            Some(channel) => {
                let starts = starts_of(&channel);
                self.keep(channel);
                starts
            }
            None => return Ok(None),
        };
        let nonce = self.tx.setting(&nonce_setting(id))?;
        let nonce = nonce.and_then(|text| hex::decode(text).ok()).unwrap_or_default();
        Ok(Some(wire::RefillRequest {
            channel: Some(id.to_wire()),
            hub: row.hub.to_string(),
            head: Some(head.to_wire()),
            items: items.iter().map(Item::to_wire).collect(),
            nonce,
            rest: rest.iter().flat_map(ChainLink::encode).collect(),
            incarnations,
        }))
    }

    fn go_back(&mut self, id: ChannelId, departure: &Departure) -> Result<SetBack, ReceiveError> {
        let row = self.tx.channel(id)?.ok_or(ReceiveError::UnknownChannel)?;
        let mut channel = self.take(id)?.ok_or(ReceiveError::UnknownChannel)?;
        let hubs = channel.hubs();
        let head = self.verify_head_of(&hubs, SignedHead::from_wire(id, &departure.before)?)?;
        let hub = self.hub_of_departure(&channel, departure)?;
        let end = self.verify_head(&hub, SignedHead::from_wire(id, &departure.head)?)?;
        // By a hub that it moved to later still, which is known once the log up to there is read.
        let newest = self.verify_head(&hub, SignedHead::from_wire(id, &departure.newest)?);
        let newest = newest.unwrap_or_else(|_| end.clone());
        let other = departure.verify(&head, &end)?;
        let (last, from) = (head.head().seq, head.head().seq.next());
        let own = self.tx.item(id, from)?.map(|own| own.chain);
        if newest.head().incarnation <= channel.replica().incarnation() || own == Some(other) {
            self.keep(channel);
            return Err(ReceiveError::NotSuperseded);
        }
        if from >= channel.replica().next_seq() {
            self.keep(channel);
            return Ok(SetBack::GoesOn);
        }
        let Some(kept) = self.tx.item(id, last)? else {
            self.leave_behind(row, channel, from)?;
            return Ok(SetBack::Ended);
        };
        if kept.chain != head.head().chain {
            return Err(ReplicaError::Diverged(Box::new(head)).into());
        }
        let until = channel.replica().next_seq().0;
        let fence = self.tx.newest_commit(id, last)?;
        let rewound = channel.rewind(&self.ctx, from, kept.chain, fence)?;
        let entries = self.supersede(&mut channel, from)?;
        let is_stranded = rewound == Rewound::Stranded;
        self.is_served_again(&channel)?;
        if channel.stranded_since().is_some() {
            self.ask_back(id, Task::AskBack)?;
        }
        let standing = standing_of(&channel);
        self.tx.put_channel(&ChannelRow {
            hub: channel.hub(),
            standing,
            stopped: None,
            head: Some(head.signed().clone()),
            ..row
        })?;
        self.keep(channel);
        self.note(Some(id), None, Notice::SetBack { from: from.0, until, entries, is_stranded })?;
        self.tell(ClientEvent::Channel(id));
        let ended = standing == ChannelStanding::Removed;
        Ok(if ended { SetBack::Ended } else { SetBack::GoesOn })
    }

    /// Whose relay ordered the first item that departs: the channel may have moved there.
    fn hub_of_departure(
        &self,
        channel: &Channel,
        departure: &Departure,
    ) -> Result<Domain, ReceiveError> {
        let first = departure.items.first().ok_or(ReceiveError::NotSuperseded)?;
        let first = Item::from_wire(channel.id(), first.clone())?;
        let last = first.seq.0.checked_sub(1).map(Seq);
        let fence =
            last.map(|last| self.tx.newest_commit(channel.id(), last)).transpose()?.flatten();
        Ok(channel.hub_after(&self.ctx, &first, fence)?)
    }

    fn is_left_behind(
        &mut self,
        id: ChannelId,
        next: Seq,
        newest: SignedHead,
    ) -> Result<bool, ReceiveError> {
        let row = self.tx.channel(id)?.ok_or(ReceiveError::UnknownChannel)?;
        let channel = self.take(id)?.ok_or(ReceiveError::UnknownChannel)?;
        let Some(newest) = self.of_known_hub(&channel, newest)? else {
            self.keep(channel);
            // Of a hub that it has moved to: the items say so, and why.
            return Ok(false);
        };
        let is_newer = newest.head().incarnation > channel.replica().incarnation();
        if !is_newer || channel.anchor() < next {
            self.keep(channel);
            return if is_newer { Ok(false) } else { Err(ReceiveError::NotSuperseded) };
        }
        self.leave_behind(row, channel, next)?;
        Ok(true)
    }

    /// A head of the hub that this copy knows; `None` of one of another authority.
    fn of_known_hub(
        &self,
        channel: &Channel,
        head: SignedHead,
    ) -> Result<Option<VerifiedHead>, ReceiveError> {
        let signer = head.signer();
        match self.verify_head(&channel.hub(), head) {
            Ok(verified) => Ok(Some(verified)),
            Err(ReceiveError::HeadKey(_)) if self.is_anothers_key(&channel.hub(), signer)? => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn is_anothers_key(&self, hub: &Domain, signer: HeadSigner) -> Result<bool, StoreError> {
        let authorities = self.ctx.bundle.authorities().iter();
        for domain in authorities.map(|authority| authority.domain()).filter(|d| *d != hub) {
            if self.tx.head_certificate(domain, signer)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Nothing of what is here is in the log any more: the commit that let this device in neither.
    fn leave_behind(
        &mut self,
        row: ChannelRow,
        mut channel: Channel,
        from: Seq,
    ) -> Result<(), EngineError> {
        let (id, until) = (row.id, channel.replica().next_seq().0);
        self.ends_waiting(id)?;
        channel.leave_behind(&self.ctx)?;
        let entries = self.supersede(&mut channel, from)?;
        let standing = ChannelStanding::Removed;
        self.tx.put_channel(&ChannelRow { standing, stopped: None, ..row })?;
        self.keep(channel);
        let is_stranded = true;
        self.note(Some(id), None, Notice::SetBack { from: from.0, until, entries, is_stranded })?;
        self.tell(ClientEvent::Channel(id));
        Ok(())
    }

    /// What stands from `from` on is lost: own entries are queued again. How many entries it were.
    fn supersede(&mut self, channel: &mut Channel, from: Seq) -> Result<u64, EngineError> {
        let id = channel.id();
        let lost = self.tx.entries(id, from, usize::MAX)?;
        self.tx.supersede(id, from)?;
        self.unseal_all(id, channel)?;
        let (me, count) = (self.me().clone(), lost.len() as u64);
        for entry in lost.into_iter().filter(|entry| entry.author == me) {
            self.send_again(entry)?;
        }
        Ok(count)
    }

    /// What was sealed names a fence that may come to mean another commit.
    fn unseal_all(&mut self, id: ChannelId, channel: &mut Channel) -> Result<(), EngineError> {
        for mut row in self.tx.queued(Some(id))?.into_iter().filter(|row| row.sealed.is_some()) {
            self.unseal(&mut row, channel)?;
        }
        Ok(())
    }

    /// A commit names the channel's hub: one that waits to be sent since the channel moved is made anew.
    pub(super) fn unseal_what_is_for_another_hub(
        &mut self,
        rows: &mut [OutboxRow],
        channel: &mut Channel,
    ) -> Result<(), EngineError> {
        let hub = channel.hub();
        for row in rows.iter_mut().filter(|row| row.task.lease().is_some()) {
            let sealed_for = row.sealed.as_ref().map(|sealed| sealed.request.hub.as_str());
            if sealed_for.is_some_and(|of| !of.is_empty() && of != hub.as_str()) {
                self.unseal(row, channel)?;
            }
        }
        Ok(())
    }

    /// A change that was given up may have been sent, and get a place all the same: what is made instead
    /// goes by another id.
    fn unseal(&mut self, row: &mut OutboxRow, channel: &mut Channel) -> Result<(), EngineError> {
        if row.task.lease().is_some() {
            channel.commit_refused(&self.ctx)?;
            row.client_id = self.go_on_under_another_id(row)?;
        }
        row.sealed = None;
        Ok(self.tx.update_outbox(row)?)
    }

    /// The content of an entry item that this device has read before the hub lost it: the keys are
    /// used up, and the item's commitment says that it is the same. `false` if it is not.
    pub(super) fn restore_superseded(
        &mut self,
        id: ChannelId,
        item: &Item,
    ) -> Result<bool, EngineError> {
        let envelope = item.sealed.envelope();
        let Some(author) = envelope.device() else { return Ok(false) };
        let found = self.tx.superseded_entry(id, author, envelope.client_id)?;
        let Some(row) = found else { return Ok(false) };
        let entry = reload(&row.signed)?;
        if envelope.kind != ItemKind::Entry || entry.commitment() != envelope.commitment {
            return Ok(false);
        }
        let (seq, received_at) = (item.seq, item.received_at);
        let row = EntryRow { seq, received_at, ..row };
        if self.tx.put_entry(&row)? {
            self.tell(ClientEvent::Entry { channel: id, seq });
            self.take_effect(&row)?;
        }
        Ok(true)
    }

    /// An own entry has lost its place: the same signed entry gets another.
    fn send_again(&mut self, entry: EntryRow) -> Result<(), EngineError> {
        let signed = Some(entry.signed);
        let (attempts, not_before) = (0, Timestamp::default());
        let state = OutboxState::Queued;
        match self.tx.outbox_of(entry.client_id)? {
            Some(row) => {
                let sealed = None;
                self.tx.update_outbox(&OutboxRow {
                    signed,
                    sealed,
                    state: state.clone(),
                    attempts,
                    not_before,
                    ..row
                })?;
            }
            None => {
                self.tx.put_outbox(&OutboxRow {
                    position: 0,
                    client_id: entry.client_id,
                    channel: entry.channel,
                    task: Task::Entry,
                    signed,
                    sealed: None,
                    state: state.clone(),
                    attempts,
                    not_before,
                    automatic: false,
                    created_at: entry.local_time,
                })?;
            }
        }
        let (channel, client_id) = (entry.channel, entry.client_id);
        self.tell(ClientEvent::Outbox { channel, client_id, state });
        Ok(())
    }

    /// Keeps what a channel's id is derived from: a hub that has lost the channel needs it.
    pub(super) fn keep_nonce(
        &mut self,
        id: ChannelId,
        nonce: &ChannelNonce,
    ) -> Result<(), EngineError> {
        Ok(self.tx.put_setting(&nonce_setting(id), Some(&hex::encode(nonce.0)))?)
    }
}

/// Which incarnation of the hub ordered which part of this copy, from its first position on.
fn starts_of(channel: &Channel) -> Vec<wire::IncarnationStart> {
    let (anchor, all) = (channel.anchor(), channel.incarnations());
    let later = all.iter().filter(|(seq, _)| *seq > anchor);
    let starts = std::iter::once((anchor, all.at(anchor))).chain(later);
    starts.map(|(seq, began)| wire::IncarnationStart { seq: seq.0, incarnation: began.0 }).collect()
}

fn nonce_setting(id: ChannelId) -> String {
    format!("nonce/{id}")
}
