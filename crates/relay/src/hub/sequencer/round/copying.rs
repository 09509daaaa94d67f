//! What a round does with copies of other hubs' logs.

use enlace_identity::names::Domain;
use enlace_log::replica::ReplicaError;
use enlace_log::{ChannelId, Head, Incarnation, Seq, VerifiedHead};

use super::{Round, unavailable};
use crate::hub::core::ChannelState;
use crate::hub::errors::{IngestError, Unavailable};
use crate::hub::ingest::{Anchor, Copy};
use crate::storage::{LogWrite, Role, StoredItem};

impl Round<'_> {
    pub(super) fn rewind(
        &mut self,
        hub: &Domain,
        head: VerifiedHead,
        newest: Incarnation,
    ) -> Result<Seq, IngestError> {
        let (channel, last) = (head.head().channel, head.head().seq);
        let kept = self.cache.item(&channel, last).map_err(|error| unavailable(&error))?;
        let events =
            self.cache.events_until(&channel, last).map_err(|error| unavailable(&error))?;
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let state = state.ok_or(IngestError::UnknownChannel)?;
        state.check_follows(hub)?;
        // Another hub took over before what is here: which incarnation the former one was in says
        // nothing then.
        let has_moved = state.hub() != state.hubs().newest();
        if newest <= state.incarnations().newest() && !has_moved {
            return Err(IngestError::NotSuperseded);
        }
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
        self.go_back(channel, kept).head = Some(head.signed().clone());
        Ok(next)
    }

    pub(super) fn ingest(&mut self, copy: Copy) -> Result<Seq, IngestError> {
        let Copy { hub, items, head } = copy;
        let channel = items.first().ok_or(ReplicaError::Empty)?.sealed.envelope().channel;
        let trust = &self.options.trust;
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let state = state.ok_or(IngestError::UnknownChannel)?;
        let next = state.next_seq();
        let first = items.iter().find(|item| item.seq >= next).filter(|item| item.seq == next);
        let moved = first.map(|item| state.judge_statement(item, &**trust)).transpose()?.flatten();
        state.check_signer(&hub, moved.as_ref(), head.head().seq)?;
        let own = self.options.domain();
        let mut copied = state.handle_copy(items, &head, |device| trust.is_revoked(device))?;
        if let Some(hub) = moved.filter(|_| !copied.items.is_empty()) {
            tracing::warn!(%channel, %hub, "the channel has moved to another hub");
            let role = if hub == *own { Role::Hub } else { Role::Follower };
            copied.writes.extend(state.move_to(next, hub, role));
            if role == Role::Hub {
                self.settling.doubt(channel);
            }
            self.settling.await_nobody(&channel);
        }
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

    pub(super) fn end_copy(
        &mut self,
        channel: &ChannelId,
        hub: &Domain,
    ) -> Result<(), IngestError> {
        let state = self.cache.find(channel).map_err(|error| unavailable(&error))?;
        let state = state.ok_or(IngestError::UnknownChannel)?;
        state.check_follows(hub)?;
        state.end_copy();
        Ok(())
    }

    pub(super) fn anchor(&mut self, anchor: Anchor) -> Result<(), IngestError> {
        let channel = anchor.channel();
        let seq = anchor.commit.seq;
        let own = self.options.domain();
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let goes_on = match &state {
            Some(state) => {
                let is_over = state.next_seq() <= seq && !state.copy_goes_on(own);
                // An ended copy has not seen where the channel moved: votes say so.
                let has_moved = anchor.creating_hub != anchor.hub;
                if !(is_over && has_moved && state.role() == Role::Follower) {
                    state.check_follows(&anchor.hub)?;
                }
                !is_over
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
