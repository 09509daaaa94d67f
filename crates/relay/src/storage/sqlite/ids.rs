//! The small numbers that stand for channels and devices inside the database.

use std::collections::HashMap;

use enlace_identity::names::DeviceName;
use enlace_log::ChannelId;
use rusqlite::{Connection, OptionalExtension as _};

use super::StorageError;

const KEPT: usize = 65_536;

/// What the writer remembers of them. Numbers never change, but those of a transaction that was
/// rolled back were never given out: forget them.
#[derive(Debug, Default)]
pub(super) struct Ids {
    channels: HashMap<ChannelId, i64>,
    devices: HashMap<DeviceName, i64>,
}

impl Ids {
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(super) fn channel(
        &mut self,
        connection: &Connection,
        channel: &ChannelId,
    ) -> Result<i64, StorageError> {
        if let Some(id) = self.channels.get(channel) {
            return Ok(*id);
        }
        let id =
            find_channel(connection, channel)?.ok_or(StorageError::UnknownChannel(*channel))?;
        if self.channels.len() >= KEPT {
            self.channels.clear();
        }
        self.channels.insert(*channel, id);
        Ok(id)
    }

    pub(super) fn device(
        &mut self,
        connection: &Connection,
        device: &DeviceName,
    ) -> Result<i64, StorageError> {
        if let Some(id) = self.devices.get(device) {
            return Ok(*id);
        }
        let id = match find_device(connection, device)? {
            Some(id) => id,
            None => {
                let insert = "INSERT INTO devices (name, officer) VALUES (?1, ?2)";
                let officer = device.officer().to_string();
                connection.prepare_cached(insert)?.execute([device.as_str(), &officer])?;
                connection.last_insert_rowid()
            }
        };
        if self.devices.len() >= KEPT {
            self.devices.clear();
        }
        self.devices.insert(device.clone(), id);
        Ok(id)
    }
}

pub(super) fn find_channel(
    connection: &Connection,
    channel: &ChannelId,
) -> Result<Option<i64>, StorageError> {
    let mut statement = connection.prepare_cached("SELECT id FROM channels WHERE channel = ?1")?;
    Ok(statement.query_row([&channel.0[..]], |row| row.get(0)).optional()?)
}

pub(super) fn find_device(
    connection: &Connection,
    device: &DeviceName,
) -> Result<Option<i64>, StorageError> {
    let mut statement = connection.prepare_cached("SELECT id FROM devices WHERE name = ?1")?;
    Ok(statement.query_row([device.as_str()], |row| row.get(0)).optional()?)
}
