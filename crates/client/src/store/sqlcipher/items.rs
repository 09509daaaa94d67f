//! Logs in SQL.

use bytes::Bytes;
use enlace_identity::time::Timestamp;
use enlace_log::{ChainHash, ChannelId, Item, ItemKind, Sealed, Seq};
use enlace_proto::relay::v1 as wire;
use prost::Message as _;
use rusqlite::{Row, params};

use super::SqlTransaction;
use super::values::{column, fixed, instant, number, position};
use crate::store::{ItemRow, ItemRows, StoreError};

impl ItemRows for SqlTransaction<'_> {
    fn put_item(&self, row: &ItemRow) -> Result<(), StoreError> {
        let sealed = &row.item.sealed;
        let is_statement = sealed.envelope().kind == ItemKind::HubStatement;
        self.run(
            "INSERT OR REPLACE INTO items (channel, seq, received_at, envelope, outer_signature, list_change,
                 chain, payload, statement)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                sealed.envelope().channel.as_bytes(),
                number(row.item.seq.0),
                number(row.item.received_at.as_millis()),
                &sealed.envelope_bytes()[..],
                sealed.outer_signature().as_bytes(),
                sealed.list_change().map(|change| change.to_wire().encode_to_vec()),
                row.chain.as_bytes(),
                sealed.payload().map(|payload| &payload[..]),
                is_statement,
            ],
        )?;
        Ok(())
    }

    fn item(&self, channel: ChannelId, seq: Seq) -> Result<Option<ItemRow>, StoreError> {
        let sql = "SELECT * FROM items WHERE channel = ?1 AND seq = ?2";
        self.first(sql, params![channel.as_bytes(), number(seq.0)], read)
    }

    fn chain_at(&self, channel: ChannelId, seq: Seq) -> Result<Option<ChainHash>, StoreError> {
        let sql = "SELECT chain FROM items WHERE channel = ?1 AND seq = ?2";
        self.first(sql, params![channel.as_bytes(), number(seq.0)], |row| {
            Ok(ChainHash(fixed(row, "chain")?))
        })
    }

    fn items(&self, channel: ChannelId, from: Seq, to: Seq) -> Result<Vec<ItemRow>, StoreError> {
        let sql = "SELECT * FROM items WHERE channel = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq";
        self.all(sql, params![channel.as_bytes(), number(from.0), number(to.0)], read)
    }

    fn drop_payloads(&self, channel: ChannelId, from: Seq, to: Seq) -> Result<(), StoreError> {
        if from >= to {
            return Ok(());
        }
        let sql = "UPDATE items SET payload = NULL
                   WHERE channel = ?1 AND seq >= ?2 AND seq < ?3
                     AND list_change IS NULL AND statement = 0";
        self.run(sql, params![channel.as_bytes(), number(from.0), number(to.0)])?;
        Ok(())
    }

    fn newest_commit(&self, channel: ChannelId, to: Seq) -> Result<Option<Seq>, StoreError> {
        let sql = "SELECT seq FROM items
                   WHERE channel = ?1 AND seq <= ?2 AND list_change IS NOT NULL
                   ORDER BY seq DESC LIMIT 1";
        let found =
            self.first(sql, params![channel.as_bytes(), number(to.0)], |row| position(row, "seq"))?;
        Ok(found.flatten())
    }

    fn supersede(&self, channel: ChannelId, from: Seq) -> Result<(), StoreError> {
        let place = params![channel.as_bytes(), number(from.0)];
        self.run(
            "INSERT OR IGNORE INTO superseded_entries
             SELECT * FROM entries WHERE channel = ?1 AND seq >= ?2",
            place,
        )?;
        self.run("DELETE FROM entries WHERE channel = ?1 AND seq >= ?2", place)?;
        self.run("DELETE FROM notices WHERE channel = ?1 AND seq >= ?2", place)?;
        self.run("DELETE FROM items WHERE channel = ?1 AND seq >= ?2", place)?;
        self.run("DELETE FROM tombstones WHERE channel = ?1 AND by_seq >= ?2", place)?;
        self.run("DELETE FROM without_content WHERE channel = ?1 AND seq >= ?2", place)?;
        for table in ["erasure_confirmations", "erasure_inquiries"] {
            let sql = format!("DELETE FROM {table} WHERE channel = ?1 AND tombstone >= ?2");
            self.run(&sql, place)?;
        }
        self.run(
            "UPDATE erasure_confirmations SET recorded = NULL WHERE channel = ?1 AND recorded >= ?2",
            place,
        )?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<ItemRow, StoreError> {
    let corrupt = |_| StoreError::Corrupt("item");
    let list_change = column::<Option<Vec<u8>>>(row, "list_change")?
        .map(|bytes| wire::ListChange::decode(&bytes[..]).map_err(corrupt))
        .transpose()?;
    let outer_signature: Vec<u8> = column(row, "outer_signature")?;
    let payload = column::<Option<Vec<u8>>>(row, "payload")?.unwrap_or_default();
    let envelope = Bytes::from(column::<Vec<u8>>(row, "envelope")?);
    let sealed = Sealed::read(envelope, &outer_signature, payload.into(), list_change.as_ref())
        .map_err(|_| StoreError::Corrupt("item"))?;
    let received_at: Timestamp = instant(row, "received_at")?;
    let seq: Seq = position(row, "seq")?.unwrap_or_default();
    Ok(ItemRow { item: Item { seq, received_at, sealed }, chain: ChainHash(fixed(row, "chain")?) })
}
