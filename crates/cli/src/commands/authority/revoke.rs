//! `enlace authority revoke`

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::{AuthorityArgument, warn};
use crate::authority::{
    Directory, ISSUING_LIST_DAYS, Kind, ROOT_LIST_DAYS, Revoked, RootKeyArguments,
    write_issuing_list, write_root_list,
};
use crate::failure::Failure;
use crate::passphrase::PassphraseArguments;
use crate::ui::Ui;
use crate::when::now;

/// What `revoke` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A serial number, a certificate's name, an officer's address for all of the officer's
    /// devices, or `issuing-ca`.
    #[arg(value_name = "SERIAL|NAME")]
    what: String,
    /// Why, for the registry; it is not published.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only say what would be revoked.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    authority: AuthorityArgument,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    #[command(flatten)]
    root_key: RootKeyArguments,
}

#[derive(Debug, Serialize)]
struct Withdrawn {
    revoked: Vec<Entry>,
    dry_run: bool,
    /// The new list.
    crl: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    common_name: String,
    serial: String,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let mut directory = arguments.authority.open()?;
    let chosen = choose(&directory, &arguments.what)?;
    let entries = chosen.iter().map(|index| entry(&directory, *index)).collect();
    if arguments.dry_run {
        return ui.report(&Withdrawn { revoked: entries, dry_run: true, crl: None });
    }
    let of_root = chosen.iter().any(|index| is_issuing_ca(&directory, *index));
    let crl = if of_root {
        let root = directory.root(&arguments.root_key)?;
        mark(&mut directory, &chosen, arguments.reason.as_deref());
        write_root_list(&mut directory, &root, now(), ROOT_LIST_DAYS)?
    } else {
        let passphrase = directory.passphrase(&arguments.passphrase.source())?;
        let issuing = directory.issuing(&passphrase)?;
        mark(&mut directory, &chosen, arguments.reason.as_deref());
        write_issuing_list(&mut directory, &issuing, now(), ISSUING_LIST_DAYS)?
    };
    ui.report(&Withdrawn { revoked: entries, dry_run: false, crl: Some(crl.clone()) })?;
    ui.note(format_args!("\nPut {} where your relays read their lists, now:", crl.display()));
    ui.note("until they have it, the certificate still counts.");
    warn::about_expiry(&directory.registry, now(), ui);
    Ok(())
}

/// The certificates that are meant and not revoked yet.
fn choose(directory: &Directory, what: &str) -> Result<Vec<usize>, Failure> {
    let registry = &directory.registry;
    let named = registry.named(what);
    if named.is_empty() {
        return Err(Failure::new(format!("nothing of that name was issued: {what}"))
            .hint("`enlace authority list` shows names and serial numbers."));
    }
    if named.iter().any(|index| registry.certificates[*index].kind == Kind::Root) {
        return Err(Failure::new("a root cannot revoke itself")
            .hint("The network's members take it out of the next bundle."));
    }
    let left = |index: &usize| registry.certificates[*index].revoked.is_none();
    let left: Vec<usize> = named.into_iter().filter(left).collect();
    if left.is_empty() {
        return Err(Failure::new(format!("{what} is revoked already"))
            .hint("`enlace authority crl` writes the list again."));
    }
    Ok(left)
}

fn is_issuing_ca(directory: &Directory, index: usize) -> bool {
    directory.registry.certificates[index].kind == Kind::IssuingCa
}

fn mark(directory: &mut Directory, chosen: &[usize], reason: Option<&str>) {
    for index in chosen {
        let revoked = Revoked { at: now(), reason: reason.map(str::to_owned) };
        directory.registry.certificates[*index].revoked = Some(revoked);
    }
}

fn entry(directory: &Directory, index: usize) -> Entry {
    let issued = &directory.registry.certificates[index];
    Entry {
        name: issued.name.clone(),
        common_name: issued.common_name.clone(),
        serial: issued.serial.to_string(),
    }
}

impl fmt::Display for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.dry_run { "Would revoke" } else { "Revoked" };
        for Entry { name, common_name, serial } in &self.revoked {
            writeln!(f, "{verb} {name} ({common_name}), serial {serial}")?;
        }
        match &self.crl {
            Some(crl) => write!(f, "New list  {}", crl.display()),
            None => Ok(()),
        }
    }
}
