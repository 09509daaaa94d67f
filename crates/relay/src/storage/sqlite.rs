//! The engine for one machine: SQLite in one directory.
//!
//! Write-ahead log, `synchronous=FULL`, one transaction per group commit. The writer never
//! checkpoints, because that would be its longest pause: a thread of its own copies the log back
//! into the database. A lock file keeps a second process out. The library linked is SQLCipher's,
//! without a key: what a relay stores is encrypted by its members already.

mod accepted;
mod checkpoint;
mod column;
mod ids;
mod lock;
mod migrations;
mod read;
mod write;

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use enlace_identity::names::DeviceName;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{
    Accepted, ClaimedKeyPackage, IdempotencyKey, LogWrite, ReadStorage, Storage, StorageError,
    WriteBatch,
};
use checkpoint::Checkpointer;
use ids::Ids;
use lock::StoreLock;

pub use read::SqliteReader;

const DATABASE: &str = "relay.db";
const STATEMENTS: usize = 64;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The store's directory; made when it is not there.
    pub directory: PathBuf,
    /// Checkpoints in the writer instead of on a thread: for simulations on virtual time.
    pub is_inline: bool,
}

impl SqliteOptions {
    /// The options that fit a server.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), is_inline: false }
    }
}

/// The writer of a store.
#[derive(Debug)]
pub struct SqliteStorage {
    connection: Connection,
    ids: Ids,
    checkpointer: Checkpointer,
    database: PathBuf,
    _lock: StoreLock,
}

impl SqliteStorage {
    /// Opens a store, or makes a new one, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StorageError::InUse`] while another process has it; [`StorageError::Newer`];
    /// [`StorageError::Open`]; whatever SQLite reports.
    pub fn open(options: &SqliteOptions) -> Result<Self, StorageError> {
        let lock = StoreLock::take(&options.directory)?;
        let database = options.directory.join(DATABASE);
        make_private(&database)
            .map_err(|source| StorageError::Open { path: database.clone(), source })?;
        let mut connection = connect(&database)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        migrations::migrate(&mut connection)?;
        // The log may hold what was erased just before the last process ended.
        checkpoint::run(&connection, "TRUNCATE")?;
        let checkpointer = Checkpointer::start(connect(&database)?, options.is_inline)?;
        Ok(Self { connection, ids: Ids::default(), checkpointer, database, _lock: lock })
    }
}

impl Storage for SqliteStorage {
    fn commit(&mut self, batch: &WriteBatch) -> Result<(), StorageError> {
        let has_erased = batch.log.iter().any(|write| matches!(write, LogWrite::Erase { .. }));
        if has_erased {
            self.checkpointer.residue().begin();
        }
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = write::apply(&transaction, &mut self.ids, batch)
            .and_then(|applied| Ok(transaction.commit().map(|()| applied)?));
        let written = match result {
            Ok(applied) => Ok(applied.bytes),
            Err(error) => {
                self.ids.forget();
                Err(error)
            }
        };
        // Whatever became of the transaction: its frames may be in the log.
        let cleaned = if has_erased { self.checkpointer.truncate() } else { Ok(()) };
        let bytes = written?;
        cleaned?;
        if has_erased { Ok(()) } else { self.checkpointer.note_written(bytes) }
    }

    fn accepted(&mut self, keys: &[IdempotencyKey]) -> Result<Vec<Option<Accepted>>, StorageError> {
        accepted::find(&mut self.connection, &mut self.ids, keys)
    }

    fn take_key_packages(
        &mut self,
        suite: u16,
        devices: &[DeviceName],
    ) -> Result<Vec<ClaimedKeyPackage>, StorageError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let taken = write::take_key_packages(&transaction, suite, devices)?;
        transaction.commit()?;
        Ok(taken)
    }

    fn reader(&self) -> Result<Box<dyn ReadStorage>, StorageError> {
        let connection = connect(&self.database)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(Box::new(SqliteReader::new(connection, self.checkpointer.residue().clone())))
    }
}

/// Makes the file for its owner alone, if it isn't there; SQLite's other files take its mode.
fn make_private(database: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(database).map(drop)
}

/// Tells the database's file from a copy of it. A snapshot of the whole file system is the same.
fn file_identity(connection: &Connection) -> Result<String, StorageError> {
    let path = Path::new(connection.path().unwrap_or_default());
    let open_error = |source| StorageError::Open { path: path.to_owned(), source };
    let file = path.metadata().map_err(open_error)?;
    #[cfg(unix)]
    let number = {
        use std::os::unix::fs::MetadataExt as _;
        format!("{}:{}", file.dev(), file.ino())
    };
    #[cfg(not(unix))]
    let number = path.display();
    // Not all file systems know when a file was made.
    let made = file.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    Ok(format!("{number}:{}", made.unwrap_or_default().as_nanos()))
}

fn connect(database: &Path) -> Result<Connection, StorageError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bytes::Bytes;
    use enlace_log::Seq;
    use tempfile::TempDir;

    use super::super::conformance::samples::{append, channel, create, item};
    use super::*;

    fn needle(number: u64) -> Vec<u8> {
        format!("ciphertext {number:03} ")
            .repeat(3 + usize::try_from(number % 90).unwrap() * 2)
            .into_bytes()
    }

    fn holds(directory: &Path, needle: &[u8]) -> bool {
        fs::read_dir(directory).unwrap().any(|file| {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            bytes.windows(needle.len()).any(|window| window == needle)
        })
    }

    /// Nothing of what was erased is in the database's pages, used or free, nor in the log beside
    /// it; what lies next to it is.
    #[test]
    fn what_was_erased_is_in_no_file() {
        for is_inline in [true, false] {
            let directory = TempDir::new().unwrap();
            let options = SqliteOptions { is_inline, ..SqliteOptions::new(directory.path()) };
            let mut storage = SqliteStorage::open(&options).unwrap();
            let commit = |storage: &mut SqliteStorage, log: Vec<LogWrite>| {
                storage.commit(&WriteBatch { log, side: Vec::new() }).unwrap();
            };
            let channels = [channel(1), channel(2), channel(3)];
            commit(&mut storage, channels.iter().map(|one| create(*one)).collect());
            for number in 1..300_u64 {
                let one = channels[usize::try_from(number % 3).unwrap()];
                let seq = number.div_ceil(3);
                let mut write = append(one, seq - 1, 1);
                if let LogWrite::Append { items, .. } = &mut write {
                    assert_eq!(items[0].seq, item(one, seq).seq);
                    items[0].payload = Bytes::from(needle(number));
                }
                commit(&mut storage, vec![write]);
            }
            let erased = |number: u64| number.is_multiple_of(5);
            for number in (1..300).filter(|number| erased(*number)) {
                let one = channels[usize::try_from(number % 3).unwrap()];
                let items = vec![Seq(number.div_ceil(3))];
                commit(&mut storage, vec![LogWrite::Erase { channel: one, items }]);
            }
            if is_inline {
                let log = directory.path().join("relay.db-wal");
                assert_eq!(fs::metadata(&log).unwrap().len(), 0);
            } else {
                // The checkpoint's thread does what it was asked for before it ends.
                drop(storage);
            }
            for number in 1..300 {
                let is_there = holds(directory.path(), &needle(number)[..40]);
                assert_eq!(is_there, !erased(number), "{number}, inline: {is_inline}");
            }
        }
    }
}
