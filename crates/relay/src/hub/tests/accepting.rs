//! What is accepted, and that it is accepted once.

use std::collections::BTreeSet;

use enlace_log::{ItemKind, Seq, SubmitCounter};

use super::world::{
    Draft, NONCE, World, channel_id, client_id, device, head_key, new_clock, options, own,
};
use crate::hub::core::LeaseClaim;
use crate::hub::{Caller, Sequencer, SubmitError, Unavailable};
use crate::storage::{MemoryDisk, SqliteOptions, SqliteStorage};

#[tokio::test]
async fn an_accepted_item_has_a_signed_place() {
    let world = World::with_members(&["ana", "ben@b"]).await;
    let accepted = world.submit(&Draft::entry("ana", 0, "hello")).await.unwrap();
    assert_eq!((accepted.seq, accepted.is_duplicate), (Seq(1), false));
    assert_eq!(accepted.received_at, world.clock.now());
    let head = accepted.head;
    assert_eq!((head.unverified_head().seq, head.signer()), (Seq(1), head_key().signer()));
    let record = world.hub.channel(channel_id()).await.unwrap().unwrap();
    assert_eq!(record.tail.chain, head.unverified_head().chain);
    assert_eq!((record.tail.seq, record.fence), (Seq(1), Some(Seq(0))));
}

#[tokio::test]
async fn sent_twice_is_sequenced_once() {
    let world = World::with_members(&["ana"]).await;
    let draft = Draft::entry("ana", 0, "hello");
    let first = world.submit(&draft).await.unwrap();
    let again = world.submit(&draft).await.unwrap();
    let encrypted_again = world.submit(&draft.encrypted_again(b"other bytes")).await.unwrap();
    for repeated in [&again, &encrypted_again] {
        assert!(repeated.is_duplicate);
        assert_eq!((repeated.seq, repeated.received_at), (first.seq, first.received_at));
    }
    assert_eq!(world.hub.channel(channel_id()).await.unwrap().unwrap().tail.seq, Seq(1));
}

#[tokio::test]
async fn a_duplicate_is_known_after_the_fence_moved_and_the_author_left() {
    let world = World::with_members(&["ana", "ben"]).await;
    let draft = Draft::entry("ben", 0, "hello");
    world.submit(&draft).await.unwrap();
    world.commit(&Draft::commit("ana", Some(0), &["ana", "ben"], &["ana"])).await.unwrap();
    assert!(world.submit(&draft).await.unwrap().is_duplicate);
}

#[tokio::test]
async fn a_client_id_stands_for_one_content() {
    let world = World::with_members(&["ana", "ben"]).await;
    world.submit(&Draft::entry("ana", 0, "hello")).await.unwrap();
    let mut other = Draft::entry("ana", 0, "something else");
    other.envelope.client_id = client_id(b"hello");
    assert_eq!(world.submit(&other).await, Err(SubmitError::ClientIdReused));
    let mut leave = Draft::new("ana", ItemKind::Leave, Some(0), b"leave");
    leave.envelope.client_id = client_id(b"hello");
    assert_eq!(world.submit(&leave).await, Err(SubmitError::ClientIdReused));
    let same_id_of_another = Draft::entry("ben", 0, "hello");
    assert!(!world.submit(&same_id_of_another).await.unwrap().is_duplicate);
}

#[tokio::test]
async fn a_channel_is_created_once() {
    let world = World::with_members(&["ana", "ben"]).await;
    let again = world.create(&["ana", "ben"]).await.unwrap();
    assert_eq!((again.seq, again.is_duplicate), (Seq(0), true));
    assert_eq!(world.create(&["eve"]).await, Err(SubmitError::ChannelExists));
}

#[tokio::test]
async fn a_relay_submits_for_its_devices() {
    let world = World::with_members(&["ana", "ben@b"]).await;
    let mut draft = Draft::entry("ben@b", 0, "hello");
    draft.caller = Caller::Relay("b.example".parse().unwrap());
    world.submit(&draft).await.unwrap();
}

#[tokio::test]
async fn the_highest_counter_is_kept_even_of_what_came_too_late() {
    let world = World::with_members(&["ana"]).await;
    let counter = |name: &str| {
        let device = device(name);
        world.hub.query(move |storage| storage.submit_counter(&device))
    };
    let mut draft = Draft::entry("ana", 0, "one");
    draft.envelope.submit_counter = SubmitCounter(5);
    world.submit(&draft).await.unwrap();
    assert_eq!(counter("ana").await.unwrap(), SubmitCounter(5));
    let mut late = Draft::entry("ana", 9, "two");
    late.envelope.submit_counter = SubmitCounter(6);
    assert_eq!(world.submit(&late).await, Err(SubmitError::StaleFence(Some(Seq(0)))));
    assert_eq!(counter("ana").await.unwrap(), SubmitCounter(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_sequenced_exactly_once_in_one_order() {
    let directory = tempfile::tempdir().unwrap();
    let storage = SqliteStorage::open(&SqliteOptions::new(directory.path())).unwrap();
    let world = World::on(Box::new(storage));
    let names = ["ana", "ben", "cid", "dora@b", "eva@b"];
    world.create(&names).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for (number, name) in (0..300).zip(names.iter().cycle()) {
        let submission = Draft::entry(name, 0, &format!("entry {number}")).check().unwrap();
        let hub = world.hub.clone();
        tasks.spawn(async move {
            let first = hub.submit(submission.clone()).await.unwrap();
            let again = hub.submit(submission).await.unwrap();
            assert_eq!((again.seq, again.is_duplicate), (first.seq, true));
            assert!(first.head.unverified_head().seq >= first.seq);
            first.seq.0
        });
    }
    let seqs: BTreeSet<u64> = tasks.join_all().await.into_iter().collect();
    assert_eq!(seqs, (1..=300).collect());
}

#[tokio::test]
async fn one_round_answers_copies_of_one_submission_with_one_place() {
    let disk = MemoryDisk::default();
    let (sequencer, run) =
        Sequencer::inline(Box::new(disk.open().unwrap()), options(own(), &new_clock())).unwrap();
    let hub = sequencer.handle();
    let first = Draft::commit("ana", None, &[], &["ana"]).check().unwrap();
    let create = hub.create(first, NONCE);
    let entry = Draft::entry("ana", 0, "hello").check().unwrap();
    let script = async {
        create.await.unwrap();
        let (one, two) = tokio::join!(hub.submit(entry.clone()), hub.submit(entry));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!((one.seq, two.seq), (Seq(1), Seq(1)));
        assert_eq!((one.is_duplicate, two.is_duplicate), (false, true));
        assert_eq!(one.head, two.head);
    };
    let script = async {
        script.await;
        drop(sequencer);
    };
    tokio::join!(script, run);
    let late = hub.lease(channel_id(), device("ana"), LeaseClaim::default()).await;
    assert_eq!(late, Err(SubmitError::Unavailable(Unavailable::Stopped)));
}
