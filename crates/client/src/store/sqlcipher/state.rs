//! The key-value side: what enlace-channel keeps, under savepoints.

use enlace_channel::state_store::{StateError, StateStore};
use rusqlite::{OptionalExtension as _, Params};

use super::SqlTransaction;

impl StateStore for SqlTransaction<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let mut statement =
            self.sql.prepare_cached("SELECT value FROM state WHERE key = ?1").map_err(engine)?;
        statement.query_row([key], |row| row.get(0)).optional().map_err(engine)
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        self.change(
            "INSERT INTO state (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )
    }

    fn delete(&self, key: &[u8]) -> Result<(), StateError> {
        self.change("DELETE FROM state WHERE key = ?1", [key])
    }

    fn savepoint(&self) -> Result<(), StateError> {
        let depth = self.savepoints.get();
        self.batch(&format!("SAVEPOINT s{depth}"))?;
        self.savepoints.set(depth + 1);
        Ok(())
    }

    fn rollback(&self) -> Result<(), StateError> {
        let innermost = self.innermost()?;
        self.batch(&format!("ROLLBACK TO s{innermost}; RELEASE s{innermost}"))?;
        self.savepoints.set(innermost);
        Ok(())
    }

    fn release(&self) -> Result<(), StateError> {
        let innermost = self.innermost()?;
        self.batch(&format!("RELEASE s{innermost}"))?;
        self.savepoints.set(innermost);
        Ok(())
    }
}

impl SqlTransaction<'_> {
    fn change(&self, sql: &str, params: impl Params) -> Result<(), StateError> {
        let mut statement = self.sql.prepare_cached(sql).map_err(engine)?;
        statement.execute(params).map_err(engine)?;
        Ok(())
    }

    fn batch(&self, sql: &str) -> Result<(), StateError> {
        self.sql.execute_batch(sql).map_err(engine)
    }

    fn innermost(&self) -> Result<u32, StateError> {
        self.savepoints.get().checked_sub(1).ok_or(StateError::NoSavepoint)
    }
}

fn engine(error: rusqlite::Error) -> StateError {
    StateError::Engine(Box::new(error))
}
