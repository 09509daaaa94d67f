//! `enlace channel expel`

use enlace_identity::names::Domain;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;
use crate::words::Text;

/// What `expel` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// The authority. Leads of most of the others have to consent.
    #[arg(value_name = "DOMAIN")]
    authority: Domain,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let id = find_channel(&client, &arguments.channel, ui)?.id;
    let asked = client.expel(id, arguments.authority.clone()).explained(ui)?;
    if client.move_view(id).explained(ui)?.hub == arguments.authority {
        ui.note(ui.say(Text::ExpelsHub { domain: arguments.authority.as_str() }));
    }
    ui.report(&outcome(&client, (id, asked), &arguments.wait, ui)?)
}
