//! What officers do in forums.

use enlace_channel::entry::{EntryKind, TimeZone};
use enlace_channel::mls::Suite;
use enlace_client::client::EntryView;
use enlace_client::engine::NewNote;
use enlace_log::{ChannelId, Seq};

use super::nodes::Nodes;
use crate::facts::Wish;

impl Nodes {
    pub(super) fn open_forum(&mut self, by: usize, classic: bool) -> anyhow::Result<()> {
        let new = self.new_channel("Foro reservado");
        let suite = if classic { Suite::Classic } else { Suite::PostQuantum };
        let id = self.client(by)?.create_forum(new.clone(), suite)?;
        self.opened(by, id, new);
        Ok(())
    }

    pub(super) fn ask_guides(&mut self, by: usize, channel: usize) -> anyhow::Result<()> {
        let id = self.channel(channel)?;
        let note = self.note(by, "Pregunta secreta");
        let asked = self.client(by)?.ask(id, note.clone())?;
        self.wrote(by, id, asked, note);
        Ok(())
    }

    /// Answers one of the questions; whether it was answered already, the program knows.
    pub(super) fn answer(&mut self, by: usize, channel: usize, which: usize) -> anyhow::Result<()> {
        let id = self.channel(channel)?;
        let is_question =
            |entry: &EntryView| EntryKind::from_code(entry.kind) == EntryKind::Question;
        let question = self.one_of(by, id, which, is_question)?;
        let note = self.note(by, "Respuesta secreta");
        let asked = self.client(by)?.answer_question(id, question, note.clone())?;
        self.wrote(by, id, asked, note);
        Ok(())
    }

    pub(super) fn pin(
        &mut self,
        by: usize,
        channel: usize,
        which: usize,
        pinned: bool,
    ) -> anyhow::Result<()> {
        let id = self.channel(channel)?;
        let can_be = |entry: &EntryView| {
            matches!(
                EntryKind::from_code(entry.kind),
                EntryKind::Note | EntryKind::Question | EntryKind::Answer
            )
        };
        let place = self.one_of(by, id, which, can_be)?;
        let asked = self.client(by)?.pin(id, place, pinned, TimeZone::utc())?;
        self.asked(by, id, asked, Wish::Note(String::new()));
        Ok(())
    }

    fn one_of(
        &self,
        by: usize,
        id: ChannelId,
        which: usize,
        wanted: impl Fn(&EntryView) -> bool,
    ) -> anyhow::Result<Seq> {
        let entries = self.client(by)?.read(id, Seq(0), usize::MAX)?.into_iter().filter(wanted);
        let places: Vec<Seq> = entries.filter_map(|entry| entry.state.seq()).collect();
        anyhow::ensure!(!places.is_empty(), "there is none");
        Ok(places[which % places.len()])
    }

    fn note(&self, by: usize, what: &str) -> NewNote {
        let number = self.journal.facts().asked.len();
        NewNote {
            text: format!("{what} {number} de {}", self.officers[by].address()),
            handling: None,
            restriction: None,
            time_zone: TimeZone::utc(),
            client_id: None,
        }
    }

    fn wrote(&self, by: usize, id: ChannelId, asked: enlace_log::ClientId, note: NewNote) {
        self.journal.facts().secrets.push(note.text.clone());
        self.asked(by, id, asked, Wish::Note(note.text));
    }
}
