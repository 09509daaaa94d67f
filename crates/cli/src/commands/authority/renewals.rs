//! `enlace authority renewals`: requests of devices whose certificates run out. Whoever holds a good
//! certificate may have the next one for the same name and key; nobody has to be asked.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use enlace_identity::issue::CertificateRequest;
use enlace_identity::names::LeafName;
use enlace_identity::time::{Timestamp, Validity};
use enlace_identity::warnings::alarm;
use serde::Serialize;

use super::{AuthorityArgument, warn};
use crate::authority::{Issuance, Registry, Subject, issue};
use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};
use crate::passphrase::PassphraseArguments;
use crate::ui::Ui;
use crate::when::{self, now, rfc3339};

const DAYS: u32 = 365;

/// The longest request's file, in bytes.
const MAX_BYTES: u64 = 16 << 10;

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
    for path in request_files(&arguments.renewals)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let judged = read(&path).and_then(|request| judge(&directory.registry, request, &name));
        match judged {
            Ok(renewal) if arguments.issue => due.push((path, renewal)),
            Ok(Renewable { not_after, .. }) => {
                requests.push(Renewal { name, state: State::Due { not_after } });
            }
            Err(reason) => requests.push(Renewal { name, state: State::Refused { reason } }),
        }
    }
    if !due.is_empty() {
        let passphrase = directory.passphrase(&arguments.passphrase.source())?;
        let issuing = directory.issuing(&passphrase)?;
        for (path, renewal) in due {
            let issuance = Issuance {
                name: &renewal.name,
                common_name: &renewal.common_name,
                days: arguments.days,
                subject: Subject::Request(&renewal.request),
            };
            let (chain, issued, _) = issue(&mut directory, &issuing, &issuance, now())
                .context(|| format!("no certificate was issued for {}", renewal.name))?;
            hand_over(&arguments.renewals, &renewal.name, &chain.to_pem())?;
            // The relay may have been faster.
            let _ = fs::remove_file(path);
            let (not_after, serial) = (issued.not_after, issued.serial.to_string());
            requests
                .push(Renewal { name: issued.name, state: State::Issued { not_after, serial } });
        }
    }
    ui.report(&Renewals { requests })?;
    warn::about_expiry(&directory.registry, now(), ui);
    Ok(())
}

/// A request that the registry entitles.
struct Renewable {
    request: CertificateRequest,
    name: LeafName,
    common_name: String,
    not_after: Timestamp,
}

/// The requests' files, sorted; none where none came yet.
fn request_files(renewals: &Path) -> Result<Vec<PathBuf>, Failure> {
    let directory = renewals.join("requests");
    if renewals.is_dir() && !directory.exists() {
        return Ok(Vec::new());
    }
    let read = |error| Failure::new(format!("{} cannot be read: {error}", directory.display()));
    let entries = fs::read_dir(&directory).map_err(read)?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "csr"));
    paths.sort();
    Ok(paths)
}

/// The relay wrote it, and may be in other hands.
fn read(path: &Path) -> Result<CertificateRequest, String> {
    let metadata = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err("it is no request's file".to_owned());
    }
    let pem = fs::read_to_string(path).map_err(|error| error.to_string())?;
    CertificateRequest::from_pem(&pem).map_err(|error| error.to_string())
}

/// Due is the renewal of a device's certificate that is good, for the same key, and half over.
fn judge(
    registry: &Registry,
    request: CertificateRequest,
    file: &str,
) -> Result<Renewable, String> {
    let name = match request.name() {
        Some(name @ LeafName::Device(_)) if name.as_str() == file => name.clone(),
        _ => return Err("it is not for the device that its file names".to_owned()),
    };
    let key = hex::encode(request.public_key().as_bytes());
    let now = now();
    let newest = registry.current(name.as_str(), now).next_back();
    let newest = newest.ok_or("no good certificate of that name was issued here")?;
    if newest.public_key != key {
        return Err("the newest certificate of that name is for another key".to_owned());
    }
    let validity = Validity { not_before: newest.not_before, not_after: newest.not_after };
    if alarm(validity, now).is_none() {
        let until = when::show_day(newest.not_after);
        return Err(format!("its certificate is good until {until}: it is too early"));
    }
    let (common_name, not_after) = (newest.common_name.clone(), newest.not_after);
    Ok(Renewable { request, name, common_name, not_after })
}

/// Puts a certificate where the relay looks for it, whole.
fn hand_over(renewals: &Path, name: &LeafName, pem: &str) -> Result<(), Failure> {
    let directory = renewals.join("issued");
    let path = directory.join(format!("{name}.pem"));
    let beside = directory.join(format!("{name}.new"));
    let written = |error| Failure::new(format!("{} cannot be written: {error}", path.display()));
    fs::create_dir_all(&directory).map_err(written)?;
    let _ = fs::remove_file(&beside);
    files::create(&beside, pem.as_bytes(), Mode::Public)?;
    fs::rename(&beside, &path).map_err(written)
}

impl fmt::Display for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.requests.is_empty() {
            return write!(f, "No device asks for a new certificate.");
        }
        for (index, Renewal { name, state }) in self.requests.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match state {
                State::Due { not_after } => {
                    write!(
                        f,
                        "Due      {name}, whose certificate ends {}",
                        when::show(*not_after)
                    )?;
                }
                State::Issued { not_after, .. } => {
                    write!(f, "Issued   {name}, good until {}", when::show(*not_after))?;
                }
                State::Refused { reason } => write!(f, "Refused  {name}: {reason}")?,
            }
        }
        Ok(())
    }
}
