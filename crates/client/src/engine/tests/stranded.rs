//! A member whose change leaves others behind: they come back by whoever is there, and lose nothing.

use std::time::Duration;

use enlace_channel::mls::{Backend, Tamper};
use enlace_channel::policy::Role;
use enlace_log::{ChannelId, Seq};

use super::world::World;
use crate::engine::Wish;
use crate::notice::{ChangeAct, Notice};
use crate::store::ChannelStanding;

/// Longer than anybody waits for others.
const LONG: Duration = Duration::from_secs(12);

/// Garbles what is sealed to some keys.
struct Garble(Vec<Vec<u8>>);

impl Tamper for Garble {
    fn sealed(&self, receiver: &[u8], ciphertext: &mut Vec<u8>) {
        if self.0.iter().any(|key| key == receiver) {
            *ciphertext.last_mut().unwrap() ^= 1;
        }
    }
}

fn encryption_key(world: &mut World, channel: ChannelId, of: &str) -> Vec<u8> {
    let leaf = world.chain_of(of);
    let found = world.engine("bruno").write::<_, crate::engine::EngineError>(|work| {
        let channel = work.take(channel)?.unwrap();
        let members = channel.view()?.members.into_iter();
        let mut found = members.filter(|member| member.chain == leaf);
        let key = found.next().unwrap().encryption_key.to_vec();
        work.keep(channel);
        Ok(key)
    });
    found.unwrap()
}

fn standing(world: &mut World, name: &str, channel: ChannelId) -> ChannelStanding {
    world.engine(name).read(|tx| tx.channel(channel)).unwrap().unwrap().standing
}

/// Bruno renews his keys, and garbles what is for these. Where that stands.
fn strand(world: &mut World, channel: ChannelId, victims: &[&str]) -> Seq {
    let keys = victims.iter().map(|victim| encryption_key(world, channel, victim)).collect();
    let garbling = Backend::dangerous_with_tamper(Box::new(Garble(keys))).unwrap();
    world.engine("bruno").backend = garbling;
    world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
    let since = Seq(world.hub.logs[&channel].items.len() as u64);
    while world.hub.logs[&channel].items.len() as u64 == since.0 {
        world.pump("bruno");
    }
    world.engine("bruno").backend = Backend::new().unwrap();
    for victim in victims {
        world.deliver(victim);
        assert_eq!(standing(world, victim, channel), ChannelStanding::Stranded);
    }
    since
}

fn has(world: &mut World, name: &str, channel: ChannelId, notice: &Notice) -> bool {
    world.notices(name, channel).contains(notice)
}

#[test]
fn a_stranded_device_comes_back_and_what_it_wrote_goes_out() {
    let mut world = World::new();
    let channel = world.case();
    let since = strand(&mut world, channel, &["eva"]);
    world.post("eva", channel, "mientras tanto");
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        assert!(world.texts(name, channel).contains(&"mientras tanto".to_owned()), "{name}");
    }
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
    assert_ne!(standing(&mut world, "eva", channel), ChannelStanding::Stranded);

    let (ana, bruno, eva) = (world.device("ana"), world.device("bruno"), world.device("eva"));
    let told = world.notices("eva", channel);
    assert!(told.iter().any(|n| matches!(n, Notice::Stranded { by, .. } if *by == bruno)));
    assert!(has(&mut world, "eva", channel, &Notice::PutBack { by: ana.clone() }));
    let guilty = Some(bruno);
    let asked = Notice::BackRequested { device: eva.clone(), since: since.0, guilty };
    let back =
        Notice::Changed { by: ana, acts: vec![ChangeAct::PutBack { device: eva, since: since.0 }] };
    for name in ["ana", "bruno"] {
        assert!(has(&mut world, name, channel, &asked), "{name}");
        assert!(has(&mut world, name, channel, &back), "{name}");
    }
}

#[test]
fn the_owner_comes_back_too() {
    let mut world = World::new();
    world.enroll("dario", "mp");
    let channel = world.case();
    let dario = world.address("dario");
    world.engine("bruno").wish(channel, Wish::Add(dario, Role::Observer)).unwrap();
    world.settle();
    strand(&mut world, channel, &["ana"]);
    world.post("ana", channel, "la titular");
    world.pass(LONG);
    world.assert_agreement(channel, &["ana", "bruno", "eva", "dario"]);
    for name in ["bruno", "eva", "dario"] {
        assert_eq!(world.texts(name, channel), ["la titular"], "{name}");
    }
    assert!(!world.notices("ana", channel).iter().any(|n| matches!(n, Notice::Removed { .. })));
}

/// Nobody else is there but the one whose change it was.
#[test]
fn whoever_is_at_fault_goes_last_and_does_it_where_nobody_else_does() {
    let mut world = World::new();
    let channel = world.case();
    strand(&mut world, channel, &["eva"]);
    let alone = ["bruno", "eva"];
    let run = |world: &mut World, seconds: u64| {
        for _ in 0..seconds * 5 {
            for name in alone {
                world.deliver(name);
                world.pump(name);
            }
            world.clock.advance(Duration::from_millis(200));
        }
    };
    run(&mut world, 20);
    assert_eq!(standing(&mut world, "eva", channel), ChannelStanding::Stranded);
    run(&mut world, 40);
    assert_eq!(standing(&mut world, "eva", channel), ChannelStanding::Provisional);
    let unsent = world.post("eva", channel, "a la espera");
    run(&mut world, 5);
    assert!(world.engine("eva").pending().unwrap().contains(&unsent), "Ana could tell");
    world.post("ana", channel, "estoy aquí");
    world.settle();
    assert_eq!(world.texts("ana", channel), ["estoy aquí", "a la espera"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn a_program_that_ends_in_between_comes_back_all_the_same() {
    let mut world = World::new();
    let channel = world.case();
    strand(&mut world, channel, &["eva"]);
    world.restart("eva");
    world.restart("ana");
    world.post("ana", channel, "sigo");
    world.pass(LONG);
    world.restart("eva");
    world.post("eva", channel, "de vuelta");
    world.settle();
    assert_eq!(world.texts("bruno", channel), ["sigo", "de vuelta"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}
