//! Devices that a member's garbled secrets left behind: how they come back, and what a modified client
//! could make of that.

use enlace_channel::channel::{Command, Event, JoinOffer, Outgoing, SealError, Standing};
use enlace_channel::history::{HistoryShare, SharedEntries, verify_shared};
use enlace_channel::mls::{Backend, Changes, Tamper};
use enlace_channel::policy::Policy;
use enlace_channel::rules::Act;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::names::DeviceName;
use enlace_log::control::Stranded;
use enlace_log::{PayloadHash, Seq};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use crate::support::{ANA, BEN, CID, Case, DORA, GarbleFor, Member, bytes};

/// A commit of `by` whose secrets do not reach `victims`: those beside it in the tree.
pub(crate) fn garble(
    case: &mut Case,
    by: usize,
    victims: &[usize],
    alter: impl FnOnce(&mut Changes<'_>),
) -> Seq {
    let garbling = GarbleFor::default();
    let view = case.members[by].channel().view().unwrap();
    for victim in victims {
        let key = case.members[*victim].device.key.public();
        let leaf = view.member_with_key(&key).unwrap();
        garbling.0.lock().unwrap().push(leaf.encryption_key.to_vec());
    }
    let honest = case.members[by].backend.clone();
    case.members[by].backend = Backend::dangerous_with_tamper(Box::new(garbling)).unwrap();
    let id = case.members[by].client_id();
    let network = &case.network;
    let outgoing = case.members[by]
        .make(network, |c, ctx| c.dangerous_seal_altered(ctx, &Command::SelfUpdate, alter, id))
        .unwrap();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    case.members[by].backend = honest;
    for victim in victims {
        assert_eq!(case.members[*victim].channel().standing(), Standing::Stranded);
    }
    seq
}

/// A commit of `by` whose secrets do not reach `victim`.
pub(crate) fn strands(case: &mut Case, by: usize, victim: usize) {
    garble(case, by, &[victim], |_| {});
}

/// A commit of Ben whose secrets reach Ana alone.
fn garble_all_but_ana(case: &mut Case) {
    let key = case.members[ANA].device.key.public();
    let view = case.members[BEN].channel().view().unwrap();
    let ana = view.member_with_key(&key).unwrap().encryption_key.to_vec();
    let garbling = Backend::dangerous_with_tamper(Box::new(GarbleAllBut(ana))).unwrap();
    case.members[BEN].backend = garbling;
    case.commit(BEN, &Command::SelfUpdate);
    for victim in [CID, DORA] {
        assert_eq!(case.members[victim].channel().standing(), Standing::Stranded);
    }
    case.members[BEN].backend = Backend::new().unwrap();
}

/// Garbles what is sealed to all keys but one.
struct GarbleAllBut(Vec<u8>);

impl Tamper for GarbleAllBut {
    fn sealed(&self, receiver: &[u8], ciphertext: &mut Vec<u8>) {
        if receiver != self.0 {
            *ciphertext.last_mut().unwrap() ^= 1;
        }
    }
}

/// A stranded device's own word.
fn asks(case: &mut Case, who: usize) -> Outgoing {
    let id = case.members[who].client_id();
    let network = &case.network;
    case.members[who].make(network, |c, ctx| c.seal_stranded(ctx, id)).unwrap()
}

pub(crate) fn asks_all(case: &mut Case, who: usize) -> Outgoing {
    let outgoing = asks(case, who);
    case.hub.accept(&outgoing);
    case.deliver();
    outgoing
}

pub(crate) fn name(case: &Case, who: usize) -> DeviceName {
    case.members[who].name().clone()
}

/// `by` puts `who` back, who joins.
pub(crate) fn puts_back(case: &mut Case, by: usize, who: usize) -> JoinOffer {
    let command = Command::PutBack(name(case, who));
    let outgoing = case.command(by, &command).unwrap();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    let offer = case.offer(seq, &outgoing, by);
    case.members[who].join(&case.network, &case.hub, &offer).unwrap();
    offer
}

fn may_write(case: &mut Case, who: usize) -> Result<Outgoing, SealError> {
    let entry = case.members[who].sign_note("may I?");
    let id = entry.header().client_id;
    let network = &case.network;
    case.members[who].make(network, |c, ctx| c.seal_entry(ctx, &entry, id))
}

pub(crate) fn evidence(asked: &Outgoing) -> Vec<u8> {
    let stranded = wire::StrandedEvidence {
        envelope: asked.envelope.encode(),
        outer_signature: asked.request.outer_signature.clone(),
        payload: asked.request.payload.to_vec(),
    };
    wire::Evidence { evidence: Some(wire::evidence::Evidence::Stranded(stranded)) }.encode_to_vec()
}

/// A modified client of `by` swaps `who`, by this key package and this evidence: void for all.
pub(crate) fn swap_is_void(
    case: &mut Case,
    by: usize,
    who: usize,
    key_package: Vec<u8>,
    evidence: Option<Vec<u8>>,
) {
    let key = case.members[who].device.key.public();
    let leaf = case.members[by].channel().view().unwrap().member_with_key(&key).unwrap().leaf;
    let id = case.members[by].client_id();
    let alter = |changes: &mut Changes<'_>| {
        changes.remove.push(leaf);
        changes.add.push(key_package);
        changes.evidence.extend(evidence);
    };
    let network = &case.network;
    let outgoing = case.members[by]
        .make(network, |c, ctx| c.dangerous_seal_altered(ctx, &Command::SelfUpdate, alter, id))
        .unwrap();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    let author = name(case, by);
    let follows = |member: &&Member| member.channel().standing() == Standing::Member;
    for member in case.members.iter().filter(follows) {
        let is_void = member.events.iter().any(|(at, event)| match event {
            Event::Void { author: culprit, reason } => {
                *at == seq && *culprit.device() == author && reason.contains("R-OWN-LEAF")
            }
            _ => false,
        });
        assert!(is_void, "{}", member.name());
    }
}

pub(crate) fn has(member: &Member, is: impl Fn(&Event) -> bool) -> bool {
    member.events.iter().any(|(_, event)| is(event))
}

#[test]
fn a_stranded_device_is_put_back_by_anybody() {
    for (by, who, back) in [(CID, DORA, ANA), (BEN, ANA, DORA), (DORA, CID, BEN)] {
        let mut case = Case::with_four();
        let since = garble(&mut case, by, &[who], |_| ());
        case.post(back, "meanwhile");
        asks_all(&mut case, who);
        let device = name(&case, who);
        assert!(has(&case.members[back], |event| {
            matches!(event, Event::BackRequested { device: d, since: s } if *d == device && *s == since)
        }));
        puts_back(&mut case, back, who);
        assert!(has(&case.members[back], |event| match event {
            Event::Changed { acts, .. } => acts.iter().any(|act| matches!(
                act, Act::PutBack { device: d, since: s, .. } if *d == device && *s == since
            )),
            _ => false,
        }));
        assert_eq!(case.members[who].channel().standing(), Standing::Provisional);
        case.post(back, "welcome back");
        assert_eq!(case.members[who].channel().standing(), Standing::Member);
        case.assert_healthy();
        assert_eq!(case.members[back].channel().asking_back().count(), 0);
    }
}

#[test]
fn several_that_one_commit_strands_are_put_back_one_after_the_other() {
    let mut case = Case::with_four();
    garble_all_but_ana(&mut case);
    asks_all(&mut case, CID);
    asks_all(&mut case, DORA);
    assert_eq!(case.members[ANA].channel().asking_back().count(), 2);
    puts_back(&mut case, ANA, DORA);
    assert_eq!(case.members[ANA].channel().asking_back().count(), 1);
    puts_back(&mut case, ANA, CID);
    case.post(ANA, "all are back");
    case.assert_healthy();
}

#[test]
fn a_device_that_is_stranded_again_is_put_back_again() {
    let mut case = Case::with_four();
    for _ in 0..2 {
        garble(&mut case, CID, &[DORA], |_| ());
        asks_all(&mut case, DORA);
        puts_back(&mut case, BEN, DORA);
        case.post(BEN, "again");
    }
    case.assert_healthy();
}

/// The commit counts for nobody, but the victim can't tell: it is put back all the same.
#[test]
fn a_device_stranded_by_a_void_commit_is_put_back_or_goes_on() {
    let mut case = Case::with_four();
    let title = |policy: &Policy| {
        let edit = policy.edit().unwrap().title("Mine").finish().unwrap();
        Some(edit.encode().to_vec())
    };
    let policy = title(case.members[CID].channel().policy());
    let seq = garble(&mut case, CID, &[DORA], |changes| changes.policy = policy);
    assert!(has(&case.members[ANA], |event| matches!(event, Event::Void { .. })));
    assert_eq!(case.members[DORA].channel().stranded_since(), Some(seq));
    asks_all(&mut case, DORA);
    puts_back(&mut case, ANA, DORA);
    case.post(ANA, "back");
    case.assert_healthy();
}

/// It knows the others by the leaves that they had when it could still follow.
#[test]
fn a_stranded_device_blames_nobody_for_what_it_cannot_judge() {
    let mut case = Case::with_four();
    garble(&mut case, CID, &[DORA], |_| ());
    garble(&mut case, BEN, &[ANA], |_| ());
    asks_all(&mut case, ANA);
    puts_back(&mut case, BEN, ANA);
    garble(&mut case, BEN, &[ANA], |_| ());
    asks_all(&mut case, ANA);
    let cannot_read = |member: &Member| has(member, |e| matches!(e, Event::Unreadable { .. }));
    assert!(!cannot_read(&case.members[DORA]));
    assert!(!cannot_read(&case.members[BEN]));
}

#[test]
fn evidence_is_not_taken_twice() {
    let mut case = Case::with_four();
    garble(&mut case, CID, &[DORA], |_| ());
    let asked = asks_all(&mut case, DORA);
    puts_back(&mut case, ANA, DORA);
    case.post(ANA, "back");
    let package = Stranded::decode(&asked.request.payload).unwrap().key_package;
    swap_is_void(&mut case, BEN, DORA, package, Some(evidence(&asked)));
    case.assert_healthy();
}

#[test]
fn another_key_package_than_the_one_asked_for_is_void() {
    let mut case = Case::with_four();
    garble(&mut case, CID, &[DORA], |_| ());
    let asked = asks_all(&mut case, DORA);
    let package = case.members[DORA].key_package();
    swap_is_void(&mut case, BEN, DORA, package, Some(evidence(&asked)));
    puts_back(&mut case, ANA, DORA);
    case.post(ANA, "back");
    case.assert_healthy();
}

#[test]
fn a_device_that_asked_for_nothing_is_not_swapped() {
    let mut case = Case::with_four();
    let package = case.members[DORA].key_package();
    swap_is_void(&mut case, BEN, DORA, package, None);
    garble(&mut case, CID, &[DORA], |_| ());
    let asked = asks_all(&mut case, DORA);
    let package = case.members[ANA].key_package();
    swap_is_void(&mut case, BEN, ANA, package, Some(evidence(&asked)));
    puts_back(&mut case, ANA, DORA);
    case.post(ANA, "back");
    case.assert_healthy();
}

#[test]
fn nobody_asks_in_anothers_name() {
    let mut case = Case::with_four();
    garble(&mut case, CID, &[DORA], |_| ());
    let asked = asks(&mut case, DORA);
    // Ben sends her payload as his own item, signed by himself.
    let mut envelope = asked.envelope.clone();
    envelope.author = name(&case, BEN).into();
    envelope.payload_hash = PayloadHash::of(&asked.request.payload);
    let signature = envelope.sign(&case.members[BEN].device.key);
    let stolen = enlace_log::Sealed::read(
        bytes(&envelope.encode()),
        signature.as_bytes(),
        asked.request.payload.clone(),
        None,
    );
    case.hub.accept_sealed(stolen.unwrap());
    // And one in her name that she did not sign.
    let forged = enlace_log::Sealed::read(
        bytes(&asked.envelope.encode()),
        asked.envelope.sign(&case.members[BEN].device.key).as_bytes(),
        asked.request.payload.clone(),
        None,
    );
    case.hub.accept_sealed(forged.unwrap());
    case.deliver();
    assert_eq!(case.members[ANA].channel().asking_back().count(), 0);
    let refused = case.command(ANA, &Command::PutBack(name(&case, DORA)));
    assert!(matches!(refused, Err(SealError::NoSuchWish)));
}

/// Whoever strands a device and puts it back itself, into a group of its own.
#[test]
fn a_device_does_not_trust_whoever_stranded_it_and_comes_back_by_another() {
    let mut case = Case::with_four();
    garble(&mut case, CID, &[DORA], |_| ());
    asks_all(&mut case, DORA);
    let command = Command::PutBack(name(&case, DORA));
    let policy = case.members[CID].channel().policy().edit().unwrap().title("Mine");
    let policy = policy.finish().unwrap().encode().to_vec();
    let alter = |changes: &mut Changes<'_>| changes.policy = Some(policy);
    let id = case.members[CID].client_id();
    let network = &case.network;
    let outgoing = case.members[CID]
        .make(network, |c, ctx| c.dangerous_seal_altered(ctx, &command, alter, id))
        .unwrap();
    let seq = case.hub.accept(&outgoing);
    let offer = case.offer(seq, &outgoing, CID);
    case.deliver();
    assert!(has(&case.members[ANA], |event| matches!(event, Event::Void { .. })));
    case.members[DORA].join(&case.network, &case.hub, &offer).unwrap();
    assert_eq!(case.members[DORA].channel().policy().title(), "Mine");
    assert!(matches!(may_write(&mut case, DORA), Err(SealError::Unconfirmed)));

    puts_back(&mut case, ANA, DORA);
    assert!(may_write(&mut case, DORA).is_ok());
    case.post(BEN, "this is the true one");
    case.assert_healthy();
}

#[test]
fn whoever_put_back_a_device_it_stranded_is_not_believed_alone() {
    let mut case = Case::with_four();
    garble(&mut case, CID, &[DORA], |_| ());
    asks_all(&mut case, DORA);
    puts_back(&mut case, CID, DORA);
    case.post(CID, "all is well");
    assert!(matches!(may_write(&mut case, DORA), Err(SealError::Unconfirmed)));
    assert_eq!(case.members[DORA].channel().standing(), Standing::Provisional);
    case.post(BEN, "it is");
    assert_eq!(case.members[DORA].channel().standing(), Standing::Member);
    case.assert_healthy();
}

#[test]
fn where_nobody_else_could_tell_a_device_writes_at_once() {
    let mut case = Case::opened_by_ana();
    case.members.push(Member::new(case.network.b.device("ben")));
    case.admit(ANA, BEN, enlace_channel::policy::Role::Lead);
    case.post(ANA, "hello");
    garble(&mut case, ANA, &[BEN], |_| ());
    asks_all(&mut case, BEN);
    puts_back(&mut case, ANA, BEN);
    assert!(may_write(&mut case, BEN).is_ok());
    case.post(ANA, "back");
    case.assert_healthy();
}

#[test]
fn the_log_up_to_the_welcome_comes_first() {
    let mut case = Case::with_four();
    garble(&mut case, CID, &[DORA], |_| ());
    let asked = asks(&mut case, DORA);
    case.hub.accept(&asked);
    for member in [ANA, BEN, CID] {
        let tail = case.hub.tail();
        case.members[member].receive(&case.network, &case.hub, tail);
    }
    let missed = case.members[CID].note(&case.network, "missed");
    case.hub.accept(&missed);
    let tail = case.hub.tail();
    for member in [ANA, BEN, CID] {
        case.members[member].receive(&case.network, &case.hub, tail);
    }
    let outgoing = case.command(ANA, &Command::PutBack(name(&case, DORA))).unwrap();
    let seq = case.hub.accept(&outgoing);
    let offer = case.offer(seq, &outgoing, ANA);
    let early = case.members[DORA].join(&case.network, &case.hub, &offer);
    assert!(matches!(early, Err(enlace_channel::channel::JoinRefused::LogFirst)), "{early:?}");
    case.members[DORA].receive(&case.network, &case.hub, tail);
    case.members[DORA].join(&case.network, &case.hub, &offer).unwrap();
    case.deliver();
    case.post(ANA, "back");
    case.assert_healthy();
}

#[test]
fn only_a_stranded_device_asks() {
    let mut case = Case::with_four();
    let id = case.members[DORA].client_id();
    let network = &case.network;
    let refused = case.members[DORA].make(network, |c, ctx| c.seal_stranded(ctx, id));
    assert!(matches!(refused, Err(SealError::NotStranded)));
}

#[test]
fn the_same_request_is_sealed_again_for_another_fence() {
    let mut case = Case::with_four();
    garble(&mut case, CID, &[DORA], |_| ());
    let first = asks(&mut case, DORA);
    case.commit(ANA, &Command::SelfUpdate);
    let second = asks(&mut case, DORA);
    assert_eq!(first.request.payload, second.request.payload);
    assert_ne!(first.envelope.fence, second.envelope.fence);
}

#[test]
fn what_is_shared_is_checked_against_the_log() {
    let mut case = Case::with_four();
    garble(&mut case, CID, &[DORA], |_| ());
    let asked = asks_all(&mut case, DORA);
    let missed = case.members[BEN].sign_note("missed");
    let id = missed.header().client_id;
    let network = &case.network;
    let outgoing =
        case.members[BEN].make(network, |c, ctx| c.seal_entry(ctx, &missed, id)).unwrap();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    puts_back(&mut case, ANA, DORA);
    case.post(ANA, "back");
    let dora = case.members[DORA].channel();
    assert!(dora.has_missed(seq) && !dora.has_missed(case.hub.tail()));

    // Sealed to her alone, and for what it says it is for.
    let key = Stranded::decode(&asked.request.payload).unwrap().share_key;
    let ders = |chain: &UnverifiedChain| <[Vec<u8>; 2]>::try_from(chain.ders()).unwrap();
    let chain = ders(&case.members[BEN].device.chain);
    let entries = vec![(seq, 0, missed.encode())];
    let shared = SharedEntries { chains: vec![chain.clone()], entries };
    let device = name(&case, DORA);
    let network = &case.network;
    let share = case.members[ANA]
        .make(network, |c, ctx| c.share(ctx, (&device, &key), (seq, seq), &shared))
        .unwrap();
    let open = |case: &mut Case, who: usize, share: &HistoryShare| {
        let network = &case.network;
        case.members[who].make(network, |c, ctx| c.open_share(ctx, share)).unwrap()
    };
    assert_eq!(open(&mut case, DORA, &share), Some(shared.clone()));
    assert_eq!(open(&mut case, BEN, &share), None);
    let elsewhere = HistoryShare { to: seq.next(), ..share.clone() };
    assert_eq!(open(&mut case, DORA, &elsewhere), None);

    let item = |seq: Seq| &case.hub.items[usize::try_from(seq.0).unwrap()];
    let bundle = &case.network.bundle;
    let by_ben = UnverifiedChain::from_ders(&chain).unwrap();
    let kept = missed.encode();
    let said = verify_shared(bundle, item(seq), &kept, &by_ben).unwrap();
    assert_eq!(said.text(), "missed");
    assert!(verify_shared(bundle, item(case.hub.tail()), &kept, &by_ben).is_none(), "moved");
    let by_ana = &case.members[ANA].device.chain;
    assert!(verify_shared(bundle, item(seq), &kept, by_ana).is_none(), "another author");
    let invented = case.members[BEN].sign_note("never said").encode();
    assert!(verify_shared(bundle, item(seq), &invented, &by_ben).is_none(), "invented");
    for index in 0..kept.len() {
        let mut altered = kept.clone();
        altered[index] ^= 1;
        let altered = verify_shared(bundle, item(seq), &altered, &by_ben);
        assert!(altered.is_none_or(|entry| entry.as_signed() == &missed), "{index}");
    }
}
