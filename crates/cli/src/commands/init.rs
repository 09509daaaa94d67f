//! `enlace init`

use std::fmt;
use std::path::PathBuf;

use enlace_client::profile::Profile;
use enlace_identity::names::OfficerAddress;
use serde::Serialize;

use crate::failure::Failure;
use crate::files::{self, Mode};
use crate::fingerprint::key_digest;
use crate::officer::{Explained as _, ProfileArguments};
use crate::ui::Ui;
use crate::words::Text;

/// What `init` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Your address, as your registrar gave it to you.
    #[arg(long, value_name = "NAME@DOMAIN")]
    name: OfficerAddress,
    /// A name for this device, such as `laptop`.
    #[arg(long, value_name = "LABEL")]
    device: String,
    /// Your full name, as others are to see it.
    #[arg(long, value_name = "NAME")]
    common_name: String,
    /// Where to write the request for your registrar; if not given, it stays in the profile.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    profile: ProfileArguments,
}

#[derive(Debug, Serialize)]
struct Made {
    profile: PathBuf,
    officer: String,
    device: String,
    request: PathBuf,
    /// SHA-256 of the key, in groups, to be read out.
    key: String,
    #[serde(skip)]
    words: [String; 3],
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let Arguments { name, device, common_name, out, profile } = arguments;
    let directory = profile.directory()?;
    if let Some(out) = out {
        files::refuse_existing(out)?;
    }
    // Before the passphrase is asked for.
    let label = name.device(device)?;
    let passphrase = profile.passphrase().chosen(label.as_str(), ui.language())?;
    let (made, request) =
        Profile::create(&directory, name, device, common_name, &passphrase).explained(ui)?;
    let file = out.clone().unwrap_or_else(|| directory.join("device.csr"));
    if out.is_some() {
        files::create(&file, request.to_pem().as_bytes(), Mode::Public)?;
    }
    let place = directory.display().to_string();
    ui.report(&Made {
        profile: directory,
        officer: made.address().to_string(),
        device: made.device().to_string(),
        request: file.clone(),
        key: key_digest(&request.public_key()),
        words: [
            ui.say(Text::DeviceMade { directory: &place }),
            ui.say(Text::Request),
            ui.say(Text::Key),
        ],
    })?;
    let file = file.display().to_string();
    ui.note(format_args!("\n{}", ui.say(Text::HandRequestToRegistrar { file: &file })));
    Ok(())
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [made, request, key] = &self.words;
        writeln!(f, "{made}")?;
        writeln!(f, "{request:<10}  {}", self.request.display())?;
        write!(f, "{key:<10}  {}", self.key)
    }
}
