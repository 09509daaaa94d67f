//! Directories that the registrar shares with the relay: what lies there may come from other hands,
//! and what is put there appears whole.

use std::fs;
use std::path::{Path, PathBuf};

use enlace_identity::issue::IssuingCa;

use crate::authority::{Directory, Issuance, Issued, issue};
use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};
use crate::when::now;

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 16 << 10;

/// The files of one kind in a directory below `shared`, sorted; none where none came yet.
pub(super) fn files_of(
    shared: &Path,
    below: &str,
    extension: &str,
) -> Result<Vec<PathBuf>, Failure> {
    let directory = shared.join(below);
    if shared.is_dir() && !directory.exists() {
        return Ok(Vec::new());
    }
    let read = |error| Failure::new(format!("{} cannot be read: {error}", directory.display()));
    let entries = fs::read_dir(&directory).map_err(read)?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|own| own == extension));
    paths.sort();
    Ok(paths)
}

/// The bytes of a file that the relay wrote.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err("it is no request's file".to_owned());
    }
    fs::read(path).map_err(|error| error.to_string())
}

/// Whether these bytes lie there already.
pub(super) fn is_handed_over(path: &Path, bytes: &[u8]) -> bool {
    let is_meant = |found: &fs::Metadata| found.is_file() && found.len() == bytes.len() as u64;
    fs::symlink_metadata(path).is_ok_and(|found| is_meant(&found))
        && fs::read(path).is_ok_and(|found| found == bytes)
}

/// Issues a certificate, and puts it where the relay looks for it.
pub(super) fn issue_to(
    path: &Path,
    directory: &mut Directory,
    issuing: &IssuingCa,
    issuance: &Issuance<'_>,
) -> Result<Issued, Failure> {
    let (chain, issued, _) = issue(directory, issuing, issuance, now())
        .context(|| format!("no certificate was issued for {}", issuance.name))?;
    hand_over(path, chain.to_pem().as_bytes())?;
    Ok(issued)
}

/// Fails if requests should have been answered and were not.
pub(super) fn refuse_unanswered(unanswered: usize) -> Result<(), Failure> {
    if unanswered == 0 {
        return Ok(());
    }
    Err(Failure::new(format!("{unanswered} of the requests could not be answered"))
        .hint("Once the reason is gone, the same command answers them."))
}

/// Where the relay looks for the certificate that answers a request.
pub(super) fn issued_file(shared: &Path, request: &str) -> PathBuf {
    shared.join("issued").join(format!("{request}.pem"))
}

/// Puts bytes where the relay looks for them, unless they lie there already.
pub(super) fn hand_over(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if is_handed_over(path, bytes) {
        return Ok(());
    }
    let written = |error| Failure::new(format!("{} cannot be written: {error}", path.display()));
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(written)?;
    }
    let beside = files::with_suffix(path, ".handed");
    let _ = fs::remove_file(&beside);
    files::create(&beside, bytes, Mode::Public)?;
    fs::rename(&beside, path).map_err(written)
}
