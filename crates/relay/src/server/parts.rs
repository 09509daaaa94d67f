//! What a relay stands on: the operating system, or what a simulation puts in its place.

use std::fs;
use std::path::{Path, PathBuf};

use enlace_identity::entropy::Entropy;
use enlace_transport::Endpoint;

use super::StartError;
use crate::config::{Material, Settings};
use crate::proofs::{ProofDirectory, Proofs};
use crate::storage::{SqliteOptions, SqliteStorage, Storage};

/// The store's file names start with the data directory; proofs of lies are kept beside it.
const ALARMS: &str = "alarms";

/// Where the registrar finds requests for new certificates.
const RENEWALS: &str = "renewals";

/// Where the registrar and the relay exchange what invitations are about.
const ENROLMENTS: &str = "enrolments";

/// What [`Server::start_on`](super::Server::start_on) builds a relay on.
pub struct Parts {
    /// The socket, with the relay's identity. Time comes with what it trusts.
    pub endpoint: Endpoint,
    /// The store.
    pub storage: Box<dyn Storage>,
    /// Where chance comes from.
    pub entropy: Entropy,
    /// Where proofs of a hub's lies are kept.
    pub proofs: Box<dyn Proofs>,
    /// The directory in which new revocation lists appear, if they do in one.
    pub crls: Option<PathBuf>,
    /// A directory in which newer versions of the network's bundle are looked for.
    pub bundles: Option<PathBuf>,
    /// The directory over which requests for new certificates and what the registrar issues are
    /// exchanged, if there is one.
    pub renewals: Option<PathBuf>,
    /// The directory over which invitations, requests that came with them and what the registrar
    /// issues are exchanged, if there is one. Devices without a certificate are served while there
    /// are invitations in it.
    pub enrolments: Option<PathBuf>,
    /// The boot of the machine, where that is known: what was written in it is not lost by the end
    /// of a process.
    pub boot: Option<String>,
    /// Whether everything runs as tasks of the caller's runtime, without a thread of its own: on a
    /// runtime of one thread with a paused clock, a simulation.
    pub is_inline: bool,
}

impl Parts {
    /// The socket, directory and randomness of this machine.
    pub(super) fn of_this_machine(
        settings: &Settings,
        material: &Material,
    ) -> Result<Self, StartError> {
        make_directory(&settings.data_dir)?;
        let storage = SqliteStorage::open(&SqliteOptions::new(&settings.data_dir))?;
        let Material { identity, trust, .. } = material;
        Ok(Self {
            endpoint: Endpoint::bind(settings.listen, identity.clone(), trust.clone())?,
            storage: Box::new(storage),
            entropy: Entropy::system(),
            proofs: Box::new(ProofDirectory::new(settings.data_dir.join(ALARMS))),
            crls: Some(settings.network.crls.clone()),
            bundles: Some(settings.network.bundles.clone()),
            renewals: Some(settings.data_dir.join(RENEWALS)),
            enrolments: Some(settings.data_dir.join(ENROLMENTS)),
            boot: boot_of_this_machine(),
            is_inline: false,
        })
    }
}

/// Linux tells each boot from every other.
fn boot_of_this_machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(boot.trim().to_owned()).filter(|boot| !boot.is_empty())
}

/// For the relay alone: what lies there says who is in touch with whom.
fn make_directory(path: &Path) -> Result<(), StartError> {
    let failed = |source| StartError::Directory { path: path.display().to_string(), source };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(failed)
}
