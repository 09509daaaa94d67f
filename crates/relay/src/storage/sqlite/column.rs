//! Between SQLite's types and ours. Whatever cannot be read back was not written here.

use bytes::Bytes;
use rusqlite::Row;
use rusqlite::types::FromSql;

use super::StorageError;

/// A column, with the name to report when it holds something else.
pub(super) fn get<T: FromSql>(
    row: &Row<'_>,
    index: usize,
    column: &'static str,
) -> Result<T, StorageError> {
    row.get(index).map_err(|_| StorageError::Corrupt(column))
}

/// A u64, stored as the i64 of the same bits.
pub(super) fn u64(row: &Row<'_>, index: usize, column: &'static str) -> Result<u64, StorageError> {
    get::<i64>(row, index, column).map(i64::cast_unsigned)
}

/// Bytes that are shared from here on.
pub(super) fn bytes(
    row: &Row<'_>,
    index: usize,
    column: &'static str,
) -> Result<Bytes, StorageError> {
    get::<Vec<u8>>(row, index, column).map(Bytes::from)
}

/// Bytes of a fixed length.
pub(super) fn fixed<const N: usize>(
    row: &Row<'_>,
    index: usize,
    column: &'static str,
) -> Result<[u8; N], StorageError> {
    let bytes = row.get_ref(index).ok().and_then(|value| value.as_blob().ok());
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(StorageError::Corrupt(column))
}

/// A name.
pub(super) fn name<T: std::str::FromStr>(
    row: &Row<'_>,
    index: usize,
    column: &'static str,
) -> Result<T, StorageError> {
    let text = row.get_ref(index).ok().and_then(|value| value.as_str().ok());
    text.and_then(|text| text.parse().ok()).ok_or(StorageError::Corrupt(column))
}
