//! Retention and hold: whose copies go when, and that they are gone then.

use std::time::Duration;

use enlace_channel::entry::{EntryKind, TimeZone};
use enlace_log::{ChannelId, Seq};

use super::files::traces;
use super::snapshot::{copy_of, set_back};
use super::withdrawals::{commitment_at, entry_about, place, row_of};
use super::world::World;
use crate::engine::{ActError, EngineError, NewNote, Wish};
use crate::notice::{ChangeAct, Notice};
use crate::store::{ErasedBecause, OutboxRow, OutboxState};
use crate::task::Task;

const SECRET: &str = "la testigo vive en la calle Ocampo 14";
const ANSWER: &str = "a testemunha mudou de cidade";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn nothing() -> NewNote {
    NewNote {
        text: String::new(),
        handling: None,
        restriction: None,
        time_zone: TimeZone::utc(),
        client_id: None,
    }
}

/// Closed, with a note of each authority; fge keeps it for 40 days, mp for ever.
fn closed_case(world: &mut World) -> (ChannelId, Seq, Seq) {
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.post("bruno", channel, ANSWER);
    world.settle();
    world.engine("ana").wish(channel, Wish::SetRetention(Some(40))).unwrap();
    world.settle();
    world.engine("ana").wish(channel, Wish::SetClosed(true)).unwrap();
    world.settle();
    let (own, theirs) =
        (place(world, "ana", channel, SECRET), place(world, "ana", channel, ANSWER));
    (channel, own, theirs)
}

#[test]
fn each_authority_erases_its_own_copies_when_their_time_is_over() {
    let mut world = World::new();
    let (channel, own, theirs) = closed_case(&mut world);
    let mut there = Vec::new();
    for name in ["ana", "bruno", "eva"] {
        there.extend(traces(&mut world, name, channel, own));
        there.extend(traces(&mut world, name, channel, theirs));
    }
    world.clock.advance(39 * DAY);
    for name in ["ana", "bruno", "eva"] {
        world.engine(name).expire().unwrap();
        world.assert_there(name, &[SECRET.into(), ANSWER.into()]);
    }
    world.clock.advance(2 * DAY);
    for name in ["ana", "bruno", "eva"] {
        world.engine(name).expire().unwrap();
    }
    world.settle();
    for name in ["ana", "eva"] {
        world.assert_gone(name, &there);
        let views = world.engine(name).entries(channel, own, 1).unwrap();
        assert_eq!(views[0].erased, Some(ErasedBecause::Expired), "{name}");
        assert!(world.notices(name, channel).contains(&Notice::Expired { entries: 2 }), "{name}");
    }
    // The other authority keeps what it has; the relays have its own entries, and no others.
    world.assert_there("bruno", &[SECRET.into(), ANSWER.into()]);
    assert!(world.hub.payload(channel, own).is_empty());
    assert!(!world.hub.payload(channel, theirs).is_empty());
    // Once is enough.
    let length = world.hub.logs[&channel].items.len();
    world.clock.advance(DAY);
    for name in ["ana", "eva"] {
        world.engine(name).expire().unwrap();
    }
    world.settle();
    assert_eq!(world.hub.logs[&channel].items.len(), length);
}

#[test]
fn what_has_no_place_in_the_log_goes_with_the_rest() {
    const LOST: &str = "el relevo perdió la declaración de Ocampo";
    const UNSENT: &str = "nunca salió la dirección de la testigo";
    let mut world = World::new();
    let (channel, own, _) = closed_case(&mut world);
    let of = commitment_at(&mut world, "ana", channel, own);
    let kept = world.engine("ana").write::<_, EngineError>(|work| {
        let end = Seq(1_000_000);
        let lost = entry_about(work, channel, of, EntryKind::Note, LOST);
        work.tx.put_entry(&row_of(work, &lost, end))?;
        work.tx.supersede(channel, end)?;
        let unsent = entry_about(work, channel, of, EntryKind::Note, UNSENT);
        let client_id = unsent.header().client_id;
        let (signed, state) = (Some(unsent.encode()), OutboxState::Failed("closed".to_owned()));
        let row = OutboxRow { signed, state, ..work.new_row(channel, client_id, Task::Entry) };
        work.tx.put_outbox(&row)?;
        Ok(())
    });
    kept.unwrap();
    let there: Vec<Vec<u8>> = vec![LOST.into(), UNSENT.into()];
    world.assert_there("ana", &there);
    world.clock.advance(41 * DAY);
    world.engine("ana").expire().unwrap();
    world.assert_gone("ana", &there);
    world.clock.advance(DAY);
    world.engine("ana").expire().unwrap();
    let told = world.notices("ana", channel);
    let expired: Vec<_> = told.iter().filter(|n| matches!(n, Notice::Expired { .. })).collect();
    assert_eq!(expired, [&Notice::Expired { entries: 4 }]);
}

#[test]
fn a_case_that_is_open_again_keeps_everything() {
    let mut world = World::new();
    let (channel, ..) = closed_case(&mut world);
    world.engine("ana").wish(channel, Wish::SetClosed(false)).unwrap();
    world.settle();
    world.clock.advance(41 * DAY);
    world.engine("ana").expire().unwrap();
    world.assert_there("ana", &[SECRET.into()]);
}

#[test]
fn a_clock_that_is_far_off_erases_nothing() {
    let mut world = World::new();
    closed_case(&mut world);
    // Beyond the device's certificate.
    world.clock.advance(365 * 50 * DAY);
    world.engine("ana").expire().unwrap();
    world.assert_there("ana", &[SECRET.into()]);
}

#[test]
fn a_hold_keeps_an_authoritys_copies_and_no_others() {
    let mut world = World::new();
    world.enroll("dario", "mp");
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.settle();
    for (name, wish) in [("eva", Wish::SetHold(true)), ("eva", Wish::SetRetention(Some(3)))] {
        assert!(matches!(world.engine(name).wish(channel, wish), Err(ActError::NotEntitled)));
    }
    world.engine("bruno").wish(channel, Wish::SetHold(true)).unwrap();
    world.settle();
    let placed = ChangeAct::HoldPlaced { authority: "mp.example".to_owned() };
    for name in ["ana", "bruno", "eva"] {
        let told = world.notices(name, channel);
        let is_told = told
            .iter()
            .any(|n| matches!(n, Notice::Changed { acts, .. } if acts.contains(&placed)));
        assert!(is_told, "{name}: {told:?}");
    }
    // Whoever comes in later is under it too.
    let dario = world.address("dario");
    let role = enlace_channel::policy::Role::Member;
    world.engine("bruno").wish(channel, Wish::Add(dario, role)).unwrap();
    world.settle();
    world.post("ana", channel, "segundo secreto de Ana");
    world.settle();
    let first = place(&mut world, "ana", channel, SECRET);
    let second = place(&mut world, "ana", channel, "segundo secreto de Ana");
    let there: Vec<Vec<u8>> = vec![SECRET.into(), "segundo secreto de Ana".into()];
    for seq in [first, second] {
        world.engine("ana").withdraw(channel, seq, nothing()).unwrap();
    }
    world.settle();
    world.assert_there("bruno", &there);
    world.assert_there("dario", &there[1..]);
    for name in ["ana", "eva"] {
        world.assert_gone(name, &there);
    }
    let views = world.engine("bruno").entries(channel, first, 1).unwrap();
    assert!(views[0].withdrawn_by.is_some() && views[0].erased.is_none());
    assert!(world.hub.payload(channel, first).is_empty());
    world.engine("bruno").wish(channel, Wish::SetHold(false)).unwrap();
    world.settle();
    for name in ["bruno", "dario"] {
        world.assert_gone(name, &there);
    }
}

#[test]
fn a_hold_outlasts_retention() {
    let mut world = World::new();
    let (channel, ..) = closed_case(&mut world);
    world.engine("ana").wish(channel, Wish::SetHold(true)).unwrap();
    world.settle();
    world.clock.advance(41 * DAY);
    for name in ["ana", "eva"] {
        world.engine(name).expire().unwrap();
        world.assert_there(name, &[SECRET.into(), ANSWER.into()]);
    }
    world.engine("ana").wish(channel, Wish::SetHold(false)).unwrap();
    world.settle();
    for name in ["ana", "eva"] {
        world.engine(name).expire().unwrap();
        world.assert_gone(name, &[SECRET.into(), ANSWER.into()]);
    }
}

#[test]
fn who_is_put_back_into_a_closed_case_erases_too_when_the_time_is_over() {
    // Whoever locks it out again and again delays nothing by that.
    for closed_for in [0, 20] {
        let mut world = World::new();
        let (channel, ..) = closed_case(&mut world);
        let copy = copy_of(&mut world, "eva");
        let other = world.create("eva");
        world.post("eva", other, "después de la copia");
        world.settle();
        world.clock.advance(closed_for * DAY);
        set_back(&mut world, "eva", &copy);
        assert!(!world.go_online("eva"));
        assert_eq!(world.engine("eva").resume().unwrap(), [channel]);
        world.pass(Duration::from_secs(60));
        for (days, is_over) in [(39 - closed_for, false), (2, true)] {
            world.clock.advance(days * DAY);
            world.engine("eva").expire().unwrap();
            let texts = world.texts("eva", channel);
            assert_eq!(texts.contains(&SECRET.to_owned()), !is_over, "{texts:?}");
        }
        world.assert_gone("eva", &[SECRET.into(), ANSWER.into()]);
    }
}
