//! Channels that move to another hub: what the rest of the relay asks and is told of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use enlace_identity::names::Domain;
use enlace_log::{ChainHash, ChannelId, HubStatement, Hubs, Item};
use enlace_transport::watch;

use crate::storage::{LogWrite, ReadLimit, ReadStorage, Role, StorageError};

/// Whether a channel is taken over.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TakingOver {
    /// Whether this relay is the channel's hub now.
    pub is_done: bool,
    /// Whether it is to be, later.
    pub is_due: bool,
    /// The authorities that may hold more, and were not heard.
    pub unheard: Vec<Domain>,
}

/// The statement by which another relay took over, under its verified signature.
#[derive(Clone, Debug)]
pub struct TakenOver {
    /// The statement.
    pub statement: Item,
    /// The chain before it.
    pub before: ChainHash,
    /// The authority whose head key signed a head at it or later, to which it leads.
    pub signer: Domain,
}

/// Which channels have moved or are about to, and who wants to hear of it.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    known: Mutex<Known>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    /// Of channels that have moved, or whose hub has stepped down: who orders them.
    hubs: BTreeMap<ChannelId, Domain>,
    /// With votes, or that have moved.
    channels: BTreeSet<ChannelId>,
    to_take_over: BTreeSet<ChannelId>,
    version: u64,
}

impl Moves {
    /// What is stored.
    pub(crate) fn load(storage: &mut dyn ReadStorage) -> Result<Self, StorageError> {
        let mut known = Known::default();
        for channel in storage.moving_channels()? {
            if let Some(record) = storage.channel(&channel)? {
                // Of a channel that has only votes, the record's hub is its first.
                let has_moved = !storage.hub_moves(&channel)?.is_empty();
                if has_moved || record.hub != record.creating_hub {
                    known.hubs.insert(channel, record.hub);
                }
                known.channels.insert(channel);
            }
        }
        Ok(Self { known: Mutex::new(known), changes: watch::Sender::new(0) })
    }

    /// Who orders a channel that has moved, as this relay knows it.
    pub(crate) fn hub_of(&self, channel: &ChannelId) -> Option<Domain> {
        self.lock().hubs.get(channel).cloned()
    }

    /// Sees when something changes about a channel that moves.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The channels with votes, or that have moved.
    pub(crate) fn known(&self) -> Vec<ChannelId> {
        self.lock().channels.iter().copied().collect()
    }

    /// The channels that this relay is to take over.
    pub(crate) fn to_take_over(&self) -> Vec<ChannelId> {
        self.lock().to_take_over.iter().copied().collect()
    }

    /// Whether this relay is to take a channel over.
    pub(crate) fn is_to_take_over(&self, channel: &ChannelId) -> bool {
        self.lock().to_take_over.contains(channel)
    }

    /// Notes whether this relay is to take a channel over.
    pub(crate) fn set_to_take_over(&self, channel: ChannelId, is_due: bool) {
        let mut known = self.lock();
        let has_changed = match is_due {
            true => known.to_take_over.insert(channel),
            false => known.to_take_over.remove(&channel),
        };
        if has_changed {
            known.touch(channel);
            let version = known.version;
            drop(known);
            self.changes.send_replace(version);
        }
    }

    /// Tells of what a transaction changed.
    pub(crate) fn announce(&self, writes: &[LogWrite]) {
        let mut known = self.lock();
        let before = known.version;
        for write in writes {
            match write {
                LogWrite::Turned { channel, hub, role } => {
                    known.hubs.insert(*channel, hub.clone());
                    if *role == Role::Hub {
                        known.to_take_over.remove(channel);
                    }
                    known.touch(*channel);
                }
                LogWrite::Votes { channel, .. } | LogWrite::Moved { channel, .. } => {
                    known.touch(*channel);
                }
                _ => {}
            }
        }
        let version = known.version;
        drop(known);
        if version != before {
            self.changes.send_replace(version);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn touch(&mut self, channel: ChannelId) {
        self.version += 1;
        self.channels.insert(channel);
    }
}

/// Whose relay ordered which part of a channel's log.
pub(crate) fn hubs_of(
    storage: &mut dyn ReadStorage,
    channel: &ChannelId,
) -> Result<Option<Hubs>, StorageError> {
    let Some(record) = storage.channel(channel)? else { return Ok(None) };
    let mut hubs = Hubs::new(record.creating_hub);
    for (seq, hub) in storage.hub_moves(channel)? {
        hubs.move_to(seq, hub);
    }
    Ok(Some(hubs))
}

/// The votes by which a channel moved last, as its hub stated them.
pub(crate) fn votes_of_newest_move(
    storage: &mut dyn ReadStorage,
    channel: &ChannelId,
) -> Result<Vec<Vec<u8>>, StorageError> {
    let Some((seq, _)) = storage.hub_moves(channel)?.pop() else { return Ok(Vec::new()) };
    let one = ReadLimit { items: 1, bytes: 0 };
    let statement = storage.items(channel, seq, one)?.pop().filter(|item| item.seq == seq);
    let statement = statement.and_then(|item| HubStatement::decode(&item.payload).ok());
    let taken_over = statement.and_then(|statement| statement.taken_over);
    let votes = taken_over.into_iter().flat_map(|taken_over| taken_over.votes);
    Ok(votes.map(|vote| vote.encode()).collect())
}
