//! `enlace network sign`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::bundle::{BundleError, BundleHash};
use enlace_identity::names::Domain;
use serde::Serialize;

use super::show::Contents;
use crate::authority::{Directory, RootKeyArguments};
use crate::failure::{Explain as _, Failure};
use crate::network::{bundle_path, checked, previous_of, read_bundle, write_bundle};
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
    /// The version before, if it doesn't lie beside the bundle as `network.N.bundle`.
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    #[command(flatten)]
    root_key: RootKeyArguments,
}

#[derive(Debug, Serialize)]
struct Signed {
    bundle: PathBuf,
    hash: String,
    signed_by: String,
    missing: Vec<String>,
    /// Why it can't be put to use yet, if it can't.
    unfinished: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let path = bundle_path(&arguments.bundle);
    let mut signed = read_bundle(&path)?;
    let previous = previous_of(&path, arguments.previous.as_deref())?;
    let (expected, found) = (arguments.hash.unwrap_or_else(|| signed.hash()), signed.hash());
    if expected != found {
        return Err(BundleError::WrongHash { expected, found }.into());
    }
    let bundle = checked(&signed, previous.as_ref())?;
    let mut directory = Directory::open(&arguments.authority)?;
    refuse_another_network(&directory, bundle.network())?;
    let domain = &directory.domain().clone();
    let contents = Contents::of(&bundle, previous.as_ref(), now());
    ui.note(format_args!("What {domain} is about to sign:\n\n{contents}"));
    let key = directory.root_key(&arguments.root_key)?;
    let done = match &previous {
        Some(previous) => signed.sign_after(previous, domain, &key),
        None => signed.sign(domain, &key),
    };
    let explained = match &done {
        Err(BundleError::Signature(_)) => "The bundle holds another root certificate of yours.",
        Err(BundleError::UnknownSigner(_)) => "The secretariat adds an authority before it signs.",
        _ => "",
    };
    let done = done.context(|| format!("{domain} cannot sign this bundle"));
    if explained.is_empty() { done } else { done.hint(|| explained.to_owned()) }?;
    if directory.registry.network.is_none() {
        directory.registry.network = Some(bundle.network().to_owned());
        directory.save()?;
    }
    write_bundle(&path, &signed)?;

    let bundle = checked(&signed, previous.as_ref())?;
    let signs = |domain: &&Domain| !bundle.signers().contains(domain);
    let missing = bundle.authorities().iter().map(|authority| authority.domain()).filter(signs);
    let finished = previous.as_ref().map(|previous| signed.open_after(previous));
    ui.report(&Signed {
        bundle: path,
        hash: bundle.hash().to_string(),
        signed_by: domain.to_string(),
        missing: missing.map(ToString::to_string).collect(),
        unfinished: finished.and_then(|opened| Some(opened.err()?.to_string())),
    })
}

/// Endpoint records and suspensions name no network: with one root for two, those of one would count
/// in the other.
fn refuse_another_network(directory: &Directory, network: &str) -> Result<(), Failure> {
    match &directory.registry.network {
        Some(own) if own != network => {
            let domain = directory.domain();
            Err(Failure::new(format!("these keys of {domain} are for the network {own}")).hint(
                format!(
                    "For {network} make keys of its own: enlace authority init DIR --domain \
                     {domain} …, and a relay and profiles of its own."
                ),
            ))
        }
        _ => Ok(()),
    }
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Signed by {}.", self.signed_by)?;
        if self.missing.is_empty() {
            writeln!(f, "All of its authorities have signed.")?;
        } else {
            writeln!(f, "Not yet signed by  {}", self.missing.join(", "))?;
        }
        if let Some(unfinished) = &self.unfinished {
            writeln!(f, "It cannot be put to use yet: {unfinished}.")?;
        }
        writeln!(f, "Hash  {}", self.hash)?;
        write!(f, "File  {}", self.bundle.display())
    }
}
