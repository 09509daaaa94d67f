//! A case that is closed: it stays to be read.

use std::time::Duration;

use enlace_channel::policy::Role;

use super::world::World;
use crate::engine::{ActError, NewNote, PostError, Wish};
use crate::notice::{ChangeAct, Notice};
use crate::store::OutboxState;

fn note(text: &str) -> NewNote {
    NewNote {
        text: text.to_owned(),
        handling: None,
        restriction: None,
        time_zone: enlace_channel::entry::TimeZone::utc(),
        client_id: None,
    }
}

#[test]
fn nothing_is_written_after_it_and_all_stays_to_be_read() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, "antes");
    world.settle();
    for other in ["bruno", "eva"] {
        let refused = world.engine(other).wish(channel, Wish::SetClosed(true));
        assert!(matches!(refused, Err(ActError::OwnerCloses)), "{other}");
    }
    world.engine("ana").wish(channel, Wish::SetClosed(true)).unwrap();
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        assert!(world.policy(name, channel).is_closed(), "{name}");
        let refused = world.engine(name).post(channel, note("después"));
        assert!(matches!(refused, Err(PostError::Closed)), "{name}");
        assert_eq!(world.texts(name, channel), ["antes"], "{name}");
        let told = world.notices(name, channel);
        let is_told = told.iter().any(
            |n| matches!(n, Notice::Changed { acts, .. } if acts.contains(&ChangeAct::Closed)),
        );
        assert!(is_told, "{name}");
    }
    let nobody = world.address("eva");
    let refused = world.engine("ana").wish(channel, Wish::Add(nobody, Role::Member));
    assert!(matches!(refused, Err(ActError::Closed)));

    world.engine("ana").wish(channel, Wish::SetClosed(false)).unwrap();
    world.settle();
    world.post("eva", channel, "de nuevo");
    world.settle();
    assert_eq!(world.texts("bruno", channel), ["antes", "de nuevo"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// Whoever writes, or lets somebody in, while the case is being closed is told what became of it.
#[test]
fn what_comes_too_late_is_said_to_be_not_done() {
    let mut world = World::new();
    world.enroll("dario", "mp");
    let channel = world.case();
    let dario = world.address("dario");
    let late_note = world.post("eva", channel, "tarde");
    let late_admission =
        world.engine("bruno").wish(channel, Wish::Add(dario, Role::Member)).unwrap();
    world.engine("ana").wish(channel, Wish::SetClosed(true)).unwrap();
    for _ in 0..10 {
        world.deliver("ana");
        world.pump("ana");
        world.clock.advance(Duration::from_millis(200));
    }
    assert!(world.policy("ana", channel).is_closed());
    world.settle();
    for (name, id) in [("eva", late_note), ("bruno", late_admission)] {
        let row = world.engine(name).read(|tx| tx.outbox_of(id)).unwrap().unwrap();
        assert!(
            matches!(&row.state, OutboxState::Failed(why) if why.contains("closed")),
            "{row:?}"
        );
        let told = world.notices(name, channel);
        assert!(told.iter().any(|n| matches!(n, Notice::NotDone { .. })), "{name}");
    }
    assert!(world.texts("ana", channel).is_empty());
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn the_revoked_are_taken_out_of_closed_cases_too() {
    let mut world = World::new();
    let channel = world.case();
    world.engine("ana").wish(channel, Wish::SetClosed(true)).unwrap();
    world.settle();
    let lists = super::sweep::lists_against(&mut world, "bruno");
    world.engine("eva").take_crls(&lists).unwrap();
    world.pass(Duration::from_secs(10));
    let bruno = world.address("bruno");
    assert!(world.policy("ana", channel).role_of(&bruno).is_none());
}
