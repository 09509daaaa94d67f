//! Notices in SQL.

use enlace_log::ChannelId;
use rusqlite::{Row, params};

use super::SqlTransaction;
use super::values::{column, instant, number, position};
use crate::store::{NoticeRow, NoticeRows, StoreError};

impl NoticeRows for SqlTransaction<'_> {
    fn put_notice(&self, row: &NoticeRow) -> Result<u64, StoreError> {
        let detail = serde_json::to_string(&row.notice)
            .map_err(|error| StoreError::Engine(Box::new(error)))?;
        self.run(
            "INSERT INTO notices (channel, seq, at, detail) VALUES (?1, ?2, ?3, ?4)",
            params![
                row.channel.map(|channel| channel.0),
                row.seq.map(|seq| number(seq.0)),
                number(row.at.as_millis()),
                detail,
            ],
        )?;
        Ok(self.sql.last_insert_rowid().unsigned_abs())
    }

    fn notices(
        &self,
        channel: Option<ChannelId>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<NoticeRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.all(
            "SELECT * FROM notices WHERE id > ?1 AND (?2 IS NULL OR channel = ?2)
             ORDER BY id LIMIT ?3",
            params![number(after), channel.map(|channel| channel.0), limit],
            read,
        )
    }
}

fn read(row: &Row<'_>) -> Result<NoticeRow, StoreError> {
    let corrupt = |_| StoreError::Corrupt("notice");
    let channel: Option<Vec<u8>> = column(row, "channel")?;
    let channel = channel.map(|bytes| ChannelId::try_from(&bytes[..])).transpose();
    let detail: String = column(row, "detail")?;
    Ok(NoticeRow {
        id: column::<i64>(row, "id")?.unsigned_abs(),
        channel: channel.map_err(|_| StoreError::Corrupt("channel"))?,
        seq: position(row, "seq")?,
        at: instant(row, "at")?,
        notice: serde_json::from_str(&detail).map_err(corrupt)?,
    })
}
