//! The versions of the store's schema, applied in order and never edited.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// Each brings the store from the version of its index to the next.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
];

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
    for migration in pending {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "user_version", migrations.len() as u64)?;
    Ok(tx.commit()?)
}

fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(version as usize)
}
