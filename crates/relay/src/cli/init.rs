//! `enlace-relay init`

use std::fs;
use std::net::ToSocketAddrs as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use enlace_identity::bundle::BundleHash;
use enlace_identity::issue::CertificateRequest;
use enlace_identity::keys::{Passphrase, SigningKey};
use enlace_identity::names::{LeafName, ServiceKind, ServiceName};

use super::output;
use crate::config::write_private;

/// What `init` takes.
#[derive(Debug, clap::Args)]
pub(super) struct InitArguments {
    /// The directory to make; it may exist, but no file in it is replaced.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The relay's name, `<node>.relay.<domain>`.
    #[arg(long)]
    name: ServiceName,
    /// UDP address and port to listen on.
    #[arg(long, default_value = "[::]:4433", value_parser = listen_address)]
    listen: String,
    /// The network's hash as it was told to you. May be written into the configuration later.
    #[arg(long, value_name = "HEX")]
    bundle_hash: Option<BundleHash>,
    /// Lock the keys with the first line of this file.
    #[arg(long, value_name = "FILE")]
    key_passphrase_file: Option<PathBuf>,
}

/// The configuration; an empty hash is refused until the operator writes the right one.
const TEMPLATE: &str = include_str!("init/relay.toml");

pub(super) fn run(arguments: &InitArguments) -> ExitCode {
    match init(arguments) {
        Ok(text) => {
            output::line(text);
            ExitCode::SUCCESS
        }
        Err(error) => output::failed(&error),
    }
}

fn listen_address(text: &str) -> Result<String, String> {
    match text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next()) {
        Some(_) => Ok(text.to_owned()),
        None => Err("an address and port is expected, such as [::]:4433".to_owned()),
    }
}

fn init(arguments: &InitArguments) -> anyhow::Result<String> {
    let InitArguments { dir, name, .. } = arguments;
    if name.kind() != ServiceKind::Relay {
        bail!("“{name}” is not a relay's name such as r1.relay.fge.example");
    }
    let node = name.as_str().split('.').next().unwrap_or_default();
    let head = ServiceName::new(node, ServiceKind::Head, name.domain())?;
    let passphrase = arguments.key_passphrase_file.as_deref().map(read_passphrase).transpose()?;

    for file in ["relay.key", "relay.csr", "head.key", "head.csr", "relay.toml"] {
        let path = dir.join(file);
        if path.exists() {
            bail!("{} exists already, and is left alone: name another directory", path.display());
        }
    }
    for directory in [dir.clone(), dir.join("bundles"), dir.join("crls"), dir.join("endpoints")] {
        fs::create_dir_all(&directory)
            .with_context(|| format!("{} cannot be made", directory.display()))?;
    }
    make_key(dir, "relay", name, passphrase.as_ref())?;
    make_key(dir, "head", &head, passphrase.as_ref())?;
    write(&dir.join("relay.toml"), configuration(arguments)?.as_bytes())?;
    Ok(next_steps(dir, name, &head))
}

fn read_passphrase(path: &Path) -> anyhow::Result<Passphrase> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))
        .map(zeroize::Zeroizing::new)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Passphrase::new(line)),
        _ => bail!("{} has no passphrase in its first line", path.display()),
    }
}

/// Makes `<stem>.key` and the request for its certificate, `<stem>.csr`.
fn make_key(
    dir: &Path,
    stem: &str,
    name: &ServiceName,
    passphrase: Option<&Passphrase>,
) -> anyhow::Result<()> {
    let key = SigningKey::generate();
    let leaf = LeafName::Service(name.clone());
    let request = CertificateRequest::create(&key, &leaf, common_name(name))
        .with_context(|| format!("no certificate can be requested for {name}"))?;
    write(&dir.join(format!("{stem}.key")), key.to_pem(passphrase).as_bytes())?;
    write(&dir.join(format!("{stem}.csr")), request.to_pem().as_bytes())
}

/// X.520 allows 64 characters in a common name; the certificate's name is the SAN anyway.
fn common_name(name: &ServiceName) -> &str {
    name.as_str().get(..64).unwrap_or(name.as_str())
}

fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    write_private(path, content).with_context(|| format!("{} cannot be written", path.display()))
}

fn configuration(arguments: &InitArguments) -> anyhow::Result<String> {
    let passphrase = match &arguments.key_passphrase_file {
        Some(path) => {
            let path = fs::canonicalize(path)?;
            format!("key_passphrase_file = {}", toml::Value::from(path.to_string_lossy().as_ref()))
        }
        None => "# key_passphrase_file = \"passphrase\"".to_owned(),
    };
    let hash = arguments.bundle_hash.map_or_else(String::new, |hash| hash.to_string());
    Ok(TEMPLATE
        .replace("{name}", arguments.name.as_str())
        .replace("{listen}", &arguments.listen)
        .replace("{passphrase}", &passphrase)
        .replace("{hash}", &hash))
}

fn next_steps(dir: &Path, name: &ServiceName, head: &ServiceName) -> String {
    let dir = dir.display();
    let domain = name.domain();
    format!(
        "Made {dir}.\n\
         \n\
         Hand to the registrar of {domain}:\n\
         \x20 {dir}/relay.csr    for the certificate of {name}, to be put at {dir}/relay.pem\n\
         \x20 {dir}/head.csr     for the certificate of {head}, to be put at {dir}/head.pem\n\
         \n\
         The registrar also hands you:\n\
         \x20 the endpoint record that names {name}  -> {dir}/own.endpoint\n\
         \x20 the revocation lists of {domain}, root's and issuing CA's, whenever new  -> {dir}/crls/*.crl\n\
         The network's secretariat hands you:\n\
         \x20 the network bundle  -> {dir}/network.bundle\n\
         \x20 and, by another way, its hash: write it into {dir}/relay.toml as network.bundle_hash\n\
         Other authorities hand you their endpoint records  -> {dir}/endpoints/*.endpoint\n\
         \n\
         Then: enlace-relay check --config {dir}/relay.toml"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        ConfigFile, HeadSection, LimitsSection, LogSection, NetworkSection, RelaySection,
    };

    fn arguments() -> InitArguments {
        InitArguments {
            dir: PathBuf::new(),
            name: "r1.relay.a.example".parse().unwrap(),
            listen: "[::]:4433".to_owned(),
            bundle_hash: None,
            key_passphrase_file: None,
        }
    }

    #[test]
    fn the_template_shows_the_defaults() {
        let written = configuration(&arguments()).unwrap();
        let shown: String = written
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(default) if default.contains(" = ") => default,
                _ => line,
            })
            .filter(|line| !line.starts_with("key_passphrase_file"))
            .map(|line| format!("{line}\n"))
            .collect();
        let defaults = ConfigFile {
            relay: RelaySection::named("r1.relay.a.example"),
            head: HeadSection::standard(),
            network: NetworkSection::of_bundle(""),
            limits: LimitsSection::default(),
            log: LogSection::default(),
        };
        let defaults = toml::to_string(&defaults).unwrap();
        for text in [&shown, &written] {
            let parsed = ConfigFile::parse(text).unwrap();
            assert_eq!(toml::to_string(&parsed).unwrap(), defaults);
        }
        let keys = |text: &str| text.lines().filter(|line| line.contains(" = ")).count();
        assert_eq!(keys(&shown), keys(&defaults), "every key is shown");
    }
}
