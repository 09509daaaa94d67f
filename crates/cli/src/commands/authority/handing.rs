//! Directories that the registrar shares with the relay: what lies there may come from other hands,
//! and what is put there appears whole.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::files::{self, Mode};

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

/// Puts bytes where the relay looks for them.
pub(super) fn hand_over(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = |error| Failure::new(format!("{} cannot be written: {error}", path.display()));
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(written)?;
    }
    let beside = files::with_suffix(path, ".handed");
    let _ = fs::remove_file(&beside);
    files::create(&beside, bytes, Mode::Public)?;
    fs::rename(&beside, path).map_err(written)
}
