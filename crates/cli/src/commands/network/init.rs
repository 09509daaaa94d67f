//! `enlace network init`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::time::{Timestamp, Validity};
use serde::Serialize;

use crate::failure::Failure;
use crate::files;
use crate::network::Draft;
use crate::ui::Ui;
use crate::when::{self, DAY, now, rfc3339};

const DAYS: u32 = 2 * 365;

/// What `init` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The directory to make.
    dir: PathBuf,
    /// The network's name, as its members see it.
    #[arg(long)]
    name: String,
    /// How many authorities must sign the next bundle; more than half of them if not said.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    threshold: Option<u64>,
    /// How long the bundle is meant to be in use.
    #[arg(long, default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

#[derive(Debug, Serialize)]
struct Begun {
    directory: PathBuf,
    network: String,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let Arguments { dir, name, threshold, days } = arguments;
    files::refuse_existing(&dir.join("network.json"))?;
    let validity = Validity { not_before: now().minus(DAY), not_after: now().plus(DAY * *days) };
    files::make_private_directory(dir)?;
    Draft::new(name.clone(), *threshold, validity).save(dir)?;
    ui.report(&Begun {
        directory: dir.clone(),
        network: name.clone(),
        not_after: validity.not_after,
    })?;
    ui.note(format_args!("\nNext, for each authority: enlace network add {} …", dir.display()));
    Ok(())
}

impl fmt::Display for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Began the network {} in {}.", self.network, self.directory.display())?;
        write!(f, "Good until  {}", when::show(self.not_after))
    }
}
