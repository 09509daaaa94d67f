//! Reading the tables.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_log::head::HeadSigner;
use enlace_log::membership::{Event, ReadRange};
use enlace_log::{ChannelId, Incarnations, Seq, SignedHead, SubmitCounter};

use super::MemoryDisk;
use crate::storage::{
    AuthorityCrls, ChannelRecord, LastRun, PendingWelcome, ReadLimit, ReadStorage, StorageError,
    StoredItem,
};

#[derive(Debug)]
pub(super) struct MemoryReader(pub(super) MemoryDisk);

const LAST: Seq = Seq(u64::MAX);

impl ReadStorage for MemoryReader {
    fn channel(&mut self, channel: &ChannelId) -> Result<Option<ChannelRecord>, StorageError> {
        Ok(self.0.lock().tables.channels.get(channel).cloned())
    }

    fn channels(
        &mut self,
        after: Option<&ChannelId>,
        limit: usize,
    ) -> Result<Vec<ChannelRecord>, StorageError> {
        let disk = self.0.lock();
        let later = disk.tables.channels.values().filter(|r| after.is_none_or(|a| r.channel > *a));
        Ok(later.take(limit).cloned().collect())
    }

    fn events(&mut self, channel: &ChannelId) -> Result<Vec<Event>, StorageError> {
        self.events_until(channel, LAST)
    }

    fn events_until(&mut self, channel: &ChannelId, last: Seq) -> Result<Vec<Event>, StorageError> {
        let disk = self.0.lock();
        let range = (*channel, Seq(0))..=(*channel, last);
        Ok(disk.tables.events.range(range).map(|(_, event)| event.clone()).collect())
    }

    fn readers(
        &mut self,
        channel: &ChannelId,
    ) -> Result<Vec<(DeviceName, ReadRange)>, StorageError> {
        let disk = self.0.lock();
        let readers = disk.tables.readers.iter().filter(|((id, _, _), _)| id == channel);
        Ok(readers.map(|((_, device, _), range)| (device.clone(), *range)).collect())
    }

    fn readable_channels(
        &mut self,
        device: &DeviceName,
    ) -> Result<Vec<(ChannelId, ReadRange)>, StorageError> {
        let disk = self.0.lock();
        let readers = disk.tables.readers.iter().filter(|((_, reader, _), _)| reader == device);
        Ok(readers.map(|((channel, _, _), range)| (*channel, *range)).collect())
    }

    fn items(
        &mut self,
        channel: &ChannelId,
        from: Seq,
        limit: ReadLimit,
    ) -> Result<Vec<StoredItem>, StorageError> {
        let disk = self.0.lock();
        let mut items: Vec<StoredItem> = Vec::new();
        let (mut next, mut bytes) = (from, 0);
        for (place, item) in disk.tables.items.range((*channel, from)..=(*channel, LAST)) {
            let is_full = items.len() >= limit.items.max(1) || bytes >= limit.bytes;
            if place.1 != next || (is_full && !items.is_empty()) {
                break;
            }
            next = next.next();
            bytes += item.weight();
            items.push(item.clone());
        }
        Ok(items)
    }

    fn newest_head(
        &mut self,
        channel: &ChannelId,
        from: Seq,
        to: Seq,
    ) -> Result<Option<SignedHead>, StorageError> {
        let disk = self.0.lock();
        let mut heads = disk.tables.heads.range((*channel, from)..=(*channel, to));
        Ok(heads.next_back().map(|(_, head)| head.clone()))
    }

    fn next_head(
        &mut self,
        channel: &ChannelId,
        from: Seq,
    ) -> Result<Option<SignedHead>, StorageError> {
        let disk = self.0.lock();
        let mut heads = disk.tables.heads.range((*channel, from)..=(*channel, LAST));
        Ok(heads.next().map(|(_, head)| head.clone()))
    }

    fn submit_counter(&mut self, device: &DeviceName) -> Result<SubmitCounter, StorageError> {
        Ok(self.0.lock().tables.counters.get(device).copied().unwrap_or_default())
    }

    fn key_packages(&mut self, device: &DeviceName, suite: u16) -> Result<u32, StorageError> {
        let disk = self.0.lock();
        let pool = disk.tables.key_packages.get(&(device.clone(), suite));
        Ok(pool.map_or(0, |pool| u32::try_from(pool.len()).unwrap_or(u32::MAX)))
    }

    fn devices_with_key_packages(
        &mut self,
        officer: &OfficerAddress,
        suite: u16,
    ) -> Result<Vec<DeviceName>, StorageError> {
        let disk = self.0.lock();
        let pools = disk.tables.key_packages.iter().filter(|(_, pool)| !pool.is_empty());
        let keys = pools.map(|(key, _)| key).chain(disk.tables.last_resorts.keys());
        let mut devices: Vec<DeviceName> = keys
            .filter(|(device, of)| device.officer() == officer && *of == suite)
            .map(|(device, _)| device.clone())
            .collect();
        devices.sort();
        devices.dedup();
        Ok(devices)
    }

    fn officers_with_key_packages(
        &mut self,
        suite: u16,
        after: &str,
        limit: usize,
    ) -> Result<Vec<OfficerAddress>, StorageError> {
        let disk = self.0.lock();
        let pools = disk.tables.key_packages.iter().filter(|(_, pool)| !pool.is_empty());
        let keys = pools.map(|(key, _)| key).chain(disk.tables.last_resorts.keys());
        let mut officers: BTreeMap<String, OfficerAddress> = BTreeMap::new();
        for (device, _) in keys.filter(|(_, of)| *of == suite) {
            officers.insert(device.officer().to_string(), device.officer().clone());
        }
        let behind = officers.into_iter().filter(|(address, _)| address.as_str() > after);
        Ok(behind.take(limit).map(|(_, officer)| officer).collect())
    }

    fn pending_welcomes(
        &mut self,
        device: &DeviceName,
        limit: usize,
    ) -> Result<Vec<PendingWelcome>, StorageError> {
        let disk = self.0.lock();
        let theirs = disk.tables.pending.iter().filter(|(whose, _)| whose == device);
        Ok(theirs.take(limit).map(|(_, welcome)| *welcome).collect())
    }

    fn outbound_welcomes(
        &mut self,
        domain: &Domain,
        limit: usize,
    ) -> Result<Vec<PendingWelcome>, StorageError> {
        let disk = self.0.lock();
        let theirs = disk.tables.outbound.iter().filter(|(whose, _)| whose == domain);
        Ok(theirs.take(limit).map(|(_, welcome)| *welcome).collect())
    }

    fn welcome(&mut self, channel: &ChannelId, seq: Seq) -> Result<Option<Bytes>, StorageError> {
        Ok(self.0.lock().tables.welcomes.get(&(*channel, seq)).cloned())
    }

    fn head_certificate(
        &mut self,
        signer: &HeadSigner,
    ) -> Result<Option<Vec<Vec<u8>>>, StorageError> {
        Ok(self.0.lock().tables.head_certificates.get(signer).cloned())
    }

    fn crls(&mut self) -> Result<Vec<AuthorityCrls>, StorageError> {
        let disk = self.0.lock();
        Ok(disk.tables.crls.iter().map(|(of, crls)| (of.clone(), crls.clone())).collect())
    }

    fn bundles(&mut self) -> Result<Vec<(u64, Bytes)>, StorageError> {
        let disk = self.0.lock();
        Ok(disk.tables.bundles.iter().map(|(of, signed)| (*of, signed.clone())).collect())
    }

    fn endpoint_records(&mut self) -> Result<Vec<(Domain, Bytes)>, StorageError> {
        let disk = self.0.lock();
        let records = disk.tables.endpoint_records.iter();
        Ok(records.map(|(domain, record)| (domain.clone(), record.clone())).collect())
    }

    fn incarnations(&mut self, channel: &ChannelId) -> Result<Incarnations, StorageError> {
        let disk = self.0.lock();
        let range = (*channel, Seq(0))..=(*channel, LAST);
        let beginnings = disk.tables.incarnations.range(range);
        Ok(beginnings.map(|((_, seq), incarnation)| (*seq, *incarnation)).collect())
    }

    fn has_residue(&mut self) -> Result<bool, StorageError> {
        Ok(false)
    }

    fn hub_moves(&mut self, channel: &ChannelId) -> Result<Vec<(Seq, Domain)>, StorageError> {
        let disk = self.0.lock();
        let range = (*channel, Seq(0))..=(*channel, LAST);
        let moves = disk.tables.hub_moves.range(range);
        Ok(moves.map(|((_, seq), hub)| (*seq, hub.clone())).collect())
    }

    fn hub_votes(&mut self, channel: &ChannelId) -> Result<Vec<(DeviceName, Bytes)>, StorageError> {
        let disk = self.0.lock();
        let votes = disk.tables.hub_votes.iter().filter(|((of, _), _)| of == channel);
        Ok(votes.map(|((_, device), vote)| (device.clone(), vote.clone())).collect())
    }

    fn moving_channels(&mut self) -> Result<Vec<ChannelId>, StorageError> {
        let disk = self.0.lock();
        let moved = disk.tables.hub_moves.keys().map(|(channel, _)| *channel);
        let voting = disk.tables.hub_votes.keys().map(|(channel, _)| *channel);
        Ok(moved.chain(voting).collect::<BTreeSet<_>>().into_iter().collect())
    }

    fn last_run(&mut self) -> Result<LastRun, StorageError> {
        Ok(self.0.lock().tables.last_run.clone())
    }
}
