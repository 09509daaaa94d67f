//! What every storage engine must do, as tests that any engine can run.
//!
//! An engine gives a [`TestStore`]: a fresh store that can be closed and opened again. [`run`]
//! takes one for each case, and panics at the first that fails, naming it.

#![allow(clippy::unwrap_used, reason = "a test suite: a failed expectation ends it")]

mod deliveries;
mod directory;
mod logs;
mod moves;
pub(super) mod samples;

use super::{Storage, StorageError, WriteBatch};

/// A store under test. Dropping the writer closes it; opening it again finds what was durable.
pub trait TestStore {
    /// Opens the store.
    ///
    /// # Errors
    /// Whatever the engine reports; [`StorageError::InUse`] while a writer is open.
    fn open(&self) -> Result<Box<dyn Storage>, StorageError>;
}

type Case = (&'static str, fn(&dyn TestStore));

const CASES: [Case; 22] = [
    ("a log is read back after opening again", logs::reads_back),
    ("what is erased leaves its place", logs::erases),
    ("a read stops at its limits", logs::limits),
    ("a conflict leaves nothing of its batch", logs::conflict_is_atomic),
    ("a channel is created once", logs::created_once),
    ("one batch may hold all of a channel", logs::one_batch),
    ("a write to an unknown channel is refused", logs::unknown_channel),
    ("heads are found by position", logs::heads),
    ("channels are listed in pages", logs::pages),
    ("a copy begins anew after a gap", logs::anchors),
    ("readers and channels find each other", logs::readers),
    ("a log that goes back forgets what came after", logs::goes_back),
    ("a channel moves to another hub", moves::moves),
    ("a client id stands for what was accepted", logs::accepted_lookup),
    ("key packages are handed out once", directory::key_packages),
    ("key packages are dropped where their device asks for it", directory::dropped_key_packages),
    ("a key package published twice is handed out once", directory::published_twice),
    ("the highest submit counter is kept", directory::counters),
    ("certificates, lists and records are replaced", directory::replaced),
    ("a welcome is kept until everybody has it", deliveries::welcomes),
    ("a welcome that was lost is sent again", deliveries::lost_welcomes),
    ("there is one writer, and readers see what it committed", logs::one_writer),
];

/// Runs every case on a fresh store.
///
/// # Panics
/// When one fails.
pub fn run<S: TestStore>(mut fresh: impl FnMut() -> S) {
    for (name, case) in CASES {
        let store = fresh();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(&store)));
        assert!(outcome.is_ok(), "the engine fails: {name}");
    }
}

fn log(writes: impl IntoIterator<Item = super::LogWrite>) -> WriteBatch {
    WriteBatch { log: writes.into_iter().collect(), side: Vec::new() }
}

fn side(writes: impl IntoIterator<Item = super::SideWrite>) -> WriteBatch {
    WriteBatch { log: Vec::new(), side: writes.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{MemoryDisk, SqliteOptions, SqliteStorage};

    impl TestStore for MemoryDisk {
        fn open(&self) -> Result<Box<dyn Storage>, StorageError> {
            Ok(Box::new(self.open()?))
        }
    }

    struct Sqlite {
        directory: tempfile::TempDir,
        is_inline: bool,
    }

    impl TestStore for Sqlite {
        fn open(&self) -> Result<Box<dyn Storage>, StorageError> {
            let options = SqliteOptions {
                is_inline: self.is_inline,
                ..SqliteOptions::new(self.directory.path())
            };
            Ok(Box::new(SqliteStorage::open(&options)?))
        }
    }

    #[test]
    fn memory() {
        run(MemoryDisk::default);
    }

    #[test]
    fn sqlite() {
        for is_inline in [false, true] {
            run(|| Sqlite { directory: tempfile::tempdir().unwrap(), is_inline });
        }
    }
}
