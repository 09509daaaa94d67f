//! What a crash leaves: all of a round or nothing, and nobody was told otherwise.

use std::sync::Arc;

use enlace_identity::time::Timestamp;
use enlace_log::Seq;

use super::world::{Draft, LIMIT, NameTrust, World, channel_id, device, head_key, soon};
use crate::hub::core::LeaseClaim;
use crate::hub::{HubOptions, Next, Reader, Sequencer, SubmitError, Unavailable};
use crate::storage::{
    CommitFault, MemoryDisk, SqliteOptions, SqliteStorage, Storage as _, StorageError, WriteBatch,
};

const FAILED: SubmitError = SubmitError::Unavailable(Unavailable::Storage);

#[tokio::test]
async fn a_failed_commit_leaves_nothing_and_the_hub_goes_on() {
    let disk = MemoryDisk::default();
    let world = World::on(Box::new(disk.open().unwrap()));
    world.create(&["ana", "ben"]).await.unwrap();
    let log = world.hub.subscribe(channel_id(), Reader::Device(device("ben"))).await.unwrap();
    let entry = Draft::entry("ana", 0, "hello");
    disk.fail_next_commit(CommitFault::NothingKept);
    assert_eq!(world.submit(&entry).await, Err(FAILED));
    assert!(log.read(Seq(1), LIMIT).await.unwrap().is_none(), "readers heard nothing");
    let accepted = world.submit(&entry).await.unwrap();
    assert_eq!((accepted.seq, accepted.is_duplicate), (Seq(1), false));
}

#[tokio::test]
async fn a_commit_that_was_kept_but_not_heard_of_is_found_again() {
    let disk = MemoryDisk::default();
    let world = World::on(Box::new(disk.open().unwrap()));
    world.create(&["ana"]).await.unwrap();
    let entry = Draft::entry("ana", 0, "hello");
    disk.fail_next_commit(CommitFault::AllKept);
    assert_eq!(world.submit(&entry).await, Err(FAILED));
    let accepted = world.submit(&entry).await.unwrap();
    assert_eq!((accepted.seq, accepted.is_duplicate), (Seq(1), true));
    assert_eq!(world.submit(&Draft::entry("ana", 0, "next")).await.unwrap().seq, Seq(2));
}

/// Nobody can add anything to the log before having read it: no later item would wake a reader.
#[tokio::test]
async fn a_commit_item_that_was_kept_but_not_heard_of_reaches_its_readers() {
    let disk = MemoryDisk::default();
    let world = World::on(Box::new(disk.open().unwrap()));
    world.create(&["ana", "ben"]).await.unwrap();
    let mut log = world.hub.subscribe(channel_id(), Reader::Device(device("ben"))).await.unwrap();
    let wait = log.next(Seq(1), LIMIT);
    let commit = async {
        tokio::task::yield_now().await;
        world.lease("ana").await.unwrap();
        disk.fail_next_commit(CommitFault::AllKept);
        let same = ["ana", "ben"];
        assert_eq!(world.submit(&Draft::commit("ana", Some(0), &same, &same)).await, Err(FAILED));
        let stale = world.submit(&Draft::entry("ben", 0, "not yet")).await;
        assert_eq!(stale, Err(SubmitError::StaleFence(Some(Seq(1)))));
    };
    let (found, ()) = tokio::join!(soon(wait), commit);
    let Next::Batch(batch) = found.unwrap() else { panic!("the log ended") };
    assert_eq!(batch.last, Seq(1));
}

#[tokio::test]
async fn a_restart_knows_what_was_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(directory.path());
    let open = || Box::new(SqliteStorage::open(&options).unwrap());
    let world = World::on(open());
    world.create(&["ana", "ben"]).await.unwrap();
    let entry = Draft::entry("ana", 0, "hello");
    let first = world.submit(&entry).await.unwrap();
    let second_process = SqliteStorage::open(&options);
    assert!(matches!(second_process, Err(StorageError::InUse(_))));
    world.sequencer.stop();
    assert_eq!(
        world.hub.submit(entry.check().unwrap()).await,
        Err(SubmitError::Unavailable(Unavailable::Stopped))
    );

    let world = World::on(open());
    let again = world.submit(&entry.encrypted_again(b"other bytes")).await.unwrap();
    assert_eq!(
        (again.seq, again.received_at, again.is_duplicate),
        (first.seq, first.received_at, true)
    );
    assert_eq!(again.head, first.head);
    assert_eq!(world.submit(&Draft::entry("ben", 0, "next")).await.unwrap().seq, Seq(2));
    let log = world.hub.subscribe(channel_id(), Reader::Device(device("ben"))).await.unwrap();
    let mut from = Seq(0);
    while let Some(Next::Batch(batch)) = log.read(from, LIMIT).await.unwrap() {
        from = batch.last.next();
    }
    assert_eq!(from, Seq(3));
}

/// The files as they lie there while the process runs are what a killed process leaves.
#[tokio::test]
async fn what_was_acknowledged_survives_a_killed_process() {
    let (running, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let storage = SqliteStorage::open(&SqliteOptions::new(running.path())).unwrap();
    let world = World::on(Box::new(storage));
    world.create(&["ana"]).await.unwrap();
    for number in 1..=40 {
        let entry = Draft::entry("ana", 0, &format!("entry {number}"));
        world.submit(&entry).await.unwrap();
        if number % 10 != 0 {
            continue;
        }
        for file in ["relay.db", "relay.db-wal"] {
            std::fs::copy(running.path().join(file), killed.path().join(file)).unwrap();
        }
        let storage = SqliteStorage::open(&SqliteOptions::new(killed.path())).unwrap();
        let restarted = World::on(Box::new(storage));
        let again = restarted.submit(&entry).await.unwrap();
        assert_eq!((again.seq, again.is_duplicate), (Seq(number), true));
        restarted.sequencer.stop();
        drop(restarted.hub);
        std::fs::remove_file(killed.path().join("relay.db-wal")).ok();
    }
}

#[test]
fn a_transaction_that_never_ended_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(directory.path());
    drop(SqliteStorage::open(&options).unwrap());
    let connection = rusqlite::Connection::open(directory.path().join("relay.db")).unwrap();
    connection
        .execute_batch("BEGIN IMMEDIATE; INSERT INTO devices (name, officer) VALUES ('x', 'y');")
        .unwrap();
    drop(connection);
    let mut storage = SqliteStorage::open(&options).unwrap();
    storage.commit(&WriteBatch::default()).unwrap();
    let connection = rusqlite::Connection::open(directory.path().join("relay.db")).unwrap();
    let count: i64 =
        connection.query_row("SELECT count(*) FROM devices", [], |r| r.get(0)).unwrap();
    assert_eq!(count, 0);
}

#[test]
fn a_newer_store_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(directory.path());
    drop(SqliteStorage::open(&options).unwrap());
    let connection = rusqlite::Connection::open(directory.path().join("relay.db")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let refused = SqliteStorage::open(&options);
    assert!(matches!(refused, Err(StorageError::Newer { found: 99, .. })));
}

#[tokio::test]
async fn a_bug_that_ends_the_hub_is_noticed() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let now = move || {
        assert!(calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2, "a bug");
        Timestamp::from_secs(1)
    };
    let name = "r1.relay.a.example".parse().unwrap();
    let options = HubOptions::new(name, head_key(), Arc::new(NameTrust), Arc::new(now));
    let storage = Box::new(MemoryDisk::default().open().unwrap());
    let sequencer = Sequencer::spawn(storage, options).unwrap();
    let refused =
        sequencer.handle().lease(channel_id(), device("ana"), LeaseClaim::default()).await;
    assert_eq!(refused, Err(SubmitError::UnknownChannel));
    soon(sequencer.ended()).await;
}
