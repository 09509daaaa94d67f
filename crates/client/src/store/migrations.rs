//! The versions of the store's schema, applied in order and never edited.

use enlace_channel::entry::SignedEntry;
use rusqlite::{Connection, TransactionBehavior, params};

use super::StoreError;

/// Each brings the store from the version of its index to the next.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
];

/// The version that gave entries the columns which [`fill_commitments`] fills.
const COMMITMENTS: usize = 6;

/// Brings a store to the newest version; nothing happens when it is there.
///
/// # Errors
/// [`StoreError::Newer`] when a newer program wrote it.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
    if version(connection)? == migrations.len() {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&tx)?;
    let pending =
        migrations.get(found..).ok_or(StoreError::Newer { found, known: migrations.len() })?;
    for (before, migration) in (found..).zip(pending) {
        tx.execute_batch(migration)?;
        if before + 1 == COMMITMENTS {
            fill_commitments(&tx)?;
        }
    }
    tx.pragma_update(None, "user_version", migrations.len() as u64)?;
    Ok(tx.commit()?)
}

/// What entries are named by, out of what was signed.
fn fill_commitments(tx: &Connection) -> Result<(), StoreError> {
    for table in ["entries", "superseded_entries"] {
        let mut rows = tx.prepare(&format!("SELECT rowid, signed FROM {table}"))?;
        let sql = format!("UPDATE {table} SET commitment = ?2, parent = ?3 WHERE rowid = ?1");
        let mut update = tx.prepare(&sql)?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let (id, signed): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let entry = SignedEntry::decode(&signed).map_err(|_| StoreError::Corrupt("entry"))?;
            let parent = entry.header().parent.map(|of| of.0);
            update.execute(params![id, entry.commitment().as_bytes(), parent])?;
        }
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(version as usize)
}
