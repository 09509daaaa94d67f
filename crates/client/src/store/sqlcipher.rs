//! The store's engine: SQLite with every page encrypted (SQLCipher 4).
//!
//! The officer's passphrase is handed to SQLCipher as it is: its own key derivation
//! (PBKDF2-HMAC-SHA512, 256,000 iterations, the salt in the file's head) and page encryption
//! (AES-256-CBC with HMAC-SHA512) are what is reviewed and what its tools can open. The device key
//! beside it is locked with the same passphrase by a derivation of its own.
//!
//! WAL, so that readers don't wait for a writer; `synchronous = FULL`, so that what was promised
//! to the officer survives a power cut; `secure_delete`, so that used-up keys don't stay in free
//! pages.

mod backup;
mod channels;
mod confirmations;
mod directory;
mod entries;
mod erasures;
mod items;
mod key_packages;
mod notices;
mod outbox;
mod state;
mod values;

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use enlace_identity::keys::Passphrase;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::memory::{CommitFault, Faults};
use super::migrations::{MIGRATIONS, migrate};
use super::{Store, StoreError, Transaction};

/// How long to wait for another process's transaction; those are short.
const BUSY: Duration = Duration::from_secs(30);

/// An open store.
pub struct SqlCipher {
    connection: Connection,
    faults: Option<Faults>,
}

struct SqlTransaction<'c> {
    sql: rusqlite::Transaction<'c>,
    savepoints: Cell<u32>,
    faults: Option<&'c Faults>,
}

impl SqlCipher {
    /// Opens a store, or makes an empty one; brings an older one to this version.
    ///
    /// # Errors
    /// [`StoreError::WrongPassphrase`], [`StoreError::Newer`], or a failure of the engine.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, StoreError> {
        Self::open_with(path, passphrase, MIGRATIONS)
    }

    /// A store in memory: not encrypted, and nothing of it outlives the process.
    pub(super) fn in_memory(
        mut connection: Connection,
        faults: Faults,
    ) -> Result<Self, StoreError> {
        connection.pragma_update(None, "journal_mode", "MEMORY")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(128);
        migrate(&mut connection, MIGRATIONS)?;
        Ok(Self { connection, faults: Some(faults) })
    }

    fn open_with(
        path: &Path,
        passphrase: &Passphrase,
        migrations: &[&str],
    ) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        // SQLCipher would tell stderr about a wrong passphrase; the caller does, in better words.
        connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
        connection.pragma_update(None, "key", passphrase.expose())?;
        if !is_encrypting(&connection)? {
            return Err(StoreError::NotEncrypted);
        }
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(128);
        migrate(&mut connection, migrations)?;
        Ok(Self { connection, faults: None })
    }

    fn transaction(
        &mut self,
        behavior: TransactionBehavior,
    ) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let sql = self.connection.transaction_with_behavior(behavior)?;
        let faults = self.faults.as_ref();
        Ok(Box::new(SqlTransaction { sql, savepoints: Cell::new(0), faults }))
    }
}

impl Store for SqlCipher {
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.transaction(TransactionBehavior::Immediate)
    }

    fn read(&mut self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.transaction(TransactionBehavior::Deferred)
    }

    fn scrub(&mut self) -> Result<bool, StoreError> {
        if self.faults.is_some() { Ok(true) } else { erasures::scrub(&self.connection) }
    }

    fn backup(&mut self, path: &Path, passphrase: &Passphrase) -> Result<(), StoreError> {
        backup::write(&self.connection, path, passphrase)
    }
}

impl Transaction for SqlTransaction<'_> {
    fn data_version(&self) -> Result<u64, StoreError> {
        Ok(self.sql.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let broken = || StoreError::Engine("the disk was told to fail".into());
        match self.faults.and_then(Faults::next) {
            None => Ok(self.sql.commit()?),
            Some(CommitFault::NothingKept) => Err(broken()),
            Some(CommitFault::AllKept) => {
                self.sql.commit()?;
                Err(broken())
            }
        }
    }
}

/// A plain SQLite takes `PRAGMA key` without a word and writes in clear.
fn is_encrypting(connection: &Connection) -> Result<bool, StoreError> {
    let mut statement = connection.prepare("PRAGMA cipher_version")?;
    let mut rows = statement.query([])?;
    Ok(rows.next()?.is_some())
}

#[cfg(test)]
mod tests;
