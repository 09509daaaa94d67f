//! What a stranded device missed: one colleague of each authority has it sent, and the device takes it
//! in.
//!
//! Several do, because whoever answers first could keep something back; and because the device believes
//! no single officer that it is in the channel again.

use std::collections::BTreeSet;
use std::time::Duration;

use enlace_channel::channel::Channel;
use enlace_channel::entry::{EntryKind, SignedEntry, VerifiedEntry};
use enlace_channel::history::{HistoryShare, SharedEntries, verify_shared};
use enlace_channel::policy::Role;
use enlace_channel::rules::Act;
use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, Item, Seq};

use super::EngineError;
use super::events::SPREAD;
use super::settle::entry_row;
use super::turns;
use super::work::Work;
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{EntryRow, OutboxRow};
use crate::task::Task;

/// How many bytes of entries go into one share, roughly; one that is larger goes alone.
const PORTION: usize = 160 << 10;

/// The most that a share can hold, certificates and sealing included.
const MOST: usize = 250 << 10;

/// How many entries are looked at together.
const BATCH: usize = 64;

impl Work<'_> {
    /// Puts what a device missed in the queue, if this one has it and may write. Whoever put the
    /// device back lets others go first.
    pub(super) fn plan_share(
        &mut self,
        channel: &Channel,
        at: Seq,
        by: &DeviceName,
        act: &Act,
    ) -> Result<(), EngineError> {
        let Act::PutBack { device, since, share_key } = act else { return Ok(()) };
        let me = self.me();
        let role = self.own_role(channel.policy());
        if device == me || !role.is_some_and(Role::may_write) {
            return Ok(());
        }
        let (id, to) = (channel.id(), Seq(at.0.saturating_sub(1)));
        let from = self.let_in_since(id, device, (*since, to))?.unwrap_or(*since).next();
        // Of what came before its own admission this device has nothing to share.
        let from = from.max(channel.member_since().next());
        if from > to {
            return Ok(());
        }
        let rank = |other: &DeviceName| {
            let may = channel.policy().role_of(other.officer()).is_some_and(Role::may_write)
                && other.domain() == me.domain();
            let rank = if by.officer() == other.officer() { 2 * SPREAD } else { Duration::ZERO };
            (may && other != device).then_some(rank)
        };
        let delay = turns::turn(me, device.as_str(), channel.devices().iter(), rank);
        let task = Task::ShareHistory {
            device: device.clone(),
            since: since.0,
            from: from.0,
            to: to.0,
            share_key: hex::encode(share_key),
        };
        self.enqueue_own(id, task, delay)
    }

    /// The last commit between two positions that let a device in: what stands before it was never
    /// meant for that device, whatever it says of itself. A commit that is not known to be void
    /// counts; this device may have been stranded then.
    fn let_in_since(
        &self,
        id: ChannelId,
        device: &DeviceName,
        (since, to): (Seq, Seq),
    ) -> Result<Option<Seq>, EngineError> {
        let mut last = to;
        while let Some(seq) = self.tx.newest_commit(id, last)?.filter(|seq| *seq > since) {
            let row = self.tx.item(id, seq)?;
            let change = row.as_ref().and_then(|row| row.item.sealed.list_change());
            if change.is_some_and(|change| change.added.contains(device))
                && !self.is_void(id, seq)?
            {
                return Ok(Some(seq));
            }
            last = Seq(seq.0 - 1);
        }
        Ok(None)
    }

    /// Whether a commit is known to have had no effect.
    fn is_void(&self, id: ChannelId, commit: Seq) -> Result<bool, EngineError> {
        let (mut is_void, mut after) = (false, 0);
        loop {
            let rows = self.tx.notices(Some(id), after, BATCH)?;
            let Some(newest) = rows.last().map(|row| row.id) else { return Ok(is_void) };
            after = newest;
            for row in rows.into_iter().filter(|row| row.seq == Some(commit)) {
                match row.notice {
                    Notice::VoidChange { .. } => is_void = true,
                    Notice::Changed { .. } => return Ok(false),
                    _ => {}
                }
            }
        }
    }

    /// Makes the entry of the next portion, and leaves the rest for another one.
    pub(super) fn share_history(
        &mut self,
        channel: &Channel,
        row: OutboxRow,
    ) -> Result<(), EngineError> {
        let Task::ShareHistory { device, since, from, to, share_key } = row.task.clone() else {
            return Ok(self.accept(row, None)?);
        };
        let id = channel.id();
        let stretch = self.stretch(channel, &device, (Seq(from), Seq(to)))?;
        let Some((from, last)) = stretch else { return Ok(self.accept(row, None)?) };
        let (entries, upto) = self.portion(id, from, last)?;
        let key = hex::decode(&share_key).unwrap_or_default();
        let range = (from, upto);
        let Ok(share) = channel.share(&self.ctx, (&device, &key), range, &entries) else {
            return Ok(self.fail(row, "nothing can be sealed to that device".to_owned())?);
        };
        let entry = self.sign_share(channel, &share);
        let to_here = (device.clone(), since, share_key.clone());
        self.keep_origin(entry.header().client_id, to_here, range)?;
        self.put_own_entry(&entry)?;
        self.accept(row, None)?;
        if upto.0 < to {
            let from = upto.next().0;
            let rest = Task::ShareHistory { device, since, from, to, share_key };
            self.enqueue_own(id, rest, Duration::ZERO)?;
        }
        Ok(())
    }

    /// The first positions of these that this device lacks nothing of, having been stranded itself. A
    /// colleague takes what a share says to cover for done.
    fn stretch(
        &self,
        channel: &Channel,
        device: &DeviceName,
        (from, to): (Seq, Seq),
    ) -> Result<Option<(Seq, Seq)>, EngineError> {
        let me = self.me();
        let is_colleague = |other: &DeviceName| {
            other != me && other != device && self.ctx.bundle.are_one(other.domain(), me.domain())
        };
        if !channel.devices().iter().any(is_colleague) {
            return Ok(Some((from, to)));
        }
        let lacking = self.lacking(channel, from, to)?;
        let mut first = from;
        while lacking.contains(&first) {
            first = first.next();
        }
        let last = lacking.range(first..).next().map_or(to, |next| Seq(next.0 - 1));
        Ok((first <= to).then_some((first, last)))
    }

    /// Where entries stand that this device could not read when they came, and nobody has shared with it.
    fn lacking(&self, channel: &Channel, from: Seq, to: Seq) -> Result<BTreeSet<Seq>, EngineError> {
        let since = channel.lacks_since();
        let has_missed = |seq| channel.has_missed(seq) || since.is_some_and(|since| seq > since);
        if !(from.0..=to.0).map(Seq).any(has_missed) {
            return Ok(BTreeSet::new());
        }
        let mut lacking = self.unread(channel.id(), from, to)?;
        lacking.retain(|seq| has_missed(*seq));
        Ok(lacking)
    }

    pub(super) fn sign_share(&self, channel: &Channel, share: &HistoryShare) -> SignedEntry {
        self.draft_own(channel).sign_share(share, &self.ctx.device.key, || self.salt())
    }

    /// The entries from `from` on that fit into one share, and the position that they reach.
    fn portion(
        &self,
        id: ChannelId,
        from: Seq,
        to: Seq,
    ) -> Result<(SharedEntries, Seq), EngineError> {
        let (mut shared, mut bytes, mut next) = (SharedEntries::default(), 0, from);
        loop {
            let rows = self.tx.entries(id, next, BATCH)?;
            let is_last = rows.len() < BATCH;
            for row in rows {
                if row.seq > to {
                    return Ok((shared, to));
                }
                let size = row.signed.len();
                if bytes + size > PORTION && !shared.entries.is_empty() {
                    return Ok((shared, Seq(row.seq.0 - 1)));
                }
                next = row.seq.next();
                if size <= MOST {
                    bytes += self.add_shared(&mut shared, row)?;
                }
            }
            if is_last || next > to {
                return Ok((shared, to));
            }
        }
    }

    fn add_shared(&self, shared: &mut SharedEntries, row: EntryRow) -> Result<usize, EngineError> {
        let Some(chain) = self.tx.certificates(&row.certificate)? else { return Ok(0) };
        let Ok(chain) = <[Vec<u8>; 2]>::try_from(chain.ders()) else { return Ok(0) };
        let mut size = row.signed.len();
        let known = shared.chains.iter().position(|other| *other == chain);
        let index = known.unwrap_or_else(|| {
            size += chain.iter().map(Vec::len).sum::<usize>();
            shared.chains.push(chain);
            shared.chains.len() - 1
        });
        shared.entries.push((row.seq, index, row.signed));
        Ok(size)
    }

    /// An entry that shares history: this device takes in what is for it, and leaves to others what
    /// they have done.
    pub(super) fn take_share(
        &mut self,
        channel: &Channel,
        item: &Item,
        entry: &VerifiedEntry,
    ) -> Result<(), EngineError> {
        let id = channel.id();
        let by = entry.author();
        let place = Some((item.seq, item.received_at));
        let Some(share) = HistoryShare::of(entry.as_signed()) else {
            return Ok(self.note(Some(id), place, Notice::NeedsNewerVersion)?);
        };
        if share.device != *self.me() {
            return self.leave_to(id, by, &share);
        }
        let Some(shared) = channel.open_share(&self.ctx, &share)? else { return Ok(()) };
        let mut entries = 0;
        for (seq, chain, kept) in &shared.entries {
            let is_asked = (share.from..=share.to).contains(seq) && channel.has_missed(*seq);
            if is_asked && let Some(chain) = shared.chain(*chain) {
                entries += u64::from(self.take_shared(id, *seq, kept, &chain)?);
            }
        }
        if entries > 0 {
            self.note(Some(id), place, Notice::HistoryShared { by: by.clone(), entries })?;
        }
        self.forget_share_keys(channel)
    }

    /// Whether it is a true one that was not here.
    fn take_shared(
        &mut self,
        id: ChannelId,
        seq: Seq,
        kept: &[u8],
        chain: &enlace_identity::certificate::UnverifiedChain,
    ) -> Result<bool, EngineError> {
        let Some(at) = self.tx.item(id, seq)? else { return Ok(false) };
        let verified = verify_shared(self.ctx.bundle, &at.item, kept, chain);
        let said = verified.filter(|entry| entry.header().kind != EntryKind::HistoryShare);
        let Some(entry) = said else { return Ok(false) };
        // Another one may hold still what whoever shares it has erased.
        if entry.as_signed().is_erased() {
            let here = self.tx.entries(id, seq, 1)?;
            if here.iter().all(|row| row.seq != seq) {
                self.tx.put_without_content(id, seq, entry.author())?;
            }
            return Ok(false);
        }
        self.tx.put_certificates(chain)?;
        let fingerprint = *chain.leaf().fingerprint().as_bytes();
        let row = entry_row(&at.item, entry.as_signed(), fingerprint);
        let is_new = self.tx.put_entry(&row)?;
        if is_new {
            self.tx.take_without_content(id, seq)?;
            self.tell(ClientEvent::Entry { channel: id, seq });
            self.take_effect(&row)?;
        }
        Ok(is_new)
    }

    /// What a colleague of the same authority has shared is done. The word of the officer who is said
    /// to be at fault counts for nothing.
    fn leave_to(
        &mut self,
        id: ChannelId,
        by: &DeviceName,
        share: &HistoryShare,
    ) -> Result<(), EngineError> {
        if !self.ctx.bundle.are_one(by.domain(), self.me().domain()) {
            return Ok(());
        }
        for row in self.tx.queued(Some(id))? {
            let Task::ShareHistory { device, since, from, to, share_key } = row.task.clone() else {
                continue;
            };
            let guilty = self.author_at(id, Seq(since))?;
            let is_guilty = guilty.is_some_and(|guilty| guilty.officer() == by.officer());
            let is_covered = (share.from.0..=share.to.0).contains(&from);
            if device != share.device || is_guilty || !is_covered {
                continue;
            }
            let from = share.to.next().0;
            if from > to {
                self.accept(row, None)?;
            } else {
                let task = Task::ShareHistory { device, since, from, to, share_key };
                let not_before = self.now().plus(2 * SPREAD);
                self.tx.update_outbox(&OutboxRow { task, not_before, ..row })?;
            }
        }
        Ok(())
    }
}
