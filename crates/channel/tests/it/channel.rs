//! A channel among honest members, and what they do about dishonest ones. The tests play the
//! adversary with the same library: items altered on the way, forged by a hub, or committed by a
//! member who may not.

use enlace_channel::channel::{Command, Culprit, Event, JoinRefused, SealError, Standing};
use enlace_channel::policy::Role;
use enlace_log::{Sealed, Seq};

use crate::support::{ANA, BEN, CID, Case, DORA, Member, bytes};

#[test]
fn officers_of_two_authorities_read_each_other() {
    let mut case = Case::with_four();
    case.post(ANA, "first\nsecond line");
    case.post(DORA, "segunda nota: ação");
    assert_eq!(case.members[CID].texts(), ["first\nsecond line", "segunda nota: ação"]);
    assert_eq!(case.members[ANA].texts(), ["segunda nota: ação"]);
    case.assert_healthy();
}

#[test]
fn a_joiner_is_provisional_until_another_members_item_decrypts() {
    let mut case = Case::opened_by_ana();
    case.members.push(Member::new(case.network.b.device("bia")));
    case.admit(ANA, 1, Role::Lead);
    assert_eq!(case.members[1].channel().standing(), Standing::Provisional);
    case.post(ANA, "welcome");
    assert_eq!(case.members[1].channel().standing(), Standing::Member);
    assert!(case.members[1].events.iter().any(|(_, e)| matches!(e, Event::Confirmed)));
}

#[test]
fn a_removed_officer_learns_it_and_reads_no_further() {
    let mut case = Case::with_four();
    let dora = case.members[DORA].officer();
    case.commit(CID, &Command::Remove(dora));
    assert_eq!(case.members[DORA].channel().standing(), Standing::Removed);
    case.post(ANA, "after");
    assert!(!case.members[DORA].texts().contains(&"after".to_owned()));
    case.assert_healthy();
}

#[test]
fn a_member_leaves_by_own_wish_and_anybody_carries_it_out() {
    let mut case = Case::with_four();
    let id = case.members[DORA].client_id();
    let network = &case.network;
    let leave = case.members[DORA].make(network, |c, ctx| c.seal_leave(ctx, id)).unwrap();
    case.hub.accept(&leave);
    case.deliver();
    let dora = case.members[DORA].name().clone();
    assert_eq!(
        case.members[BEN].channel().leaving().collect::<Vec<_>>(),
        std::slice::from_ref(&dora)
    );
    case.commit(BEN, &Command::CarryOutLeave(dora));
    assert_eq!(case.members[DORA].channel().standing(), Standing::Removed);
    case.assert_healthy();
}

#[test]
fn nobody_is_removed_by_a_wish_that_was_not_uttered() {
    let mut case = Case::with_four();
    let dora = case.members[DORA].name().clone();
    assert!(matches!(case.command(BEN, &Command::CarryOutLeave(dora)), Err(SealError::NoSuchWish)));
}

#[test]
fn two_commits_that_race_end_in_one_state() {
    let mut case = Case::with_four();
    let first = case.command(ANA, &Command::SelfUpdate).unwrap();
    let second = case.command(CID, &Command::SelfUpdate).unwrap();
    case.hub.accept(&first);
    // The hub refuses the second for its fence: it never gets a place.
    case.deliver();
    let lost = second.envelope.client_id;
    assert!(
        case.members[CID]
            .events
            .iter()
            .any(|(_, e)| matches!(e, Event::CommitLost(id) if *id == lost))
    );
    case.commit(CID, &Command::SelfUpdate);
    case.assert_healthy();
}

#[test]
fn an_entry_that_was_too_late_is_sealed_again_without_being_signed_again() {
    let mut case = Case::with_four();
    let entry = case.members[BEN].sign_note("written before the change");
    let id = entry.header().client_id;
    let network = &case.network;
    let stale = case.members[BEN].make(network, |c, ctx| c.seal_entry(ctx, &entry, id)).unwrap();
    case.commit(ANA, &Command::SelfUpdate);
    assert_ne!(stale.envelope.fence, case.members[BEN].channel().fence());
    let network = &case.network;
    let fresh = case.members[BEN].make(network, |c, ctx| c.seal_entry(ctx, &entry, id)).unwrap();
    assert_eq!(fresh.envelope.commitment, stale.envelope.commitment);
    case.hub.accept(&fresh);
    case.deliver();
    assert_eq!(case.members[ANA].texts(), ["written before the change"]);
    assert!(
        case.members[BEN].events.iter().any(|(_, e)| matches!(e, Event::OwnEntry(o) if *o == id))
    );
}

/// A commit item that hub or relay altered on the way, and what members say of it.
fn altered_commit(alter: impl FnOnce(&mut enlace_proto::relay::v1::SubmitRequest)) -> (Case, Seq) {
    let mut case = Case::with_four();
    let mut outgoing = case.command(ANA, &Command::SelfUpdate).unwrap();
    alter(&mut outgoing.request);
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    (case, seq)
}

#[test]
fn a_commit_whose_outer_signature_does_not_fit_is_void_by_the_relays_word() {
    let (case, seq) = altered_commit(|request| request.outer_signature[3] ^= 1);
    let (culprit, _) = case.void_by_all(seq, ANA);
    assert_eq!(culprit, Culprit::ByRelaysWord(case.members[ANA].name().clone()));
}

#[test]
fn a_list_change_swapped_on_the_way_changes_nothing_of_what_was_signed() {
    let (mut case, seq) = altered_commit(|request| {
        let change = request.list_change.as_mut().unwrap();
        change.removed.push("laptop.dora.officer.b.example".into());
    });
    for member in &case.members {
        assert_eq!(member.channel().last_valid_commit(), Some(seq));
        assert_eq!(member.channel().devices().len(), 4);
    }
    case.assert_healthy();
}

#[test]
fn an_item_put_in_a_members_name_by_a_hub_changes_nothing() {
    let mut case = Case::with_four();
    let genuine = case.members[ANA].note(&case.network, "genuine");
    let mut forged = genuine.envelope.clone();
    forged.author = case.members[CID].name().clone().into();
    let sealed =
        Sealed::read(forged.encode().into(), &[], genuine.request.payload.clone(), None).unwrap();
    case.hub.accept_sealed(sealed);
    case.deliver();
    let cid = case.members[CID].name().clone();
    for member in [ANA, BEN, DORA] {
        assert!(case.members[member].texts().is_empty());
    }
    assert!(case.members[BEN].events.iter().any(|(_, e)| matches!(
        e,
        Event::Unreadable { author: Culprit::ByRelaysWord(d), .. } if *d == cid
    )));
    case.hub.accept(&genuine);
    case.deliver();
    assert_eq!(case.members[BEN].texts(), ["genuine"], "the genuine item still counts");
    case.assert_healthy();
}

#[test]
fn an_entry_with_garbage_inside_leaves_no_trace() {
    let mut case = Case::with_four();
    let mut outgoing = case.members[ANA].note(&case.network, "will be garbled");
    let mut payload = outgoing.request.payload.to_vec();
    let last = payload.len() - 1;
    payload[last] ^= 1;
    outgoing.envelope.payload_hash = enlace_log::PayloadHash::of(&payload);
    outgoing.request.payload = bytes(&payload);
    outgoing.request.envelope = Some(outgoing.envelope.to_wire(true));
    let before = case.members[BEN].store.entries();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    assert!(matches!(
        case.members[BEN].events.last(),
        Some((at, Event::Unreadable { .. })) if *at == seq
    ));
    let after = case.members[BEN].store.entries();
    let changed: Vec<_> = after.iter().filter(|(k, v)| before.get(*k) != Some(*v)).collect();
    assert!(changed.iter().all(|(key, _)| key.starts_with(b"channel/")), "only the position");
    case.assert_healthy();
}

#[test]
fn a_lead_cannot_admit_an_officer_of_another_authority() {
    let mut case = Case::with_four();
    case.members.push(Member::new(case.network.a.device("eva")));
    let admission = case.admission(4, Role::Member);
    let refused = case.command(CID, &Command::Admit(vec![admission]));
    assert!(matches!(refused, Err(SealError::NotAllowed(_))), "{refused:?}");
    assert!(!case.members[CID].channel().has_pending_commit());
    case.assert_healthy();
}

#[test]
fn an_observer_reads_and_does_not_write() {
    let mut case = Case::with_four();
    let ben = case.members[BEN].officer();
    case.commit(ANA, &Command::SetRole(ben, Role::Observer));
    let outgoing = case.members[BEN].note(&case.network, "not allowed");
    case.hub.accept(&outgoing);
    case.deliver();
    assert!(case.members[CID].texts().is_empty());
    let ben = case.members[BEN].name().clone();
    assert!(case.members[CID].events.iter().any(|(_, e)| matches!(
        e,
        Event::Unreadable { author: Culprit::Member(d), .. } if *d == ben
    )));
    case.post(ANA, "read by all");
    assert_eq!(case.members[BEN].texts(), ["read by all"]);
}

#[test]
fn a_welcome_swapped_on_the_way_is_refused_and_keeps_the_key_package() {
    let mut case = Case::opened_by_ana();
    case.members.push(Member::new(case.network.b.device("bia")));
    let admission = case.admission(1, Role::Lead);
    let outgoing = case.command(ANA, &Command::Admit(vec![admission])).unwrap();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    let genuine = case.offer(seq, &outgoing, ANA);

    let mut swapped = genuine.clone();
    let mut welcome = swapped.welcomes[0].1.to_vec();
    welcome[100] ^= 1;
    swapped.welcomes[0].1 = welcome.into();
    let mut listed = genuine.clone();
    listed.devices = [case.members[1].name().clone()].into_iter().collect();
    let mut moved = genuine.clone();
    moved.head = case.hub.head_at(Seq(0));
    let mut later = genuine.clone();
    later.commit.received_at = later.commit.received_at.plus(std::time::Duration::from_millis(1));
    let mut unconnected = genuine.clone();
    unconnected.previous_chain.0[0] ^= 1;
    let network = &case.network;
    let bia = &mut case.members[1];
    let refusal = |bia: &mut Member, offer| bia.join(network, &case.hub, offer).unwrap_err();
    assert!(matches!(refusal(bia, &swapped), JoinRefused::Welcome));
    assert!(matches!(refusal(bia, &listed), JoinRefused::DeviceList));
    assert!(matches!(refusal(bia, &moved), JoinRefused::Head));
    assert!(matches!(refusal(bia, &later), JoinRefused::Head));
    assert!(matches!(refusal(bia, &unconnected), JoinRefused::Head));
    bia.join(network, &case.hub, &genuine).unwrap();
}

#[test]
fn a_hub_that_signs_two_histories_is_caught_by_the_first_entry_that_passes_between() {
    let mut case = Case::with_four();
    let mut other = case.hub.fork();
    // Ben is shown one history, Cid another; both are signed.
    let to_ben = case.members[ANA].note(&case.network, "only Ben sees this");
    case.hub.accept(&to_ben);
    let tail = case.hub.tail();
    case.members[BEN].receive(&case.network, &case.hub, tail);
    let to_cid = case.members[ANA].note(&case.network, "only Cid sees this");
    other.accept(&to_cid);
    let tail = other.tail();
    case.members[CID].receive(&case.network, &other, tail);
    // Ben writes, and the hub passes it on to Cid.
    let bens = case.members[BEN].note(&case.network, "passes between");
    other.accept(&bens);
    let tail = other.tail();
    case.members[CID].receive(&case.network, &other, tail);
    assert_eq!(case.members[CID].texts(), ["only Cid sees this", "passes between"]);
    let contradiction = case.members[CID].events.iter().find_map(|(_, e)| match e {
        Event::Contradiction(head) => Some(head.clone()),
        _ => None,
    });
    let theirs = contradiction.expect("Cid has the head that Ben was shown");
    let seq = theirs.head().seq;
    let proof = enlace_log::ForkProof::at_one_position(*theirs, other.head_at(seq));
    assert!(proof.is_some(), "both heads are the hub's");
}
