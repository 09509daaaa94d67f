//! The schema's versions. A migration that was released is never edited; a new one follows.

use rusqlite::{Connection, TransactionBehavior};

use super::StorageError;

const MIGRATIONS: [&str; 6] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
];

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

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;

    /// What was accepted before keys were put in another order counts as before.
    #[test]
    fn accepted_items_stay_accepted() {
        let mut connection = Connection::open_in_memory().unwrap();
        for former in &MIGRATIONS[..2] {
            connection.execute_batch(former).unwrap();
        }
        connection.pragma_update(None, "user_version", 2).unwrap();
        let insert =
            "INSERT INTO accepted (channel, device, client_id, seq) VALUES (?1, ?2, ?3, ?4)";
        for (device, id, seq) in [(1, [9_u8; 16], 5), (2, [9; 16], 6), (1, [8; 16], 7)] {
            connection.execute(insert, params![3, device, &id[..], seq]).unwrap();
        }
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        let find = "SELECT seq FROM accepted WHERE channel = 3 AND client_id = ?1 AND device = ?2";
        let seq = |device: i64, id: [u8; 16]| {
            connection.query_row(find, params![&id[..], device], |row| row.get::<_, i64>(0))
        };
        assert_eq!(seq(1, [9; 16]), Ok(5));
        assert_eq!(seq(2, [9; 16]), Ok(6));
        assert_eq!(seq(1, [8; 16]), Ok(7));
        assert!(seq(2, [8; 16]).is_err());
    }
}
