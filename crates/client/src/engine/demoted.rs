//! Corrections in forums by officers who may publish no longer: what they had published stands.
//!
//! Kept when the correction comes, while the policy of its place is at hand.

use std::collections::BTreeSet;

use enlace_channel::channel::Channel;
use enlace_channel::entry::EntryKind;
use enlace_channel::policy::{ChannelKind, Role};
use enlace_log::{ChannelId, Seq};

use super::work::Work;
use crate::store::{EntryRow, StoreError, Transaction};

impl Work<'_> {
    /// Keeps that a correction in a forum is by somebody who may not publish at its place.
    pub(super) fn note_demoted(
        &mut self,
        channel: &Channel,
        row: &EntryRow,
    ) -> Result<(), StoreError> {
        let policy = channel.policy();
        if policy.kind() != ChannelKind::Forum {
            return Ok(());
        }
        let role = policy.role_at(row.author.officer(), row.received_at);
        let may_publish = role.is_some_and(Role::may_publish);
        if may_publish || EntryKind::from_code(row.kind) != EntryKind::Correction {
            return Ok(());
        }
        let mut places = demoted(self.tx, row.channel)?;
        places.insert(row.seq);
        let places: Vec<String> = places.iter().map(|seq| seq.0.to_string()).collect();
        self.tx.put_setting(&setting(row.channel), Some(&places.join(" ")))
    }
}

/// Where corrections by officers stand who may not publish there.
pub(crate) fn demoted(tx: &dyn Transaction, id: ChannelId) -> Result<BTreeSet<Seq>, StoreError> {
    let places = tx.setting(&setting(id))?.unwrap_or_default();
    let places = places.split(' ').filter_map(|place| place.parse().ok());
    Ok(places.map(Seq).collect())
}

fn setting(id: ChannelId) -> String {
    format!("demoted/{id}")
}
