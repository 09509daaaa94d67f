//! The training network as a whole.

use std::path::{Path, PathBuf};

use enlace_identity::bundle::BundleHash;
use enlace_identity::keys::Passphrase;

use super::authority::TrainingAuthority;
use super::create;
use super::officer::TrainingOfficer;
use super::program::Program;
use super::relay::RelayProcess;
use crate::failure::Failure;

/// Two authorities, their relays' directories, and three officers' profiles.
#[derive(Clone, Debug)]
pub struct TrainingNetwork {
    pub(super) program: Program,
    pub(super) dir: PathBuf,
    pub(super) passphrase: Passphrase,
    pub(super) authorities: Vec<TrainingAuthority>,
    pub(super) officers: Vec<TrainingOfficer>,
    pub(super) bundle_hash: BundleHash,
}

impl TrainingNetwork {
    /// Makes a network in a directory that is empty or not there yet. No relay runs yet.
    ///
    /// # Errors
    /// When a step fails; what is in the directory then is of no use.
    pub fn create(dir: &Path, program: &Program) -> Result<Self, Failure> {
        create::create(dir, program)
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The program that its processes run.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The passphrase of every key.
    #[must_use]
    pub fn passphrase(&self) -> &Passphrase {
        &self.passphrase
    }

    /// The file that holds the passphrase.
    #[must_use]
    pub fn passphrase_file(&self) -> PathBuf {
        create::passphrase_file(&self.dir)
    }

    /// Its two authorities.
    #[must_use]
    pub fn authorities(&self) -> &[TrainingAuthority] {
        &self.authorities
    }

    /// Its three officers: two of the first authority, one of the second.
    #[must_use]
    pub fn officers(&self) -> &[TrainingOfficer] {
        &self.officers
    }

    /// The bundle's file.
    #[must_use]
    pub fn bundle_file(&self) -> PathBuf {
        create::bundle_file(&self.dir)
    }

    /// The bundle's hash.
    #[must_use]
    pub fn bundle_hash(&self) -> BundleHash {
        self.bundle_hash
    }

    /// Starts the relay of an authority, and returns when it listens.
    ///
    /// # Errors
    /// When it doesn't come up.
    pub fn start_relay(&self, authority: usize) -> Result<RelayProcess, Failure> {
        RelayProcess::start(&self.program, &self.authorities[authority])
    }

    /// Enrols one more officer of an authority.
    ///
    /// # Errors
    /// When a step fails.
    pub fn enrol(
        &self,
        authority: usize,
        name: &str,
        common_name: &str,
    ) -> Result<TrainingOfficer, Failure> {
        TrainingOfficer::enrol(
            &create::officers_dir(&self.dir),
            &self.authorities[authority],
            (name, common_name),
            &self.passphrase,
            (&self.bundle_file(), self.bundle_hash),
        )
    }

    /// Enrols another device of an officer of an authority.
    ///
    /// # Errors
    /// When a step fails.
    pub fn enrol_device(
        &self,
        authority: usize,
        officer: &TrainingOfficer,
        device: &str,
    ) -> Result<TrainingOfficer, Failure> {
        let bundle = (&*self.bundle_file(), self.bundle_hash);
        officer.enrol_device(&self.authorities[authority], device, &self.passphrase, bundle)
    }
}
