//! Channels in SQL.

use enlace_log::{ChannelId, SignedHead};
use enlace_proto::relay::v1 as wire;
use prost::Message as _;
use rusqlite::{Row, params};

use super::SqlTransaction;
use super::values::{column, fixed, instant, number, parsed};
use crate::store::{ChannelRow, ChannelRows, StoreError};

impl ChannelRows for SqlTransaction<'_> {
    fn channels(&self) -> Result<Vec<ChannelRow>, StoreError> {
        self.all("SELECT * FROM channels ORDER BY joined_at, id", [], read)
    }

    fn channel(&self, id: ChannelId) -> Result<Option<ChannelRow>, StoreError> {
        self.first("SELECT * FROM channels WHERE id = ?1", [id.as_bytes()], read)
    }

    fn put_channel(&self, row: &ChannelRow) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO channels (id, hub, title, standing, stopped, head, joined_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET hub = excluded.hub, title = excluded.title,
                 standing = excluded.standing, stopped = excluded.stopped, head = excluded.head,
                 joined_at = excluded.joined_at, updated_at = excluded.updated_at",
            params![
                row.id.as_bytes(),
                row.hub.as_str(),
                row.title,
                row.standing.as_str(),
                row.stopped,
                row.head.as_ref().map(|head| head.to_wire().encode_to_vec()),
                number(row.joined_at.as_millis()),
                number(row.updated_at.as_millis()),
            ],
        )?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<ChannelRow, StoreError> {
    let id = ChannelId(fixed(row, "id")?);
    Ok(ChannelRow {
        id,
        hub: parsed(row, "hub")?,
        title: column(row, "title")?,
        standing: parsed(row, "standing")?,
        stopped: column(row, "stopped")?,
        head: column::<Option<Vec<u8>>>(row, "head")?.map(|bytes| head(id, &bytes)).transpose()?,
        joined_at: instant(row, "joined_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}

fn head(channel: ChannelId, bytes: &[u8]) -> Result<SignedHead, StoreError> {
    let head = wire::SignedHead::decode(bytes).map_err(|_| StoreError::Corrupt("head"))?;
    SignedHead::from_wire(channel, &head).map_err(|_| StoreError::Corrupt("head"))
}
