//! Erasing in SQL, and what makes it true of the files.

use std::time::Duration;

use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, ClientId, Commitment, Seq};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::values::{fixed, instant, number, parsed, position};
use super::{BUSY, SqlTransaction, entries};
use crate::store::{
    DirectoryRows as _, EntryRow, ErasureRow, ErasureRows, StoreError, TombstoneRow,
};

/// The setting that says that files still hold what was erased, and which.
const SCRUB_DUE: &str = "scrub-due";
const PAGES: &str = "pages";
const LOG: &str = "log";

/// How long the log waits for readers; the next transaction tries again.
const PATIENCE: Duration = Duration::from_millis(50);

/// `+seq` sorts what was found; `seq` would have SQLite go through the whole channel, which is in order.
pub(super) const COMMITTED: &str =
    "SELECT * FROM entries WHERE channel = ?1 AND commitment = ?2 ORDER BY +seq LIMIT 1";
pub(super) const ABOUT: &str = "SELECT * FROM entries
     WHERE channel = ?1 AND parent = ?2 AND kind = ?3 ORDER BY +seq";
pub(super) const HAS_KIND: &str = "SELECT 1 FROM entries WHERE channel = ?1 AND kind = ?2 LIMIT 1";
pub(super) const OF_KIND: &str =
    "SELECT * FROM entries WHERE channel = ?1 AND kind = ?2 ORDER BY +seq";

impl ErasureRows for SqlTransaction<'_> {
    fn erase_entry(&self, row: &ErasureRow, without: &[u8]) -> Result<bool, StoreError> {
        self.insert_erasure(row)?;
        let (channel, author) = (row.channel.as_bytes(), row.author.as_str());
        let client_id = row.client_id.as_bytes();
        let mut changed = self.run(
            "UPDATE items SET payload = NULL
             WHERE channel = ?1 AND list_change IS NULL AND payload IS NOT NULL
                 AND seq IN (SELECT seq FROM entries
                             WHERE channel = ?1 AND author = ?2 AND client_id = ?3)",
            params![channel, author, client_id],
        )?;
        for table in ["entries", "superseded_entries"] {
            let sql = format!(
                "UPDATE {table} SET body = '', signed = ?4
                 WHERE channel = ?1 AND author = ?2 AND client_id = ?3
                     AND (body <> '' OR signed <> ?4)"
            );
            changed += self.run(&sql, params![channel, author, client_id, without])?;
        }
        changed += self.run(
            "UPDATE outbox SET signed = ?3, sealed = NULL
             WHERE channel = ?1 AND client_id = ?2 AND signed IS NOT NULL
                 AND (signed <> ?3 OR sealed IS NOT NULL)",
            params![channel, client_id, without],
        )?;
        // Writing the files anew takes long: not for what is gone already.
        if changed > 0 {
            self.put_setting(SCRUB_DUE, Some(PAGES))?;
        }
        Ok(changed > 0)
    }

    fn note_residue(&self) -> Result<(), StoreError> {
        self.put_setting(SCRUB_DUE, Some(PAGES))
    }

    fn put_erasure(&self, row: &ErasureRow) -> Result<(), StoreError> {
        self.insert_erasure(row).map(drop)
    }

    fn erasures(&self, channel: ChannelId) -> Result<Vec<ErasureRow>, StoreError> {
        let sql = "SELECT * FROM erasures WHERE channel = ?1 ORDER BY at, author, client_id";
        self.all(sql, [channel.as_bytes()], read)
    }

    fn put_tombstone(&self, row: &TombstoneRow) -> Result<bool, StoreError> {
        let (channel, seq) = (row.channel.as_bytes(), number(row.seq.0));
        self.run(
            "INSERT INTO tombstones (channel, seq, by, at, by_seq) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (channel, seq) DO NOTHING",
            params![
                channel,
                seq,
                row.by.as_str(),
                number(row.at.as_millis()),
                number(row.by_seq.0),
            ],
        )?;
        let sql = "UPDATE items SET payload = NULL
                   WHERE channel = ?1 AND seq = ?2 AND payload IS NOT NULL";
        let is_dropped = self.run(sql, params![channel, seq])? > 0;
        if is_dropped {
            self.put_setting(SCRUB_DUE, Some(PAGES))?;
        }
        Ok(is_dropped)
    }

    fn tombstones(&self, channel: ChannelId) -> Result<Vec<TombstoneRow>, StoreError> {
        let sql = "SELECT * FROM tombstones WHERE channel = ?1 ORDER BY seq";
        self.all(sql, [channel.as_bytes()], |row| {
            Ok(TombstoneRow {
                channel,
                seq: position(row, "seq")?.unwrap_or_default(),
                by: parsed(row, "by")?,
                at: instant(row, "at")?,
                by_seq: position(row, "by_seq")?.unwrap_or_default(),
            })
        })
    }

    fn put_without_content(
        &self,
        channel: ChannelId,
        seq: Seq,
        author: &DeviceName,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO without_content (channel, seq, author)
                   VALUES (?1, ?2, ?3)";
        self.run(sql, params![channel.as_bytes(), number(seq.0), author.as_str()])?;
        Ok(())
    }

    fn take_without_content(
        &self,
        channel: ChannelId,
        seq: Seq,
    ) -> Result<Option<DeviceName>, StoreError> {
        let place = params![channel.as_bytes(), number(seq.0)];
        let sql = "SELECT author FROM without_content WHERE channel = ?1 AND seq = ?2";
        let author = self.first(sql, place, |row| parsed(row, "author"))?;
        self.run("DELETE FROM without_content WHERE channel = ?1 AND seq = ?2", place)?;
        Ok(author)
    }

    fn without_content(&self, channel: ChannelId) -> Result<Vec<(Seq, DeviceName)>, StoreError> {
        let sql = "SELECT * FROM without_content WHERE channel = ?1 ORDER BY seq";
        self.all(sql, [channel.as_bytes()], |row| {
            Ok((position(row, "seq")?.unwrap_or_default(), parsed(row, "author")?))
        })
    }

    fn entry_committed(
        &self,
        channel: ChannelId,
        commitment: Commitment,
    ) -> Result<Option<EntryRow>, StoreError> {
        self.first(COMMITTED, params![channel.as_bytes(), commitment.as_bytes()], entries::read)
    }

    fn entries_about(
        &self,
        channel: ChannelId,
        parent: Commitment,
        kind: u64,
    ) -> Result<Vec<EntryRow>, StoreError> {
        let about = params![channel.as_bytes(), parent.as_bytes(), number(kind)];
        self.all(ABOUT, about, entries::read)
    }

    fn has_kind(&self, channel: ChannelId, kind: u64) -> Result<bool, StoreError> {
        let found = self.first(HAS_KIND, params![channel.as_bytes(), number(kind)], |_| Ok(()))?;
        Ok(found.is_some())
    }

    fn entries_of_kind(&self, channel: ChannelId, kind: u64) -> Result<Vec<EntryRow>, StoreError> {
        self.all(OF_KIND, params![channel.as_bytes(), number(kind)], entries::read)
    }
}

impl SqlTransaction<'_> {
    fn insert_erasure(&self, row: &ErasureRow) -> Result<usize, StoreError> {
        self.run(
            "INSERT INTO erasures (channel, author, client_id, why, by_seq, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (channel, author, client_id) DO NOTHING",
            params![
                row.channel.as_bytes(),
                row.author.as_str(),
                row.client_id.as_bytes(),
                row.why.as_str(),
                row.by.map(|seq| number(seq.0)),
                number(row.at.as_millis()),
            ],
        )
    }
}

/// Writes the file anew without what was erased, and cuts off the log beside it. `false` when
/// another process reads just now, so that the log must stay: to be tried again.
pub(super) fn scrub(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT value FROM settings WHERE name = ?1";
    let due = connection.query_row(sql, [SCRUB_DUE], |row| row.get::<_, String>(0)).optional()?;
    let Some(due) = due else { return Ok(true) };
    if due == PAGES {
        // A page that was split keeps copies of rows that went to its neighbours, which
        // `secure_delete` doesn't know of.
        connection.execute_batch("VACUUM")?;
        let sql = "UPDATE settings SET value = ?2 WHERE name = ?1";
        connection.execute(sql, [SCRUB_DUE, LOG])?;
    }
    connection.busy_timeout(PATIENCE)?;
    let truncated = truncate_log(connection);
    connection.busy_timeout(BUSY)?;
    if !truncated? {
        return Ok(false);
    }
    connection.execute("DELETE FROM settings WHERE name = ?1", [SCRUB_DUE])?;
    truncate_log(connection)
}

fn truncate_log(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))? == 0)
}

fn read(row: &Row<'_>) -> Result<ErasureRow, StoreError> {
    Ok(ErasureRow {
        channel: ChannelId(fixed(row, "channel")?),
        author: parsed(row, "author")?,
        client_id: ClientId(fixed(row, "client_id")?),
        why: parsed(row, "why")?,
        by: position(row, "by_seq")?,
        at: instant(row, "at")?,
    })
}
