//! A store that was set back to a copy of an earlier state.

use std::path::{Path, PathBuf};
use std::time::Duration;

use enlace_channel::policy::Role;
use enlace_log::Generation;

use super::stranded::encryption_key;
use super::world::{World, new_case};
use crate::engine::{ResumeError, Wish};
use crate::notice::Notice;
use crate::store::{ChannelStanding, OutboxState};

/// The store of an officer as it is now, to be put back later.
pub(super) fn copy_of(world: &mut World, name: &'static str) -> PathBuf {
    let store = world.officers[name].store.clone();
    let copy = world.dir.path().join(format!("copy-of-{name}.db"));
    world.restart(name);
    copy_store(&store, &copy);
    copy
}

/// The program is stopped, and a copy of its store put in place.
pub(super) fn set_back(world: &mut World, name: &'static str, copy: &Path) {
    let officer = world.officers.remove(name).unwrap();
    let (device, key) = (officer.name.clone(), officer.key_for_tests());
    let (chain, store) = (officer.chain_for_tests(), officer.store.clone());
    drop(officer);
    let _ = std::fs::remove_file(format!("{}-shm", store.display()));
    copy_store(copy, &store);
    world.reinsert(name, device, key, chain, store);
}

fn copy_store(from: &Path, to: &Path) {
    let wal = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    std::fs::copy(from, to).unwrap();
    if wal(from).exists() {
        std::fs::copy(wal(from), wal(to)).unwrap();
    } else {
        let _ = std::fs::remove_file(wal(to));
    }
}

#[test]
fn a_store_restored_from_a_copy_reads_on_and_writes_nothing() {
    let mut world = World::new();
    let channel = world.case();
    let copy = copy_of(&mut world, "bruno");
    world.post("bruno", channel, "después de la copia");
    world.settle();

    set_back(&mut world, "bruno", &copy);
    assert!(!world.go_online("bruno"));
    world.deliver("bruno");
    world.post("bruno", channel, "nunca");
    assert_eq!(world.pump("bruno"), 0);
    assert!(world.engine("bruno").snapshot().unwrap().is_some());
    world.post("ana", channel, "se lee");
    while world.pump("ana") > 0 {}
    world.deliver("bruno");
    assert!(world.texts("bruno", channel).contains(&"se lee".to_owned()));
    assert!(!world.texts("ana", channel).contains(&"nunca".to_owned()));
}

#[test]
fn a_store_restored_from_a_copy_takes_part_again_with_new_keys() {
    let mut world = World::new();
    let channel = world.case();
    let copy = copy_of(&mut world, "bruno");
    world.post("bruno", channel, "después de la copia");
    world.settle();
    let key = encryption_key(&mut world, "ana", channel, "bruno");

    set_back(&mut world, "bruno", &copy);
    assert!(!world.go_online("bruno"));
    world.post("bruno", channel, "con claves nuevas");
    world.post("ana", channel, "entretanto");
    while world.pump("ana") + world.deliver("bruno") > 0 {}
    assert_eq!(world.engine("bruno").resume().unwrap(), [channel]);
    assert!(world.engine("bruno").snapshot().unwrap().is_none());
    assert!(matches!(world.engine("bruno").resume(), Err(ResumeError::NotACopy)));

    // What a colleague says in the old state ends nothing: the keys are spent all the same.
    world.post("ana", channel, "en el estado antiguo");
    while world.pump("ana") > 0 {}
    world.deliver("bruno");
    let row = world.engine("bruno").read(|tx| tx.channel(channel)).unwrap().unwrap();
    assert_eq!(row.standing, ChannelStanding::Stranded);

    world.pass(Duration::from_secs(60));
    assert_ne!(encryption_key(&mut world, "ana", channel, "bruno"), key);
    let texts = world.texts("bruno", channel);
    for text in ["después de la copia", "entretanto", "en el estado antiguo", "con claves nuevas"]
    {
        let here = texts.iter().filter(|here| *here == text).count();
        assert_eq!(here, 1, "{text} in {texts:?}");
    }
    assert_eq!(texts, world.texts("ana", channel));
}

#[test]
fn a_relay_that_exaggerates_does_not_use_up_a_devices_numbers() {
    let mut world = World::new();
    world.case();
    assert!(!world.engine("bruno").check_submit_counter(u64::MAX).unwrap());
    assert!(matches!(world.engine("bruno").resume(), Err(ResumeError::Count(u64::MAX))));
    assert!(world.engine("bruno").snapshot().unwrap().is_some(), "nothing has changed");
}

/// The hub takes nothing else under the id of what it has already.
#[test]
fn what_was_carried_out_since_the_copy_holds_up_nothing() {
    let mut world = World::new();
    let channel = world.case();
    let asked = world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
    let copy = copy_of(&mut world, "bruno");
    world.settle();
    world.engine("ana").wish(channel, Wish::RenewChannel(None)).unwrap();
    world.settle();

    set_back(&mut world, "bruno", &copy);
    assert!(!world.go_online("bruno"));
    while world.deliver("bruno") > 0 {}
    world.post("bruno", channel, "después");
    assert_eq!(world.engine("bruno").resume().unwrap(), [channel]);
    world.pass(Duration::from_secs(60));
    assert!(world.texts("ana", channel).contains(&"después".to_owned()));
    assert!(matches!(world.state_of("bruno", asked), OutboxState::Accepted(_)));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// A change that came since is nobody's fault, and what was written before it comes back all the same.
#[test]
fn what_was_written_before_a_later_change_comes_back_and_nobody_is_blamed() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, "antes");
    world.settle();
    let copy = copy_of(&mut world, "bruno");
    world.post("bruno", channel, "después de la copia");
    world.settle();
    world.engine("ana").wish(channel, Wish::RenewKeys).unwrap();
    world.settle();

    set_back(&mut world, "bruno", &copy);
    assert!(!world.go_online("bruno"));
    while world.deliver("bruno") > 0 {}
    assert_eq!(world.engine("bruno").resume().unwrap(), [channel]);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.texts("bruno", channel), ["antes", "después de la copia"]);
    let told = world.notices("ana", channel).into_iter();
    let asked = told.filter_map(|notice| match notice {
        Notice::BackRequested { guilty, .. } => Some(guilty),
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), [None]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// It waited to be sent when the copy was made.
#[test]
fn a_note_that_the_copy_still_had_to_send_is_sent_once() {
    let mut world = World::new();
    let channel = world.case();
    let asked = world.post("bruno", channel, "por enviar");
    let copy = copy_of(&mut world, "bruno");
    world.post("bruno", channel, "después de la copia");
    world.settle();

    set_back(&mut world, "bruno", &copy);
    assert!(!world.go_online("bruno"));
    while world.deliver("bruno") > 0 {}
    assert_eq!(world.engine("bruno").resume().unwrap(), [channel]);
    world.post("bruno", channel, "otra");
    world.pass(Duration::from_secs(60));
    assert!(matches!(world.state_of("bruno", asked), OutboxState::Accepted(Some(_))));
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(
            world.texts(name, channel),
            ["por enviar", "después de la copia", "otra"],
            "{name}"
        );
    }
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// It waited on the copy, too, and the case was closed before the device could have sent it again.
#[test]
fn what_the_copy_still_had_to_send_counts_where_it_stands() {
    for reads_first in [true, false] {
        let mut world = World::new();
        let channel = world.case();
        let asked = world.post("bruno", channel, "por enviar");
        let copy = copy_of(&mut world, "bruno");
        world.settle();
        world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
        world.settle();
        world.engine("ana").wish(channel, Wish::SetClosed(true)).unwrap();
        world.settle();

        set_back(&mut world, "bruno", &copy);
        assert!(!world.go_online("bruno"));
        while reads_first && world.deliver("bruno") > 0 {}
        assert_eq!(world.engine("bruno").resume().unwrap(), [channel]);
        world.pass(Duration::from_secs(60));
        let place = super::withdrawals::place(&mut world, "ana", channel, "por enviar");
        assert_eq!(world.state_of("bruno", asked), OutboxState::Accepted(Some(place)));
        assert_eq!(world.texts("bruno", channel), ["por enviar"]);
        let told = world.notices("bruno", channel);
        assert!(!told.iter().any(|notice| matches!(notice, Notice::NotDone { .. })));
    }
}

/// It was sealed anew since, for a change that came first; a hub could bring that where no member reads it.
#[test]
fn what_the_copy_still_had_to_send_counts_only_where_all_could_read_it() {
    let mut world = World::new();
    let channel = world.case();
    let asked = world.post("bruno", channel, "por enviar");
    let copy = copy_of(&mut world, "bruno");
    world.engine("ana").wish(channel, Wish::RenewKeys).unwrap();
    while world.pump("ana") > 0 {}
    world.settle();
    let place = super::withdrawals::place(&mut world, "ana", channel, "por enviar");
    let sent = world.hub.logs[&channel].items[usize::try_from(place.0).unwrap()].clone();

    set_back(&mut world, "bruno", &copy);
    assert!(!world.go_online("bruno"));
    let taken = world.engine("bruno").write(|work| work.settle_sent_before(&sent));
    assert!(!taken.unwrap(), "as far as this store knows, it was made for another state");
    assert_eq!(world.state_of("bruno", asked), OutboxState::Queued);
    while world.deliver("bruno") > 0 {}
    assert_eq!(world.state_of("bruno", asked), OutboxState::Accepted(Some(place)));
    assert_eq!(world.texts("bruno", channel), ["por enviar"]);
    let told = world.notices("bruno", channel);
    assert!(!told.iter().any(|notice| matches!(notice, Notice::Unreadable { .. })));
}

/// A hub answers with the place of something else that claims to be this device's own.
#[test]
fn nothing_else_counts_as_sent_on_a_device_that_was_not_set_back() {
    let mut world = World::new();
    let channel = world.case();
    world.post("bruno", channel, "por enviar");
    let is_taken = |world: &mut World| {
        let sent = world.hub.logs[&channel].items.last().unwrap().clone();
        world.engine("bruno").write(|work| work.settle_sent_before(&sent)).unwrap()
    };
    world.pump("bruno");
    assert!(!is_taken(&mut world));
    assert_eq!(world.texts("bruno", channel), [] as [&str; 0]);
}

/// Bruno's request was carried out since, so that the key package in it is spent.
#[test]
fn a_copy_that_was_waiting_to_be_put_back_asks_with_other_keys() {
    let mut world = World::new();
    let channel = world.case();
    let copy = copy_of(&mut world, "bruno");
    world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
    world.settle();
    set_back(&mut world, "bruno", &copy);
    assert!(!world.go_online("bruno"));
    while world.deliver("bruno") > 0 {}
    assert_eq!(world.engine("bruno").resume().unwrap(), [channel]);
    let before = world.hub.logs[&channel].items.len();
    while world.hub.logs[&channel].items.len() == before {
        world.clock.advance(Duration::from_millis(500));
        world.pump("bruno");
    }
    world.deliver("bruno");
    let waiting = copy_of(&mut world, "bruno");
    world.pass(Duration::from_secs(60));
    world.post("bruno", channel, "de vuelta");
    world.settle();

    set_back(&mut world, "bruno", &waiting);
    assert!(!world.go_online("bruno"));
    while world.deliver("bruno") > 0 {}
    assert_eq!(world.engine("bruno").resume().unwrap(), [channel]);
    world.pass(Duration::from_secs(120));
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(world.texts(name, channel), ["de vuelta"], "{name}");
    }
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// Ana, the owner, has changed her own leaf since, so that she cannot say which one the others know of
/// her; and others change the channel while she waits.
#[test]
fn an_owner_that_was_set_back_to_before_its_own_change_comes_back_without_a_lead() {
    let mut world = World::new();
    let channel = world.case();
    let copy = copy_of(&mut world, "ana");
    world.engine("ana").wish(channel, Wish::RenewKeys).unwrap();
    world.settle();
    world.post("ana", channel, "después de la copia");
    world.settle();

    set_back(&mut world, "ana", &copy);
    assert!(!world.go_online("ana"));
    while world.deliver("ana") > 0 {}
    assert_eq!(world.engine("ana").resume().unwrap(), [channel]);
    for by in ["bruno", "eva"] {
        world.engine(by).wish(channel, Wish::RenewKeys).unwrap();
    }
    world.pass(Duration::from_secs(120));
    world.post("ana", channel, "de vuelta");
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(world.texts(name, channel), ["después de la copia", "de vuelta"], "{name}");
    }
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// A request that names no leaf is over with the next change.
#[test]
fn who_does_not_know_its_leaf_asks_again_after_each_change() {
    let mut world = World::new();
    let channel = world.case();
    let copy = copy_of(&mut world, "bruno");
    world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
    world.settle();
    set_back(&mut world, "bruno", &copy);
    assert!(!world.go_online("bruno"));
    while world.deliver("bruno") > 0 {}
    world.engine("bruno").resume().unwrap();
    for _ in 0..3 {
        let asked = world.hub.logs[&channel].items.len();
        while world.hub.logs[&channel].items.len() == asked {
            world.clock.advance(Duration::from_millis(500));
            world.pump("bruno");
        }
        // Ana has not read that yet.
        world.engine("ana").wish(channel, Wish::RenewKeys).unwrap();
        while world.hub.logs[&channel].items.len() == asked + 1 {
            world.pump("ana");
        }
        world.deliver("ana");
        world.deliver("bruno");
    }
    world.pass(Duration::from_secs(60));
    let row = world.engine("bruno").read(|tx| tx.channel(channel)).unwrap().unwrap();
    assert_eq!(row.standing, ChannelStanding::Member);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// The copy was put in place before, and Bruno was put back since; now it is put there again.
#[test]
fn a_device_that_is_set_back_to_one_copy_twice_comes_back_both_times() {
    let mut world = World::new();
    let channel = world.case();
    let copy = copy_of(&mut world, "bruno");
    world.post("bruno", channel, "después de la copia");
    world.settle();
    for text in ["una vez", "dos veces"] {
        set_back(&mut world, "bruno", &copy);
        assert!(!world.go_online("bruno"));
        while world.deliver("bruno") > 0 {}
        assert_eq!(world.engine("bruno").resume().unwrap(), [channel]);
        world.pass(Duration::from_secs(120));
        world.post("bruno", channel, text);
        world.settle();
    }
    for name in ["ana", "bruno", "eva"] {
        let texts = ["después de la copia", "una vez", "dos veces"];
        assert_eq!(world.texts(name, channel), texts, "{name}");
    }
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// Ana does not know any more that Bruno is in: a group that she founded would shut him out.
#[test]
fn who_does_not_know_of_the_others_founds_no_group_without_them() {
    let mut world = World::new();
    let channel = world.create("ana");
    let copy = copy_of(&mut world, "ana");
    let bruno = world.address("bruno");
    world.engine("ana").wish(channel, Wish::Add(bruno, Role::Lead)).unwrap();
    world.settle();
    world.post("bruno", channel, "nota");
    world.settle();

    set_back(&mut world, "ana", &copy);
    assert!(!world.go_online("ana"));
    while world.deliver("ana") > 0 {}
    assert_eq!(world.engine("ana").resume().unwrap(), [channel]);
    world.pass(Duration::from_secs(300));
    let is_void = |notice: &Notice| matches!(notice, Notice::VoidChange { .. });
    assert!(!world.notices("bruno", channel).iter().any(is_void));
    assert_eq!(world.policy("bruno", channel).generation().0, 0);
    let may_found = |notice: &Notice| matches!(notice, Notice::Stranded { may_rescue: true, .. });
    assert!(!world.notices("ana", channel).iter().any(may_found));
    for name in ["ana", "bruno"] {
        assert_eq!(world.texts(name, channel), ["nota"], "{name}");
    }
    world.assert_agreement(channel, &["ana", "bruno"]);
}

/// Nobody but the owner opens a closed case again.
#[test]
fn an_owner_comes_back_into_a_closed_case_and_opens_it_again() {
    let mut world = World::new();
    let channel = world.case();
    world.engine("ana").wish(channel, Wish::SetClosed(true)).unwrap();
    world.settle();
    let copy = copy_of(&mut world, "ana");
    let other = world.create("ana");
    world.post("ana", other, "después de la copia");
    world.settle();

    set_back(&mut world, "ana", &copy);
    assert!(!world.go_online("ana"));
    assert_eq!(world.engine("ana").resume().unwrap(), [channel]);
    world.pass(Duration::from_secs(60));
    let row = world.engine("ana").read(|tx| tx.channel(channel)).unwrap().unwrap();
    assert_eq!(row.standing, ChannelStanding::Member);
    world.engine("ana").wish(channel, Wish::SetClosed(false)).unwrap();
    world.settle();
    assert!(!world.policy("eva", channel).is_closed());
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn what_was_missed_comes_back_into_a_closed_case_too() {
    let mut world = World::new();
    let channel = world.case();
    let copy = copy_of(&mut world, "bruno");
    world.post("bruno", channel, "después de la copia");
    world.settle();
    world.engine("ana").wish(channel, Wish::SetClosed(true)).unwrap();
    world.settle();

    set_back(&mut world, "bruno", &copy);
    assert!(!world.go_online("bruno"));
    assert_eq!(world.engine("bruno").resume().unwrap(), [channel]);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.texts("bruno", channel), ["después de la copia"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// A new group gives it keys before it has asked for them, and it knew the one before.
#[test]
fn who_comes_along_into_a_next_group_gets_what_it_wrote_itself_since_the_copy() {
    let mut world = World::new();
    let channel = world.case();
    let copy = copy_of(&mut world, "bruno");
    world.post("bruno", channel, "después de la copia");
    world.settle();

    set_back(&mut world, "bruno", &copy);
    assert!(!world.go_online("bruno"));
    while world.deliver("bruno") > 0 {}
    assert_eq!(world.engine("bruno").resume().unwrap(), [channel]);
    world.engine("ana").wish(channel, Wish::RenewChannel(None)).unwrap();
    while world.pump("ana") + world.deliver("ana") > 0 {}
    while world.deliver("bruno") > 0 {}
    assert_eq!(world.policy("bruno", channel).generation(), Generation(1));
    world.pass(Duration::from_secs(60));
    assert_eq!(world.texts("bruno", channel), ["después de la copia"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// Ana and Eva are of one authority, and each lacks what the other has: neither takes what the other one
/// shares for all.
#[test]
fn all_who_were_set_back_at_once_give_each_other_what_they_have() {
    let mut world = World::new();
    let names = ["ana", "bruno", "eva"];
    let channel = world.case();
    world.post("ana", channel, "antes");
    world.settle();
    let copies: Vec<_> = names.iter().map(|name| copy_of(&mut world, name)).collect();
    for (name, text) in [("ana", "uno"), ("bruno", "dos"), ("eva", "tres"), ("ana", "cuatro")] {
        world.post(name, channel, text);
        world.settle();
    }
    for (name, copy) in names.iter().zip(&copies) {
        set_back(&mut world, name, copy);
        assert!(!world.go_online(name));
        while world.deliver(name) > 0 {}
    }
    for name in names {
        assert_eq!(world.engine(name).resume().unwrap(), [channel]);
    }
    world.pass(Duration::from_secs(180));
    for name in names {
        let texts = world.texts(name, channel);
        assert_eq!(texts, ["antes", "uno", "dos", "tres", "cuatro"], "{name}");
    }
    world.assert_agreement(channel, &names);
}

/// What is opened before the relay is reached counts for nothing that a copy would have to know.
#[test]
fn a_channel_that_is_opened_offline_hides_no_copy() {
    let mut world = World::new();
    let channel = world.case();
    let copy = copy_of(&mut world, "ana");
    world.post("ana", channel, "después de la copia");
    world.settle();

    set_back(&mut world, "ana", &copy);
    let opened = world.engine("ana").create_channel(new_case()).unwrap();
    assert!(!world.go_online("ana"));
    assert_eq!(world.engine("ana").resume().unwrap(), [channel], "the other one's keys are new");
    world.post("ana", channel, "de vuelta");
    world.post("ana", opened, "primera");
    world.pass(Duration::from_secs(60));
    assert_eq!(world.texts("ana", channel), ["después de la copia", "de vuelta"]);
    assert_eq!(world.texts("ana", opened), ["primera"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// Nor does it make a copy of a store that is none.
#[test]
fn a_channel_that_another_process_opens_makes_no_copy_of_the_store() {
    let mut world = World::new();
    let channel = world.case();
    world.offline_process("ana").create_channel(new_case()).unwrap();
    world.post("ana", channel, "y ahora esto");
    world.settle();
    assert!(world.go_online("ana"));
    world.restart("ana");
    assert!(world.engine("ana").snapshot().unwrap().is_none());
}
