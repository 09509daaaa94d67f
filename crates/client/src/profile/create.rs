//! A new device: its key, and the request for its certificate.

use std::path::{Path, PathBuf};

use enlace_identity::issue::{CertificateRequest, RequestError};
use enlace_identity::keys::{Passphrase, SigningKey};
use enlace_identity::names::{LeafName, NameError, OfficerAddress};

use super::files;
use super::settings::Settings;
use super::{KEY, Profile, ProfileError, REQUEST, SETTINGS};

/// Why no profile was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is one: name another directory.
    #[error("there is a profile in {0} already")]
    Exists(PathBuf),
    /// The device's label is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// The officer's name can't stand in a request.
    #[error("the certificate request could not be made: {0}")]
    Request(#[from] RequestError),
    /// The disk.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

impl Profile {
    /// Makes a device's directory with its key, locked with the passphrase, and the request for
    /// the registrar. `name` is the officer's, with its accents.
    ///
    /// # Errors
    /// [`CreateError`]; an existing profile is left alone.
    pub fn create(
        dir: &Path,
        address: &OfficerAddress,
        device: &str,
        name: &str,
        passphrase: &Passphrase,
    ) -> Result<(Self, CertificateRequest), CreateError> {
        if dir.join(SETTINGS).exists() || dir.join(KEY).exists() {
            return Err(CreateError::Exists(dir.to_owned()));
        }
        if passphrase.expose().is_empty() {
            return Err(CreateError::EmptyPassphrase);
        }
        let leaf = LeafName::Device(address.device(device)?);
        let key = SigningKey::generate();
        let request = CertificateRequest::create(&key, &leaf, name)?;
        let settings = Settings::new(address.clone(), device.to_owned(), name.to_owned());

        files::make_dir(dir)?;
        files::write(&dir.join(REQUEST), request.to_pem().as_bytes())?;
        files::write(&dir.join(KEY), key.to_pem(Some(passphrase)).as_bytes())?;
        files::write(&dir.join(SETTINGS), settings.to_toml()?.as_bytes())?;
        Ok((Self::with(dir, settings)?, request))
    }
}
