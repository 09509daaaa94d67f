//! An authority's relay as a node: the real server on a simulated socket and a disk in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use enlace_identity::entropy::Entropy;
use enlace_identity::time::Timestamp;
use enlace_relay::config::{Limits, LimitsSection, Material};
use enlace_relay::hub::HeadKey;
use enlace_relay::proofs::ProofMemory;
use enlace_relay::server::{Parts, Server};
use enlace_relay::storage::{CommitFault, MemoryDisk, Storage, StorageError};
use enlace_transport::{Clock as _, Endpoint, LocalIdentity, Trust};

use crate::clock::NodeClock;
use crate::network::{Network, NodeId, NodeRuntime};
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
    disk_is_full: Arc<AtomicBool>,
    proofs: ProofMemory,
    entropy: Entropy,
    /// How many authorities take part.
    authorities: usize,
    /// The revocation lists that its operator has.
    lists: Vec<Vec<u8>>,
    lives: u32,
    life: Option<Life>,
}

struct Life {
    server: Server,
    power: Power,
    runtime: Arc<NodeRuntime>,
    trust: Trust,
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
            disk_is_full: Arc::default(),
            proofs: ProofMemory::default(),
            entropy,
            authorities,
            lists: World::get().authorities[authority].lists(1, &[]),
            lives: 0,
            life: None,
        }
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
        let world = World::get();
        let authority = &world.authorities[self.authority];
        let (power, runtime) = (Power::default(), Arc::new(NodeRuntime::default()));
        let trust = world.trust(self.authority, self.clock.clone());
        for list in &self.lists {
            trust.insert_crl(list)?;
        }
        let entropy = self.entropy.fork(&format!("life {}", self.lives));
        let identity =
            LocalIdentity::new(&trust, &authority.relay.chain, authority.relay.key.clone())?;
        let socket = network.open(self.node, RELAY_PORT, &power);
        let endpoint = Endpoint::on_socket(
            socket,
            runtime.clone(),
            entropy.fork("endpoint"),
            identity.clone(),
            trust.clone(),
        )?;
        let parts = Parts {
            endpoint,
            storage: self.disk(&power)?,
            entropy: entropy.fork("relay"),
            proofs: Box::new(self.proofs.clone()),
            crls: None,
            // A power cut ends the machine.
            boot: None,
            is_inline: true,
        };
        let material = self.material(authority, identity, trust.clone());
        let limits = Limits::try_from(&LimitsSection::default())?;
        let name = authority.relay_name().clone();
        let server = Server::start_on(name, limits, material, parts).await?;
        self.life = Some(Life { server, power, runtime, trust });
        Ok(())
    }

    /// Opens the disk, which takes nothing when it is full or without power.
    fn disk(&self, power: &Power) -> Result<Box<dyn Storage>, StorageError> {
        let (power, full) = (power.clone(), self.disk_is_full.clone());
        self.disk.on_commit(Box::new(move |_| {
            let kept = !full.load(Ordering::SeqCst) && power.allow();
            (!kept).then_some(CommitFault::NothingKept)
        }));
        Ok(Box::new(self.disk.open()?))
    }

    fn material(&self, authority: &Authority, identity: LocalIdentity, trust: Trust) -> Material {
        let world = World::get();
        let others = (0..self.authorities).filter(|other| *other != self.authority);
        Material {
            identity,
            head: HeadKey::new(authority.head.key.clone(), authority.head.chain.ders()),
            bundle: world.signed.encode(),
            endpoint_record: authority.endpoint_record.clone(),
            endpoint_records: others
                .map(|other| world.authorities[other].endpoint_record.clone())
                .collect(),
            trust,
        }
    }

    /// Takes its power; nothing of it is left but its disk.
    pub async fn crash(&mut self) {
        let Some(life) = self.life.take() else { return };
        life.power.cut_after(0);
        life.server.kill().await;
        life.runtime.end();
        tokio::task::yield_now().await;
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
        if let Some(life) = &self.life {
            for list in &lists {
                // A relay whose clock is wrong may refuse one; it gets them again when it starts.
                if let Err(error) = life.trust.insert_crl(list) {
                    tracing::warn!(%error, "a revocation list is refused");
                }
            }
        }
        self.lists = lists;
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
