//! `enlace enroll`

mod invited;

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use enlace_client::profile::{Enrollment, Profile};
use enlace_identity::bundle::BundleHash;
use enlace_identity::chain::VerifiedLeaf;
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
    /// Your registrar's invitation, which makes the device and brings all that is needed; `-` reads
    /// it from standard input. Nothing else is given then but the profile.
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["certificate", "bundle", "bundle_hash", "endpoint_record", "crl"])]
    invitation: Option<PathBuf>,
    /// With an invitation: wait until your registrar has answered.
    #[arg(long, requires = "invitation")]
    wait: bool,
    /// The certificate that your registrar issued.
    #[arg(long, value_name = "FILE", required_unless_present = "invitation")]
    certificate: Option<PathBuf>,
    /// The network's bundle.
    #[arg(long, value_name = "FILE", required_unless_present = "invitation")]
    bundle: Option<PathBuf>,
    /// The bundle's hash, as it was told to you by another way than the file came.
    #[arg(long, value_name = "HEX")]
    bundle_hash: Option<BundleHash>,
    /// Your authority's endpoint record, which says where its relays are.
    #[arg(long, value_name = "FILE", required_unless_present = "invitation")]
    endpoint_record: Option<PathBuf>,
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
    match arguments {
        Arguments { invitation: Some(invitation), profile, wait, .. } => {
            invited::run(invitation, *wait, profile, ui)
        }
        Arguments {
            certificate: Some(certificate),
            bundle: Some(bundle),
            endpoint_record: Some(endpoint_record),
            ..
        } => {
            with_files(arguments, [certificate, bundle, endpoint_record].map(PathBuf::as_path), ui)
        }
        _ => Err(Failure::new("what to enrol with is not said")),
    }
}

fn with_files(
    arguments: &Arguments,
    [certificate, bundle_file, endpoint_record]: [&Path; 3],
    ui: &Ui,
) -> Result<(), Failure> {
    let mut profile = arguments.profile.open(ui)?;
    let bundle = files::read(bundle_file)?;
    let network = read_bundle(bundle_file)?.unverified_content()?.network;
    let bundle_hash = match arguments.bundle_hash {
        Some(hash) => hash,
        None => ask_hash(ui)?,
    };
    let crls = arguments.crl.iter().map(|path| read_list(path)).collect::<Result<Vec<_>, _>>()?;
    let enrollment = Enrollment {
        certificates: &files::read_text(certificate)?,
        bundle: &bundle,
        bundle_hash,
        endpoint_record: &files::read(endpoint_record)?,
        crls: &crls,
    };
    let leaf = profile.enroll(&enrollment, now()).explained(ui)?;
    report(&profile, network, bundle_hash, &leaf, ui)?;
    ui.note(format_args!("\n{}", ui.say(Text::SyncOnce)));
    Ok(())
}

fn report(
    profile: &Profile,
    network: String,
    bundle_hash: BundleHash,
    leaf: &VerifiedLeaf,
    ui: &Ui,
) -> Result<(), Failure> {
    let shown_network = shown(&network);
    ui.report(&Enrolled {
        officer: profile.address().to_string(),
        device: profile.device().to_string(),
        network,
        bundle_hash: bundle_hash.to_string(),
        serial: leaf.serial().to_string(),
        not_after: leaf.not_after(),
        words: [ui.say(Text::Enrolled { network: &shown_network }), ui.say(Text::ValidUntil)],
    })
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
