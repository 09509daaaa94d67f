//! `enlace authority mandate`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::mandate::{Mandate, SignedMandate};
use enlace_identity::names::OfficerAddress;
use enlace_identity::time::Timestamp;
use serde::Serialize;

use super::suspend::DutyKeyArguments;
use crate::failure::Failure;
use crate::files::{self, Mode};
use crate::ui::Ui;
use crate::when::{self, DAY, now, parse_end, rfc3339};

/// How long somebody stands in if nothing is said.
const DAYS: u32 = 30;

/// What `mandate` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Who is to stand in as a lead.
    #[arg(value_name = "NAME@DOMAIN")]
    officer: OfficerAddress,
    /// In which channel: its whole id, as `enlace channel show` says it.
    #[arg(long, value_name = "ID", value_parser = parse_channel)]
    channel: Id,
    /// Until when: a day, which counts in full (UTC), or a time such as 2026-12-24T18:00Z; at most
    /// 90 days. 30 days if not said.
    #[arg(long, value_name = "TIME", value_parser = parse_end)]
    until: Option<Timestamp>,
    /// Where the mandate is written, for the owner of the channel.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    duty: DutyKeyArguments,
}

#[derive(Clone, Copy, Debug)]
struct Id([u8; 32]);

fn parse_channel(text: &str) -> Result<Id, String> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Id).ok_or_else(|| "a channel's id has 64 hexadecimal digits".to_owned())
}

/// A new mandate.
#[derive(Debug, Serialize)]
struct Mandated {
    file: PathBuf,
    officer: String,
    channel: String,
    serial: u64,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let (domain, key, chain) = arguments.duty.open()?;
    let officer = &arguments.officer;
    if *officer.domain() != domain {
        return Err(Failure::new(format!("{officer} does not belong to {domain}")));
    }
    let now = now();
    let not_after = arguments.until.unwrap_or_else(|| now.plus(DAY * DAYS));
    if not_after <= now {
        return Err(Failure::new("the mandate would be over already"));
    }
    let longest = now.plus(Mandate::MAX_LENGTH);
    if not_after > longest {
        let longest = when::show(longest);
        return Err(Failure::new(format!("a mandate made now ends by {longest}")));
    }
    let Id(channel) = arguments.channel;
    let mandate = Mandate { channel, officer: officer.clone(), serial: now.as_secs(), not_after };
    let signed = SignedMandate::sign(&mandate, &key, chain);
    files::replace(&arguments.out, &signed.encode(), Mode::Public)?;
    ui.report(&Mandated {
        file: arguments.out.clone(),
        officer: officer.to_string(),
        channel: hex::encode(channel),
        serial: mandate.serial,
        not_after,
    })?;
    ui.note("Send it to the owner of the channel, who says: enlace channel stand-in CHANNEL FILE");
    Ok(())
}

impl fmt::Display for Mandated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (officer, file) = (&self.officer, self.file.display());
        let end = when::show(self.not_after);
        writeln!(f, "{officer} may stand in until {end}.")?;
        write!(f, "Mandate {} in {file}", self.serial)
    }
}
