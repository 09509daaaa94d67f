//! `enlace backup`

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments};
use crate::passphrase::BackupPassphraseArguments;
use crate::ui::Ui;
use crate::words::Text;

/// What `backup` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The file to write; it must not be there yet.
    file: PathBuf,
    #[command(flatten)]
    backup_passphrase: BackupPassphraseArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

#[derive(Debug, Serialize)]
struct Written {
    file: String,
    #[serde(skip)]
    words: String,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let file = arguments.file.display().to_string();
    let passphrase = arguments.backup_passphrase.source().chosen(&file, ui.language())?;
    client.backup(&arguments.file, &passphrase).explained(ui)?;
    let words = ui.say(Text::BackupWritten { file: &file });
    ui.report(&Written { file, words })
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.words)
    }
}
