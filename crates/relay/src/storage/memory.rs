//! An engine without files, for simulations and tests.
//!
//! A [`MemoryDisk`] outlives the processes that open it, so that a simulated crash can be followed
//! by a restart; [`MemoryDisk::fail_next_commit`] breaks a commit before or after it is durable.

mod read;
mod tables;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enlace_identity::names::DeviceName;

use super::{ClaimedKeyPackage, ReadStorage, Storage, StorageError, WriteBatch};
use read::MemoryReader;
use tables::Tables;

/// What survives a crash. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    tables: Tables,
    in_use: bool,
    fault: Option<CommitFault>,
}

/// How a commit fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CommitFault {
    /// Nothing of the batch is kept.
    NothingKept,
    /// The batch is kept, but whoever waits for it hears of an error.
    AllKept,
}

/// The writer of a disk.
#[derive(Debug)]
pub struct MemoryStorage(MemoryDisk);

impl MemoryDisk {
    /// Opens the disk; one writer at a time.
    ///
    /// # Errors
    /// [`StorageError::InUse`].
    pub fn open(&self) -> Result<MemoryStorage, StorageError> {
        let mut disk = self.lock();
        if disk.in_use {
            return Err(StorageError::InUse(PathBuf::from("memory")));
        }
        disk.in_use = true;
        Ok(MemoryStorage(self.clone()))
    }

    /// Breaks the next commit.
    pub fn fail_next_commit(&self, fault: CommitFault) {
        self.lock().fault = Some(fault);
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for MemoryStorage {
    fn commit(&mut self, batch: &WriteBatch) -> Result<(), StorageError> {
        let mut disk = self.0.lock();
        let fault = disk.fault.take();
        let broken = || StorageError::Engine("the disk was told to fail".into());
        if fault == Some(CommitFault::NothingKept) {
            return Err(broken());
        }
        disk.tables.apply(batch)?;
        if fault.is_some() { Err(broken()) } else { Ok(()) }
    }

    fn take_key_packages(
        &mut self,
        suite: u16,
        devices: &[DeviceName],
    ) -> Result<Vec<ClaimedKeyPackage>, StorageError> {
        Ok(self.0.lock().tables.take_key_packages(suite, devices))
    }

    fn reader(&self) -> Result<Box<dyn ReadStorage>, StorageError> {
        Ok(Box::new(MemoryReader(self.0.clone())))
    }
}

impl Drop for MemoryStorage {
    fn drop(&mut self) {
        self.0.lock().in_use = false;
    }
}
