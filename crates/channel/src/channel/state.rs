//! What a channel remembers beside its MLS group, kept under one key of the state store.

use std::collections::BTreeMap;

use enlace_identity::canonical::{DecodeError, sha256};
use enlace_identity::names::{DeviceName, Domain};
use enlace_log::control::LeafHash;
use enlace_log::{
    ChainHash, ChannelId, ClientId, Generation, Hubs, Incarnation, Incarnations, Seq, SubmitCounter,
};
use serde::{Deserialize, Serialize};

use crate::channel::Outgoing;
use crate::state_store::{StateError, StateStore};

/// How this device stands to a channel.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Standing {
    /// Joined, but no other member's item has decrypted yet.
    Provisional,
    /// A member.
    Member,
    /// A commit's secrets did not reach this device: it reads and writes nothing new.
    Stranded,
    /// Removed; what it has stays readable.
    Removed,
}

/// A leave or stranded item as it stood in the log: the evidence for the commit that carries it out.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ControlEvidence {
    pub(crate) envelope: Vec<u8>,
    pub(crate) outer_signature: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

/// How this device asked to be put back.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct BackRequest {
    /// The payload of its stranded item.
    pub(crate) payload: Vec<u8>,
    /// Fixes the leaf that its key package brings.
    pub(crate) leaf: [u8; 32],
    /// Under what the key package's private keys are stored.
    pub(crate) key_package: Vec<u8>,
}

/// What this device missed while it was stranded.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Missed {
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The leaf that it came back with: under that its key for what it missed is stored.
    pub(crate) leaf: [u8; 32],
}

/// A next group that this device should be in, as its founder says, and could not open.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct LockedOut {
    /// Where its founding stands.
    pub(crate) seq: u64,
    pub(crate) generation: u64,
    pub(crate) suite: u16,
    /// The leaf that this device has in it.
    pub(crate) leaf: [u8; 32],
}

/// A commit of this device that waits for its place.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct PendingCommit {
    client_id: [u8; 16],
    /// Whether it is a succession: the group that it founds is stored beside the present one.
    #[serde(default)]
    founds: bool,
}

impl PendingCommit {
    pub(crate) fn new(client_id: ClientId) -> Self {
        Self { client_id: client_id.0, founds: false }
    }

    pub(crate) fn founding(client_id: ClientId) -> Self {
        Self { client_id: client_id.0, founds: true }
    }

    pub(crate) fn is_founding(&self) -> bool {
        self.founds
    }

    pub(crate) fn client_id(&self) -> ClientId {
        ClientId(self.client_id)
    }
}

/// The state, as stored. Fields are only ever added, with a default.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct State {
    version: u32,
    channel: [u8; 32],
    pub(crate) generation: u64,
    hub: String,
    pub(crate) standing: Standing,
    next_seq: u64,
    chain: [u8; 32],
    anchor_seq: u64,
    /// Where this membership began, if this device was put back since.
    #[serde(default)]
    member_since: Option<u64>,
    fence: Option<u64>,
    last_valid: Option<u64>,
    pub(crate) known_head: Option<Vec<u8>>,
    /// Quoted heads that could not be compared yet, the newest of each author.
    pub(crate) heads_ahead: BTreeMap<String, Vec<u8>>,
    pub(crate) pending: Option<PendingCommit>,
    pub(crate) in_flight: BTreeMap<[u8; 32], [u8; 16]>,
    pub(crate) leaving: BTreeMap<String, ControlEvidence>,
    pub(crate) stranded_by: Option<String>,
    #[serde(default)]
    stranded_since: Option<u64>,
    /// Whether others have written something since then.
    #[serde(default)]
    has_passed_entries: bool,
    /// Whether there have been changes since then that it could not follow.
    #[serde(default)]
    has_passed_commits: bool,
    /// Since when this device lacks that, having come along into a next group.
    #[serde(default)]
    came_along_since: Option<u64>,
    /// Where a group was founded without this device's authority, and by which owner's signature.
    #[serde(default)]
    put_out: Option<(u64, String)>,
    /// The leaf of this device before each of its newest own commits.
    #[serde(default)]
    own_leaves: BTreeMap<u64, [u8; 32]>,
    /// That of the group on this device, where the log has lost its founding.
    #[serde(default)]
    group_generation: Option<u64>,
    /// Where each next group began, and which generation the one before was of.
    #[serde(default)]
    successions: BTreeMap<u64, u64>,
    /// The leaf that the others know of this device, where its own change of it was lost.
    #[serde(default)]
    pub(crate) known_leaf: Option<[u8; 32]>,
    /// Where the newest change of its leaf stands, or the newest wish for one, that this device does not
    /// know of: its store was set back.
    #[serde(default)]
    lost_leaf: Option<u64>,
    /// While it is stranded, the oldest first.
    #[serde(default)]
    locked_out: Vec<LockedOut>,
    /// Who else is stranded, with the items that say so.
    #[serde(default)]
    pub(crate) stranded: BTreeMap<String, ControlEvidence>,
    /// The oldest first, until it is sure that one of them was carried out.
    #[serde(default)]
    pub(crate) requests: Vec<BackRequest>,
    /// The oldest first.
    #[serde(default)]
    pub(crate) missed: Vec<Missed>,
    /// The author of the commit that stranded this device also put it back: nothing is written
    /// before another officer's item decrypts.
    #[serde(default)]
    pub(crate) put_back_by: Option<String>,
    /// This device must not encrypt in the group as it has it, which is a copy of an earlier state.
    #[serde(default)]
    pub(crate) keys_are_spent: bool,
    pub(crate) own_messages_since_update: u64,
    /// Where the hub began anew, and as what.
    #[serde(default)]
    incarnations: BTreeMap<u64, u64>,
    /// Where the log came to another hub, and to which.
    #[serde(default)]
    moves: BTreeMap<u64, String>,
    /// Of each former incarnation of the hub, the newest signed head known.
    #[serde(default)]
    former_heads: BTreeMap<u64, Vec<u8>>,
}

/// How many own commits can be lost without this device forgetting what it was before them.
const OWN_LEAVES: usize = 8;

/// How many groups that it could not open a device asks to be put back into. The first ones count:
/// nobody makes it forget one by founding others.
const LOCKED_OUT: usize = 4;

/// The format of [`State`].
const VERSION: u32 = 1;

impl State {
    pub(crate) fn new(channel: ChannelId, hub: &Domain, standing: Standing) -> Self {
        Self {
            version: VERSION,
            channel: channel.0,
            generation: 0,
            hub: hub.to_string(),
            standing,
            next_seq: 0,
            chain: [0; 32],
            anchor_seq: 0,
            member_since: None,
            fence: None,
            last_valid: None,
            known_head: None,
            heads_ahead: BTreeMap::new(),
            pending: None,
            in_flight: BTreeMap::new(),
            leaving: BTreeMap::new(),
            stranded_by: None,
            stranded_since: None,
            has_passed_entries: false,
            has_passed_commits: false,
            came_along_since: None,
            put_out: None,
            own_leaves: BTreeMap::new(),
            group_generation: None,
            successions: BTreeMap::new(),
            known_leaf: None,
            lost_leaf: None,
            locked_out: Vec::new(),
            stranded: BTreeMap::new(),
            requests: Vec::new(),
            missed: Vec::new(),
            put_back_by: None,
            keys_are_spent: false,
            own_messages_since_update: 0,
            incarnations: BTreeMap::new(),
            moves: BTreeMap::new(),
            former_heads: BTreeMap::new(),
        }
    }

    pub(crate) fn load(
        store: &dyn StateStore,
        channel: ChannelId,
    ) -> Result<Option<Self>, StateError> {
        let Some(bytes) = store.get(&key(channel))? else { return Ok(None) };
        let state: Self =
            ciborium::from_reader(&bytes[..]).map_err(|e| StateError::Corrupt(Box::new(e)))?;
        let is_hub = |hub: &String| hub.parse::<Domain>().is_ok();
        let are_hubs = is_hub(&state.hub) && state.moves.values().all(is_hub);
        if state.version != VERSION || !are_hubs {
            return Err(StateError::Corrupt(Box::new(DecodeError::Value("version"))));
        }
        Ok(Some(state))
    }

    pub(crate) fn save(&self, store: &dyn StateStore) -> Result<(), StateError> {
        let mut bytes = Vec::new();
        ciborium::into_writer(self, &mut bytes).map_err(|e| StateError::Corrupt(Box::new(e)))?;
        store.put(&key(self.channel()), &bytes)
    }

    pub(crate) fn channel(&self) -> ChannelId {
        ChannelId(self.channel)
    }

    pub(crate) fn generation(&self) -> Generation {
        Generation(self.generation)
    }

    /// That of the group on this device: a later one where the log has lost its founding.
    pub(crate) fn group_generation(&self) -> Generation {
        Generation(self.group_generation.unwrap_or(self.generation))
    }

    /// That of the group that would take this one's place. No honest channel comes near the end.
    pub(crate) fn next_generation(&self) -> Generation {
        Generation(self.group_generation().0.saturating_add(1))
    }

    /// Whose relays ordered this copy of the log, from its first position on.
    pub(crate) fn hubs(&self) -> Hubs {
        let domain = |hub: &String| {
            hub.parse().expect("a hub's domain was checked when the state was made or loaded")
        };
        let mut hubs = Hubs::new(domain(&self.hub));
        for (seq, hub) in &self.moves {
            hubs.move_to(Seq(*seq), domain(hub));
        }
        hubs
    }

    /// The log goes on at another hub.
    pub(crate) fn move_to(&mut self, seq: Seq, hub: &Domain) {
        self.moves.insert(seq.0, hub.to_string());
    }

    /// Where this copy of the log stands: what comes next, and the chain before it.
    pub(crate) fn position(&self) -> (Seq, ChainHash) {
        (Seq(self.next_seq), ChainHash(self.chain))
    }

    pub(crate) fn set_position(&mut self, next: Seq, chain: ChainHash) {
        self.next_seq = next.0;
        self.chain = chain.0;
    }

    /// The first position that this device knows.
    pub(crate) fn anchor(&self) -> Seq {
        Seq(self.anchor_seq)
    }

    /// Where this membership began, whether this device was put back since or not.
    pub(crate) fn member_since(&self) -> Seq {
        Seq(self.member_since.unwrap_or(self.anchor_seq))
    }

    pub(crate) fn go_on_since(&mut self, since: Seq) {
        self.member_since = Some(since.0);
    }

    pub(crate) fn set_anchor(&mut self, anchor: Seq) {
        self.anchor_seq = anchor.0;
    }

    /// Which incarnation of the hub ordered which part of this copy.
    pub(crate) fn incarnations(&self) -> Incarnations {
        self.incarnations.iter().map(|(seq, i)| (Seq(*seq), Incarnation(*i))).collect()
    }

    /// The hub began anew; what it signed before stays what it is.
    pub(crate) fn begin_incarnation(&mut self, seq: Seq, incarnation: Incarnation) {
        let former = self.incarnations().newest();
        if incarnation == former {
            return;
        }
        self.incarnations.insert(seq.0, incarnation.0);
        if let Some(head) = &self.known_head {
            self.former_heads.insert(former.0, head.clone());
        }
    }

    /// Forgets what the log held from a position on.
    pub(crate) fn rewind(&mut self, from: Seq, chain: ChainHash, fence: Option<Seq>) {
        self.set_position(from, chain);
        self.incarnations.split_off(&from.0);
        self.moves.split_off(&from.0);
        self.fence = fence.map(|fence| fence.0);
        self.last_valid = self.last_valid.min(self.fence);
        self.locked_out.retain(|group| group.seq < from.0);
        self.lost_leaf = self.lost_leaf.filter(|seq| *seq < from.0);
        self.put_out = self.put_out.take().filter(|(seq, _)| *seq < from.0);
        let lost = self.own_leaves.split_off(&from.0);
        self.known_leaf = lost.into_values().next().or(self.known_leaf);
        if let Some(before) = self.successions.split_off(&from.0).into_values().next() {
            self.group_generation = Some(self.group_generation().0);
            self.generation = before;
        }
    }

    /// No commit that was processed is in the log any more.
    pub(crate) fn forget_commits(&mut self) {
        (self.fence, self.last_valid) = (None, None);
    }

    /// The newest signed head known of one of the hub's incarnations.
    pub(crate) fn head_of(&self, incarnation: Incarnation) -> Option<&Vec<u8>> {
        if incarnation == self.incarnations().newest() {
            return self.known_head.as_ref();
        }
        self.former_heads.get(&incarnation.0)
    }

    pub(crate) fn fence(&self) -> Option<Seq> {
        self.fence.map(Seq)
    }

    pub(crate) fn last_valid(&self) -> Option<Seq> {
        self.last_valid.map(Seq)
    }

    /// A commit item was processed.
    pub(crate) fn pass_commit(&mut self, seq: Seq, valid: bool) {
        self.fence = Some(seq.0);
        if valid {
            self.last_valid = Some(seq.0);
        }
        self.has_passed_commits |= self.standing == Standing::Stranded && !valid;
    }

    /// Whether there was a change, since this device is stranded, that it could not follow.
    pub(crate) fn has_passed_commits(&self) -> bool {
        self.has_passed_commits
    }

    /// Remembers an item that was sealed, to recognise its very bytes when it comes back.
    pub(crate) fn sent(&mut self, outgoing: &Outgoing) {
        let item = sha256(&outgoing.envelope.encode());
        self.in_flight.insert(item, outgoing.envelope.client_id.0);
    }

    /// Recognises an own item by its very bytes, once.
    pub(crate) fn take_own(&mut self, envelope: &[u8]) -> Option<ClientId> {
        self.in_flight.remove(&sha256(envelope)).map(ClientId)
    }

    /// Forgets every sealing of an item that has its place, or gets none any more.
    pub(crate) fn forget(&mut self, client_id: ClientId) {
        self.in_flight.retain(|_, sent| *sent != client_id.0);
    }

    /// The channel goes on in another group: what was said of the leaves of the former one is over.
    pub(crate) fn enter(&mut self, seq: Seq, generation: Generation) {
        self.successions.insert(seq.0, self.generation);
        self.group_generation = None;
        self.generation = generation.0;
        self.own_messages_since_update = 0;
        self.keys_are_spent = false;
        self.has_passed_commits = false;
        self.known_leaf = None;
        self.lost_leaf = None;
        self.locked_out.clear();
        self.leaving.clear();
        self.stranded.clear();
    }

    /// This device can't follow the commit at `since`; `by` is its author, where there is one.
    pub(crate) fn strand(&mut self, since: Seq, by: Option<&DeviceName>) {
        self.has_passed_entries &= self.standing == Standing::Stranded;
        self.standing = Standing::Stranded;
        self.stranded_by = by.map(ToString::to_string);
        self.stranded_since = Some(since.0);
        self.put_out = None;
    }

    /// An owner goes on without this device, which cannot follow.
    pub(crate) fn put_out(&mut self, seq: Seq, by: &DeviceName) {
        self.put_out = Some((seq.0, by.to_string()));
    }

    /// Who that is.
    pub(crate) fn put_out_by(&self) -> Option<DeviceName> {
        let (_, by) = self.put_out.as_ref().filter(|_| self.standing == Standing::Stranded)?;
        by.parse().ok()
    }

    /// A commit of this device replaced its leaf, which was `before`.
    pub(crate) fn leave_leaf(&mut self, seq: Seq, before: LeafHash) {
        self.own_leaves.insert(seq.0, before.0);
        if self.own_leaves.len() > OWN_LEAVES {
            self.own_leaves.pop_first();
        }
    }

    /// A next group begins, for others, that this device could not open; whether that is news.
    pub(crate) fn lock_out(&mut self, group: LockedOut) -> bool {
        let is_new = self.locked_out.len() < LOCKED_OUT && !self.locked_out.contains(&group);
        if is_new {
            self.locked_out.push(group);
        }
        is_new
    }

    /// The next groups that this device is in and could not open, by where they were founded.
    pub(crate) fn locked_out(&self) -> impl Iterator<Item = Seq> {
        let groups = self.locked_out.iter().map(|group| Seq(group.seq));
        groups.filter(|_| self.standing == Standing::Stranded)
    }

    /// The next group that was founded at `seq`, if this device is in it and could not open it.
    pub(crate) fn locked_out_at(&self, seq: Seq) -> Option<&LockedOut> {
        let stands_there = |group: &&LockedOut| group.seq == seq.0;
        self.locked_out.iter().find(stands_there).filter(|_| self.standing == Standing::Stranded)
    }

    /// This device follows the others again.
    pub(crate) fn follow_again(&mut self) {
        self.standing = Standing::Member;
        self.stranded_by = None;
        self.has_passed_commits = false;
        self.known_leaf = None;
        self.lost_leaf = None;
        self.locked_out.clear();
    }

    /// This device changed its leaf there, or may have, and does not know of it.
    pub(crate) fn lose_leaf(&mut self, seq: Seq) {
        self.lost_leaf = Some(seq.0);
    }

    /// The others know this device by the leaf that it has.
    pub(crate) fn find_leaf(&mut self) {
        self.lost_leaf = None;
    }

    /// Whether it did, after a position if one is given.
    pub(crate) fn has_lost_leaf(&self, since: Option<Seq>) -> bool {
        self.lost_leaf.is_some_and(|lost| since.is_none_or(|since| lost > since.0))
    }

    /// The leaf that the others know of this device, if it is not the present one.
    pub(crate) fn known_leaf(&self) -> Option<LeafHash> {
        self.known_leaf.map(LeafHash)
    }

    /// The first commit that this device could not follow, while it is stranded.
    pub(crate) fn stranded_since(&self) -> Option<Seq> {
        let since = self.stranded_since.map(Seq);
        since.filter(|_| self.standing == Standing::Stranded)
    }

    /// While this device is stranded, something is written that it cannot read.
    pub(crate) fn pass_entry(&mut self) {
        self.has_passed_entries = true;
    }

    /// This device has keys again by a next group, and never followed what came before.
    pub(crate) fn come_along(&mut self) {
        let since = self.lacks_since().filter(|_| self.has_passed_entries);
        self.came_along_since = since.map_or(self.came_along_since, |since| Some(since.0));
    }

    /// The first commit that this device could not follow, while it is stranded, or came along without.
    pub(crate) fn lacks_since(&self) -> Option<Seq> {
        let since = [self.stranded_since(), self.came_along_since.map(Seq)];
        since.into_iter().flatten().min()
    }

    /// The author of the commit that stranded this device.
    pub(crate) fn stranded_by(&self) -> Option<DeviceName> {
        self.stranded_by.as_ref()?.parse().ok()
    }

    pub(crate) fn stranded_of(&self, device: &DeviceName) -> Option<&ControlEvidence> {
        self.stranded.get(device.as_str())
    }

    pub(crate) fn leave_of(&self, device: &DeviceName) -> Option<&ControlEvidence> {
        self.leaving.get(device.as_str())
    }
}

/// The next value of the device's submit counter, over all channels. It is raised in the
/// transaction that encrypts, so that a store restored from a copy shows as one that lags behind.
pub fn next_submit_counter(store: &dyn StateStore) -> Result<SubmitCounter, StateError> {
    let next = submit_counter(store)?.next();
    store.put(COUNTER_KEY, &next.0.to_be_bytes())?;
    Ok(next)
}

/// How often this device has encrypted, as far as this store knows.
pub fn submit_counter(store: &dyn StateStore) -> Result<SubmitCounter, StateError> {
    let Some(bytes) = store.get(COUNTER_KEY)? else { return Ok(SubmitCounter(0)) };
    let bytes = <[u8; 8]>::try_from(&bytes[..]).map_err(|e| StateError::Corrupt(Box::new(e)))?;
    Ok(SubmitCounter(u64::from_be_bytes(bytes)))
}

/// Others have seen this device at that count: it goes on beyond.
pub fn raise_submit_counter(store: &dyn StateStore, seen: SubmitCounter) -> Result<(), StateError> {
    let raised = submit_counter(store)?.max(seen);
    store.put(COUNTER_KEY, &raised.0.to_be_bytes())
}

const COUNTER_KEY: &[u8] = b"device/submit-counter";

fn key(channel: ChannelId) -> Vec<u8> {
    [b"channel/", &channel.0[..]].concat()
}
