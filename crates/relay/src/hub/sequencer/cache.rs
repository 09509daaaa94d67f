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
    /// What the states weigh together, as of the last use of each, and may weigh.
    weight: usize,
    capacity: usize,
    uses: u64,
}

struct Cached {
    state: ChannelState,
    weight: usize,
    last_use: u64,
}

impl Cache {
    pub(super) fn new(reader: Box<dyn ReadStorage>, capacity: usize) -> Self {
        let (states, doubtful) = (HashMap::new(), BTreeSet::new());
        Self { reader, states, doubtful, weight: 0, capacity, uses: 0 }
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
            let (moves, votes) = (self.reader.hub_moves(channel)?, self.reader.hub_votes(channel)?);
            let state = ChannelState::load(&record, &events, incarnations);
            let state = state.with_moves(moves, &votes)?;
            self.insert(state);
        }
        self.uses += 1;
        let Some(cached) = self.states.get_mut(channel) else { return Ok(None) };
        let former = std::mem::replace(&mut cached.weight, cached.state.weight());
        self.weight = self.weight + cached.weight - former;
        cached.last_use = self.uses;
        Ok(Some(&mut cached.state))
    }

    /// A state that is in memory.
    pub(super) fn get(&self, channel: &ChannelId) -> Option<&ChannelState> {
        self.states.get(channel).map(|cached| &cached.state)
    }

    pub(super) fn insert(&mut self, state: ChannelState) {
        self.uses += 1;
        let (channel, weight) = (state.channel(), state.weight());
        let cached = Cached { state, weight, last_use: self.uses };
        self.weight += weight;
        let former = self.states.insert(channel, cached);
        self.forget_weight(former);
    }

    fn forget_weight(&mut self, cached: Option<Cached>) {
        self.weight -= cached.map_or(0, |cached| cached.weight);
    }

    /// Forgets what may not be what is stored.
    pub(super) fn doubt(&mut self, channel: &ChannelId) {
        let cached = self.states.remove(channel);
        self.forget_weight(cached);
        self.doubtful.insert(*channel);
    }

    /// The channels of which more may be stored than was told.
    pub(super) fn take_doubts(&mut self) -> BTreeSet<ChannelId> {
        std::mem::take(&mut self.doubtful)
    }

    /// Drops the least recently used half when they weigh too much; leases live in memory only, so
    /// whoever holds one stays.
    pub(super) fn shrink(&mut self, now: Timestamp) {
        if self.weight <= self.capacity {
            return;
        }
        let mut uses: Vec<u64> = self.states.values().map(|cached| cached.last_use).collect();
        let middle = uses.len() / 2;
        let (_, median, _) = uses.select_nth_unstable(middle);
        let median = *median;
        self.states.retain(|_, cached| cached.last_use >= median || cached.state.is_leased(now));
        self.weight = self.states.values().map(|cached| cached.weight).sum();
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

#[cfg(test)]
mod tests {
    use enlace_log::{ChannelNonce, Generation, Incarnations};

    use super::*;
    use crate::hub::core::LeaseClaim;
    use crate::storage::{ChannelRecord, Doubts, MemoryDisk, Role, Storage as _, Tail};

    fn id(number: u8) -> ChannelId {
        ChannelId([number; 32])
    }

    fn state(number: u8, devices: usize) -> ChannelState {
        let name = |index: usize| format!("pc{index}.ana.officer.a.example").parse().unwrap();
        let (seq, received_at) = (Seq(0), Timestamp::default());
        let tail = Tail { seq, chain: ChainHash([0; 32]), received_at };
        let record = ChannelRecord {
            channel: id(number),
            hub: "a.example".parse().unwrap(),
            creating_hub: "a.example".parse().unwrap(),
            nonce: ChannelNonce([0; 32]),
            role: Role::Hub,
            generation: Default::default(),
            tail,
            fence: Some(seq),
            settled: Doubts::default(),
        };
        let list = (0..devices).map(name).collect();
        let event = Event::Anchor { seq, author: name(0), generation: Generation(0), list };
        ChannelState::load(&record, &[event], Incarnations::default())
    }

    fn kept(cache: &Cache) -> Vec<u8> {
        (0..20).filter(|number| cache.get(&id(*number)).is_some()).collect()
    }

    #[test]
    fn what_was_used_last_and_what_is_leased_stays() {
        let disk = MemoryDisk::default();
        let reader = disk.open().unwrap().reader().unwrap();
        let one = state(0, 4).weight();
        let now = Timestamp::from_secs(1_000);
        let mut cache = Cache::new(reader, 10 * one);
        for number in 0..10 {
            cache.insert(state(number, 4));
        }
        cache.shrink(now);
        assert_eq!(kept(&cache), (0..10).collect::<Vec<_>>(), "as many as there is room for");

        let leased = cache.find(&id(1)).unwrap().unwrap();
        let holder = leased.membership().current().iter().next().unwrap().clone();
        leased.handle_lease(now, &holder, &LeaseClaim::default(), |_| false).unwrap();
        for number in [2, 3, 4, 5, 6, 0, 7, 8, 9] {
            cache.find(&id(number)).unwrap().unwrap();
        }
        cache.insert(state(10, 4));
        cache.shrink(now);
        assert_eq!(kept(&cache), [0, 1, 6, 7, 8, 9, 10]);
        assert_eq!(cache.weight, 7 * one);

        cache.doubt(&id(1));
        assert_eq!(cache.weight, 6 * one);
        assert!(state(11, 400).weight() > 10 * one, "a large channel weighs more");
        cache.insert(state(11, 400));
        cache.shrink(now);
        assert_eq!(kept(&cache), [8, 9, 10, 11]);
    }
}
