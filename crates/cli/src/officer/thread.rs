//! A question with its answer, as it is printed.

use std::fmt;

use enlace_client::engine::Thread;
use enlace_log::ChannelId;
use serde::Serialize;

use super::entry::EntryItem;
use crate::ui::Ui;
use crate::words::Text;

/// A question, or what else is pinned, for programs and people.
#[derive(Debug, Serialize)]
pub(crate) struct ThreadItem {
    /// The question; or a note or an answer that is pinned.
    entry: EntryItem,
    /// The answer to a question.
    answer: Option<EntryItem>,
    /// What was answered after that.
    late: Vec<EntryItem>,
    /// Answers that were withdrawn.
    withdrawn: Vec<EntryItem>,
    #[serde(skip)]
    unanswered: Option<String>,
}

impl ThreadItem {
    pub(crate) fn new(channel: ChannelId, thread: &Thread, ui: &Ui) -> Self {
        let item = |view| EntryItem::new(channel, view, ui);
        let open = thread.is_open().then(|| ui.say(Text::NotAnswered));
        Self {
            entry: item(&thread.entry),
            answer: thread.answer.as_ref().map(item),
            late: thread.late.iter().map(item).collect(),
            withdrawn: thread.withdrawn.iter().map(item).collect(),
            unanswered: open,
        }
    }
}

impl fmt::Display for ThreadItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.entry)?;
        if let Some(unanswered) = &self.unanswered {
            writeln!(f, "      ({unanswered})")?;
        }
        for answer in self.answer.iter().chain(&self.late).chain(&self.withdrawn) {
            for line in answer.to_string().lines() {
                writeln!(f, "    {line}")?;
            }
        }
        Ok(())
    }
}
