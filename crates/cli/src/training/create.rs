//! Making a training network, step by step as people would.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use enlace_identity::keys::Passphrase;

use super::authority::{TrainingAuthority, text};
use super::cast::{AUTHORITIES, NETWORK, OFFICERS};
use super::network::TrainingNetwork;
use super::ports::free_ports;
use super::program::Program;
use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};
use crate::network::read_bundle;

pub(super) fn create(dir: &Path, program: &Program) -> Result<TrainingNetwork, Failure> {
    files::make_private_directory(dir)?;
    let dir = fs::canonicalize(dir).context(|| format!("{} cannot be used", dir.display()))?;
    refuse_used(&dir)?;
    let passphrase = make_passphrase(&passphrase_file(&dir))?;
    let parts = AUTHORITIES.iter();
    let authorities: Vec<_> = parts
        .map(|part| TrainingAuthority::new(program, &dir, part, &passphrase_file(&dir)))
        .collect::<Result<_, _>>()?;

    let ports = free_ports(authorities.len())?;
    let numbered: Vec<_> = authorities.iter().zip(ports).collect();
    at_once(&numbered, |(authority, port)| {
        authority.create()?;
        authority.create_relay(*port)
    })?;
    make_bundle(program, &dir, &authorities)?;
    let bundle_hash = read_bundle(&bundle_file(&dir))?.hash();
    let hash = bundle_hash.to_string();
    for authority in &authorities {
        authority.connect_relay(&bundle_file(&dir), &hash, &authorities)?;
    }

    let program = program.clone();
    let officers = Vec::new();
    let mut network =
        TrainingNetwork { program, dir, passphrase, authorities, officers, bundle_hash };
    let indices: Vec<usize> = (0..network.authorities.len()).collect();
    let enrolled = at_once(&indices, |authority| {
        let own = OFFICERS.iter().filter(|part| part.authority == *authority);
        own.map(|part| network.enrol(*authority, part.name, part.common_name))
            .collect::<Result<Vec<_>, _>>()
    })?;
    network.officers = enrolled.into_iter().flatten().collect();
    Ok(network)
}

pub(super) fn passphrase_file(dir: &Path) -> PathBuf {
    dir.join("passphrase")
}

pub(super) fn bundle_file(dir: &Path) -> PathBuf {
    dir.join("network").join("network.bundle")
}

pub(super) fn officers_dir(dir: &Path) -> PathBuf {
    dir.join("officers")
}

fn refuse_used(dir: &Path) -> Result<(), Failure> {
    let mut entries = fs::read_dir(dir).context(|| format!("{} cannot be read", dir.display()))?;
    if entries.next().is_none() {
        return Ok(());
    }
    Err(Failure::new(format!("{} is not empty, and is left alone", dir.display()))
        .hint("Name a directory that doesn't exist yet."))
}

fn make_passphrase(path: &Path) -> Result<Passphrase, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(format!("the system gives no random bytes: {error}")))?;
    let passphrase = hex::encode(bytes);
    files::create(path, format!("{passphrase}\n").as_bytes(), Mode::Private)?;
    Ok(Passphrase::new(passphrase))
}

fn make_bundle(
    program: &Program,
    dir: &Path,
    authorities: &[TrainingAuthority],
) -> Result<(), Failure> {
    let network = dir.join("network");
    let network = text(&network)?;
    program.run(["network", "init", network, "--name", NETWORK])?;
    for authority in authorities {
        let root = authority.public("root.pem");
        let (name, country) = (authority.name(), authority.country());
        let certificate = ["--authority-certificate", text(&root)?];
        program.run(
            ["network", "add", network, "--name", name, "--country", country]
                .iter()
                .chain(&certificate),
        )?;
    }
    authorities.iter().try_for_each(|authority| authority.sign(&bundle_file(dir)))
}

/// Does the same for each, all at the same time: most of the time goes into locking keys.
fn at_once<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, Failure> + Sync,
) -> Result<Vec<R>, Failure> {
    thread::scope(|scope| {
        let running: Vec<_> = items.iter().map(|item| scope.spawn(|| work(item))).collect();
        let panicked = |_| Err(Failure::new("a step of the setup panicked"));
        running.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
    })
}
