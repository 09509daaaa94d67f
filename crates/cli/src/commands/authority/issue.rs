//! `enlace authority issue`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::issue::CertificateRequest;
use enlace_identity::names::{Domain, LeafName, OfficerAddress, ServiceKind, ServiceName};
use enlace_identity::time::Timestamp;
use serde::Serialize;

use super::request::{approval_options, read};
use super::{AuthorityArgument, warn};
use crate::authority::{Issuance, Registry, Subject, issue};
use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};
use crate::passphrase::PassphraseArguments;
use crate::ui::Ui;
use crate::when::{self, now, rfc3339};

const DAYS: u32 = 365;

/// What `issue` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The request's file.
    request: PathBuf,
    #[command(flatten)]
    subject: SubjectArguments,
    /// The officer's full name, as others see it.
    #[arg(long, value_name = "NAME", required_unless_present_any = ["relay", "head", "duty"])]
    common_name: Option<String>,
    /// How long the certificate holds.
    #[arg(long, default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Where to write the certificate, for whoever asked for it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Issue although another key has a good certificate of the same name.
    #[arg(long)]
    another_key: bool,
    #[command(flatten)]
    authority: AuthorityArgument,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

/// Whom you approve of: an officer's device, a relay, a relay's head key, or a duty officer's key.
#[derive(Debug, clap::Args)]
struct SubjectArguments {
    /// The officer's address.
    #[arg(long, value_name = "NAME@DOMAIN", requires = "device",
          required_unless_present_any = ["relay", "head", "duty"],
          conflicts_with_all = ["relay", "head", "duty"])]
    name: Option<OfficerAddress>,
    /// The label of the officer's device, such as `laptop`.
    #[arg(long, value_name = "LABEL", requires = "name")]
    device: Option<String>,
    /// The relay's label, such as `r1`.
    #[arg(long, value_name = "LABEL", conflicts_with_all = ["head", "duty"])]
    relay: Option<String>,
    /// The label of the key that signs the order of messages, such as `r1`.
    #[arg(long, value_name = "LABEL", conflicts_with = "duty")]
    head: Option<String>,
    /// The label of the duty officer's key, which suspends officers, such as `d1`.
    #[arg(long, value_name = "LABEL")]
    duty: Option<String>,
}

/// A certificate that was issued.
#[derive(Debug, Serialize)]
struct Certificate {
    name: String,
    common_name: String,
    serial: String,
    #[serde(with = "rfc3339")]
    not_before: Timestamp,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let request = read(&arguments.request)?;
    if let Some(out) = &arguments.out {
        files::refuse_existing(out)?;
    }
    let mut directory = arguments.authority.open()?;
    let name = arguments.subject.leaf_name(directory.domain())?;
    refuse_other_name(&request, &name)?;
    if !arguments.another_key {
        refuse_other_key(&directory.registry, &request, &name, now())?;
    }
    let common_name = arguments.common_name.clone().unwrap_or_else(|| service_name(&name));
    let passphrase = directory.passphrase(&arguments.passphrase.source())?;
    let issuing = directory.issuing(&passphrase)?;
    let issuance = Issuance {
        name: &name,
        common_name: &common_name,
        days: arguments.days,
        subject: Subject::Request(&request),
    };
    let (chain, issued, kept) = issue(&mut directory, &issuing, &issuance, now())
        .context(|| format!("no certificate was issued for {name}"))?;
    if let Some(out) = &arguments.out {
        files::create(out, chain.to_pem().as_bytes(), Mode::Public)
            .hint(|| format!("The certificate was issued, and lies in {}.", kept.display()))?;
    }
    ui.report(&Certificate {
        name: issued.name,
        common_name: issued.common_name,
        serial: issued.serial.to_string(),
        not_before: issued.not_before,
        not_after: issued.not_after,
        file: arguments.out.clone().unwrap_or(kept),
    })?;
    warn::about_expiry(&directory.registry, now(), ui);
    Ok(())
}

impl SubjectArguments {
    fn leaf_name(&self, domain: &Domain) -> Result<LeafName, Failure> {
        let service =
            |label: &str, kind| ServiceName::new(label, kind, domain).map(LeafName::Service);
        let name = match self {
            Self { name: Some(officer), device: Some(device), .. } => {
                officer.device(device).map(LeafName::Device)
            }
            Self { relay: Some(label), .. } => service(label, ServiceKind::Relay),
            Self { head: Some(label), .. } => service(label, ServiceKind::Head),
            Self { duty: Some(label), .. } => service(label, ServiceKind::Duty),
            _ => return Err(Failure::new("whom to issue the certificate for is not said")),
        };
        Ok(name?)
    }
}

/// The issuing CA would refuse too; this says what to do about it.
fn refuse_other_name(request: &CertificateRequest, approved: &LeafName) -> Result<(), Failure> {
    match request.name() {
        Some(asked) if asked != approved => {
            let said = format!("the request is for {asked}, but you approve of {approved}");
            let failure = Failure::new(said);
            Err(match approval_options(request) {
                Some(options) => failure.hint(format!("If the request is right: {options}")),
                None => failure,
            })
        }
        _ => Ok(()),
    }
}

/// Whoever takes a name over with another key could be an impostor.
fn refuse_other_key(
    registry: &Registry,
    request: &CertificateRequest,
    name: &LeafName,
    now: Timestamp,
) -> Result<(), Failure> {
    let key = hex::encode(request.public_key().as_bytes());
    match registry.current(name.as_str(), now).find(|issued| issued.public_key != key) {
        None => Ok(()),
        Some(other) => {
            let until = when::show_day(other.not_after);
            let said =
                format!("another key has a certificate for {name} that is good until {until}");
            Err(Failure::new(said).hint(format!(
                "If that key is lost: `enlace authority revoke {}` first. \
                 If both are to be good: --another-key.",
                other.serial
            )))
        }
    }
}

/// X.520 allows 64 characters in a common name; the name that counts is the DNS name anyway.
fn service_name(name: &LeafName) -> String {
    name.as_str().get(..64).unwrap_or(name.as_str()).to_owned()
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Issued a certificate for {} ({}).", self.name, self.common_name)?;
        writeln!(f, "Good until  {}", when::show(self.not_after))?;
        writeln!(f, "Serial      {}", self.serial)?;
        write!(f, "File        {}", self.file.display())
    }
}
