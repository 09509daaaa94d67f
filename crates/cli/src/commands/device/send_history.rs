//! `enlace device send-history`

use std::fmt;

use enlace_client::client::{Delivered, TransferProgress};
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
    /// Channels of which something was new there.
    channels: u64,
    /// Entries that were new there.
    entries: u64,
    /// What was refused there.
    refused: u64,
    #[serde(skip)]
    words: String,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let parcel = arguments.profile.directory()?.join("send-history.db");
    let client = arguments.profile.unlock(ui)?;
    let device = named(&client, &arguments.device)?;
    let name = device.to_string();
    ui.note(ui.say(Text::WaitsForReceiver { device: &name }));
    let delivered = block_on(async {
        let mut progress = said_in_tenths(ui);
        let patience = arguments.patience.limit();
        let said = |now: TransferProgress| {
            progress(now);
            if now.taken == now.total {
                ui.note(ui.say(Text::HistoryOnItsWay { device: &name }));
            }
        };
        client.send_history(&device, &parcel, patience, said).await.explained(ui)
    })?;
    let Delivered { bytes, channels, entries, refused } = delivered;
    let words = match refused {
        0 => ui.say(Text::HistorySent { device: &name }),
        refused => ui.say(Text::HistoryPartly { device: &name, refused }),
    };
    ui.report(&Sent { words, device: name, bytes, channels, entries, refused })
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
