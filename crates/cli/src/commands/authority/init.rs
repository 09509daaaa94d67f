//! `enlace authority init`

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use enlace_identity::names::Domain;
use serde::Serialize;

use crate::authority::{Directory, Setup, endpoint_signer, set_up};
use crate::country::Country;
use crate::failure::Failure;
use crate::language::Language;
use crate::passphrase::{PassphraseArguments, RootPassphraseArguments};
use crate::ui::Ui;
use crate::when::now;

/// What `init` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The directory to make.
    dir: PathBuf,
    /// The authority's domain: its officers are NAME@DOMAIN.
    #[arg(long)]
    domain: Domain,
    /// The authority's name, as others see it.
    #[arg(long)]
    name: String,
    /// Its country, two letters (ISO 3166-1).
    #[arg(long)]
    country: Country,
    #[command(flatten)]
    root_passphrase: RootPassphraseArguments,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

#[derive(Debug, Serialize)]
struct Made {
    directory: PathBuf,
    domain: String,
    name: String,
    country: Country,
    /// SHA-256 of the root certificate, in hexadecimal.
    root_fingerprint: String,
    root_certificate: PathBuf,
    root_key: PathBuf,
    issuing_certificate: PathBuf,
    issuing_key: PathBuf,
    root_crl: PathBuf,
    issuing_crl: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let Arguments { dir, domain, name, country, .. } = arguments;
    refuse_used(dir)?;
    let of_root = format!("the root key of {domain}");
    let root_passphrase = arguments.root_passphrase.source().chosen(&of_root, Language::En)?;
    let of_issuing = format!("the issuing key of {domain}");
    let passphrase = arguments.passphrase.source().chosen(&of_issuing, Language::En)?;
    let setup = Setup {
        domain,
        name,
        country: country.as_str(),
        root_passphrase: &root_passphrase,
        passphrase: &passphrase,
    };
    set_up(dir, &setup, now())?;

    let mut directory = Directory::open(dir)?;
    let issuing = directory.issuing(&passphrase)?;
    endpoint_signer(&mut directory, &issuing, &passphrase, now())?;
    let made = made(arguments, &directory)?;
    ui.report(&made)?;
    ui.note(format_args!("\n{}", Next(&made)));
    Ok(())
}

/// An empty directory may be there; anything else is left alone.
fn refuse_used(dir: &Path) -> Result<(), Failure> {
    let entries = fs::read_dir(dir).map(Iterator::count);
    if !dir.exists() || entries.is_ok_and(|count| count == 0) {
        return Ok(());
    }
    Err(Failure::new(format!("{} exists already, and is left alone", dir.display()))
        .hint("Name a directory that doesn't exist yet."))
}

fn made(arguments: &Arguments, directory: &Directory) -> Result<Made, Failure> {
    Ok(Made {
        directory: arguments.dir.clone(),
        domain: arguments.domain.to_string(),
        name: arguments.name.clone(),
        country: arguments.country.clone(),
        root_fingerprint: directory.root_certificate()?.fingerprint().to_string(),
        root_certificate: directory.public("root.pem"),
        root_key: directory.private("root.key"),
        issuing_certificate: directory.public("issuing.pem"),
        issuing_key: directory.private("issuing.key"),
        root_crl: directory.public("root.crl"),
        issuing_crl: directory.public("issuing.crl"),
    })
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Made the authority {} in {}.", self.domain, self.directory.display())?;
        writeln!(f, "Root certificate  {}", self.root_certificate.display())?;
        writeln!(f, "Its SHA-256       {}", self.root_fingerprint)
    }
}

struct Next<'a>(&'a Made);

impl fmt::Display for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Made { root_certificate, root_key, root_crl, issuing_crl, directory, .. } = self.0;
        writeln!(
            f,
            "The root key is needed once a year and to sign the network's bundle. Keep it"
        )?;
        writeln!(f, "on a medium in a safe, and remove it here: {}", root_key.display())?;
        writeln!(f, "Back up all of {}: without it nothing can be revoked.", directory.display())?;
        writeln!(f, "Hand to the network's secretariat:  {}", root_certificate.display())?;
        writeln!(f, "Hand to your relays, whenever new:  {}", root_crl.display())?;
        write!(f, "                                    {}", issuing_crl.display())
    }
}
