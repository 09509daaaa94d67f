//! Corrections and withdrawals: who may, what is shown, and that nothing of it stays on disk.

use enlace_channel::entry::{EntryKind, HandlingCode, NoteDraft, Salt, SignedEntry, TimeZone};
use enlace_channel::policy::Role;
use enlace_log::{ChannelId, ClientId, Commitment, Seq};

use super::files::traces;
use super::world::World;
use crate::engine::work::Work;
use crate::engine::{Engine, EngineError, NewNote, PostError, Wish, body_of};
use crate::notice::Notice;
use crate::store::{EntryRow, ErasedBecause, OutboxRow};
use crate::task::Task;

const SECRET: &str = "la testigo vive en la calle Ocampo 14";

pub(super) fn note(text: &str) -> NewNote {
    NewNote {
        text: text.to_owned(),
        handling: None,
        restriction: None,
        time_zone: TimeZone::utc(),
        client_id: None,
    }
}

/// Where a device has an entry with this text.
pub(super) fn place(world: &mut World, name: &str, channel: ChannelId, text: &str) -> Seq {
    let rows = world.engine(name).read(|tx| tx.entries(channel, Seq(0), 10_000)).unwrap();
    rows.iter().find(|row| row.body == text).unwrap_or_else(|| panic!("{name}: {text}")).seq
}

pub(super) fn commitment_at(
    world: &mut World,
    name: &str,
    channel: ChannelId,
    seq: Seq,
) -> Commitment {
    let views = world.engine(name).entries(channel, seq, 1).unwrap();
    views[0].commitment
}

/// What a modified client sends: it asks nobody whose entry it is.
pub(super) fn send_about(
    engine: &mut Engine,
    channel: ChannelId,
    of: Commitment,
    kind: EntryKind,
    text: &str,
) {
    let sent = engine.write::<_, EngineError>(|work| {
        let entry = entry_about(work, channel, of, kind, text);
        let client_id = entry.header().client_id;
        let signed = Some(entry.encode());
        let row = OutboxRow { signed, ..work.new_row(channel, client_id, Task::Entry) };
        work.tx.put_outbox(&row)?;
        Ok(())
    });
    sent.unwrap();
}

/// As it is kept once it has a place.
pub(super) fn row_of(work: &Work<'_>, entry: &SignedEntry, seq: Seq) -> EntryRow {
    let header = entry.header();
    EntryRow {
        channel: header.channel,
        seq,
        received_at: work.now(),
        author: header.author.clone(),
        client_id: header.client_id,
        kind: header.kind.code(),
        local_time: header.local_time,
        handling: header.handling,
        body: body_of(entry),
        signed: entry.encode(),
        certificate: [0; 32],
        commitment: entry.commitment(),
        parent: header.parent,
    }
}

pub(super) fn entry_about(
    work: &Work<'_>,
    channel: ChannelId,
    of: Commitment,
    kind: EntryKind,
    text: &str,
) -> SignedEntry {
    let draft = NoteDraft {
        channel,
        generation: enlace_log::Generation(0),
        author: work.me(),
        client_id: ClientId::new(Seq(0), work.random()),
        local_time: work.now(),
        time_zone: TimeZone::utc(),
        handling: HandlingCode::H1,
        restriction: None,
        parent: Some(of),
        known_head: None,
        text,
    };
    draft.sign_as(kind, &work.ctx.device.key, || Salt::from_bytes(work.random())).unwrap()
}

#[test]
fn what_is_withdrawn_is_in_nobodys_files() {
    let mut world = World::new();
    let channel = world.case();
    // Enough around it for pages to be split and merged.
    for number in 0..40 {
        world.post("ana", channel, &format!("{number} {}", "relleno ".repeat(number * 7)));
    }
    world.post("ana", channel, SECRET);
    world.post("bruno", channel, "recibido");
    world.settle();
    let seq = place(&mut world, "ana", channel, SECRET);
    let mut there = Vec::new();
    for name in ["ana", "bruno", "eva"] {
        there.extend(traces(&mut world, name, channel, seq));
        let own = traces(&mut world, name, channel, seq);
        world.assert_there(name, &own);
    }
    assert!(there.len() >= 6);
    world.engine("ana").withdraw(channel, seq, note("dirección equivocada")).unwrap();
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        world.assert_gone(name, &there);
        let views = world.engine(name).entries(channel, Seq(0), 10_000).unwrap();
        let view = views.iter().find(|v| v.state.seq() == Some(seq)).unwrap();
        assert_eq!((view.body.as_str(), view.erased), ("", Some(ErasedBecause::Withdrawn)));
        let by = views.iter().find(|v| v.kind == 3).unwrap();
        assert_eq!(view.withdrawn_by, by.state.seq());
        assert_eq!((by.about, by.body.as_str()), (Some(seq), "dirección equivocada"));
        assert!(views.iter().any(|v| v.body == "recibido"));
        // What is left still verifies: header, signature and commitment are those of the item.
        let commitment = commitment_at(&mut world, name, channel, seq);
        let item = world.engine(name).read(|tx| tx.item(channel, seq)).unwrap().unwrap();
        assert_eq!(item.item.sealed.envelope().commitment, commitment);
    }
    assert!(matches!(
        world.engine("ana").withdraw(channel, seq, note("")),
        Err(PostError::WithdrawnAlready)
    ));
    world.restart("bruno");
    world.assert_gone("bruno", &there);
    world.post("bruno", channel, "sigue");
    world.settle();
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn corrections_go_with_what_they_correct() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.settle();
    let first = place(&mut world, "ana", channel, SECRET);
    world.engine("ana").correct(channel, first, note("es la calle Ocampo 41")).unwrap();
    world.settle();
    let second = place(&mut world, "bruno", channel, "es la calle Ocampo 41");
    let views = world.engine("bruno").entries(channel, first, 10).unwrap();
    assert_eq!((views[0].corrected_by, views[1].about), (Some(second), Some(first)));
    assert_eq!(views[0].body, SECRET);
    // A correction of the correction, and then the first one is taken back.
    let of = commitment_at(&mut world, "ana", channel, second);
    send_about(world.engine("ana"), channel, of, EntryKind::Correction, "no: Ocampo 44");
    world.settle();
    let third = place(&mut world, "bruno", channel, "no: Ocampo 44");
    let mut there = traces(&mut world, "bruno", channel, first);
    there.extend(traces(&mut world, "bruno", channel, second));
    there.extend(traces(&mut world, "bruno", channel, third));
    world.engine("ana").withdraw(channel, first, note("")).unwrap();
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        world.assert_gone(name, &there);
    }
    // Whoever corrects it afterwards, as from a device that was away, says nothing any more.
    let of = commitment_at(&mut world, "ana", channel, first);
    send_about(world.engine("ana"), channel, of, EntryKind::Correction, "tarde: Ocampo 45");
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        world.assert_gone(name, &[b"tarde: Ocampo 45".to_vec()]);
    }
}

#[test]
fn a_correction_of_a_correction_is_of_what_that_corrects() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.settle();
    let first = place(&mut world, "ana", channel, SECRET);
    world.engine("ana").correct(channel, first, note("es la calle Ocampo 41")).unwrap();
    world.settle();
    let second = place(&mut world, "ana", channel, "es la calle Ocampo 41");
    world.engine("ana").correct(channel, second, note("no: Ocampo 44")).unwrap();
    world.settle();
    let third = place(&mut world, "bruno", channel, "no: Ocampo 44");
    let views = world.engine("bruno").entries(channel, first, 10).unwrap();
    assert_eq!((views[0].corrected_by, views[1].corrected_by), (Some(third), None));
    assert_eq!(views[2].about, Some(first));
}

/// A chain of them costs its author nothing, and must not cost the others their programs.
#[test]
fn a_long_chain_of_corrections_is_erased_whole() {
    const LENGTH: u64 = 1000;
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.settle();
    let first = place(&mut world, "ana", channel, SECRET);
    let mut of = commitment_at(&mut world, "ana", channel, first);
    let kept = world.engine("ana").write::<_, EngineError>(|work| {
        for number in 0..LENGTH {
            let entry = entry_about(work, channel, of, EntryKind::Correction, "otra vez");
            of = entry.commitment();
            let row = row_of(work, &entry, Seq(1_000_000 + number));
            assert!(work.tx.put_entry(&row)?);
        }
        Ok(())
    });
    kept.unwrap();
    world.engine("ana").withdraw(channel, first, note("")).unwrap();
    world.settle();
    let corrections = world
        .engine("ana")
        .read(|tx| tx.entries_of_kind(channel, EntryKind::Correction.code()))
        .unwrap();
    assert_eq!(corrections.len() as u64, LENGTH);
    for row in corrections {
        assert!(SignedEntry::decode(&row.signed).unwrap().is_erased(), "{:?}", row.seq);
    }
}

#[test]
fn a_withdrawn_correction_leaves_what_it_corrected() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.settle();
    let first = place(&mut world, "ana", channel, SECRET);
    world.engine("ana").correct(channel, first, note("es otra calle")).unwrap();
    world.settle();
    let second = place(&mut world, "ana", channel, "es otra calle");
    world.engine("ana").withdraw(channel, second, note("")).unwrap();
    world.settle();
    let views = world.engine("bruno").entries(channel, first, 10).unwrap();
    assert_eq!((views[0].body.as_str(), views[0].corrected_by), (SECRET, None));
    assert_eq!(views[1].body, "");
}

#[test]
fn nobody_takes_back_what_another_officer_wrote() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.settle();
    let seq = place(&mut world, "bruno", channel, SECRET);
    for name in ["bruno", "eva"] {
        let refused = world.engine(name).withdraw(channel, seq, note(""));
        assert!(matches!(refused, Err(PostError::OthersEntry)), "{name}");
        let refused = world.engine(name).correct(channel, seq, note("no"));
        assert!(matches!(refused, Err(PostError::OthersEntry)), "{name}");
    }
    let of = commitment_at(&mut world, "bruno", channel, seq);
    for (rogue, kind) in [("bruno", EntryKind::Withdrawal), ("eva", EntryKind::Correction)] {
        send_about(world.engine(rogue), channel, of, kind, "mentira");
        world.settle();
        for name in ["ana", "bruno", "eva"] {
            let views = world.engine(name).entries(channel, seq, 1).unwrap();
            assert_eq!((views[0].body.as_str(), views[0].erased), (SECRET, None), "{name}");
            assert_eq!((views[0].withdrawn_by, views[0].corrected_by), (None, None), "{name}");
            let by = world.device(rogue);
            let expected = Notice::NotTheirs { by, place: seq.0 };
            assert!(world.notices(name, channel).contains(&expected), "{name}");
        }
    }
    // A withdrawal does something: it stands.
    world.engine("ana").withdraw(channel, seq, note("porque sí")).unwrap();
    world.settle();
    let by = place(&mut world, "ana", channel, "porque sí");
    let refused = world.engine("ana").withdraw(channel, by, note(""));
    assert!(matches!(refused, Err(PostError::Stands)));
}

#[test]
fn whoever_came_later_passes_over_what_it_never_had() {
    let mut world = World::new();
    world.enroll("dario", "mp");
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.settle();
    let seq = place(&mut world, "ana", channel, SECRET);
    let dario = world.address("dario");
    let role = enlace_channel::policy::Role::Member;
    world.engine("bruno").wish(channel, crate::engine::Wish::Add(dario, role)).unwrap();
    world.settle();
    world.engine("ana").withdraw(channel, seq, note("equivocado")).unwrap();
    world.settle();
    let views = world.engine("dario").entries(channel, Seq(0), 10).unwrap();
    let [view] = &views[..] else { panic!("{views:?}") };
    assert_eq!((view.kind, view.about, view.body.as_str()), (3, None, "equivocado"));
    world.assert_agreement(channel, &["ana", "bruno", "dario"]);
}

/// Of an entry from before its admission, a device may have the correction, which goes with it.
#[test]
fn a_correction_goes_also_where_what_it_corrects_never_was() {
    for held_back in [false, true] {
        let mut world = World::new();
        let channel = world.case();
        world.post("ana", channel, "antes");
        world.settle();
        let of = place(&mut world, "ana", channel, "antes");
        world.enroll("gil", "fge");
        let gil = world.address("gil");
        world.wants("ana", channel, Wish::Add(gil, Role::Member));
        let (correction, withdrawal) = (note(SECRET), note(""));
        if held_back {
            // The two come in the other order.
            let commitment = commitment_at(&mut world, "ana", channel, of);
            send_about(world.engine("ana"), channel, commitment, EntryKind::Withdrawal, "");
            world.settle();
            send_about(world.engine("ana"), channel, commitment, EntryKind::Correction, SECRET);
        } else {
            world.engine("ana").correct(channel, of, correction).unwrap();
            world.settle();
            assert!(world.texts("gil", channel).contains(&SECRET.to_owned()));
            world.engine("ana").withdraw(channel, of, withdrawal).unwrap();
        }
        world.settle();
        for name in ["bruno", "gil"] {
            let texts = world.texts(name, channel);
            assert!(!texts.contains(&SECRET.to_owned()), "{name}: {texts:?}");
        }
    }
}

/// A store that could not be scrubbed at once is scrubbed when the program starts again.
#[test]
fn a_program_that_ended_before_the_files_were_clean_cleans_them_later() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.settle();
    let seq = place(&mut world, "bruno", channel, SECRET);
    let there = traces(&mut world, "bruno", channel, seq);
    // Somebody reads all the time: the log beside the store can't be cut off.
    let path = world.officers["bruno"].store.clone();
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.pragma_update(None, "key", super::files::PASSPHRASE).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM entries;").unwrap();
    world.engine("ana").withdraw(channel, seq, note("")).unwrap();
    world.settle();
    assert!(super::files::log_length(&path) > 0);
    drop(reader);
    world.restart("bruno");
    world.assert_gone("bruno", &there);
}

#[test]
fn the_relays_are_told_to_erase_it() {
    let mut world = World::new();
    world.enroll("dario", "mp");
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.post("bruno", channel, "recibido");
    world.settle();
    let seq = place(&mut world, "ana", channel, SECRET);
    let kept = world.hub.payload(channel, seq);
    assert!(kept.len() > 100);
    // Dario is let in before it, and away while it is withdrawn.
    let dario = world.address("dario");
    let role = enlace_channel::policy::Role::Member;
    world.engine("bruno").wish(channel, crate::engine::Wish::Add(dario, role)).unwrap();
    world.settle();
    world.post("ana", channel, "otro secreto");
    for _ in 0..5 {
        for name in ["ana", "bruno", "eva"] {
            world.deliver(name);
            world.pump(name);
        }
    }
    let second = place(&mut world, "ana", channel, "otro secreto");
    world.engine("ana").withdraw(channel, second, note("")).unwrap();
    world.engine("ana").withdraw(channel, seq, note("")).unwrap();
    for _ in 0..20 {
        for name in ["ana", "bruno", "eva"] {
            world.deliver(name);
            world.pump(name);
        }
        world.clock.advance(std::time::Duration::from_millis(200));
    }
    assert!(world.hub.payload(channel, seq).is_empty());
    assert!(world.hub.payload(channel, second).is_empty());
    for name in ["ana", "bruno", "eva"] {
        world.assert_gone(name, &[kept[..64].to_vec()]);
        let views = world.engine(name).entries(channel, seq, 1).unwrap();
        assert!(views[0].erased_at_relays.is_some(), "{name}");
    }
    // Who was away sees that something was erased, and goes on.
    world.settle();
    let ana = world.device("ana");
    let told = world.notices("dario", channel);
    let erased = Notice::ErasedUnread { author: ana.clone(), by: ana, place: second.0 };
    assert!(told.contains(&erased), "{told:?}");
    assert!(!told.iter().any(|notice| matches!(notice, Notice::WithoutContent { .. })));
    world.post("ana", channel, "sigue");
    world.settle();
    assert!(world.texts("dario", channel).contains(&"sigue".to_owned()));
    world.assert_agreement(channel, &["ana", "bruno", "eva", "dario"]);
}
