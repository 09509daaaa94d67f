//! `enlace channel role`

use enlace_channel::policy::Role;
use enlace_identity::names::OfficerAddress;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;

/// What `role` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// The officer.
    #[arg(value_name = "NAME@DOMAIN")]
    officer: OfficerAddress,
    /// lead, member or observer, or in a forum guide; with owner you hand the channel on.
    role: Role,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let id = find_channel(&client, &arguments.channel, ui)?.id;
    let asked = client.set_role(id, arguments.officer.clone(), arguments.role).explained(ui)?;
    ui.report(&outcome(&client, (id, asked), &arguments.wait, ui)?)
}
