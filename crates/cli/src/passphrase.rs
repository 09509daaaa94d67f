//! Where a passphrase comes from: a prompt, a file or a file descriptor. Never an argument or the
//! environment, which other programs can read.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use enlace_identity::keys::Passphrase;
use zeroize::Zeroizing;

use crate::failure::{Explain as _, Failure};
use crate::language::Language;
use crate::words::Text;

/// The shortest passphrase that a new key is locked with, in characters.
pub(crate) const MIN_CHARACTERS: usize = 8;

const MAX_BYTES: u64 = 4096;

/// Whence a passphrase comes.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) file: Option<PathBuf>,
    pub(crate) descriptor: Option<u32>,
    /// What stands before `passphrase-file` in the option's name.
    pub(crate) option: &'static str,
}

/// The passphrase of the key that a command works with.
#[derive(Debug, clap::Args)]
pub(crate) struct PassphraseArguments {
    /// Take the passphrase from the first line of this file.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Take the passphrase from the first line of this file descriptor.
    #[arg(long, value_name = "NUMBER", conflicts_with = "passphrase_file")]
    passphrase_fd: Option<u32>,
}

impl PassphraseArguments {
    pub(crate) fn source(&self) -> Source {
        let Self { passphrase_file, passphrase_fd } = self;
        Source { file: passphrase_file.clone(), descriptor: *passphrase_fd, option: "" }
    }
}

/// The passphrase of an authority's root key.
#[derive(Debug, clap::Args)]
pub(crate) struct RootPassphraseArguments {
    /// Take the root key's passphrase from the first line of this file.
    #[arg(long, value_name = "FILE")]
    root_passphrase_file: Option<PathBuf>,
    /// Take the root key's passphrase from the first line of this file descriptor.
    #[arg(long, value_name = "NUMBER", conflicts_with = "root_passphrase_file")]
    root_passphrase_fd: Option<u32>,
}

impl RootPassphraseArguments {
    pub(crate) fn source(&self) -> Source {
        let Self { root_passphrase_file, root_passphrase_fd } = self;
        let (file, descriptor) = (root_passphrase_file.clone(), *root_passphrase_fd);
        Source { file, descriptor, option: "root-" }
    }
}

/// The passphrase of a backup.
#[derive(Debug, clap::Args)]
pub(crate) struct BackupPassphraseArguments {
    /// Take the backup's passphrase from the first line of this file.
    #[arg(long, value_name = "FILE")]
    backup_passphrase_file: Option<PathBuf>,
    /// Take the backup's passphrase from the first line of this file descriptor.
    #[arg(long, value_name = "NUMBER", conflicts_with = "backup_passphrase_file")]
    backup_passphrase_fd: Option<u32>,
}

impl BackupPassphraseArguments {
    pub(crate) fn source(&self) -> Source {
        let Self { backup_passphrase_file, backup_passphrase_fd } = self;
        let (file, descriptor) = (backup_passphrase_file.clone(), *backup_passphrase_fd);
        Source { file, descriptor, option: "backup-" }
    }
}

impl Source {
    /// The passphrase of an existing key; `what` completes *Passphrase of …*.
    pub(crate) fn existing(&self, what: &str, language: Language) -> Result<Passphrase, Failure> {
        match self.given()? {
            Some(passphrase) => Ok(passphrase),
            None => self.prompt(&language.say(Text::PassphraseOf { what })),
        }
    }

    /// A passphrase for a new key, typed twice.
    pub(crate) fn chosen(&self, what: &str, language: Language) -> Result<Passphrase, Failure> {
        let passphrase = match self.given()? {
            Some(passphrase) => passphrase,
            None => self.prompt_twice(what, language)?,
        };
        if passphrase.expose().chars().count() < MIN_CHARACTERS {
            let short = Text::PassphraseTooShort { characters: MIN_CHARACTERS };
            return Err(Failure::new(language.say(short)).hint(language.say(Text::GoodPassphrase)));
        }
        Ok(passphrase)
    }

    fn prompt_twice(&self, what: &str, language: Language) -> Result<Passphrase, Failure> {
        let first = self.prompt(&language.say(Text::NewPassphraseOf { what }))?;
        let second = self.prompt(&language.say(Text::Again))?;
        if first.expose() == second.expose() {
            Ok(first)
        } else {
            Err(Failure::new(language.say(Text::PassphrasesDiffer)))
        }
    }

    fn given(&self) -> Result<Option<Passphrase>, Failure> {
        match (&self.file, self.descriptor) {
            (Some(path), _) => read(path).map(Some),
            (None, Some(number)) => read(Path::new(&format!("/dev/fd/{number}"))).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn prompt(&self, prompt: &str) -> Result<Passphrase, Failure> {
        let typed = rpassword::prompt_password(prompt)
            .context(|| "there is no terminal to ask for the passphrase on".to_owned());
        typed
            .map(Passphrase::new)
            .hint(|| format!("Name a file that holds it with --{}passphrase-file.", self.option))
    }
}

fn read(path: &Path) -> Result<Passphrase, Failure> {
    let place = path.display();
    let file = std::fs::File::open(path).context(|| format!("{place} cannot be read"))?;
    refuse_exposed(&file, path)?;
    let mut line = Zeroizing::new(String::new());
    BufReader::new(file.take(MAX_BYTES))
        .read_line(&mut line)
        .context(|| format!("{place} cannot be read"))?;
    let passphrase = line.trim_end_matches(['\n', '\r']);
    if passphrase.is_empty() {
        return Err(Failure::new(format!("{place} has no passphrase in its first line")));
    }
    Ok(Passphrase::new(passphrase))
}

#[cfg(unix)]
fn refuse_exposed(file: &std::fs::File, path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = file.metadata().context(|| format!("{} cannot be read", path.display()))?;
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        let others = format!("others may read the passphrase in {}", path.display());
        return Err(Failure::new(others).hint(format!("chmod 600 {}", path.display())));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_exposed(_: &std::fs::File, _: &Path) -> Result<(), Failure> {
    Ok(())
}
