//! Entries in SQL.

use enlace_channel::entry::HandlingCode;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, ClientId, Commitment, Seq};
use rusqlite::{Row, params};

use super::SqlTransaction;
use super::values::{column, fixed, instant, number, parsed, position, whole};
use crate::store::{EntryRow, EntryRows, StoreError};

/// `+seq`: see [`super::erasures::COMMITTED`].
pub(super) const STATEMENTS: &str =
    "SELECT * FROM entries WHERE channel = ?1 AND kind IN (12, 13) ORDER BY +seq";
pub(super) const OF_FORUMS: &str =
    "SELECT * FROM entries WHERE channel = ?1 AND kind IN (14, 15, 18) ORDER BY seq";
pub(super) const OF_KEY: &str =
    "SELECT * FROM entries WHERE channel = ?1 AND author = ?2 AND client_id = ?3";

impl EntryRows for SqlTransaction<'_> {
    fn put_entry(&self, row: &EntryRow) -> Result<bool, StoreError> {
        let added = self.run(
            "INSERT INTO entries (channel, seq, received_at, author, client_id, kind, local_time,
                 handling, body, signed, certificates, commitment, parent)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (channel, author, client_id) DO NOTHING",
            params![
                row.channel.as_bytes(),
                number(row.seq.0),
                number(row.received_at.as_millis()),
                row.author.as_str(),
                row.client_id.as_bytes(),
                number(row.kind),
                number(row.local_time.as_millis()),
                number(row.handling.code()),
                row.body,
                row.signed,
                row.certificate,
                row.commitment.as_bytes(),
                row.parent.map(|of| of.0),
            ],
        )?;
        Ok(added == 1)
    }

    fn entries(
        &self,
        channel: ChannelId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<EntryRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // Kinds 16, 17 and 21 pass on what others have signed, and say nothing.
        let sql = "SELECT * FROM entries
                   WHERE channel = ?1 AND seq >= ?2 AND kind NOT IN (16, 17, 21)
                   ORDER BY seq LIMIT ?3";
        self.all(sql, params![channel.as_bytes(), number(from.0), limit], read)
    }

    fn statements(&self, channel: ChannelId) -> Result<Vec<EntryRow>, StoreError> {
        self.all(STATEMENTS, params![channel.as_bytes()], read)
    }

    fn forum_entries(&self, channel: ChannelId) -> Result<Vec<EntryRow>, StoreError> {
        self.all(OF_FORUMS, params![channel.as_bytes()], read)
    }

    fn entry_of(
        &self,
        channel: ChannelId,
        author: &DeviceName,
        client_id: ClientId,
    ) -> Result<Option<EntryRow>, StoreError> {
        let key = params![channel.as_bytes(), author.as_str(), client_id.as_bytes()];
        self.first(OF_KEY, key, read)
    }

    fn superseded_entry(
        &self,
        channel: ChannelId,
        author: &DeviceName,
        client_id: ClientId,
    ) -> Result<Option<EntryRow>, StoreError> {
        let sql = "SELECT * FROM superseded_entries
                   WHERE channel = ?1 AND author = ?2 AND client_id = ?3";
        let key = params![channel.as_bytes(), author.as_str(), client_id.as_bytes()];
        self.first(sql, key, read)
    }

    fn superseded_entries(&self, channel: ChannelId) -> Result<Vec<EntryRow>, StoreError> {
        let sql = "SELECT * FROM superseded_entries WHERE channel = ?1 ORDER BY seq";
        self.all(sql, [channel.as_bytes()], read)
    }

    fn put_certificates(&self, chain: &UnverifiedChain) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO certificates (fingerprint, leaf, issuing)
                   VALUES (?1, ?2, ?3)";
        let (leaf, issuing) = (chain.leaf(), chain.issuing());
        let fingerprint = leaf.fingerprint();
        self.run(sql, params![fingerprint.as_bytes(), leaf.as_bytes(), issuing.as_bytes()])?;
        Ok(())
    }

    fn certificates(&self, fingerprint: &[u8; 32]) -> Result<Option<UnverifiedChain>, StoreError> {
        let sql = "SELECT leaf, issuing FROM certificates WHERE fingerprint = ?1";
        self.first(sql, [fingerprint], |row| {
            let ders: [Vec<u8>; 2] = [column(row, "leaf")?, column(row, "issuing")?];
            UnverifiedChain::from_ders(&ders).map_err(|_| StoreError::Corrupt("certificates"))
        })
    }
}

pub(super) fn read(row: &Row<'_>) -> Result<EntryRow, StoreError> {
    let handling = whole(row, "handling")?;
    Ok(EntryRow {
        channel: ChannelId(fixed(row, "channel")?),
        seq: position(row, "seq")?.unwrap_or_default(),
        received_at: instant(row, "received_at")?,
        author: parsed(row, "author")?,
        client_id: ClientId(fixed(row, "client_id")?),
        kind: whole(row, "kind")?,
        local_time: instant(row, "local_time")?,
        handling: HandlingCode::from_code(handling).ok_or(StoreError::Corrupt("handling"))?,
        body: column(row, "body")?,
        signed: column(row, "signed")?,
        certificate: fixed(row, "certificates")?,
        commitment: Commitment(fixed(row, "commitment")?),
        parent: parent(row)?,
    })
}

fn parent(row: &Row<'_>) -> Result<Option<Commitment>, StoreError> {
    let bytes = column::<Option<Vec<u8>>>(row, "parent")?;
    let bytes = bytes.map(|bytes| bytes.try_into().map_err(|_| StoreError::Corrupt("parent")));
    Ok(bytes.transpose()?.map(Commitment))
}
