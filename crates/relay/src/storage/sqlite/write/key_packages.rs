//! Pools of key packages: filled by their devices, emptied one by one.

use bytes::Bytes;
use enlace_identity::canonical::sha256;
use enlace_identity::names::DeviceName;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::Writer;
use crate::storage::sqlite::ids::find_device;
use crate::storage::{ClaimedKeyPackage, REMEMBERED_KEY_PACKAGES, StorageError};

impl Writer<'_> {
    pub(super) fn key_packages(
        &mut self,
        device: &DeviceName,
        suite: u16,
        key_packages: &[Bytes],
        last_resort: Option<&Bytes>,
    ) -> Result<(), StorageError> {
        let id = self.device(device)?;
        for key_package in key_packages {
            if !self.is_new(id, key_package)? {
                continue;
            }
            self.bytes += key_package.len();
            self.execute(
                "INSERT INTO key_packages (device, suite, key_package) VALUES (?1, ?2, ?3)",
                params![id, suite, &key_package[..]],
            )?;
        }
        match last_resort {
            None => Ok(()),
            Some(key_package) => self.execute(
                "INSERT OR REPLACE INTO last_resorts (device, suite, key_package)
                 VALUES (?1, ?2, ?3)",
                params![id, suite, &key_package[..]],
            ),
        }
    }

    /// Remembers a key package; `false` when it was published before.
    fn is_new(&mut self, device: i64, key_package: &[u8]) -> Result<bool, StorageError> {
        let added = self
            .transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO published_key_packages (device, hash) VALUES (?1, ?2)",
            )?
            .execute(params![device, &sha256(key_package)[..]])?;
        if added == 0 {
            return Ok(false);
        }
        self.execute(
            "DELETE FROM published_key_packages WHERE device = ?1 AND id <=
                 (SELECT id FROM published_key_packages WHERE device = ?1
                  ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            params![device, REMEMBERED_KEY_PACKAGES],
        )?;
        Ok(true)
    }
}

pub(in crate::storage::sqlite) fn take_key_packages(
    transaction: &Transaction<'_>,
    suite: u16,
    devices: &[DeviceName],
) -> Result<Vec<ClaimedKeyPackage>, StorageError> {
    let mut taken = Vec::with_capacity(devices.len());
    for device in devices {
        let Some(id) = find_device(transaction, device)? else { continue };
        let mut take = transaction.prepare_cached(
            "DELETE FROM key_packages WHERE id =
                 (SELECT min(id) FROM key_packages WHERE device = ?1 AND suite = ?2)
             RETURNING key_package",
        )?;
        let mut last_resort = transaction.prepare_cached(
            "SELECT key_package FROM last_resorts WHERE device = ?1 AND suite = ?2",
        )?;
        let claimed = |key_package: Vec<u8>, last_resort| ClaimedKeyPackage {
            device: device.clone(),
            key_package: key_package.into(),
            last_resort,
        };
        if let Some(found) = take.query_row(params![id, suite], |row| row.get(0)).optional()? {
            taken.push(claimed(found, false));
            continue;
        }
        let found = last_resort.query_row(params![id, suite], |row| row.get(0)).optional()?;
        taken.extend(found.map(|found| claimed(found, true)));
    }
    Ok(taken)
}
