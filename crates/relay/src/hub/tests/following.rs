//! A follower's copy of another hub's log.

use enlace_identity::keys::SigningKey;
use enlace_identity::names::Domain;
use enlace_identity::time::Timestamp;
use enlace_log::control::{LeafHash, Leave};
use enlace_log::replica::ReplicaError;
use enlace_log::{
    ChannelId, ForkProof, Generation, Head, Incarnation, Item, ItemKind, Seq, SignedHead,
    VerifiedHead,
};
use enlace_proto::relay::v1::{ErrorCode, WelcomeDelivery};
use zeroize::Zeroizing;

use super::world::{Draft, LIMIT, NONCE, NameTrust, World, channel_id, device, own, soon};
use crate::hub::core::LeaseClaim;
use crate::hub::subscription::NextEncoded;
use crate::hub::{Anchor, Copy, IngestError, LogBatch, Next, ReadError, Reader, SubmitError};
use crate::storage::{MemoryDisk, ReadLimit, Role};

const BEFORE: [&str; 2] = ["ana", "eva"];
const AFTER: [&str; 4] = ["ana", "cid@b", "dora@b", "eva"];

pub(super) fn b() -> Domain {
    "b.example".parse().unwrap()
}

fn verified(head: SignedHead) -> VerifiedHead {
    head.verify(&SigningKey::from_seed(Zeroizing::new([3; 32])).public()).unwrap()
}

/// A hub at a.example with a channel that admits b.example's devices at 2, and b's empty relay.
pub(super) async fn two_relays() -> (World, World) {
    let hub = World::with_members(&BEFORE).await;
    hub.submit(&Draft::entry("ana", 0, "before")).await.unwrap();
    hub.commit(&Draft::commit("ana", Some(0), &BEFORE, &AFTER)).await.unwrap();
    (hub, World::with(Box::new(MemoryDisk::default().open().unwrap()), b()))
}

pub(super) async fn delivery(hub: &World, seq: u64) -> WelcomeDelivery {
    hub.hub.welcome(channel_id(), Seq(seq)).await.unwrap().unwrap()
}

pub(super) fn anchor_of(delivery: WelcomeDelivery) -> Result<Anchor, IngestError> {
    anchor_at(&own(), delivery)
}

pub(super) fn anchor_at(hub: &Domain, delivery: WelcomeDelivery) -> Result<Anchor, IngestError> {
    let head = SignedHead::from_wire(channel_id(), delivery.head.as_ref().unwrap()).unwrap();
    Anchor::check(delivery, &verified(head), hub, &b(), &NameTrust)
}

async fn batch(world: &World, reader: Reader, from: u64, limit: ReadLimit) -> LogBatch {
    let log = world.hub.subscribe(channel_id(), reader).await.unwrap();
    match log.read(Seq(from), limit).await.unwrap().unwrap() {
        Next::Batch(batch) => batch,
        Next::Ended { last } => panic!("ended at {last}"),
    }
}

fn copy_of(batch: &LogBatch) -> Copy {
    let items = batch
        .items
        .iter()
        .map(|item| Item::from_wire(batch.channel, item.clone()).unwrap())
        .collect();
    Copy { hub: own(), items, head: verified(batch.head.clone()) }
}

/// The hub's log from a position on.
pub(super) async fn whole_copy(hub: &World, from: u64) -> Copy {
    copy_of(&batch(hub, Reader::Relay(b()), from, LIMIT).await)
}

/// What a lying hub adds to a log, and signs.
pub(super) fn append_signed(copy: &mut Copy, draft: &Draft, received_at: Timestamp) {
    let last = copy.head.head();
    let sealed = draft.check().unwrap().sealed().clone();
    let item = Item { seq: last.seq.next(), received_at, sealed };
    let chain = item.chain_after(&last.chain);
    let head = super::world::head_key().sign(last.channel, last.incarnation, item.seq, chain);
    copy.items.push(item);
    copy.head = head;
}

/// Copies everything from `from` on.
pub(super) async fn follow(hub: &World, follower: &World, mut from: u64) -> u64 {
    let log = hub.hub.subscribe(channel_id(), Reader::Relay(b())).await.unwrap();
    while let Some(Next::Batch(batch)) = log.read(Seq(from), LIMIT).await.unwrap() {
        from = follower.hub.ingest(copy_of(&batch)).await.unwrap().0;
    }
    from
}

#[tokio::test]
async fn a_copy_begins_with_a_welcome_and_grows_with_the_log() {
    let (hub, follower) = two_relays().await;
    let mut watch = follower.hub.watch_welcomes(device("dora@b"));
    let sent = delivery(&hub, 2).await;
    follower.hub.anchor(anchor_of(sent.clone()).unwrap()).await.unwrap();
    soon(watch.changed()).await;
    assert_eq!(follower.hub.pending_welcomes(device("dora@b"), 9).await.unwrap(), [sent]);
    let record = follower.hub.channel(channel_id()).await.unwrap().unwrap();
    assert_eq!(record.nonce, NONCE);
    assert_eq!((record.role, record.hub, record.tail.seq), (Role::Follower, own(), Seq(2)));

    let mut live =
        follower.hub.subscribe(channel_id(), Reader::Device(device("cid@b"))).await.unwrap();
    for number in 3..200 {
        hub.submit(&Draft::entry("ana", 2, &format!("entry {number}"))).await.unwrap();
    }
    let wait = live.next(Seq(3), LIMIT);
    let (next, end) = soon(async { tokio::join!(wait, follow(&hub, &follower, 3)) }).await;
    assert!(matches!(next, Ok(Next::Batch(_))));
    assert_eq!(end, 200);
    let theirs = hub.hub.channel(channel_id()).await.unwrap().unwrap();
    let ours = follower.hub.channel(channel_id()).await.unwrap().unwrap();
    assert_eq!((theirs.tail, theirs.fence), (ours.tail, ours.fence));

    let mut from = 2;
    let log = follower.hub.subscribe(channel_id(), Reader::Device(device("cid@b"))).await.unwrap();
    let small = ReadLimit { items: 3, bytes: 100 };
    while let Some(Next::Batch(found)) = log.read(Seq(from), small).await.unwrap() {
        let head = verified(found.head.clone());
        assert_eq!(head.head().seq, Seq(found.items.last().unwrap().seq), "a head at each end");
        from = found.last.0 + 1;
    }
    assert_eq!(from, 200);
    assert!(matches!(log.read(Seq(1), LIMIT).await, Err(ReadError::NotAMember)));
}

#[tokio::test]
async fn a_batch_may_come_twice_or_overlap() {
    let (hub, follower) = two_relays().await;
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
    for number in 3..6 {
        hub.submit(&Draft::entry("ana", 2, &format!("entry {number}"))).await.unwrap();
    }
    let limit = ReadLimit { items: 2, bytes: usize::MAX };
    let first = batch(&hub, Reader::Relay(b()), 3, limit).await;
    let all = batch(&hub, Reader::Relay(b()), 3, LIMIT).await;
    for (found, next) in [(&first, 5), (&first, 5), (&all, 6), (&first, 6)] {
        assert_eq!(follower.hub.ingest(copy_of(found)).await, Ok(Seq(next)));
    }
    let pending = follower.hub.pending_welcomes(device("cid@b"), 9).await.unwrap();
    assert_eq!(pending.len(), 1);
}

#[tokio::test]
async fn a_hub_that_lies_is_found_out_and_nothing_changes() {
    let (hub, follower) = two_relays().await;
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
    for number in 3..6 {
        hub.submit(&Draft::entry("ana", 2, &format!("entry {number}"))).await.unwrap();
    }
    let good = batch(&hub, Reader::Relay(b()), 3, LIMIT).await;
    let mut dropped = good.clone();
    dropped.items.remove(1);
    let mut altered = good.clone();
    altered.items[1].received_at_ms += 1;
    let mut repeated = good.clone();
    repeated.items.insert(1, good.items[0].clone());
    let mut reordered = good.clone();
    reordered.items.swap(0, 1);
    let mut skipping = good.clone();
    skipping.items.remove(0);
    let before = follower.hub.channel(channel_id()).await.unwrap();
    for bad in [dropped, altered, repeated, reordered, skipping] {
        let refused = follower.hub.ingest(copy_of(&bad)).await;
        assert!(matches!(refused, Err(IngestError::Replica(_))), "{refused:?}");
        assert_eq!(follower.hub.channel(channel_id()).await.unwrap(), before);
    }
    follower.hub.ingest(copy_of(&good)).await.unwrap();
}

#[tokio::test]
async fn a_head_that_contradicts_what_is_here_proves_a_fork() {
    let (hub, follower) = two_relays().await;
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
    hub.submit(&Draft::entry("ana", 2, "one history")).await.unwrap();
    assert_eq!(follow(&hub, &follower, 3).await, 4);
    let (forked, _) = two_relays().await;
    forked.submit(&Draft::entry("ana", 2, "another history")).await.unwrap();
    let other = batch(&forked, Reader::Relay(b()), 3, LIMIT).await;
    let Err(IngestError::Replica(ReplicaError::Diverged(second))) =
        follower.hub.ingest(copy_of(&other)).await
    else {
        panic!("not found out");
    };
    let first = verified(batch(&follower, Reader::Relay(b()), 3, LIMIT).await.head);
    assert!(ForkProof::at_one_position(first, *second).is_some());
}

#[tokio::test]
async fn whom_a_welcome_let_in_before_the_copy_got_there_waits() {
    let (hub, follower) = two_relays().await;
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
    let more = ["ana", "cid@b", "dora@b", "eva", "fay@b"];
    hub.commit(&Draft::commit("ana", Some(2), &AFTER, &more)).await.unwrap();
    hub.submit(&Draft::entry("ana", 3, "to all five")).await.unwrap();
    let fay = Reader::Device(device("fay@b"));
    let mut log = follower.hub.subscribe(channel_id(), fay).await.unwrap();
    let mut read = async || log.read_encoded(Seq(4), Incarnation(0), 1 << 20).await;
    assert!(matches!(read().await, Ok(None)), "the copy ends before the commit");
    assert_eq!(follow(&hub, &follower, 3).await, 5);
    assert!(matches!(read().await, Ok(Some(NextEncoded::Batches(_)))));
    let grace = Reader::Device(device("grace@b"));
    let mut log = follower.hub.subscribe(channel_id(), grace).await.unwrap();
    let read = log.read_encoded(Seq(4), Incarnation(0), 1 << 20).await;
    assert!(matches!(read, Err(ReadError::NotAMember)));
}

#[tokio::test]
async fn a_copy_goes_back_on_the_hubs_signature_alone() {
    let (hub, follower) = two_relays().await;
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
    for text in ["kept", "lost"] {
        hub.submit(&Draft::entry("ana", 2, text)).await.unwrap();
    }
    assert_eq!(follow(&hub, &follower, 3).await, 5);
    let one = ReadLimit { items: 1, bytes: usize::MAX };
    let kept = verified(batch(&hub, Reader::Relay(b()), 3, one).await.head);
    let same = verified(batch(&hub, Reader::Relay(b()), 4, one).await.head);
    let newer = |channel| {
        let key = SigningKey::from_seed(Zeroizing::new([3; 32]));
        Head { channel, incarnation: Incarnation(9), ..same.head().clone() }
            .sign(&key, same.signed().signer())
    };
    let elsewhere = newer(ChannelId([0; 32]));
    for says_nothing in [&same, &elsewhere] {
        let refused = follower.hub.rewind(own(), kept.clone(), says_nothing).await;
        assert_eq!(refused, Err(IngestError::NotSuperseded));
    }
    let says_so = newer(channel_id());
    assert_eq!(follower.hub.rewind(own(), kept, &says_so).await, Ok(Seq(4)));
}

#[tokio::test]
async fn another_authority_cannot_speak_for_a_channels_hub() {
    let (hub, follower) = two_relays().await;
    let anchor = anchor_of(delivery(&hub, 2).await).unwrap();
    follower.hub.anchor(anchor.clone()).await.unwrap();
    hub.submit(&Draft::entry("ana", 2, "one")).await.unwrap();
    let c: Domain = "c.example".parse().unwrap();
    let not_theirs = Err(IngestError::OtherHub(own()));
    let good = copy_of(&batch(&hub, Reader::Relay(b()), 3, LIMIT).await);
    let copy = Copy { hub: c.clone(), ..good.clone() };
    assert_eq!(follower.hub.ingest(copy).await, not_theirs.clone().map(|()| Seq(0)));
    assert_eq!(follower.hub.end_copy(channel_id(), c.clone()).await, not_theirs);
    let anchor = Anchor { hub: c, ..anchor };
    assert_eq!(follower.hub.anchor(anchor).await, not_theirs);
    follower.hub.ingest(good).await.unwrap();
}

#[tokio::test]
async fn a_copy_that_the_hub_has_ended_begins_anew() {
    let (hub, follower) = two_relays().await;
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
    let fewer = ["ana", "dora@b", "eva"];
    hub.commit(&Draft::commit("ana", Some(2), &AFTER, &fewer)).await.unwrap();
    hub.commit(&Draft::commit("ana", Some(3), &fewer, &AFTER)).await.unwrap();
    let again = || async { anchor_of(delivery(&hub, 4).await).unwrap() };
    let tail = async || follower.hub.channel(channel_id()).await.unwrap().unwrap().tail.seq;
    follower.hub.anchor(again().await).await.unwrap();
    assert_eq!(tail().await, Seq(2), "the items between will come");
    follower.hub.end_copy(channel_id(), own()).await.unwrap();
    follower.hub.anchor(again().await).await.unwrap();
    assert_eq!(tail().await, Seq(4), "they will not");
    assert_eq!(hub.hub.end_copy(channel_id(), own()).await, Err(IngestError::NotAFollower));
}

#[tokio::test]
async fn what_a_hub_accepts_elsewhere_is_not_submitted_here() {
    let (hub, follower) = two_relays().await;
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
    let entry = Draft::entry("cid@b", 2, "hello");
    assert_eq!(follower.submit(&entry).await, Err(SubmitError::NotTheHub(own())));
    let lease = follower.hub.lease(channel_id(), device("cid@b"), LeaseClaim::default()).await;
    assert_eq!(lease, Err(SubmitError::NotTheHub(own())));
    let own_log = batch(&hub, Reader::Relay(own()), 0, LIMIT).await;
    assert_eq!(hub.hub.ingest(copy_of(&own_log)).await, Err(IngestError::NotAFollower));
    let empty = World::with(Box::new(MemoryDisk::default().open().unwrap()), b());
    let unknown = empty.hub.ingest(copy_of(&own_log)).await;
    assert_eq!(unknown, Err(IngestError::UnknownChannel));
    let nothing = Copy { items: Vec::new(), ..copy_of(&own_log) };
    let refused = empty.hub.ingest(nothing).await;
    assert_eq!(refused, Err(IngestError::Replica(ReplicaError::Empty)));
}

#[tokio::test]
async fn a_welcome_that_was_changed_on_the_way_is_refused() {
    let (hub, _) = two_relays().await;
    let good = delivery(&hub, 2).await;
    type Change = fn(&mut WelcomeDelivery);
    let changes: [(&str, Change); 14] = [
        ("hub", |d| d.hub = "c.example".into()),
        ("chain", |d| d.commit.as_mut().unwrap().chain.clear()),
        ("head", |d| d.commit.as_mut().unwrap().chain[0] ^= 1),
        ("device_list", |d| drop(d.device_list.pop())),
        ("welcomes", |d| drop(d.welcomes.pop())),
        ("welcomes", |d| d.welcomes[0].message = bytes::Bytes::from_static(b"other")),
        ("chain", |d| d.commit.as_mut().unwrap().outer_signature[0] ^= 1),
        ("outer_signature", |d| d.certificates[0] = device("eva").as_str().into()),
        ("channel", |d| d.channel = None),
        ("nonce", |d| d.nonce.clear()),
        ("nonce", |d| d.nonce[0] ^= 1),
        ("previous_chain", |d| d.previous_chain.clear()),
        ("chain", |d| d.previous_chain[0] ^= 1),
        ("chain", |d| d.commit.as_mut().unwrap().received_at_ms += 1),
    ];
    for (part, change) in changes {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(anchor_of(bad).unwrap_err(), IngestError::Welcome(part));
    }
    let head = verified(SignedHead::from_wire(channel_id(), good.head.as_ref().unwrap()).unwrap());
    let c: Domain = "c.example".parse().unwrap();
    let elsewhere = Anchor::check(good.clone(), &head, &own(), &c, &NameTrust).unwrap_err();
    assert_eq!((elsewhere.code(), elsewhere), (ErrorCode::NotAllowed, IngestError::NobodyHere));
    anchor_of(good).unwrap();
}

/// C has learnt the id of A's channel, and welcomes somebody of B to a channel of that id at its
/// own hub before A does. Everything about C's welcome is genuine but the id.
#[tokio::test]
async fn another_hub_cannot_take_a_channels_id() {
    let (hub, follower) = two_relays().await;
    let c: Domain = "c.example".parse().unwrap();
    let squatted = WelcomeDelivery { hub: c.to_string(), ..delivery(&hub, 2).await };
    let head = SignedHead::from_wire(channel_id(), squatted.head.as_ref().unwrap()).unwrap();
    let refused = Anchor::check(squatted, &verified(head), &c, &b(), &NameTrust).unwrap_err();
    assert_eq!((refused.code(), refused), (ErrorCode::BadEnvelope, IngestError::Welcome("nonce")));
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_copy_ends_with_its_last_member_and_begins_anew_with_the_next() {
    let (hub, follower) = two_relays().await;
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
    for name in ["cid@b", "dora@b"] {
        let leaf = LeafHash::of(b"e", b"s", b"c");
        let leave =
            Leave { channel: channel_id(), generation: Generation(0), device: device(name), leaf };
        hub.submit(&Draft::new(name, ItemKind::Leave, Some(2), &leave.encode())).await.unwrap();
    }
    let removal = Draft::commit("ana", Some(2), &AFTER, &BEFORE);
    hub.commit(&removal).await.unwrap();
    assert_eq!(follow(&hub, &follower, 3).await, 6);
    hub.submit(&Draft::entry("ana", 5, "among ourselves")).await.unwrap();
    let log = hub.hub.subscribe(channel_id(), Reader::Relay(b())).await.unwrap();
    assert!(matches!(log.read(Seq(6), LIMIT).await, Ok(Some(Next::Ended { last: Seq(5) }))));
    let cid = follower.hub.subscribe(channel_id(), Reader::Device(device("cid@b"))).await.unwrap();
    assert!(matches!(cid.read(Seq(6), LIMIT).await, Ok(Some(Next::Ended { last: Seq(5) }))));

    let readmission = Draft::commit("ana", Some(5), &BEFORE, &["ana", "dora@b", "eva"]);
    hub.commit(&readmission).await.unwrap();
    follower.hub.anchor(anchor_of(delivery(&hub, 7).await).unwrap()).await.unwrap();
    hub.submit(&Draft::entry("dora@b", 7, "back again")).await.unwrap();
    assert_eq!(follow(&hub, &follower, 8).await, 9);
    let dora =
        follower.hub.subscribe(channel_id(), Reader::Device(device("dora@b"))).await.unwrap();
    assert!(matches!(dora.read(Seq(8), LIMIT).await, Ok(Some(Next::Batch(_)))));
    assert!(matches!(cid.read(Seq(6), LIMIT).await, Ok(Some(Next::Ended { last: Seq(5) }))));
    assert!(matches!(cid.read(Seq(3), LIMIT).await, Ok(Some(Next::Batch(_)))), "kept");
}
