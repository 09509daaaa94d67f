//! `enlace channel appoint`

use enlace_identity::names::OfficerAddress;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;

/// What `appoint` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// Who is to own it. Leads of most authorities have to consent.
    #[arg(value_name = "NAME@DOMAIN")]
    officer: OfficerAddress,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let id = find_channel(&client, &arguments.channel, ui)?.id;
    let asked = client.appoint_owner(id, arguments.officer.clone()).explained(ui)?;
    ui.report(&outcome(&client, (id, asked), &arguments.wait, ui)?)
}
