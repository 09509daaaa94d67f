//! What relays are told to erase, and what they no longer have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use enlace_channel::channel::Channel;
use enlace_identity::names::DeviceName;
use enlace_log::tombstone::may_erase;
use enlace_log::{ChannelId, Item, PayloadHash, Seq, Tombstone};

use super::EngineError;
use super::items::Batch;
use super::work::Work;
use crate::notice::{Author, Notice};
use crate::store::TombstoneRow;
use crate::task::Task;

impl Work<'_> {
    /// Has the relays erase what was erased here.
    pub(super) fn have_erased(&mut self, id: ChannelId, places: &[Seq]) -> Result<(), EngineError> {
        for places in places.chunks(Tombstone::MAX) {
            let places = places.iter().map(|seq| seq.0).collect();
            self.enqueue_own(id, Task::Erase { places }, Duration::ZERO)?;
        }
        Ok(())
    }

    /// Of what is to be erased at the relays, what still stands where it stood, was erased here or
    /// withdrawn, and is this officer's or authority's to erase; not what was named before.
    pub(super) fn still_erased(
        &mut self,
        id: ChannelId,
        places: &[u64],
    ) -> Result<Vec<(Seq, PayloadHash)>, EngineError> {
        let named: BTreeSet<Seq> = self.tx.tombstones(id)?.iter().map(|row| row.seq).collect();
        let mut erased = Vec::new();
        for place in places.iter().map(|place| Seq(*place)).filter(|seq| !named.contains(seq)) {
            let entry = self.tx.entries(id, place, 1)?.into_iter().find(|row| row.seq == place);
            let Some(entry) = entry else { continue };
            let is_gone = super::settle::reload(&entry.signed)?.is_erased();
            let Some(held) = self.tx.item(id, place)? else { continue };
            let envelope = held.item.sealed.envelope();
            let may = may_erase(self.me(), self.now(), envelope, held.item.received_at);
            if may && (is_gone || self.is_withdrawn(&entry)?) {
                erased.push((place, envelope.payload_hash));
            }
        }
        Ok(erased)
    }

    /// Relays were told to erase something: what its author's authority may decide counts.
    pub(super) fn note_tombstone(
        &mut self,
        channel: &Channel,
        item: &Item,
        by: &DeviceName,
        erased: &[(Seq, PayloadHash)],
    ) -> Result<(), EngineError> {
        let id = channel.id();
        if by == self.me() {
            self.ask_for_confirmations(id, item.seq)?;
        }
        for (seq, hash) in erased {
            let Some(named) = self.tx.item(id, *seq)? else { continue };
            let envelope = named.item.sealed.envelope();
            let is_theirs = envelope.payload_hash == *hash
                && may_erase(by, item.received_at, envelope, named.item.received_at);
            if !is_theirs {
                let place = Some((item.seq, item.received_at));
                let notice = Notice::NotTheirs { by: by.clone(), place: seq.0 };
                self.note(Some(id), place, notice)?;
                continue;
            }
            self.has_erased |= self.tx.put_tombstone(&TombstoneRow {
                channel: id,
                seq: *seq,
                by: by.clone(),
                at: item.received_at,
                by_seq: item.seq,
            })?;
            if let Some(author) = self.tx.take_without_content(id, *seq)? {
                let notice = Notice::ErasedUnread { author, by: by.clone(), place: seq.0 };
                self.note(Some(id), Some((item.seq, item.received_at)), notice)?;
            }
        }
        Ok(())
    }

    /// An entry came without its content. Whether somebody had it erased, or the relay keeps it
    /// back, shows in the log that follows.
    pub(super) fn keep_without_content(
        &mut self,
        id: ChannelId,
        item: &Item,
        author: &DeviceName,
        batch: &mut Batch,
    ) -> Result<(), EngineError> {
        if self.restore_superseded(id, item)? {
            return Ok(());
        }
        self.tx.put_without_content(id, item.seq, author)?;
        batch.without_content.push((item.seq, item.received_at));
        Ok(())
    }

    /// Says of what came without content in a batch what the batch itself has not explained.
    pub(super) fn tell_without_content(
        &mut self,
        id: ChannelId,
        batch: &Batch,
    ) -> Result<(), EngineError> {
        if batch.without_content.is_empty() {
            return Ok(());
        }
        let unexplained: BTreeMap<_, _> = self.tx.without_content(id)?.into_iter().collect();
        for (seq, received_at) in &batch.without_content {
            let Some(device) = unexplained.get(seq).cloned() else { continue };
            let author = Author { device, by_relays_word: true };
            let notice = Notice::WithoutContent { author };
            self.note(Some(id), Some((*seq, *received_at)), notice)?;
        }
        Ok(())
    }
}
