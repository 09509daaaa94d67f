//! A channel that goes on in another group.

use std::time::Duration;

use enlace_channel::mls::{Backend, Tamper};
use enlace_log::{ChannelId, Generation};

use super::world::World;
use crate::engine::{ActError, Wish};
use crate::notice::{ChangeAct, Notice};
use crate::store::OutboxState;

const ALL: [&str; 3] = ["ana", "bruno", "eva"];

fn renew(world: &mut World, channel: ChannelId) {
    world.engine("ana").wish(channel, Wish::RenewChannel(None)).unwrap();
    world.settle();
}

fn generation(world: &mut World, name: &str, channel: ChannelId) -> Generation {
    world.policy(name, channel).generation()
}

#[test]
fn the_owner_gives_everybody_fresh_keys_and_all_goes_on() {
    let mut world = World::new();
    let channel = world.case();
    world.post("bruno", channel, "antes");
    world.settle();
    for other in ["bruno", "eva"] {
        let refused = world.engine(other).wish(channel, Wish::RenewChannel(None));
        assert!(matches!(refused, Err(ActError::OwnerRenews)), "{other}");
    }
    let refused = world.engine("eva").wish(channel, Wish::RescueChannel);
    assert!(matches!(refused, Err(ActError::NotEntitled)));
    renew(&mut world, channel);
    for name in ALL {
        assert_eq!(generation(&mut world, name, channel), Generation(1), "{name}");
        let founded = |notice: &Notice| {
            let fresh = ChangeAct::Founded { poisoned: false };
            matches!(notice, Notice::Changed { acts, .. } if acts.contains(&fresh))
        };
        assert!(world.notices(name, channel).iter().any(founded), "{name}");
        world.post(name, channel, name);
        world.settle();
    }
    let texts = world.texts("ana", channel);
    assert_eq!(texts, ["antes", "ana", "bruno", "eva"]);
    for name in ["bruno", "eva"] {
        assert_eq!(world.texts(name, channel), texts);
        world.restart(name);
    }
    world.post("bruno", channel, "tras reiniciar");
    world.settle();
    assert_eq!(world.texts("eva", channel).len(), 5);
    world.assert_agreement(channel, &ALL);
}

/// Weeks away: two hundred changes and two successions later it comes back by itself, reads everything
/// and sends what it had queued, under the signature that it was written with.
#[test]
fn who_was_away_across_two_hundred_changes_and_two_successions_comes_back_by_itself() {
    let mut world = World::new();
    let channel = world.case();
    let queued = world.post("eva", channel, "antes de irme");
    let away = world.officers.remove("eva").unwrap();
    for half in 0..2 {
        for _ in 0..100 {
            world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
            while world.pump("bruno") + world.deliver("bruno") > 0 {}
        }
        world.post("bruno", channel, &format!("mitad {half}"));
        world.settle();
        renew(&mut world, channel);
        world.post("ana", channel, &format!("tras {half}"));
        world.settle();
    }
    world.officers.insert("eva", away);
    world.restart("eva");
    world.settle();
    assert_eq!(generation(&mut world, "eva", channel), Generation(2));
    let row = world.engine("eva").read(|tx| tx.outbox_of(queued)).unwrap().unwrap();
    assert!(matches!(row.state, OutboxState::Accepted(Some(_))), "{row:?}");
    let expected = ["mitad 0", "tras 0", "mitad 1", "tras 1", "antes de irme"];
    for name in ALL {
        assert_eq!(world.texts(name, channel), expected, "{name}");
    }
    world.assert_agreement(channel, &ALL);
}

#[test]
fn who_comes_in_while_a_new_group_is_prepared_is_taken_along() {
    let mut world = World::new();
    world.enroll("dario", "mp");
    let channel = world.case();
    let dario = world.address("dario");
    world.engine("ana").wish(channel, Wish::RenewChannel(None)).unwrap();
    // Claimed, and leased, and not yet sent.
    world.pump("ana");
    world
        .engine("bruno")
        .wish(channel, Wish::Add(dario, enlace_channel::policy::Role::Member))
        .unwrap();
    while world.pump("bruno") + world.deliver("bruno") > 0 {}
    world.settle();
    for name in ["ana", "bruno", "eva", "dario"] {
        assert_eq!(generation(&mut world, name, channel), Generation(1), "{name}");
    }
    world.post("dario", channel, "aquí estoy");
    world.settle();
    assert_eq!(world.texts("ana", channel), ["aquí estoy"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva", "dario"]);
}

#[test]
fn a_device_without_a_key_package_is_waited_for_and_named() {
    let mut world = World::new();
    let channel = world.case();
    let bruno = world.address("bruno");
    world.hub.pools.remove(&bruno);
    world.engine("ana").wish(channel, Wish::RenewChannel(None)).unwrap();
    for _ in 0..5 {
        world.pump("ana");
        world.deliver("ana");
    }
    assert_eq!(generation(&mut world, "ana", channel), Generation(0));
    let named = Notice::NoKeyPackage { officer: bruno };
    assert!(world.notices("ana", channel).contains(&named));
    world.publish("bruno");
    world.pass(Duration::from_secs(40));
    for name in ALL {
        assert_eq!(generation(&mut world, name, channel), Generation(1), "{name}");
    }
}

#[test]
fn an_answer_that_is_lost_founds_one_group() {
    let mut world = World::new();
    let channel = world.case();
    world.engine("ana").wish(channel, Wish::RenewChannel(None)).unwrap();
    // Claim and lease are answered, the submission is not.
    world.pump("ana");
    world.pump("ana");
    assert_eq!(world.pump_into_the_void("ana"), 1);
    world.restart("ana");
    world.pass(Duration::from_secs(30));
    for name in ALL {
        assert_eq!(generation(&mut world, name, channel), Generation(1), "{name}");
    }
    world.assert_agreement(channel, &ALL);
}

/// Eva's program garbles what it seals to everybody, and goes silent: nobody is left to put the others
/// back, so that one of the leads founds the next group, by itself.
#[test]
fn where_everybody_is_stranded_a_lead_founds_the_next_group_by_itself() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, "antes");
    world.settle();
    world.garble("eva", true);
    world.engine("eva").wish(channel, Wish::RenewKeys).unwrap();
    while world.pump("eva") > 0 {}
    let eva = world.officers.remove("eva").unwrap();
    let queued = world.post("bruno", channel, "en cola");
    world.pass(Duration::from_secs(120));
    for name in ["ana", "bruno"] {
        assert_eq!(generation(&mut world, name, channel), Generation(1), "{name}");
        let notices = world.notices(name, channel);
        let told = |may: bool| move |n: &Notice| matches!(n, Notice::Stranded { may_rescue, .. } if *may_rescue == may);
        assert!(notices.iter().any(told(true)), "{name}: {notices:?}");
        assert!(notices.contains(&Notice::Resumed), "{name}");
    }
    let row = world.engine("ana").read(|tx| tx.outbox_of(queued)).unwrap();
    assert!(row.is_none());
    world.officers.insert("eva", eva);
    world.garble("eva", false);
    world.settle();
    world.post("eva", channel, "de vuelta");
    world.settle();
    for name in ALL {
        assert_eq!(world.texts(name, channel), ["antes", "en cola", "de vuelta"], "{name}");
    }
    world.assert_agreement(channel, &ALL);
}

/// Garbles the first secret that is sealed: one member's way into the next group.
struct GarbleFirst(std::sync::atomic::AtomicBool);

impl Tamper for GarbleFirst {
    fn sealed(&self, _: &[u8], ciphertext: &mut Vec<u8>) {
        if !self.0.swap(true, std::sync::atomic::Ordering::SeqCst) {
            *ciphertext.last_mut().unwrap() ^= 1;
        }
    }
}

#[test]
fn whom_a_founder_keeps_out_is_back_without_help_and_knows_who_it_was() {
    let mut world = World::new();
    let channel = world.case();
    let garbling = Backend::dangerous_with_tamper(Box::new(GarbleFirst(false.into()))).unwrap();
    world.engine("ana").backend = garbling;
    world.engine("ana").wish(channel, Wish::RenewChannel(None)).unwrap();
    while generation(&mut world, "ana", channel) == Generation(0) {
        world.pump("ana");
        world.deliver("ana");
    }
    world.engine("ana").backend = Backend::new().unwrap();
    for name in ["bruno", "eva"] {
        world.deliver(name);
    }
    let mut is_out = |name: &&str| generation(&mut world, name, channel) == Generation(0);
    let victim = ["bruno", "eva"].into_iter().find(&mut is_out).unwrap();
    let other = if victim == "eva" { "bruno" } else { "eva" };
    world.post(victim, channel, "desde fuera");
    world.post(other, channel, "desde dentro");
    world.pass(Duration::from_secs(12));
    let ana = world.device("ana");
    let told = world.notices(victim, channel);
    assert!(told.iter().any(|n| matches!(n, Notice::Stranded { by, .. } if *by == ana)));
    for name in ALL {
        assert_eq!(generation(&mut world, name, channel), Generation(1), "{name}");
        let mut texts = world.texts(name, channel);
        texts.sort();
        assert_eq!(texts, ["desde dentro", "desde fuera"], "{name}");
        let blames =
            |n: &Notice| matches!(n, Notice::VoidChange { .. } | Notice::Unreadable { .. });
        assert!(!world.notices(name, channel).iter().any(blames), "{name}");
    }
    world.assert_agreement(channel, &ALL);
}
