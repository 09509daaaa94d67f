//! What became of entries after they were written: corrected, withdrawn, erased.

use std::collections::{BTreeMap, BTreeSet};

use enlace_channel::entry::EntryKind;
use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, ClientId, Seq};

use super::views::{EntryState, EntryView};
use crate::engine::{demoted, may_take_back, published, restored_setting};
use crate::store::{EntryRow, ErasureRow, StoreError, Transaction};

const CORRECTION: u64 = 2;
const WITHDRAWAL: u64 = 3;

/// The corrections, withdrawals and erasures of a channel.
pub(crate) struct History {
    /// By the entry that they are about, in the log's order: those that count.
    said: BTreeMap<[u8; 32], Vec<(EntryKind, Seq)>>,
    /// What those are about, by their own place.
    about: BTreeMap<Seq, Seq>,
    erasures: BTreeMap<(DeviceName, ClientId), ErasureRow>,
    /// Before which place entries come from a backup.
    restored_until: Seq,
    /// Where relays were told to erase what stands somewhere.
    tombstones: BTreeMap<Seq, Seq>,
    /// Whether the channel is a forum: what has no effect says nothing there, but for these places.
    is_forum: bool,
    published: BTreeSet<Seq>,
}

impl History {
    pub(crate) fn read(
        tx: &dyn Transaction,
        id: ChannelId,
        is_forum: bool,
    ) -> Result<Self, StoreError> {
        let erasures = tx.erasures(id)?.into_iter();
        let demoted = demoted(tx, id)?;
        let mut history = Self {
            said: BTreeMap::new(),
            is_forum,
            published: published(tx, id)?,
            about: BTreeMap::new(),
            restored_until: tx
                .setting(&restored_setting(id))?
                .and_then(|text| text.parse().ok())
                .map_or(Seq(0), Seq),
            tombstones: tx.tombstones(id)?.iter().map(|row| (row.seq, row.by_seq)).collect(),
            erasures: erasures.map(|row| ((row.author.clone(), row.client_id), row)).collect(),
        };
        for kind in [EntryKind::Correction, EntryKind::Withdrawal] {
            for row in tx.entries_of_kind(id, kind.code())? {
                let Some(of) = row.parent else { continue };
                let target = tx.entry_committed(id, of)?;
                let counts = |target: &EntryRow| {
                    let publishes = EntryKind::from_code(target.kind).publishes();
                    let is_demoted = kind == EntryKind::Correction && demoted.contains(&row.seq);
                    may_take_back(&row, target) && !(publishes && is_demoted)
                };
                if let Some(target) = target.filter(counts) {
                    history.about.insert(row.seq, target.seq);
                    if !history.erasures.contains_key(&(row.author.clone(), row.client_id)) {
                        history.said.entry(*of.as_bytes()).or_default().push((kind, row.seq));
                    }
                }
            }
        }
        Ok(history)
    }

    pub(crate) fn show(&self, view: &mut EntryView) {
        let EntryState::Logged { seq, .. } = view.state else { return };
        let said = self.said.get(view.commitment.as_bytes()).map_or(&[][..], Vec::as_slice);
        let last = |kind| said.iter().rev().find(|(k, _)| *k == kind).map(|(_, seq)| *seq);
        let erasure = self.erasures.get(&(view.author.clone(), view.client_id));
        view.about = self.about.get(&seq).copied();
        view.corrected_by = last(EntryKind::Correction);
        view.withdrawn_by = last(EntryKind::Withdrawal).or(erasure.and_then(|row| row.by));
        view.erased_at_relays = self.tombstones.get(&seq).copied();
        view.restored = seq < self.restored_until;
        view.erased = erasure.map(|row| row.why);
        let speaks_of_another = matches!(view.kind, CORRECTION | WITHDRAWAL);
        let has_effect = view.about.is_some() || self.published.contains(&seq);
        if self.is_forum && speaks_of_another && !has_effect {
            // Whoever may only ask could publish by it.
            view.body.clear();
            view.restriction = None;
            view.counts = false;
        }
    }
}
