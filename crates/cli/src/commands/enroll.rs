//! `enlace enroll`

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use enlace_client::profile::Enrollment;
use enlace_identity::bundle::BundleHash;
use enlace_identity::revocation::RevocationList;
use enlace_identity::time::Timestamp;
use serde::Serialize;

use crate::failure::{Explain as _, Failure};
use crate::files;
use crate::network::read_bundle;
use crate::officer::{Explained as _, ProfileArguments, shown};
use crate::ui::Ui;
use crate::when::{self, now, rfc3339};
use crate::words::Text;

/// What `enroll` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The certificate that your registrar issued.
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// The network's bundle.
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// The bundle's hash, as it was told to you by another way than the file came.
    #[arg(long, value_name = "HEX")]
    bundle_hash: Option<BundleHash>,
    /// Your authority's endpoint record, which says where its relays are.
    #[arg(long, value_name = "FILE")]
    endpoint_record: PathBuf,
    /// A revocation list; may be given several times. What is missing comes from the relay.
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    #[command(flatten)]
    profile: ProfileArguments,
}

#[derive(Debug, Serialize)]
struct Enrolled {
    officer: String,
    device: String,
    network: String,
    bundle_hash: String,
    serial: String,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
    #[serde(skip)]
    words: [String; 2],
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let mut profile = arguments.profile.open(ui)?;
    let bundle = files::read(&arguments.bundle)?;
    let network = read_bundle(&arguments.bundle)?.unverified_content()?.network;
    let bundle_hash = match arguments.bundle_hash {
        Some(hash) => hash,
        None => ask_hash(ui)?,
    };
    let crls = arguments.crl.iter().map(|path| read_list(path)).collect::<Result<Vec<_>, _>>()?;
    let enrollment = Enrollment {
        certificates: &files::read_text(&arguments.certificate)?,
        bundle: &bundle,
        bundle_hash,
        endpoint_record: &files::read(&arguments.endpoint_record)?,
        crls: &crls,
    };
    let leaf = profile.enroll(&enrollment, now()).explained(ui)?;
    let shown_network = shown(&network);
    ui.report(&Enrolled {
        officer: profile.address().to_string(),
        device: profile.device().to_string(),
        network,
        bundle_hash: bundle_hash.to_string(),
        serial: leaf.serial().to_string(),
        not_after: leaf.not_after(),
        words: [ui.say(Text::Enrolled { network: &shown_network }), ui.say(Text::ValidUntil)],
    })?;
    ui.note(format_args!("\n{}", ui.say(Text::SyncOnce)));
    Ok(())
}

fn read_list(path: &Path) -> Result<Vec<u8>, Failure> {
    RevocationList::from_pem(&files::read_text(path)?)
        .map(|list| list.to_bytes())
        .context(|| format!("{} cannot be used", path.display()))
}

/// The hash is what all trust rests on: it is typed, never taken from the file itself.
fn ask_hash(ui: &Ui) -> Result<BundleHash, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new("the network's hash is missing").hint("--bundle-hash HEX"));
    }
    eprint!("{}", ui.say(Text::BundleHash));
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.parse()?)
}

impl fmt::Display for Enrolled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [enrolled, valid_until] = &self.words;
        writeln!(f, "{enrolled}")?;
        write!(f, "{valid_until}  {}", when::show_day(self.not_after))
    }
}
