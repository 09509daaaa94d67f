//! What a round does for a hub that may have lost something: it asks before anything is taken in,
//! takes back what is brought, and states that the hub begins anew.

use enlace_identity::names::DeviceName;
use enlace_log::replica::ReplicaError;
use enlace_log::{ChannelId, Seq, VerifiedHead};

use super::{Round, unavailable};
use crate::hub::core::{ChannelState, Gate, Holder, Recovery, RefillError, Refilled, Shown};
use crate::hub::errors::{RefillRefused, SubmitError, Unavailable};
use crate::hub::refill::{Refill, TakenBack};
use crate::storage::SideWrite;

impl Round<'_> {
    /// Lets a channel take something in, if that can be answered for: a hub that may lack what it
    /// signed waits, and states it before it goes on.
    pub(super) fn open(&mut self, channel: &ChannelId) -> Result<(), SubmitError> {
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

    /// Whether anything is to be heard.
    pub(in crate::hub::sequencer) fn is_in_doubt(&self) -> bool {
        !self.settling.is_over()
    }

    pub(super) fn shown(&mut self, head: &VerifiedHead) -> Result<(), Unavailable> {
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

    pub(super) fn heard(&mut self, holder: &Holder, ends: &[(ChannelId, Seq)]) {
        for (channel, next) in ends {
            self.settling.hear(*channel, holder.clone(), *next);
        }
    }

    pub(super) fn refill(&mut self, refill: Refill) -> Result<TakenBack, RefillRefused> {
        self.bytes += refill.weight();
        let (now, channel) = (self.now, refill.head.head().channel);
        if refill.signer != *self.options.domain() {
            return self.refill_of_former(&refill);
        }
        self.shown(&refill.head)?;
        let trust = self.options.trust.clone();
        let is_revoked = |device: &DeviceName| trust.is_revoked(device);
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let departs = state.as_ref().map(|s| s.departs_from(&refill.incarnations, &refill.head));
        if let Some(next) = departs.flatten() {
            return self.refill_other_line(channel, next, refill);
        }
        let Refill { items, rest, head, nonce, .. } = refill;
        let refilled = match (state, nonce) {
            // It begins elsewhere: whoever brings it learns where to begin.
            (Some(state), _) => match state.handle_refill(items, &rest, &head, is_revoked) {
                Err(RefillError::Replica(ReplicaError::Gap { .. })) => Refilled::default(),
                refilled => refilled?,
            },
            (None, Some(nonce)) => {
                let own = self.options.domain();
                if items.is_empty() && channel == ChannelId::derive(own, &nonce) {
                    return Ok(TakenBack { next: Seq(0), superseded: false });
                }
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

    /// The log is another one from `next` on than what is brought.
    fn refill_other_line(
        &mut self,
        channel: ChannelId,
        next: Seq,
        refill: Refill,
    ) -> Result<TakenBack, RefillRefused> {
        let head = refill.head.clone();
        match self.take_newer_line(channel, next, refill) {
            Ok(true) => {
                let next = self.cache.get(&channel).map_or(next, ChannelState::next_seq);
                Ok(TakenBack { next, superseded: false })
            }
            Err(RefillRefused::Refill(error)) => {
                tracing::debug!(%channel, %next, %error, "a newer history is not brought back");
                self.supersede(channel, next, &head)
            }
            Ok(false) => self.supersede(channel, next, &head),
            Err(error) => Err(error),
        }
    }

    /// Of two histories the one counts that the hub began later: what is here from `next` on was
    /// given up when it did, and gives way to what is brought. Whether it did.
    fn take_newer_line(
        &mut self,
        channel: ChannelId,
        next: Seq,
        refill: Refill,
    ) -> Result<bool, RefillRefused> {
        let recovery = self.settling.recovery(&channel);
        let is_newest = recovery.is_some_and(|recovery| recovery.is_newest(&refill.head));
        // What this round has added stands nowhere yet, and cannot be taken back.
        if !is_newest || refill.items.is_empty() || self.grown.contains_key(&channel) {
            return Ok(false);
        }
        let Some(last) = next.0.checked_sub(1).map(Seq) else { return Ok(false) };
        let kept = self.cache.item(&channel, last).map_err(|error| unavailable(&error))?;
        let Some(kept) = kept else { return Ok(false) };
        // Where the two depart is the caller's word: what is brought has to be another item.
        let here = self.cache.chain_at(&channel, next).map_err(|error| unavailable(&error))?;
        let brought = refill.items.iter().find(|item| item.seq == next);
        if brought.is_none_or(|item| Some(item.chain_after(&kept.chain)) == here) {
            return Ok(false);
        }
        let events = self.cache.events_until(&channel, last);
        let events = events.map_err(|error| unavailable(&error))?;
        let trust = self.options.trust.clone();
        let is_revoked = |device: &DeviceName| trust.is_revoked(device);
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let Some(state) = state else { return Ok(false) };
        let until = state.next_seq();
        let taken = state.handle_newer_line(&kept, &events, refill, is_revoked)?;
        let Some((before, refilled)) = taken else { return Ok(false) };
        tracing::warn!(%channel, from = %next, %until,
            "what this relay had given up when it began anew gives way to what came after");
        self.writes.log.extend(before);
        self.go_back(channel, kept);
        if let Some(recovery) = self.settling.recovery_mut(&channel) {
            recovery.go_back(next);
        }
        self.take_back(channel, refilled);
        Ok(true)
    }

    /// The log is another one than the copy that `head` is of, from `next` on. Before it says so,
    /// the hub has to be of a newer incarnation.
    fn supersede(
        &mut self,
        channel: ChannelId,
        next: Seq,
        head: &VerifiedHead,
    ) -> Result<TakenBack, RefillRefused> {
        if let Err(error) = self.open(&channel) {
            tracing::debug!(%channel, %error, "the hub cannot begin anew yet");
        }
        let newest = self.cache.get(&channel).map(|state| state.incarnations().newest());
        Ok(TakenBack { next, superseded: newest > Some(head.head().incarnation) })
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
}
