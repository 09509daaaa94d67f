//! `enlace correct`

use enlace_channel::entry::HandlingCode;
use enlace_client::engine::NewNote;
use enlace_log::Seq;

use super::post::read_input;
use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;
use crate::when;

/// What `correct` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// The place of your entry, as `enlace read` shows it.
    place: u64,
    /// What it should have said; with `-` or without it, standard input.
    text: Option<String>,
    /// What may be done with it: H0, H1, H2 or H3; if not given, the channel's own code.
    #[arg(long, value_name = "CODE")]
    handling: Option<HandlingCode>,
    /// The restriction in words that H3 stands for.
    #[arg(long, value_name = "TEXT")]
    restriction: Option<String>,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let channel = find_channel(&client, &arguments.channel, ui)?.id;
    let text = match arguments.text.as_deref() {
        None | Some("-") => read_input(ui)?,
        Some(text) => text.to_owned(),
    };
    let note = NewNote {
        text,
        handling: arguments.handling,
        restriction: arguments.restriction.clone(),
        time_zone: when::time_zone(),
        client_id: None,
    };
    let client_id = client.correct(channel, Seq(arguments.place), note).explained(ui)?;
    ui.report(&outcome(&client, (channel, client_id), &arguments.wait, ui)?)
}
