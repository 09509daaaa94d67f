//! An authority's relay as a node: the real server on a simulated socket and a disk in memory.

mod kept;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use enlace_identity::entropy::Entropy;
use enlace_identity::names::Domain;
use enlace_identity::time::Timestamp;
use enlace_relay::config::{Limits, LimitsSection, Material};
use enlace_relay::hub::HeadKey;
use enlace_relay::proofs::ProofMemory;
use enlace_relay::server::{Parts, Server};
use enlace_relay::storage::{CommitFault, MemoryDisk, Storage, StorageError};
use enlace_transport::{Clock as _, Endpoint, LocalIdentity, Trust};

use crate::clock::NodeClock;
use crate::network::{Listener, Network, NodeId, NodeRuntime};
use crate::power::Power;
use crate::world::{self, Authority, RELAY_PORT, World};

/// A relay over all its lives.
pub struct RelayNode {
    /// Which authority's.
    pub authority: usize,
    /// Its place in the network.
    pub node: NodeId,
    /// Its clock.
    pub clock: Arc<NodeClock>,
    disk: MemoryDisk,
    /// The copy of the disk that was kept last.
    copy: Option<MemoryDisk>,
    disk_is_full: Arc<AtomicBool>,
    proofs: ProofMemory,
    entropy: Entropy,
    /// How many authorities take part.
    authorities: usize,
    /// The later versions of the bundle that its operator has.
    bundles: Vec<Vec<u8>>,
    /// The revocation lists that its operator has.
    lists: Vec<Vec<u8>>,
    /// Where it and the registrar exchange requests for certificates.
    renewals: Option<PathBuf>,
    lives: u32,
    life: Option<Life>,
    /// In which of its lives the machine was started last.
    boot: u32,
    /// The second relay, where there are two.
    twin: Option<Life>,
}

struct Life {
    server: Server,
    power: Power,
    runtime: Arc<NodeRuntime>,
    trust: Trust,
}

impl Life {
    async fn end(self) {
        self.power.cut_after(0);
        self.server.kill().await;
        self.runtime.end();
        tokio::task::yield_now().await;
    }
}

impl RelayNode {
    /// A relay with an empty disk, not started yet.
    #[must_use]
    pub fn new(authority: usize, authorities: usize, clock: NodeClock, entropy: Entropy) -> Self {
        Self {
            authority,
            node: world::relay_node(authority),
            clock: Arc::new(clock),
            disk: MemoryDisk::default(),
            copy: None,
            disk_is_full: Arc::default(),
            proofs: ProofMemory::default(),
            entropy,
            authorities,
            bundles: Vec::new(),
            lists: World::get().authorities[authority].lists(1, &[]),
            renewals: None,
            lives: 0,
            life: None,
            boot: 0,
            twin: None,
        }
    }

    /// From its next start on it exchanges requests for certificates with the registrar, in a directory.
    pub fn exchange_in(&mut self, renewals: PathBuf) {
        self.renewals = Some(renewals);
    }

    /// Where that is.
    #[must_use]
    pub fn renewals(&self) -> Option<&Path> {
        self.renewals.as_deref()
    }

    /// Its authority's domain, as a name.
    #[must_use]
    pub fn name(&self) -> String {
        self.domain().to_string()
    }

    /// Its authority's domain.
    #[must_use]
    pub fn domain(&self) -> Domain {
        World::get().authorities[self.authority].domain.clone()
    }

    /// Whether it runs and has power.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.power.is_on())
    }

    /// The power of its present life.
    #[must_use]
    pub fn power(&self) -> Option<&Power> {
        self.life.as_ref().map(|life| &life.power)
    }

    /// Starts it on what its disk holds.
    ///
    /// # Errors
    /// Why it does not start.
    pub async fn start(&mut self, network: &Network) -> anyhow::Result<()> {
        self.lives += 1;
        self.boot = self.lives;
        let life = self.launch(network, Listener::Genuine, &self.disk, &self.proofs).await?;
        self.life = Some(life);
        Ok(())
    }

    /// Starts a second relay with the same keys, on a copy of what is on the disk now. From here
    /// on each of the two signs a history of its own, and the second does not say that it begins
    /// anew: it takes itself for the first.
    ///
    /// # Errors
    /// Why it does not start, or that there are two already.
    pub async fn fork(&mut self, network: &Network) -> anyhow::Result<()> {
        anyhow::ensure!(self.twin.is_none(), "there are two already");
        self.lives += 1;
        let (disk, proofs) = (self.disk.copy(), ProofMemory::default());
        let twin = self.launch(network, Listener::Twin, &disk, &proofs).await?;
        self.twin = Some(twin);
        Ok(())
    }

    async fn launch(
        &self,
        network: &Network,
        listener: Listener,
        disk: &MemoryDisk,
        proofs: &ProofMemory,
    ) -> anyhow::Result<Life> {
        let world = World::get();
        let authority = &world.authorities[self.authority];
        let (power, runtime) = (Power::default(), Arc::new(NodeRuntime::default()));
        let trust = world.trust(self.authority, self.clock.clone());
        for bundle in &self.bundles {
            trust.take_bundle(bundle)?;
        }
        give(&trust, &self.lists);
        let entropy = self.entropy.fork(&format!("life {}", self.lives));
        let identity =
            LocalIdentity::new(&trust, &authority.relay.chain, authority.relay.key.clone())?;
        let endpoint = Endpoint::on_socket(
            network.open_for(listener, self.node, RELAY_PORT, &power),
            runtime.clone(),
            entropy.fork("endpoint"),
            identity.clone(),
            trust.clone(),
        )?;
        let parts = Parts {
            endpoint,
            storage: self.opened(disk, &power)?,
            entropy: entropy.fork("relay"),
            proofs: Box::new(proofs.clone()),
            crls: None,
            bundles: None,
            renewals: self.renewals.clone(),
            enrolments: None,
            boot: Some(format!("boot {}", self.boot)),
            is_inline: true,
        };
        let material = self.material(authority, identity, trust.clone());
        let limits = Limits::try_from(&LimitsSection::default())?;
        let name = authority.relay_name().clone();
        let server = Server::start_on(name, limits, material, parts).await?;
        Ok(Life { server, power, runtime, trust })
    }

    /// Opens a disk, which takes nothing when it is full or without power.
    fn opened(&self, disk: &MemoryDisk, power: &Power) -> Result<Box<dyn Storage>, StorageError> {
        let (power, full) = (power.clone(), self.disk_is_full.clone());
        disk.on_commit(Box::new(move |_| {
            let kept = !full.load(Ordering::SeqCst) && power.allow();
            (!kept).then_some(CommitFault::NothingKept)
        }));
        Ok(Box::new(disk.open()?))
    }

    fn material(&self, authority: &Authority, identity: LocalIdentity, trust: Trust) -> Material {
        let world = World::get();
        let others = (0..self.authorities).filter(|other| *other != self.authority);
        Material {
            identity,
            head: HeadKey::new(authority.head.key.clone(), authority.head.chain.ders()),
            endpoint_record: authority.endpoint_record.clone(),
            endpoint_records: others
                .map(|other| world.authorities[other].endpoint_record.clone())
                .collect(),
            trust,
        }
    }

    /// Takes its power; nothing of it is left but its disk.
    pub async fn crash(&mut self) {
        if let Some(life) = self.life.take() {
            life.end().await;
        }
    }

    /// Keeps a copy of its disk, which may be in use.
    pub fn back_up(&mut self) {
        self.copy = Some(self.disk.copy());
    }

    /// Takes its power and its disk; the last copy takes the disk's place.
    ///
    /// # Errors
    /// When no copy was kept.
    pub async fn restore(&mut self) -> anyhow::Result<()> {
        let copy = self.copy.as_ref().ok_or_else(|| anyhow::anyhow!("no copy was kept"))?;
        let disk = copy.copy();
        self.crash().await;
        self.disk = disk;
        Ok(())
    }

    /// Takes the second relay away for good, where there are two.
    pub async fn unite(&mut self) {
        if let Some(twin) = self.twin.take() {
            twin.end().await;
        }
    }

    /// Stops it in good order.
    pub async fn stop(&mut self) {
        let Some(life) = self.life.take() else { return };
        life.server.stop().await;
        life.power.cut_after(0);
        life.runtime.end();
        tokio::task::yield_now().await;
    }

    /// Its operator gets newer revocation lists.
    pub fn take_lists(&mut self, lists: Vec<Vec<u8>>) {
        for life in self.life.iter().chain(&self.twin) {
            give(&life.trust, &lists);
        }
        self.lists = lists;
    }

    /// Its operator gets later versions of the network's bundle, which follow each other.
    pub fn take_bundles(&mut self, bundles: &[Vec<u8>]) {
        for life in self.life.iter().chain(&self.twin) {
            for bundle in bundles {
                if let Err(error) = life.trust.take_bundle(bundle) {
                    tracing::warn!(%error, "a version of the bundle is refused");
                }
            }
        }
        self.bundles = bundles.to_vec();
    }

    /// Breaks its next commit.
    pub fn fail_next_commit(&self, fault: CommitFault) {
        self.disk.fail_next_commit(fault);
    }

    /// Fills its disk, or empties it.
    pub fn fill_disk(&self, full: bool) {
        self.disk_is_full.store(full, Ordering::SeqCst);
    }

    /// What it keeps.
    #[must_use]
    pub fn memory(&self) -> &MemoryDisk {
        &self.disk
    }

    /// The time by its clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// A relay whose clock is wrong may refuse a list, or one that is over; it gets them again when it starts.
fn give(trust: &Trust, lists: &[Vec<u8>]) {
    for list in lists {
        if let Err(error) = trust.insert_crl(list) {
            tracing::warn!(%error, "a list is refused");
        }
    }
}
