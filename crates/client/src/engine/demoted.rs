//! Corrections and withdrawals in forums, by whether their officer may publish where they stand: what a
//! guide had published stands when the guide has become a member, and who may only ask publishes
//! nothing by taking back what others cannot see.
//!
//! Kept when they come, while the policy of their place is at hand.

use std::collections::BTreeSet;

use enlace_channel::channel::Channel;
use enlace_channel::entry::EntryKind;
use enlace_channel::policy::{ChannelKind, Role};
use enlace_log::{ChannelId, Seq};

use super::may_take_back;
use super::work::Work;
use crate::store::{EntryRow, StoreError, Transaction};

impl Work<'_> {
    /// Keeps that a correction in a forum is by somebody who may not publish at its place; and that a
    /// correction or a withdrawal without effect is by somebody who may.
    pub(super) fn note_demoted(
        &mut self,
        channel: &Channel,
        row: &EntryRow,
    ) -> Result<(), StoreError> {
        let policy = channel.policy();
        let kind = EntryKind::from_code(row.kind);
        let speaks_of_another = matches!(kind, EntryKind::Correction | EntryKind::Withdrawal);
        if policy.kind() != ChannelKind::Forum || !speaks_of_another {
            return Ok(());
        }
        let role = policy.role_at(row.author.officer(), row.received_at);
        if !role.is_some_and(Role::may_publish) {
            return match kind {
                EntryKind::Correction => self.add_place(demoted_setting(row.channel), row.seq),
                _ => Ok(()),
            };
        }
        let target = row.parent.map(|of| self.tx.entry_committed(row.channel, of)).transpose()?;
        if target.flatten().is_some_and(|target| may_take_back(row, &target)) {
            return Ok(());
        }
        self.add_place(published_setting(row.channel), row.seq)
    }

    fn add_place(&mut self, setting: String, place: Seq) -> Result<(), StoreError> {
        let mut all = places(self.tx, &setting)?;
        all.insert(place);
        let all: Vec<String> = all.iter().map(|seq| seq.0.to_string()).collect();
        self.tx.put_setting(&setting, Some(&all.join(" ")))
    }
}

/// Where corrections by officers stand who may not publish there.
pub(crate) fn demoted(tx: &dyn Transaction, id: ChannelId) -> Result<BTreeSet<Seq>, StoreError> {
    places(tx, &demoted_setting(id))
}

/// Where corrections and withdrawals without effect stand whose officers may publish there.
pub(crate) fn published(tx: &dyn Transaction, id: ChannelId) -> Result<BTreeSet<Seq>, StoreError> {
    places(tx, &published_setting(id))
}

fn places(tx: &dyn Transaction, setting: &str) -> Result<BTreeSet<Seq>, StoreError> {
    let places = tx.setting(setting)?.unwrap_or_default();
    let places = places.split(' ').filter_map(|place| place.parse().ok());
    Ok(places.map(Seq).collect())
}

fn demoted_setting(id: ChannelId) -> String {
    format!("demoted/{id}")
}

fn published_setting(id: ChannelId) -> String {
    format!("published/{id}")
}
