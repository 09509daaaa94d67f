//! A device's certificate is renewed in time, and a relay can put no other one in its place.

use std::time::Duration;

use enlace_channel::policy::Role;
use enlace_identity::certificate::{Serial, UnverifiedChain};
use enlace_identity::issue::{Approval, CertificateRequest};
use enlace_identity::keys::{PublicKey, SigningKey};
use enlace_identity::names::LeafName;
use enlace_identity::time::Validity;
use enlace_log::ChannelId;
use enlace_transport::Clock as _;

use super::world::World;
use crate::engine::{CertificateRefused, EngineError, Wish};
use crate::notice::{ChangeAct, Notice};
use crate::testing::TestAuthority;

const DAY: Duration = Duration::from_secs(86_400);

/// A certificate for `days` from now.
fn issue(
    world: &World,
    by: &TestAuthority,
    name: &str,
    key: &PublicKey,
    days: u32,
) -> UnverifiedChain {
    let name: LeafName = name.parse().unwrap();
    let validity = Validity::starting(world.clock.now().minus(DAY), DAY * (days + 1));
    let approval =
        Approval { name, common_name: "Eva Ruiz".to_owned(), validity, serial: Serial::generate() };
    by.issuing.issue_for_key(key, &approval).unwrap()
}

fn request(world: &mut World) -> CertificateRequest {
    CertificateRequest::from_der(&world.engine("eva").certificate_request().unwrap()).unwrap()
}

/// The certificate with which a member stands in the channel, as another one sees it.
fn leaf_of_eva(world: &mut World, seen_by: &str, channel: ChannelId) -> UnverifiedChain {
    let eva = world.device("eva");
    let members = world.engine(seen_by).write::<_, EngineError>(|work| {
        let channel = work.take(channel)?.unwrap();
        let members = channel.view()?.members;
        work.keep(channel);
        Ok(members)
    });
    let is_eva =
        |chain: &UnverifiedChain| chain.unverified_name().unwrap() == LeafName::Device(eva.clone());
    members.unwrap().into_iter().map(|member| member.chain).find(is_eva).unwrap()
}

#[test]
fn it_is_asked_for_at_half_of_the_lifetime_and_not_before() {
    let mut world = World::new();
    world.clock.advance(DAY * 43);
    assert_eq!(world.engine("eva").certificate_request(), None);
    world.clock.advance(DAY * 2);
    let request = request(&mut world);
    assert_eq!(request.name(), Some(&LeafName::Device(world.device("eva"))));
    assert_eq!(request.public_key(), world.officers["eva"].key_for_tests().public());
}

#[test]
fn a_renewed_certificate_reaches_every_channel_and_outlives_the_program() {
    let mut world = World::new();
    let channel = world.case();
    let other = world.create("eva");
    world.clock.advance(DAY * 60);
    let asked = request(&mut world);
    let name = asked.name().unwrap().to_string();
    let chain = issue(&world, &world.network.fge, &name, &asked.public_key(), 90);
    world.engine("eva").take_certificate(&chain.ders()).unwrap();
    assert_eq!(world.engine("eva").certificate_request(), None);

    world.restart("eva");
    world.engine("eva").load_certificate().unwrap();
    assert_eq!(world.engine("eva").device().chain, chain);
    world.engine("eva").renew_keys().unwrap();
    world.settle();
    for (seen_by, channel) in [("bruno", channel), ("ana", channel), ("eva", other)] {
        assert_eq!(leaf_of_eva(&mut world, seen_by, channel), chain, "{seen_by}");
    }
    let eva = world.device("eva");
    let told = world.notices("bruno", channel).into_iter().any(|notice| {
        matches!(notice, Notice::Changed { acts, .. }
            if acts == [ChangeAct::Renewed { device: eva.clone() }])
    });
    assert!(told);

    // Past the end of the certificate that she came with.
    world.clock.advance(DAY * 40);
    world.post("eva", channel, "sigo aquí");
    world.settle();
    assert_eq!(world.texts("bruno", channel), ["sigo aquí"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn who_has_a_new_certificate_is_let_in_with_it() {
    let mut world = World::new();
    let channel = world.create("ana");
    world.clock.advance(DAY * 60);
    for name in ["ana", "eva"] {
        let asked = world.engine(name).certificate_request().unwrap();
        let asked = CertificateRequest::from_der(&asked).unwrap();
        let device = asked.name().unwrap().to_string();
        let chain = issue(&world, &world.network.fge, &device, &asked.public_key(), 90);
        world.engine(name).take_certificate(&chain.ders()).unwrap();
        world.publish(name);
    }
    // Past the end of what was there before.
    world.clock.advance(DAY * 40);
    let eva = world.address("eva");
    world.engine("ana").wish(channel, Wish::Add(eva, Role::Member)).unwrap();
    world.settle();
    let chain = world.engine("eva").device().chain.clone();
    assert_eq!(leaf_of_eva(&mut world, "ana", channel), chain);
}

#[test]
fn no_commit_of_another_kind_waits_for_the_new_certificate() {
    let mut world = World::new();
    let channel = world.create("eva");
    world.clock.advance(DAY * 60);
    let asked = request(&mut world);
    let name = asked.name().unwrap().to_string();
    let chain = issue(&world, &world.network.fge, &name, &asked.public_key(), 90);
    world.engine("eva").take_certificate(&chain.ders()).unwrap();
    world.engine("eva").wish(channel, crate::engine::Wish::SetClosed(true)).unwrap();
    world.settle();
    assert_eq!(leaf_of_eva(&mut world, "eva", channel), chain);
}

#[test]
fn a_relay_puts_no_other_certificate_in_its_place() {
    let mut world = World::new();
    world.clock.advance(DAY * 60);
    let (eva, ana) = (world.device("eva").to_string(), world.device("ana").to_string());
    let own = world.officers["eva"].key_for_tests().public();
    let before = world.engine("eva").device().chain.clone();
    let (fge, mp) = (&world.network.fge, &world.network.mp);
    let others = issue(&world, fge, &ana, &own, 90);
    let other_key = issue(&world, fge, &eva, &SigningKey::generate().public(), 90);
    let shorter = issue(&world, fge, &eva, &own, 10);
    let foreign_name = eva.replace("fge.example", "mp.example");
    let foreign = issue(&world, mp, &foreign_name, &own, 90);
    let unknown = TestAuthority::new("fge.example");
    let unknown = issue(&world, &unknown, &eva, &own, 90);
    let take = |world: &mut World, chain: &UnverifiedChain| {
        world.engine("eva").take_certificate(&chain.ders()).unwrap_err()
    };
    assert!(matches!(take(&mut world, &others), CertificateRefused::OtherName(_)));
    assert!(matches!(take(&mut world, &foreign), CertificateRefused::OtherName(_)));
    assert!(matches!(take(&mut world, &other_key), CertificateRefused::OtherKey));
    assert!(matches!(take(&mut world, &shorter), CertificateRefused::NotLater));
    assert!(matches!(take(&mut world, &before), CertificateRefused::NotLater));
    assert!(matches!(take(&mut world, &unknown), CertificateRefused::Chain(_)));
    let garbage = world.engine("eva").take_certificate(&[vec![48, 0]]).unwrap_err();
    assert!(matches!(garbage, CertificateRefused::Format(_)));
    assert_eq!(world.engine("eva").device().chain, before);
    world.restart("eva");
    world.engine("eva").load_certificate().unwrap();
    assert_eq!(world.engine("eva").device().chain, before);
}
