//! A directory in which the registrar finds requests for new certificates, and the relay what was
//! issued. A device asks for its own name and key alone, so there is one file for each of the
//! authority's devices at most, and what lies there is of use to nobody else.
//!
//! | file | what |
//! | --- | --- |
//! | `requests/<device>.csr` | a request, PEM, until it is answered |
//! | `issued/<device>.pem` | leaf and issuing CA, PEM: written by the registrar, verified before it is handed out |

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::issue::CertificateRequest;
use enlace_identity::names::DeviceName;
use tokio::task::JoinError;

/// The longest file that is read, in bytes: two certificates in PEM have less.
const MAX_BYTES: u64 = 16 << 10;

/// The directory.
#[derive(Clone, Debug)]
pub(crate) struct RenewalDirectory {
    path: PathBuf,
    is_inline: bool,
}

impl RenewalDirectory {
    /// It is made when the first request comes.
    pub(crate) fn new(path: PathBuf, is_inline: bool) -> Self {
        Self { path, is_inline }
    }

    /// Reads or writes in it on a thread that may block, or on this one where all is inline.
    ///
    /// # Errors
    /// When the work panics.
    pub(crate) async fn run<R: Send + 'static>(
        self,
        work: impl FnOnce(&Self) -> R + Send + 'static,
    ) -> Result<R, JoinError> {
        if self.is_inline {
            Ok(work(&self))
        } else {
            tokio::task::spawn_blocking(move || work(&self)).await
        }
    }

    /// What was issued for a device, unverified; what can't be read counts as nothing.
    pub(crate) fn issued(&self, device: &DeviceName) -> Option<UnverifiedChain> {
        let path = self.file("issued", device, "pem");
        let length = fs::metadata(&path).ok()?.len();
        let pem = fs::read_to_string(path).ok().filter(|_| length <= MAX_BYTES)?;
        UnverifiedChain::from_pem(&pem).ok()
    }

    /// Keeps a device's request in place of its former one.
    ///
    /// # Errors
    /// When the directory can't be written.
    pub(crate) fn keep(&self, device: &DeviceName, request: &CertificateRequest) -> io::Result<()> {
        let path = self.file("requests", device, "csr");
        let pem = request.to_pem();
        if fs::read(&path).is_ok_and(|kept| kept == pem.as_bytes()) {
            return Ok(());
        }
        make_directory(&self.path.join("requests"))?;
        make_directory(&self.path.join("issued"))?;
        let beside = path.with_extension("new");
        let mut file = fs::File::create(&beside)?;
        file.write_all(pem.as_bytes())?;
        file.sync_all()?;
        fs::rename(beside, path)
    }

    /// Forgets a request that was answered.
    pub(crate) fn forget(&self, device: &DeviceName) {
        // The registrar may have been faster.
        let _ = fs::remove_file(self.file("requests", device, "csr"));
    }

    /// A device's name is made of letters, digits, hyphens and dots, and leads nowhere else.
    fn file(&self, directory: &str, device: &DeviceName, extension: &str) -> PathBuf {
        self.path.join(directory).join(format!("{device}.{extension}"))
    }
}

fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
