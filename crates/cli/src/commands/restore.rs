//! `enlace restore`

use std::fmt;
use std::path::PathBuf;

use enlace_client::engine::Restored;
use enlace_identity::time::Timestamp;
use serde::Serialize;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments};
use crate::passphrase::BackupPassphraseArguments;
use crate::ui::Ui;
use crate::when::rfc3339;
use crate::words::Text;

/// What `restore` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The backup.
    file: PathBuf,
    #[command(flatten)]
    backup_passphrase: BackupPassphraseArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

#[derive(Debug, Serialize)]
struct Taken {
    /// The device that made the backup.
    device: String,
    #[serde(with = "rfc3339")]
    made_at: Timestamp,
    channels: usize,
    entries: usize,
    /// Entries that are not what their author signed.
    refused: usize,
    /// What it said of the erasing of entries that it doesn't hold.
    left_out: usize,
    #[serde(skip)]
    words: String,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let scratch = arguments.profile.directory()?.join("restore.db");
    let client = arguments.profile.unlock(ui)?;
    let what = arguments.file.display().to_string();
    let passphrase = arguments.backup_passphrase.source().existing(&what, ui.language())?;
    report(&client.restore(&arguments.file, &passphrase, &scratch).explained(ui)?, ui)
}

/// Says what was brought back, from a backup or by another device.
pub(super) fn report(restored: &Restored, ui: &Ui) -> Result<(), Failure> {
    if restored.refused > 0 {
        ui.warning(ui.say(Text::RestoreRefused { entries: restored.refused }));
    }
    if restored.left_out > 0 {
        ui.note(ui.say(Text::ErasuresLeftOut { count: restored.left_out }));
    }
    let (channels, entries) = (restored.channels, restored.entries);
    ui.report(&Taken {
        device: restored.device.clone(),
        made_at: restored.made_at,
        channels,
        entries,
        refused: restored.refused,
        left_out: restored.left_out,
        words: ui.say(Text::BackupRestored { channels, entries }),
    })?;
    ui.note(ui.say(Text::RestoredReads));
    Ok(())
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.words)
    }
}
