//! Files that are written whole or not at all, and nothing replaced by accident.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::{Explain as _, Failure};

/// No file that a person hands in is longer.
const MAX_BYTES: u64 = 4 << 20;

/// Who may read a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// Its owner alone.
    Private,
    /// Whoever the umask lets.
    Public,
}

/// Writes a file beside its place and moves it there, so that a crash leaves the old or the new.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), Failure> {
    let beside = with_suffix(path, ".new");
    let written = open_new(&beside, mode).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        sync_directory_of(path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.context(|| format!("{} cannot be written", path.display()))
}

/// As [`replace`], where nothing may lie yet.
pub(crate) fn create(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), Failure> {
    refuse_existing(path)?;
    replace(path, bytes, mode)
}

/// Fails if there is something at `path`.
pub(crate) fn refuse_existing(path: &Path) -> Result<(), Failure> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    let place = path.display();
    Err(Failure::new(format!("{place} exists already, and is left alone"))
        .hint("Name another place, or move that out of the way first."))
}

/// Makes a directory for its owner alone, with those above it.
pub(crate) fn make_private_directory(path: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).context(|| format!("{} cannot be made", path.display()))
}

/// Reads a file of a person's making.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().context(|| format!("{} cannot be read", path.display()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::new(format!("{} is far too long", path.display())));
    }
    Ok(bytes)
}

/// Reads a text file of a person's making.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?).context(|| format!("{} is not a text file", path.display()))
}

/// `path` with something appended to its last name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes what happened in the directory of `path` durable.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if cfg!(unix) => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            File::open(parent)?.sync_all()
        }
        _ => Ok(()),
    }
}

fn open_new(path: &Path, mode: Mode) -> io::Result<File> {
    // What an earlier run left behind when it was killed.
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if mode == Mode::Private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_created_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        create(&path, b"one", Mode::Private).unwrap();
        assert!(create(&path, b"two", Mode::Private).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace(&path, b"two", Mode::Private).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        replace(&path, b"secret", Mode::Private).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
