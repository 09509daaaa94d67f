//! Who may commit next.

use std::time::Duration;

use enlace_log::{ChannelId, ChannelNonce};

use super::world::{Draft, World, channel_id, device, own};
use crate::hub::SubmitError;

const MEMBERS: [&str; 3] = ["ana", "ben", "cid@b"];

fn update(author: &str, fence: u64, last_valid: u64) -> Draft {
    let mut draft = Draft::commit(author, Some(fence), &MEMBERS, &MEMBERS);
    draft.envelope.last_valid_commit = Some(enlace_log::Seq(last_valid));
    draft
}

#[tokio::test]
async fn a_lease_has_one_holder_until_its_commit() {
    let world = World::with_members(&MEMBERS).await;
    let grant = world.hub.lease(channel_id(), device("ana")).await.unwrap();
    assert_eq!(grant.expires_in, Duration::from_secs(10));
    assert_eq!(grant.fence, Some(enlace_log::Seq(0)));
    world.clock.advance(Duration::from_secs(4));
    let held = SubmitError::LeaseHeld(Duration::from_secs(6));
    assert_eq!(held.to_wire().retry_after_ms, 6000);
    assert_eq!(world.hub.lease(channel_id(), device("ben")).await, Err(held));
    world.submit(&update("ana", 0, 0)).await.unwrap();
    let grant = world.hub.lease(channel_id(), device("ben")).await.unwrap();
    assert_eq!(grant.fence, Some(enlace_log::Seq(1)));
}

#[tokio::test]
async fn whoever_let_it_lapse_goes_last() {
    let world = World::with_members(&MEMBERS).await;
    world.hub.lease(channel_id(), device("ana")).await.unwrap();
    world.hub.lease(channel_id(), device("ben")).await.unwrap_err();
    world.clock.advance(Duration::from_secs(10));
    let last = world.hub.lease(channel_id(), device("ana")).await;
    assert_eq!(last, Err(SubmitError::LeaseHeld(Duration::from_secs(10))));
    world.hub.lease(channel_id(), device("ben")).await.unwrap();
}

#[tokio::test]
async fn whose_commit_was_void_goes_last() {
    let world = World::with_members(&MEMBERS).await;
    world.commit(&update("ana", 0, 0)).await.unwrap();
    world.hub.lease(channel_id(), device("ben")).await.unwrap();
    world.hub.lease(channel_id(), device("cid@b")).await.unwrap_err();
    // Ben holds Ana's commit void: the last valid one is the first.
    world.submit(&update("ben", 1, 0)).await.unwrap();
    world.hub.lease(channel_id(), device("cid@b")).await.unwrap();
    world.hub.lease(channel_id(), device("ben")).await.unwrap_err();
    world.submit(&update("cid@b", 2, 2)).await.unwrap();
    let last = world.hub.lease(channel_id(), device("ana")).await;
    assert_eq!(last, Err(SubmitError::LeaseHeld(Duration::from_secs(10))));
    world.hub.lease(channel_id(), device("ben")).await.unwrap();
}

#[tokio::test]
async fn a_lease_is_of_one_channel() {
    let world = World::with_members(&MEMBERS).await;
    let mut other = Draft::commit("ana", None, &[], &MEMBERS);
    let nonce = ChannelNonce([9; 32]);
    other.envelope.channel = ChannelId::derive(&own(), &nonce);
    world.hub.create(other.check().unwrap(), nonce).await.unwrap();
    world.hub.lease(channel_id(), device("ana")).await.unwrap();
    world.hub.lease(other.envelope.channel, device("ben")).await.unwrap();
    let unknown = world.hub.lease(ChannelId([1; 32]), device("ana")).await;
    assert_eq!(unknown, Err(SubmitError::UnknownChannel));
}
