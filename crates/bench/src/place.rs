//! A relay's directory, as its operator would have it: configuration, keys, certificates, network.

use std::cell::RefCell;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use enlace_identity::names::ServiceKind;
use enlace_relay::config::{
    ConfigFile, HeadSection, LimitsSection, LogSection, NetworkSection, RelaySection,
};
use enlace_test_authorities::{Authority, Credential, Network};
use enlace_transport::{Expected, Target};
use tempfile::TempDir;

use crate::process::Server;

/// The directory with the authorities' roots, which the bare baseline trusts.
pub(crate) const ROOTS: &str = "roots";
/// The file with the relay's certificates.
pub(crate) const CERTIFICATES: &str = "relay.pem";
/// The file with the relay's key.
pub(crate) const KEY: &str = "relay.key";

const CONFIGURATION: &str = "relay.toml";

/// Where one authority's relay is. The directory goes with this value.
#[derive(Debug)]
pub(crate) struct Place {
    directory: TempDir,
    authority: usize,
    port: u16,
    /// Keeps the port until the relay starts: others know it before.
    reserved: RefCell<Option<UdpSocket>>,
}

impl Place {
    /// Prepares a relay for each authority of a network; each knows where the others are.
    pub(crate) fn prepare(network: &Network, dir: &Path) -> Result<Vec<Self>> {
        fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
        let places = (0..network.authorities.len()).map(|authority| {
            let directory = tempfile::Builder::new().prefix("enlace-bench-").tempdir_in(dir)?;
            let reserved =
                UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("no UDP port is free")?;
            let port = reserved.local_addr()?.port();
            Ok(Self { directory, authority, port, reserved: RefCell::new(Some(reserved)) })
        });
        let places: Vec<Self> = places.collect::<Result<_>>()?;
        let records: Vec<Vec<u8>> = places
            .iter()
            .map(|place| network.authorities[place.authority].endpoint_record(place.port))
            .collect();
        for place in &places {
            place.write(network, &records).context("a relay's directory cannot be filled")?;
        }
        Ok(places)
    }

    fn write(&self, network: &Network, records: &[Vec<u8>]) -> Result<()> {
        let authority = &network.authorities[self.authority];
        self.write_credential("relay", &authority.service("r1", ServiceKind::Relay))?;
        self.write_credential("head", &authority.service("h1", ServiceKind::Head))?;
        fs::create_dir(self.path(ROOTS))?;
        for one in &network.authorities {
            let name = format!("{}.der", one.domain);
            fs::write(self.path(ROOTS).join(name), one.root.certificate().as_bytes())?;
        }
        fs::write(self.path("network.bundle"), network.signed.encode())?;
        fs::write(self.path("own.endpoint"), &records[self.authority])?;
        fs::create_dir(self.path("endpoints"))?;
        for (index, record) in records.iter().enumerate().filter(|(i, _)| *i != self.authority) {
            fs::write(self.path("endpoints").join(format!("{index}.endpoint")), record)?;
        }
        fs::create_dir(self.path("crls"))?;
        for (index, list) in authority.lists(1, &[]).iter().enumerate() {
            fs::write(self.path("crls").join(format!("{index}.crl")), list)?;
        }
        fs::write(self.path(CONFIGURATION), toml::to_string(&self.configuration(network))?)?;
        Ok(())
    }

    /// As a new relay's, but that rates don't hold a driver back and that a driver may have many
    /// connections of few devices.
    fn configuration(&self, network: &Network) -> ConfigFile {
        let name = network.authorities[self.authority].relay_name().to_string();
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)).to_string();
        ConfigFile {
            relay: RelaySection { listen, ..RelaySection::named(name) },
            head: HeadSection::standard(),
            network: NetworkSection::of_bundle(network.signed.hash().to_string()),
            limits: LimitsSection {
                connections_per_peer: 1_000,
                requests_per_second: 10_000_000,
                request_burst: 10_000_000,
                bytes_per_second: 1 << 40,
                byte_burst: 1 << 40,
                ..LimitsSection::default()
            },
            log: LogSection { level: "error".to_owned(), ..LogSection::default() },
        }
    }

    fn write_credential(&self, name: &str, credential: &Credential) -> Result<()> {
        fs::write(self.path(&format!("{name}.pem")), credential.chain.to_pem())?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(self.path(&format!("{name}.key")))?;
        file.write_all(credential.key.to_pem(None).as_bytes())?;
        Ok(())
    }

    /// Starts the relay in a process of its own.
    pub(crate) fn start_relay(&self) -> Result<Server> {
        let config = self.path(CONFIGURATION);
        drop(self.reserved.take());
        Server::start(&["relay".as_ref(), config.as_os_str()]).context("the relay does not start")
    }

    /// Starts bare quinn with the relay's certificate, in a process of its own.
    pub(crate) fn start_bare(&self) -> Result<Server> {
        let directory = self.directory().as_os_str();
        Server::start(&["baseline".as_ref(), directory]).context("bare quinn does not start")
    }

    /// Starts bare quinn as one that follows another authority's.
    pub(crate) fn start_bare_follower(&self, hub: &Authority, upstream: &Server) -> Result<Server> {
        let (address, name) = (upstream.address().to_string(), hub.relay_name().to_string());
        let directory = self.directory().as_os_str();
        Server::start(&["baseline".as_ref(), directory, address.as_ref(), name.as_ref()])
            .context("bare quinn does not start")
    }

    /// How to dial the relay.
    pub(crate) fn target(&self, network: &Network) -> Target {
        let expected = Expected::Relay(self.authority(network).relay_name());
        Target { expected, addresses: vec![("127.0.0.1".to_owned(), self.port)] }
    }

    /// Whose relay it is.
    pub(crate) fn authority<'n>(&self, network: &'n Network) -> &'n Authority {
        &network.authorities[self.authority]
    }

    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}
