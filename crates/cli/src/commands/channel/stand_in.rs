//! `enlace channel stand-in`

use std::path::PathBuf;

use crate::failure::Failure;
use crate::files;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;

/// What `stand-in` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// The mandate, as the registrar sent it.
    mandate: PathBuf,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let mandate = files::read(&arguments.mandate)?;
    let client = arguments.profile.unlock(ui)?;
    let id = find_channel(&client, &arguments.channel, ui)?.id;
    let asked = client.add_stand_in(id, mandate).explained(ui)?;
    ui.report(&outcome(&client, (id, asked), &arguments.wait, ui)?)
}
