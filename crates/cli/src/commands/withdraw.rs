//! `enlace withdraw`

use enlace_client::engine::NewNote;
use enlace_log::Seq;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;
use crate::when;

/// What `withdraw` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// The place of your entry, as `enlace read` shows it.
    place: u64,
    /// Why: the others are told.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let channel = find_channel(&client, &arguments.channel, ui)?.id;
    let why = NewNote {
        text: arguments.reason.clone(),
        handling: None,
        restriction: None,
        time_zone: when::time_zone(),
        client_id: None,
    };
    let client_id = client.withdraw(channel, Seq(arguments.place), why).explained(ui)?;
    ui.report(&outcome(&client, (channel, client_id), &arguments.wait, ui)?)
}
