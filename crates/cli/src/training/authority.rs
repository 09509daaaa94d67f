//! An authority of the training network: its registrar's work, and its relay's directory.

use std::fs;
use std::path::{Path, PathBuf};

use enlace_identity::names::Domain;

use super::cast::AuthorityPart;
use super::program::Program;
use crate::authority::Directory;
use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};

/// The label of each authority's only relay.
const RELAY: &str = "r1";

/// An authority and where its things are.
#[derive(Clone, Debug)]
pub struct TrainingAuthority {
    program: Program,
    domain: Domain,
    name: String,
    country: String,
    registrar_dir: PathBuf,
    relay_dir: PathBuf,
    passphrase_file: PathBuf,
}

impl TrainingAuthority {
    pub(super) fn new(
        program: &Program,
        dir: &Path,
        part: &AuthorityPart,
        passphrase_file: &Path,
    ) -> Result<Self, Failure> {
        Ok(Self {
            program: program.clone(),
            domain: part.domain.parse()?,
            name: part.name.to_owned(),
            country: part.country.to_owned(),
            registrar_dir: dir.join("authorities").join(part.domain),
            relay_dir: dir.join("relays").join(part.domain),
            passphrase_file: passphrase_file.to_owned(),
        })
    }

    /// Its domain.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Its name, to be shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its country, two letters.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.country
    }

    /// The registrar's directory.
    #[must_use]
    pub fn registrar_dir(&self) -> &Path {
        &self.registrar_dir
    }

    /// Its relay's directory.
    #[must_use]
    pub fn relay_dir(&self) -> &Path {
        &self.relay_dir
    }

    /// The name in its relay's certificate.
    #[must_use]
    pub fn relay_name(&self) -> String {
        format!("{RELAY}.relay.{}", self.domain)
    }

    /// A file that the registrar hands out, such as `root.pem`.
    #[must_use]
    pub fn public(&self, what: &str) -> PathBuf {
        self.registrar_dir.join("public").join(format!("{}.{what}", self.domain))
    }

    /// Its revocation lists, root's and issuing CA's.
    #[must_use]
    pub fn revocation_lists(&self) -> [PathBuf; 2] {
        [self.public("root.crl"), self.public("issuing.crl")]
    }

    /// Runs `enlace authority …` on the registrar's directory.
    ///
    /// # Errors
    /// What the command said.
    pub fn registrar<const N: usize>(
        &self,
        command: &str,
        arguments: [&str; N],
    ) -> Result<String, Failure> {
        let (dir, passphrase) = (text(&self.registrar_dir)?, text(&self.passphrase_file)?);
        let given = ["authority", command, "--authority", dir, "--passphrase-file", passphrase];
        self.program.run(given.iter().chain(&arguments))
    }

    /// The serial numbers of the certificates that it has revoked.
    pub(crate) fn revoked_serials(&self) -> Result<Vec<String>, Failure> {
        let directory = Directory::open(&self.registrar_dir)?;
        let revoked = directory.registry.certificates.iter().filter(|c| c.revoked.is_some());
        Ok(revoked.map(|certificate| certificate.serial.to_string()).collect())
    }

    pub(super) fn create(&self) -> Result<(), Failure> {
        files::make_private_directory(self.registrar_dir.parent().unwrap_or(Path::new(".")))?;
        let passphrase = text(&self.passphrase_file)?;
        self.program.run([
            "authority",
            "init",
            text(&self.registrar_dir)?,
            "--domain",
            self.domain.as_str(),
            "--name",
            &self.name,
            "--country",
            &self.country,
            "--passphrase-file",
            passphrase,
            "--root-passphrase-file",
            passphrase,
        ])?;
        Ok(())
    }

    pub(super) fn sign(&self, bundle: &Path) -> Result<(), Failure> {
        self.program.run([
            "network",
            "sign",
            text(bundle)?,
            "--authority",
            text(&self.registrar_dir)?,
            "--root-passphrase-file",
            text(&self.passphrase_file)?,
        ])?;
        Ok(())
    }

    /// Makes the relay's directory, with its certificates and the registrar's lists.
    pub(super) fn create_relay(&self, port: u16) -> Result<(), Failure> {
        let dir = text(&self.relay_dir)?;
        let (name, listen) = (self.relay_name(), format!("127.0.0.1:{port}"));
        self.program.run(["relay", "init", "--dir", dir, "--name", &name, "--listen", &listen])?;
        for (option, stem) in [("--relay", "relay"), ("--head", "head")] {
            let request = self.relay_dir.join(format!("{stem}.csr"));
            let certificate = self.relay_dir.join(format!("{stem}.pem"));
            self.registrar(
                "issue",
                [text(&request)?, option, RELAY, "--out", text(&certificate)?],
            )?;
        }
        self.publish_lists()?;
        self.registrar("endpoint", ["--relay", &format!("{RELAY}={listen}")])?;
        Ok(())
    }

    /// Puts the registrar's newest revocation lists where the relay looks for them.
    ///
    /// # Errors
    /// When the files can't be copied.
    pub fn publish_lists(&self) -> Result<(), Failure> {
        for list in self.revocation_lists() {
            let name = list.file_name().unwrap_or_default();
            copy(&list, &self.relay_dir.join("crls").join(name))?;
        }
        Ok(())
    }

    /// Hands the bundle, its hash and the endpoint records to the relay's operator.
    pub(super) fn connect_relay(
        &self,
        bundle: &Path,
        hash: &str,
        others: &[TrainingAuthority],
    ) -> Result<(), Failure> {
        copy(bundle, &self.relay_dir.join("network.bundle"))?;
        copy(&self.public("endpoint"), &self.relay_dir.join("own.endpoint"))?;
        for other in others.iter().filter(|other| other.domain != self.domain) {
            let name = format!("{}.endpoint", other.domain);
            copy(&other.public("endpoint"), &self.relay_dir.join("endpoints").join(name))?;
        }
        let config = self.relay_config();
        let unset = "bundle_hash = \"\"";
        let toml = files::read_text(&config)?;
        if !toml.contains(unset) {
            return Err(Failure::new(format!("{} has no place for the hash", config.display())));
        }
        let toml = toml.replace(unset, &format!("bundle_hash = \"{hash}\""));
        files::replace(&config, toml.as_bytes(), Mode::Private)
    }

    pub(super) fn relay_config(&self) -> PathBuf {
        self.relay_dir.join("relay.toml")
    }
}

pub(super) fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| Failure::new(format!("{} is not a name in UTF-8", path.display())))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let copied = fs::copy(from, to).map(drop);
    copied.context(|| format!("{} cannot be copied to {}", from.display(), to.display()))
}
