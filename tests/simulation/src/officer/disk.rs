//! A device's disk, and the program that opens it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aho_corasick::AhoCorasick;
use enlace_channel::entry::SignedEntry;
use enlace_channel::history::verify_author;
use enlace_client::Client;
use enlace_client::client::{Parts, Sockets};
use enlace_client::store::{
    CommitFault, EntryRow, ItemRow, MemoryDisk, SqlCipher, Store as _, StoreError,
};
use enlace_identity::entropy::Entropy;
use enlace_identity::names::LeafName;
use enlace_log::{ChannelId, Seq};
use enlace_transport::{BindError, Endpoint, LocalIdentity, Trust};

use crate::network::{Network, NodeId, NodeRuntime};
use crate::power::Power;
use crate::world::World;

/// The disk, over all lives of its device.
pub(super) struct Disk {
    memory: MemoryDisk,
    full: Arc<AtomicBool>,
}

/// Sockets of one life.
struct NodeSockets {
    network: Network,
    node: NodeId,
    power: Power,
    runtime: Arc<NodeRuntime>,
    entropy: Entropy,
}

impl Disk {
    pub(super) fn new() -> Result<Self, StoreError> {
        Ok(Self { memory: MemoryDisk::new()?, full: Arc::default() })
    }

    /// Another one with what is on this one now.
    pub(super) fn copy(&self) -> Result<Self, StoreError> {
        Ok(Self { memory: self.memory.copy()?, full: self.full.clone() })
    }

    pub(super) fn fill(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// Another opening of the store, beside the program's.
    pub(super) fn open(&self) -> Result<SqlCipher, StoreError> {
        self.memory.open()
    }

    /// A channel's log, as far as it is here.
    pub(super) fn items(&self, channel: ChannelId, next: Seq) -> Result<Vec<ItemRow>, StoreError> {
        let mut store = self.memory.open()?;
        let items = store.read()?.items(channel, Seq(0), next)?;
        Ok(items)
    }

    /// Places of a channel's entries that nothing proves to be their author's: the key of the certificate that
    /// is kept with an entry has to fit the signature.
    pub(super) fn unproven(&self, channel: ChannelId) -> Result<BTreeSet<u64>, StoreError> {
        let bundle = World::get().bundle();
        let mut store = self.memory.open()?;
        let tx = store.read()?;
        let mut unproven = BTreeSet::new();
        for row in tx.entries(channel, Seq(0), usize::MAX)? {
            let Ok(entry) = SignedEntry::decode(&row.signed) else { continue };
            let chain = tx.certificates(&row.certificate)?;
            let leaf = chain.and_then(|chain| verify_author(&bundle, row.received_at, &chain));
            let is_proven = leaf.is_some_and(|leaf| {
                let fits = leaf.public_key().verify(entry.header_bytes(), entry.signature());
                *leaf.name() == LeafName::Device(row.author.clone()) && fits.is_ok()
            });
            if !is_proven {
                unproven.insert(row.seq.0);
            }
        }
        Ok(unproven)
    }

    /// What each entry of a channel quotes, by place: a place, and the chain there.
    pub(super) fn quotes(
        &self,
        channel: ChannelId,
    ) -> Result<BTreeMap<u64, (u64, String)>, StoreError> {
        let mut store = self.memory.open()?;
        let rows = store.read()?.entries(channel, Seq(0), usize::MAX)?;
        let quote = |row: EntryRow| {
            let entry = SignedEntry::decode(&row.signed).ok()?;
            let head = entry.header().known_head.clone()?.into_signed();
            let head = head.unverified_head();
            Some((row.seq.0, (head.seq.0, hex::encode(head.chain.0))))
        };
        Ok(rows.into_iter().filter_map(quote).collect())
    }

    /// Which of these texts are anywhere on it.
    pub(super) fn holds(&self, texts: &[String]) -> anyhow::Result<BTreeSet<String>> {
        let search = AhoCorasick::new(texts)?;
        let content = self.memory.bytes()?;
        let hits = search.find_overlapping_iter(&content).map(|hit| hit.pattern().as_usize());
        Ok(hits.map(|text| texts[text].clone()).collect())
    }

    /// Nothing is written when it is full or without power.
    fn power(&self, power: &Power) {
        let (power, full) = (power.clone(), self.full.clone());
        self.memory.on_commit(Box::new(move |_| {
            let kept = !full.load(Ordering::SeqCst) && power.allow();
            (!kept).then_some(CommitFault::NothingKept)
        }));
    }
}

impl Sockets for NodeSockets {
    fn open(&self, identity: LocalIdentity, trust: Trust) -> Result<Endpoint, BindError> {
        let socket = self.network.open(self.node, 0, &self.power);
        let entropy = Entropy::dangerous_seeded(self.entropy.bytes());
        Endpoint::on_socket(socket, self.runtime.clone(), entropy, identity, trust)
    }
}

impl super::OfficerNode {
    pub(super) fn open(
        &self,
        network: &Network,
        power: &Power,
        runtime: &Arc<NodeRuntime>,
    ) -> anyhow::Result<Client> {
        let world = World::get();
        let authority = &world.authorities[self.authority];
        let entropy = self.entropy.fork(&format!("life {}", self.lives));
        self.disk.power(power);
        let sockets = NodeSockets {
            network: network.clone(),
            node: self.node,
            power: power.clone(),
            runtime: runtime.clone(),
            entropy: entropy.fork("sockets"),
        };
        Ok(Client::open_on(Parts {
            device: self.enrolled(),
            bundle: world.bundle(),
            crls: authority.lists(1, &[]),
            endpoint_record: authority.endpoint_record.clone(),
            store: Box::new(self.disk.memory.open()?),
            clock: self.clock.clone(),
            entropy: entropy.fork("client"),
            sockets: Arc::new(sockets),
        })?)
    }
}
