//! Corrections and withdrawals: an officer's word about an entry of the same officer's. What was
//! taken back is erased here; header, signature and place stay.

use std::collections::BTreeSet;

use enlace_channel::entry::{EntryKind, SignedEntry};
use enlace_channel::policy::{ChannelKind, Role};
use enlace_log::{ChannelId, ClientId, Seq};

use super::settle::reload;
use super::work::Work;
use super::{Engine, EngineError, NewNote, PostError};
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{EntryRow, ErasedBecause, ErasureRow, StoreError};

impl Engine {
    /// Signs a correction of the same officer's entry at `place`, and puts it in the outbox. Where
    /// that is a correction itself, the new one is of what it corrects.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn correct(
        &mut self,
        id: ChannelId,
        place: Seq,
        note: NewNote,
    ) -> Result<ClientId, PostError> {
        self.write(|work| {
            let row = work.own_entry_at(id, place)?;
            let original = work.original(row)?;
            let (of, kind) = (original.commitment, EntryKind::from_code(original.kind));
            work.check_still_publishes(id, kind)?;
            work.post(id, note, (EntryKind::Correction, Some(of)))
        })
    }

    /// Signs the withdrawal of the same officer's entry at `place`, and puts it in the outbox. The
    /// text says why, and may be empty.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn withdraw(
        &mut self,
        id: ChannelId,
        place: Seq,
        why: NewNote,
    ) -> Result<ClientId, PostError> {
        self.write(|work| {
            let of = work.own_entry_at(id, place)?.commitment;
            work.post(id, why, (EntryKind::Withdrawal, Some(of)))
        })
    }
}

impl Work<'_> {
    /// What was published in a forum is corrected by who may publish still.
    fn check_still_publishes(&mut self, id: ChannelId, of: EntryKind) -> Result<(), PostError> {
        let Some(channel) = self.take(id)? else { return Ok(()) };
        let policy = channel.policy();
        let role = policy.role_at(self.me().officer(), self.now());
        let allowed = policy.kind() != ChannelKind::Forum
            || !of.publishes()
            || role.is_some_and(Role::may_publish);
        self.keep(channel);
        if allowed { Ok(()) } else { Err(PostError::OnlyGuides) }
    }

    /// An entry of this officer's that can be corrected and withdrawn.
    fn own_entry_at(&mut self, id: ChannelId, place: Seq) -> Result<EntryRow, PostError> {
        let row = self.tx.entries(id, place, 1)?.into_iter().find(|row| row.seq == place);
        let row = row.ok_or(PostError::NoSuchEntry)?;
        if row.author.officer() != self.me().officer() {
            return Err(PostError::OthersEntry);
        }
        if !EntryKind::from_code(row.kind).can_be_taken_back() {
            return Err(PostError::Stands);
        }
        if reload(&row.signed)?.is_erased() || self.is_withdrawn(&row)? {
            return Err(PostError::WithdrawnAlready);
        }
        Ok(row)
    }

    /// What a chain of corrections began with, as far as this store has it.
    fn original(&self, row: EntryRow) -> Result<EntryRow, StoreError> {
        let mut current = row;
        while let Some(corrected) = self.corrected(&current)? {
            current = corrected;
        }
        Ok(current)
    }

    /// What follows from an entry that has come to its place.
    pub(super) fn take_effect(&mut self, row: &EntryRow) -> Result<(), EngineError> {
        let (id, kind) = (row.channel, EntryKind::from_code(row.kind));
        if kind == EntryKind::Erasures {
            return self.mark_recorded(row);
        }
        let speaks_of_another = matches!(kind, EntryKind::Correction | EntryKind::Withdrawal);
        let of = row.parent.filter(|_| speaks_of_another);
        let Some(of) = of else { return self.erase_if_withdrawn(row) };
        match self.tx.entry_committed(id, of)? {
            Some(target) if !may_take_back(row, &target) => {
                let place = Some((row.seq, row.received_at));
                let notice = Notice::NotTheirs { by: row.author.clone(), place: target.seq.0 };
                return Ok(self.note(Some(id), place, notice)?);
            }
            Some(target) if kind == EntryKind::Withdrawal => {
                let erased = self.erase_withdrawn(&target, row.seq)?;
                // The device that took it back tells the relays; a colleague's program may not.
                if row.author == *self.me() {
                    self.have_erased(id, &erased)?;
                }
            }
            None if kind == EntryKind::Withdrawal => self.erase_corrections(row)?,
            Some(_) | None => {}
        }
        self.erase_if_withdrawn(row)
    }

    /// Somebody who came in later may not have what was withdrawn, but what corrects it.
    fn erase_corrections(&mut self, withdrawal: &EntryRow) -> Result<(), EngineError> {
        let Some(of) = withdrawal.parent else { return Ok(()) };
        let kind = EntryKind::Correction.code();
        for correction in self.tx.entries_about(withdrawal.channel, of, kind)? {
            if may_take_back(withdrawal, &correction) {
                self.erase_withdrawn(&correction, withdrawal.seq)?;
            }
        }
        Ok(())
    }

    /// Erases an entry with all that corrects it; where those stand, in order. What corrects what
    /// may be as long a chain as its author likes.
    fn erase_withdrawn(&mut self, target: &EntryRow, by: Seq) -> Result<Vec<Seq>, EngineError> {
        let is_held = self.is_held(target.channel)?;
        let mut waiting = vec![target.clone()];
        let mut erased = BTreeSet::new();
        while let Some(row) = waiting.pop() {
            let entry = reload(&row.signed)?;
            if entry.is_erased() || !erased.insert(row.seq) {
                continue;
            }
            if !is_held {
                self.erase(&row, &entry, ErasedBecause::Withdrawn, Some(by))?;
            }
            let kind = EntryKind::Correction.code();
            let of_it = self.tx.entries_about(row.channel, row.commitment, kind)?;
            waiting.extend(of_it.into_iter().filter(|correction| may_take_back(correction, &row)));
        }
        Ok(erased.into_iter().collect())
    }

    fn erase_if_withdrawn(&mut self, row: &EntryRow) -> Result<(), EngineError> {
        if let Some(by) = self.withdrawal_of(row)? {
            let erased = self.erase_withdrawn(row, by)?;
            if row.author == *self.me() {
                self.have_erased(row.channel, &erased)?;
            }
        }
        Ok(())
    }

    /// The place of the withdrawal that counts for an entry: of itself, or of what it corrects.
    fn withdrawal_of(&self, row: &EntryRow) -> Result<Option<Seq>, StoreError> {
        let (id, kind) = (row.channel, EntryKind::Withdrawal.code());
        if !EntryKind::from_code(row.kind).can_be_taken_back() || !self.tx.has_kind(id, kind)? {
            return Ok(None);
        }
        let mut current = row.clone();
        loop {
            let said = self.tx.entries_about(id, current.commitment, kind)?;
            if let Some(by) = said.iter().find(|by| may_take_back(by, &current)) {
                return Ok(Some(by.seq));
            }
            match self.corrected(&current)? {
                Some(corrected) => current = corrected,
                None => break,
            }
        }
        // What it corrects may not be here, but that it was withdrawn.
        let is_correction = EntryKind::from_code(current.kind) == EntryKind::Correction;
        let Some(of) = current.parent.filter(|_| is_correction) else { return Ok(None) };
        if self.tx.entry_committed(id, of)?.is_some() {
            return Ok(None);
        }
        let said = self.tx.entries_about(id, of, kind)?;
        Ok(said.iter().find(|by| may_take_back(by, &current)).map(|by| by.seq))
    }

    /// What a correction that counts is of; `None` of what is no correction.
    fn corrected(&self, row: &EntryRow) -> Result<Option<EntryRow>, StoreError> {
        if EntryKind::from_code(row.kind) != EntryKind::Correction {
            return Ok(None);
        }
        let Some(of) = row.parent else { return Ok(None) };
        let target = self.tx.entry_committed(row.channel, of)?;
        Ok(target.filter(|target| may_take_back(row, target)))
    }

    /// Erases what was withdrawn while it was held.
    pub(super) fn erase_all_withdrawn(&mut self, id: ChannelId) -> Result<(), EngineError> {
        for withdrawal in self.tx.entries_of_kind(id, EntryKind::Withdrawal.code())? {
            let Some(of) = withdrawal.parent else { continue };
            match self.tx.entry_committed(id, of)? {
                Some(target) if may_take_back(&withdrawal, &target) => {
                    self.erase_withdrawn(&target, withdrawal.seq)?;
                }
                Some(_) => {}
                None => self.erase_corrections(&withdrawal)?,
            }
        }
        Ok(())
    }

    /// Whether an entry was withdrawn, itself or what it corrects.
    pub(super) fn is_withdrawn(&self, row: &EntryRow) -> Result<bool, EngineError> {
        Ok(self.withdrawal_of(row)?.is_some())
    }

    /// Leaves nothing of what an entry says in this store.
    pub(super) fn erase(
        &mut self,
        row: &EntryRow,
        entry: &SignedEntry,
        why: ErasedBecause,
        by: Option<Seq>,
    ) -> Result<(), EngineError> {
        self.erase_content(entry, why, by)?;
        self.share_anew_without(row.channel, row.seq)?;
        self.tell(ClientEvent::Entry { channel: row.channel, seq: row.seq });
        Ok(())
    }

    /// As [`Self::erase`], of what may have no place in the log.
    pub(super) fn erase_content(
        &mut self,
        entry: &SignedEntry,
        why: ErasedBecause,
        by: Option<Seq>,
    ) -> Result<(), EngineError> {
        let header = entry.header();
        let erasure = ErasureRow {
            channel: header.channel,
            author: header.author.clone(),
            client_id: header.client_id,
            why,
            by,
            at: self.now(),
        };
        let without = entry.clone().without_content().encode();
        self.has_erased |= self.tx.erase_entry(&erasure, &without)?;
        Ok(())
    }
}

/// Whether one entry may correct or take back another: nobody has a say about other officers' words,
/// and what does something stands.
pub(crate) fn may_take_back(row: &EntryRow, target: &EntryRow) -> bool {
    row.author.officer() == target.author.officer()
        && EntryKind::from_code(target.kind).can_be_taken_back()
}
