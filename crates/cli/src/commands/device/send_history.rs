//! `enlace device send-history`

use std::fmt;

use enlace_client::client::TransferProgress;
use serde::Serialize;

use super::{Patience, named};
use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, block_on};
use crate::ui::Ui;
use crate::words::Text;

/// What `send-history` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The device's name; you have added it with `enlace device add`.
    device: String,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    profile: ProfileArguments,
}

#[derive(Debug, Serialize)]
struct Sent {
    device: String,
    bytes: u64,
    #[serde(skip)]
    words: String,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let parcel = arguments.profile.directory()?.join("send-history.db");
    let client = arguments.profile.unlock(ui)?;
    let device = named(&client, &arguments.device)?;
    let name = device.to_string();
    ui.note(ui.say(Text::WaitsForReceiver { device: &name }));
    let sent = block_on(async {
        let progress = said_in_tenths(ui);
        let patience = arguments.patience.limit();
        client.send_history(&device, &parcel, patience, progress).await.explained(ui)
    })?;
    ui.report(&Sent {
        words: ui.say(Text::HistorySent { device: &name }),
        device: name,
        bytes: sent,
    })
}

/// Says how far a transfer has come, some ten times.
pub(super) fn said_in_tenths(ui: &Ui) -> impl FnMut(TransferProgress) + '_ {
    let mut said = None;
    move |TransferProgress { taken, total }| {
        let percent = u128::from(taken) * 100 / u128::from(total.max(1));
        if said != Some(percent / 10) {
            said = Some(percent / 10);
            ui.note(format_args!("{percent} %"));
        }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.words)
    }
}
