//! The channels' states that stay in memory: bounded, loaded when they are asked for.

use std::collections::{BTreeSet, HashMap};

use enlace_identity::time::Timestamp;
use enlace_log::membership::Event;
use enlace_log::{ChainHash, ChannelId, Seq, SignedHead};

use crate::hub::core::ChannelState;
use crate::storage::{ReadLimit, ReadStorage, StorageError, StoredItem};

pub(super) struct Cache {
    reader: Box<dyn ReadStorage>,
    states: HashMap<ChannelId, Cached>,
    doubtful: BTreeSet<ChannelId>,
    capacity: usize,
    uses: u64,
}

struct Cached {
    state: ChannelState,
    last_use: u64,
}

impl Cache {
    pub(super) fn new(reader: Box<dyn ReadStorage>, capacity: usize) -> Self {
        let (states, doubtful) = (HashMap::new(), BTreeSet::new());
        Self { reader, states, doubtful, capacity: capacity.max(1), uses: 0 }
    }

    /// A channel's state; `None` when there is no such channel.
    pub(super) fn find(
        &mut self,
        channel: &ChannelId,
    ) -> Result<Option<&mut ChannelState>, StorageError> {
        if !self.states.contains_key(channel) {
            let Some(record) = self.reader.channel(channel)? else { return Ok(None) };
            let incarnations = self.reader.incarnations(channel)?;
            let events = self.reader.events(channel)?;
            let state = ChannelState::load(&record, &events, incarnations);
            self.insert(state);
        }
        self.uses += 1;
        let last_use = self.uses;
        Ok(self.states.get_mut(channel).map(|cached| {
            cached.last_use = last_use;
            &mut cached.state
        }))
    }

    /// A state that is in memory.
    pub(super) fn get(&self, channel: &ChannelId) -> Option<&ChannelState> {
        self.states.get(channel).map(|cached| &cached.state)
    }

    pub(super) fn insert(&mut self, state: ChannelState) {
        self.uses += 1;
        self.states.insert(state.channel(), Cached { state, last_use: self.uses });
    }

    /// Forgets what may not be what is stored.
    pub(super) fn doubt(&mut self, channel: &ChannelId) {
        self.states.remove(channel);
        self.doubtful.insert(*channel);
    }

    /// The channels of which more may be stored than was told.
    pub(super) fn take_doubts(&mut self) -> BTreeSet<ChannelId> {
        std::mem::take(&mut self.doubtful)
    }

    /// Drops the least recently used half when there are too many; leases live in memory only, so
    /// whoever holds one stays.
    pub(super) fn shrink(&mut self, now: Timestamp) {
        if self.states.len() <= self.capacity {
            return;
        }
        let mut uses: Vec<u64> = self.states.values().map(|cached| cached.last_use).collect();
        let middle = uses.len() / 2;
        let (_, median, _) = uses.select_nth_unstable(middle);
        let median = *median;
        self.states.retain(|_, cached| cached.last_use >= median || cached.state.is_leased(now));
    }

    /// The chain at a position, as stored.
    pub(super) fn chain_at(
        &mut self,
        channel: &ChannelId,
        seq: Seq,
    ) -> Result<Option<ChainHash>, StorageError> {
        Ok(self.item(channel, seq)?.map(|item| item.chain))
    }

    /// An item, as stored.
    pub(super) fn item(
        &mut self,
        channel: &ChannelId,
        seq: Seq,
    ) -> Result<Option<StoredItem>, StorageError> {
        let one = ReadLimit { items: 1, bytes: 0 };
        Ok(self.reader.items(channel, seq, one)?.pop())
    }

    /// What changed who may read until a position, as stored.
    pub(super) fn events_until(
        &mut self,
        channel: &ChannelId,
        last: Seq,
    ) -> Result<Vec<Event>, StorageError> {
        self.reader.events_until(channel, last)
    }

    /// The head at a position, as stored.
    pub(super) fn head_at(
        &mut self,
        channel: &ChannelId,
        seq: Seq,
    ) -> Result<Option<SignedHead>, StorageError> {
        self.reader.newest_head(channel, seq, seq)
    }
}
