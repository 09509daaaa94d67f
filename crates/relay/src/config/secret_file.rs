//! Reading files that nobody else may read.

use std::fs;
use std::io;
use std::path::Path;

use enlace_identity::keys::{KeyFileError, Passphrase, SigningKey};

/// Why a key can't be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretFileError {
    /// The file can't be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// Its mode lets others read it.
    #[error("others may read this file (mode {0:03o})")]
    Exposed(u32),
    /// It holds no usable key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
}

/// Loads a private key, and its passphrase from another file if there is one.
pub(super) fn load_key(
    path: &Path,
    passphrase_file: Option<&Path>,
) -> Result<SigningKey, SecretFileError> {
    let passphrase = passphrase_file.map(load_passphrase).transpose()?;
    let pem = zeroize::Zeroizing::new(read_private(path)?);
    Ok(SigningKey::from_pem(&pem, passphrase.as_ref())?)
}

fn load_passphrase(path: &Path) -> Result<Passphrase, SecretFileError> {
    let text = zeroize::Zeroizing::new(read_private(path)?);
    Ok(Passphrase::new(text.lines().next().unwrap_or_default()))
}

fn read_private(path: &Path) -> Result<String, SecretFileError> {
    refuse_exposed(path)?;
    Ok(fs::read_to_string(path)?)
}

#[cfg(unix)]
fn refuse_exposed(path: &Path) -> Result<(), SecretFileError> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    let forbidden = if is_credential(path) { 0o007 } else { 0o077 };
    if mode & forbidden == 0 { Ok(()) } else { Err(SecretFileError::Exposed(mode)) }
}

/// systemd hands a credential over in a directory that only the service can enter, by an access
/// list that shows up as the group's permission.
#[cfg(unix)]
fn is_credential(path: &Path) -> bool {
    std::env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|directory| path.starts_with(directory))
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Path) -> Result<(), SecretFileError> {
    Ok(())
}

/// Writes a new file that only its owner can read; an existing one is left alone.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;

    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
