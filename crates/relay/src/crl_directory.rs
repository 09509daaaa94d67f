//! A directory of revocation lists and suspensions, read again when a file in it changes.
//!
//! Whether a list counts is for [`Trust`](enlace_transport::Trust) to say; here are only files.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use enlace_identity::canonical::DecodeError;
use enlace_identity::revocation::{CrlError, RevocationList};
use enlace_identity::suspension::SignedSuspensions;

const EXTENSIONS: [&str; 2] = ["crl", "suspensions"];

/// A directory and what was last seen in it.
#[derive(Debug)]
pub(crate) struct CrlDirectory {
    path: PathBuf,
    seen: HashMap<PathBuf, Stamp>,
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    /// In bytes.
    pub(crate) length: u64,
}

/// A file with a revocation list or a statement about suspensions.
#[derive(Debug)]
pub(crate) struct CrlFile {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// The list as it travels, unverified, or why there is none.
    pub(crate) list: Result<Vec<u8>, CrlFileError>,
}

/// Why a file holds no revocation list.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CrlFileError {
    /// It can't be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It holds no revocation list.
    #[error(transparent)]
    Format(#[from] CrlError),
    /// It begins as a statement about suspensions, and is none.
    #[error(transparent)]
    Suspensions(#[from] DecodeError),
}

impl Stamp {
    pub(crate) fn of(metadata: &fs::Metadata) -> Self {
        Self { modified: metadata.modified().ok(), length: metadata.len() }
    }
}

impl CrlDirectory {
    /// A directory of which nothing has been seen.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), seen: HashMap::new() }
    }

    /// The files that are new or have changed since the last scan.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub(crate) fn changed(&mut self) -> io::Result<Vec<CrlFile>> {
        let mut changed = Vec::new();
        let mut seen = HashMap::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if !path.extension().is_some_and(|own| EXTENSIONS.iter().any(|known| own == *known)) {
                continue;
            }
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let stamp = Stamp::of(&metadata);
            if self.seen.get(&path) != Some(&stamp) {
                changed.push(CrlFile { path: path.clone(), list: read(&path, stamp.length) });
            }
            seen.insert(path, stamp);
        }
        self.seen = seen;
        changed.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changed)
    }

    /// Forgets what was seen: the next scan returns every file.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }
}

fn read(path: &Path, length: u64) -> Result<Vec<u8>, CrlFileError> {
    // In PEM a list takes a third more.
    if length > 2 * RevocationList::MAX_BYTES as u64 {
        return Err(CrlError::Malformed.into());
    }
    let bytes = fs::read(path)?;
    if SignedSuspensions::is_meant(&bytes) {
        return Ok(SignedSuspensions::decode(&bytes)?.encode());
    }
    let list = match std::str::from_utf8(&bytes) {
        Ok(pem) if pem.contains("-----BEGIN") => RevocationList::from_pem(pem)?,
        _ => RevocationList::from_bytes(&bytes)?,
    };
    Ok(list.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A DER sequence: enough for a file, not for anybody's trust.
    const LIST: &[u8] = &[0x30, 3, 2, 1, 1];

    #[test]
    fn only_what_changed_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.crl"), LIST).unwrap();
        fs::write(directory.path().join("note.txt"), b"no list").unwrap();
        let mut crls = CrlDirectory::new(directory.path());
        let found = crls.changed().unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].list.as_ref().unwrap(), LIST);
        assert!(crls.changed().unwrap().is_empty());
        fs::write(directory.path().join("a.crl"), [0x30, 0]).unwrap();
        assert_eq!(crls.changed().unwrap().len(), 1);
        crls.forget();
        assert_eq!(crls.changed().unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_list_is_said_so() {
        let directory = tempfile::tempdir().unwrap();
        for content in [&b"-----BEGIN X-----\n"[..], b"", b"text"] {
            fs::write(directory.path().join("a.crl"), content).unwrap();
            let found = CrlDirectory::new(directory.path()).changed().unwrap();
            assert!(matches!(found[0].list, Err(CrlFileError::Format(_))));
        }
    }
}
