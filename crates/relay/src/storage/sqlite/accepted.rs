//! What was accepted, as the writer knows it.

use enlace_identity::canonical::sha256;
use enlace_identity::time::Timestamp;
use enlace_log::{Envelope, Seq};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::column;
use super::ids::Ids;
use crate::storage::{Accepted, IdempotencyKey, StorageError};

/// Looks for all keys in one transaction.
pub(super) fn find(
    connection: &mut Connection,
    ids: &mut Ids,
    keys: &[IdempotencyKey],
) -> Result<Vec<Option<Accepted>>, StorageError> {
    let transaction = connection.transaction()?;
    let found = keys.iter().map(|key| find_one(&transaction, ids, key)).collect();
    transaction.commit()?;
    found
}

fn find_one(
    connection: &Connection,
    ids: &mut Ids,
    key: &IdempotencyKey,
) -> Result<Option<Accepted>, StorageError> {
    let Some(channel) = ids.known_channel(connection, &key.channel)? else { return Ok(None) };
    let Some(device) = ids.known_device(connection, &key.device)? else { return Ok(None) };
    let mut statement = connection.prepare_cached(
        "SELECT seq FROM accepted WHERE channel = ?1 AND client_id = ?2 AND device = ?3",
    )?;
    let id = params![channel, &key.client_id.0[..], device];
    let seq: Option<i64> = statement.query_row(id, |row| row.get(0)).optional()?;
    let Some(seq) = seq else { return Ok(None) };
    let mut statement = connection.prepare_cached(
        "SELECT received_at, envelope FROM items WHERE channel = ?1 AND seq = ?2",
    )?;
    let mut rows = statement.query([channel, seq])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let bytes = column::bytes(row, 1, "envelope")?;
    let envelope = Envelope::decode(&bytes).map_err(|_| StorageError::Corrupt("envelope"))?;
    Ok(Some(Accepted {
        seq: Seq(seq.cast_unsigned()),
        received_at: Timestamp::from_millis(column::u64(row, 0, "received_at")?),
        kind: envelope.kind,
        commitment: envelope.commitment,
        envelope_hash: sha256(&bytes),
    }))
}
