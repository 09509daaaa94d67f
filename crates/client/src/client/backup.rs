//! Backups of an officer's history.

use std::path::Path;

use enlace_identity::keys::Passphrase;

use super::Client;
use crate::engine::{BackupError, Restored};

impl Client {
    /// Writes what the officer has of all channels into a file that its own passphrase opens, to be
    /// read on another device of the same officer. What was erased is not in it, no key is, and nothing that waits
    /// to be sent.
    ///
    /// # Errors
    /// [`BackupError`]; there is no file then.
    pub fn backup(&self, path: &Path, passphrase: &Passphrase) -> Result<(), BackupError> {
        self.with_engine(|engine| engine.backup(path, passphrase))
    }

    /// Takes in what a backup of this officer's holds and this device lacks. Each entry is verified as
    /// if it came anew. `scratch` names a file that is made meanwhile, encrypted as the backup is.
    ///
    /// # Errors
    /// [`BackupError`]; nothing has changed then.
    pub fn restore(
        &self,
        path: &Path,
        passphrase: &Passphrase,
        scratch: &Path,
    ) -> Result<Restored, BackupError> {
        self.with_engine(|engine| engine.restore(path, passphrase, scratch))
    }
}
