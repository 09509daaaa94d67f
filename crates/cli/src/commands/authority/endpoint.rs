//! `enlace authority endpoint`

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use enlace_identity::endpoint::{
    EndpointRecord, Host, RelayAddress, RelayEndpoint, SignedEndpointRecord,
};
use enlace_identity::names::{Domain, ServiceKind, ServiceName};
use enlace_identity::time::{Timestamp, Validity};
use serde::Serialize;

use super::{AuthorityArgument, warn};
use crate::authority::{AddressEntry, Directory, EndpointState, RelayEntry, endpoint_signer};
use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};
use crate::passphrase::PassphraseArguments;
use crate::ui::Ui;
use crate::when::{self, DAY, now, rfc3339};

const DAYS: u32 = 365;

/// What `endpoint` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A relay and where to reach it, such as r1=relay.fge.example:4433 or r1=[2001:db8::1]:4433.
    /// Once for each address, all of them each time; without any, the last record is renewed.
    #[arg(long = "relay", value_name = "LABEL=HOST:PORT")]
    relays: Vec<RelayArgument>,
    /// How long the record counts.
    #[arg(long, default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=730))]
    days: u32,
    #[command(flatten)]
    authority: AuthorityArgument,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

/// `LABEL=HOST:PORT`
#[derive(Clone, Debug)]
struct RelayArgument {
    label: String,
    address: RelayAddress,
}

/// The text is no `LABEL=HOST:PORT`.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected a relay's label, its host in lower case and its UDP port, as in r1=relay.fge.example:4433"
)]
struct RelayArgumentError;

/// A new record.
#[derive(Debug, Serialize)]
struct Written {
    file: PathBuf,
    version: u64,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
    relays: Vec<Relay>,
}

#[derive(Debug, Serialize)]
struct Relay {
    name: String,
    addresses: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let mut directory = arguments.authority.open()?;
    let relays = if arguments.relays.is_empty() {
        known_relays(&directory)?
    } else {
        named_relays(&arguments.relays, directory.domain())?
    };
    let passphrase = directory.passphrase(&arguments.passphrase.source())?;
    let issuing = directory.issuing(&passphrase)?;
    let (key, chain) = endpoint_signer(&mut directory, &issuing, &passphrase, now())?;

    let version = directory.registry.endpoint.as_ref().map_or(1, |state| state.version + 1);
    let validity =
        Validity { not_before: now().minus(DAY / 24), not_after: now().plus(DAY * arguments.days) };
    let record = EndpointRecord { domain: directory.domain().clone(), version, validity, relays };
    let signed = SignedEndpointRecord::sign(&record, &key, chain)?;
    directory.registry.endpoint = Some(state(&record));
    directory.save()?;
    let file = directory.public("endpoint");
    files::replace(&file, &signed.encode(), Mode::Public)?;
    ui.report(&written(&record, file.clone()))?;
    ui.note(format_args!("\nHand {} to your relays and officers, and to the", file.display()));
    ui.note("other authorities of the network.");
    warn::about_expiry(&directory.registry, now(), ui);
    Ok(())
}

fn named_relays(relays: &[RelayArgument], domain: &Domain) -> Result<Vec<RelayEndpoint>, Failure> {
    let mut named: BTreeMap<ServiceName, Vec<RelayAddress>> = BTreeMap::new();
    for RelayArgument { label, address } in relays {
        let name = ServiceName::new(label, ServiceKind::Relay, domain)?;
        named.entry(name).or_default().push(address.clone());
    }
    Ok(named.into_iter().map(|(name, addresses)| RelayEndpoint { name, addresses }).collect())
}

pub(super) fn known_relays(directory: &Directory) -> Result<Vec<RelayEndpoint>, Failure> {
    let Some(state) = &directory.registry.endpoint else {
        return Err(Failure::new("where the relays are is not known yet")
            .hint("Name each of them with --relay LABEL=HOST:PORT."));
    };
    let address = |entry: &AddressEntry| -> Result<RelayAddress, Failure> {
        Ok(RelayAddress { host: entry.host.parse()?, port: entry.port })
    };
    let relay = |entry: &RelayEntry| -> Result<RelayEndpoint, Failure> {
        let addresses = entry.addresses.iter().map(address).collect::<Result<_, _>>()?;
        Ok(RelayEndpoint { name: entry.name.parse()?, addresses })
    };
    let relays = state.relays.iter().map(relay).collect::<Result<_, _>>();
    relays.context(|| "the registry's endpoint record is damaged".to_owned())
}

fn state(record: &EndpointRecord) -> EndpointState {
    let address = |address: &RelayAddress| AddressEntry {
        host: address.host.to_string(),
        port: address.port,
    };
    let relay = |relay: &RelayEndpoint| RelayEntry {
        name: relay.name.to_string(),
        addresses: relay.addresses.iter().map(address).collect(),
    };
    EndpointState {
        version: record.version,
        not_before: record.validity.not_before,
        not_after: record.validity.not_after,
        relays: record.relays.iter().map(relay).collect(),
    }
}

fn written(record: &EndpointRecord, file: PathBuf) -> Written {
    let relay = |relay: &RelayEndpoint| Relay {
        name: relay.name.to_string(),
        addresses: relay.addresses.iter().map(ToString::to_string).collect(),
    };
    Written {
        file,
        version: record.version,
        not_after: record.validity.not_after,
        relays: record.relays.iter().map(relay).collect(),
    }
}

impl FromStr for RelayArgument {
    type Err = RelayArgumentError;

    fn from_str(text: &str) -> Result<Self, RelayArgumentError> {
        let parse = || -> Option<Self> {
            let (label, address) = text.split_once('=')?;
            let (host, port) = address.rsplit_once(':')?;
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            if bare.is_none() && host.contains(':') {
                return None;
            }
            let host: Host = bare.unwrap_or(host).parse().ok()?;
            let port = port.parse().ok().filter(|port| *port != 0)?;
            Some(Self { label: label.to_owned(), address: RelayAddress { host, port } })
        };
        parse().ok_or(RelayArgumentError)
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Signed endpoint record {}.", self.version)?;
        for Relay { name, addresses } in &self.relays {
            writeln!(f, "{name}  {}", addresses.join("  "))?;
        }
        writeln!(f, "Good until  {}", when::show(self.not_after))?;
        write!(f, "File        {}", self.file.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_are_named_with_their_addresses() {
        let shown = |text: &str| {
            text.parse::<RelayArgument>().map(|a| (a.label, a.address.to_string())).ok()
        };
        let some = |label: &str, address: &str| Some((label.to_owned(), address.to_owned()));
        assert_eq!(shown("r1=relay.fge.example:4433"), some("r1", "relay.fge.example:4433"));
        assert_eq!(shown("r1=[2001:db8::1]:4433"), some("r1", "[2001:db8::1]:4433"));
        for bad in
            ["r1", "r1=", "r1=host", "r1=host:0", "r1=Host:1", "r1=2001:db8::1:1", "r1=h:70000"]
        {
            assert_eq!(shown(bad), None, "{bad}");
        }
    }
}
