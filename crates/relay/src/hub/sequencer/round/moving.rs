//! What a round does about channels that move to another hub.

use std::collections::BTreeSet;

use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Hubs, Membership, Seq, SignedHubVote, VerifiedHubVote};

use super::{Round, unavailable};
use crate::hub::core::{ChannelState, Holder, LONG_PATIENCE, Moving, Settling, judge_statement};
use crate::hub::errors::{IngestError, RefillRefused, Unavailable};
use crate::hub::moves::{TakenOver, TakingOver};
use crate::hub::refill::{Refill, TakenBack};
use crate::hub::trust::DeviceTrust;
use crate::storage::{LogWrite, Role};

impl Round<'_> {
    /// Takes votes in and does what follows: a hub steps down when a majority wants another one.
    pub(super) fn votes(
        &mut self,
        channel: ChannelId,
        votes: Vec<VerifiedHubVote>,
    ) -> Result<Option<Moving>, Unavailable> {
        let Self { now, options, settling, cache, .. } = self;
        let state = cache.find(&channel).map_err(|error| unavailable(&error))?;
        let Some(state) = state else { return Ok(None) };
        let mut moving = Moving::default();
        let writes = state.take_votes(votes, &mut moving);
        moving.next = wanted_hub(state, settling, &*options.trust, *now).map(|(hub, _)| hub);
        let own = options.domain();
        let is_next_hub = moving.next.as_ref() == Some(own) && state.role() == Role::Follower;
        let next = moving.next.clone().filter(|next| next != own);
        // Followers of the present hub wait for the next one's statement.
        let steps_down = state.hubs().newest() == own && next.as_ref() != Some(state.hub());
        let turned = next.filter(|_| steps_down).map(|next| {
            tracing::warn!(%channel, %next, "a majority wants another hub: this relay steps down");
            state.turn(Role::Follower, next)
        });
        if turned.is_some() {
            self.settling.settle(&channel);
        }
        let writes: Vec<_> = writes.into_iter().chain(turned).collect();
        if !writes.is_empty() {
            self.turned.insert(channel);
        }
        self.writes.log.extend(writes);
        self.set_next_hub(channel, is_next_hub);
        Ok(Some(moving))
    }

    fn set_next_hub(&mut self, channel: ChannelId, is_next_hub: bool) {
        match is_next_hub {
            true => self.settling.await_others(channel, self.now),
            false => self.settling.await_nobody(&channel),
        }
        if let Some(state) = self.cache.find(&channel).ok().flatten()
            && state.set_next_hub(is_next_hub)
        {
            self.turned.insert(channel);
        }
    }

    /// Takes a channel over, once everybody who may hold more was heard, or has been waited for.
    pub(super) fn take_over(&mut self, channel: ChannelId) -> Result<TakingOver, Unavailable> {
        let due = self.votes(channel, Vec::new())?;
        let is_due = due.and_then(|moving| moving.next).as_ref() == Some(self.options.domain());
        let Self { now, options, settling, cache, .. } = self;
        let (now, own) = (*now, options.domain().clone());
        let state = cache.find(&channel).map_err(|error| unavailable(&error))?;
        let Some(state) = state else { return Ok(TakingOver::default()) };
        if state.role() == Role::Hub || !is_due {
            let is_done = state.role() == Role::Hub;
            return Ok(TakingOver { is_done, ..TakingOver::default() });
        }
        let is_revoked = |device: &DeviceName| options.trust.is_revoked(device);
        let unheard = unheard(state, settling, &own, is_revoked);
        let waits = !unheard.is_empty() && settling.awaits_others(&channel, now, LONG_PATIENCE);
        let unheard: Vec<Domain> = unheard.into_iter().collect();
        // What this round has added has other heads.
        if waits || self.grown.contains_key(&channel) {
            return Ok(TakingOver { is_done: false, is_due: true, unheard });
        }
        let wanted = wanted_hub(state, settling, &*options.trust, now);
        let Some((_, votes)) = wanted else { return Ok(TakingOver::default()) };
        tracing::warn!(%channel, ?unheard, "this relay takes the channel over, and states it");
        let (name, key) = (&options.name, &options.head_key);
        match state.take_over(now, votes, unheard.clone(), name, key) {
            Ok((statement, writes)) => {
                self.append(channel, vec![statement], false);
                self.writes.log.extend(writes);
                self.settle(channel);
                self.turned.insert(channel);
                Ok(TakingOver { is_done: true, is_due: false, unheard })
            }
            Err(error) => {
                tracing::error!(%channel, %error, "this relay cannot take the channel over");
                Ok(TakingOver { is_done: false, is_due: true, unheard })
            }
        }
    }

    /// Another relay took over before what is here, by votes of a majority as this log shows it.
    pub(super) fn displace(&mut self, taken_over: &TakenOver) -> Result<Domain, IngestError> {
        let TakenOver { statement, before, signer } = taken_over;
        let channel = statement.sealed.envelope().channel;
        let last = statement.seq.0.checked_sub(1).map(Seq).ok_or(IngestError::BeforeAnchor)?;
        let here = self.cache.chain_at(&channel, last).map_err(|error| unavailable(&error))?;
        if here.ok_or(IngestError::BeforeAnchor)? != *before {
            return Err(IngestError::TakeOver("it continues another log"));
        }
        let same = self.cache.chain_at(&channel, statement.seq);
        let same =
            same.map_err(|error| unavailable(&error))? == Some(statement.chain_after(before));
        if same {
            // The log may have moved on since, which the other one has not seen.
            let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
            let state = state.ok_or(IngestError::UnknownChannel)?;
            return Ok(state.hub().clone());
        }
        let events =
            self.cache.events_until(&channel, last).map_err(|error| unavailable(&error))?;
        let mut membership = Membership::default();
        events.iter().for_each(|event| membership.apply(event));
        let trust = self.options.trust.clone();
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let state = state.ok_or(IngestError::UnknownChannel)?;
        let mut hubs: Hubs = state.hubs().clone();
        hubs.rewind(statement.seq);
        let hub = judge_statement(statement, &membership, &hubs, &*trust)?;
        let hub = hub.filter(|hub| hub == signer);
        let hub = hub.ok_or(IngestError::TakeOver("it is not that hub's statement"))?;
        if hub == *self.options.domain() || state.hubs().newest() == &hub {
            return Ok(hub);
        }
        if state.hub() != &hub || state.role() == Role::Hub {
            tracing::warn!(%channel, %hub, "another relay has taken the channel over: it is followed");
            let turned = state.turn(Role::Follower, hub.clone());
            self.writes.log.push(turned);
            self.turned.insert(channel);
            self.settling.settle(&channel);
        }
        Ok(hub)
    }

    /// Somebody brings what a former hub signed: what lies beyond its part of the log is superseded.
    pub(super) fn refill_of_former(&mut self, refill: &Refill) -> Result<TakenBack, RefillRefused> {
        let (channel, seq) = (refill.head.head().channel, refill.head.head().seq);
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let state = state.ok_or(RefillRefused::UnknownChannel)?;
        let superseded = state.end_of_hub(&refill.signer, seq);
        let next = superseded.unwrap_or(state.next_seq());
        Ok(TakenBack { next, superseded: superseded.is_some() })
    }

    /// Settles a channel that was taken over, or has begun anew.
    pub(super) fn settle(&mut self, channel: ChannelId) {
        let doubts = self.settling.doubts();
        if let Ok(Some(state)) = self.cache.find(&channel) {
            state.settle(doubts);
        }
        self.grown.entry(channel).or_default();
        self.settled.insert(channel);
        self.writes.log.push(LogWrite::Settled { channel, doubts });
    }
}

/// The hub that a majority wants. A former hub that follows this relay has stepped down by the votes.
fn wanted_hub(
    state: &ChannelState,
    settling: &Settling,
    trust: &dyn DeviceTrust,
    now: Timestamp,
) -> Option<(Domain, Vec<SignedHubVote>)> {
    let former = Holder::Relay(state.hubs().newest().clone());
    match state.is_next_hub() && settling.has_heard(&state.channel(), &former) {
        true => state.agreed_hub(trust, now),
        false => state.wanted_hub(trust),
    }
}

/// Who may hold more than a copy, and was not heard. Of the relay's own devices nobody does, unless
/// its store is not the newest that there was.
fn unheard(
    state: &ChannelState,
    settling: &Settling,
    own: &Domain,
    is_revoked: impl Fn(&DeviceName) -> bool,
) -> BTreeSet<Domain> {
    let (channel, next) = (state.channel(), state.next_seq());
    // What the former hub has ordered, it holds.
    let former = state.hubs().newest();
    if settling.ends_with(&channel, &Holder::Relay(former.clone()), next) {
        return BTreeSet::new();
    }
    let mut unheard = settling.unheard(&channel, next, state.membership(), own, is_revoked);
    // It may be taking in more, also where none of its officers is in the channel any more.
    unheard.extend((former != own).then(|| former.clone()));
    if state.is_settled(settling.doubts()) {
        unheard.remove(own);
    }
    unheard
}
