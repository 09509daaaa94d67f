//! Tombstones: whose entries they erase, at the hub and at a follower, and what readers then get.

use enlace_log::membership::MembershipError;
use enlace_log::tombstone::COLLEAGUES_WAIT;
use enlace_log::{Generation, ItemKind, PayloadHash, Seq, Tombstone};
use enlace_proto::relay::v1::ErrorCode;

use super::following::{anchor_of, b, delivery, follow, two_relays};
use super::world::{Draft, LIMIT, World, channel_id, device};
use crate::hub::{Accepted, Next, Reader, SubmitError};

const MEMBERS: [&str; 3] = ["ana", "ben@b", "eva"];

fn hash_of(draft: &Draft) -> PayloadHash {
    draft.envelope.payload_hash
}

fn tombstone(author: &str, fence: u64, erased: &[(Seq, PayloadHash)]) -> Draft {
    let payload =
        Tombstone { channel: channel_id(), generation: Generation(0), erased: erased.to_vec() };
    Draft::new(author, ItemKind::Tombstone, Some(fence), &payload.encode())
}

async fn post(world: &World, author: &str, fence: u64, text: &str) -> (Seq, PayloadHash) {
    let draft = Draft::entry(author, fence, text);
    let accepted = world.submit(&draft).await.unwrap();
    (accepted.seq, hash_of(&draft))
}

/// The payloads of a log from a position on, as a reader gets them.
async fn payloads(world: &World, reader: Reader, from: u64) -> Vec<String> {
    let log = world.hub.subscribe(channel_id(), reader).await.unwrap();
    match log.read(Seq(from), LIMIT).await.unwrap().unwrap() {
        Next::Batch(batch) => batch
            .items
            .iter()
            .map(|item| String::from_utf8_lossy(&item.payload).into_owned())
            .collect(),
        Next::Ended { last } => panic!("ended at {last}"),
    }
}

fn code(refused: Result<Accepted, SubmitError>) -> ErrorCode {
    refused.unwrap_err().code()
}

#[tokio::test]
async fn an_officer_erases_own_entries_and_no_others() {
    let world = World::with_members(&MEMBERS).await;
    let own = post(&world, "ana", 0, "of ana").await;
    let colleagues = post(&world, "eva", 0, "of eva").await;
    let foreign = post(&world, "ben@b", 0, "of ben").await;
    for not_hers in [colleagues, foreign] {
        let refused = world.submit(&tombstone("ana", 0, &[own, not_hers])).await;
        assert_eq!(code(refused), ErrorCode::NotAllowed);
    }
    let texts = payloads(&world, Reader::Device(device("eva")), 1).await;
    assert_eq!(texts, ["of ana", "of eva", "of ben"]);
    world.submit(&tombstone("ana", 0, &[own])).await.unwrap();
    for reader in [Reader::Device(device("eva")), Reader::Relay(b())] {
        let texts = payloads(&world, reader, 1).await;
        assert_eq!(texts[..3], ["", "of eva", "of ben"]);
    }
    // After a while a colleague's too, and never another authority's.
    world.clock.advance(COLLEAGUES_WAIT);
    let refused = world.submit(&tombstone("ana", 0, &[foreign])).await;
    assert_eq!(code(refused), ErrorCode::NotAllowed);
    world.submit(&tombstone("ana", 0, &[colleagues])).await.unwrap();
    let texts = payloads(&world, Reader::Device(device("eva")), 1).await;
    assert_eq!(texts[..3], ["", "", "of ben"]);
}

#[tokio::test]
async fn what_changes_the_channel_is_never_erased() {
    let world = World::with_members(&MEMBERS).await;
    let commit = Draft::commit("ana", Some(0), &MEMBERS, &["ana", "ben@b"]);
    world.commit(&commit).await.unwrap();
    let named = [(Seq(1), hash_of(&commit))];
    world.clock.advance(COLLEAGUES_WAIT);
    assert_eq!(code(world.submit(&tombstone("ana", 1, &named)).await), ErrorCode::NotAllowed);
    // Nor a tombstone.
    let own = post(&world, "ana", 1, "of ana").await;
    let first = tombstone("ana", 1, &[own]);
    let seq = world.submit(&first).await.unwrap().seq;
    let named = [(seq, hash_of(&first))];
    assert_eq!(code(world.submit(&tombstone("ana", 1, &named)).await), ErrorCode::NotAllowed);
}

#[tokio::test]
async fn it_names_what_stands_there() {
    let world = World::with_members(&MEMBERS).await;
    let (seq, hash) = post(&world, "ana", 0, "of ana").await;
    let mut other_channel = tombstone("ana", 0, &[(seq, hash)]);
    let foreign = Tombstone {
        channel: enlace_log::ChannelId([9; 32]),
        generation: Generation(0),
        erased: vec![(seq, hash)],
    };
    other_channel.payload = foreign.encode().into();
    other_channel.envelope.payload_hash = PayloadHash::of(&other_channel.payload);
    for bad in [
        // A place that was given again, or is not given yet.
        tombstone("ana", 0, &[(seq, PayloadHash([1; 32]))]),
        tombstone("ana", 0, &[(seq.next(), hash)]),
        other_channel,
        Draft::new("ana", ItemKind::Tombstone, Some(0), b"no tombstone"),
    ] {
        assert_eq!(code(world.submit(&bad).await), ErrorCode::BadEnvelope);
    }
    // Nobody else's signature, and nobody who is not in the channel.
    let mut forged = tombstone("ana", 0, &[(seq, hash)]);
    forged.signer = super::world::key_of(&device("eva"));
    assert!(forged.check().is_err());
    let stranger = world.submit(&tombstone("zoe", 0, &[(seq, hash)])).await;
    assert!(stranger.is_err());
    assert_eq!(payloads(&world, Reader::Device(device("eva")), 1).await[0], "of ana");
    // The same one again is the same one.
    let good = tombstone("ana", 0, &[(seq, hash)]);
    let first = world.submit(&good).await.unwrap();
    assert_eq!(world.submit(&good).await.unwrap().seq, first.seq);
}

#[tokio::test]
async fn nobody_learns_what_stands_where_who_may_not_submit() {
    let world = World::with_members(&MEMBERS).await;
    let (seq, hash) = post(&world, "ana", 0, "of ana").await;
    for hash in [hash, PayloadHash([1; 32])] {
        let stranger = world.submit(&tombstone("zoe", 0, &[(seq, hash)])).await;
        assert_eq!(stranger, Err(SubmitError::Membership(MembershipError::NotAMember)));
        let revoked = world.submit(&tombstone("revoked", 0, &[(seq, hash)])).await;
        assert_eq!(revoked, Err(SubmitError::Revoked(device("revoked"))));
        let behind = world.submit(&tombstone("eva", 9, &[(seq, hash)])).await;
        assert!(matches!(behind, Err(SubmitError::StaleFence(_))));
    }
}

#[tokio::test]
async fn a_follower_erases_too_live_and_behind() {
    let (hub, follower) = two_relays().await;
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
    let first = post(&hub, "ana", 2, "first").await;
    let end = follow(&hub, &follower, 3).await;
    hub.submit(&tombstone("ana", 2, &[first])).await.unwrap();
    // One that comes in one batch with its tombstone.
    let second = post(&hub, "ana", 2, "second").await;
    let log = hub.hub.subscribe(channel_id(), Reader::Relay(b())).await.unwrap();
    let Some(Next::Batch(before)) = log.read(Seq(end), LIMIT).await.unwrap() else { panic!() };
    assert_eq!(before.items.len(), 2);
    hub.submit(&tombstone("ana", 2, &[second])).await.unwrap();
    assert_eq!(payloads(&follower, Reader::Device(device("cid@b")), 3).await, ["first"]);
    follow(&hub, &follower, end).await;
    let texts = payloads(&follower, Reader::Device(device("cid@b")), 3).await;
    assert_eq!((texts[0].as_str(), texts[2].as_str()), ("", ""));
    let ours = follower.hub.channel(channel_id()).await.unwrap().unwrap();
    let theirs = hub.hub.channel(channel_id()).await.unwrap().unwrap();
    assert_eq!(ours.tail, theirs.tail);
}

#[tokio::test]
async fn a_follower_erases_nothing_on_a_lying_hubs_word() {
    // A hub that takes in what it should refuse: its clock is ahead, and no other hub's is.
    let (hub, follower) = two_relays().await;
    follower.hub.anchor(anchor_of(delivery(&hub, 2).await).unwrap()).await.unwrap();
    let theirs = post(&hub, "dora@b", 2, "of dora").await;
    let mut copy = super::following::whole_copy(&hub, 3).await;
    let forged = tombstone("ana", 2, &[theirs]);
    super::following::append_signed(&mut copy, &forged, hub.clock.now());
    follower.hub.ingest(copy).await.unwrap();
    let texts = payloads(&follower, Reader::Device(device("cid@b")), 3).await;
    assert_eq!(texts[0], "of dora");
    assert_eq!(texts.len(), 2);
}
