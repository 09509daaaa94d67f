//! Officers who correct and withdraw what they said.

use enlace_channel::entry::{EntryKind, TimeZone};
use enlace_client::client::{EntryState, EntryView};
use enlace_client::engine::NewNote;
use enlace_log::{ChannelId, Seq};

use super::nodes::Nodes;
use crate::facts::{TakenBack, Wish};

impl Nodes {
    /// An officer withdraws one of the own entries that the device has, or corrects it.
    pub(super) fn take_back(
        &mut self,
        by: usize,
        channel: usize,
        which: usize,
        withdrawn: bool,
    ) -> anyhow::Result<()> {
        let id = self.channel(channel)?;
        let (place, entry) = self.own_entry(by, id, which)?;
        let number = self.journal.facts().asked.len();
        let officer = self.officers[by].address();
        let text = match withdrawn {
            true => format!("Motivo secreto {number} de {officer}"),
            false => format!("Nota corregida {number} de {officer}"),
        };
        let note = NewNote {
            text: text.clone(),
            handling: None,
            restriction: None,
            time_zone: TimeZone::utc(),
            client_id: None,
        };
        let client = self.client(by)?;
        let asked = match withdrawn {
            true => client.withdraw(id, place, note)?,
            false => client.correct(id, place, note)?,
        };
        let said = (entry.author.to_string(), hex::encode(entry.client_id.0));
        let (channel, device) = (hex::encode(id.0), self.officers[by].device());
        let mut facts = self.journal.facts();
        // Who corrects a correction corrects what that is of.
        let correction = facts.taken_back.iter().find(|taken| taken.by == said && !withdrawn);
        let of = correction.map_or(said, |correction| correction.of.clone());
        let by_it = (device, hex::encode(asked.0));
        facts.taken_back.push(TakenBack { channel, by: by_it, of, withdrawn });
        facts.secrets.push(text.clone());
        drop(facts);
        self.asked(by, id, asked, Wish::Note(text));
        Ok(())
    }

    /// One of those that can be taken back, with its place.
    fn own_entry(
        &self,
        by: usize,
        id: ChannelId,
        which: usize,
    ) -> anyhow::Result<(Seq, EntryView)> {
        let client = self.client(by)?;
        let own = |entry: &EntryView| {
            entry.author.officer() == client.address()
                && EntryKind::from_code(entry.kind).can_be_taken_back()
                && entry.withdrawn_by.is_none()
                && entry.erased.is_none()
        };
        let placed = |entry: EntryView| match entry.state {
            EntryState::Logged { seq, .. } => Some((seq, entry)),
            _ => None,
        };
        let entries = client.read(id, Seq(0), usize::MAX)?.into_iter().filter(own);
        let mut entries: Vec<_> = entries.filter_map(placed).collect();
        anyhow::ensure!(!entries.is_empty(), "there is nothing to take back");
        let which = which % entries.len();
        Ok(entries.swap_remove(which))
    }
}
