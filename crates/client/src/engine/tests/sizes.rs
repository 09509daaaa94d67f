//! What a note weighs on the wire. Sizes are exact: nothing here depends on time or chance.

use std::time::Duration;

use enlace_channel::policy::Role;
use enlace_log::Seq;
use enlace_proto::relay::v1 as wire;
use prost::Message as _;

use super::world::World;
use crate::engine::{Action, Wish};

/// The most bytes of UDP payload that a note may take: what every path carries (RFC 9000 §14).
const DATAGRAM: usize = 1200;

/// What stands round a message in its datagram: the frame's kind and length (6 bytes), a short QUIC
/// header (1, connection id 8, packet number up to 4), AEAD tag (16), STREAM frame (up to 16), and
/// an acknowledgement of what came before (up to 12).
const ROUND: usize = 6 + 13 + 16 + 16 + 12;

/// 200 characters of which 20 take two bytes.
fn note() -> String {
    let text = "La ciudadanía pidió información. ".repeat(7);
    text.chars().take(200).collect()
}

#[test]
fn a_note_of_200_characters_is_one_datagram_each_way() {
    let author = "maria-fernanda-gonzalez";
    let mut world = World::new();
    let channel = world.case();
    let more = [author, "carla", "dora", "emilio", "fatima"];
    for name in more {
        world.enroll(name, "fge");
        let officer = world.address(name);
        world.engine("ana").wish(channel, Wish::Add(officer, Role::Member)).unwrap();
        world.settle();
    }
    for name in ["bruno", "carla"] {
        world.post(name, channel, "antes");
        world.settle();
    }
    let everybody: Vec<&str> = ["ana", "bruno", "eva"].into_iter().chain(more).collect();
    world.assert_agreement(channel, &everybody);

    // The relay has had the newest head on this connection: it sent it.
    let next = world.engine(author).followed_channel(channel).unwrap().unwrap().next;
    let last = Seq(next.0 - 1);
    world.officers.get_mut(author).unwrap().lanes.head_was_shown(channel, last);
    world.post(author, channel, &note());
    let officer = world.officers.get_mut(author).unwrap();
    let plan = officer.engine.plan(&mut officer.lanes).unwrap();
    let [Action::Submit(_, _, request)] = &plan.actions[..] else { panic!("{plan:?}") };
    assert_eq!(request.known_head, None);
    let there = request.encoded_len();
    assert!(there + ROUND <= DATAGRAM, "{there} bytes to the hub");

    let action = plan.actions[0].clone();
    let _ = world.call(&action);
    world.clock.advance(Duration::from_secs(1));
    let items = world.hub.items_from(channel, next);
    assert_eq!(items.len(), 1);
    let event = wire::subscription_event::Event::Items(wire::Items {
        channel: Some(channel.to_wire()),
        items,
        head: Some(world.hub.head(channel)),
    });
    let back = wire::SubscriptionEvent { event: Some(event) }.encoded_len();
    assert!(back + ROUND <= DATAGRAM, "{back} bytes to a member");
}

#[test]
fn a_head_that_the_relay_has_not_seen_goes_with_what_is_submitted() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, "hola");
    let officer = world.officers.get_mut("ana").unwrap();
    officer.lanes = crate::engine::Lanes::default();
    let plan = officer.engine.plan(&mut officer.lanes).unwrap();
    let [action @ Action::Submit(_, _, request)] = &plan.actions[..] else { panic!("{plan:?}") };
    let newest = world.hub.head(channel);
    assert_eq!(request.known_head.as_ref(), Some(&newest));
    let answer = world.call(action);
    let officer = world.officers.get_mut("ana").unwrap();
    officer.engine.take_answer(action, answer, &mut officer.lanes).unwrap();
    world.post("ana", channel, "otra vez");
    let officer = world.officers.get_mut("ana").unwrap();
    let plan = officer.engine.plan(&mut officer.lanes).unwrap();
    let [Action::Submit(_, _, request)] = &plan.actions[..] else { panic!("{plan:?}") };
    assert_eq!(request.known_head, None, "once on each connection is enough");
}
