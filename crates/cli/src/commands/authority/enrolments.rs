//! `enlace authority enrolments`: devices that come with an invitation. What the relay keeps for the
//! registrar is verified again: the relay can put no other request in its place.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use enlace_identity::invitation::Enrolment;
use enlace_identity::issue::IssuingCa;
use enlace_identity::names::LeafName;
use enlace_identity::time::Timestamp;
use serde::Serialize;

use super::handing::{files_of, hand_over, issue_to, issued_file, read, refuse_unanswered};
use super::{AuthorityArgument, warn};
use crate::authority::{Claim, Directory, Invited, Issuance, Subject, claim};
use crate::failure::Failure;
use crate::fingerprint::key_digest;
use crate::passphrase::PassphraseArguments;
use crate::ui::Ui;
use crate::when::{self, DAY, now, rfc3339};

const DAYS: u32 = 365;

/// How long after the end of an invitation its files stay, for a device that was away.
const KEPT_DAYS: u32 = 30;

/// What `enrolments` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The relay's directory of enrolments: `enrolments` in its data directory.
    #[arg(value_name = "DIR")]
    enrolments: PathBuf,
    /// Issue what was approved; for a daily job.
    #[arg(long)]
    issue: bool,
    /// Approve of the request with this key, whose digits the officer has read out to you, and
    /// issue. May be given several times.
    #[arg(long, value_name = "DIGITS")]
    approve: Vec<String>,
    /// Withdraw the invitation of this device, unless it was used.
    #[arg(long, value_name = "DEVICE")]
    withdraw: Vec<String>,
    /// How long the certificates hold.
    #[arg(long, default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    #[command(flatten)]
    authority: AuthorityArgument,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

/// The invitations and requests, and what became of them.
#[derive(Debug, Serialize)]
struct Enrolments {
    enrolments: Vec<Item>,
}

#[derive(Debug, Serialize)]
struct Item {
    name: String,
    #[serde(flatten)]
    state: State,
}

/// How an invitation or a request stands.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum State {
    /// Nobody has come with it yet.
    Invited {
        #[serde(with = "rfc3339")]
        not_after: Timestamp,
    },
    /// It was withdrawn now.
    Withdrawn,
    /// The key has to be compared.
    Waits { common_name: String, key: String },
    /// It can be answered.
    Due { common_name: String, key: String },
    /// It was answered now.
    Issued {
        #[serde(with = "rfc3339")]
        not_after: Timestamp,
        serial: String,
    },
    /// It was answered before; the certificate lies where the relay looks for it.
    Answered {
        #[serde(with = "rfc3339")]
        not_after: Timestamp,
    },
    /// It should have been answered now, and was not.
    Failed { reason: String },
    /// It is not answered.
    Refused { reason: String },
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let mut directory = arguments.authority.open()?;
    let shared = &arguments.enrolments;
    if !shared.is_dir() && directory.registry.invitations.is_empty() {
        return Err(Failure::new(format!("{} is no directory", shared.display())));
    }
    let mut items = withdraw(&mut directory, &arguments.withdraw, shared)?;
    tidy(&directory, shared)?;
    let requests = requests(shared)?;
    items.extend(unused(&directory, &requests));

    let approved = approved(&arguments.approve, &requests)?;
    let mut due = Vec::new();
    for (file, request) in &requests {
        let name = file.clone();
        let enrolment = match request {
            Ok(enrolment) => enrolment,
            Err(reason) => {
                items.push(Item { name, state: State::Refused { reason: reason.clone() } });
                continue;
            }
        };
        let (name, key) = (shown_name(enrolment, &name), shown_key(enrolment));
        let state = match claim(&directory.registry, enrolment, &approved, now()) {
            Ok(Claim::Due(invited)) => {
                let is_approved = approved.contains(&hex_key(enrolment));
                if arguments.issue || is_approved {
                    due.push((enrolment, invited.clone()));
                    continue;
                }
                State::Due { common_name: invited.common_name.clone(), key }
            }
            Ok(Claim::Waits(invited)) => {
                State::Waits { common_name: invited.common_name.clone(), key }
            }
            Ok(Claim::Answered(issued)) => {
                let (serial, not_after) = (issued.serial.to_string(), issued.not_after);
                let kept = directory.read_issued(&issued.name, &serial);
                let path = issued_file(shared, file);
                let handed = kept.and_then(|kept| hand_over(&path, kept.to_pem().as_bytes()));
                handed.map_or_else(|e| failed(&e), |()| State::Answered { not_after })
            }
            Err(reason) => State::Refused { reason: reason.to_owned() },
        };
        items.push(Item { name, state });
    }
    if !due.is_empty() {
        let passphrase = directory.passphrase(&arguments.passphrase.source())?;
        let issuing = directory.issuing(&passphrase)?;
        for (enrolment, invited) in due {
            let answered = answer(&mut directory, &issuing, enrolment, &invited, arguments);
            let state = answered.unwrap_or_else(|failure| failed(&failure));
            items.push(Item { name: invited.device.to_string(), state });
        }
    }
    let unanswered = items.iter().filter(|i| matches!(i.state, State::Failed { .. })).count();
    ui.report(&Enrolments { enrolments: items })?;
    warn::about_expiry(&directory.registry, now(), ui);
    refuse_unanswered(unanswered)
}

/// Tells the relay of an invitation.
pub(super) fn hand_verifier_over(shared: &Path, invited: &Invited) -> Result<(), Failure> {
    let damaged = || Failure::new("the registry's invitation is damaged");
    let bytes = invited.verifier().ok_or_else(damaged)?.encode();
    hand_over(&verifier_file(shared, &invited.invitation), &bytes)
}

type Read = Result<Enrolment, String>;

/// What the relay keeps, each with its file's name. A file that was put in another's place is none.
fn requests(shared: &Path) -> Result<Vec<(String, Read)>, Failure> {
    let request = |path: PathBuf| {
        let file = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let decoded = read(&path)
            .and_then(|bytes| Enrolment::decode(&bytes).map_err(|error| error.to_string()))
            .and_then(|enrolment| {
                let is_own = hex::encode(enrolment.invitation().as_bytes()) == file;
                is_own.then_some(enrolment).ok_or_else(|| "it is of another invitation".to_owned())
            });
        (file, decoded)
    };
    Ok(files_of(shared, "requests", "enrolment")?.into_iter().map(request).collect())
}

/// The keys, in full, that these digits name. Approved is what was compared, not what lies there.
fn approved(digits: &[String], requests: &[(String, Read)]) -> Result<Vec<String>, Failure> {
    let compact = |text: &str| text.split_whitespace().collect::<String>().to_ascii_lowercase();
    let named = |digits: &String| {
        let mut enrolments = requests.iter().filter_map(|(_, request)| request.as_ref().ok());
        enrolments
            .find(|enrolment| compact(&shown_key(enrolment)) == compact(digits))
            .map(hex_key)
            .ok_or_else(|| {
                Failure::new(format!("no request has the key {digits}"))
                    .hint("All of its digits are expected, as they are shown and read out.")
            })
    };
    digits.iter().map(named).collect()
}

fn withdraw(
    directory: &mut Directory,
    names: &[String],
    shared: &Path,
) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::new();
    for name in names {
        let mut invitations = directory.registry.invitations.iter_mut();
        let open = |invited: &&mut Invited| {
            invited.device.as_str() == name && !invited.withdrawn && invited.key.is_none()
        };
        let invited = invitations.find(open).ok_or_else(|| {
            Failure::new(format!("no invitation of {name} can be withdrawn"))
                .hint("If it has a certificate by now: `enlace authority revoke`.")
        })?;
        invited.withdrawn = true;
        let invitation = invited.invitation.clone();
        directory.save()?;
        remove(&verifier_file(shared, &invitation));
        items.push(Item { name: name.clone(), state: State::Withdrawn });
    }
    Ok(items)
}

/// The relay knows of the invitations that count, and of no others.
fn tidy(directory: &Directory, shared: &Path) -> Result<(), Failure> {
    let now = now();
    for invited in &directory.registry.invitations {
        let is_used = request_file(shared, &invited.invitation).exists();
        let days = if is_used { KEPT_DAYS } else { 0 };
        if !invited.withdrawn && now < invited.not_after.plus(DAY * days) {
            hand_verifier_over(shared, invited)?;
            continue;
        }
        remove(&verifier_file(shared, &invited.invitation));
        if now >= invited.not_after.plus(DAY * KEPT_DAYS) {
            remove(&request_file(shared, &invited.invitation));
            remove(&issued_file(shared, &invited.invitation));
        }
    }
    Ok(())
}

/// The invitations that nobody has come with.
fn unused(directory: &Directory, requests: &[(String, Read)]) -> Vec<Item> {
    let now = now();
    let came = |invited: &Invited| requests.iter().any(|(file, _)| *file == invited.invitation);
    let invitations = directory.registry.invitations.iter();
    let open = invitations.filter(|invited| invited.is_open(now) && !came(invited));
    open.map(|invited| Item {
        name: invited.device.to_string(),
        state: State::Invited { not_after: invited.not_after },
    })
    .collect()
}

/// Issues what a request is for, and hands it over. Which key the invitation serves is on record
/// first.
fn answer(
    directory: &mut Directory,
    issuing: &IssuingCa,
    enrolment: &Enrolment,
    invited: &Invited,
    arguments: &Arguments,
) -> Result<State, Failure> {
    let mut invitations = directory.registry.invitations.iter_mut();
    if let Some(entry) = invitations.find(|entry| entry.invitation == invited.invitation) {
        entry.key = Some(hex_key(enrolment));
    }
    directory.save()?;
    let name = LeafName::Device(invited.device.clone());
    let issuance = Issuance {
        name: &name,
        common_name: &invited.common_name,
        days: arguments.days,
        subject: Subject::Request(enrolment.request()),
    };
    let to = issued_file(&arguments.enrolments, &invited.invitation);
    let issued = issue_to(&to, directory, issuing, &issuance)?;
    Ok(State::Issued { not_after: issued.not_after, serial: issued.serial.to_string() })
}

fn verifier_file(shared: &Path, invitation: &str) -> PathBuf {
    shared.join("invitations").join(format!("{invitation}.verifier"))
}

fn request_file(shared: &Path, invitation: &str) -> PathBuf {
    shared.join("requests").join(format!("{invitation}.enrolment"))
}

/// What is gone already is gone.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

fn hex_key(enrolment: &Enrolment) -> String {
    hex::encode(enrolment.request().public_key().as_bytes())
}

fn shown_key(enrolment: &Enrolment) -> String {
    key_digest(&enrolment.request().public_key())
}

fn shown_name(enrolment: &Enrolment, file: &str) -> String {
    enrolment.request().name().map_or_else(|| file.to_owned(), ToString::to_string)
}

fn failed(failure: &Failure) -> State {
    State::Failed { reason: failure.messages().join(": ") }
}

impl fmt::Display for Enrolments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.enrolments.is_empty() {
            return write!(f, "Nobody is invited, and nobody asks.");
        }
        for Item { name, state } in &self.enrolments {
            match state {
                State::Invited { not_after } => {
                    writeln!(f, "Invited    {name}, until {}", when::show(*not_after))
                }
                State::Withdrawn => writeln!(f, "Withdrawn  {name}"),
                State::Waits { common_name, key } => {
                    writeln!(f, "Asks       {name} ({common_name}), with the key {key}")?;
                    let indent = "           ";
                    writeln!(f, "{indent}Have the key read out to you; then: --approve \"{key}\"")
                }
                State::Due { common_name, key } => {
                    writeln!(f, "Due        {name} ({common_name}), with the key {key}")
                }
                State::Issued { not_after, .. } => {
                    writeln!(f, "Issued     {name}, good until {}", when::show(*not_after))
                }
                State::Answered { not_after } => {
                    writeln!(f, "Answered   {name}, good until {}", when::show(*not_after))
                }
                State::Failed { reason } => writeln!(f, "Failed     {name}: {reason}"),
                State::Refused { reason } => writeln!(f, "Refused    {name}: {reason}"),
            }?;
        }
        Ok(())
    }
}
