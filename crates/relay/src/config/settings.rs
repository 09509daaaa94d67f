//! The checked values of a configuration file.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use enlace_identity::bundle::BundleHash;
use enlace_identity::names::{NameError, ServiceKind, ServiceName};
use tracing::level_filters::LevelFilter;

use super::file::{ConfigFile, HeadSection, LogSection, NetworkSection, RelaySection};
use super::limits::{Limits, ZeroLimit};

/// What a relay runs with. Paths are absolute, or relative to the working directory.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The relay's name.
    pub name: ServiceName,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where its store is.
    pub data_dir: PathBuf,
    /// The relay's key.
    pub relay_key: KeyPaths,
    /// The head key.
    pub head_key: KeyPaths,
    /// Files of the network.
    pub network: NetworkPaths,
    /// The network's hash, told out of band.
    pub bundle_hash: BundleHash,
    /// What one peer may use.
    pub limits: Limits,
    /// The log.
    pub log: LogSettings,
}

/// A key and its certificate.
#[derive(Clone, Debug)]
pub struct KeyPaths {
    /// Certificate chain (PEM).
    pub certificate: PathBuf,
    /// Private key (PEM).
    pub key: PathBuf,
    /// Passphrase of the key.
    pub passphrase: Option<PathBuf>,
}

/// Files of the network.
#[derive(Clone, Debug)]
pub struct NetworkPaths {
    /// Signed bundle.
    pub bundle: PathBuf,
    /// Own signed endpoint record.
    pub endpoint_record: PathBuf,
    /// Directory of others' records.
    pub endpoints: PathBuf,
    /// Directory of newer versions of the bundle.
    pub bundles: PathBuf,
    /// Directory of revocation lists.
    pub crls: PathBuf,
}

/// How the log looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LogSettings {
    /// Its format.
    pub format: LogFormat,
    /// What it holds.
    pub level: LevelFilter,
}

/// The log's format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// A value that can't be used: the operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// `relay.name` is no relay's name.
    #[error("relay.name: {0}")]
    Name(NameError),
    /// `relay.name` names another kind of service.
    #[error("relay.name: “{0}” is not a relay's name such as r1.relay.fge.example")]
    NotARelay(ServiceName),
    /// `relay.listen` is no address and port.
    #[error("relay.listen: “{0}” is not an address and port such as [::]:4433")]
    Listen(String),
    /// `network.bundle_hash` is no hash.
    #[error("network.bundle_hash: 64 hexadecimal digits are expected")]
    BundleHash,
    /// A limit is zero.
    #[error(transparent)]
    Limit(#[from] ZeroLimit),
    /// `log.format` is unknown.
    #[error("log.format: “{0}” is neither text nor json")]
    LogFormat(String),
    /// `log.level` is unknown.
    #[error("log.level: “{0}” is none of error, warn, info, debug and trace")]
    LogLevel(String),
}

impl Settings {
    /// Checks a file's values; `base` is the directory that relative paths start from.
    ///
    /// # Errors
    /// [`SettingsError`], the first that is found.
    pub fn new(file: &ConfigFile, base: &Path) -> Result<Self, SettingsError> {
        let ConfigFile { relay, head, network, limits, log } = file;
        Ok(Self {
            name: relay_name(relay)?,
            listen: listen(&relay.listen)?,
            data_dir: base.join(&relay.data_dir),
            relay_key: relay_key(relay, base),
            head_key: head_key(head, base),
            network: network_paths(network, base),
            bundle_hash: bundle_hash(&network.bundle_hash)?,
            limits: Limits::try_from(limits)?,
            log: LogSettings::try_from(log)?,
        })
    }
}

fn relay_name(relay: &RelaySection) -> Result<ServiceName, SettingsError> {
    let name: ServiceName = relay.name.parse().map_err(SettingsError::Name)?;
    match name.kind() {
        ServiceKind::Relay => Ok(name),
        _ => Err(SettingsError::NotARelay(name)),
    }
}

fn listen(text: &str) -> Result<SocketAddr, SettingsError> {
    let resolved = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    resolved.ok_or_else(|| SettingsError::Listen(text.to_owned()))
}

fn relay_key(relay: &RelaySection, base: &Path) -> KeyPaths {
    KeyPaths {
        certificate: base.join(&relay.certificate),
        key: base.join(&relay.key),
        passphrase: relay.key_passphrase_file.as_ref().map(|path| base.join(path)),
    }
}

fn head_key(head: &HeadSection, base: &Path) -> KeyPaths {
    KeyPaths {
        certificate: base.join(&head.certificate),
        key: base.join(&head.key),
        passphrase: head.key_passphrase_file.as_ref().map(|path| base.join(path)),
    }
}

fn network_paths(network: &NetworkSection, base: &Path) -> NetworkPaths {
    NetworkPaths {
        bundle: base.join(&network.bundle),
        endpoint_record: base.join(&network.endpoint_record),
        endpoints: base.join(&network.endpoints),
        bundles: base.join(&network.bundles),
        crls: base.join(&network.crls),
    }
}

fn bundle_hash(text: &str) -> Result<BundleHash, SettingsError> {
    text.parse().map_err(|_| SettingsError::BundleHash)
}

impl TryFrom<&LogSection> for LogSettings {
    type Error = SettingsError;

    fn try_from(section: &LogSection) -> Result<Self, SettingsError> {
        let format = match section.format.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => return Err(SettingsError::LogFormat(other.to_owned())),
        };
        let level = match section.level.as_str() {
            "error" => LevelFilter::ERROR,
            "warn" => LevelFilter::WARN,
            "info" => LevelFilter::INFO,
            "debug" => LevelFilter::DEBUG,
            "trace" => LevelFilter::TRACE,
            other => return Err(SettingsError::LogLevel(other.to_owned())),
        };
        Ok(Self { format, level })
    }
}
