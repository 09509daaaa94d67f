//! The suspended go out of every channel, and come back by themselves.

use std::time::Duration;

use enlace_channel::entry::EntryKind;
use enlace_channel::policy::Role;
use enlace_identity::certificate::Serial;
use enlace_identity::chain::LeafUsage;
use enlace_log::ChannelId;

use super::world::World;
use crate::engine::Wish;
use crate::engine::sweep::CLOCKS;
use crate::notice::{ChangeAct, Notice};
use crate::testing::DAY;

/// Entries that pass lists on, as a member has them.
fn passed_on(world: &mut World, name: &str, channel: ChannelId) -> usize {
    let kinds = [EntryKind::RevocationList, EntryKind::Suspension];
    let of_kind = |kind: EntryKind| {
        let rows = world.engine(name).read(|tx| tx.entries_of_kind(channel, kind.code()));
        rows.unwrap().len()
    };
    kinds.map(of_kind).iter().sum()
}

const LONG: Duration = Duration::from_secs(12);

/// States whom Bruno's authority, or Ana's, suspends, and tells it to those members.
fn state(world: &mut World, told: &[&str], serial: u64, of: &str, suspended: &[&str]) {
    let now = enlace_transport::Clock::now(&*world.clock);
    let authority = if of == "fge" { &world.network.fge } else { &world.network.mp };
    let statement = authority.suspensions(serial, now, suspended);
    for name in told {
        world.engine(name).take_crls(std::slice::from_ref(&statement)).unwrap();
    }
}

fn is_in(world: &mut World, name: &str, channel: ChannelId, who: &str) -> Option<Role> {
    let address = world.address(who);
    world.policy(name, channel).role_of(&address)
}

fn acts(world: &mut World, name: &str, channel: ChannelId) -> Vec<ChangeAct> {
    let notices = world.notices(name, channel).into_iter();
    let acts = notices.filter_map(|notice| match notice {
        Notice::Changed { acts, .. } => Some(acts),
        _ => None,
    });
    acts.flatten().collect()
}

#[test]
fn the_suspended_go_and_come_back_when_it_is_lifted() {
    let mut world = World::new();
    let channel = world.case();
    state(&mut world, &["ana", "eva"], 5, "mp", &["bruno@mp.example"]);
    world.pass(LONG);
    assert_eq!(is_in(&mut world, "eva", channel, "bruno"), None);
    let removals = acts(&mut world, "eva", channel);
    let gone = |act: &&ChangeAct| matches!(act, ChangeAct::Removed { suspended: true, .. });
    assert_eq!(removals.iter().filter(gone).count(), 1);
    world.post("ana", channel, "sin Bruno");
    world.settle();

    state(&mut world, &["ana", "eva", "bruno"], 6, "mp", &[]);
    world.pass(LONG);
    assert_eq!(is_in(&mut world, "eva", channel, "bruno"), Some(Role::Lead));
    let returns = acts(&mut world, "eva", channel);
    let back = |act: &&ChangeAct| matches!(act, ChangeAct::Returned { .. });
    assert_eq!(returns.iter().filter(back).count(), 1);
    world.post("bruno", channel, "de vuelta");
    world.settle();
    assert_eq!(world.texts("eva", channel), ["sin Bruno", "de vuelta"]);
    assert_eq!(world.texts("bruno", channel), ["de vuelta"], "not what was said meanwhile");
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn they_come_back_when_it_ends_by_itself() {
    let mut world = World::new();
    let channel = world.case();
    state(&mut world, &["ana"], 5, "mp", &["bruno@mp.example"]);
    world.pass(LONG);
    assert_eq!(is_in(&mut world, "ana", channel, "bruno"), None);
    world.clock.advance(DAY * 7);
    world.pass(CLOCKS + 4 * LONG);
    assert_eq!(is_in(&mut world, "ana", channel, "bruno"), Some(Role::Lead));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// Suspends Bruno for a week, and then for a minute from now.
fn suspend_and_shorten(world: &mut World) {
    state(world, &["ana"], 5, "mp", &["bruno@mp.example"]);
    world.pass(LONG);
    let now = enlace_transport::Clock::now(&*world.clock);
    let minute = Duration::from_secs(60);
    let shorter = world.network.mp.suspensions_for(minute, 6, now, &["bruno@mp.example"]);
    world.engine("ana").take_crls(&[shorter]).unwrap();
}

#[test]
fn they_come_back_when_a_newer_statement_ends_sooner() {
    let mut world = World::new();
    let channel = world.case();
    suspend_and_shorten(&mut world);
    world.pass(LONG);
    assert_eq!(is_in(&mut world, "ana", channel, "bruno"), None);
    world.pass(CLOCKS + 9 * LONG);
    assert_eq!(is_in(&mut world, "ana", channel, "bruno"), Some(Role::Lead));
    // The former one, which would hold, has been replaced.
    state(&mut world, &["eva"], 5, "mp", &["bruno@mp.example"]);
    world.pass(LONG);
    assert_eq!(is_in(&mut world, "eva", channel, "bruno"), Some(Role::Lead));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn a_program_that_was_started_knows_a_statement_that_is_over() {
    let mut world = World::new();
    let channel = world.case();
    suspend_and_shorten(&mut world);
    world.clock.advance(DAY);
    world.restart("ana");
    world.engine("ana").load_crls().unwrap();
    world.pass(LONG);
    assert_eq!(is_in(&mut world, "eva", channel, "bruno"), Some(Role::Lead));
}

/// The owner's authority has nobody else who is a lead: the channel waits for it.
#[test]
fn a_suspended_owner_comes_back_as_the_owner() {
    let mut world = World::new();
    let channel = world.case();
    state(&mut world, &["bruno"], 5, "fge", &["ana@fge.example"]);
    world.pass(LONG);
    assert_eq!(world.policy("bruno", channel).owners().count(), 0);
    state(&mut world, &["eva"], 6, "fge", &[]);
    world.pass(LONG);
    assert_eq!(is_in(&mut world, "bruno", channel, "ana"), Some(Role::Owner));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn who_was_removed_by_hand_meanwhile_stays_out() {
    let mut world = World::new();
    let channel = world.case();
    world.enroll("dario", "mp");
    let dario = world.address("dario");
    world.engine("bruno").wish(channel, Wish::Add(dario.clone(), Role::Member)).unwrap();
    world.settle();
    world.engine("bruno").wish(channel, Wish::Remove(dario)).unwrap();
    world.settle();
    state(&mut world, &["ana", "bruno"], 5, "mp", &["dario@mp.example"]);
    world.pass(LONG);
    state(&mut world, &["ana", "bruno"], 6, "mp", &[]);
    world.pass(LONG);
    assert_eq!(is_in(&mut world, "ana", channel, "dario"), None);
}

#[test]
fn a_program_that_was_started_knows_whom_to_let_in_again() {
    let mut world = World::new();
    let channel = world.case();
    state(&mut world, &["ana"], 5, "mp", &["bruno@mp.example"]);
    world.pass(LONG);
    state(&mut world, &["ana"], 6, "mp", &[]);
    world.restart("ana");
    world.engine("ana").load_crls().unwrap();
    world.pass(LONG);
    assert_eq!(is_in(&mut world, "eva", channel, "bruno"), Some(Role::Lead));
}

#[test]
fn a_statement_travels_in_the_channel_once() {
    let mut world = World::new();
    let channel = world.case();
    // Only Ana and Eva hear of it from their relay.
    state(&mut world, &["ana", "eva"], 5, "fge", &["nadie@fge.example"]);
    world.pass(LONG);
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(passed_on(&mut world, name, channel), 1, "{name}");
        assert!(world.texts(name, channel).is_empty(), "it says nothing to anybody");
    }
    let fge = world.network.fge.domain.clone();
    assert_eq!(world.engine("bruno").trust.suspensions_of(&fge).map(|s| s.serial), Some(5));
    // Nobody repeats it, not after a restart, and not who came in later.
    world.enroll("dario", "mp");
    let dario = world.address("dario");
    world.engine("bruno").wish(channel, Wish::Add(dario, Role::Member)).unwrap();
    world.settle();
    world.restart("eva");
    world.engine("eva").load_crls().unwrap();
    world.pass(LONG);
    assert_eq!(passed_on(&mut world, "ana", channel), 1);
}

#[test]
fn a_list_travels_in_the_channel_when_it_revokes_more() {
    let mut world = World::new();
    let channel = world.case();
    world.clock.advance(DAY * 2);
    let serial = |world: &World, name: &str| {
        let chain = world.chain_of(name);
        let now = enlace_transport::Clock::now(&*world.clock);
        let leaf = world.network.bundle().verify(&chain, now, LeafUsage::Device).unwrap();
        leaf.serial().clone()
    };
    world.enroll("dario", "mp");
    let revoked = serial(&world, "dario");
    let tell = |world: &mut World, number, revoked: Option<&Serial>| {
        let now = enlace_transport::Clock::now(&*world.clock);
        let lists = world.network.mp.crls_at(number, now, revoked);
        world.engine("ana").take_crls(&lists).unwrap();
        world.pass(LONG);
        passed_on(world, "eva", channel)
    };
    assert_eq!(tell(&mut world, 2, None), 0, "nobody is concerned");
    assert_eq!(tell(&mut world, 3, Some(&revoked)), 1);
    assert_eq!(tell(&mut world, 4, Some(&revoked)), 1, "the same again");
}
