//! Readers: live, late, slow, removed.

use enlace_identity::keys::SigningKey;
use enlace_log::replica::ReplicaError;
use enlace_log::{ChainStart, ChannelId, Generation, Item, Replica, Seq};
use zeroize::Zeroizing;

use super::world::{Draft, LIMIT, World, channel_id, device, own, soon};
use crate::hub::{LogBatch, Next, ReadError, Reader, Subscription};
use crate::storage::ReadLimit;

fn batch(next: Next) -> LogBatch {
    match next {
        Next::Batch(batch) => batch,
        Next::Ended { last } => panic!("ended at {last}"),
    }
}

fn verify(replica: &mut Replica, batch: &LogBatch) -> Result<(), ReplicaError> {
    let key = SigningKey::from_seed(Zeroizing::new([3; 32])).public();
    let items: Vec<Item> = batch
        .items
        .iter()
        .map(|item| Item::from_wire(batch.channel, item.clone()).unwrap())
        .collect();
    let head = batch.head.clone().verify(&key).unwrap();
    replica.append(&items, &head).map(drop)
}

fn start() -> Replica {
    Replica::from_start(&ChainStart {
        channel: channel_id(),
        hub: own(),
        generation: Generation(0),
        predecessor: [0; 32],
    })
}

async fn read_all(log: &mut Subscription, until: u64, limit: ReadLimit) -> usize {
    let mut replica = start();
    let mut batches = 0;
    while replica.next_seq() <= Seq(until) {
        let found = batch(soon(log.next(replica.next_seq(), limit)).await.unwrap());
        verify(&mut replica, &found).unwrap();
        assert_eq!(replica.next_seq(), found.last.next());
        batches += 1;
    }
    batches
}

#[tokio::test]
async fn a_live_reader_sees_each_item_as_it_is_accepted() {
    let world = World::with_members(&["ana", "ben@b"]).await;
    let mut log = world.hub.subscribe(channel_id(), Reader::Device(device("ana"))).await.unwrap();
    let mut replica = start();
    let first = batch(soon(log.next(Seq(0), LIMIT)).await.unwrap());
    verify(&mut replica, &first).unwrap();
    for number in 1..=20 {
        let wait = log.next(Seq(number), LIMIT);
        let submit = async {
            tokio::task::yield_now().await;
            world.submit(&Draft::entry("ben@b", 0, &format!("entry {number}"))).await.unwrap()
        };
        let (next, accepted) = soon(async { tokio::join!(wait, submit) }).await;
        let found = batch(next.unwrap());
        assert_eq!((found.last, &found.head), (Seq(number), &accepted.head));
        verify(&mut replica, &found).unwrap();
    }
}

#[tokio::test]
async fn a_late_and_a_slow_reader_read_the_same() {
    let world = World::with_members(&["ana", "ben"]).await;
    let mut live = world.hub.subscribe(channel_id(), Reader::Device(device("ben"))).await.unwrap();
    for number in 1..=300 {
        let entry = Draft::entry("ana", 0, &format!("entry {number}"));
        world.submit(&entry).await.unwrap();
    }
    // The feed was open all the time, and its ring is shorter than this.
    read_all(&mut live, 300, LIMIT).await;
    let small = ReadLimit { items: 7, bytes: 1 << 20 };
    assert!(read_all(&mut live, 300, small).await >= 300 / 7);
    drop(live);
    let relay = Reader::Relay(own());
    let mut late = world.hub.subscribe(channel_id(), relay).await.unwrap();
    read_all(&mut late, 300, LIMIT).await;
    assert_eq!(late.tail().unwrap().0, Seq(300));
}

#[tokio::test]
async fn a_batch_ends_after_a_commit() {
    let world = World::with_members(&["ana", "ben"]).await;
    let members = ["ana", "ben"];
    world.submit(&Draft::entry("ana", 0, "one")).await.unwrap();
    world.commit(&Draft::commit("ana", Some(0), &members, &members)).await.unwrap();
    world.submit(&Draft::entry("ana", 2, "two")).await.unwrap();
    let log = world.hub.subscribe(channel_id(), Reader::Device(device("ana"))).await.unwrap();
    let mut ends = Vec::new();
    let mut from = Seq(0);
    while let Some(next) = log.read(from, LIMIT).await.unwrap() {
        let found = batch(next);
        ends.push(found.last.0);
        from = found.last.next();
    }
    assert_eq!(ends, [0, 2, 3]);
}

#[tokio::test]
async fn a_joiner_reads_from_its_admission_and_a_removed_device_to_its_removal() {
    let world = World::with_members(&["ana", "ben"]).await;
    world.submit(&Draft::entry("ana", 0, "before")).await.unwrap();
    let grown = ["ana", "ben", "cid@b"];
    world.commit(&Draft::commit("ana", Some(0), &["ana", "ben"], &grown)).await.unwrap();
    let log = async |reader| world.hub.subscribe(channel_id(), reader).await.unwrap();
    let cid = log(Reader::Device(device("cid@b"))).await;
    let relay = log(Reader::Relay("b.example".parse().unwrap())).await;
    for early in [&cid, &relay] {
        assert!(matches!(early.read(Seq(1), LIMIT).await, Err(ReadError::NotAMember)));
        assert!(matches!(early.read(Seq(2), LIMIT).await, Ok(Some(Next::Batch(_)))));
    }

    let mut ben = log(Reader::Device(device("ben"))).await;
    let waits = ben.next(Seq(3), LIMIT);
    let removal = Draft::commit("ana", Some(2), &grown, &["ana", "cid@b"]);
    let (found, _) = soon(async { tokio::join!(waits, world.commit(&removal)) }).await;
    assert_eq!(batch(found.unwrap()).last, Seq(3), "its own removal is the last it gets");
    world.submit(&Draft::entry("ana", 3, "after")).await.unwrap();
    let ended = soon(ben.next(Seq(4), LIMIT)).await.unwrap();
    assert_eq!(ended, Next::Ended { last: Seq(3) });
    let limited = ben.read(Seq(0), LIMIT).await.unwrap();
    assert_eq!(batch(limited.unwrap()).last, Seq(0));
}

#[tokio::test]
async fn strangers_and_unknown_channels() {
    let world = World::with_members(&["ana"]).await;
    let eve = world.hub.subscribe(channel_id(), Reader::Device(device("eve"))).await.unwrap();
    assert!(matches!(eve.read(Seq(0), LIMIT).await, Err(ReadError::NotAMember)));
    let foreign = Reader::Relay("b.example".parse().unwrap());
    let foreign = world.hub.subscribe(channel_id(), foreign).await.unwrap();
    assert!(matches!(foreign.read(Seq(0), LIMIT).await, Err(ReadError::NotAMember)));
    let nowhere = world.hub.subscribe(ChannelId([1; 32]), Reader::Relay(own())).await;
    assert!(matches!(nowhere, Err(ReadError::UnknownChannel)));
}
