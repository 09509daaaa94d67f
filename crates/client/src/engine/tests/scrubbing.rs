//! Cleaning the files when the disk is full.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use enlace_identity::keys::Passphrase;

use super::world::World;
use crate::store::{MemoryDisk, SqlCipher, Store, StoreError, Transaction};

/// There is room for a transaction, and none for a second copy of the store.
struct Full {
    store: SqlCipher,
    tries: Arc<AtomicU32>,
}

impl Store for Full {
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.store.begin()
    }

    fn read(&mut self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.store.read()
    }

    fn scrub(&mut self) -> Result<bool, StoreError> {
        self.tries.fetch_add(1, Ordering::Relaxed);
        Err(StoreError::Corrupt("full"))
    }

    fn backup(&mut self, path: &Path, passphrase: &Passphrase) -> Result<(), StoreError> {
        self.store.backup(path, passphrase)
    }
}

#[test]
fn a_full_disk_is_not_written_to_after_every_transaction() {
    let mut world = World::new();
    let tries = Arc::new(AtomicU32::new(0));
    let store = MemoryDisk::new().unwrap().open().unwrap();
    let engine = world.engine("ana");
    engine.store = Box::new(Full { store, tries: tries.clone() });
    engine.scrub_is_due = true;
    let mut after = |time: Duration| {
        world.clock.advance(time);
        for _ in 0..10 {
            world.engine("ana").write(|_| Ok::<_, StoreError>(())).unwrap();
        }
        tries.load(Ordering::Relaxed)
    };
    assert_eq!(after(Duration::ZERO), 1);
    assert_eq!(after(Duration::from_secs(59)), 1);
    assert_eq!(after(Duration::from_secs(1)), 2);
    assert_eq!(after(Duration::from_secs(119)), 2);
    assert_eq!(after(Duration::from_secs(1)), 3);
    for tried in 4..12 {
        assert_eq!(after(Duration::from_secs(3600)), tried, "an hour is the longest");
    }
    assert!(world.engine("ana").scrub_is_due);
}
