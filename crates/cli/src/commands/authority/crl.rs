//! `enlace authority crl`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::time::Timestamp;
use serde::Serialize;

use super::{AuthorityArgument, warn};
use crate::authority::{
    ISSUING_LIST_DAYS, ROOT_LIST_DAYS, RootKeyArguments, write_issuing_list, write_root_list,
};
use crate::failure::Failure;
use crate::passphrase::PassphraseArguments;
use crate::ui::Ui;
use crate::when::{self, now, rfc3339};

/// What `crl` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write the root's list, which takes the root key, instead of the issuing CA's.
    #[arg(long)]
    root: bool,
    /// How long the list counts; 30 days for the issuing CA's, 400 for the root's if not said.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=800))]
    days: Option<u32>,
    #[command(flatten)]
    authority: AuthorityArgument,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    #[command(flatten)]
    root_key: RootKeyArguments,
}

/// A new list.
#[derive(Debug, Serialize)]
struct List {
    file: PathBuf,
    number: u64,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
    revoked: usize,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let mut directory = arguments.authority.open()?;
    let file = if arguments.root {
        let root = directory.root(&arguments.root_key)?;
        write_root_list(&mut directory, &root, now(), arguments.days.unwrap_or(ROOT_LIST_DAYS))?
    } else {
        let passphrase = directory.passphrase(&arguments.passphrase.source())?;
        let issuing = directory.issuing(&passphrase)?;
        let days = arguments.days.unwrap_or(ISSUING_LIST_DAYS);
        write_issuing_list(&mut directory, &issuing, now(), days)?
    };
    let registry = &directory.registry;
    let state = if arguments.root { &registry.root_list } else { &registry.issuing_list };
    ui.report(&List {
        file,
        number: state.number,
        not_after: state.not_after,
        revoked: registry.revoked(arguments.root).len(),
    })?;
    warn::about_expiry(registry, now(), ui);
    Ok(())
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Wrote list {}, which revokes {}.", self.number, self.revoked)?;
        writeln!(f, "Good until  {}", when::show(self.not_after))?;
        write!(f, "File        {}", self.file.display())
    }
}
