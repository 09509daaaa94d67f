//! Welcomes that lead nowhere: they change nothing, and never stand in the way of a genuine one.

use enlace_channel::channel::JoinRefused;
use enlace_channel::policy::Role;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::WelcomeDelivery;

use super::hub::Hub;
use super::world::World;
use crate::engine::{Disposition, WelcomeError, Wish};
use crate::notice::Notice;

/// Ana's channel, and the welcome that waits there for Bruno.
fn invited() -> (World, ChannelId, WelcomeDelivery) {
    let mut world = World::new();
    let channel = world.create("ana");
    let delivery = invite(&mut world, channel);
    (world, channel, delivery)
}

fn invite(world: &mut World, channel: ChannelId) -> WelcomeDelivery {
    let bruno = world.address("bruno");
    world.engine("ana").wish(channel, Wish::Add(bruno, Role::Lead)).unwrap();
    while world.pump("ana") > 0 {}
    let device = world.officers["bruno"].name.clone();
    world.hub.welcomes.remove(&device).unwrap().pop().unwrap()
}

/// The same as the hub of Bruno's own authority would sign it.
fn claimed_elsewhere(world: &World, delivery: &WelcomeDelivery) -> WelcomeDelivery {
    let other = Hub::new(&world.network.mp);
    let commit = delivery.commit.as_ref().unwrap();
    let channel = ChannelId::try_from(&delivery.channel.as_ref().unwrap().value[..]).unwrap();
    let chain = commit.chain[..].try_into().unwrap();
    WelcomeDelivery {
        hub: world.network.mp.domain.to_string(),
        head: Some(other.sign(channel, Seq(commit.seq), chain)),
        head_certificates: other.head_certificates().to_vec(),
        ..delivery.clone()
    }
}

fn refusals(world: &mut World) -> Vec<String> {
    let rows = world.engine("bruno").read(|tx| tx.notices(None, 0, 10_000)).unwrap();
    let reasons = rows.into_iter().filter_map(|row| match row.notice {
        Notice::WelcomeRefused { reason } => Some(reason),
        _ => None,
    });
    reasons.collect()
}

fn refused(world: &mut World, delivery: WelcomeDelivery) -> WelcomeError {
    let error = world.engine("bruno").take_welcome(delivery).unwrap_err();
    assert_eq!(error.disposition(), Disposition::Drop, "{error}");
    error
}

/// What somebody who knows or guesses the place, and perhaps has seen the genuine welcome, can
/// send.
type Forgery = fn(&World, &mut WelcomeDelivery);

#[test]
fn a_false_welcome_does_not_stand_in_the_way_of_the_genuine_one() {
    let forgeries: [(&str, Forgery); 9] = [
        ("another list", |_, w| drop(w.device_list.pop())),
        ("another welcome", |_, w| w.welcomes[0].message = b"another"[..].into()),
        ("no welcome", |_, w| w.welcomes.clear()),
        ("another author", |_, w| w.certificates = w.head_certificates.clone()),
        ("another time", |_, w| w.commit.as_mut().unwrap().received_at_ms += 1),
        ("another past", |_, w| w.previous_chain[0] ^= 1),
        ("another nonce", |_, w| w.nonce[0] ^= 1),
        ("another head", |_, w| w.head.as_mut().unwrap().signature[5] ^= 1),
        ("another hub", |world, w| *w = claimed_elsewhere(world, w)),
    ];
    for (name, forge) in forgeries {
        let (mut world, channel, genuine) = invited();
        let mut forged = genuine.clone();
        forge(&world, &mut forged);
        for _ in 0..2 {
            refused(&mut world, forged.clone());
        }
        assert_eq!(refusals(&mut world).len(), 1, "{name}");
        assert!(world.engine("bruno").read(|tx| tx.channels()).unwrap().is_empty(), "{name}");
        assert!(world.engine("bruno").take_welcome(genuine.clone()).unwrap(), "{name}");
        assert!(!world.engine("bruno").take_welcome(genuine).unwrap(), "{name}: twice");
        world.post("ana", channel, "uno");
        world.settle();
        assert_eq!(world.texts("bruno", channel), ["uno"], "{name}");
    }
}

#[test]
fn another_hub_cannot_claim_a_channel_that_this_device_is_in() {
    let (mut world, channel, genuine) = invited();
    assert!(world.engine("bruno").take_welcome(genuine.clone()).unwrap());
    let mut claimed = claimed_elsewhere(&world, &genuine);
    claimed.commit.as_mut().unwrap().seq += 7;
    let error = refused(&mut world, claimed);
    assert!(matches!(error, WelcomeError::Refused(JoinRefused::OtherHub { .. })), "{error:?}");
    let [reason] = &refusals(&mut world)[..] else { panic!("one notice") };
    assert!(reason.contains("fge.example") && reason.contains("mp.example"), "{reason}");
    world.post("ana", channel, "uno");
    world.settle();
    assert_eq!(world.texts("bruno", channel), ["uno"]);
}

#[test]
fn a_flood_of_false_welcomes_does_not_flood_the_officer() {
    let (mut world, _, genuine) = invited();
    for seq in 10..100 {
        let mut forged = genuine.clone();
        forged.commit.as_mut().unwrap().seq = seq;
        refused(&mut world, forged);
    }
    let told = refusals(&mut world).len();
    assert!((1..=16).contains(&told), "{told}");
    // Another authority's relay is told of all the same.
    let claimed = claimed_elsewhere(&world, &genuine);
    refused(&mut world, claimed.clone());
    assert_eq!(refusals(&mut world).len(), told + 1);
    world.clock.advance(std::time::Duration::from_secs(2 * 86_400));
    refused(&mut world, claimed);
    assert_eq!(refusals(&mut world).len(), told + 2, "the next day again");
    assert!(world.engine("bruno").take_welcome(genuine).unwrap());
}
