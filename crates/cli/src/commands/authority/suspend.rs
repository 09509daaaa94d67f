//! `enlace authority suspend`, `enlace authority lift`
//!
//! What the duty officer does at three in the morning. It takes the duty key, its certificate and
//! the last statement, and neither the authority's directory nor any other of its keys.

use std::fmt;
use std::path::{Path, PathBuf};

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::{KeyFileError, SigningKey};
use enlace_identity::names::{Domain, LeafName, ServiceKind};
use enlace_identity::suspension::{SignedSuspensions, Suspended, SuspensionStatement};
use enlace_identity::time::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};
use crate::language::Language;
use crate::passphrase::PassphraseArguments;
use crate::ui::Ui;
use crate::when::{self, DAY, now, parse_end, rfc3339};

/// How long a suspension lasts if nothing is said.
const DAYS: u32 = 14;

/// What `suspend` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct SuspendArguments {
    /// An officer's address, for all devices, or the name of one device.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<Suspended>,
    /// Until when: a day, which counts in full (UTC), or a time such as 2026-12-24T18:00Z; at most
    /// 90 days. It holds for all who are suspended, and is never brought forward. 14 days if not
    /// said.
    #[arg(long, value_name = "TIME", value_parser = parse_end)]
    until: Option<Timestamp>,
    #[command(flatten)]
    duty: DutyArguments,
}

/// What `lift` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct LiftArguments {
    /// Whose suspension ends, as it was stated.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<Suspended>,
    #[command(flatten)]
    duty: DutyArguments,
}

#[derive(Debug, clap::Args)]
struct DutyArguments {
    #[command(flatten)]
    key: DutyKeyArguments,
    /// The authority's statement about suspensions: the last one is read and the next one written
    /// here. `<domain>.suspensions` if not said.
    #[arg(long, value_name = "FILE")]
    statement: Option<PathBuf>,
}

/// A duty key.
#[derive(Debug, clap::Args)]
pub(super) struct DutyKeyArguments {
    /// The duty key's file.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The duty key's certificate, as it was issued.
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

/// A new statement.
#[derive(Debug, Serialize)]
struct Stated {
    file: PathBuf,
    serial: u64,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
    suspended: Vec<String>,
}

/// The duty key, and where the statement is.
struct Duty {
    domain: Domain,
    key: SigningKey,
    chain: UnverifiedChain,
    file: PathBuf,
}

pub(crate) fn suspend(arguments: &SuspendArguments, ui: &Ui) -> Result<(), Failure> {
    let duty = arguments.duty.open()?;
    let (mut statement, now) = (duty.last()?, now());
    let until = arguments.until.unwrap_or_else(|| now.plus(DAY * DAYS));
    if until <= now {
        return Err(Failure::new("the suspension would be over already"));
    }
    if statement.not_after <= now {
        statement.suspended.clear();
    }
    if let Some(other) = arguments.names.iter().find(|name| *name.domain() != duty.domain) {
        return Err(Failure::new(format!("{other} does not belong to {}", duty.domain)));
    }
    let is_first = statement.serial == 0;
    let named = |name: &Suspended| arguments.names.contains(name);
    let prolonged: Vec<String> = if until > statement.not_after {
        statement.suspended.iter().filter(|name| !named(name)).map(Suspended::to_string).collect()
    } else {
        Vec::new()
    };
    for name in &arguments.names {
        if !statement.suspended.contains(name) {
            statement.suspended.push(name.clone());
        }
    }
    statement.not_after = statement.not_after.max(until);
    duty.state(statement, now, ui)?;
    if is_first {
        let file = duty.file.display();
        ui.warning(format_args!(
            "there was no {file} here. If {} has a newer statement elsewhere, this one lets in again \
             whom only that one suspends: begin from the newest file.",
            duty.domain
        ));
    }
    if !prolonged.is_empty() {
        let (whom, until) = (prolonged.join(", "), when::show(until));
        ui.warning(format_args!(
            "all who are suspended have the same end, now {until}; so have {whom}. \
             Lift whoever is to come back earlier when it is time."
        ));
    }
    Ok(())
}

pub(crate) fn lift(arguments: &LiftArguments, ui: &Ui) -> Result<(), Failure> {
    let duty = arguments.duty.open()?;
    let (mut statement, now) = (duty.last()?, now());
    if statement.not_after <= now {
        return Err(Failure::new("nobody is suspended")
            .hint("The last statement has ended, or is not here: name it with --statement."));
    }
    for name in &arguments.names {
        if !statement.suspended.contains(name) {
            let listed: Vec<_> = statement.suspended.iter().map(Suspended::to_string).collect();
            return Err(Failure::new(format!("{name} is not suspended by itself"))
                .hint(format!("Suspended are: {}.", listed.join(", "))));
        }
        statement.suspended.retain(|suspended| suspended != name);
    }
    duty.state(statement, now, ui)
}

impl DutyArguments {
    fn open(&self) -> Result<Duty, Failure> {
        let (domain, key, chain) = self.key.open()?;
        let standard = || PathBuf::from(format!("{domain}.suspensions"));
        let file = self.statement.clone().unwrap_or_else(standard);
        Ok(Duty { domain, key, chain, file })
    }
}

impl DutyKeyArguments {
    /// The authority, its duty key, and that key's certificates.
    pub(super) fn open(&self) -> Result<(Domain, SigningKey, UnverifiedChain), Failure> {
        let place = self.certificate.display();
        let chain = UnverifiedChain::from_pem(&files::read_text(&self.certificate)?)
            .context(|| format!("{place} cannot be used"))?;
        let name = chain.unverified_name().context(|| format!("{place} cannot be used"))?;
        let domain = match &name {
            LeafName::Service(service) if service.kind() == ServiceKind::Duty => service.domain(),
            _ => {
                return Err(Failure::new(format!("{name} is not the name of a duty key"))
                    .hint("`enlace authority issue --duty d1` certifies one."));
            }
        };
        let key = self.unlock(&name)?;
        if !chain.is_for_key(&key.public()) {
            return Err(Failure::new(format!("{place} is the certificate of another key")));
        }
        Ok((domain.clone(), key, chain))
    }

    fn unlock(&self, name: &LeafName) -> Result<SigningKey, Failure> {
        let pem = Zeroizing::new(files::read_text(&self.key)?);
        let key = match SigningKey::from_pem(&pem, None) {
            Err(KeyFileError::PassphraseNeeded) => {
                let what = format!("the duty key {name}");
                let passphrase = self.passphrase.source().existing(&what, Language::En)?;
                SigningKey::from_pem(&pem, Some(&passphrase))
            }
            read => read,
        };
        key.context(|| format!("{} cannot be opened", self.key.display()))
    }
}

impl Duty {
    /// The last statement; where there is none, one that has ended.
    fn last(&self) -> Result<SuspensionStatement, Failure> {
        if !self.file.exists() {
            return Ok(SuspensionStatement {
                domain: self.domain.clone(),
                serial: 0,
                issued_at: Timestamp::default(),
                not_after: Timestamp::default(),
                suspended: Vec::new(),
            });
        }
        let statement = read(&self.file)?;
        if statement.domain != self.domain {
            let (place, domain) = (self.file.display(), &statement.domain);
            return Err(Failure::new(format!("{place} is a statement of {domain}")));
        }
        Ok(statement)
    }

    /// The serial is at least the clock's seconds, so that it is higher than that of a statement
    /// that never came here.
    fn state(
        &self,
        mut statement: SuspensionStatement,
        now: Timestamp,
        ui: &Ui,
    ) -> Result<(), Failure> {
        statement.serial = statement.serial.saturating_add(1).max(now.as_secs());
        statement.issued_at = now.max(Timestamp::from_secs(statement.serial));
        statement.suspended.sort_by_key(Suspended::to_string);
        let certified = self.chain.unverified_validity()?;
        if statement.not_after > certified.not_after {
            let end = when::show(certified.not_after);
            return Err(Failure::new(format!("the duty key's certificate ends on {end}"))
                .hint("Name an earlier end with --until, or let the registrar renew it."));
        }
        let longest = statement.issued_at.plus(SuspensionStatement::MAX_LENGTH);
        if statement.not_after > longest {
            let longest = when::show(longest);
            return Err(Failure::new(format!("a suspension made now ends by {longest}"))
                .hint("Suspend again before it ends, or revoke."));
        }
        let signed = SignedSuspensions::sign(&statement, &self.key, self.chain.clone())?;
        files::replace(&self.file, &signed.encode(), Mode::Public)?;
        ui.report(&Stated {
            file: self.file.clone(),
            serial: statement.serial,
            not_after: statement.not_after,
            suspended: statement.suspended.iter().map(Suspended::to_string).collect(),
        })?;
        ui.note(format_args!(
            "\nPut {} where your relays read their lists, now:",
            self.file.display()
        ));
        ui.note("they pass it on to the whole network within seconds.");
        Ok(())
    }
}

fn read(file: &Path) -> Result<SuspensionStatement, Failure> {
    let read = SignedSuspensions::decode(&files::read(file)?);
    read.and_then(|signed| signed.unverified_statement())
        .context(|| format!("{} is no statement about suspensions", file.display()))
}

impl fmt::Display for Stated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.suspended.is_empty() {
            writeln!(f, "Nobody is suspended any more.")?;
        } else {
            writeln!(f, "Suspended until {}:", when::show(self.not_after))?;
        }
        for name in &self.suspended {
            writeln!(f, "  {name}")?;
        }
        write!(f, "Statement {} in {}", self.serial, self.file.display())
    }
}
