//! `enlace network next`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::time::{Timestamp, Validity};
use serde::Serialize;

use crate::failure::{Explain as _, Failure};
use crate::files;
use crate::network::{Draft, bundle_path, former_path, previous_of, read_bundle, write_bundle};
use crate::ui::Ui;
use crate::when::{self, DAY, now, rfc3339};

const DAYS: u32 = 2 * 365;

/// What `next` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The network's directory. The bundle in it must have all the signatures that it takes.
    dir: PathBuf,
    /// How many authorities must sign the version after this one; more than half of them if not
    /// said.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    threshold: Option<u64>,
    /// How long the bundle is meant to be in use.
    #[arg(long, default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

#[derive(Debug, Serialize)]
struct Begun {
    version: u64,
    /// Where the version before lies now.
    previous: PathBuf,
    /// How many authorities of the version before must sign.
    needed: u64,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let Arguments { dir, threshold, days } = arguments;
    let path = bundle_path(dir);
    let signed = read_bundle(&path)?;
    let bundle = match previous_of(&path, None)? {
        Some(previous) => signed.open_after(&previous),
        None => signed.open(&signed.hash()),
    };
    let bundle = bundle.context(|| "the present version is not finished".to_owned())?;
    let previous = former_path(dir, bundle.version());
    files::refuse_existing(&previous)?;
    let validity = Validity { not_before: now().minus(DAY), not_after: now().plus(DAY * *days) };
    write_bundle(&previous, &signed)?;
    Draft::after(&bundle, *threshold, validity).save(dir)?;
    ui.report(&Begun {
        version: bundle.version() + 1,
        previous,
        needed: bundle.content().threshold,
        not_after: validity.not_after,
    })?;
    ui.note("\nNow change it: enlace network add …, enlace network drop …");
    ui.note(
        "Then the authorities sign: those that the present version asks for, and whoever enters",
    );
    ui.note("or changes its root. The registrars need the present version beside the new one.");
    Ok(())
}

impl fmt::Display for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Began version {}.", self.version)?;
        writeln!(f, "It takes the signatures of {} authorities.", self.needed)?;
        writeln!(f, "Good until          {}", when::show(self.not_after))?;
        write!(f, "The version before  {}", self.previous.display())
    }
}
