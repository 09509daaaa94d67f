//! The profile of this officer's device.

use std::path::PathBuf;

use enlace_client::Client;
use enlace_client::profile::Profile;

use super::explain::Explained as _;
use crate::failure::Failure;
use crate::passphrase::{PassphraseArguments, Source};
use crate::ui::Ui;

/// Which device, and what unlocks it.
#[derive(Debug, clap::Args)]
pub(crate) struct ProfileArguments {
    /// The device's directory; if not given, a directory of your own that is always the same.
    #[arg(long, value_name = "DIR")]
    profile: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

impl ProfileArguments {
    pub(crate) fn directory(&self) -> Result<PathBuf, Failure> {
        match &self.profile {
            Some(directory) => Ok(directory.clone()),
            None => standard_directory().ok_or_else(|| {
                Failure::new("your home directory is not known").hint("Name one with --profile.")
            }),
        }
    }

    pub(crate) fn passphrase(&self) -> Source {
        self.passphrase.source()
    }

    /// Opens the profile, without its key.
    pub(crate) fn open(&self, ui: &Ui) -> Result<Profile, Failure> {
        Profile::open(&self.directory()?).explained(ui)
    }

    /// Opens the profile with its key and its store.
    pub(crate) fn unlock(&self, ui: &Ui) -> Result<Client, Failure> {
        let profile = self.open(ui)?;
        if !profile.is_enrolled() {
            return Err(enlace_client::profile::ProfileError::NotEnrolled).explained(ui);
        }
        let passphrase = self.passphrase().existing(profile.device().as_str(), ui.language())?;
        Client::open(profile.dir(), &passphrase).explained(ui)
    }
}

/// A directory for this program's data, as the system's customs have it.
fn standard_directory() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        set("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        // The XDG Base Directory Specification has relative paths ignored.
        set("XDG_DATA_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| set("HOME").map(|home| home.join(".local/share")))
    };
    Some(data?.join("enlace"))
}
