//! `enlace network publish`

use std::fmt;
use std::path::{Path, PathBuf};

use enlace_client::client::Published;
use serde::Serialize;

use crate::failure::{Explain as _, Failure};
use crate::network::{bundle_path, former_path, read_bundle};
use crate::officer::{ProfileArguments, block_on};
use crate::ui::Ui;

/// What `publish` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The bundle's file, or the network's directory. Versions that are missing in between are
    /// looked for beside it, as `network.N.bundle`.
    bundle: PathBuf,
    #[command(flatten)]
    profile: ProfileArguments,
}

#[derive(Debug, Serialize)]
struct Report {
    /// The newest version that the relay had before.
    before: u64,
    /// The newest version that it has now.
    version: u64,
    hash: String,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let path = bundle_path(&arguments.bundle);
    let newest = read_bundle(&path)?;
    let version = newest.unverified_content()?.version;
    let client = arguments.profile.unlock(ui)?;
    let versions = since(&path, version, client.bundle().version())?;
    let published =
        block_on(async { client.publish_bundles(&versions).await.map_err(Failure::from) })?;
    let Published { before, now } = published;
    if now < version {
        return Err(Failure::new(format!("the relay still goes by version {now}"))
            .hint("Its journal says why it did not take the newer one."));
    }
    ui.report(&Report { before, version: now, hash: newest.hash().to_string() })
}

/// The versions after the one that is known, up to the one in the file at `path`.
fn since(path: &Path, version: u64, known: u64) -> Result<Vec<Vec<u8>>, Failure> {
    let beside = path.parent().unwrap_or(Path::new("")).to_owned();
    let between = (known + 1..version).map(|number| {
        let file = former_path(&beside, number);
        let bundle = read_bundle(&file);
        bundle.hint(|| format!("Version {number} comes first: this device knows version {known}."))
    });
    let mut versions: Vec<_> = between.collect::<Result<_, _>>()?;
    versions.push(read_bundle(path)?);
    Ok(versions.iter().map(enlace_identity::bundle::SignedBundle::encode).collect())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.before == self.version {
            true => writeln!(f, "Your relay has version {} already.", self.version)?,
            false => writeln!(f, "Your relay goes by version {} now.", self.version)?,
        }
        write!(f, "Hash  {}", self.hash)
    }
}
