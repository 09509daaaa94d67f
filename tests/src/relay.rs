//! A relay of the real kind, in this process, on loopback.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use enlace_identity::names::ServiceKind;
use enlace_identity::time::Timestamp;
use enlace_relay::config::{
    ConfigFile, HeadSection, LimitsSection, LogSection, Material, NetworkSection, RelaySection,
    Settings,
};
use enlace_relay::hub::HeadKey;
use enlace_relay::server::Server;
use enlace_transport::{Clock, Expected, SystemClock, Target};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::{Authority, Credential, Network, soon};

/// Where a relay lives and what it is, across restarts.
pub struct RelayPlace {
    directory: TempDir,
    /// Its UDP port.
    pub port: u16,
    relay: Credential,
    /// Its head key.
    pub head: Credential,
    index: usize,
    clock: Arc<Ahead>,
}

/// The system's clock, put forward.
#[derive(Debug, Default)]
struct Ahead(AtomicU64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(Duration::from_millis(self.0.load(Ordering::Relaxed)))
    }
}

/// A relay that runs, on threads of its own: they end with it, and its socket with them.
pub struct Relay {
    server: Option<Server>,
    threads: Option<Runtime>,
}

impl RelayPlace {
    /// The place of the relay of one of a network's authorities.
    #[must_use]
    pub fn new(network: &Network, index: usize) -> Self {
        let authority = &network.authorities[index];
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("crls")).unwrap();
        let place = Self {
            directory,
            port: free_port(),
            relay: authority.service("r1", ServiceKind::Relay),
            head: authority.service("h1", ServiceKind::Head),
            index,
            clock: Arc::default(),
        };
        place.publish(&authority.lists(1, &[]));
        place
    }

    /// Puts its clock forward, also while it runs.
    pub fn put_clock_forward(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.clock.0.fetch_add(millis, Ordering::Relaxed);
    }

    /// Puts revocation lists where the relay looks for them.
    pub fn publish(&self, lists: &[Vec<u8>]) {
        for (index, list) in lists.iter().enumerate() {
            let path = self.path("crls");
            let (draft, name) = (path.join("draft"), path.join(format!("{index}.crl")));
            std::fs::write(&draft, list).unwrap();
            std::fs::rename(draft, name).unwrap();
        }
    }

    /// Something in its directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Its directory: store, write-ahead log and all the rest.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Whose relay it is.
    #[must_use]
    pub fn authority<'n>(&self, network: &'n Network) -> &'n Authority {
        &network.authorities[self.index]
    }

    /// How to dial whoever stands here.
    #[must_use]
    pub fn target(&self, network: &Network) -> Target {
        let expected = Expected::Relay(self.authority(network).relay_name());
        Target { expected, addresses: vec![("127.0.0.1".to_owned(), self.port)] }
    }

    /// Starts the relay; it knows where the relays of `peers` are.
    pub async fn start(&self, network: &Network, peers: &[&Self]) -> Relay {
        let records = peers.iter().map(|peer| peer.endpoint_record(network));
        self.start_knowing(network, records.collect()).await
    }

    /// The record that says where this relay is.
    #[must_use]
    pub fn endpoint_record(&self, network: &Network) -> Vec<u8> {
        self.authority(network).endpoint_record(self.port)
    }

    /// Starts the relay with these endpoint records of others.
    pub async fn start_knowing(&self, network: &Network, others: Vec<Vec<u8>>) -> Relay {
        let authority = self.authority(network);
        let trust = network.trust_at(authority, self.clock.clone());
        let material = Material {
            identity: self.relay.identity(&trust),
            head: HeadKey::new(self.head.key.clone(), self.head.chain.ders()),
            endpoint_record: authority.endpoint_record(self.port),
            endpoint_records: others,
            trust,
        };
        let threads = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let starting = threads.spawn(Server::start(self.settings(network), material));
        let server = starting.await.unwrap().unwrap();
        Relay { server: Some(server), threads: Some(threads) }
    }

    /// Writes keys, certificates, lists and the store there.
    pub(crate) fn keep(&self, network: &Network, to: &Path) {
        crate::kept::copy(self.directory(), to);
        for (name, credential) in [("relay", &self.relay), ("head", &self.head)] {
            std::fs::write(to.join(format!("{name}.pem")), credential.chain.to_pem()).unwrap();
            let key = credential.key.to_pem(None);
            std::fs::write(to.join(format!("{name}.key")), key.as_bytes()).unwrap();
        }
        let record = self.authority(network).endpoint_record(self.port);
        std::fs::write(to.join("endpoint.record"), record).unwrap();
    }

    fn settings(&self, network: &Network) -> Settings {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)).to_string();
        let name = self.authority(network).relay_name().to_string();
        let file = ConfigFile {
            relay: RelaySection { listen, ..RelaySection::named(name) },
            head: HeadSection::standard(),
            network: NetworkSection::of_bundle(network.signed.hash().to_string()),
            limits: LimitsSection::default(),
            log: LogSection::default(),
        };
        Settings::new(&file, self.directory()).unwrap()
    }
}

impl Relay {
    /// Stops the relay; its port is free again then, for which the system has no event.
    ///
    /// # Panics
    /// When it does not stop.
    pub async fn stop(mut self) {
        let server = self.server.take().expect("it runs");
        let address = server.local_addr();
        let stopping = self.threads.as_ref().expect("it runs").spawn(server.stop());
        soon("the relay stops", stopping).await.unwrap();
        drop(self);
        let mut look = tokio::time::interval(Duration::from_millis(5));
        let released = async {
            while UdpSocket::bind(address).is_err() {
                look.tick().await;
            }
        };
        soon("the relay's port is free", released).await;
    }

    /// Looks at the revocation lists in the relay's directory again.
    pub fn reload_crls(&self) {
        self.server.as_ref().expect("it runs").reload_crls();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

/// A port that no socket gets by chance: below those that the system gives to whoever asks for
/// any. It stays free while a relay is down.
fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static TAKEN: AtomicU32 = AtomicU32::new(0);

    let start = std::process::id().wrapping_mul(64);
    loop {
        let number = start.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + number).unwrap();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
