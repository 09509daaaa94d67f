//! A void item leaves no trace; a failing store is nobody's fault but ours.

use std::cell::Cell;

use super::{Device, GROUP, Pair};
use crate::mls::{
    Backend, Changes, CommitError, EncryptError, Group, JoinError, MergeError, ProcessError,
    Processed, Suite, stage_welcome,
};
use crate::state_store::{MemoryStore, StateError, StateStore};

#[test]
fn a_commit_that_is_judged_void_leaves_no_trace() {
    let mut pair = Pair::new(Suite::PostQuantum);
    let (ana, rui) = (&pair.ana, &pair.rui);
    let changes = Changes { policy: Some(b"usurped".to_vec()), ..Changes::default() };
    let usurped = pair.ana_group.commit(&ana.provider(), &ana.key, b"", changes).unwrap();
    pair.ana_group.clear_pending(&ana.provider()).unwrap();

    let before = rui.store.entries();
    rui.store.savepoint().unwrap();
    let staged = rui.stage(&mut pair.rui_group, &usurped.commit);
    assert_eq!(staged.details.after.policy, b"usurped");
    assert_ne!(rui.store.entries(), before);
    drop(staged);
    rui.store.rollback().unwrap();
    pair.rui_group.reload(&rui.provider()).unwrap();
    assert_eq!(rui.store.entries(), before);

    let next = pair.ana_group.commit(&ana.provider(), &ana.key, b"", Changes::default()).unwrap();
    pair.ana_group.merge_pending(&ana.provider()).unwrap();
    rui.follow(&mut pair.rui_group, &next.commit);
    pair.assert_agreed();
}

#[test]
fn a_void_entry_leaves_its_ratchet_generation_unused() {
    let mut pair = Pair::new(Suite::Classic);
    let (ana, rui) = (&pair.ana, &pair.rui);
    let note = pair.ana_group.encrypt(&ana.provider(), &ana.key, b"", b"judged void").unwrap();
    rui.store.savepoint().unwrap();
    assert_eq!(rui.read(&mut pair.rui_group, &note), b"judged void");
    rui.store.rollback().unwrap();
    pair.rui_group.reload(&rui.provider()).unwrap();
    // Whoever judged it void, and whoever sees the same bytes again, agree.
    assert_eq!(rui.read(&mut pair.rui_group, &note), b"judged void");
}

#[test]
fn a_merge_that_is_rolled_back_never_happened() {
    let mut pair = Pair::new(Suite::Classic);
    let (ana, rui) = (&pair.ana, &pair.rui);
    let pending =
        pair.ana_group.commit(&ana.provider(), &ana.key, b"", Changes::default()).unwrap();
    pair.ana_group.merge_pending(&ana.provider()).unwrap();
    let before = rui.store.entries();
    rui.store.savepoint().unwrap();
    rui.follow(&mut pair.rui_group, &pending.commit);
    rui.store.rollback().unwrap();
    pair.rui_group.reload(&rui.provider()).unwrap();
    assert_eq!(rui.store.entries(), before);
    rui.follow(&mut pair.rui_group, &pending.commit);
    pair.assert_agreed();
}

#[test]
fn a_failing_store_is_told_from_a_void_message_at_every_single_access() {
    let mut pair = Pair::new(Suite::Classic);
    let Pair { ana, ana_group, rui, rui_group } = &mut pair;
    let eva = Device::new(3);
    let note = ana_group.encrypt(&ana.provider(), &ana.key, b"", b"n").unwrap();
    let adds = Changes { add: vec![eva.key_package(Suite::Classic)], ..Changes::default() };
    let pending = ana_group.commit(&ana.provider(), &ana.key, b"", adds).unwrap();
    let welcome = pending.welcome.unwrap();

    exhaust(&rui.store, &rui.backend, |backend, store| {
        let provider = backend.on(store);
        let mut group = load(backend, store)?;
        match group.process(&provider, &note) {
            Err(ProcessError::State(error)) => Err(error),
            result => {
                assert!(matches!(result, Ok(Processed::Application { .. })));
                Ok(())
            }
        }
    });
    exhaust(&rui.store, &rui.backend, |backend, store| {
        let provider = backend.on(store);
        let mut group = load(backend, store)?;
        let staged = match group.process(&provider, &pending.commit) {
            Err(ProcessError::State(error)) => return Err(error),
            Ok(Processed::Commit(staged)) => staged,
            _ => panic!("not a commit"),
        };
        match group.merge_staged(&provider, *staged) {
            Err(MergeError::State(error)) => Err(error),
            result => {
                result.unwrap();
                Ok(())
            }
        }
    });
    exhaust(&eva.store, &eva.backend, |backend, store| {
        let provider = backend.on(store);
        let joined = stage_welcome(&provider, &welcome).and_then(|s| s.into_group(&provider));
        match joined {
            Err(JoinError::State(error)) => Err(error),
            result => {
                result.unwrap();
                Ok(())
            }
        }
    });
    exhaust(&rui.store, &rui.backend, |backend, store| {
        let provider = backend.on(store);
        let mut group = load(backend, store)?;
        match group.commit(&provider, &rui.key, b"", Changes::default()) {
            Err(CommitError::State(error)) => Err(error),
            result => {
                result.unwrap();
                Ok(())
            }
        }
    });
    exhaust(&rui.store, &rui.backend, |backend, store| {
        let mut group = load(backend, store)?;
        match group.encrypt(&backend.on(store), &rui.key, b"", b"n") {
            Err(EncryptError::State(error)) => Err(error),
            result => {
                result.unwrap();
                Ok(())
            }
        }
    });
    rui_group.reload(&rui.provider()).unwrap();
    rui.follow(rui_group, &pending.commit);
}

fn load(backend: &Backend, store: &dyn StateStore) -> Result<Group, StateError> {
    match Group::load(&backend.on(store), GROUP) {
        Err(crate::mls::GroupError::State(error)) => Err(error),
        result => Ok(result.unwrap().unwrap()),
    }
}

/// Runs an operation that fails at its first, second, … access, each time from the same state,
/// until it goes through; then once more undone, so that the store is as before.
fn exhaust(
    store: &MemoryStore,
    backend: &Backend,
    mut operation: impl FnMut(&Backend, &dyn StateStore) -> Result<(), StateError>,
) {
    let before = store.entries();
    for working in 0.. {
        store.savepoint().unwrap();
        let failing = FailingStore { store, left: Cell::new(working) };
        let result = operation(backend, &failing);
        store.rollback().unwrap();
        assert_eq!(store.entries(), before);
        if result.is_ok() {
            assert!(working > 0);
            return;
        }
        assert!(matches!(result, Err(StateError::Engine(_))), "{result:?}");
    }
}

/// A store that breaks after some accesses.
struct FailingStore<'a> {
    store: &'a MemoryStore,
    left: Cell<usize>,
}

impl FailingStore<'_> {
    fn access(&self) -> Result<(), StateError> {
        let left = self.left.get().checked_sub(1).ok_or(StateError::Engine("full".into()))?;
        self.left.set(left);
        Ok(())
    }
}

impl StateStore for FailingStore<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.access()?;
        self.store.get(key)
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        self.access()?;
        self.store.put(key, value)
    }

    fn delete(&self, key: &[u8]) -> Result<(), StateError> {
        self.access()?;
        self.store.delete(key)
    }

    fn savepoint(&self) -> Result<(), StateError> {
        self.store.savepoint()
    }

    fn rollback(&self) -> Result<(), StateError> {
        self.store.rollback()
    }

    fn release(&self) -> Result<(), StateError> {
        self.store.release()
    }
}
