//! `enlace device remove`

use super::list::described;
use super::named;
use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments};
use crate::ui::Ui;

/// What `remove` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The device's name, as it was made with `enlace init --device`; its whole name if it has
    /// another address of yours, since your authority has another domain.
    device: String,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let device = named(&client, &arguments.device)?;
    client.remove_device(&device).explained(ui)?;
    ui.report(&described(&client, ui)?)
}
