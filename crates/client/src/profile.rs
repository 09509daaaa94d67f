//! A device's profile: one directory that holds everything an officer's device is.
//!
//! | file | what |
//! | --- | --- |
//! | `profile.toml` | address, device, network: written last, so that what it says is there |
//! | `device.key` | the device's key, PKCS#8 locked with the passphrase |
//! | `device.csr` | the request for its certificate |
//! | `certificates.pem` | leaf and issuing CA, once enrolled |
//! | `network.bundle` | the network's bundle, trusted by its hash |
//! | `endpoint.record` | where the own authority's relays were when the device was enrolled |
//! | `crls/` | revocation lists that came with the enrolment |
//! | `store.db` | the encrypted database: see [`crate::store`] |
//!
//! The way of a new device: [`Profile::create`] → the registrar issues → [`Profile::enroll`] →
//! [`Profile::unlock`]. With an invitation, [`Profile::enroll_by_invitation`] stands in the place of
//! both that come between.

mod create;
mod enroll;
mod files;
mod invited;
mod settings;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use enlace_channel::channel::Device;
use enlace_identity::bundle::{Bundle, BundleError, SignedBundle};
use enlace_identity::canonical::DecodeError;
use enlace_identity::certificate::{CertificateFormatError, UnverifiedChain};
use enlace_identity::issue::{CertificateRequest, RequestError};
use enlace_identity::keys::{KeyFileError, Passphrase, SigningKey};
use enlace_identity::names::{DeviceName, OfficerAddress};

pub use self::create::CreateError;
pub use self::enroll::{EnrollError, Enrollment};
pub use self::invited::{Invited, InvitedError};

use self::settings::Settings;

const SETTINGS: &str = "profile.toml";
const KEY: &str = "device.key";
const REQUEST: &str = "device.csr";
const CERTIFICATES: &str = "certificates.pem";
const BUNDLE: &str = "network.bundle";
const ENDPOINT_RECORD: &str = "endpoint.record";
const CRLS: &str = "crls";
const STORE: &str = "store.db";

/// A device's directory, and what it says without a passphrase.
#[derive(Clone, Debug)]
pub struct Profile {
    dir: PathBuf,
    settings: Settings,
    device: DeviceName,
}

/// A profile with its key: everything that takes part in the network.
#[derive(Debug)]
pub struct Unlocked {
    /// Name, key and certificates.
    pub device: Device,
    /// The network.
    pub bundle: Bundle,
    /// The signed endpoint record that came with the enrolment.
    pub endpoint_record: Vec<u8>,
    /// The revocation lists that came with the enrolment.
    pub crls: Vec<Vec<u8>>,
}

/// Why a profile can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// There is no profile: make one, or name another directory.
    #[error("there is no profile in {0}")]
    Missing(PathBuf),
    /// Its certificate has not come yet: enrol it.
    #[error("this device has no certificate yet")]
    NotEnrolled,
    /// The settings file can't be read.
    #[error("the profile's settings cannot be read: {0}")]
    Settings(String),
    /// The key file can't be opened: ask for the passphrase again.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The certificate file is damaged: enrol again.
    #[error("the profile's certificates cannot be read: {0}")]
    Certificates(#[from] CertificateFormatError),
    /// The request file is damaged.
    #[error("the profile's certificate request cannot be read: {0}")]
    Request(#[from] RequestError),
    /// The bundle file is damaged, or was replaced: enrol again.
    #[error("the profile's network bundle cannot be used: {0}")]
    Bundle(#[from] BundleError),
    /// The bundle file is damaged: enrol again.
    #[error("the profile's network bundle cannot be read: {0}")]
    BundleFile(#[from] DecodeError),
    /// The disk.
    #[error("{path}: {error}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
}

impl Profile {
    /// Opens a profile's directory.
    ///
    /// # Errors
    /// [`ProfileError::Missing`], [`ProfileError::Settings`].
    pub fn open(dir: &Path) -> Result<Self, ProfileError> {
        let path = dir.join(SETTINGS);
        if !path.is_file() {
            return Err(ProfileError::Missing(dir.to_owned()));
        }
        let text = String::from_utf8(files::read(&path)?)
            .map_err(|_| ProfileError::Settings("it is not text".to_owned()))?;
        let settings = Settings::parse(&text)?;
        Self::with(dir, settings)
    }

    fn with(dir: &Path, settings: Settings) -> Result<Self, ProfileError> {
        let device = settings
            .address
            .device(&settings.device)
            .map_err(|error| ProfileError::Settings(error.to_string()))?;
        Ok(Self { dir: dir.to_owned(), settings, device })
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The officer.
    #[must_use]
    pub fn address(&self) -> &OfficerAddress {
        &self.settings.address
    }

    /// The officer's name, with its accents.
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.settings.name
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &DeviceName {
        &self.device
    }

    /// Whether its certificate has come.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.settings.network.is_some()
    }

    /// The request for its certificate, in PEM, for the registrar.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn request(&self) -> Result<CertificateRequest, ProfileError> {
        let pem = files::read(&self.dir.join(REQUEST))?;
        Ok(CertificateRequest::from_pem(&String::from_utf8_lossy(&pem))?)
    }

    /// Where its database is.
    #[must_use]
    pub fn store_path(&self) -> PathBuf {
        self.dir.join(STORE)
    }

    /// Opens the key, and reads what belongs to it.
    ///
    /// # Errors
    /// [`ProfileError::NotEnrolled`], [`ProfileError::Key`], or something that is damaged.
    pub fn unlock(&self, passphrase: &Passphrase) -> Result<Unlocked, ProfileError> {
        let network = self.settings.network.as_ref().ok_or(ProfileError::NotEnrolled)?;
        let bundle =
            SignedBundle::decode(&files::read(&self.dir.join(BUNDLE))?)?.open(&network.bundle)?;
        let chain =
            String::from_utf8_lossy(&files::read(&self.dir.join(CERTIFICATES))?).into_owned();
        let chain = UnverifiedChain::from_pem(&chain)?;
        let pem = zeroize::Zeroizing::new(files::read(&self.dir.join(KEY))?);
        let key = SigningKey::from_pem(&String::from_utf8_lossy(&pem), Some(passphrase))?;
        Ok(Unlocked {
            device: Device { name: self.device.clone(), key, chain },
            bundle,
            endpoint_record: files::read(&self.dir.join(ENDPOINT_RECORD))?,
            crls: files::read_all(&self.dir.join(CRLS))?,
        })
    }
}
