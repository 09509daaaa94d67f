//! The small numbers that stand for channels and devices inside the database.

use std::collections::HashMap;
use std::hash::Hash;

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
        self.known_channel(connection, channel)?.ok_or(StorageError::UnknownChannel(*channel))
    }

    /// A device's number; a new device gets one.
    pub(super) fn device(
        &mut self,
        connection: &Connection,
        device: &DeviceName,
    ) -> Result<i64, StorageError> {
        if let Some(id) = self.known_device(connection, device)? {
            return Ok(id);
        }
        let insert = "INSERT INTO devices (name, officer) VALUES (?1, ?2)";
        let officer = device.officer().to_string();
        connection.prepare_cached(insert)?.execute([device.as_str(), &officer])?;
        Ok(remember(&mut self.devices, device, connection.last_insert_rowid()))
    }

    pub(super) fn known_channel(
        &mut self,
        connection: &Connection,
        channel: &ChannelId,
    ) -> Result<Option<i64>, StorageError> {
        if let Some(id) = self.channels.get(channel) {
            return Ok(Some(*id));
        }
        let found = find_channel(connection, channel)?;
        Ok(found.map(|id| remember(&mut self.channels, channel, id)))
    }

    pub(super) fn known_device(
        &mut self,
        connection: &Connection,
        device: &DeviceName,
    ) -> Result<Option<i64>, StorageError> {
        if let Some(id) = self.devices.get(device) {
            return Ok(Some(*id));
        }
        let found = find_device(connection, device)?;
        Ok(found.map(|id| remember(&mut self.devices, device, id)))
    }
}

fn remember<K: Clone + Eq + Hash>(ids: &mut HashMap<K, i64>, key: &K, id: i64) -> i64 {
    if ids.len() >= KEPT {
        ids.clear();
    }
    ids.insert(key.clone(), id);
    id
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
