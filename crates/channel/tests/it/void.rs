//! A modified client among honest ones: whatever it commits, every honest member voids it alike,
//! names its author, and goes on reading and writing.

use enlace_channel::channel::{Command, Culprit, Event, SealError, Standing};
use enlace_channel::mls::Backend;
use enlace_channel::policy::Role;
use enlace_log::{DeviceList, ItemKind, PayloadHash, Sealed, Seq};

use crate::support::{ANA, BEN, CID, Case, DORA, GarbleAll, Member, bytes};

/// All honest members void the item at `seq`, name its author, and stay healthy; so does the
/// modified client's own device once it follows the log.
fn assert_void(case: &mut Case, seq: Seq, author: usize) -> String {
    let (culprit, reason) = case.void_by_all(seq, author);
    assert_eq!(culprit, Culprit::Member(case.members[author].name().clone()), "{reason}");
    case.assert_healthy();
    reason
}

#[test]
fn a_member_who_removes_another_without_the_right_to() {
    let mut case = Case::with_four();
    let dora = case.members[DORA].officer();
    let seq = case.rogue_commit(BEN, &Command::Remove(dora), None);
    assert_eq!(case.members[DORA].channel().standing(), Standing::Member);
    assert!(
        case.members[DORA]
            .events
            .iter()
            .any(|(_, e)| matches!(e, Event::ContestDue(s) if *s == seq))
    );
    assert_void(&mut case, seq, BEN);
}

#[test]
fn a_lead_who_admits_an_officer_of_another_authority() {
    let mut case = Case::with_four();
    case.members.push(Member::new(case.network.a.device("eva")));
    let admission = case.admission(4, Role::Member);
    let seq = case.rogue_commit(CID, &Command::Admit(vec![admission]), None);
    assert_void(&mut case, seq, CID);
}

#[test]
fn an_observer_who_commits_more_than_its_own_renewal() {
    let mut case = Case::with_four();
    let (ben, dora) = (case.members[BEN].officer(), case.members[DORA].officer());
    case.commit(ANA, &Command::SetRole(ben.clone(), Role::Observer));
    let seq = case.rogue_commit(BEN, &Command::SetRole(ben.clone(), Role::Lead), None);
    assert_eq!(case.members[CID].channel().policy().role_of(&ben), Some(Role::Observer));
    case.void_by_all(seq, BEN);
    let seq = case.rogue_commit(BEN, &Command::Remove(dora), None);
    case.void_by_all(seq, BEN);
    let renewed = case.commit(BEN, &Command::SelfUpdate);
    assert_eq!(case.members[ANA].channel().last_valid_commit(), Some(renewed));
}

#[test]
fn a_list_that_differs_from_the_tree() {
    let mut case = Case::with_four();
    let all_but_dora: DeviceList =
        [ANA, BEN, CID].iter().map(|&i| case.members[i].name().clone()).collect();
    let seq = case.rogue_commit(BEN, &Command::SelfUpdate, Some(all_but_dora));
    assert!(assert_void(&mut case, seq, BEN).contains("device list"));
}

#[test]
fn a_list_that_holds_only_its_author() {
    let mut case = Case::with_four();
    let alone: DeviceList = [case.members[CID].name().clone()].into_iter().collect();
    let seq = case.rogue_commit(CID, &Command::SelfUpdate, Some(alone));
    for member in [ANA, BEN, DORA] {
        let due = case.members[member].events.iter();
        assert!(due.clone().any(|(_, e)| matches!(e, Event::ContestDue(s) if *s == seq)));
    }
    assert_void(&mut case, seq, CID);
}

#[test]
fn bytes_that_are_no_commit() {
    let mut case = Case::with_four();
    let id = case.members[BEN].client_id();
    let network = &case.network;
    let genuine = case.members[BEN]
        .make(network, |c, ctx| c.dangerous_seal_commit(ctx, &Command::SelfUpdate, None, id))
        .unwrap();
    for payload in [&b"not MLS"[..], &genuine.request.payload[..200]] {
        let mut envelope = genuine.envelope.clone();
        envelope.fence = case.members[ANA].channel().fence();
        envelope.client_id = case.members[BEN].client_id();
        envelope.payload_hash = PayloadHash::of(payload);
        let signature = envelope.sign(&case.members[BEN].device.key);
        let sealed = Sealed::read(
            envelope.encode().into(),
            signature.as_bytes(),
            bytes(payload),
            genuine.request.list_change.as_ref(),
        )
        .unwrap();
        let seq = case.hub.accept_sealed(sealed);
        case.deliver();
        case.void_by_all(seq, BEN);
    }
    case.assert_healthy();
}

#[test]
fn an_entry_dressed_as_a_commit_and_a_commit_as_an_entry() {
    let mut case = Case::with_four();
    let note = case.members[BEN].note(&case.network, "dressed up");
    let mut envelope = note.envelope.clone();
    envelope.kind = ItemKind::Commit;
    envelope.commitment = enlace_log::Commitment::NONE;
    envelope.list_hash = case.members[BEN].channel().devices().hash();
    let signature = envelope.sign(&case.members[BEN].device.key);
    let change = enlace_log::ListChange::default().to_wire();
    let payload = note.request.payload.clone();
    let sealed =
        Sealed::read(envelope.encode().into(), signature.as_bytes(), payload, Some(&change));
    let seq = case.hub.accept_sealed(sealed.unwrap());
    case.deliver();
    case.void_by_all(seq, BEN);
    case.assert_healthy();
}

#[test]
fn a_void_commit_and_a_racing_one_both_end() {
    let mut case = Case::with_four();
    let mine = case.command(ANA, &Command::SelfUpdate).unwrap();
    let dora = case.members[DORA].officer();
    let seq = case.rogue_commit(BEN, &Command::Remove(dora), None);
    let lost = mine.envelope.client_id;
    assert!(
        case.members[ANA]
            .events
            .iter()
            .any(|(_, e)| matches!(e, Event::CommitLost(id) if *id == lost))
    );
    case.commit(ANA, &Command::SelfUpdate);
    assert_void(&mut case, seq, BEN);
}

#[test]
fn a_void_commit_survives_a_restart_of_whoever_voided_it() {
    let mut case = Case::with_four();
    let dora = case.members[DORA].officer();
    let seq = case.rogue_commit(BEN, &Command::Remove(dora), None);
    for index in [ANA, CID, DORA] {
        let Case { network, members, .. } = &mut case;
        members[index].reload(network);
    }
    assert_void(&mut case, seq, BEN);
}

#[test]
fn a_contest_is_shown_and_changes_nothing_for_members() {
    let mut case = Case::with_four();
    let dora = case.members[DORA].officer();
    let seq = case.rogue_commit(BEN, &Command::Remove(dora), None);
    let id = case.members[DORA].client_id();
    let network = &case.network;
    let contest = case.members[DORA].make(network, |c, ctx| c.seal_contest(ctx, seq, id)).unwrap();
    case.hub.accept(&contest);
    case.deliver();
    let name = case.members[DORA].name().clone();
    for member in [ANA, BEN, CID] {
        assert!(case.members[member].events.iter().any(
            |(_, e)| matches!(e, Event::Contested { by, commit } if *by == name && *commit == seq)
        ));
    }
    assert_void(&mut case, seq, BEN);
}

#[test]
fn a_member_who_garbles_secrets_strands_its_victims_who_then_refuse_to_write() {
    let mut case = Case::with_four();
    let garbling = Backend::dangerous_with_tamper(Box::new(GarbleAll)).unwrap();
    case.members[ANA].backend = garbling;
    let seq = case.rogue_commit(ANA, &Command::SelfUpdate, None);
    let ana = case.members[ANA].name().clone();
    for index in [BEN, CID, DORA] {
        assert_eq!(case.members[index].channel().standing(), Standing::Stranded);
        assert!(
            case.members[index]
                .events
                .iter()
                .any(|(at, e)| *at == seq && matches!(e, Event::Stranded { by } if *by == ana))
        );
        let entry = case.members[index].sign_note("must not be written");
        let id = entry.header().client_id;
        let network = &case.network;
        let refused = case.members[index].make(network, |c, ctx| c.seal_entry(ctx, &entry, id));
        assert!(matches!(refused, Err(SealError::Stranded)));
    }
}
