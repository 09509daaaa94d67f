//! Writes beside the logs, and the welcomes that wait.

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::{ChannelId, Seq};
use rusqlite::{OptionalExtension as _, params};

use super::{Writer, signed};
use crate::storage::sqlite::file_identity;
use crate::storage::sqlite::ids::{find_channel, find_device};
use crate::storage::{SideWrite, StorageError};

impl Writer<'_> {
    pub(super) fn side(&mut self, write: &SideWrite) -> Result<(), StorageError> {
        match write {
            SideWrite::SubmitCounter { device, counter } => {
                let id = self.device(device)?;
                let counter = i64::try_from(counter.0).unwrap_or(i64::MAX);
                self.execute(
                    "UPDATE devices SET submit_counter = ?1
                     WHERE id = ?2 AND submit_counter < ?1",
                    params![counter, id],
                )
            }
            SideWrite::KeyPackages { device, suite, key_packages, last_resort } => {
                self.key_packages(device, *suite, key_packages, last_resort.as_ref())
            }
            SideWrite::DropKeyPackages { device, suite } => {
                let Some(id) = find_device(self.transaction, device)? else { return Ok(()) };
                for table in ["key_packages", "last_resorts"] {
                    let drop = format!("DELETE FROM {table} WHERE device = ?1 AND suite = ?2");
                    self.execute(&drop, params![id, suite])?;
                }
                Ok(())
            }
            SideWrite::WelcomeTaken { device, channel, seq } => {
                let Some(id) = find_channel(self.transaction, channel)? else { return Ok(()) };
                let Some(device) = find_device(self.transaction, device)? else { return Ok(()) };
                self.execute(
                    "DELETE FROM pending_welcomes WHERE device = ?1 AND channel = ?2 AND seq = ?3",
                    params![device, id, signed(*seq)],
                )?;
                self.drop_delivered(id, *seq)
            }
            SideWrite::WelcomeSent { domain, channel, seq } => {
                let Some(id) = find_channel(self.transaction, channel)? else { return Ok(()) };
                self.welcome_sent(domain, id, *seq)
            }
            SideWrite::WelcomeWanted { domain, channel } => {
                let Some(id) = find_channel(self.transaction, channel)? else { return Ok(()) };
                self.execute(
                    "INSERT OR IGNORE INTO outbound_welcomes (domain, channel, seq)
                     SELECT domain, channel, seq FROM sent_welcomes
                     WHERE domain = ?1 AND channel = ?2",
                    params![domain.as_str(), id],
                )
            }
            SideWrite::HeadCertificate { signer, certificates } => {
                self.execute("DELETE FROM head_certificates WHERE signer = ?1", [&signer.0[..]])?;
                for (position, certificate) in (0_i64..).zip(certificates) {
                    self.execute(
                        "INSERT INTO head_certificates (signer, position, certificate)
                         VALUES (?1, ?2, ?3)",
                        params![&signer.0[..], position, certificate],
                    )?;
                }
                Ok(())
            }
            SideWrite::Crls { authority, crls } => {
                self.execute("DELETE FROM crls WHERE authority = ?1", [authority.as_str()])?;
                for (position, crl) in (0_i64..).zip(crls) {
                    self.bytes += crl.len();
                    self.execute(
                        "INSERT INTO crls (authority, position, crl) VALUES (?1, ?2, ?3)",
                        params![authority.as_str(), position, crl],
                    )?;
                }
                Ok(())
            }
            SideWrite::Bundle { version, signed } => {
                self.bytes += signed.len();
                self.execute(
                    "INSERT OR IGNORE INTO bundles (version, signed) VALUES (?1, ?2)",
                    params![version.cast_signed(), &signed[..]],
                )
            }
            SideWrite::EndpointRecord { domain, record } => self.execute(
                "INSERT OR REPLACE INTO endpoint_records (domain, record) VALUES (?1, ?2)",
                params![domain.as_str(), &record[..]],
            ),
            SideWrite::Doubt => self.execute("UPDATE store SET doubts = doubts + 1", []),
            SideWrite::ForgetKeyPackages => self.execute("DELETE FROM key_packages", []),
            SideWrite::Seen { at, boot, stopped } => {
                let file = file_identity(self.transaction)?;
                self.execute(
                    "UPDATE store SET seen_at = ?1, boot = ?2, stopped = ?3, file = ?4",
                    params![at.as_millis().cast_signed(), boot, stopped, file],
                )
            }
        }
    }

    pub(super) fn welcome(
        &mut self,
        channel: &ChannelId,
        seq: Seq,
        delivery: &[u8],
        devices: &[DeviceName],
        domains: &[Domain],
    ) -> Result<(), StorageError> {
        let id = self.channel(channel)?;
        self.execute(
            "INSERT OR REPLACE INTO welcomes (channel, seq, delivery) VALUES (?1, ?2, ?3)",
            params![id, signed(seq), delivery],
        )?;
        for device in devices {
            let device = self.device(device)?;
            self.execute(
                "INSERT OR IGNORE INTO pending_welcomes (device, channel, seq)
                 VALUES (?1, ?2, ?3)",
                params![device, id, signed(seq)],
            )?;
        }
        for domain in domains {
            self.execute(
                "INSERT OR IGNORE INTO outbound_welcomes (domain, channel, seq)
                 VALUES (?1, ?2, ?3)",
                params![domain.as_str(), id, signed(seq)],
            )?;
        }
        Ok(())
    }

    fn welcome_sent(
        &mut self,
        domain: &Domain,
        channel: i64,
        seq: Seq,
    ) -> Result<(), StorageError> {
        let sent = params![domain.as_str(), channel, signed(seq)];
        let delete =
            "DELETE FROM outbound_welcomes WHERE domain = ?1 AND channel = ?2 AND seq = ?3";
        if self.transaction.prepare_cached(delete)?.execute(sent)? == 0 {
            return Ok(());
        }
        let newest = "SELECT seq FROM sent_welcomes WHERE domain = ?1 AND channel = ?2";
        let mut newest = self.transaction.prepare_cached(newest)?;
        let before =
            newest.query_row(params![domain.as_str(), channel], |row| row.get::<_, i64>(0));
        let before = before.optional()?;
        self.execute(
            "INSERT INTO sent_welcomes (domain, channel, seq) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET seq = max(seq, ?3)",
            sent,
        )?;
        if let Some(before) = before {
            self.drop_delivered(channel, Seq(before.cast_unsigned()))?;
        }
        self.drop_delivered(channel, seq)
    }

    /// Nobody waits for it any more, nor may want it again.
    fn drop_delivered(&mut self, channel: i64, seq: Seq) -> Result<(), StorageError> {
        self.execute(
            "DELETE FROM welcomes WHERE channel = ?1 AND seq = ?2
             AND NOT EXISTS (SELECT 1 FROM pending_welcomes WHERE channel = ?1 AND seq = ?2)
             AND NOT EXISTS (SELECT 1 FROM outbound_welcomes WHERE channel = ?1 AND seq = ?2)
             AND NOT EXISTS (SELECT 1 FROM sent_welcomes WHERE channel = ?1 AND seq = ?2)",
            params![channel, signed(seq)],
        )
    }
}
