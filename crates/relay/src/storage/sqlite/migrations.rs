//! The schema's versions. A migration that was released is never edited; a new one follows.

use rusqlite::{Connection, TransactionBehavior};

use super::StorageError;

const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql")];

/// Runs what the store has not seen yet, all in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StorageError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.len() as i64;
    let done = usize::try_from(found).map_err(|_| StorageError::Corrupt("user_version"))?;
    let missing = MIGRATIONS.get(done..).ok_or(StorageError::Newer { found, known })?;
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}
