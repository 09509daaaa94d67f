//! Between columns and types. What the store holds it wrote itself: whatever can't be read back
//! means damage.

use std::str::FromStr;

use enlace_identity::time::Timestamp;
use enlace_log::Seq;
use rusqlite::types::FromSql;
use rusqlite::{OptionalExtension as _, Params, Row};

use super::SqlTransaction;
use crate::store::StoreError;

impl SqlTransaction<'_> {
    /// Runs a statement; returns how many rows changed.
    pub(super) fn run(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.sql.prepare_cached(sql)?.execute(params)?)
    }

    /// All rows, each read by `read`.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.sql.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row)?);
        }
        Ok(all)
    }

    /// The first row, if any.
    pub(super) fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.sql.prepare_cached(sql)?;
        let row = statement.query_row(params, |row| Ok(read(row))).optional()?;
        row.transpose()
    }
}

/// A column that SQLite can give as it is.
pub(super) fn column<T: FromSql>(row: &Row<'_>, name: &'static str) -> Result<T, StoreError> {
    row.get(name).map_err(|_| StoreError::Corrupt(name))
}

/// A column of text that has to parse.
pub(super) fn parsed<T: FromStr>(row: &Row<'_>, name: &'static str) -> Result<T, StoreError> {
    column::<String>(row, name)?.parse().map_err(|_| StoreError::Corrupt(name))
}

/// A column of so many bytes.
pub(super) fn fixed<const N: usize>(
    row: &Row<'_>,
    name: &'static str,
) -> Result<[u8; N], StoreError> {
    column::<Vec<u8>>(row, name)?.try_into().map_err(|_| StoreError::Corrupt(name))
}

/// A column with an instant.
pub(super) fn instant(row: &Row<'_>, name: &'static str) -> Result<Timestamp, StoreError> {
    whole(row, name).map(Timestamp::from_millis)
}

/// A column with a position, or NULL.
pub(super) fn position(row: &Row<'_>, name: &'static str) -> Result<Option<Seq>, StoreError> {
    Ok(column::<Option<i64>>(row, name)?.map(|seq| Seq(seq.unsigned_abs())))
}

/// A column that [`number`] filled.
pub(super) fn whole(row: &Row<'_>, name: &'static str) -> Result<u64, StoreError> {
    column::<i64>(row, name).map(i64::cast_unsigned)
}

/// A number as SQLite keeps it: the i64 of the same bits. A hub can sign any time, and an author any
/// kind: what is hashed comes back as it was.
pub(super) fn number(value: u64) -> i64 {
    value.cast_signed()
}
