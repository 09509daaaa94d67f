//! Corrections and withdrawals: an officer's word about an entry of the same officer's. What was
//! taken back is erased here; header, signature and place stay.

use std::collections::HashMap;

use enlace_channel::entry::{EntryKind, SignedEntry};
use enlace_log::{ChannelId, ClientId, Commitment, Seq};

use super::settle::reload;
use super::work::Work;
use super::{Engine, EngineError, NewNote, PostError};
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{EntryRow, ErasedBecause, ErasureRow};

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
            let (row, of) = work.own_entry_at(id, place)?;
            let of = work.original(row, of)?;
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
            let (_, of) = work.own_entry_at(id, place)?;
            work.post(id, why, (EntryKind::Withdrawal, Some(of)))
        })
    }
}

impl Work<'_> {
    /// An entry of this officer's that can be corrected and withdrawn.
    fn own_entry_at(
        &mut self,
        id: ChannelId,
        place: Seq,
    ) -> Result<(EntryRow, Commitment), PostError> {
        let row = self.tx.entries(id, place, 1)?.into_iter().find(|row| row.seq == place);
        let row = row.ok_or(PostError::NoSuchEntry)?;
        if row.author.officer() != self.me().officer() {
            return Err(PostError::OthersEntry);
        }
        if !EntryKind::from_code(row.kind).can_be_taken_back() {
            return Err(PostError::Stands);
        }
        let entry = reload(&row.signed)?;
        if entry.is_erased() || self.withdrawal_of(id, &row, entry.commitment())?.is_some() {
            return Err(PostError::WithdrawnAlready);
        }
        Ok((row, entry.commitment()))
    }

    /// What a chain of corrections began with, as far as this store has it.
    fn original(&self, row: EntryRow, of: Commitment) -> Result<Commitment, EngineError> {
        let mut corrections = self.corrections_above(&row)?;
        let mut current = (row, of);
        while let Some(corrected) = self.corrected(&current.0, &mut corrections)? {
            current = corrected;
        }
        Ok(current.1)
    }

    /// What follows from an entry that has come to its place.
    pub(super) fn take_effect(&mut self, row: &EntryRow) -> Result<(), EngineError> {
        let (id, kind) = (row.channel, EntryKind::from_code(row.kind));
        let speaks_of_another = matches!(kind, EntryKind::Correction | EntryKind::Withdrawal);
        if !speaks_of_another && !self.has_withdrawals(id)? {
            return Ok(());
        }
        let entry = reload(&row.signed)?;
        let Some(of) = entry.header().parent.filter(|_| speaks_of_another) else {
            return self.erase_if_withdrawn(row, entry.commitment());
        };
        // Somebody who came in later may not have it.
        if let Some(target) = self.entry_with(id, of)? {
            if !may_take_back(row, &target) {
                let place = Some((row.seq, row.received_at));
                let notice = Notice::NotTheirs { by: row.author.clone(), place: target.seq.0 };
                return Ok(self.note(Some(id), place, notice)?);
            }
            if kind == EntryKind::Withdrawal {
                let erased = self.erase_withdrawn(&target, row.seq)?;
                // The device that took it back tells the relays; a colleague's program may not.
                if row.author == *self.me() {
                    self.have_erased(id, &erased)?;
                }
            }
        }
        self.erase_if_withdrawn(row, entry.commitment())
    }

    /// Erases an entry with all that corrects it; where those stand, in order. What corrects what
    /// may be as long a chain as its author likes.
    fn erase_withdrawn(&mut self, target: &EntryRow, by: Seq) -> Result<Vec<Seq>, EngineError> {
        if reload(&target.signed)?.is_erased() {
            return Ok(Vec::new());
        }
        let is_held = self.is_held(target.channel)?;
        let corrections = self.tx.entries_of_kind(target.channel, EntryKind::Correction.code())?;
        let mut corrections = by_parent(corrections)?;
        let mut waiting = vec![target.clone()];
        let mut erased = Vec::new();
        while let Some(row) = waiting.pop() {
            let entry = reload(&row.signed)?;
            if entry.is_erased() {
                continue;
            }
            if !is_held {
                self.erase(&row, &entry, ErasedBecause::Withdrawn, Some(by))?;
            }
            erased.push(row.seq);
            let of_it = corrections.remove(&entry.commitment()).unwrap_or_default();
            waiting.extend(of_it.into_iter().filter(|correction| may_take_back(correction, &row)));
        }
        erased.sort_unstable();
        Ok(erased)
    }

    fn erase_if_withdrawn(
        &mut self,
        row: &EntryRow,
        commitment: Commitment,
    ) -> Result<(), EngineError> {
        match self.withdrawal_of(row.channel, row, commitment)? {
            Some(by) => {
                let erased = self.erase_withdrawn(row, by)?;
                if row.author == *self.me() {
                    self.have_erased(row.channel, &erased)?;
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn has_withdrawals(&self, id: ChannelId) -> Result<bool, EngineError> {
        Ok(!self.tx.entries_of_kind(id, EntryKind::Withdrawal.code())?.is_empty())
    }

    /// The place of the withdrawal that counts for an entry: of itself, or of what it corrects.
    fn withdrawal_of(
        &mut self,
        id: ChannelId,
        row: &EntryRow,
        commitment: Commitment,
    ) -> Result<Option<Seq>, EngineError> {
        let withdrawals = self.tx.entries_of_kind(id, EntryKind::Withdrawal.code())?;
        if withdrawals.is_empty() || !EntryKind::from_code(row.kind).can_be_taken_back() {
            return Ok(None);
        }
        let said = by_parent(withdrawals)?;
        let mut corrections = self.corrections_above(row)?;
        let mut current = (row.clone(), commitment);
        loop {
            let (row, commitment) = &current;
            let mut of_it = said.get(commitment).into_iter().flatten();
            if let Some(by) = of_it.find(|by| may_take_back(by, row)) {
                return Ok(Some(by.seq));
            }
            match self.corrected(row, &mut corrections)? {
                Some(corrected) => current = corrected,
                None => return Ok(None),
            }
        }
    }

    /// What a correction that counts is of, taken from `corrections` if that is one; `None` of what
    /// is no correction.
    fn corrected(
        &self,
        row: &EntryRow,
        corrections: &mut HashMap<Commitment, EntryRow>,
    ) -> Result<Option<(EntryRow, Commitment)>, EngineError> {
        if EntryKind::from_code(row.kind) != EntryKind::Correction {
            return Ok(None);
        }
        let Some(of) = reload(&row.signed)?.header().parent else { return Ok(None) };
        let target = match corrections.remove(&of) {
            Some(correction) => Some(correction),
            None => self.entry_with(row.channel, of)?,
        };
        let target = target.filter(|target| may_take_back(row, target));
        Ok(target.map(|target| (target, of)))
    }

    /// Those that an entry may be about, at however many removes, by their commitments.
    fn corrections_above(
        &self,
        row: &EntryRow,
    ) -> Result<HashMap<Commitment, EntryRow>, EngineError> {
        if EntryKind::from_code(row.kind) != EntryKind::Correction {
            return Ok(HashMap::new());
        }
        let rows = self.tx.entries_of_kind(row.channel, EntryKind::Correction.code())?;
        rows.into_iter().map(|row| Ok((reload(&row.signed)?.commitment(), row))).collect()
    }

    /// Erases what was withdrawn while it was held.
    pub(super) fn erase_all_withdrawn(&mut self, id: ChannelId) -> Result<(), EngineError> {
        for withdrawal in self.tx.entries_of_kind(id, EntryKind::Withdrawal.code())? {
            let Some(of) = reload(&withdrawal.signed)?.header().parent else { continue };
            let target =
                self.entry_with(id, of)?.filter(|target| may_take_back(&withdrawal, target));
            if let Some(target) = target {
                self.erase_withdrawn(&target, withdrawal.seq)?;
            }
        }
        Ok(())
    }

    /// Whether an entry was withdrawn, itself or what it corrects.
    pub(super) fn is_withdrawn(&mut self, row: &EntryRow) -> Result<bool, EngineError> {
        let commitment = reload(&row.signed)?.commitment();
        Ok(self.withdrawal_of(row.channel, row, commitment)?.is_some())
    }

    /// The entry that a commitment is to.
    fn entry_with(&self, id: ChannelId, of: Commitment) -> Result<Option<EntryRow>, EngineError> {
        for row in self.tx.entries_committed(id, of.as_bytes())? {
            if reload(&row.signed)?.commitment() == of {
                return Ok(Some(row));
            }
        }
        Ok(None)
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

/// What is said of other entries, by those.
fn by_parent(rows: Vec<EntryRow>) -> Result<HashMap<Commitment, Vec<EntryRow>>, EngineError> {
    let mut said: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        if let Some(of) = reload(&row.signed)?.header().parent {
            said.entry(of).or_default().push(row);
        }
    }
    Ok(said)
}

/// Whether one entry may correct or take back another: nobody has a say about other officers' words,
/// and what does something stands.
pub(crate) fn may_take_back(row: &EntryRow, target: &EntryRow) -> bool {
    row.author.officer() == target.author.officer()
        && EntryKind::from_code(target.kind).can_be_taken_back()
}
