//! `enlace answer`

use enlace_log::Seq;

use super::ask::TextArguments;
use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;

/// What `answer` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The forum: its title, part of it, or the beginning of its id.
    forum: String,
    /// The place of the question, as `enlace read` shows it.
    place: u64,
    #[command(flatten)]
    text: TextArguments,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let forum = find_channel(&client, &arguments.forum, ui)?.id;
    let note = arguments.text.note(ui)?;
    let answered = client.answer_question(forum, Seq(arguments.place), note).explained(ui)?;
    ui.report(&outcome(&client, (forum, answered), &arguments.wait, ui)?)
}
