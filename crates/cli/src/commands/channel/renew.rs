//! `enlace channel renew`

use clap::ValueEnum;
use enlace_channel::mls;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;

/// What `renew` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// How its keys are agreed on from then on; else as before.
    #[arg(long, value_enum)]
    suite: Option<Suite>,
    /// Nobody can go on with the present keys: a lead may do this too.
    #[arg(long, conflicts_with = "suite")]
    poisoned: bool,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Suite {
    /// Also against quantum computers.
    PostQuantum,
    /// For large forums: small messages, and nothing against quantum computers.
    Classic,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let id = find_channel(&client, &arguments.channel, ui)?.id;
    let suite = arguments.suite.map(|suite| match suite {
        Suite::PostQuantum => mls::Suite::PostQuantum,
        Suite::Classic => mls::Suite::Classic,
    });
    let asked = match arguments.poisoned {
        true => client.rescue_channel(id),
        false => client.renew_channel(id, suite),
    };
    let asked = asked.explained(ui)?;
    ui.report(&outcome(&client, (id, asked), &arguments.wait, ui)?)
}
