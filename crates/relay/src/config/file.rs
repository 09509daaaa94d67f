//! The configuration file, as it is written. Unknown keys are refused; paths that are not
//! absolute are taken from the file's own directory.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// The relay itself.
    pub relay: RelaySection,
    /// The key that signs heads.
    pub head: HeadSection,
    /// The network of authorities.
    pub network: NetworkSection,
    /// What one peer may use. Every key has a default.
    #[serde(default)]
    pub limits: LimitsSection,
    /// The log on standard error. Every key has a default.
    #[serde(default)]
    pub log: LogSection,
}

/// `[relay]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RelaySection {
    /// The relay's name, `<node>.relay.<domain>`. Required.
    pub name: String,
    /// UDP address and port to listen on. Default: `[::]:4433`, every address of the machine.
    #[serde(default = "default_listen")]
    pub listen: String,
    /// Directory of the store; it is created. Default: `data`.
    #[serde(default = "default_data_dir")]
    pub data_dir: PathBuf,
    /// Certificate of the relay, then of its issuing CA (PEM). Default: `relay.pem`.
    #[serde(default = "default_certificate")]
    pub certificate: PathBuf,
    /// Private key of the relay (PKCS#8, PEM), readable by its owner alone. Default: `relay.key`.
    #[serde(default = "default_key")]
    pub key: PathBuf,
    /// File whose first line is the passphrase of `key`. Default: none, the key is not locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_passphrase_file: Option<PathBuf>,
}

/// `[head]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSection {
    /// Certificate of the head key, then of its issuing CA (PEM). Default: `head.pem`.
    #[serde(default = "default_head_certificate")]
    pub certificate: PathBuf,
    /// Private head key (PKCS#8, PEM), readable by its owner alone. Default: `head.key`.
    #[serde(default = "default_head_key")]
    pub key: PathBuf,
    /// File whose first line is the passphrase of `key`. Default: none, the key is not locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_passphrase_file: Option<PathBuf>,
}

/// `[network]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSection {
    /// The signed network bundle. Default: `network.bundle`.
    #[serde(default = "default_bundle")]
    pub bundle: PathBuf,
    /// The bundle's hash in hexadecimal, as the network told it out of band; blanks between the
    /// digits do not matter. Required.
    pub bundle_hash: String,
    /// The own authority's signed endpoint record, handed to whoever connects. Default:
    /// `own.endpoint`.
    #[serde(default = "default_endpoint_record")]
    pub endpoint_record: PathBuf,
    /// Directory of other authorities' signed endpoint records (`*.endpoint`). Newer ones that
    /// they hand over replace these. Default: `endpoints`.
    #[serde(default = "default_endpoints")]
    pub endpoints: PathBuf,
    /// Directory of newer versions of the network's bundle (`*.bundle`); others may bring them
    /// first. Default: `bundles`.
    #[serde(default = "default_bundles")]
    pub bundles: PathBuf,
    /// Directory of revocation lists (`*.crl`, DER or PEM): the own authority's, and others' if
    /// one likes to start with them. It is read again when a file changes. Default: `crls`.
    #[serde(default = "default_crls")]
    pub crls: PathBuf,
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsSection {
    /// Connections that the relay keeps open in all. Default: 20000.
    pub connections: u32,
    /// Connections that one device or relay may have at once. Default: 4.
    pub connections_per_peer: u32,
    /// Calls per second of one device, on the average. Default: 50.
    pub requests_per_second: u32,
    /// Calls that one device may make at once before that average holds. Default: 400.
    pub request_burst: u32,
    /// Bytes per second that one device may submit, on the average. Default: 4194304.
    pub bytes_per_second: u64,
    /// Bytes that one device may submit at once before that average holds. Default: 67108864.
    pub byte_burst: u64,
    /// By how much the three above are multiplied for another authority's relay, which speaks
    /// for many devices. Default: 100.
    pub relay_factor: u32,
    /// Channels that one device's subscription may follow; another authority's relay, `relay_factor`
    /// times as many. Default: 10000.
    pub channels_per_subscription: u32,
    /// Key packages that one device may keep here, for each suite. Default: 200.
    pub key_packages_per_device: u32,
    /// Key packages that one authority may claim in an hour. Default: 1000.
    pub claims_per_authority_and_hour: u32,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// `text` or `json`. Default: `text`.
    pub format: String,
    /// `error`, `warn`, `info`, `debug` or `trace`. Names of devices appear from `debug` on; the name
    /// of one that was refused appears at `info`.
    /// Default: `info`.
    pub level: String,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_peer: 4,
            requests_per_second: 50,
            request_burst: 400,
            bytes_per_second: 4 << 20,
            byte_burst: 64 << 20,
            relay_factor: 100,
            channels_per_subscription: 10_000,
            key_packages_per_device: 200,
            claims_per_authority_and_hour: 1_000,
        }
    }
}

impl Default for LogSection {
    fn default() -> Self {
        Self { format: "text".into(), level: "info".into() }
    }
}

impl RelaySection {
    /// A section with defaults for all but the name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            listen: default_listen(),
            data_dir: default_data_dir(),
            certificate: default_certificate(),
            key: default_key(),
            key_passphrase_file: None,
        }
    }
}

impl HeadSection {
    /// A section with defaults.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            certificate: default_head_certificate(),
            key: default_head_key(),
            key_passphrase_file: None,
        }
    }
}

impl NetworkSection {
    /// A section with defaults for all but the hash.
    #[must_use]
    pub fn of_bundle(hash: impl Into<String>) -> Self {
        Self {
            bundle: default_bundle(),
            bundle_hash: hash.into(),
            endpoint_record: default_endpoint_record(),
            endpoints: default_endpoints(),
            bundles: default_bundles(),
            crls: default_crls(),
        }
    }
}

impl ConfigFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong, with its line.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

fn default_listen() -> String {
    "[::]:4433".into()
}

fn default_data_dir() -> PathBuf {
    "data".into()
}

fn default_certificate() -> PathBuf {
    "relay.pem".into()
}

fn default_key() -> PathBuf {
    "relay.key".into()
}

fn default_head_certificate() -> PathBuf {
    "head.pem".into()
}

fn default_head_key() -> PathBuf {
    "head.key".into()
}

fn default_bundle() -> PathBuf {
    "network.bundle".into()
}

fn default_endpoint_record() -> PathBuf {
    "own.endpoint".into()
}

fn default_endpoints() -> PathBuf {
    "endpoints".into()
}

fn default_bundles() -> PathBuf {
    "bundles".into()
}

fn default_crls() -> PathBuf {
    "crls".into()
}
