//! A database in memory, for simulations: the same engine and the same SQL, without encryption.
//!
//! A [`MemoryDisk`] outlives the clients that open it, so that a simulated crash can be followed by
//! a restart: what was committed is there, an open transaction is not.
//! [`MemoryDisk::on_commit`] breaks commits, before or after they take effect.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::sqlcipher::SqlCipher;

/// What survives a crash. Clones are the same disk.
#[derive(Clone)]
pub struct MemoryDisk(Arc<Disk>);

struct Disk {
    name: String,
    /// The database lives as long as somebody has it open.
    _open: Mutex<Connection>,
    faults: Faults,
}

/// How a commit fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CommitFault {
    /// Nothing of it is kept, as on a full disk.
    NothingKept,
    /// All of it is kept, but whoever waits for it hears of an error.
    AllKept,
}

/// Says what becomes of a commit, by its number since the disk was made, from 0 on.
pub type CommitHook = Box<dyn FnMut(u64) -> Option<CommitFault> + Send>;

/// Decides over commits. Clones share the count.
#[derive(Clone, Default)]
pub(super) struct Faults(Arc<Mutex<Counted>>);

#[derive(Default)]
struct Counted {
    commits: u64,
    hook: Option<CommitHook>,
}

impl MemoryDisk {
    /// An empty disk.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn new() -> Result<Self, StoreError> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("file:/enlace-{number}?vfs=memdb");
        let open = Mutex::new(connect(&name)?);
        Ok(Self(Arc::new(Disk { name, _open: open, faults: Faults::default() })))
    }

    /// Opens the store; the first time, an empty one is made.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn open(&self) -> Result<SqlCipher, StoreError> {
        SqlCipher::in_memory(connect(&self.0.name)?, self.0.faults.clone())
    }

    /// Another disk with what is committed here: what a snapshot brings back.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn copy(&self) -> Result<Self, StoreError> {
        let copy = Self::new()?;
        connect(&self.0.name)?.execute("VACUUM INTO ?1", [&copy.0.name])?;
        Ok(copy)
    }

    /// All that is kept here: the bytes of a copy, and so without what erasing leaves in the pages of a
    /// database that nobody scrubs.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        let copy = self.copy()?;
        Ok(connect(&copy.0.name)?.serialize("main")?.to_vec())
    }

    /// Asks `hook` about each commit from now on, while it is being made: a client that is to die
    /// at it can be cut off there. The hook must not use the disk.
    pub fn on_commit(&self, hook: CommitHook) {
        self.0.faults.lock().hook = Some(hook);
    }
}

impl Faults {
    /// What becomes of the next commit.
    pub(super) fn next(&self) -> Option<CommitFault> {
        let mut counted = self.lock();
        let number = counted.commits;
        counted.commits += 1;
        counted.hook.as_mut().and_then(|hook| hook(number))
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(name: &str) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(name, flags)?)
}

#[cfg(test)]
mod tests {
    use enlace_identity::time::Timestamp;

    use super::{CommitFault, MemoryDisk};
    use crate::notice::Notice;
    use crate::store::{NoticeRow, Store};

    /// Writes one row and, unless told otherwise, commits it.
    fn write(store: &mut dyn Store, number: u64, commits: bool) -> bool {
        let (at, notice) = (Timestamp::from_millis(number), Notice::Confirmed);
        let tx = store.begin().unwrap();
        tx.put_notice(&NoticeRow { id: 0, channel: None, seq: None, at, notice }).unwrap();
        commits && tx.commit().is_ok()
    }

    fn has(store: &mut dyn Store, number: u64) -> bool {
        let notices = store.read().unwrap().notices(None, 0, 100).unwrap();
        notices.iter().any(|row| row.at == Timestamp::from_millis(number))
    }

    #[test]
    fn a_crash_keeps_what_was_committed_and_nothing_else() {
        let disk = MemoryDisk::new().unwrap();
        let mut store = disk.open().unwrap();
        assert!(write(&mut store, 1, true));
        write(&mut store, 2, false);
        drop(store);
        let mut store = disk.open().unwrap();
        assert!(has(&mut store, 1) && !has(&mut store, 2));
        assert!(!has(&mut MemoryDisk::new().unwrap().open().unwrap(), 1), "another disk");
    }

    #[test]
    fn a_commit_breaks_before_or_after_it_takes_effect() {
        let disk = MemoryDisk::new().unwrap();
        let mut store = disk.open().unwrap();
        disk.on_commit(Box::new(|number| match number {
            0 => Some(CommitFault::NothingKept),
            1 => Some(CommitFault::AllKept),
            _ => None,
        }));
        assert!(!write(&mut store, 1, true) && !write(&mut store, 2, true));
        assert!(write(&mut store, 3, true));
        assert!(!has(&mut store, 1) && has(&mut store, 2) && has(&mut store, 3));
    }

    #[test]
    fn a_copy_stays_as_it_was() {
        let disk = MemoryDisk::new().unwrap();
        let mut store = disk.open().unwrap();
        assert!(write(&mut store, 1, true));
        let copy = disk.copy().unwrap();
        assert!(write(&mut store, 2, true));
        let mut copy = copy.open().unwrap();
        assert!(has(&mut copy, 1) && !has(&mut copy, 2));
    }
}
