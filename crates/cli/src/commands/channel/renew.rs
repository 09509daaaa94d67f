//! `enlace channel renew`

use crate::failure::Failure;
use crate::officer::{
    Explained as _, ProfileArguments, SuiteName, WaitArguments, find_channel, outcome,
};
use crate::ui::Ui;

/// What `renew` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// Of a forum, how its keys are agreed on from then on; else as before.
    #[arg(long, value_enum)]
    suite: Option<SuiteName>,
    /// Nobody can go on with the present keys: a lead may do this too.
    #[arg(long, conflicts_with = "suite")]
    poisoned: bool,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let id = find_channel(&client, &arguments.channel, ui)?.id;
    let suite = arguments.suite.map(SuiteName::suite);
    let asked = match arguments.poisoned {
        true => client.rescue_channel(id),
        false => client.renew_channel(id, suite),
    };
    let asked = asked.explained(ui)?;
    ui.report(&outcome(&client, (id, asked), &arguments.wait, ui)?)
}
