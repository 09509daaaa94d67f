//! `enlace channel consent` and `enlace channel refuse`

use enlace_channel::consent::Answer;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;
use crate::when;

/// What `consent` and `refuse` take.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// The officer, or the authority, that it is about.
    #[arg(value_name = "NAME@DOMAIN|DOMAIN")]
    whom: String,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, answer: Answer, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let id = find_channel(&client, &arguments.channel, ui)?.id;
    let said = client.answer(id, &arguments.whom, answer, when::time_zone());
    let said = said.explained(ui)?;
    ui.report(&outcome(&client, (id, said), &arguments.wait, ui)?)
}
