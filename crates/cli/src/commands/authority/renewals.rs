//! `enlace authority renewals`: requests of devices whose certificates run out. Whoever holds a good
//! certificate may have the next one for the same name and key; nobody has to be asked.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use enlace_identity::issue::{CertificateRequest, IssuingCa};
use enlace_identity::names::LeafName;
use enlace_identity::time::{Timestamp, Validity};
use enlace_identity::warnings::alarm;
use serde::Serialize;

use super::handing::{
    self, files_of, hand_over, is_handed_over, issue_to, issued_file, refuse_unanswered,
};
use super::{AuthorityArgument, warn};
use crate::authority::{Directory, Issuance, Subject};
use crate::failure::Failure;
use crate::passphrase::PassphraseArguments;
use crate::ui::Ui;
use crate::when::{self, now, rfc3339};

const DAYS: u32 = 365;

/// What `renewals` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The relay's directory of renewals: `renewals` in its data directory.
    #[arg(value_name = "DIR")]
    renewals: PathBuf,
    /// Issue what is due; for a daily job.
    #[arg(long)]
    issue: bool,
    /// How long the new certificates hold.
    #[arg(long, default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    #[command(flatten)]
    authority: AuthorityArgument,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

/// The requests, and what became of them.
#[derive(Debug, Serialize)]
struct Renewals {
    requests: Vec<Renewal>,
}

#[derive(Debug, Serialize)]
struct Renewal {
    name: String,
    #[serde(flatten)]
    state: State,
}

/// How a request stands.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum State {
    /// It can be answered.
    Due {
        /// When the present certificate ends.
        #[serde(with = "rfc3339")]
        not_after: Timestamp,
    },
    /// It was answered now.
    Issued {
        /// When the new certificate ends.
        #[serde(with = "rfc3339")]
        not_after: Timestamp,
        serial: String,
    },
    /// Its answer was issued before and not handed over.
    Undelivered {
        /// When the certificate that was issued ends.
        #[serde(with = "rfc3339")]
        not_after: Timestamp,
    },
    /// What was issued before is handed over now.
    Delivered {
        /// When it ends.
        #[serde(with = "rfc3339")]
        not_after: Timestamp,
    },
    /// It should have been answered now, and was not.
    Failed {
        /// Why.
        reason: String,
    },
    /// It is not answered.
    Refused {
        /// Why.
        reason: String,
    },
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let mut directory = arguments.authority.open()?;
    let mut requests = Vec::new();
    let mut due = Vec::new();
    for path in files_of(&arguments.renewals, "requests", "csr")? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let judged =
            read(&path).and_then(|request| judge(&directory, &arguments.renewals, request, &name));
        let state = match judged {
            Ok(Renewable { kept: Some(pem), not_after, .. }) if arguments.issue => {
                let handed = hand_over(&issued_file(&arguments.renewals, &name), pem.as_bytes());
                let delivered = handed.map(|()| remove(&path));
                delivered.map_or_else(|e| failed(&e), |()| State::Delivered { not_after })
            }
            Ok(Renewable { kept: Some(_), not_after, .. }) => State::Undelivered { not_after },
            Ok(renewal) if arguments.issue => {
                due.push((path, renewal));
                continue;
            }
            Ok(Renewable { not_after, .. }) => State::Due { not_after },
            Err(reason) => State::Refused { reason },
        };
        requests.push(Renewal { name, state });
    }
    if !due.is_empty() {
        let passphrase = directory.passphrase(&arguments.passphrase.source())?;
        let issuing = directory.issuing(&passphrase)?;
        for (path, renewal) in due {
            let name = renewal.name.to_string();
            let answered = answer(&mut directory, &issuing, &renewal, arguments, &path);
            let state = answered.unwrap_or_else(|failure| failed(&failure));
            requests.push(Renewal { name, state });
        }
    }
    let unanswered = requests.iter().filter(|r| matches!(r.state, State::Failed { .. })).count();
    ui.report(&Renewals { requests })?;
    warn::about_expiry(&directory.registry, now(), ui);
    refuse_unanswered(unanswered)
}

/// Issues what a request is for, and hands it over.
fn answer(
    directory: &mut Directory,
    issuing: &IssuingCa,
    renewal: &Renewable,
    arguments: &Arguments,
    path: &Path,
) -> Result<State, Failure> {
    let issuance = Issuance {
        name: &renewal.name,
        common_name: &renewal.common_name,
        days: arguments.days,
        subject: Subject::Request(&renewal.request),
    };
    let to = issued_file(&arguments.renewals, renewal.name.as_str());
    let issued = issue_to(&to, directory, issuing, &issuance)?;
    remove(path);
    Ok(State::Issued { not_after: issued.not_after, serial: issued.serial.to_string() })
}

/// A request that is answered; the relay may have been faster.
fn remove(request: &Path) {
    let _ = fs::remove_file(request);
}

fn failed(failure: &Failure) -> State {
    State::Failed { reason: failure.messages().join(": ") }
}

/// A request that the registry entitles to a certificate.
struct Renewable {
    request: CertificateRequest,
    name: LeafName,
    common_name: String,
    not_after: Timestamp,
    /// The newest certificate, if the relay doesn't have it: handing it over failed.
    kept: Option<String>,
}

/// The relay wrote it, and may be in other hands.
fn read(path: &Path) -> Result<CertificateRequest, String> {
    let pem = handing::read(path)?;
    CertificateRequest::from_pem(&String::from_utf8_lossy(&pem)).map_err(|error| error.to_string())
}

/// Due is the renewal of a device's certificate that is good, for the same key, and half over, or
/// of which no copy is left. A newer one that the relay doesn't have is handed over again.
fn judge(
    directory: &Directory,
    renewals: &Path,
    request: CertificateRequest,
    file: &str,
) -> Result<Renewable, String> {
    let name = match request.name() {
        Some(name @ LeafName::Device(_)) if name.as_str() == file => name.clone(),
        _ => return Err("it is not for the device that its file names".to_owned()),
    };
    let key = hex::encode(request.public_key().as_bytes());
    let now = now();
    let newest = directory.registry.current(name.as_str(), now).next_back();
    let newest = newest.ok_or("no good certificate of that name was issued here")?;
    if newest.public_key != key {
        return Err("the newest certificate of that name is for another key".to_owned());
    }
    let (common_name, not_after) = (newest.common_name.clone(), newest.not_after);
    let validity = Validity { not_before: newest.not_before, not_after };
    let mut kept = None;
    if alarm(validity, now).is_none()
        && let Ok(chain) = directory.read_issued(name.as_str(), &newest.serial.to_string())
    {
        let pem = chain.to_pem();
        if is_handed_over(&issued_file(renewals, name.as_str()), pem.as_bytes()) {
            let until = when::show_day(not_after);
            return Err(format!("its certificate is good until {until}: it is too early"));
        }
        kept = Some(pem);
    }
    Ok(Renewable { request, name, common_name, not_after, kept })
}

impl fmt::Display for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.requests.is_empty() {
            return write!(f, "No device asks for a new certificate.");
        }
        for Renewal { name, state } in &self.requests {
            match state {
                State::Due { not_after } => {
                    let end = when::show(*not_after);
                    writeln!(f, "Due      {name}, whose certificate ends {end}")
                }
                State::Issued { not_after, .. } => {
                    writeln!(f, "Issued   {name}, good until {}", when::show(*not_after))
                }
                State::Undelivered { not_after } => {
                    let until = when::show(*not_after);
                    writeln!(f, "Waits    {name}, whose new certificate is good until {until}")
                }
                State::Delivered { not_after } => {
                    writeln!(f, "Handed   {name}, good until {}", when::show(*not_after))
                }
                State::Failed { reason } => writeln!(f, "Failed   {name}: {reason}"),
                State::Refused { reason } => writeln!(f, "Refused  {name}: {reason}"),
            }?;
        }
        Ok(())
    }
}
