//! `enlace pin` and `enlace unpin`

use enlace_log::Seq;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;
use crate::when::time_zone;

/// What `pin` and `unpin` take.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The forum: its title, part of it, or the beginning of its id.
    forum: String,
    /// The place of the entry, as `enlace read` shows it.
    place: u64,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, pinned: bool, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let forum = find_channel(&client, &arguments.forum, ui)?.id;
    let done = client.pin(forum, Seq(arguments.place), pinned, time_zone()).explained(ui)?;
    ui.report(&outcome(&client, (forum, done), &arguments.wait, ui)?)
}
