//! Confirmations in SQL.

use enlace_identity::names::Domain;
use enlace_log::{ChannelId, Seq};
use rusqlite::{Row, params};

use super::SqlTransaction;
use super::values::{column, fixed, instant, number, parsed, position};
use crate::store::{ConfirmationRow, ConfirmationRows, InquiryRow, StoreError};

impl ConfirmationRows for SqlTransaction<'_> {
    fn put_confirmation(&self, row: &ConfirmationRow) -> Result<(), StoreError> {
        self.run(
            "INSERT OR REPLACE INTO erasure_confirmations
                 (channel, tombstone, authority, signed, recorded)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                row.channel.as_bytes(),
                number(row.tombstone.0),
                row.authority.as_str(),
                row.signed,
                row.recorded.map(|seq| number(seq.0)),
            ],
        )?;
        Ok(())
    }

    fn confirmations(&self, channel: ChannelId) -> Result<Vec<ConfirmationRow>, StoreError> {
        let sql = "SELECT * FROM erasure_confirmations WHERE channel = ?1
                   ORDER BY tombstone, authority";
        self.all(sql, [channel.as_bytes()], read)
    }

    fn confirmation(
        &self,
        channel: ChannelId,
        tombstone: Seq,
        authority: &Domain,
    ) -> Result<Option<ConfirmationRow>, StoreError> {
        let sql = "SELECT * FROM erasure_confirmations
                   WHERE channel = ?1 AND tombstone = ?2 AND authority = ?3";
        let key = params![channel.as_bytes(), number(tombstone.0), authority.as_str()];
        self.first(sql, key, read)
    }

    fn put_inquiry(&self, row: &InquiryRow) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO erasure_inquiries
                       (channel, tombstone, rounds, not_before)
                   VALUES (?1, ?2, ?3, ?4)";
        let not_before = number(row.not_before.as_millis());
        let place = number(row.tombstone.0);
        self.run(sql, params![row.channel.as_bytes(), place, row.rounds, not_before])?;
        Ok(())
    }

    fn next_inquiry(&self) -> Result<Option<InquiryRow>, StoreError> {
        let sql = "SELECT * FROM erasure_inquiries ORDER BY not_before, channel, tombstone LIMIT 1";
        self.first(sql, [], |row| {
            Ok(InquiryRow {
                channel: ChannelId(fixed(row, "channel")?),
                tombstone: position(row, "tombstone")?.unwrap_or_default(),
                rounds: column(row, "rounds")?,
                not_before: instant(row, "not_before")?,
            })
        })
    }

    fn drop_inquiry(&self, channel: ChannelId, tombstone: Seq) -> Result<(), StoreError> {
        let sql = "DELETE FROM erasure_inquiries WHERE channel = ?1 AND tombstone = ?2";
        self.run(sql, params![channel.as_bytes(), number(tombstone.0)])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<ConfirmationRow, StoreError> {
    Ok(ConfirmationRow {
        channel: ChannelId(fixed(row, "channel")?),
        tombstone: position(row, "tombstone")?.unwrap_or_default(),
        authority: parsed(row, "authority")?,
        signed: column(row, "signed")?,
        recorded: position(row, "recorded")?,
    })
}
