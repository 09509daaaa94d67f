//! How often the files are cleaned.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use enlace_identity::keys::Passphrase;

use super::world::World;
use crate::engine::cleaning::Cleaning;
use crate::store::{MemoryDisk, SqlCipher, Store, StoreError, Transaction};

/// A store whose cleaning is counted; on a full disk it fails.
struct Counted {
    store: SqlCipher,
    tries: Arc<AtomicU32>,
    is_full: bool,
}

impl Store for Counted {
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.store.begin()
    }

    fn read(&mut self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.store.read()
    }

    fn scrub(&mut self) -> Result<bool, StoreError> {
        self.tries.fetch_add(1, Ordering::Relaxed);
        if self.is_full { Err(StoreError::Corrupt("full")) } else { self.store.scrub() }
    }

    fn backup(&mut self, path: &Path, passphrase: &Passphrase) -> Result<(), StoreError> {
        self.store.backup(path, passphrase)
    }
}

/// Ana's device on a store of its own.
fn counted(world: &mut World, is_full: bool) -> Arc<AtomicU32> {
    let tries = Arc::new(AtomicU32::new(0));
    let store = MemoryDisk::new().unwrap().open().unwrap();
    let engine = world.engine("ana");
    engine.store = Box::new(Counted { store, tries: tries.clone(), is_full });
    engine.scrub_is_due = true;
    engine.cleaning = Cleaning::default();
    tries
}

/// A member that erases own entries again and again has the others' stores written anew by it.
#[test]
fn erasing_again_and_again_does_not_keep_a_device_busy() {
    let mut world = World::new();
    let tries = counted(&mut world, false);
    let mut erase = |times: u32, after: Duration| {
        world.clock.advance(after);
        for _ in 0..times {
            let engine = world.engine("ana");
            let erased = engine.write::<_, StoreError>(|work| {
                work.has_erased = true;
                Ok(())
            });
            erased.unwrap();
        }
        tries.load(Ordering::Relaxed)
    };
    assert_eq!(erase(8, Duration::ZERO), 8);
    assert_eq!(erase(100, Duration::ZERO), 8);
    assert_eq!(erase(100, Duration::from_secs(29)), 8);
    assert_eq!(erase(100, Duration::from_secs(1)), 9);
    // What was put off is done without anybody's erasing more, and at the latest at the end.
    let engine = world.engine("ana");
    let later = engine.clean().unwrap();
    assert!(later > enlace_transport::Clock::now(&*world.clock));
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(world.engine("ana").clean(), None);
    assert_eq!(tries.load(Ordering::Relaxed), 10);
    assert_eq!(world.engine("ana").clean(), None);
    let erased = world.engine("ana").write::<_, StoreError>(|work| {
        work.has_erased = true;
        Ok(())
    });
    erased.unwrap();
    assert_eq!(tries.load(Ordering::Relaxed), 10);
    drop(world.officers.remove("ana"));
    assert_eq!(tries.load(Ordering::Relaxed), 11);
}

#[test]
fn a_full_disk_is_not_written_to_after_every_transaction() {
    let mut world = World::new();
    let tries = counted(&mut world, true);
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
