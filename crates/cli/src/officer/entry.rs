//! An entry as it is printed.

use std::fmt;

use enlace_channel::consent::{Answer, Statement, Subject};
use enlace_channel::entry::EntryKind;
use enlace_client::client::{EntryState, EntryView};
use enlace_client::notice::Matter;
use enlace_client::store::ErasedBecause;
use enlace_identity::time::Timestamp;
use enlace_log::ChannelId;
use serde::Serialize;

use super::shown::shown;
use crate::ui::Ui;
use crate::when::{self, rfc3339};
use crate::words::{Notice, Text};

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
    /// What a proposal asks, or a consent answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<StatementItem>,
    commitment: String,
    /// The place of the entry that it corrects, withdraws, answers or pins.
    about: Option<u64>,
    /// Whether a pin puts that entry on top.
    pins: Option<bool>,
    /// Whether it is on top of a forum.
    pinned: bool,
    /// The place of the answer to a question.
    answered_at: Option<u64>,
    /// Whether it answers what was answered before.
    late: bool,
    /// The place of its newest correction.
    corrected_at: Option<u64>,
    /// The place of its withdrawal.
    withdrawn_at: Option<u64>,
    /// The place where the relays were told to erase it.
    erased_at_relays: Option<u64>,
    /// Whether it has the effect that its kind has.
    counts: bool,
    /// Whether it comes from a backup.
    restored: bool,
    /// Why what it said is no longer here: `withdrawn` or `expired`.
    erased: Option<&'static str>,
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
    marks: Vec<String>,
    restriction: String,
    needs_newer_version: String,
    statement: Option<String>,
}

/// A proposal or an answer, for programs.
#[derive(Debug, Serialize)]
struct StatementItem {
    about: Matter,
    /// The officer or the authority that it is about.
    whom: String,
    /// `yes` or `no`; none where it asks.
    answer: Option<&'static str>,
}

impl StatementItem {
    fn new(statement: &Statement) -> Self {
        Self {
            about: Matter::from(&statement.subject),
            whom: statement.subject.whom(),
            answer: statement.answer.map(|answer| match answer {
                Answer::Yes => "yes",
                Answer::No => "no",
            }),
        }
    }
}

fn statement_words(view: &EntryView, statement: &Statement, ui: &Ui) -> String {
    let by = &view.author.officer().to_string();
    let officer = &statement.subject.whom();
    ui.say(Text::Notice(&match (statement.answer, &statement.subject) {
        (None, Subject::Authority(_)) => Notice::AsksForAuthority { by, officer },
        (None, Subject::Owner(_)) => Notice::AsksForOwner { by, officer },
        (None, Subject::Expulsion(_)) => Notice::AsksForExpulsion { by, authority: officer },
        (Some(Answer::Yes), _) => Notice::Consents { by, officer },
        (Some(Answer::No), _) => Notice::Refuses { by, officer },
    }))
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
            statement: view.statement.as_ref().map(StatementItem::new),
            commitment: view.commitment.to_string(),
            about: view.about.map(|seq| seq.0),
            pins: view.pins,
            pinned: view.is_pinned,
            answered_at: view.answered_by.map(|seq| seq.0),
            late: view.is_late,
            corrected_at: view.corrected_by.map(|seq| seq.0),
            withdrawn_at: view.withdrawn_by.map(|seq| seq.0),
            erased_at_relays: view.erased_at_relays.map(|seq| seq.0),
            counts: view.counts,
            restored: view.restored,
            erased: view.erased.map(ErasedBecause::as_str),
            words: Words {
                state: words,
                marks: marks(view, ui),
                restriction: ui.say(Text::Restriction),
                needs_newer_version: ui.say(Text::NeedsNewerVersion),
                statement: view.statement.as_ref().map(|said| statement_words(view, said, ui)),
            },
        }
    }
}

/// What became of it, and of what it is about.
fn marks(view: &EntryView, ui: &Ui) -> Vec<String> {
    let about = view.about.map(|seq| seq.0);
    let own = match EntryKind::from_code(view.kind) {
        EntryKind::Correction => Some(Text::Corrects { place: about }),
        EntryKind::Withdrawal => Some(Text::Withdraws { place: about }),
        EntryKind::Question => Some(Text::Question),
        EntryKind::Answer if view.is_late => Some(Text::LateAnswer { place: about }),
        EntryKind::Answer => Some(Text::Answers { place: about }),
        EntryKind::Pin if view.pins == Some(false) => Some(Text::Unpins { place: about }),
        EntryKind::Pin => Some(Text::Pins { place: about }),
        _ => None,
    };
    let later = match (view.withdrawn_by, view.erased, view.corrected_by) {
        (Some(seq), _, _) => Some(Text::WithdrawnAt { place: seq.0 }),
        (None, Some(_), _) => Some(Text::ErasedExpired),
        (None, None, Some(seq)) => Some(Text::CorrectedAt { place: seq.0 }),
        (None, None, None) => None,
    };
    let pinned = view.is_pinned.then_some(Text::Pinned);
    let answered = view.answered_by.map(|seq| Text::AnsweredAt { place: seq.0 });
    let restored = view.restored.then_some(Text::FromBackup);
    let without_effect = (!view.counts).then_some(Text::CountsForNothing);
    let later = without_effect.into_iter().chain(pinned).chain(answered).chain(later);
    let later = later.chain(restored);
    own.into_iter().chain(later).map(|text| ui.say(text)).collect()
}

impl fmt::Display for EntryItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.received_at.as_ref().map_or(self.written_at, |Instant(at)| *at);
        match self.seq {
            Some(seq) => write!(f, "{seq:>4}  ")?,
            None => write!(f, "   –  ")?,
        }
        write!(f, "{}  {}  {}", when::show_local(at), self.author, self.handling)?;
        for mark in self.words.state.iter().chain(&self.words.marks) {
            write!(f, "  [{mark}]")?;
        }
        writeln!(f)?;
        if let Some(restriction) = &self.restriction {
            writeln!(f, "      {}: {}", self.words.restriction, shown(restriction))?;
        }
        if let Some(statement) = &self.words.statement {
            writeln!(f, "      {}", shown(statement))?;
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
