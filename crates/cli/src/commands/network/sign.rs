//! `enlace network sign`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::bundle::{BundleError, BundleHash};
use serde::Serialize;

use super::show::Contents;
use crate::authority::{Directory, RootKeyArguments};
use crate::failure::{Explain as _, Failure};
use crate::network::{bundle_path, read_bundle, write_bundle};
use crate::ui::Ui;
use crate::when::now;

/// What `sign` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The bundle's file, or the network's directory.
    bundle: PathBuf,
    /// The authority that signs.
    #[arg(long, value_name = "DIR")]
    authority: PathBuf,
    /// Sign only if this is the bundle's hash.
    #[arg(long, value_name = "HEX")]
    hash: Option<BundleHash>,
    #[command(flatten)]
    root_key: RootKeyArguments,
}

#[derive(Debug, Serialize)]
struct Signed {
    bundle: PathBuf,
    hash: String,
    signed_by: String,
    missing: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let path = bundle_path(&arguments.bundle);
    let mut signed = read_bundle(&path)?;
    let bundle = signed.open(&arguments.hash.unwrap_or_else(|| signed.hash()))?;
    let directory = Directory::open(&arguments.authority)?;
    let domain = directory.domain();
    ui.note(format_args!("What {domain} is about to sign:\n\n{}", Contents::of(&bundle, now())));
    let key = directory.root_key(&arguments.root_key)?;
    let done = signed.sign(domain, &key);
    let explained = match &done {
        Err(BundleError::Signature(_)) => "The bundle holds another root certificate of yours.",
        Err(BundleError::UnknownSigner(_)) => "The secretariat adds an authority before it signs.",
        _ => "",
    };
    let done = done.context(|| format!("{domain} cannot sign this bundle"));
    if explained.is_empty() { done } else { done.hint(|| explained.to_owned()) }?;
    write_bundle(&path, &signed)?;

    let bundle = signed.open(&signed.hash())?;
    let missing = bundle.authorities().iter().map(|authority| authority.domain());
    let missing = missing.filter(|domain| !bundle.signers().contains(domain));
    ui.report(&Signed {
        bundle: path,
        hash: bundle.hash().to_string(),
        signed_by: domain.to_string(),
        missing: missing.map(ToString::to_string).collect(),
    })
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Signed by {}.", self.signed_by)?;
        if self.missing.is_empty() {
            writeln!(f, "All of its authorities have signed.")?;
        } else {
            writeln!(f, "Not yet signed by  {}", self.missing.join(", "))?;
        }
        writeln!(f, "Hash  {}", self.hash)?;
        write!(f, "File  {}", self.bundle.display())
    }
}
