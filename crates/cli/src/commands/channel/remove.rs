//! `enlace channel remove`

use std::path::PathBuf;

use enlace_identity::names::OfficerAddress;

use super::batch::{Batch, read_list};
use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;

/// What `remove` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// The officer.
    #[arg(value_name = "NAME@DOMAIN", required_unless_present = "list", conflicts_with = "list")]
    officer: Option<OfficerAddress>,
    /// Officers of your authority: a file with an address on each line.
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let id = find_channel(&client, &arguments.channel, ui)?.id;
    let Some(officer) = &arguments.officer else {
        let mut batch = Batch::begin(&client, id, false, ui)?;
        let list = arguments.list.as_deref().map(read_list).transpose()?.unwrap_or_default();
        let gone = client.remove_members(id, &list).explained(ui)?;
        (batch.asked, batch.already, batch.others) = (gone.asked, gone.settled, gone.others);
        return ui.report(&batch.report(&client, &arguments.wait, ui)?);
    };
    let asked = client.remove_member(id, officer.clone()).explained(ui)?;
    ui.report(&outcome(&client, (id, asked), &arguments.wait, ui)?)
}
