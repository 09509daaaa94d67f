//! One process per store.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::path::Path;

use super::StorageError;

const LOCK: &str = "relay.lock";

/// Held as long as the store is open; the operating system lets it go when the process ends,
/// however it ends.
#[derive(Debug)]
pub(super) struct StoreLock {
    _file: File,
}

impl StoreLock {
    /// Makes the directory where it is missing, readable by its owner alone, and locks it.
    pub(super) fn take(directory: &Path) -> Result<Self, StorageError> {
        let open_error = |source| StorageError::Open { path: directory.to_owned(), source };
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory).map_err(open_error)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let file = options.open(directory.join(LOCK)).map_err(open_error)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StorageError::InUse(directory.to_owned())),
            Err(TryLockError::Error(source)) => Err(open_error(source)),
        }
    }
}
