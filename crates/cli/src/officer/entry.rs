//! An entry as it is printed.

use std::fmt;

use enlace_client::client::{EntryState, EntryView};
use enlace_identity::time::Timestamp;
use enlace_log::ChannelId;
use serde::Serialize;

use super::shown::shown;
use crate::ui::Ui;
use crate::when::{self, rfc3339};
use crate::words::Text;

/// An entry, for programs and people.
#[derive(Debug, Serialize)]
pub(crate) struct EntryItem {
    channel: String,
    /// Its place; none as long as it is queued.
    seq: Option<u64>,
    /// `logged`, `accepted`, `queued` or `failed`.
    state: &'static str,
    /// Why it will never be sent.
    reason: Option<String>,
    /// The officer.
    author: String,
    device: String,
    client_id: String,
    /// The author's clock.
    #[serde(with = "rfc3339")]
    written_at: Timestamp,
    time_zone: String,
    /// The clock of the relay that orders the channel.
    received_at: Option<Instant>,
    /// The kind's number (PROTOCOL.md §3.3).
    kind: u64,
    /// Whether this program can show all that it says.
    supported: bool,
    handling: String,
    restriction: Option<String>,
    text: String,
    commitment: String,
    #[serde(skip)]
    words: Words,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Instant(#[serde(with = "rfc3339")] Timestamp);

/// What of it is said in the officer's language.
#[derive(Debug)]
struct Words {
    state: Option<String>,
    restriction: String,
    needs_newer_version: String,
}

impl EntryItem {
    pub(crate) fn new(channel: ChannelId, view: &EntryView, ui: &Ui) -> Self {
        let (state, seq, received_at, reason) = match &view.state {
            EntryState::Logged { seq, received_at } => {
                ("logged", Some(seq.0), Some(Instant(*received_at)), None)
            }
            EntryState::Accepted(seq) => ("accepted", seq.map(|seq| seq.0), None, None),
            EntryState::Queued => ("queued", None, None, None),
            EntryState::Failed(reason) => ("failed", None, None, Some(reason.clone())),
        };
        let words = match &view.state {
            EntryState::Logged { .. } => None,
            EntryState::Accepted(_) => Some(ui.say(Text::Accepted)),
            EntryState::Queued => Some(ui.say(Text::Queued)),
            EntryState::Failed(reason) => Some(ui.say(Text::NeverSent { reason })),
        };
        Self {
            channel: channel.to_string(),
            seq,
            state,
            reason,
            author: view.author.officer().to_string(),
            device: view.author.to_string(),
            client_id: view.client_id.to_string(),
            written_at: view.local_time,
            time_zone: view.time_zone.clone(),
            received_at,
            kind: view.kind,
            supported: view.is_supported,
            handling: view.handling.to_string(),
            restriction: view.restriction.clone(),
            text: view.body.clone(),
            commitment: view.commitment.to_string(),
            words: Words {
                state: words,
                restriction: ui.say(Text::Restriction),
                needs_newer_version: ui.say(Text::NeedsNewerVersion),
            },
        }
    }
}

impl fmt::Display for EntryItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.received_at.as_ref().map_or(self.written_at, |Instant(at)| *at);
        match self.seq {
            Some(seq) => write!(f, "{seq:>4}  ")?,
            None => write!(f, "   –  ")?,
        }
        write!(f, "{}  {}  {}", when::show_local(at), self.author, self.handling)?;
        match &self.words.state {
            Some(state) => writeln!(f, "  [{state}]")?,
            None => writeln!(f)?,
        }
        if let Some(restriction) = &self.restriction {
            writeln!(f, "      {}: {}", self.words.restriction, shown(restriction))?;
        }
        for line in shown(&self.text).lines() {
            writeln!(f, "      {line}")?;
        }
        if !self.supported {
            writeln!(f, "      {}", self.words.needs_newer_version)?;
        }
        Ok(())
    }
}
