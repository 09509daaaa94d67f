//! The tables, and how a batch changes them: checked first, applied then, so that a refused batch
//! leaves no trace.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use enlace_identity::canonical::sha256;
use enlace_identity::names::{DeviceName, Domain};
use enlace_log::head::HeadSigner;
use enlace_log::membership::{Event, ReadRange};
use enlace_log::{ChannelId, Incarnation, Seq, SignedHead, SubmitCounter};

use crate::storage::{
    Accepted, ChannelRecord, ClaimedKeyPackage, IdempotencyKey, LastRun, LogWrite, PendingWelcome,
    REMEMBERED_KEY_PACKAGES, Role, SideWrite, StorageError, StoredItem, WriteBatch,
};

type Place = (ChannelId, Seq);

#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) channels: BTreeMap<ChannelId, ChannelRecord>,
    pub(super) items: BTreeMap<Place, StoredItem>,
    pub(super) heads: BTreeMap<Place, SignedHead>,
    pub(super) events: BTreeMap<Place, Event>,
    pub(super) readers: BTreeMap<(ChannelId, DeviceName, Seq), ReadRange>,
    pub(super) accepted: BTreeMap<IdempotencyKey, Accepted>,
    /// The newest welcome that was sent to an authority's relay.
    pub(super) sent: BTreeMap<(Domain, ChannelId), Seq>,
    pub(super) counters: BTreeMap<DeviceName, SubmitCounter>,
    pub(super) key_packages: BTreeMap<(DeviceName, u16), VecDeque<Bytes>>,
    pub(super) published_key_packages: BTreeMap<DeviceName, VecDeque<[u8; 32]>>,
    pub(super) last_resorts: BTreeMap<(DeviceName, u16), Bytes>,
    pub(super) welcomes: BTreeMap<Place, Bytes>,
    /// In the order of arrival.
    pub(super) pending: Vec<(DeviceName, PendingWelcome)>,
    pub(super) outbound: Vec<(Domain, PendingWelcome)>,
    pub(super) head_certificates: BTreeMap<HeadSigner, Vec<Vec<u8>>>,
    pub(super) bundles: BTreeMap<u64, Bytes>,
    pub(super) crls: BTreeMap<Domain, Vec<Vec<u8>>>,
    pub(super) endpoint_records: BTreeMap<Domain, Bytes>,
    pub(super) incarnations: BTreeMap<Place, Incarnation>,
    pub(super) hub_moves: BTreeMap<Place, Domain>,
    pub(super) hub_votes: BTreeMap<(ChannelId, DeviceName), Bytes>,
    pub(super) last_run: LastRun,
}

impl Tables {
    pub(super) fn apply(&mut self, batch: &WriteBatch) -> Result<(), StorageError> {
        self.check(batch)?;
        batch.log.iter().for_each(|write| self.log(write));
        batch.side.iter().for_each(|write| self.side(write));
        Ok(())
    }

    pub(super) fn take_key_packages(
        &mut self,
        suite: u16,
        devices: &[DeviceName],
    ) -> Vec<ClaimedKeyPackage> {
        let mut taken = Vec::new();
        for device in devices {
            let key = (device.clone(), suite);
            let pooled = self.key_packages.get_mut(&key).and_then(VecDeque::pop_front);
            let last_resort = pooled.is_none();
            let found = pooled.or_else(|| self.last_resorts.get(&key).cloned());
            taken.extend(found.map(|key_package| ClaimedKeyPackage {
                device: device.clone(),
                key_package,
                last_resort,
            }));
        }
        taken
    }

    fn check(&self, batch: &WriteBatch) -> Result<(), StorageError> {
        let mut tails: BTreeMap<ChannelId, (Role, Seq)> = BTreeMap::new();
        for write in &batch.log {
            let channel = write.channel();
            let stored = self.channels.get(&channel).map(|record| (record.role, record.tail.seq));
            let tail = tails.get(&channel).copied().or(stored);
            let end = match (write, tail) {
                (LogWrite::Create(record, _) | LogWrite::Anchor(record, _), None) => {
                    Some((record.role, record.tail.seq))
                }
                (LogWrite::Anchor(record, _), Some((role, seq)))
                    if role == record.role && seq < record.tail.seq =>
                {
                    Some((role, record.tail.seq))
                }
                (LogWrite::Rewind(record), Some((role, seq)))
                    if role == record.role && record.tail.seq <= seq =>
                {
                    Some((role, record.tail.seq))
                }
                (LogWrite::Turned { role, .. }, Some((_, seq))) => Some((*role, seq)),
                (LogWrite::Append { after, items, .. }, Some((role, seq))) if *after == seq => {
                    items.last().map(|last| (role, last.seq))
                }
                (
                    LogWrite::Create(..)
                    | LogWrite::Anchor(..)
                    | LogWrite::Append { .. }
                    | LogWrite::Rewind(_),
                    Some(_),
                ) => return Err(StorageError::Conflict(channel)),
                (_, None) => return Err(StorageError::UnknownChannel(channel)),
                (_, Some(_)) => None,
            };
            tails.extend(end.map(|end| (channel, end)));
        }
        Ok(())
    }

    fn log(&mut self, write: &LogWrite) {
        match write {
            LogWrite::Create(record, item) | LogWrite::Anchor(record, item) => {
                self.channels.insert(record.channel, record.clone());
                self.items.insert((record.channel, item.seq), item.clone());
            }
            LogWrite::Append { channel, items, fence, .. } => {
                let record = self.channels.get_mut(channel);
                if let (Some(record), Some(last)) = (record, items.last()) {
                    record.tail = last.tail();
                    record.fence = *fence;
                }
                let items = items.iter().map(|item| ((*channel, item.seq), item.clone()));
                self.items.extend(items);
            }
            LogWrite::Erase { channel, items } => {
                for seq in items {
                    if let Some(item) = self.items.get_mut(&(*channel, *seq)) {
                        item.payload = Bytes::new();
                    }
                }
            }
            LogWrite::Head(head) => {
                let claimed = head.unverified_head();
                self.heads.insert((claimed.channel, claimed.seq), head.clone());
            }
            LogWrite::Event { channel, seq, event } => {
                self.events.insert((*channel, *seq), event.clone());
            }
            LogWrite::Reader { channel, device, range } => {
                self.readers.insert((*channel, device.clone(), range.from), *range);
            }
            LogWrite::Incarnation { channel, seq, incarnation } => {
                self.incarnations.insert((*channel, *seq), *incarnation);
            }
            LogWrite::Settled { channel, doubts } => {
                if let Some(record) = self.channels.get_mut(channel) {
                    record.settled = *doubts;
                }
            }
            LogWrite::Moved { channel, seq, hub } => {
                self.hub_moves.insert((*channel, *seq), hub.clone());
            }
            LogWrite::Turned { channel, role, hub } => {
                if let Some(record) = self.channels.get_mut(channel) {
                    record.role = *role;
                    record.hub = hub.clone();
                }
            }
            LogWrite::Votes { channel, votes } => {
                self.hub_votes.retain(|(of, _), _| of != channel);
                let votes = votes.iter().map(|(who, vote)| ((*channel, who.clone()), vote.clone()));
                self.hub_votes.extend(votes);
            }
            LogWrite::Rewind(record) => self.rewind(record),
            LogWrite::Accepted { key, accepted } => {
                self.accepted.insert(key.clone(), *accepted);
            }
            LogWrite::Welcome { channel, seq, delivery, devices, domains } => {
                self.welcomes.insert((*channel, *seq), delivery.clone());
                let welcome = PendingWelcome { channel: *channel, seq: *seq };
                add_new(&mut self.pending, devices, welcome);
                add_new(&mut self.outbound, domains, welcome);
            }
        }
    }

    fn side(&mut self, write: &SideWrite) {
        match write {
            SideWrite::SubmitCounter { device, counter } => {
                let kept = self.counters.entry(device.clone()).or_default();
                *kept = (*kept).max(*counter);
            }
            SideWrite::KeyPackages { device, suite, key_packages, last_resort } => {
                let key = (device.clone(), *suite);
                let last_resort = last_resort.clone().map(|found| (key.clone(), found));
                self.last_resorts.extend(last_resort);
                let known = self.published_key_packages.entry(device.clone()).or_default();
                let pool = self.key_packages.entry(key).or_default();
                for key_package in key_packages {
                    let hash = sha256(key_package);
                    if !known.contains(&hash) {
                        known.push_back(hash);
                        pool.push_back(key_package.clone());
                    }
                    known.drain(..known.len().saturating_sub(REMEMBERED_KEY_PACKAGES));
                }
            }
            SideWrite::DropKeyPackages { device, suite } => {
                let key = (device.clone(), *suite);
                self.key_packages.remove(&key);
                self.last_resorts.remove(&key);
            }
            SideWrite::WelcomeTaken { device, channel, seq } => {
                let taken = PendingWelcome { channel: *channel, seq: *seq };
                self.pending.retain(|(whose, welcome)| (whose, *welcome) != (device, taken));
                self.drop_delivered();
            }
            SideWrite::WelcomeSent { domain, channel, seq } => {
                let sent = PendingWelcome { channel: *channel, seq: *seq };
                let waited = self.outbound.len();
                self.outbound.retain(|(whose, welcome)| (whose, *welcome) != (domain, sent));
                if self.outbound.len() < waited {
                    let newest = self.sent.entry((domain.clone(), *channel)).or_insert(*seq);
                    *newest = (*newest).max(*seq);
                }
                self.drop_delivered();
            }
            SideWrite::WelcomeWanted { domain, channel } => {
                if let Some(seq) = self.sent.get(&(domain.clone(), *channel)) {
                    let welcome = PendingWelcome { channel: *channel, seq: *seq };
                    add_new(&mut self.outbound, std::slice::from_ref(domain), welcome);
                }
            }
            SideWrite::HeadCertificate { signer, certificates } => {
                self.head_certificates.insert(*signer, certificates.clone());
            }
            SideWrite::Bundle { version, signed } => {
                self.bundles.entry(*version).or_insert_with(|| signed.clone());
            }
            SideWrite::Crls { authority, crls } => {
                self.crls.insert(authority.clone(), crls.clone());
                self.crls.retain(|_, crls| !crls.is_empty());
            }
            SideWrite::EndpointRecord { domain, record } => {
                self.endpoint_records.insert(domain.clone(), record.clone());
            }
            SideWrite::Doubt => self.last_run.doubts.0 += 1,
            SideWrite::ForgetKeyPackages => self.key_packages.clear(),
            SideWrite::Seen { at, boot, stopped } => {
                self.last_run.seen_at = Some(*at);
                self.last_run.boot.clone_from(boot);
                self.last_run.stopped = *stopped;
            }
        }
    }

    fn rewind(&mut self, record: &ChannelRecord) {
        let (channel, last) = (record.channel, record.tail.seq);
        let stays = |(of, seq): &Place| *of != channel || *seq <= last;
        self.channels.insert(channel, record.clone());
        self.items.retain(|place, _| stays(place));
        self.heads.retain(|place, _| stays(place));
        self.events.retain(|place, _| stays(place));
        self.incarnations.retain(|place, _| stays(place));
        self.hub_moves.retain(|place, _| stays(place));
        self.readers.retain(|(of, _, _), _| *of != channel);
        self.accepted.retain(|key, accepted| stays(&(key.channel, accepted.seq)));
        self.pending.retain(|(_, welcome)| stays(&(welcome.channel, welcome.seq)));
        self.outbound.retain(|(_, welcome)| stays(&(welcome.channel, welcome.seq)));
        self.sent.retain(|(_, channel), seq| stays(&(*channel, *seq)));
        self.drop_delivered();
    }

    /// Keeps the deliveries that somebody waits for.
    fn drop_delivered(&mut self) {
        let waiting: BTreeSet<Place> = self
            .pending
            .iter()
            .map(|(_, welcome)| (welcome.channel, welcome.seq))
            .chain(self.outbound.iter().map(|(_, welcome)| (welcome.channel, welcome.seq)))
            .chain(self.sent.iter().map(|((_, channel), seq)| (*channel, *seq)))
            .collect();
        self.welcomes.retain(|place, _| waiting.contains(place));
    }
}

fn add_new<T: Clone + PartialEq>(
    waiting: &mut Vec<(T, PendingWelcome)>,
    added: &[T],
    welcome: PendingWelcome,
) {
    for who in added {
        let entry = (who.clone(), welcome);
        if !waiting.contains(&entry) {
            waiting.push(entry);
        }
    }
}
