//! The outbox in SQL.

use enlace_log::{ChannelId, ClientId, Seq, former};
use prost::Message as _;
use rusqlite::{Row, params};

use super::SqlTransaction;
use super::values::{column, fixed, instant, number, position};
use crate::store::{OutboxRow, OutboxRows, OutboxState, SealedItem, StoreError};

const QUEUED: &str = "queued";
const ACCEPTED: &str = "accepted";
const FAILED: &str = "failed";

/// The fence of an item that was sealed before any commit.
const NO_FENCE: i64 = -1;

impl OutboxRows for SqlTransaction<'_> {
    fn put_outbox(&self, row: &OutboxRow) -> Result<u64, StoreError> {
        let sql = "INSERT INTO outbox (client_id, channel, task, state, created_at)
                   VALUES (?1, ?2, '', 'queued', ?3)";
        let created_at = number(row.created_at.as_millis());
        self.run(sql, params![row.client_id.as_bytes(), row.channel.as_bytes(), created_at])?;
        let position = self.sql.last_insert_rowid().unsigned_abs();
        self.update_outbox(row)?;
        Ok(position)
    }

    fn update_outbox(&self, row: &OutboxRow) -> Result<(), StoreError> {
        let task = serde_json::to_string(&row.task)
            .map_err(|error| StoreError::Engine(Box::new(error)))?;
        let (state, seq, reason) = match &row.state {
            OutboxState::Queued => (QUEUED, None, None),
            OutboxState::Accepted(seq) => (ACCEPTED, seq.map(|seq| number(seq.0)), None),
            OutboxState::Failed(reason) => (FAILED, None, Some(reason)),
        };
        let sealed = row.sealed.as_ref();
        self.run(
            "UPDATE outbox SET task = ?2, signed = ?3, sealed = ?4, sealed_fence = ?5, state = ?6,
                 seq = ?7, reason = ?8, attempts = ?9, not_before = ?10, automatic = ?11
             WHERE client_id = ?1",
            params![
                row.client_id.as_bytes(),
                task,
                row.signed,
                sealed.map(|sealed| sealed.request.encode_to_vec()),
                sealed.map(|sealed| sealed.fence.map_or(NO_FENCE, |fence| number(fence.0))),
                state,
                seq,
                reason,
                row.attempts,
                number(row.not_before.as_millis()),
                row.automatic,
            ],
        )?;
        Ok(())
    }

    fn rename_outbox(&self, from: ClientId, to: ClientId) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET client_id = ?2 WHERE client_id = ?1";
        self.run(sql, params![from.as_bytes(), to.as_bytes()])?;
        Ok(())
    }

    fn outbox_of(&self, client_id: ClientId) -> Result<Option<OutboxRow>, StoreError> {
        let sql = "SELECT * FROM outbox WHERE client_id = ?1";
        self.first(sql, [client_id.as_bytes()], read)
    }

    fn queued(&self, channel: Option<ChannelId>) -> Result<Vec<OutboxRow>, StoreError> {
        self.all(
            "SELECT * FROM outbox WHERE state = 'queued' AND (?1 IS NULL OR channel = ?1)
             ORDER BY position",
            [channel.map(|channel| channel.0)],
            read,
        )
    }

    fn unlogged_entries(&self, channel: ChannelId) -> Result<Vec<OutboxRow>, StoreError> {
        let sql =
            "SELECT * FROM outbox WHERE channel = ?1 AND signed IS NOT NULL ORDER BY position";
        self.all(sql, [channel.as_bytes()], read)
    }
}

fn read(row: &Row<'_>) -> Result<OutboxRow, StoreError> {
    let task: String = column(row, "task")?;
    Ok(OutboxRow {
        position: column::<i64>(row, "position")?.unsigned_abs(),
        client_id: ClientId(fixed(row, "client_id")?),
        channel: ChannelId(fixed(row, "channel")?),
        task: serde_json::from_str(&task).map_err(|_| StoreError::Corrupt("task"))?,
        signed: column(row, "signed")?,
        sealed: sealed(row)?,
        state: state(row)?,
        attempts: column(row, "attempts")?,
        not_before: instant(row, "not_before")?,
        automatic: column(row, "automatic")?,
        created_at: instant(row, "created_at")?,
    })
}

fn sealed(row: &Row<'_>) -> Result<Option<SealedItem>, StoreError> {
    let Some(bytes) = column::<Option<Vec<u8>>>(row, "sealed")? else { return Ok(None) };
    let request = former::read_request(&bytes).map_err(|_| StoreError::Corrupt("sealed item"))?;
    let fence = match column::<i64>(row, "sealed_fence")? {
        NO_FENCE => None,
        fence => Some(Seq(fence.unsigned_abs())),
    };
    Ok(Some(SealedItem { request, fence }))
}

fn state(row: &Row<'_>) -> Result<OutboxState, StoreError> {
    match column::<String>(row, "state")?.as_str() {
        QUEUED => Ok(OutboxState::Queued),
        ACCEPTED => Ok(OutboxState::Accepted(position(row, "seq")?)),
        FAILED => Ok(OutboxState::Failed(column(row, "reason")?)),
        _ => Err(StoreError::Corrupt("outbox state")),
    }
}
