//! `enlace channel add`

use std::path::PathBuf;

use enlace_channel::policy::Role;
use enlace_identity::names::OfficerAddress;

use super::batch::{Batch, read_list};
use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;

/// What `add` takes.
#[derive(Debug, clap::Args)]
#[group(id = "whom", required = true, multiple = false, args = ["officer", "list", "all_of_authority"])]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// The officer.
    #[arg(value_name = "NAME@DOMAIN")]
    officer: Option<OfficerAddress>,
    /// Officers of your authority: a file with an address on each line. Who is in already is passed
    /// over, so the same list can be given again.
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// All officers of your authority whose programs have been at its relay.
    #[arg(long)]
    all_of_authority: bool,
    /// As what: lead, member or observer, or in a forum guide. The first of an authority becomes its
    /// lead.
    #[arg(long, default_value = "member")]
    role: Role,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let id = find_channel(&client, &arguments.channel, ui)?.id;
    let role = arguments.role;
    if let Some(officer) = &arguments.officer {
        let asked = client.add_member(id, officer.clone(), role).explained(ui)?;
        return ui.report(&outcome(&client, (id, asked), &arguments.wait, ui)?);
    }
    let mut batch = Batch::begin(&client, id, true, ui)?;
    match &arguments.list {
        Some(file) => {
            let added = client.add_members(id, &read_list(file)?, role).explained(ui)?;
            (batch.asked, batch.already, batch.others) = (added.asked, added.settled, added.others);
        }
        None => {
            client.add_all(id, role).explained(ui)?;
        }
    }
    ui.report(&batch.report(&client, &arguments.wait, ui)?)
}
