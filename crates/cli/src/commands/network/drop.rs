//! `enlace network drop`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::names::Domain;
use serde::Serialize;

use crate::failure::Failure;
use crate::network::Draft;
use crate::ui::Ui;

/// What `drop` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The network's directory.
    dir: PathBuf,
    /// The authority's domain.
    domain: Domain,
    /// Change the bundle although authorities have signed it: their signatures are lost.
    #[arg(long)]
    discard_signatures: bool,
}

#[derive(Debug, Serialize)]
struct Dropped {
    domain: String,
    authorities: usize,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let Arguments { dir, domain, discard_signatures } = arguments;
    let mut draft = Draft::open(dir)?;
    if !discard_signatures {
        Draft::refuse_signed(dir)?;
    }
    if !draft.drop_authority(domain) {
        return Err(Failure::new(format!("{domain} is not in the bundle")));
    }
    if draft.authorities.is_empty() {
        return Err(Failure::new(format!("{domain} is the only authority of the bundle")));
    }
    draft.save(dir)?;
    ui.report(&Dropped { domain: domain.to_string(), authorities: draft.authorities.len() })
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Left {} out; authorities now: {}.", self.domain, self.authorities)
    }
}
