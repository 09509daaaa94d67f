//! What is refused, each for its reason, and that nothing has changed then.

use std::time::Duration;

use bytes::Bytes;
use enlace_identity::names::LeafName;
use enlace_log::control::{Contest, LeafHash, Leave};
use enlace_log::device_list::ListError;
use enlace_log::envelope::PayloadHash;
use enlace_log::item::{ItemError, Sealed};
use enlace_log::membership::MembershipError;
use enlace_log::{ChannelId, ChannelNonce, Commitment, Generation, ItemKind, ListHash, Seq};
use enlace_proto::relay::v1::ErrorCode;

use super::world::{Draft, World, channel_id, client_id, device, key_of, list, own};
use crate::hub::core::LeaseClaim;
use crate::hub::{Caller, SubmitError, TrustError};

/// Submits a changed copy of a good draft, which is refused as expected; then the good one.
async fn refused(good: Draft, change: impl FnOnce(&mut Draft), expected: SubmitError) {
    let world = World::with_members(&["ana", "ben", "cid@b"]).await;
    let mut bad = good.clone();
    change(&mut bad);
    let before = world.hub.channel(channel_id()).await.unwrap();
    let lease = world.hub.lease(channel_id(), good.author(), LeaseClaim::default()).await;
    assert_eq!(world.submit(&bad).await, Err(expected.clone()), "{expected}");
    assert_eq!(world.hub.channel(channel_id()).await.unwrap(), before, "{expected}");
    if lease.is_ok() {
        world.submit(&good).await.unwrap();
    }
}

fn entry() -> Draft {
    Draft::entry("ana", 0, "hello")
}

fn admission() -> Draft {
    Draft::commit(
        "ana",
        Some(0),
        &["ana", "ben", "cid@b"],
        &["ana", "ben", "cid@b", "dora@b", "eva"],
    )
}

#[tokio::test]
async fn what_does_not_fit_together() {
    let other = Bytes::from_static(b"other");
    refused(admission(), |d| d.payload = other, SubmitError::OuterSignature).await;
    refused(entry(), |d| d.payload = Bytes::new(), SubmitError::NoPayload).await;
    let change = Some(admission().change.unwrap());
    refused(entry(), |d| d.change = change, SubmitError::Item(ItemError::ListChange)).await;
    let no_change = SubmitError::Item(ItemError::ListChange);
    refused(admission(), |d| d.change = None, no_change).await;
    let large = Bytes::from(vec![1; Sealed::MAX_PAYLOAD_BYTES + 1]);
    let grow = |d: &mut Draft| {
        d.envelope.payload_hash = PayloadHash::of(&large);
        d.payload = large.clone();
    };
    refused(entry(), grow, SubmitError::Item(ItemError::TooLarge)).await;
}

#[tokio::test]
async fn a_caller_that_may_not_speak_for_the_device() {
    let not_hers = SubmitError::NotTheCallers(device("ana"));
    refused(entry(), |d| d.caller = Caller::Device(device("ben")), not_hers.clone()).await;
    let other = Caller::Relay("b.example".parse().unwrap());
    refused(entry(), |d| d.caller = other, not_hers).await;
}

#[tokio::test]
async fn a_hub_statement() {
    let make = |d: &mut Draft| {
        d.envelope.kind = ItemKind::HubStatement;
        d.envelope.author = LeafName::Service("r1.relay.a.example".parse().unwrap());
        d.envelope.commitment = Commitment::NONE;
    };
    refused(entry(), make, SubmitError::HubStatement).await;
}

#[tokio::test]
async fn an_unknown_channel_or_another_generation() {
    let elsewhere = |d: &mut Draft| d.envelope.channel = ChannelId([8; 32]);
    refused(entry(), elsewhere, SubmitError::UnknownChannel).await;
    let later = |d: &mut Draft| d.envelope.generation = Generation(1);
    refused(entry(), later, SubmitError::Membership(MembershipError::Generation(Generation(0))))
        .await;
}

#[tokio::test]
async fn another_fence_than_the_hubs() {
    for fence in [None, Some(Seq(1)), Some(Seq(99))] {
        let stale = SubmitError::StaleFence(Some(Seq(0)));
        assert_eq!((stale.code(), stale.to_wire().fence), (ErrorCode::StaleFence, 0));
        refused(entry(), |d| d.envelope.fence = fence, stale).await;
    }
}

#[tokio::test]
async fn an_item_written_before_a_commit_comes_after_it() {
    let world = World::with_members(&["ana", "ben"]).await;
    let members = ["ana", "ben"];
    world.commit(&Draft::commit("ana", Some(0), &members, &members)).await.unwrap();
    let late = world.submit(&Draft::entry("ben", 0, "late")).await;
    assert_eq!(late, Err(SubmitError::StaleFence(Some(Seq(1)))));
    world.submit(&Draft::entry("ben", 1, "late")).await.unwrap();
}

#[tokio::test]
async fn whoever_is_no_member() {
    let world = World::with_members(&["ana", "ben"]).await;
    let not_a_member = SubmitError::Membership(MembershipError::NotAMember);
    let answer = world.submit(&Draft::entry("eve", 0, "hello")).await;
    assert_eq!((answer, not_a_member.code()), (Err(not_a_member.clone()), ErrorCode::NotAMember));
    assert_eq!(world.lease("eve").await, Err(not_a_member));
}

#[tokio::test]
async fn a_commit_named_valid_that_is_none() {
    let unknown = SubmitError::Membership(MembershipError::UnknownCommit(Some(Seq(5))));
    refused(entry(), |d| d.envelope.last_valid_commit = Some(Seq(5)), unknown).await;
}

#[tokio::test]
async fn an_outer_signature_that_is_not_the_authors() {
    let bens_key = |d: &mut Draft| d.signer = key_of(&device("ben"));
    refused(admission(), bens_key, SubmitError::OuterSignature).await;
    let bens = |d: &mut Draft| {
        d.signer = key_of(&device("ben"));
        d.certificates[0] = device("ben").as_str().as_bytes().to_vec();
    };
    refused(admission(), bens, SubmitError::OuterSignature).await;
    let relays = |d: &mut Draft| d.certificates[0] = b"r1.relay.a.example".to_vec();
    refused(admission(), relays, SubmitError::Certificate(TrustError::NotADevice)).await;
    let world = World::with_members(&["ana"]).await;
    let mut bare = admission();
    bare.certificates.clear();
    let answer = world.submit(&bare).await.unwrap_err();
    assert_eq!(answer.code(), ErrorCode::NotAllowed);
}

#[tokio::test]
async fn a_commit_without_a_lease() {
    let world = World::with_members(&["ana", "ben", "cid@b"]).await;
    assert_eq!(world.submit(&admission()).await, Err(SubmitError::LeaseMissing));
    world.lease("ben").await.unwrap();
    assert_eq!(world.submit(&admission()).await, Err(SubmitError::LeaseMissing));
    world.clock.advance(Duration::from_secs(10));
    world.lease("ana").await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.submit(&admission()).await, Err(SubmitError::LeaseMissing));
}

#[tokio::test]
async fn welcomes_that_do_not_fit() {
    let fewer = |d: &mut Draft| {
        d.welcomes.pop();
        d.envelope.welcomes_hash = d.welcomes_hash();
    };
    let swapped = |d: &mut Draft| d.welcomes[0].message = Bytes::from_static(b"another");
    let hidden = |d: &mut Draft| d.welcomes.clear();
    let twice = |d: &mut Draft| d.welcomes.push(d.welcomes[0].clone());
    let for_a_member = |d: &mut Draft| {
        d.welcomes[0].devices.insert(0, device("ben").to_string());
        d.envelope.welcomes_hash = d.welcomes_hash();
    };
    let for_herself = |d: &mut Draft| {
        d.welcomes[0].devices.insert(0, device("ana").to_string());
        d.envelope.welcomes_hash = d.welcomes_hash();
    };
    let for_nobody = |d: &mut Draft| d.welcomes[0].devices.clear();
    let changes: [&dyn Fn(&mut Draft); 7] =
        [&fewer, &swapped, &hidden, &twice, &for_a_member, &for_herself, &for_nobody];
    for change in changes {
        refused(admission(), change, SubmitError::Welcomes).await;
    }
}

#[tokio::test]
async fn a_list_that_is_not_the_envelopes() {
    let found = list(&["ana", "ben", "cid@b", "dora@b", "eva"]).hash();
    let lie = |d: &mut Draft| d.envelope.list_hash = list(&["ana"]).hash();
    refused(admission(), lie, SubmitError::Membership(MembershipError::List(found))).await;
    let known = |d: &mut Draft| {
        d.change.as_mut().unwrap().added.insert(device("ben"));
    };
    let twice = ListError::DoesNotFit(device("ben"));
    refused(admission(), known, SubmitError::Membership(MembershipError::Change(twice))).await;
    let without_author = Draft::commit("ana", Some(0), &["ana", "ben", "cid@b"], &["ben", "cid@b"]);
    let world = World::with_members(&["ana", "ben", "cid@b"]).await;
    let refused = world.commit(&without_author).await;
    assert_eq!(refused, Err(SubmitError::Membership(MembershipError::DropsItself)));
}

#[tokio::test]
async fn control_items_that_cannot_be_read() {
    let world = World::with_members(&["ana", "ben", "cid@b"]).await;
    let commit = Draft::commit("ana", Some(0), &["ana", "ben", "cid@b"], &["ana", "ben"]);
    world.commit(&commit).await.unwrap();
    let garbage = Draft::new("cid@b", ItemKind::Contest, Some(1), b"garbage");
    let answer = world.submit(&garbage).await;
    assert_eq!(answer, Err(SubmitError::Membership(MembershipError::Control)));
    let elsewhere =
        Contest { channel: ChannelId([8; 32]), generation: Generation(0), commit: Seq(1) };
    let elsewhere = Draft::new("cid@b", ItemKind::Contest, Some(1), &elsewhere.encode());
    let answer = world.submit(&elsewhere).await;
    assert_eq!(answer, Err(SubmitError::Membership(MembershipError::Control)));
}

#[tokio::test]
async fn creation_by_the_wrong_one_or_of_the_wrong_kind() {
    let world = World::with_members(&["ana"]).await;
    let nonce = ChannelNonce([9; 32]);
    let new = ChannelId::derive(&own(), &nonce);
    let first = |name: &str| {
        let mut draft = Draft::commit(name, None, &[], &[name]);
        draft.envelope.channel = new;
        draft
    };
    let create = async |draft: &Draft| world.hub.create(draft.check().unwrap(), nonce).await;
    let foreign = create(&first("ben@b")).await;
    assert_eq!(foreign, Err(SubmitError::ForeignCreator(own())));
    let mut later = first("ana");
    later.envelope.generation = Generation(1);
    assert_eq!(create(&later).await, Err(SubmitError::NotAFirstItem));
    let mut fenced = first("ana");
    fenced.envelope.fence = Some(Seq(0));
    assert_eq!(create(&fenced).await, Err(SubmitError::NotAFirstItem));
    let mut entry = Draft::entry("ana", 0, "hello");
    entry.envelope.channel = new;
    entry.envelope.fence = None;
    assert_eq!(create(&entry).await, Err(SubmitError::NotAFirstItem));
    assert_eq!(world.submit(&first("ana")).await, Err(SubmitError::UnknownChannel));
    assert_eq!(world.hub.channel(new).await.unwrap(), None);
    create(&first("ana")).await.unwrap();
}

#[tokio::test]
async fn creation_under_an_id_that_is_not_this_hubs() {
    let world = World::with_members(&["ana"]).await;
    let nonce = ChannelNonce([9; 32]);
    let theirs = ChannelId::derive(&"b.example".parse().unwrap(), &nonce);
    let unlike = ChannelId::derive(&own(), &ChannelNonce([8; 32]));
    for id in [theirs, unlike, ChannelId([9; 32])] {
        let mut first = Draft::commit("ana", None, &[], &["ana"]);
        first.envelope.channel = id;
        let refused = world.hub.create(first.check().unwrap(), nonce).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused),
            (ErrorCode::BadEnvelope, SubmitError::ChannelId(own()))
        );
        assert_eq!(world.hub.channel(id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_clock_that_steps_back_too_far() {
    let world = World::with_members(&["ana"]).await;
    world.clock.step_back(Duration::from_secs(299));
    world.submit(&entry()).await.unwrap();
    world.clock.step_back(Duration::from_secs(301));
    let refused = world.submit(&Draft::entry("ana", 0, "later")).await;
    assert_eq!(refused, Err(SubmitError::ClockStep));
    assert_eq!(SubmitError::ClockStep.code(), ErrorCode::Internal);
    world.clock.advance(Duration::from_secs(300));
    world.submit(&Draft::entry("ana", 0, "later")).await.unwrap();
}

#[tokio::test]
async fn a_leave_needs_its_signature() {
    let leaf = LeafHash::of(b"e", b"s", b"c");
    let leave =
        Leave { channel: channel_id(), generation: Generation(0), device: device("ben"), leaf };
    let good = Draft::new("ben", ItemKind::Leave, Some(0), &leave.encode());
    refused(good, |d| d.signer = key_of(&device("ana")), SubmitError::OuterSignature).await;
}

#[test]
fn the_hashes_of_nothing_differ_from_those_of_something() {
    assert_ne!(list(&[]).hash(), ListHash::NONE);
    assert_ne!(client_id(b"a"), client_id(b"b"));
}

/// The list travels with every welcome: one that no frame holds would end the link to another
/// authority's relay again and again.
#[tokio::test]
async fn a_device_list_that_cannot_be_delivered_is_refused() {
    let world = World::with_members(&["ana", "ben"]).await;
    let authority = "b".repeat(63);
    let mut names: Vec<String> =
        (0..14_000).map(|number| format!("{number:0>63}@{authority}")).collect();
    names.extend(["ana".to_owned(), "ben".to_owned()]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let draft = Draft::commit("ana", Some(0), &["ana", "ben"], &names);
    world.lease("ana").await.unwrap();
    assert_eq!(world.submit(&draft).await, Err(SubmitError::ListTooLong));
}
