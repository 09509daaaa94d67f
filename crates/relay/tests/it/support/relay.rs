//! The relay under test, in this process, on loopback.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use enlace_identity::entropy::Entropy;
use enlace_identity::names::ServiceKind;
use enlace_relay::config::{
    ConfigFile, HeadSection, LimitsSection, LogSection, Material, NetworkSection, RelaySection,
    Settings,
};
use enlace_relay::hub::HeadKey;
use enlace_relay::proofs::ProofMemory;
use enlace_relay::server::{Parts, Server};
use enlace_relay::storage::MemoryDisk;
use enlace_transport::{Endpoint, Expected, Target};
use tempfile::TempDir;

use super::{Authority, Credential, Network};

/// Where a relay lives and what it is, across restarts.
pub(crate) struct RelayPlace {
    directory: TempDir,
    pub(crate) port: u16,
    relay: Credential,
    head: Credential,
    pub(crate) limits: LimitsSection,
    pub(crate) index: usize,
}

/// A relay that runs.
pub(crate) struct Relay {
    server: Server,
    pub(crate) target: Target,
}

impl RelayPlace {
    /// The place of the relay of one of a network's authorities.
    pub(crate) fn new(network: &Network, index: usize) -> Self {
        let authority = &network.authorities[index];
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("crls")).unwrap();
        let place = Self {
            directory,
            port: free_port(),
            relay: authority.service("r1", ServiceKind::Relay),
            head: authority.service("h1", ServiceKind::Head),
            limits: LimitsSection::default(),
            index,
        };
        place.publish(&authority.lists(1, &[]));
        place
    }

    /// Puts revocation lists where the relay looks for them.
    pub(crate) fn publish(&self, lists: &[Vec<u8>]) {
        for (index, list) in lists.iter().enumerate() {
            let path = self.path("crls");
            let (draft, name) = (path.join("draft"), path.join(format!("{index}.crl")));
            std::fs::write(&draft, list).unwrap();
            std::fs::rename(draft, name).unwrap();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts the relay; it knows where the relays of `peers` are.
    pub(crate) async fn start(&self, network: &Network, peers: &[&Self]) -> Relay {
        let authority = &network.authorities[self.index];
        let settings = self.settings(network, authority);
        let material = self.material(network, peers);
        Relay::of(authority, Server::start(settings, material).await.unwrap())
    }

    /// Starts the relay on any port and that disk, without files and threads.
    pub(crate) async fn start_in_memory(&self, network: &Network, disk: &MemoryDisk) -> Relay {
        let authority = &network.authorities[self.index];
        let Settings { name, limits, .. } = self.settings(network, authority);
        let material = self.material(network, &[]);
        let (identity, trust) = (material.identity.clone(), material.trust.clone());
        let any = (Ipv4Addr::LOCALHOST, 0).into();
        let parts = Parts {
            endpoint: Endpoint::bind(any, identity, trust).unwrap(),
            storage: Box::new(disk.open().unwrap()),
            entropy: Entropy::dangerous_seeded([1; 32]),
            proofs: Box::new(ProofMemory::default()),
            crls: None,
            bundles: None,
            renewals: None,
            enrolments: None,
            boot: Some("one boot".to_owned()),
            is_inline: true,
        };
        Relay::of(authority, Server::start_on(name, limits, material, parts).await.unwrap())
    }

    fn material(&self, network: &Network, peers: &[&Self]) -> Material {
        let authority = &network.authorities[self.index];
        let trust = network.trust(authority);
        Material {
            identity: self.relay.identity(&trust),
            head: HeadKey::new(self.head.key.clone(), self.head.chain.ders()),
            endpoint_record: authority.endpoint_record(self.port),
            endpoint_records: peers
                .iter()
                .map(|peer| network.authorities[peer.index].endpoint_record(peer.port))
                .collect(),
            trust,
        }
    }

    fn settings(&self, network: &Network, authority: &Authority) -> Settings {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)).to_string();
        let file = ConfigFile {
            relay: RelaySection {
                listen,
                ..RelaySection::named(authority.relay_name().to_string())
            },
            head: HeadSection::standard(),
            network: NetworkSection::of_bundle(network.signed.hash().to_string()),
            limits: self.limits.clone(),
            log: LogSection::default(),
        };
        Settings::new(&file, self.directory()).unwrap()
    }

    fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Relay {
    fn of(authority: &Authority, server: Server) -> Self {
        let addresses = vec![("127.0.0.1".to_owned(), server.local_addr().port())];
        let expected = Expected::Relay(authority.relay_name());
        Self { server, target: Target { expected, addresses } }
    }

    /// Ends as a crash does.
    pub(crate) async fn kill(self) {
        self.server.kill().await;
    }

    /// Stops the relay; its port is free again then.
    pub(crate) async fn stop(self) {
        let address = self.server.local_addr();
        super::soon(self.server.stop()).await;
        let released = async {
            while UdpSocket::bind(address).is_err() {
                tokio::task::yield_now().await;
            }
        };
        // A connection whose peer is gone may keep it for as long as QUIC's idle timeout.
        tokio::time::timeout(2 * super::PATIENCE, released).await.expect("the port is free again");
    }

    pub(crate) fn reload_crls(&self) {
        self.server.reload_crls();
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
