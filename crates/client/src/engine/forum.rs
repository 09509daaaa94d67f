//! What stands behind what in a forum: questions, their answers, and what is pinned.
//!
//! The order of the log decides, and nothing of it makes an entry void (PROTOCOL.md §5.8).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use enlace_channel::channel::Channel;
use enlace_channel::entry::{EntryKind, HandlingCode, SignedEntry, TimeZone};
use enlace_channel::policy::{ChannelKind, Role};
use enlace_log::{ChannelId, ClientId, Commitment, Seq};

use super::compose::{NewNote, PostError};
use super::{Engine, EngineError, may_take_back};
use crate::client::{EntryView, History};
use crate::store::{StoreError, Transaction};

/// An entry of a forum with what belongs to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Thread {
    /// A question; or a note or an answer that is pinned.
    pub entry: EntryView,
    /// The answer to a question.
    pub answer: Option<EntryView>,
    /// What was answered after that.
    pub late: Vec<EntryView>,
    /// Answers that were withdrawn.
    pub withdrawn: Vec<EntryView>,
}

/// The places in a forum that name each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forum {
    /// By commitment: where an entry stands, and whether it is a question.
    known: BTreeMap<Commitment, (Seq, bool)>,
    /// Of each parent, its answers in the log's order, without those that were withdrawn.
    answers: BTreeMap<Commitment, Vec<Seq>>,
    /// Of each parent, its answers that were withdrawn.
    withdrawn: BTreeMap<Commitment, Vec<Seq>>,
    /// Of each parent, its newest pin, and whether it puts it on top.
    pins: BTreeMap<Commitment, (Seq, bool)>,
}

impl Forum {
    /// Reads it from the store.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn read(tx: &dyn Transaction, id: ChannelId) -> Result<Self, StoreError> {
        let mut forum = Self::default();
        let withdrawn = withdrawn(tx, id)?;
        for row in tx.forum_entries(id)? {
            forum.take(row.seq, &signed(&row.signed)?, &withdrawn);
        }
        if forum.pins.keys().any(|parent| !forum.known.contains_key(parent)) {
            for row in tx.entries(id, Seq(0), usize::MAX)? {
                forum.take_parent(row.seq, &signed(&row.signed)?);
            }
        }
        Ok(forum)
    }

    fn take(&mut self, seq: Seq, entry: &SignedEntry, withdrawn: &BTreeSet<Seq>) {
        let header = entry.header();
        self.known.insert(entry.commitment(), (seq, header.kind == EntryKind::Question));
        match (header.kind, header.parent) {
            (EntryKind::Answer, Some(parent)) => {
                let answers = match withdrawn.contains(&seq) {
                    true => &mut self.withdrawn,
                    false => &mut self.answers,
                };
                answers.entry(parent).or_default().push(seq);
            }
            (EntryKind::Pin, Some(parent)) => {
                if let Some(pinned) = entry.pins() {
                    self.pins.insert(parent, (seq, pinned));
                }
            }
            _ => {}
        }
    }

    fn take_parent(&mut self, seq: Seq, entry: &SignedEntry) {
        let commitment = entry.commitment();
        if self.pins.contains_key(&commitment) {
            self.known.entry(commitment).or_insert((seq, false));
        }
    }

    /// Marks an entry with what it has to do with others.
    pub(crate) fn mark(&self, view: &mut EntryView) {
        let (kind, parent) = (EntryKind::from_code(view.kind), view.parent);
        if kind.is_of_forums()
            && let Some(parent) = parent
        {
            view.about = self.known.get(&parent).map(|(seq, _)| *seq);
        }
        view.is_pinned = self.is_pinned(&view.commitment);
        match kind {
            EntryKind::Question => view.answered_by = self.answer_to(&view.commitment),
            EntryKind::Answer => {
                let first = parent.and_then(|parent| self.answer_to(&parent));
                view.is_late = first.is_some_and(|first| view.state.seq() > Some(first));
            }
            _ => {}
        }
    }

    /// The first answer to a question that was not withdrawn.
    pub(crate) fn answer_to(&self, question: &Commitment) -> Option<Seq> {
        self.answers.get(question).and_then(|answers| answers.first()).copied()
    }

    fn is_pinned(&self, entry: &Commitment) -> bool {
        self.pins.get(entry).is_some_and(|(_, pinned)| *pinned)
    }

    /// What is pinned, the last pinned first; then the questions that are not, in the log's order.
    fn order(&self) -> Vec<(Commitment, Seq)> {
        let on_top = self.pins.iter().filter(|(_, (_, pinned))| *pinned);
        let mut pinned: Vec<_> = on_top
            .filter_map(|(parent, (at, _))| Some((*at, *parent, self.known.get(parent)?.0)))
            .collect();
        pinned.sort_by_key(|(at, ..)| Reverse(*at));
        let mut questions: Vec<_> = self
            .known
            .iter()
            .filter(|(commitment, (_, is_question))| *is_question && !self.is_pinned(commitment))
            .map(|(commitment, (seq, _))| (*commitment, *seq))
            .collect();
        questions.sort_by_key(|(_, seq)| *seq);
        pinned.into_iter().map(|(_, parent, seq)| (parent, seq)).chain(questions).collect()
    }
}

impl Engine {
    /// A forum's questions with their answers, what is pinned first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn threads(&mut self, id: ChannelId) -> Result<Vec<Thread>, EngineError> {
        let forum = self.read(|tx| Forum::read(tx, id))?;
        let history = self.read(|tx| History::read(tx, id, true))?;
        let mut threads = Vec::new();
        for (commitment, seq) in forum.order() {
            let Some(entry) = self.entry_at(id, seq)? else { continue };
            let mut answers = self.entries_at(id, forum.answers.get(&commitment))?.into_iter();
            let withdrawn = self.entries_at(id, forum.withdrawn.get(&commitment))?;
            let (answer, late) = (answers.next(), answers.collect());
            threads.push(Thread { entry, answer, late, withdrawn });
        }
        for view in threads.iter_mut().flat_map(Thread::views_mut) {
            history.show(view);
            forum.mark(view);
        }
        Ok(threads)
    }

    /// Whether a channel is a forum; not one that this device is in no more.
    pub(crate) fn is_forum(&mut self, id: ChannelId) -> Result<bool, EngineError> {
        let is_forum = |channel: &Channel| channel.policy().kind() == ChannelKind::Forum;
        if let Some(channel) = self.channels.get(&id) {
            return Ok(is_forum(channel));
        }
        self.write(|work| {
            let Some(channel) = work.take(id)? else { return Ok(false) };
            let found = is_forum(&channel);
            work.keep(channel);
            Ok(found)
        })
    }

    /// Asks something of a forum's guides.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn ask(&mut self, id: ChannelId, note: NewNote) -> Result<ClientId, PostError> {
        self.write(|work| work.post(id, note, (EntryKind::Question, None)))
    }

    /// Answers a question.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn answer_question(
        &mut self,
        id: ChannelId,
        question: Seq,
        note: NewNote,
    ) -> Result<ClientId, PostError> {
        let asked = self.entry_at(id, question)?.ok_or(PostError::NoSuchEntry)?;
        if EntryKind::from_code(asked.kind) != EntryKind::Question {
            return Err(PostError::NoQuestion);
        }
        let forum = self.read(|tx| Forum::read(tx, id))?;
        if let Some(by) = forum.answer_to(&asked.commitment) {
            return Err(PostError::AnsweredAlready(by));
        }
        self.write(|work| work.post(id, note, (EntryKind::Answer, Some(asked.commitment))))
    }

    /// Puts an entry on top of a forum, or takes it down.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn pin(
        &mut self,
        id: ChannelId,
        entry: Seq,
        pinned: bool,
        time_zone: TimeZone,
    ) -> Result<ClientId, PostError> {
        let entry = self.entry_at(id, entry)?.ok_or(PostError::NoSuchEntry)?;
        if EntryKind::from_code(entry.kind) == EntryKind::Pin {
            return Err(PostError::NoSuchEntry);
        }
        let note = NewNote {
            text: String::new(),
            handling: Some(entry.handling).filter(|code| *code != HandlingCode::H3),
            restriction: None,
            time_zone,
            client_id: None,
        };
        let about = (EntryKind::Pin, Some(entry.commitment));
        self.write(|work| work.post_or_pin(id, note, about, Some(pinned)))
    }

    fn entries_at(
        &mut self,
        id: ChannelId,
        places: Option<&Vec<Seq>>,
    ) -> Result<Vec<EntryView>, StoreError> {
        let mut views = Vec::new();
        for place in places.into_iter().flatten() {
            views.extend(self.entry_at(id, *place)?);
        }
        Ok(views)
    }

    fn entry_at(&mut self, id: ChannelId, seq: Seq) -> Result<Option<EntryView>, StoreError> {
        let rows = self.read(|tx| tx.entries(id, seq, 1))?;
        rows.first().filter(|row| row.seq == seq).map(EntryView::of_row).transpose()
    }
}

/// Whether this officer's program writes such an entry here.
pub(super) fn check_kind(
    channel: ChannelKind,
    role: Role,
    entry: EntryKind,
) -> Result<(), PostError> {
    match channel {
        ChannelKind::Case if entry.is_of_forums() => Err(PostError::NotAForum),
        ChannelKind::Forum if entry.publishes() && !role.may_publish() => {
            Err(PostError::OnlyGuides)
        }
        ChannelKind::Case | ChannelKind::Forum => Ok(()),
    }
}

impl Thread {
    /// Whether it is a question that nobody has answered.
    #[must_use]
    pub fn is_open(&self) -> bool {
        EntryKind::from_code(self.entry.kind) == EntryKind::Question && self.answer.is_none()
    }

    fn views_mut(&mut self) -> impl Iterator<Item = &mut EntryView> {
        let answers = self.answer.iter_mut().chain(&mut self.late).chain(&mut self.withdrawn);
        [&mut self.entry].into_iter().chain(answers)
    }
}

/// Where entries of a channel stand that their officers have withdrawn.
fn withdrawn(tx: &dyn Transaction, id: ChannelId) -> Result<BTreeSet<Seq>, StoreError> {
    let mut withdrawn = BTreeSet::new();
    for row in tx.entries_of_kind(id, EntryKind::Withdrawal.code())? {
        let target = row.parent.map(|of| tx.entry_committed(id, of)).transpose()?.flatten();
        let target = target.filter(|target| may_take_back(&row, target));
        withdrawn.extend(target.map(|target| target.seq));
    }
    Ok(withdrawn)
}

fn signed(bytes: &[u8]) -> Result<SignedEntry, StoreError> {
    SignedEntry::decode(bytes).map_err(|_| StoreError::Corrupt("entry"))
}
