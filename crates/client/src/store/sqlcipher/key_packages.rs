//! Key packages in SQL.

use enlace_channel::mls::KeyPackageReference;
use rusqlite::{Row, params};

use super::SqlTransaction;
use super::values::{column, instant, number};
use crate::store::{KeyPackageRow, KeyPackageRows, StoreError};

impl KeyPackageRows for SqlTransaction<'_> {
    fn put_key_package(&self, row: &KeyPackageRow) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO key_packages (reference, suite, last_resort, message, made_at)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (reference) DO UPDATE SET message = excluded.message",
            params![
                row.reference.as_bytes(),
                row.suite,
                row.last_resort,
                row.message,
                number(row.made_at.as_millis()),
            ],
        )?;
        Ok(())
    }

    fn delete_key_package_row(&self, reference: &KeyPackageReference) -> Result<(), StoreError> {
        self.run("DELETE FROM key_packages WHERE reference = ?1", [reference.as_bytes()])?;
        Ok(())
    }

    fn key_packages(&self, suite: u16) -> Result<Vec<KeyPackageRow>, StoreError> {
        let sql = "SELECT * FROM key_packages WHERE suite = ?1 ORDER BY made_at, reference";
        self.all(sql, [suite], read)
    }
}

fn read(row: &Row<'_>) -> Result<KeyPackageRow, StoreError> {
    Ok(KeyPackageRow {
        reference: KeyPackageReference::from_bytes(column(row, "reference")?),
        suite: column(row, "suite")?,
        last_resort: column(row, "last_resort")?,
        message: column(row, "message")?,
        made_at: instant(row, "made_at")?,
    })
}
