//! Officers whose programs are of two versions.

use std::time::Duration;

use enlace_channel::channel::ChannelError;
use enlace_channel::known_rules::ProgramRules;
use enlace_log::ChannelId;

use super::world::World;
use crate::engine::{ActError, ReceiveError, Wish};
use crate::notice::{ChangeAct, Notice};

const HOUR: Duration = Duration::from_secs(3600);

/// An officer installs a program whose newest rules are these, and starts it.
fn install(world: &mut World, name: &'static str, newest: u32) {
    world.rules.insert(world.device(name), ProgramRules::dangerous_up_to(newest));
    world.restart(name);
}

/// Programs renew what their leaves say in a quiet moment.
fn quiet_hours(world: &mut World) {
    for name in ["ana", "bruno", "eva"] {
        world.clock.advance(HOUR);
        world.engine(name).renew_keys().unwrap();
        world.settle();
    }
}

fn version(world: &mut World, name: &str, channel: ChannelId) -> u32 {
    world.policy(name, channel).rules_version()
}

#[test]
fn a_channel_follows_newer_rules_once_every_program_was_updated() {
    let mut world = World::new();
    let channel = world.case();
    let raise = |world: &mut World| world.engine("ana").wish(channel, Wish::RaiseRules);
    assert!(matches!(raise(&mut world), Err(ActError::NewestRules)));

    install(&mut world, "ana", 2);
    install(&mut world, "bruno", 2);
    quiet_hours(&mut world);
    let Err(ActError::ProgramsBehind(devices)) = raise(&mut world) else { panic!("eva can't") };
    assert_eq!(devices, world.device("eva").to_string());

    install(&mut world, "eva", 2);
    quiet_hours(&mut world);
    let by_eva = world.engine("eva").wish(channel, Wish::RaiseRules);
    assert!(matches!(by_eva, Err(ActError::OwnerRaisesRules)));
    raise(&mut world).unwrap();
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(version(&mut world, name, channel), 2);
        let told = world.notices(name, channel).into_iter().any(|notice| {
            matches!(notice, Notice::Changed { acts, .. } if acts == [ChangeAct::RulesRaised { to: 2 }])
        });
        assert!(told, "{name}");
    }
    world.post("eva", channel, "bajo las reglas nuevas");
    world.settle();
    assert_eq!(world.texts("bruno", channel), ["bajo las reglas nuevas"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn a_program_that_was_put_back_rests_and_keeps_what_it_is_to_send() {
    let mut world = World::new();
    let channel = world.case();
    for name in ["ana", "bruno", "eva"] {
        install(&mut world, name, 2);
    }
    quiet_hours(&mut world);
    world.engine("ana").wish(channel, Wish::RaiseRules).unwrap();
    world.settle();

    install(&mut world, "eva", 1);
    world.post("bruno", channel, "la reunión es el lunes");
    while world.pump("bruno") > 0 {}
    let next = world.engine("eva").followed_channel(channel).unwrap().unwrap().next;
    let refused = world.receive("eva", channel, next).unwrap_err();
    let newer = ReceiveError::Channel(ChannelError::NeedsNewerVersion(2));
    assert_eq!(refused.to_string(), newer.to_string());
    for _ in 0..2 {
        world.engine("eva").needs_newer_version(channel).unwrap();
    }
    let told = world.notices("eva", channel);
    assert_eq!(told.iter().filter(|notice| **notice == Notice::NeedsNewerVersion).count(), 1);
    world.post("eva", channel, "allí estaré");
    assert_eq!(world.pump("eva"), 0);
    assert_eq!(world.engine("eva").pending().unwrap().len(), 1, "the note waits");

    install(&mut world, "eva", 2);
    world.clock.advance(HOUR);
    world.settle();
    let both = ["la reunión es el lunes", "allí estaré"];
    assert_eq!(world.texts("eva", channel), both);
    assert_eq!(world.texts("ana", channel), both);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}
