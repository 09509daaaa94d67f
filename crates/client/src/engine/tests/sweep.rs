//! Revoked devices are taken out of the channels by whoever learns of it.

use std::time::Duration;

use enlace_channel::policy::Role;
use enlace_identity::chain::LeafUsage;
use enlace_log::ChannelId;

use super::world::World;
use crate::engine::Wish;
use crate::notice::{ChangeAct, Notice};
use crate::store::ChannelStanding;
use crate::task::Task;

/// Longer than anybody waits for others in a small channel.
const LONG: Duration = Duration::from_secs(10);

/// The lists of a device's authority that revoke it.
pub(super) fn lists_against(world: &mut World, name: &str) -> Vec<Vec<u8>> {
    let chain = world.chain_of(name);
    let now = enlace_transport::Clock::now(&*world.clock);
    let leaf = world.network.bundle().verify(&chain, now, LeafUsage::Device).unwrap();
    let is_fge = leaf.name().domain() == &world.network.fge.domain;
    let authority = if is_fge { &world.network.fge } else { &world.network.mp };
    authority.crls(9, Some(leaf.serial()))
}

fn tell(world: &mut World, names: &[&str], lists: &[Vec<u8>]) {
    for name in names {
        world.engine(name).take_crls(lists).unwrap();
    }
}

/// Each removal that a member was told of: who went, and whether for a revocation.
fn removals(world: &mut World, name: &str, channel: ChannelId) -> Vec<(String, bool)> {
    let notices = world.notices(name, channel).into_iter();
    let acts = notices.filter_map(|notice| match notice {
        Notice::Changed { acts, .. } => Some(acts),
        _ => None,
    });
    acts.flatten()
        .filter_map(|act| match act {
            ChangeAct::Removed { officer, revoked, .. } => {
                Some((officer.name().to_owned(), revoked))
            }
            _ => None,
        })
        .collect()
}

fn is_in(world: &mut World, name: &str, channel: ChannelId, who: &str) -> bool {
    let address = world.address(who);
    world.policy(name, channel).role_of(&address).is_some()
}

#[test]
fn whoever_learns_of_a_revocation_removes_the_device() {
    let mut world = World::new();
    let channel = world.case();
    let lists = lists_against(&mut world, "bruno");
    // Eva is a member of another authority: she has no say about Bruno otherwise.
    tell(&mut world, &["eva"], &lists);
    world.pass(LONG);
    for name in ["ana", "eva"] {
        assert_eq!(removals(&mut world, name, channel), [("bruno".to_owned(), true)], "{name}");
        assert!(!is_in(&mut world, name, channel, "bruno"));
    }
    world.post("ana", channel, "sin Bruno");
    world.settle();
    assert_eq!(world.texts("eva", channel), ["sin Bruno"]);
    assert!(world.texts("bruno", channel).is_empty());
    world.assert_agreement(channel, &["ana", "eva"]);
}

#[test]
fn one_removes_it_and_the_others_have_nothing_to_do() {
    let mut world = World::new();
    let channel = world.case();
    let lists = lists_against(&mut world, "bruno");
    tell(&mut world, &["ana", "eva"], &lists);
    tell(&mut world, &["ana", "eva"], &lists);
    let waiting = |world: &mut World, name: &str| {
        let rows = world.engine(name).read(|tx| tx.queued(None)).unwrap();
        rows.iter().filter(|row| matches!(row.task, Task::RemoveRevoked { .. })).count()
    };
    world.pump("ana");
    world.pump("eva");
    assert_eq!((waiting(&mut world, "ana"), waiting(&mut world, "eva")), (1, 1));
    world.pass(LONG);
    assert_eq!((waiting(&mut world, "ana"), waiting(&mut world, "eva")), (0, 0));
    assert_eq!(removals(&mut world, "ana", channel).len(), 1);
    world.assert_agreement(channel, &["ana", "eva"]);
}

#[test]
fn whoever_comes_in_later_is_looked_at_too() {
    let mut world = World::new();
    let channel = world.create("ana");
    let lists = lists_against(&mut world, "bruno");
    tell(&mut world, &["ana"], &lists);
    world.pass(LONG);
    // Nobody asked the relay whether he is revoked before he was let in.
    let bruno = world.address("bruno");
    world.engine("ana").wish(channel, Wish::Add(bruno, Role::Lead)).unwrap();
    world.pass(LONG);
    assert_eq!(removals(&mut world, "ana", channel), [("bruno".to_owned(), true)]);
}

/// What a connection's hello brings is trusted before the engine hears of it.
#[test]
fn lists_that_hello_brings_start_it_too() {
    let mut world = World::new();
    let channel = world.case();
    world.pump("ana");
    for list in lists_against(&mut world, "bruno") {
        world.engine("ana").trust.insert_crl(&list).unwrap();
    }
    world.engine("ana").save_crls().unwrap();
    world.pass(LONG);
    assert_eq!(removals(&mut world, "eva", channel), [("bruno".to_owned(), true)]);
}

#[test]
fn a_program_that_was_started_looks_again() {
    let mut world = World::new();
    let channel = world.case();
    let lists = lists_against(&mut world, "bruno");
    // The power went when the lists were written down.
    tell(&mut world, &["ana"], &lists);
    world.restart("ana");
    world.engine("ana").load_crls().unwrap();
    world.pass(LONG);
    assert_eq!(removals(&mut world, "eva", channel), [("bruno".to_owned(), true)]);
}

#[test]
fn a_revoked_owner_goes_and_a_lead_of_its_authority_succeeds() {
    let mut world = World::new();
    let channel = world.case();
    let eva = world.address("eva");
    world.engine("ana").wish(channel, Wish::SetRole(eva.clone(), Role::Lead)).unwrap();
    world.settle();
    let lists = lists_against(&mut world, "ana");
    tell(&mut world, &["bruno"], &lists);
    world.pass(LONG);
    let policy = world.policy("bruno", channel);
    assert_eq!(policy.owners().collect::<Vec<_>>(), [&eva]);
    assert!(!is_in(&mut world, "eva", channel, "ana"));
    world.assert_agreement(channel, &["bruno", "eva"]);
}

#[test]
fn an_owner_whom_nobody_succeeds_goes_too() {
    let mut world = World::new();
    let channel = world.case();
    let lists = lists_against(&mut world, "ana");
    tell(&mut world, &["eva"], &lists);
    world.pass(LONG);
    assert_eq!(world.policy("bruno", channel).owners().count(), 0);
    world.post("bruno", channel, "seguimos");
    world.settle();
    assert_eq!(world.texts("eva", channel), ["seguimos"]);
    // The lead of the other authority still decides about its own.
    world.enroll("dario", "mp");
    let dario = world.address("dario");
    world.engine("bruno").wish(channel, Wish::Add(dario, Role::Member)).unwrap();
    world.settle();
    world.assert_agreement(channel, &["bruno", "eva", "dario"]);
}

#[test]
fn a_revoked_device_does_not_remove_itself() {
    let mut world = World::new();
    let channel = world.case();
    let lists = lists_against(&mut world, "bruno");
    tell(&mut world, &["bruno"], &lists);
    world.pass(LONG);
    let row = world.engine("bruno").read(|tx| tx.channel(channel)).unwrap().unwrap();
    assert_eq!(row.standing, ChannelStanding::Member);
    assert!(removals(&mut world, "bruno", channel).is_empty());
}

#[test]
fn leads_of_its_authority_go_first() {
    let mut world = World::new();
    world.enroll("dario", "mp");
    let channel = world.case();
    let dario = world.address("dario");
    world.engine("bruno").wish(channel, Wish::Add(dario, Role::Member)).unwrap();
    world.settle();
    let lists = lists_against(&mut world, "dario");
    tell(&mut world, &["ana", "bruno", "eva"], &lists);
    let began = enlace_transport::Clock::now(&*world.clock);
    let mut turn_of = |name: &str| {
        world.pump(name);
        let rows = world.engine(name).read(|tx| tx.queued(None)).unwrap();
        let row = rows.iter().find(|row| matches!(row.task, Task::RemoveRevoked { .. }));
        row.map_or(Duration::ZERO, |row| row.not_before.since(began))
    };
    let (lead, owner, member) = (turn_of("bruno"), turn_of("ana"), turn_of("eva"));
    assert!(lead < owner && owner < member, "{lead:?} {owner:?} {member:?}");
    assert!(lead <= Duration::from_secs(2) && member <= Duration::from_secs(7));
}
