//! `enlace authority request`

use std::fmt;
use std::path::{Path, PathBuf};

use enlace_identity::issue::CertificateRequest;
use enlace_identity::names::{LeafName, ServiceKind};
use serde::Serialize;

use crate::failure::{Explain as _, Failure};
use crate::files;
use crate::fingerprint::key_digest;
use crate::ui::Ui;

/// What `request` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Show what this request asks for.
    #[arg(long, value_name = "FILE")]
    show: PathBuf,
}

/// What a request asks for.
#[derive(Debug, Serialize)]
struct Shown {
    name: Option<String>,
    officer: Option<String>,
    device: Option<String>,
    common_name: Option<String>,
    /// SHA-256 of the key, in groups, to be compared over the telephone.
    key: String,
    #[serde(skip)]
    approve_with: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let request = read(&arguments.show)?;
    let shown = shown(&request);
    ui.report(&shown)?;
    ui.note("\nNothing in a request is true before its sender has confirmed it by another way:");
    ui.note("have the key read out to you. If all of it is right:");
    let approve = shown.approve_with.as_deref().unwrap_or("--name NAME@DOMAIN --device LABEL");
    ui.note(format_args!("  enlace authority issue {} {approve}", arguments.show.display()));
    Ok(())
}

/// Reads a request's file.
pub(super) fn read(path: &Path) -> Result<CertificateRequest, Failure> {
    CertificateRequest::from_pem(&files::read_text(path)?)
        .context(|| format!("the request in {} is refused", path.display()))
        .hint(|| {
            "The device makes a new one with `enlace init`, a relay with `enlace-relay init`."
                .into()
        })
}

/// The options of `issue` that approve of what a request asks for.
pub(super) fn approval_options(request: &CertificateRequest) -> Option<String> {
    let options = match request.name()? {
        LeafName::Device(device) => {
            let common_name = request.common_name().unwrap_or("FULL NAME");
            let (officer, label) = (device.officer(), device.label());
            format!("--name {officer} --device {label} --common-name \"{common_name}\"")
        }
        LeafName::Service(service) => {
            let label = service.as_str().split('.').next().unwrap_or_default();
            match service.kind() {
                ServiceKind::Relay => format!("--relay {label}"),
                ServiceKind::Head => format!("--head {label}"),
                ServiceKind::Duty => format!("--duty {label}"),
                ServiceKind::Endpoint => return None,
            }
        }
    };
    Some(options)
}

fn shown(request: &CertificateRequest) -> Shown {
    let device = match request.name() {
        Some(LeafName::Device(device)) => Some(device),
        _ => None,
    };
    Shown {
        name: request.name().map(ToString::to_string),
        officer: device.map(|device| device.officer().to_string()),
        device: device.map(|device| device.label().to_owned()),
        common_name: request.common_name().map(str::to_owned),
        key: key_digest(&request.public_key()),
        approve_with: approval_options(request),
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "(none)".into());
        writeln!(f, "Name         {}", or_none(&self.name))?;
        if let (Some(officer), Some(device)) = (&self.officer, &self.device) {
            writeln!(f, "Officer      {officer}")?;
            writeln!(f, "Device       {device}")?;
        }
        writeln!(f, "Common name  {}", or_none(&self.common_name))?;
        write!(f, "Key          {}", self.key)
    }
}
