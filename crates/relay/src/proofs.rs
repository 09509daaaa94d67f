//! Where proofs are kept that a hub signed two histories: few, never deleted, each under its name.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::write_private;

/// A place for proofs.
pub trait Proofs: Debug + Send + Sync {
    /// Keeps `content`; what is there under that name stays as it is.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when there is one of that name, or what the disk says.
    fn keep(&self, name: &str, content: &[u8]) -> io::Result<()>;
}

/// A directory, made when the first proof comes; its files are for the relay's user alone.
#[derive(Debug)]
pub struct ProofDirectory(PathBuf);

/// Memory, for simulations. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct ProofMemory(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl ProofDirectory {
    /// That directory.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }
}

impl Proofs for ProofDirectory {
    fn keep(&self, name: &str, content: &[u8]) -> io::Result<()> {
        std::fs::create_dir_all(&self.0)?;
        write_private(&self.0.join(name), content)
    }
}

impl ProofMemory {
    /// What was kept, by name.
    #[must_use]
    pub fn kept(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Proofs for ProofMemory {
    fn keep(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        kept.insert(name.to_owned(), content.to_vec());
        Ok(())
    }
}
