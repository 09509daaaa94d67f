//! `enlace authority list`

use std::fmt;

use enlace_identity::time::Timestamp;
use enlace_identity::warnings::alarm;
use serde::Serialize;

use super::{AuthorityArgument, warn};
use crate::authority::{EndpointState, Issued, Kind, ListState, Registry, Revoked, Standing};
use crate::failure::Failure;
use crate::ui::Ui;
use crate::when::{self, now, rfc3339};

/// What `list` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only what has run half of its life or more, and was not replaced.
    #[arg(long)]
    expiring: bool,
    #[command(flatten)]
    authority: AuthorityArgument,
}

#[derive(Debug, Serialize)]
struct Listing {
    domain: String,
    name: String,
    country: String,
    certificates: Vec<Row>,
    revocation_lists: Vec<ListRow>,
    endpoint_record: Option<EndpointRow>,
}

#[derive(Debug, Serialize)]
struct Row {
    serial: String,
    kind: Kind,
    name: String,
    common_name: String,
    #[serde(with = "rfc3339")]
    not_before: Timestamp,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
    standing: Standing,
    revoked: Option<Revoked>,
}

#[derive(Debug, Serialize)]
struct ListRow {
    issuer: Kind,
    number: u64,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
    standing: Standing,
}

#[derive(Debug, Serialize)]
struct EndpointRow {
    version: u64,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
    standing: Standing,
    relays: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let directory = arguments.authority.open()?;
    let mut listing = listing(&directory.registry, now());
    if arguments.expiring {
        listing.certificates.retain(|row| is_due(row.standing));
        listing.revocation_lists.retain(|row| is_due(row.standing));
        listing.endpoint_record = listing.endpoint_record.filter(|row| is_due(row.standing));
    }
    ui.report(&listing)?;
    warn::about_expiry(&directory.registry, now(), ui);
    Ok(())
}

fn is_due(standing: Standing) -> bool {
    matches!(standing, Standing::HalfOver | Standing::ExpiresSoon | Standing::Expired)
}

fn listing(registry: &Registry, now: Timestamp) -> Listing {
    let standings = registry.standings(now).into_iter();
    Listing {
        domain: registry.domain.to_string(),
        name: registry.name.clone(),
        country: registry.country.clone(),
        certificates: standings.map(|(issued, standing)| row(issued, standing)).collect(),
        revocation_lists: vec![
            list_row(Kind::Root, &registry.root_list, now),
            list_row(Kind::IssuingCa, &registry.issuing_list, now),
        ],
        endpoint_record: registry.endpoint.as_ref().map(|state| endpoint_row(state, now)),
    }
}

fn row(issued: &Issued, standing: Standing) -> Row {
    Row {
        serial: issued.serial.to_string(),
        kind: issued.kind,
        name: issued.name.clone(),
        common_name: issued.common_name.clone(),
        not_before: issued.not_before,
        not_after: issued.not_after,
        standing,
        revoked: issued.revoked.clone(),
    }
}

fn list_row(issuer: Kind, list: &ListState, now: Timestamp) -> ListRow {
    let standing = Standing::from(alarm(list.validity(), now));
    ListRow { issuer, number: list.number, not_after: list.not_after, standing }
}

fn endpoint_row(state: &EndpointState, now: Timestamp) -> EndpointRow {
    EndpointRow {
        version: state.version,
        not_after: state.not_after,
        standing: Standing::from(alarm(state.validity(), now)),
        relays: state.relays.iter().map(|relay| relay.name.clone()).collect(),
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}, {})", self.name, self.domain, self.country)?;
        for row in &self.certificates {
            let until = when::show_day(row.not_after);
            let Row { name, common_name, serial, standing, .. } = row;
            writeln!(f, "{until}  {:<12}  {serial}  {name} ({common_name})", words(*standing))?;
        }
        for row in &self.revocation_lists {
            let until = when::show_day(row.not_after);
            let of = if row.issuer == Kind::Root { "root" } else { "issuing CA" };
            let words = words(row.standing);
            writeln!(f, "{until}  {words:<12}  revocation list {} of the {of}", row.number)?;
        }
        if let Some(row) = &self.endpoint_record {
            let until = when::show_day(row.not_after);
            let (words, version) = (words(row.standing), row.version);
            let relays = row.relays.join(", ");
            writeln!(f, "{until}  {words:<12}  endpoint record {version}: {relays}")?;
        }
        Ok(())
    }
}

fn words(standing: Standing) -> &'static str {
    match standing {
        Standing::Valid => "valid",
        Standing::HalfOver => "half over",
        Standing::ExpiresSoon => "expires soon",
        Standing::Expired => "expired",
        Standing::Replaced => "replaced",
        Standing::Revoked => "revoked",
    }
}
