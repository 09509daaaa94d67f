//! Files that only their owner can read, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::ProfileError;

/// Makes a directory for its owner alone; nothing happens when it is there.
pub(super) fn make_dir(dir: &Path) -> Result<(), ProfileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(at(dir))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(at(dir))?;
    }
    Ok(())
}

/// Writes a file beside its place and moves it there, so that a crash leaves the old or the new.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), ProfileError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside).map_err(at(&beside))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(&beside))?;
    fs::rename(&beside, path).map_err(at(path))?;
    sync_parent(path).map_err(at(path))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, ProfileError> {
    fs::read(path).map_err(at(path))
}

/// The contents of all files of a directory, sorted by name; none when it isn't there.
pub(super) fn read_all(dir: &Path) -> Result<Vec<Vec<u8>>, ProfileError> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut paths: Vec<PathBuf> =
        entries.map_err(at(dir))?.iter().map(fs::DirEntry::path).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "crl"));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> ProfileError {
    let path = path.to_owned();
    move |error| ProfileError::Disk { path: path.clone(), error }
}
