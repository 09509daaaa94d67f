use enlace_channel::policy::Role;

use super::world::World;
use crate::engine::{ActError, EngineError, PostError, Wish};
use crate::notice::Notice;
use crate::store::{ChannelStanding, OutboxState};

fn standing(world: &mut World, name: &str, channel: enlace_log::ChannelId) -> ChannelStanding {
    world.engine(name).read(|tx| tx.channel(channel)).unwrap().unwrap().standing
}

#[test]
fn a_joiner_reads_from_its_admission_on() {
    let mut world = World::new();
    let channel = world.create("ana");
    world.post("ana", channel, "antes");
    world.settle();
    let bruno = world.address("bruno");
    world.engine("ana").wish(channel, Wish::Add(bruno, Role::Lead)).unwrap();
    world.settle();
    world.post("ana", channel, "después");
    world.settle();
    assert_eq!(world.texts("bruno", channel), ["después"]);
    assert_eq!(standing(&mut world, "bruno", channel), ChannelStanding::Member);
    assert!(world.notices("bruno", channel).iter().any(|n| matches!(n, Notice::Joined { .. })));
    assert!(world.notices("bruno", channel).contains(&Notice::Confirmed));
}

#[test]
fn the_same_wish_twice_is_one_and_a_member_is_not_admitted_again() {
    let mut world = World::new();
    let channel = world.create("ana");
    let bruno = world.address("bruno");
    let wish = Wish::Add(bruno.clone(), Role::Lead);
    let first = world.engine("ana").wish(channel, wish.clone()).unwrap();
    assert_eq!(world.engine("ana").wish(channel, wish.clone()).unwrap(), first);
    world.settle();
    assert!(matches!(
        world.engine("ana").wish(channel, wish),
        Err(ActError::AlreadyInChannel(officer, Role::Lead)) if officer == bruno
    ));
    assert_eq!(world.hub.welcomes.len(), 0);
}

#[test]
fn an_admission_that_still_waits_is_taken_back_by_removing() {
    let mut world = World::new();
    let channel = world.create("ana");
    world.settle();
    let misspelt = format!("burno@{}", world.address("bruno").domain()).parse().unwrap();
    let add = Wish::Add(misspelt, Role::Lead);
    let Wish::Add(officer, _) = &add else { unreachable!() };
    let remove = Wish::Remove(officer.clone());
    let admission = world.engine("ana").wish(channel, add.clone()).unwrap();
    let removal = world.engine("ana").wish(channel, remove.clone()).unwrap();
    let state = |world: &mut World, id| {
        let row = world.engine("ana").read(|tx| tx.outbox_of(id)).unwrap().unwrap();
        row.state
    };
    assert!(matches!(state(&mut world, admission), OutboxState::Failed(_)));
    assert!(matches!(state(&mut world, removal), OutboxState::Accepted(None)));
    assert!(world.engine("ana").read(|tx| tx.queued(Some(channel))).unwrap().is_empty());
    let again = world.engine("ana").wish(channel, remove);
    assert!(matches!(again, Err(ActError::NotInChannel(_))));
}

#[test]
fn a_wish_of_somebody_not_entitled_is_refused_at_once() {
    let mut world = World::new();
    let channel = world.case();
    let bruno = world.address("bruno");
    let refused = world.engine("eva").wish(channel, Wish::Remove(bruno));
    assert!(matches!(refused, Err(ActError::NotEntitled)));
    assert!(matches!(world.engine("ana").wish(channel, Wish::Leave), Err(ActError::OwnerLeaves)));
}

#[test]
fn what_the_rules_forbid_fails_with_a_reason_and_changes_nothing() {
    let mut world = World::new();
    let channel = world.case();
    // A lead of one authority removes an officer of another.
    let eva = world.address("eva");
    let client_id = world.engine("bruno").wish(channel, Wish::Remove(eva)).unwrap();
    world.settle();
    let row = world.engine("bruno").read(|tx| tx.outbox_of(client_id)).unwrap().unwrap();
    assert!(matches!(row.state, OutboxState::Failed(_)), "{row:?}");
    assert!(world.notices("bruno", channel).iter().any(|n| matches!(n, Notice::NotDone { .. })));
    world.post("bruno", channel, "sigo");
    world.settle();
    assert_eq!(world.texts("eva", channel), ["sigo"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn two_commits_that_race_both_end() {
    let mut world = World::new();
    let channel = world.case();
    let mut rows = Vec::new();
    for name in ["ana", "bruno", "eva"] {
        rows.push((name, world.engine(name).wish(channel, Wish::RenewKeys).unwrap()));
        world.pump(name);
    }
    // All three have sealed for the same fence before any of them is sent.
    let mut sent = Vec::new();
    for name in ["ana", "bruno", "eva"] {
        let officer = world.officers.get_mut(name).unwrap();
        sent.push((name, officer.engine.plan(&mut officer.lanes).unwrap().actions));
    }
    for (name, actions) in sent {
        for action in actions {
            let answer = world.call(&action);
            let officer = world.officers.get_mut(name).unwrap();
            officer.engine.take_answer(&action, answer, &mut officer.lanes).unwrap();
        }
    }
    world.settle();
    for (name, client_id) in rows {
        let row = world.engine(name).read(|tx| tx.outbox_of(client_id)).unwrap().unwrap();
        assert!(matches!(row.state, OutboxState::Accepted(Some(_))), "{name}: {row:?}");
    }
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn a_wish_to_leave_is_carried_out_by_somebody() {
    let mut world = World::new();
    let channel = world.case();
    world.engine("eva").wish(channel, Wish::Leave).unwrap();
    world.settle();
    // Nobody waits for automatic acts: give them their time.
    for _ in 0..30 {
        world.clock.advance(std::time::Duration::from_millis(500));
        world.settle();
    }
    assert_eq!(standing(&mut world, "eva", channel), ChannelStanding::Removed);
    let eva = world.address("eva");
    let refused = world.engine("ana").wish(channel, Wish::Remove(eva));
    assert!(matches!(refused, Err(ActError::NotInChannel(_))));
    world.post("ana", channel, "sin Eva");
    world.settle();
    assert_eq!(world.texts("bruno", channel), ["sin Eva"]);
    assert!(world.texts("eva", channel).is_empty());
    world.assert_agreement(channel, &["ana", "bruno"]);
}

#[test]
fn a_removed_device_is_told_and_its_queue_ends() {
    let mut world = World::new();
    let channel = world.case();
    let eva = world.address("eva");
    let waiting = world.post("eva", channel, "tarde");
    world.engine("ana").wish(channel, Wish::Remove(eva)).unwrap();
    for _ in 0..6 {
        world.pump("ana");
        world.deliver("ana");
    }
    world.settle();
    assert_eq!(standing(&mut world, "eva", channel), ChannelStanding::Removed);
    let row = world.engine("eva").read(|tx| tx.outbox_of(waiting)).unwrap().unwrap();
    assert!(matches!(row.state, OutboxState::Failed(_)));
    let note = crate::engine::NewNote {
        text: "más tarde".to_owned(),
        handling: None,
        restriction: None,
        time_zone: enlace_channel::entry::TimeZone::utc(),
        client_id: None,
    };
    assert!(matches!(world.engine("eva").post(channel, note), Err(PostError::Removed)));
    world.assert_agreement(channel, &["ana", "bruno"]);
}

#[test]
fn who_was_removed_can_come_back() {
    let mut world = World::new();
    let channel = world.case();
    let eva = world.address("eva");
    world.engine("ana").wish(channel, Wish::Remove(eva.clone())).unwrap();
    world.settle();
    world.post("ana", channel, "sin Eva");
    world.settle();
    world.engine("ana").wish(channel, Wish::Add(eva, Role::Observer)).unwrap();
    world.settle();
    world.post("ana", channel, "con Eva");
    world.settle();
    assert_eq!(world.texts("eva", channel), ["con Eva"]);
    let note = crate::engine::NewNote {
        text: "no debo".to_owned(),
        handling: None,
        restriction: None,
        time_zone: enlace_channel::entry::TimeZone::utc(),
        client_id: None,
    };
    assert!(matches!(world.engine("eva").post(channel, note), Err(PostError::Observer)));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn somebody_without_key_packages_is_waited_for() {
    let mut world = World::new();
    let channel = world.create("ana");
    let bruno = world.address("bruno");
    world.hub.pools.remove(&bruno);
    world.engine("ana").wish(channel, Wish::Add(bruno.clone(), Role::Lead)).unwrap();
    while world.pump("ana") > 0 {}
    assert!(world.notices("ana", channel).contains(&Notice::NoKeyPackage { officer: bruno }));
    world.post("ana", channel, "mientras tanto");
    while world.pump("ana") > 0 {}
    world.deliver("ana");
    assert_eq!(world.texts("ana", channel), ["mientras tanto"]);
    world.publish("bruno");
    world.settle();
    assert_eq!(standing(&mut world, "bruno", channel), ChannelStanding::Provisional);
}

#[test]
fn a_damaged_channel_holds_up_no_other() {
    let mut world = World::new();
    let (damaged, good) = (world.case(), world.create("ana"));
    for channel in [damaged, good] {
        world.post("ana", channel, "algo por enviar");
    }
    let key = [b"channel/", &damaged.0[..]].concat();
    let damage = world.engine("ana").write::<_, EngineError>(|work| {
        Ok(enlace_channel::state_store::StateStore::put(work.tx, &key, b"{")?)
    });
    damage.unwrap();
    world.restart("ana");
    let followed = world.engine("ana").followed().unwrap();
    assert_eq!(followed.iter().map(|followed| followed.channel).collect::<Vec<_>>(), [good]);
    while world.pump("ana") > 0 {}
    world.deliver("ana");
    assert_eq!(world.texts("ana", good), ["algo por enviar"]);
    world.engine("ana").renew_keys().unwrap();
    let stopped = world.notices("ana", damaged);
    let is_stop = |notice: &&Notice| matches!(notice, Notice::Stopped { .. });
    assert_eq!(stopped.iter().filter(is_stop).count(), 1, "said once");
}

#[test]
fn another_process_is_noticed_even_when_this_one_writes_too() {
    let mut world = World::new();
    let channel = world.case();
    let mut follower = world.second_process("ana");
    follower.notice_other_writers().unwrap();
    world.post("ana", channel, "del otro proceso");
    follower.renew_keys().unwrap();
    assert!(follower.notice_other_writers().unwrap());
    assert!(!follower.notice_other_writers().unwrap());
}
