//! Opening an authority's directory and its keys.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use enlace_identity::certificate::{CertificateDer, UnverifiedChain};
use enlace_identity::issue::{IssuingCa, Root};
use enlace_identity::keys::{KeyFileError, Passphrase, SigningKey};
use enlace_identity::names::Domain;
use zeroize::Zeroizing;

use super::registry::Registry;
use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};
use crate::language::Language;
use crate::passphrase::{RootPassphraseArguments, Source};

const REGISTRY: &str = "authority.json";
const PRIVATE: &str = "private";
const PUBLIC: &str = "public";
const ISSUED: &str = "issued";
const LOCK: &str = ".lock";

/// An authority's directory that nobody else is working on.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    pub(crate) registry: Registry,
    /// Released when the process ends, however it ends.
    _lock: File,
}

/// Where the root key is, and what unlocks it.
#[derive(Debug, clap::Args)]
pub(crate) struct RootKeyArguments {
    /// The root key's file, if it is kept outside of the authority's directory.
    #[arg(long, value_name = "FILE")]
    root_key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: RootPassphraseArguments,
}

impl Directory {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let place = path.display();
        let file = path.join(REGISTRY);
        if !file.is_file() {
            return Err(Failure::new(format!("{place} is no authority's directory"))
                .hint("Name it with --authority, or make one with `enlace authority init`."));
        }
        let lock = lock(path)?;
        let registry: Registry = serde_json::from_str(&files::read_text(&file)?)
            .context(|| format!("{} is damaged", file.display()))
            .hint(|| "Take it from a backup: without it nothing can be revoked.".to_owned())?;
        if !registry.is_readable() {
            return Err(Failure::new(format!("{place} was written by a newer version of enlace")));
        }
        Ok(Self { path: path.to_owned(), registry, _lock: lock })
    }

    /// Makes what the registry says durable.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        write_registry(&self.path, &self.registry)
    }

    pub(crate) fn domain(&self) -> &Domain {
        &self.registry.domain
    }

    /// A file to be handed out, `public/<domain>.<what>`.
    pub(crate) fn public(&self, what: &str) -> PathBuf {
        public_file(&self.path, self.domain(), what)
    }

    /// A file below `private`.
    pub(crate) fn private(&self, name: &str) -> PathBuf {
        private_file(&self.path, name)
    }

    /// Where a certificate is kept.
    pub(crate) fn issued(&self, name: &str, serial: &str) -> PathBuf {
        self.path.join(ISSUED).join(format!("{name}.{serial}.pem"))
    }

    pub(crate) fn root_certificate(&self) -> Result<CertificateDer, Failure> {
        read_certificate(&self.public("root.pem"))
    }

    /// The root with its key.
    pub(crate) fn root(&self, arguments: &RootKeyArguments) -> Result<Root, Failure> {
        let certificate = self.root_certificate()?;
        let key = self.root_key(arguments)?;
        Root::load(self.domain(), &certificate, key)
            .context(|| "the root cannot be used".to_owned())
    }

    /// The root key alone, for what it signs besides certificates.
    pub(crate) fn root_key(&self, arguments: &RootKeyArguments) -> Result<SigningKey, Failure> {
        let standard = self.private("root.key");
        let path = arguments.root_key.as_ref().unwrap_or(&standard);
        if !path.exists() {
            return Err(Failure::new(format!("the root key is not at {}", path.display()))
                .hint("Name the place where it is kept with --root-key."));
        }
        let what = format!("the root key of {}", self.domain());
        unlock(path, &arguments.passphrase.source().existing(&what, Language::En)?)
    }

    /// The issuing CA with its key.
    pub(crate) fn issuing(&self, passphrase: &Passphrase) -> Result<IssuingCa, Failure> {
        let certificate = read_certificate(&self.public("issuing.pem"))?;
        let key = unlock(&self.private("issuing.key"), passphrase)?;
        IssuingCa::load(self.domain(), &self.root_certificate()?, &certificate, key)
            .context(|| "the issuing CA cannot be used".to_owned())
    }

    /// Asks for the passphrase of the keys in daily use.
    pub(crate) fn passphrase(&self, source: &Source) -> Result<Passphrase, Failure> {
        source.existing(&format!("the issuing key of {}", self.domain()), Language::En)
    }

    /// A certificate that was issued, with the issuing CA's.
    pub(crate) fn read_issued(&self, name: &str, serial: &str) -> Result<UnverifiedChain, Failure> {
        let path = self.issued(name, serial);
        UnverifiedChain::from_pem(&files::read_text(&path)?)
            .context(|| format!("{} cannot be used", path.display()))
    }
}

/// Opens a locked key file.
pub(super) fn unlock(path: &Path, passphrase: &Passphrase) -> Result<SigningKey, Failure> {
    let pem = Zeroizing::new(files::read_text(path)?);
    let key = SigningKey::from_pem(&pem, Some(passphrase));
    let wrong = matches!(key, Err(KeyFileError::WrongPassphrase));
    let key = key.context(|| format!("{} cannot be opened", path.display()));
    if wrong {
        key.hint(|| "The root key and the issuing key have each their own.".into())
    } else {
        key
    }
}

pub(super) fn public_file(directory: &Path, domain: &Domain, what: &str) -> PathBuf {
    directory.join(PUBLIC).join(format!("{domain}.{what}"))
}

pub(super) fn private_file(directory: &Path, name: &str) -> PathBuf {
    directory.join(PRIVATE).join(name)
}

pub(super) fn make_directories(directory: &Path) -> Result<(), Failure> {
    [PRIVATE, PUBLIC, ISSUED]
        .iter()
        .try_for_each(|name| files::make_private_directory(&directory.join(name)))
}

pub(super) fn write_registry(directory: &Path, registry: &Registry) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(registry)?;
    text.push('\n');
    files::replace(&directory.join(REGISTRY), text.as_bytes(), Mode::Private)
}

fn read_certificate(path: &Path) -> Result<CertificateDer, Failure> {
    CertificateDer::from_pem(&files::read_text(path)?)
        .context(|| format!("{} cannot be used", path.display()))
}

/// Two registrars at once would give one list number twice.
fn lock(path: &Path) -> Result<File, Failure> {
    let place = path.join(LOCK);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options.open(&place).context(|| format!("{} cannot be opened", place.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::new(format!("another command is working on {}", path.display()))
                .hint("Wait until it is done, and try again."))
        }
        Err(TryLockError::Error(error)) => {
            Err(error).context(|| format!("{} cannot be locked", place.display()))
        }
    }
}
