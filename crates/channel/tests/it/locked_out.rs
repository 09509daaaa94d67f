//! A founder that keeps devices out of the next group, by what only they can see: they are put back
//! into it all the same.

use std::ops::Range;

use enlace_channel::channel::{Command, Event, Outgoing, Standing};
use enlace_channel::mls::Suite;
use enlace_channel::policy::{ChannelKind, FoundingReason, Role};
use enlace_log::control::LeafHash;
use enlace_log::{Generation, Seq, Succession};

use crate::stranded::{evidence, garble, has, name, puts_back};
use crate::succession::events_at;
use crate::support::{ANA, BEN, CID, Case, DORA, Member};

const ALL: [usize; 4] = [ANA, BEN, CID, DORA];

/// One element of a welcome's `secrets` (RFC 9420 §12.4.3.1), from which its receiver learns the rest.
struct Secrets {
    /// The whole element.
    whole: Range<usize>,
    /// Which key package it is for.
    reference: Range<usize>,
}

/// A length as RFC 9420 §2.1.2 writes it, and where what follows begins.
fn length(bytes: &[u8], at: usize) -> (usize, usize) {
    let size = 1 << (bytes[at] >> 6);
    let first = usize::from(bytes[at] & 0x3F);
    let rest = bytes[at + 1..at + size].iter();
    (rest.fold(first, |length, byte| length << 8 | usize::from(*byte)), at + size)
}

fn secrets(welcome: &[u8]) -> Vec<Secrets> {
    // Version, wire format and cipher suite stand before them.
    let (total, mut at) = length(welcome, 6);
    let end = at + total;
    let mut found = Vec::new();
    while at < end {
        let (size, start) = length(welcome, at);
        let reference = start..start + size;
        let mut next = reference.end;
        for _ in ["kem_output", "ciphertext"] {
            let (size, start) = length(welcome, next);
            next = start + size;
        }
        found.push(Secrets { whole: at..next, reference });
        at = next;
    }
    found
}

/// A founding by Ana whose told form `spoil` has rewritten.
fn found_and_tell(case: &mut Case, spoil: impl FnOnce(&mut Succession) + 'static) -> Seq {
    let draft = case.succession(ANA, FoundingReason::Renewal, Suite::PostQuantum);
    case.rogue_founding(ANA, draft, |foundation| foundation.tell = Box::new(spoil))
}

/// Spoils what the nth receiver needs of a welcome; whom that keeps out.
fn keep_out_one(
    case: &mut Case,
    nth: usize,
    spoil: impl Fn(&mut Vec<u8>, Secrets) + 'static,
) -> (Seq, usize) {
    let seq = found_and_tell(case, move |told| {
        let secrets = secrets(&told.welcome).remove(nth);
        spoil(&mut told.welcome, secrets);
    });
    let is_out = |i: &usize| case.members[*i].channel().standing() == Standing::Stranded;
    let out: Vec<usize> = ALL.into_iter().filter(is_out).collect();
    assert_eq!(out.len(), 1, "{out:?}");
    let by = name(case, ANA);
    let told = events_at(case, out[0], seq);
    assert!(told.iter().any(|e| matches!(e, Event::Stranded { by: b } if *b == by)), "{told:?}");
    assert!(told.iter().any(|e| matches!(e, Event::LockedOut { .. })), "{told:?}");
    (seq, out[0])
}

fn asks_in(case: &mut Case, who: usize, succession: Seq) -> Outgoing {
    let id = case.members[who].client_id();
    let network = &case.network;
    let asked = case.members[who].make(network, |c, ctx| c.seal_stranded_in(ctx, succession, id));
    let asked = asked.unwrap();
    case.hub.accept(&asked);
    case.deliver();
    asked
}

/// Nobody is blamed but for what stands there.
fn nobody_is_accused(case: &Case) {
    for member in &case.members {
        let blames = |event: &Event| matches!(event, Event::Void { .. } | Event::Unreadable { .. });
        assert!(!has(member, blames), "{}: {:?}", member.name(), member.events);
    }
}

/// Garbled, left out, or under a wrong name: the leaf is in the founding, and the others have checked it.
#[test]
fn whose_welcome_cannot_be_opened_is_put_back_into_the_next_group() {
    let garble = |welcome: &mut Vec<u8>, secrets: Secrets| welcome[secrets.whole.end - 1] ^= 1;
    let misname = |welcome: &mut Vec<u8>, secrets: Secrets| welcome[secrets.reference.end - 1] ^= 1;
    type Spoil = fn(&mut Vec<u8>, Secrets);
    let spoils: [Spoil; 2] = [garble, misname];
    for (nth, spoil) in [(0, spoils[0]), (1, spoils[1]), (2, spoils[0])] {
        let mut case = Case::with_four();
        let (seq, victim) = keep_out_one(&mut case, nth, spoil);
        let helper = ALL.into_iter().find(|i| *i != ANA && *i != victim).unwrap();
        case.post(helper, "meanwhile");
        // Into an epoch of the number that the victim's group has.
        for _ in 0..4 {
            case.commit(helper, &Command::SelfUpdate);
            case.post(helper, "still there");
        }
        crate::stranded::asks_all(&mut case, victim);
        let asked = asks_in(&mut case, victim, seq);
        assert_eq!(asked.envelope.generation, Generation(1));
        nobody_is_accused(&case);
        case.members[victim].reload(&case.network);
        puts_back(&mut case, helper, victim);
        case.post(helper, "welcome back");
        assert_eq!(case.members[victim].channel().standing(), Standing::Member);
        assert_eq!(case.generations(), [1; 4]);
        nobody_is_accused(&case);
        case.assert_healthy();
    }
}

#[test]
fn who_is_kept_out_of_a_group_of_another_suite_asks_with_keys_of_that_one() {
    let mut case = Case::opened_as(ChannelKind::Forum);
    case.members.push(Member::new(case.network.a.device("ben")));
    case.members.push(Member::new(case.network.b.device("cid")));
    case.admit(ANA, BEN, Role::Lead);
    case.admit(ANA, CID, Role::Lead);
    for member in [ANA, BEN, CID] {
        case.post(member, "hello");
    }
    let draft = case.succession(ANA, FoundingReason::Renewal, Suite::Classic);
    let seq = case.rogue_founding(ANA, draft, |foundation| {
        foundation.tell = Box::new(|told| {
            let first = secrets(&told.welcome).remove(0);
            told.welcome[first.whole.end - 1] ^= 1;
        });
    });
    let victim = [BEN, CID]
        .into_iter()
        .find(|i| case.members[*i].channel().standing() == Standing::Stranded)
        .unwrap();
    asks_in(&mut case, victim, seq);
    puts_back(&mut case, if victim == BEN { CID } else { BEN }, victim);
    case.post(if victim == BEN { CID } else { BEN }, "welcome back");
    assert_eq!(case.members[victim].channel().suite(), Suite::Classic);
    case.assert_healthy();
}

#[test]
fn a_founder_who_lies_about_leaves_or_suite_captures_nobody() {
    let mut case = Case::with_four();
    let dora = name(&case, DORA);
    let stranger = case.network.b.device("eva").name;
    type Lie = Box<dyn FnOnce(&mut Succession)>;
    let (listed, absent, surplus) = (dora.clone(), dora, stranger);
    let lies: [Lie; 4] = [
        Box::new(move |told| _ = told.leaves.insert(listed, LeafHash([7; 32]))),
        Box::new(move |told| _ = told.leaves.remove(&absent)),
        Box::new(move |told| _ = told.leaves.insert(surplus, LeafHash([7; 32]))),
        Box::new(|told| told.suite = Suite::Classic.code()),
    ];
    for lie in lies {
        let seq = found_and_tell(&mut case, lie);
        case.assert_void_founding(seq, ANA, "S-LEAVES");
    }
}

/// The founding counts for nobody, but the victim can't tell: it asks in both groups, and is blamed for nothing.
#[test]
fn who_is_kept_out_of_a_void_group_is_put_back_into_the_present_one() {
    let mut case = Case::with_four();
    let draft = case.succession(CID, FoundingReason::Renewal, Suite::PostQuantum);
    let seq = case.rogue_founding(CID, draft, |foundation| {
        foundation.tell = Box::new(|told| {
            let first = secrets(&told.welcome).remove(0);
            told.welcome[first.whole.end - 1] ^= 1;
        });
    });
    let is_out = |i: &usize| case.members[*i].channel().standing() == Standing::Stranded;
    let victim = ALL.into_iter().find(is_out).unwrap();
    let helper = ALL.into_iter().find(|i| *i != CID && *i != victim).unwrap();
    for member in &mut case.members {
        member.events.clear();
    }
    asks_in(&mut case, victim, seq);
    let command = Command::PutBack(name(&case, victim));
    assert!(case.command(helper, &command).is_err(), "that is not their group");
    crate::stranded::asks_all(&mut case, victim);
    nobody_is_accused(&case);
    puts_back(&mut case, helper, victim);
    case.post(helper, "welcome back");
    assert_eq!(case.generations(), [0; 4]);
    case.assert_healthy();
}

/// Who was stranded by a change does not open what its author founds later, but learns where it stands in it.
#[test]
fn who_was_stranded_by_the_founder_before_is_put_back_into_the_next_group() {
    let mut case = Case::with_four();
    garble(&mut case, CID, &[DORA], |_| ());
    let founded = case.found(CID, FoundingReason::Poisoned, Suite::PostQuantum);
    let seq = case.hub.accept(&founded);
    case.deliver();
    assert_eq!(case.members[DORA].channel().standing(), Standing::Stranded);
    crate::stranded::asks_all(&mut case, DORA);
    asks_in(&mut case, DORA, seq);
    puts_back(&mut case, BEN, DORA);
    case.post(BEN, "welcome back");
    assert_eq!(case.generations(), [1; 4]);
    case.assert_healthy();
}

/// What was asked in the group before serves nobody to swap a device in the next one.
#[test]
fn a_request_of_the_group_before_swaps_nobody_in_the_next_one() {
    let mut case = Case::with_four();
    garble(&mut case, CID, &[DORA], |_| ());
    let asked = crate::stranded::asks_all(&mut case, DORA);
    let founded = case.found(ANA, FoundingReason::Renewal, Suite::PostQuantum);
    case.hub.accept(&founded);
    case.deliver();
    assert_eq!(case.generations(), [1; 4]);
    let key_package = enlace_log::control::Stranded::decode(&asked.request.payload);
    let key_package = key_package.unwrap().key_package;
    crate::stranded::swap_is_void(&mut case, CID, DORA, key_package, Some(evidence(&asked)));
}
