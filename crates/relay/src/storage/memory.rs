//! An engine without files, for simulations and tests.
//!
//! A [`MemoryDisk`] outlives the processes that open it, so that a simulated crash can be followed
//! by a restart; [`MemoryDisk::fail_next_commit`] breaks a commit before or after it is durable,
//! and [`MemoryDisk::on_commit`] lets a simulation decide for each.

mod read;
mod tables;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enlace_identity::names::DeviceName;

use super::{
    Accepted, ClaimedKeyPackage, IdempotencyKey, ReadStorage, Storage, StorageError, WriteBatch,
};
use read::MemoryReader;
use tables::Tables;

/// What survives a crash. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<Disk>>);

#[derive(Default)]
struct Disk {
    tables: Tables,
    in_use: bool,
    commits: u64,
    fault: Option<CommitFault>,
    hook: Option<CommitHook>,
}

/// Says what becomes of a commit, by its number since the disk was made, from 0 on.
pub type CommitHook = Box<dyn FnMut(u64) -> Option<CommitFault> + Send>;

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

    /// Another disk with what is committed here: what a snapshot of the machine brings back, which
    /// the store cannot tell from the disk itself.
    #[must_use]
    pub fn copy(&self) -> Self {
        let tables = self.lock().tables.clone();
        Self(Arc::new(Mutex::new(Disk { tables, ..Disk::default() })))
    }

    /// Breaks the next commit.
    pub fn fail_next_commit(&self, fault: CommitFault) {
        self.lock().fault = Some(fault);
    }

    /// Asks `hook` about each commit from now on, while it is being made: a relay that is to die
    /// at it can be cut off there. Taking key packages is a commit too. The hook must not use the
    /// disk.
    pub fn on_commit(&self, hook: CommitHook) {
        self.lock().hook = Some(hook);
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    /// Makes one commit, or breaks it.
    fn commit<R>(
        &mut self,
        apply: impl FnOnce(&mut Tables) -> Result<R, StorageError>,
    ) -> Result<R, StorageError> {
        let number = self.commits;
        self.commits += 1;
        let asked = self.hook.as_mut().and_then(|hook| hook(number));
        let broken = || StorageError::Engine("the disk was told to fail".into());
        match self.fault.take().or(asked) {
            None => apply(&mut self.tables),
            Some(CommitFault::NothingKept) => Err(broken()),
            Some(CommitFault::AllKept) => apply(&mut self.tables).and(Err(broken())),
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tables, in_use, commits, fault, .. } = self;
        f.debug_struct("Disk")
            .field("tables", tables)
            .field("in_use", in_use)
            .field("commits", commits)
            .field("fault", fault)
            .finish_non_exhaustive()
    }
}

impl Storage for MemoryStorage {
    fn commit(&mut self, batch: &WriteBatch) -> Result<(), StorageError> {
        self.0.lock().commit(|tables| tables.apply(batch))
    }

    fn accepted(&mut self, keys: &[IdempotencyKey]) -> Result<Vec<Option<Accepted>>, StorageError> {
        let accepted = &self.0.lock().tables.accepted;
        Ok(keys.iter().map(|key| accepted.get(key).copied()).collect())
    }

    fn take_key_packages(
        &mut self,
        suite: u16,
        devices: &[DeviceName],
    ) -> Result<Vec<ClaimedKeyPackage>, StorageError> {
        self.0.lock().commit(|tables| Ok(tables.take_key_packages(suite, devices)))
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::storage::SideWrite;

    fn record(domain: &str) -> WriteBatch {
        let (domain, record) = (domain.parse().unwrap(), Bytes::from_static(b"record"));
        WriteBatch {
            side: vec![SideWrite::EndpointRecord { domain, record }],
            ..Default::default()
        }
    }

    fn records(storage: &MemoryStorage) -> usize {
        storage.reader().unwrap().endpoint_records().unwrap().len()
    }

    #[test]
    fn a_copy_stays_as_it_was() {
        let disk = MemoryDisk::default();
        let mut storage = disk.open().unwrap();
        storage.commit(&record("a.example")).unwrap();
        let copy = disk.copy().open().unwrap();
        storage.commit(&record("b.example")).unwrap();
        assert_eq!((records(&storage), records(&copy)), (2, 1));
    }

    #[test]
    fn a_hook_decides_over_each_commit() {
        let disk = MemoryDisk::default();
        let mut storage = disk.open().unwrap();
        disk.on_commit(Box::new(|number| match number {
            0 => Some(CommitFault::NothingKept),
            1 => Some(CommitFault::AllKept),
            _ => None,
        }));
        storage.commit(&record("a.example")).unwrap_err();
        assert_eq!(records(&storage), 0);
        storage.commit(&record("b.example")).unwrap_err();
        storage.commit(&record("c.example")).unwrap();
        assert_eq!(records(&storage), 2);
    }
}
