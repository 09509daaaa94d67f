//! Who may commit next.

use std::time::Duration;

use enlace_log::control::Contest;
use enlace_log::{ChannelId, ChannelNonce, Generation, ItemKind, Seq};

use super::world::{Draft, World, channel_id, device, own};
use crate::hub::SubmitError;
use crate::hub::core::{Class, LeaseClaim, NotYet};

const MEMBERS: [&str; 3] = ["ana", "ben", "cid@b"];

fn update(author: &str, fence: u64, last_valid: u64) -> Draft {
    let mut draft = Draft::commit(author, Some(fence), &MEMBERS, &MEMBERS);
    draft.envelope.last_valid_commit = Some(Seq(last_valid));
    draft
}

fn held(secs: u64, ahead: usize) -> SubmitError {
    SubmitError::LeaseHeld(NotYet { wait: Duration::from_secs(secs), ahead })
}

#[tokio::test]
async fn a_lease_has_one_holder_until_its_commit() {
    let world = World::with_members(&MEMBERS).await;
    let grant = world.lease("ana").await.unwrap();
    assert_eq!(grant.expires_in, Duration::from_secs(10));
    assert_eq!(grant.fence, Some(Seq(0)));
    world.clock.advance(Duration::from_secs(4));
    assert_eq!(world.lease("ben").await, Err(held(6, 0)));
    assert_eq!(world.lease("cid@b").await, Err(held(6, 0)), "another authority's turn");
    assert_eq!(world.lease("ben").await, Err(held(8, 1)));
    let wire = held(8, 1).to_wire();
    assert_eq!((wire.retry_after_ms, wire.ahead), (8000, 1));
    world.submit(&update("ana", 0, 0)).await.unwrap();
    world.lease("ben").await.unwrap_err();
    let grant = world.lease("cid@b").await.unwrap();
    assert_eq!(grant.fence, Some(Seq(1)));
}

#[tokio::test]
async fn whoever_let_it_lapse_goes_last() {
    let world = World::with_members(&MEMBERS).await;
    world.lease("ana").await.unwrap();
    world.lease("ben").await.unwrap_err();
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.lease("ana").await, Err(held(2, 1)));
    world.lease("ben").await.unwrap();
}

#[tokio::test]
async fn whose_commit_was_void_goes_last() {
    let world = World::with_members(&MEMBERS).await;
    world.commit(&update("ana", 0, 0)).await.unwrap();
    world.lease("ben").await.unwrap();
    world.lease("cid@b").await.unwrap_err();
    // Ben holds Ana's commit void: the last valid one is the first.
    world.submit(&update("ben", 1, 0)).await.unwrap();
    world.lease("cid@b").await.unwrap();
    assert!(world.ask("ana", Class::Removal).await.is_err());
    assert!(world.ask("ben", Class::SelfUpdate).await.is_err());
    world.submit(&update("cid@b", 2, 2)).await.unwrap();
    assert_eq!(world.ask("ana", Class::Removal).await, Err(held(2, 1)));
    world.lease("ben").await.unwrap();
}

#[tokio::test]
async fn whose_commit_was_contested_goes_last_until_somebody_confirms_it() {
    let members = ["ana", "ben", "eva", "cid@b"];
    let world = World::with_members(&members).await;
    let dropping = Draft::commit("ana", Some(0), &members, &["ana", "ben", "eva"]);
    world.commit(&dropping).await.unwrap();
    let contest = Contest { channel: channel_id(), generation: Generation(0), commit: Seq(1) };
    let mut objection = Draft::new("cid@b", ItemKind::Contest, Some(1), &contest.encode());
    objection.envelope.last_valid_commit = Some(Seq(0));
    world.submit(&objection).await.unwrap();
    assert!(world.ask("eva", Class::SelfUpdate).await.is_ok());
    world.ask("ben", Class::SelfUpdate).await.unwrap_err();
    world.ask("ana", Class::Removal).await.unwrap_err();
    let mut commit = Draft::commit("eva", Some(1), &members, &members);
    commit.envelope.last_valid_commit = Some(Seq(0));
    world.submit(&commit).await.unwrap();
    assert!(world.ask("ana", Class::Removal).await.is_err());
    assert!(world.ask("ben", Class::SelfUpdate).await.is_ok());
}

#[tokio::test]
async fn a_known_revocation_goes_first() {
    let members = ["ana", "ben", "eva", "revoked"];
    let world = World::with_members(&members).await;
    world.ask("ana", Class::SelfUpdate).await.unwrap();
    world.ask("ben", Class::Removal).await.unwrap_err();
    let claim = |name: &str| LeaseClaim { class: Class::Revocation, revoked: Some(device(name)) };
    let false_claim = world.hub.lease(channel_id(), device("eva"), claim("ben")).await;
    assert_eq!(false_claim, Err(held(12, 1)), "it counts as a removal");
    let claim = claim("revoked");
    let true_claim = world.hub.lease(channel_id(), device("eva"), claim.clone()).await;
    assert_eq!(true_claim, Err(held(10, 0)));
    let revoked = world.hub.lease(channel_id(), device("revoked"), claim).await;
    assert_eq!(revoked, Err(SubmitError::Revoked(device("revoked"))));
}

#[tokio::test]
async fn whoever_commits_less_than_it_claimed_goes_last() {
    let world = World::with_members(&MEMBERS).await;
    world.ask("ana", Class::Removal).await.unwrap();
    world.lease("ben").await.unwrap_err();
    world.submit(&update("ana", 0, 0)).await.unwrap();
    assert_eq!(world.ask("ana", Class::Removal).await, Err(held(2, 1)));
    world.lease("ben").await.unwrap();
}

#[tokio::test]
async fn a_lease_is_of_one_channel() {
    let world = World::with_members(&MEMBERS).await;
    let mut other = Draft::commit("ana", None, &[], &MEMBERS);
    let nonce = ChannelNonce([9; 32]);
    other.envelope.channel = ChannelId::derive(&own(), &nonce);
    world.hub.create(other.check().unwrap(), nonce).await.unwrap();
    world.lease("ana").await.unwrap();
    world.hub.lease(other.envelope.channel, device("ben"), LeaseClaim::default()).await.unwrap();
    let unknown = world.hub.lease(ChannelId([1; 32]), device("ana"), LeaseClaim::default()).await;
    assert_eq!(unknown, Err(SubmitError::UnknownChannel));
}
