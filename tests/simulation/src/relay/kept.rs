//! What a relay's disk holds in the end.

use std::collections::BTreeMap;

use enlace_log::{ChannelId, Envelope, ItemKind, Seq, Tombstone};
use enlace_relay::storage::{ReadLimit, ReadStorage, Storage as _, StorageError};

use super::RelayNode;
use crate::facts::{self, Facts, Right};

/// One item, of whatever length.
const ONE: ReadLimit = ReadLimit { items: 1, bytes: 0 };

impl RelayNode {
    /// How many changes of its group a channel's log holds.
    ///
    /// # Errors
    /// When the disk can't be read.
    pub fn changes(&self, channel: &ChannelId) -> Result<u64, StorageError> {
        let mut reader = self.disk.copy().open()?.reader()?;
        let mut changes = 0;
        for place in 0..=end(&mut *reader, channel)?.0 {
            let items = reader.items(channel, Seq(place), ONE)?;
            let envelopes = items.iter().filter_map(|item| Envelope::decode(&item.envelope).ok());
            changes += envelopes.filter(|envelope| envelope.kind.is_change()).count() as u64;
        }
        Ok(changes)
    }

    /// The newest place of a channel's log.
    ///
    /// # Errors
    /// When the disk can't be read.
    pub fn end(&self, channel: &ChannelId) -> Result<Seq, StorageError> {
        end(&mut *self.disk.copy().open()?.reader()?, channel)
    }

    /// Notes the logs that it keeps, who may read them, and proofs against their hubs.
    ///
    /// # Errors
    /// When the disk can't be read.
    pub fn note_logs(&self, facts: &mut Facts) -> Result<(), StorageError> {
        let mut reader: Box<dyn ReadStorage> = self.disk.copy().open()?.reader()?;
        let proofs = self.proofs.kept();
        for record in reader.channels(None, usize::MAX)? {
            let channel = hex::encode(record.channel.0);
            let key = (self.name(), channel.clone());
            let orders = facts.ordered_by.entry(channel.clone()).or_default();
            orders.insert(self.name(), record.hub.to_string());
            // A copy of another hub's log may begin anywhere.
            let mut authors = BTreeMap::new();
            for place in 0..=record.tail.seq.0 {
                let items = reader.items(&record.channel, Seq(place), ONE)?;
                let Some(item) = items.first().filter(|item| item.seq.0 == place) else { continue };
                let log = facts.logs.entry(key.clone()).or_default();
                log.insert(place, hex::encode(item.chain.0));
                let Ok(envelope) = Envelope::decode(&item.envelope) else { continue };
                let Some(author) = envelope.device().map(ToString::to_string) else { continue };
                authors.insert(place, author.clone());
                if envelope.kind == ItemKind::Entry && !item.payload.is_empty() {
                    facts.payloads.entry(key.clone()).or_default().insert(place);
                }
                if envelope.kind == ItemKind::Tombstone {
                    let named = Tombstone::decode(&item.payload).map(|it| it.erased);
                    let named = named.into_iter().flatten().map(|(seq, _)| facts::Tombstone {
                        by: author.clone(),
                        author: authors.get(&seq.0).cloned().unwrap_or_default(),
                        erased: seq.0,
                    });
                    facts.tombstones.entry(key.clone()).or_default().extend(named);
                }
            }
            let rights =
                reader.readers(&record.channel)?.into_iter().map(|(device, range)| Right {
                    device: device.to_string(),
                    from: range.from.0,
                    to: range.to.map(|to| to.0),
                });
            facts.readers.insert(key.clone(), rights.collect());
            if proofs.keys().any(|name| name.contains(&channel)) {
                facts.proofs.insert(key);
            }
        }
        Ok(())
    }
}

fn end(reader: &mut dyn ReadStorage, channel: &ChannelId) -> Result<Seq, StorageError> {
    let records = reader.channels(None, usize::MAX)?;
    let record = records.into_iter().find(|record| record.channel == *channel);
    Ok(record.map_or(Seq(0), |record| record.tail.seq))
}
