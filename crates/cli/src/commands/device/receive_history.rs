//! `enlace device receive-history`

use super::Patience;
use super::send_history::said_in_tenths;
use crate::commands::restore;
use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, block_on};
use crate::ui::Ui;
use crate::words::Text;

/// What `receive-history` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    profile: ProfileArguments,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let directory = arguments.profile.directory()?;
    let (parcel, scratch) = (directory.join("receive-history.db"), directory.join("restore.db"));
    let client = arguments.profile.unlock(ui)?;
    let device = client.device().to_string();
    ui.note(ui.say(Text::WaitsForSender { device: &device }));
    let restored = block_on(async {
        let progress = said_in_tenths(ui);
        let patience = arguments.patience.limit();
        client.receive_history(&parcel, &scratch, patience, progress).await.explained(ui)
    })?;
    restore::report(&restored, ui)
}
