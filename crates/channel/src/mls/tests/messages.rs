//! Entries: round trips, authenticated data, order, repetition, corruption.

use super::{Device, GROUP, Pair, Trio};
use crate::mls::{
    Changes, Epoch, MessageKind, ProcessError, Processed, Suite, VoidReason, message_info,
};

fn suites() -> [Suite; 2] {
    [Suite::PostQuantum, Suite::Classic]
}

#[test]
fn three_members_read_each_other_in_both_suites() {
    for suite in suites() {
        let mut trio = Trio::new(suite);
        trio.assert_agreed();
        let (ana, rui, eva) = (&trio.ana, &trio.rui, &trio.eva);
        let note = trio.eva_group.encrypt(&eva.provider(), &eva.key, b"aad", b"nota").unwrap();
        assert_eq!(ana.read(&mut trio.ana_group, &note), b"nota");
        assert_eq!(rui.read(&mut trio.rui_group, &note), b"nota");
        let note = trio.ana_group.encrypt(&ana.provider(), &ana.key, b"", b"otra").unwrap();
        assert_eq!(rui.read(&mut trio.rui_group, &note), b"otra");
        assert_eq!(eva.read(&mut trio.eva_group, &note), b"otra");
    }
}

#[test]
fn the_aad_is_read_before_and_after_decryption() {
    let mut pair = Pair::new(Suite::PostQuantum);
    let (ana, rui) = (&pair.ana, &pair.rui);
    let note = pair.ana_group.encrypt(&ana.provider(), &ana.key, b"envelope", b"n").unwrap();
    let info = message_info(&note).unwrap();
    assert_eq!(info.unverified_aad, b"envelope");
    assert_eq!(info.group_id, GROUP);
    assert_eq!(info.epoch, Epoch(1));
    assert_eq!(info.kind, MessageKind::Application);
    match rui.process(&mut pair.rui_group, &note).unwrap() {
        Processed::Application { sender, aad, .. } => {
            assert_eq!(aad, b"envelope");
            assert_eq!(sender.chain, ana.chain);
            assert_eq!(sender.signature_key, ana.key.public());
        }
        _ => panic!("not an entry"),
    }
}

#[test]
fn the_aad_of_one_message_does_not_stay_for_the_next() {
    let mut pair = Pair::new(Suite::Classic);
    let ana = &pair.ana;
    let impossible = Changes { remove: vec![super::super::LeafIndex(9)], ..Changes::default() };
    assert!(pair.ana_group.commit(&ana.provider(), &ana.key, b"first", impossible).is_err());
    let note = pair.ana_group.encrypt(&ana.provider(), &ana.key, b"", b"n").unwrap();
    assert_eq!(message_info(&note).unwrap().unverified_aad, b"");
}

#[test]
fn an_own_message_is_told_apart() {
    let mut pair = Pair::new(Suite::Classic);
    let ana = &pair.ana;
    let note = pair.ana_group.encrypt(&ana.provider(), &ana.key, b"", b"n").unwrap();
    assert!(matches!(ana.process(&mut pair.ana_group, &note), Ok(Processed::OwnMessage)));
}

#[test]
fn a_message_decrypts_once_and_a_little_out_of_order() {
    let mut pair = Pair::new(Suite::Classic);
    let (ana, rui) = (&pair.ana, &pair.rui);
    let notes: Vec<_> = (0..12u8)
        .map(|i| pair.ana_group.encrypt(&ana.provider(), &ana.key, b"", &[i]).unwrap())
        .collect();
    assert_eq!(rui.read(&mut pair.rui_group, &notes[3]), [3]);
    assert_eq!(rui.read(&mut pair.rui_group, &notes[0]), [0]);
    let again = rui.refuse(&mut pair.rui_group, &notes[3]);
    assert!(matches!(again, ProcessError::Void(VoidReason::Mls(_))), "{again:?}");
    assert_eq!(rui.read(&mut pair.rui_group, &notes[11]), [11]);
    let too_late = rui.refuse(&mut pair.rui_group, &notes[4]);
    assert!(matches!(too_late, ProcessError::Void(VoidReason::Mls(_))), "{too_late:?}");
    assert_eq!(rui.read(&mut pair.rui_group, &notes[8]), [8]);
}

#[test]
fn two_thousand_skipped_messages_are_no_hindrance() {
    let mut pair = Pair::new(Suite::Classic);
    let (ana, rui) = (&pair.ana, &pair.rui);
    let mut last = Vec::new();
    for _ in 0..2_000 {
        last = pair.ana_group.encrypt(&ana.provider(), &ana.key, b"", b"x").unwrap();
    }
    assert_eq!(rui.read(&mut pair.rui_group, &last), b"x");
}

#[test]
fn messages_of_another_group_or_epoch_are_void() {
    let mut pair = Pair::new(Suite::Classic);
    let (ana, rui) = (&pair.ana, &pair.rui);
    let old = pair.ana_group.encrypt(&ana.provider(), &ana.key, b"", b"old").unwrap();
    let pending =
        pair.ana_group.commit(&ana.provider(), &ana.key, b"", Changes::default()).unwrap();
    pair.ana_group.merge_pending(&ana.provider()).unwrap();
    let ahead = pair.ana_group.encrypt(&ana.provider(), &ana.key, b"", b"new").unwrap();
    let error = rui.refuse(&mut pair.rui_group, &ahead);
    assert!(matches!(error, ProcessError::Void(VoidReason::OtherEpoch { .. })));
    rui.follow(&mut pair.rui_group, &pending.commit);
    let error = rui.refuse(&mut pair.rui_group, &old);
    assert!(matches!(error, ProcessError::Void(VoidReason::OtherEpoch { .. })));

    let stranger = Device::new(9);
    let other = crate::mls::GroupId([8; 32]);
    let mut elsewhere = crate::mls::Group::create(
        &stranger.provider(),
        other,
        &stranger.key,
        &stranger.chain,
        Suite::Classic,
        b"",
    )
    .unwrap();
    let note = elsewhere.encrypt(&stranger.provider(), &stranger.key, b"", b"n").unwrap();
    let error = rui.refuse(&mut pair.rui_group, &note);
    assert!(matches!(error, ProcessError::Void(VoidReason::OtherGroup)));
}

#[test]
fn corrupted_messages_are_void_and_never_panic() {
    let mut pair = Pair::new(Suite::Classic);
    let (ana, rui) = (&pair.ana, &pair.rui);
    let note = pair.ana_group.encrypt(&ana.provider(), &ana.key, b"aad", b"nota").unwrap();
    let before = rui.store.entries();
    for position in 0..note.len() {
        let mut garbled = note.clone();
        garbled[position] ^= 1;
        rui.refuse(&mut pair.rui_group, &garbled);
        rui.refuse(&mut pair.rui_group, &note[..position]);
    }
    let longer = [note.as_slice(), &[0]].concat();
    rui.refuse(&mut pair.rui_group, &longer);
    assert_eq!(rui.store.entries(), before);
    assert_eq!(rui.read(&mut pair.rui_group, &note), b"nota");
}

#[test]
fn an_entry_may_be_written_while_a_commit_is_pending() {
    let mut pair = Pair::new(Suite::Classic);
    let (ana, rui) = (&pair.ana, &pair.rui);
    pair.ana_group.commit(&ana.provider(), &ana.key, b"", Changes::default()).unwrap();
    let note = pair.ana_group.encrypt(&ana.provider(), &ana.key, b"", b"meanwhile").unwrap();
    assert_eq!(rui.read(&mut pair.rui_group, &note), b"meanwhile");
}
