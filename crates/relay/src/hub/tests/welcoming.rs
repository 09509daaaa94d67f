//! Welcomes: stored with their commit, delivered until they are taken.

use enlace_log::{ChannelId, DeviceList, Item, Seq};
use enlace_proto::relay::v1::WelcomeDelivery;

use super::world::{Draft, NONCE, World, channel_id, device, head_key, list, soon};
use crate::hub::Handle;
use crate::storage::{PendingWelcome, ReadStorage, SideWrite};

const BEFORE: [&str; 2] = ["ana", "cid@b"];
const AFTER: [&str; 5] = ["ana", "ben", "cid@b", "dora@b", "eva@c"];

async fn outbound(hub: &Handle, domain: &str) -> Vec<PendingWelcome> {
    let domain = domain.parse().unwrap();
    let read = move |storage: &mut dyn ReadStorage| storage.outbound_welcomes(&domain, 9);
    hub.query(read).await.unwrap()
}

fn check(delivery: &WelcomeDelivery) {
    let channel = delivery.channel.as_ref().unwrap().value[..].try_into().unwrap();
    let item = Item::from_wire(channel, delivery.commit.clone().unwrap()).unwrap();
    assert_eq!(item.seq, Seq(1));
    let head = delivery.head.clone().unwrap();
    let head = enlace_log::SignedHead::from_wire(channel_id(), &head).unwrap();
    let key = enlace_identity::keys::SigningKey::from_seed(zeroize::Zeroizing::new([3; 32]));
    let head = head.verify(&key.public()).unwrap();
    assert_eq!((head.head().seq, head.head().channel), (Seq(1), channel_id()));
    assert_eq!(delivery.commit.as_ref().unwrap().chain, head.head().chain.0);
    assert_eq!(delivery.nonce, NONCE.0);
    let previous = delivery.previous_chain[..].try_into().unwrap();
    assert_eq!(item.chain_after(&previous), head.head().chain);
    let devices = delivery.device_list.iter().map(|name| name.parse().unwrap());
    let devices: DeviceList = devices.collect();
    assert_eq!(devices, list(&AFTER));
    assert_eq!(devices.hash(), item.sealed.envelope().list_hash);
    assert_eq!(delivery.head_certificates, head_key().certificates());
    assert_eq!((delivery.welcomes.len(), delivery.certificates.len()), (3, 2));
}

#[tokio::test]
async fn a_commit_s_welcomes_wait_for_devices_and_relays() {
    let world = World::with_members(&BEFORE).await;
    let mut watch = world.hub.watch_welcomes(device("ben"));
    let mut outbound_watch = world.hub.watch_outbound();
    outbound_watch.mark_unchanged();
    world.commit(&Draft::commit("ana", Some(0), &BEFORE, &AFTER)).await.unwrap();
    soon(watch.changed()).await;
    soon(outbound_watch.changed()).await.unwrap();

    let mine = world.hub.pending_welcomes(device("ben"), 9).await.unwrap();
    assert_eq!(mine.len(), 1);
    check(&mine[0]);
    assert!(world.hub.pending_welcomes(device("ana"), 9).await.unwrap().is_empty());
    assert!(world.hub.pending_welcomes(device("dora@b"), 9).await.unwrap().is_empty());
    let place = PendingWelcome { channel: channel_id(), seq: Seq(1) };
    assert_eq!(outbound(&world.hub, "c.example").await, [place]);
    let b = outbound(&world.hub, "b.example").await;
    assert!(b.contains(&place) && b.len() == 2, "the creation's and this one: {b:?}");
    check(&world.hub.welcome(channel_id(), Seq(1)).await.unwrap().unwrap());

    let (channel, seq) = (channel_id(), Seq(1));
    let taken = SideWrite::WelcomeTaken { device: device("ben"), channel, seq };
    let sent =
        |domain: &str| SideWrite::WelcomeSent { domain: domain.parse().unwrap(), channel, seq };
    world.hub.store(vec![taken, sent("c.example")]).await.unwrap();
    assert!(world.hub.pending_welcomes(device("ben"), 9).await.unwrap().is_empty());
    assert!(outbound(&world.hub, "c.example").await.is_empty());
    assert!(world.hub.welcome(channel_id(), Seq(1)).await.unwrap().is_some(), "b still waits");
    world.hub.store(vec![sent("b.example")]).await.unwrap();
    assert!(!outbound(&world.hub, "b.example").await.contains(&place));

    let mut outbound_watch = world.hub.watch_outbound();
    let wanted = SideWrite::WelcomeWanted { domain: "c.example".parse().unwrap(), channel };
    world.hub.store(vec![wanted]).await.unwrap();
    outbound_watch.changed().await.unwrap();
    assert_eq!(
        outbound(&world.hub, "c.example").await,
        [place],
        "a relay that lost it gets it again"
    );
    check(&world.hub.welcome(channel_id(), Seq(1)).await.unwrap().unwrap());
}

#[tokio::test]
async fn acknowledging_what_never_waited_harms_nobody() {
    let world = World::with_members(&BEFORE).await;
    let (channel, seq) = (ChannelId([1; 32]), Seq(9));
    let taken = SideWrite::WelcomeTaken { device: device("eve"), channel, seq };
    world.hub.store(vec![taken]).await.unwrap();
}
