//! A copy of what the officer sees, as a store of its own: any SQLCipher opens it, and so does this
//! program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use enlace_identity::keys::Passphrase;
use rusqlite::Connection;

use super::SqlCipher;
use crate::store::StoreError;

/// What is copied. Nothing of a secret key is in any of it, and nothing that could be sent.
const COPIED: &[&str] = &[
    "INSERT INTO backup.channels SELECT * FROM main.channels WHERE standing != 'creating'",
    "INSERT INTO backup.entries SELECT * FROM main.entries
     WHERE channel IN (SELECT id FROM backup.channels)",
    "INSERT INTO backup.superseded_entries SELECT * FROM main.superseded_entries
     WHERE channel IN (SELECT id FROM backup.channels)",
    "INSERT INTO backup.items (channel, seq, received_at, envelope, outer_signature, list_change,
         chain, statement)
     SELECT channel, seq, received_at, envelope, outer_signature, list_change, chain, statement
     FROM main.items WHERE channel IN (SELECT id FROM backup.channels)",
    "INSERT INTO backup.erasures SELECT * FROM main.erasures
     WHERE channel IN (SELECT id FROM backup.channels)",
    "INSERT INTO backup.tombstones SELECT * FROM main.tombstones
     WHERE channel IN (SELECT id FROM backup.channels)",
    "INSERT INTO backup.without_content SELECT * FROM main.without_content
     WHERE channel IN (SELECT id FROM backup.channels)",
    "INSERT INTO backup.erasure_confirmations SELECT * FROM main.erasure_confirmations
     WHERE channel IN (SELECT id FROM backup.channels)",
    "INSERT INTO backup.certificates SELECT * FROM main.certificates",
    "INSERT INTO backup.notices SELECT * FROM main.notices WHERE channel IS NOT NULL",
    "INSERT INTO backup.settings SELECT * FROM main.settings
     WHERE name GLOB 'backup/*' OR name GLOB 'nonce/*' OR name GLOB 'closed/*'
        OR name GLOB 'days/*' OR name GLOB 'hold/*' OR name GLOB 'restored/*' OR name GLOB 'demoted/*'
        OR name GLOB 'published/*'",
];

pub(super) fn write(
    connection: &Connection,
    path: &Path,
    passphrase: &Passphrase,
) -> Result<(), StoreError> {
    if path.exists() {
        let there = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(StoreError::Engine(Box::new(there)));
    }
    let beside = beside(path);
    let disk = |error: io::Error| StoreError::Engine(Box::new(error));
    remove(&beside).map_err(disk)?;
    let written = make_private(&beside).map_err(disk).and_then(|()| {
        drop(SqlCipher::open(&beside, passphrase)?);
        copy(connection, &beside, passphrase)?;
        fs::File::open(&beside).and_then(|file| file.sync_all()).map_err(disk)?;
        fs::rename(&beside, path).map_err(disk)
    });
    if written.is_err() {
        // What is left of it is encrypted; the error that counts is the first.
        let _ = remove(&beside);
    }
    written
}

fn copy(connection: &Connection, path: &Path, passphrase: &Passphrase) -> Result<(), StoreError> {
    let path = path.to_str().ok_or(StoreError::Corrupt("the backup's path"))?;
    connection.execute("ATTACH DATABASE ?1 AS backup KEY ?2", [path, passphrase.expose()])?;
    let copied = copy_tables(connection);
    let detached = connection.execute_batch("DETACH DATABASE backup");
    copied?;
    Ok(detached?)
}

fn copy_tables(connection: &Connection) -> Result<(), StoreError> {
    // One file, with nothing beside it.
    connection.query_row("PRAGMA backup.journal_mode = DELETE", [], |_| Ok(()))?;
    let transaction = connection.unchecked_transaction()?;
    for statement in COPIED {
        transaction.execute(statement, [])?;
    }
    Ok(transaction.commit()?)
}

/// For its owner alone.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    beside.into()
}

fn remove(path: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        match fs::remove_file(PathBuf::from(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
