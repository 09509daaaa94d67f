//! What hubs, relays and members could do to one member alone: tell it another log than the
//! others have, or get it to take a step that the others don't.

use std::collections::BTreeMap;

use enlace_channel::channel::{
    ChannelError, Command, Event, JoinOffer, JoinRefused, Outgoing, SealError, Standing,
};
use enlace_channel::mls::{Backend, Suite, generate_key_package};
use enlace_channel::policy::Role;
use enlace_channel::state_store::{MemoryStore, StateStore};
use enlace_identity::keys::SigningKey;
use enlace_log::{
    ChainHash, Head, HeadSigner, Incarnation, Item, ListChange, QuotedHead, Sealed, Seq,
};
use enlace_proto::relay::v1::ListChange as WireListChange;

use crate::support::{
    ANA, BEN, CID, Case, DORA, GarbleAll, GarbleFor, Hub, Member, bytes, channel_id,
};

/// The same log with the same signed heads, where the item at `seq` comes with other bytes beside
/// the envelope.
fn retold(
    hub: &Hub,
    seq: Seq,
    payload: Option<&[u8]>,
    list_change: Option<&WireListChange>,
) -> Hub {
    let mut other = hub.fork();
    let item: &mut Item = &mut other.items[usize::try_from(seq.0).unwrap()];
    let told = item.to_wire();
    let payload = payload.map_or(told.payload, bytes);
    let list_change = list_change.or(told.list_change.as_ref());
    let envelope = item.sealed.envelope_bytes().clone();
    item.sealed = Sealed::read(envelope, &told.outer_signature, payload, list_change).unwrap();
    other
}

fn events_at(member: &Member, seq: Seq) -> impl Iterator<Item = &Event> {
    member.events.iter().filter(move |(at, _)| *at == seq).map(|(_, event)| event)
}

#[test]
fn another_list_change_told_to_one_member_splits_nobody() {
    let mut case = Case::with_four();
    let outgoing = case.command(ANA, &Command::SelfUpdate).unwrap();
    let seq = case.hub.accept(&outgoing);
    let change = WireListChange {
        removed: vec![case.members[DORA].name().to_string()],
        ..Default::default()
    };
    let other = retold(&case.hub, seq, None, Some(&change));
    case.members[CID].receive(&case.network, &other, seq);
    case.deliver();
    case.assert_healthy();
}

#[test]
fn a_commit_whose_signature_a_hub_alters_is_void_for_its_author_too() {
    let mut case = Case::with_four();
    let mut outgoing = case.command(ANA, &Command::SelfUpdate).unwrap();
    outgoing.request.outer_signature[3] ^= 1;
    case.hub.accept(&outgoing);
    case.deliver();
    assert!(!case.members[ANA].channel().has_pending_commit());
    case.assert_healthy();
}

#[test]
fn a_commit_whose_content_is_kept_from_one_member_makes_it_wait() {
    let mut case = Case::with_four();
    let outgoing = case.command(ANA, &Command::SelfUpdate).unwrap();
    let seq = case.hub.accept(&outgoing);
    let other = retold(&case.hub, seq, Some(b""), None);
    let item = other.items.last().unwrap().clone();
    let refused = case.members[CID].make(&case.network, |c, ctx| c.handle_item(ctx, &item));
    assert!(matches!(refused, Err(ChannelError::CommitErased(at)) if at == seq), "{refused:?}");
    case.deliver();
    case.assert_healthy();
}

#[test]
fn an_entry_taken_in_too_late_to_be_read_is_not_reported_as_written() {
    let mut case = Case::with_four();
    let entry = case.members[BEN].sign_note("kept back by the hub");
    let id = entry.header().client_id;
    let network = &case.network;
    let early = case.members[BEN].make(network, |c, ctx| c.seal_entry(ctx, &entry, id)).unwrap();
    case.commit(ANA, &Command::SelfUpdate);
    case.hub.accept(&early);
    case.deliver();
    let is_own = |(_, event): &(Seq, Event)| matches!(event, Event::OwnEntry(own) if *own == id);
    assert!(!case.members[BEN].events.iter().any(is_own), "nobody could read it");
    let network = &case.network;
    let again = case.members[BEN].make(network, |c, ctx| c.seal_entry(ctx, &entry, id)).unwrap();
    case.hub.accept(&again);
    case.deliver();
    assert!(case.members[BEN].events.iter().any(is_own));
    assert_eq!(case.members[CID].texts(), ["kept back by the hub"]);
    case.assert_healthy();
}

#[test]
fn an_entry_placed_after_a_void_commit_is_refused_by_author_and_readers_alike() {
    let mut case = Case::with_four();
    let dora = case.members[DORA].officer();
    let early = case.members[ANA].note(&case.network, "kept back over a void commit");
    case.rogue_commit(BEN, &Command::Remove(dora), None);
    let seq = case.hub.accept(&early);
    case.deliver();
    for member in &case.members {
        assert!(
            events_at(member, seq).any(|event| matches!(event, Event::Unreadable { .. })),
            "{}",
            member.name()
        );
    }
    case.assert_healthy();
}

#[test]
fn a_commit_that_a_hub_refuses_and_takes_in_all_the_same_strands_its_author_alone() {
    let mut case = Case::with_four();
    let outgoing = case.command(ANA, &Command::SelfUpdate).unwrap();
    case.members[ANA].make(&case.network, |c, ctx| c.commit_refused(ctx)).unwrap();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    assert_eq!(case.members[ANA].channel().standing(), Standing::Stranded);
    assert!(events_at(&case.members[ANA], seq).any(|e| matches!(e, Event::Stranded { .. })));
    let entry = case.members[ANA].sign_note("for nobody");
    let id = entry.header().client_id;
    let network = &case.network;
    let refused = case.members[ANA].make(network, |c, ctx| c.seal_entry(ctx, &entry, id));
    assert!(matches!(refused, Err(SealError::Stranded)));
    for member in [BEN, CID, DORA] {
        assert_eq!(case.members[member].channel().last_valid_commit(), Some(seq));
    }
}

/// A head that nobody can check, far ahead.
fn unknown_head(n: u8) -> QuotedHead {
    let head = Head {
        channel: channel_id(),
        incarnation: Incarnation(0),
        seq: Seq(1_000_000 + u64::from(n)),
        chain: ChainHash([n; 32]),
    };
    head.sign(&SigningKey::generate(), HeadSigner([n; 32])).quoted()
}

impl Case {
    fn post_quoting(&mut self, by: usize, text: &str, quoted: QuotedHead) {
        let entry = self.members[by].sign_note_quoting(text, Some(quoted));
        let id = entry.header().client_id;
        let network = &self.network;
        let outgoing =
            self.members[by].make(network, |c, ctx| c.seal_entry(ctx, &entry, id)).unwrap();
        self.hub.accept(&outgoing);
    }
}

fn saw_contradiction(member: &Member) -> bool {
    member.events.iter().any(|(_, event)| matches!(event, Event::Contradiction(_)))
}

#[test]
fn a_members_worthless_quotes_do_not_push_out_the_one_that_proves_a_fork() {
    let mut case = Case::with_four();
    for n in 0..40 {
        case.post_quoting(BEN, "noise", unknown_head(n));
    }
    case.deliver();
    // Dora is shown a longer history than Cid.
    let mut other = case.hub.fork();
    let shown = case.members[ANA].note(&case.network, "only Dora sees this");
    other.accept(&shown);
    let quoted = other.head_at(other.tail()).quoted();
    case.post_quoting(DORA, "passes between", quoted);
    let tail = case.hub.tail();
    case.members[CID].receive(&case.network, &case.hub, tail);
    assert!(saw_contradiction(&case.members[CID]));
}

#[test]
fn every_quote_of_a_long_batch_is_compared() {
    let mut case = Case::with_four();
    let online = [ANA, BEN, DORA];
    for n in 0..30 {
        let outgoing = case.members[online[n % 3]].note(&case.network, "chatter");
        let seq = case.hub.accept(&outgoing);
        for member in online {
            case.members[member].receive(&case.network, &case.hub, seq);
        }
    }
    let mut other = case.hub.fork();
    let shown = case.members[ANA].note(&case.network, "only Dora sees this");
    other.accept(&shown);
    let quoted = other.head_at(other.tail()).quoted();
    case.post_quoting(BEN, "so that the position is taken", case.hub.head_at(Seq(5)).quoted());
    case.post_quoting(DORA, "passes between", quoted);
    for _ in 0..3 {
        case.post_quoting(DORA, "and goes on", case.hub.head_at(Seq(6)).quoted());
    }
    let tail = case.hub.tail();
    case.members[CID].receive(&case.network, &case.hub, tail);
    assert!(saw_contradiction(&case.members[CID]));
}

#[test]
fn a_void_commit_that_begins_at_an_old_list_is_contested_by_whom_it_leaves_out() {
    let mut case = Case::with_four();
    // Ben was let in at 1, before Cid and Dora: he goes on from there, and adds and drops nobody.
    let id = case.members[BEN].client_id();
    let network = &case.network;
    let genuine = case.members[BEN]
        .make(network, |c, ctx| c.dangerous_seal_commit(ctx, &Command::SelfUpdate, None, id))
        .unwrap();
    let old = [ANA, BEN].iter().map(|&i| case.members[i].name().clone()).collect();
    let mut envelope = genuine.envelope.clone();
    envelope.last_valid_commit = Some(Seq(1));
    envelope.list_hash = enlace_log::DeviceList::hash(&old);
    let signature = envelope.sign(&case.members[BEN].device.key);
    let sealed = Sealed::read(
        envelope.encode().into(),
        signature.as_bytes(),
        genuine.request.payload.clone(),
        Some(&ListChange::default().to_wire()),
    );
    let seq = case.hub.accept_sealed(sealed.unwrap());
    case.deliver();
    for member in [CID, DORA] {
        let due = |e: &Event| matches!(e, Event::ContestDue(at) if *at == seq);
        assert!(events_at(&case.members[member], seq).any(due));
    }
    case.assert_healthy();
}

#[test]
fn a_commit_that_garbles_its_secrets_and_drops_everybody_is_contested_all_the_same() {
    let mut case = Case::with_four();
    case.members[BEN].backend = Backend::dangerous_with_tamper(Box::new(GarbleAll)).unwrap();
    let alone = [case.members[BEN].name().clone()].into_iter().collect();
    let seq = case.rogue_commit(BEN, &Command::SelfUpdate, Some(alone));
    for member in [ANA, CID, DORA] {
        let due = |e: &Event| matches!(e, Event::ContestDue(at) if *at == seq);
        assert!(events_at(&case.members[member], seq).any(due));
        let id = case.members[member].client_id();
        let network = &case.network;
        case.members[member].make(network, |c, ctx| c.seal_contest(ctx, seq, id)).unwrap();
    }
}

const EVA: usize = 2;

/// Ana owns the channel, Ben is a lead beside her; Ben's commit leaves Eva out. With Ben's store
/// from before it.
fn eva_stranded_by_ben() -> (Case, Seq, MemoryStore) {
    let mut case = Case::opened_by_ana();
    let garble = GarbleFor::default();
    let tampered = Backend::dangerous_with_tamper(Box::new(garble.clone())).unwrap();
    case.members.push(Member::with_backend(case.network.a.device("ben"), tampered));
    case.members.push(Member::new(case.network.a.device("eva")));
    case.admit(ANA, BEN, Role::Lead);
    case.admit(ANA, EVA, Role::Member);
    case.post(ANA, "welcome");
    case.post(BEN, "welcome");
    let view = case.members[ANA].channel().view().unwrap();
    let key = case.members[EVA].device.key.public();
    let eva = view.member_with_key(&key).unwrap().encryption_key.to_vec();
    garble.0.lock().unwrap().push(eva);
    let before = copy(&case.members[BEN].store);
    let seq = case.commit(BEN, &Command::SelfUpdate);
    assert_eq!(case.members[EVA].channel().standing(), Standing::Stranded);
    assert_eq!(case.members[ANA].channel().standing(), Standing::Member);
    (case, seq, before)
}

fn copy(store: &MemoryStore) -> MemoryStore {
    let copy = MemoryStore::new();
    store.entries().iter().for_each(|(key, value)| copy.put(key, value).unwrap());
    copy
}

#[test]
fn an_entry_kept_back_from_before_does_not_bring_a_stranded_device_back() {
    let mut case = Case::opened_by_ana();
    let garble = GarbleFor::default();
    let tampered = Backend::dangerous_with_tamper(Box::new(garble.clone())).unwrap();
    case.members.push(Member::with_backend(case.network.a.device("ben"), tampered));
    case.members.push(Member::new(case.network.a.device("eva")));
    case.admit(ANA, BEN, Role::Lead);
    case.admit(ANA, EVA, Role::Member);
    let view = case.members[ANA].channel().view().unwrap();
    let key = case.members[EVA].device.key.public();
    let eva = view.member_with_key(&key).unwrap().encryption_key.to_vec();
    garble.0.lock().unwrap().push(eva);
    let early = case.members[ANA].note(&case.network, "kept back");
    case.commit(BEN, &Command::SelfUpdate);
    assert_eq!(case.members[EVA].channel().standing(), Standing::Stranded);
    case.hub.accept(&early);
    case.deliver();
    assert_eq!(case.members[EVA].channel().standing(), Standing::Stranded);
}

/// A modified client: it goes on from `store`, as if it had never heard of the commit at `seq`
/// but for the fence.
fn going_on_from(case: &mut Case, who: usize, store: MemoryStore) {
    let member = &mut case.members[who];
    member.store = store;
    member.reload(&case.network);
    let tail = case.hub.tail();
    member.receive(&case.network, &case.hub, tail);
    assert_eq!(member.channel().standing(), Standing::Stranded);
    let key = [b"channel/", &channel_id().0[..]].concat();
    let state = member.store.get(&key).unwrap().unwrap();
    let mut state: BTreeMap<String, ciborium::Value> = ciborium::from_reader(&state[..]).unwrap();
    state.insert("standing".into(), ciborium::Value::Text("Member".into()));
    let mut bytes = Vec::new();
    ciborium::into_writer(&state, &mut bytes).unwrap();
    member.store.put(&key, &bytes).unwrap();
    member.reload(&case.network);
}

#[test]
fn whoever_strands_a_device_cannot_bring_it_back_into_a_group_of_its_own() {
    let (mut case, _, before) = eva_stranded_by_ben();
    going_on_from(&mut case, BEN, before);
    let note = case.members[BEN].note(&case.network, "come with me");
    let seq = case.hub.accept(&note);
    case.deliver();
    assert!(events_at(&case.members[ANA], seq).any(|e| matches!(e, Event::Unreadable { .. })));
    assert_eq!(case.members[EVA].channel().standing(), Standing::Stranded);
    let epoch = case.members[EVA].channel().epoch_authenticator();
    case.commit(BEN, &Command::SelfUpdate);
    assert!(case.members[EVA].channel().epoch_authenticator() == epoch, "does not follow");
    assert_eq!(case.members[EVA].channel().standing(), Standing::Stranded);
}

#[test]
fn a_stranded_device_can_be_removed_and_admitted_again() {
    let (mut case, _, _) = eva_stranded_by_ben();
    let eva = case.members[EVA].officer();
    case.commit(ANA, &Command::Remove(eva));
    case.admit(ANA, EVA, Role::Member);
    case.post(ANA, "welcome back");
    assert_eq!(case.members[EVA].channel().standing(), Standing::Member);
    case.assert_healthy();
}

/// An admission by a key package that stays, so that its welcome can be opened again.
fn admit_by_last_resort(case: &mut Case, who: usize) -> (JoinOffer, Outgoing) {
    let member = &case.members[who];
    let package = generate_key_package(
        &member.backend.on(&member.store),
        &member.device.key,
        &member.device.chain,
        Suite::PostQuantum,
        true,
    );
    let admission = enlace_channel::channel::Admission {
        officer: member.officer(),
        role: Role::Member,
        key_package: package.unwrap().message,
    };
    let outgoing = case.command(ANA, &Command::Admit(vec![admission])).unwrap();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    (case.offer(seq, &outgoing, ANA), outgoing)
}

#[test]
fn an_old_welcome_does_not_bring_a_removed_device_back_to_an_old_epoch() {
    let mut case = Case::opened_by_ana();
    case.members.push(Member::new(case.network.a.device("ben")));
    let (offer, _) = admit_by_last_resort(&mut case, BEN);
    case.members[BEN].join(&case.network, &case.hub, &offer).unwrap();
    case.post(ANA, "hello");
    let ben = case.members[BEN].officer();
    case.commit(ANA, &Command::Remove(ben));
    assert_eq!(case.members[BEN].channel().standing(), Standing::Removed);
    let replayed = case.members[BEN].join(&case.network, &case.hub, &offer);
    assert!(matches!(replayed, Err(JoinRefused::AlreadyMember)), "{replayed:?}");
}

#[test]
fn a_welcome_that_overtakes_the_removal_before_it_can_be_offered_again() {
    let mut case = Case::opened_by_ana();
    case.members.push(Member::new(case.network.a.device("ben")));
    case.admit(ANA, BEN, Role::Member);
    case.post(ANA, "hello");
    // Ben is offline while he is removed and let in again.
    let ben = case.members[BEN].officer();
    let removal = case.command(ANA, &Command::Remove(ben)).unwrap();
    let removed_at = case.hub.accept(&removal);
    case.members[ANA].receive(&case.network, &case.hub, removed_at);
    let admission = case.admission(BEN, Role::Member);
    let outgoing = case.command(ANA, &Command::Admit(vec![admission])).unwrap();
    let seq = case.hub.accept(&outgoing);
    case.members[ANA].receive(&case.network, &case.hub, seq);
    let offer = case.offer(seq, &outgoing, ANA);
    let early = case.members[BEN].join(&case.network, &case.hub, &offer);
    assert!(matches!(early, Err(JoinRefused::LogFirst)), "{early:?}");
    case.members[BEN].receive(&case.network, &case.hub, removed_at);
    case.members[BEN].join(&case.network, &case.hub, &offer).unwrap();
    case.post(ANA, "back again");
    assert_eq!(case.members[BEN].texts(), ["hello", "back again"]);
    case.assert_healthy();
}

/// The same before Ben has read anything of another member: his log is not to be skipped, unless the
/// relay has no more of it.
#[test]
fn a_welcome_that_overtakes_the_log_of_a_provisional_member_waits_for_it() {
    for log_has_ended in [false, true] {
        let mut case = Case::opened_by_ana();
        case.members.push(Member::new(case.network.a.device("ben")));
        let (first, _) = admit_by_last_resort(&mut case, BEN);
        case.members[BEN].join(&case.network, &case.hub, &first).unwrap();
        assert_eq!(case.members[BEN].channel().standing(), Standing::Provisional);
        let note = case.members[ANA].note(&case.network, "while he is away");
        let said_at = case.hub.accept(&note);
        case.members[ANA].receive(&case.network, &case.hub, said_at);
        let ben = case.members[BEN].officer();
        let removal = case.command(ANA, &Command::Remove(ben)).unwrap();
        let removed_at = case.hub.accept(&removal);
        case.members[ANA].receive(&case.network, &case.hub, removed_at);
        let admission = case.admission(BEN, Role::Member);
        let outgoing = case.command(ANA, &Command::Admit(vec![admission])).unwrap();
        let seq = case.hub.accept(&outgoing);
        case.members[ANA].receive(&case.network, &case.hub, seq);
        let mut offer = case.offer(seq, &outgoing, ANA);
        let early = case.members[BEN].join(&case.network, &case.hub, &offer);
        assert!(matches!(early, Err(JoinRefused::LogFirst)), "{early:?}");
        if log_has_ended {
            offer.log_has_ended = true;
        } else {
            case.members[BEN].receive(&case.network, &case.hub, said_at);
            case.members[BEN].receive(&case.network, &case.hub, removed_at);
            assert_eq!(case.members[BEN].texts(), ["while he is away"]);
        }
        case.members[BEN].join(&case.network, &case.hub, &offer).unwrap();
        case.assert_healthy();
    }
}

#[test]
fn a_welcome_that_led_nowhere_does_not_stand_in_the_way_of_the_next() {
    let mut case = Case::opened_by_ana();
    case.members.push(Member::new(case.network.a.device("ben")));
    case.members.push(Member::new(case.network.a.device("eva")));
    case.admit(ANA, BEN, Role::Lead);
    case.post(ANA, "hello");
    // Ben's admission of Eva is void: its list is not the tree's. Eva cannot know.
    let admission = case.admission(EVA, Role::Member);
    let id = case.members[BEN].client_id();
    let network = &case.network;
    let command = Command::Admit(vec![admission]);
    let mut outgoing = case.members[BEN]
        .make(network, |c, ctx| c.dangerous_seal_commit(ctx, &command, None, id))
        .unwrap();
    outgoing.envelope.fence = Some(Seq(0));
    let signature = outgoing.envelope.sign(&case.members[BEN].device.key);
    outgoing.request.envelope = Some(outgoing.envelope.to_wire(true));
    outgoing.request.outer_signature = signature.as_bytes().to_vec();
    let seq = case.hub.accept(&outgoing);
    let list = [ANA, BEN, EVA].iter().map(|&i| case.members[i].name().clone()).collect();
    let offer = case.hub.offer(seq, &outgoing, &case.members[BEN].device, list);
    case.deliver();
    case.members[EVA].join(&case.network, &case.hub, &offer).unwrap();
    assert_eq!(case.members[EVA].channel().standing(), Standing::Provisional);
    case.admit(ANA, EVA, Role::Member);
    case.post(ANA, "welcome at last");
    assert_eq!(case.members[EVA].channel().standing(), Standing::Member);
    case.assert_healthy();
}

/// A hub that has learnt the id of a channel elsewhere can make everything of a channel under that
/// id but a nonce that leads there.
#[test]
fn a_welcome_to_an_id_that_is_not_the_hubs_is_refused() {
    let mut case = Case::opened_by_ana();
    case.members.push(Member::new(case.network.a.device("ben")));
    let (genuine, _) = admit_by_last_resort(&mut case, BEN);
    let mut unlike = genuine.clone();
    unlike.nonce.0[0] ^= 1;
    let mut elsewhere = genuine.clone();
    (elsewhere.hub, elsewhere.creating_hub) =
        (case.network.b.domain.clone(), case.network.b.domain.clone());
    for squatted in [unlike, elsewhere] {
        let refused = case.members[BEN].join(&case.network, &case.hub, &squatted).unwrap_err();
        assert!(matches!(refused, JoinRefused::NotTheHubs), "{refused:?}");
    }
    case.members[BEN].join(&case.network, &case.hub, &genuine).unwrap();
}

#[test]
fn another_hub_cannot_welcome_into_a_channel_that_is_known() {
    let mut case = Case::opened_by_ana();
    case.members.push(Member::new(case.network.a.device("ben")));
    case.admit(ANA, BEN, Role::Member);
    let ben = case.members[BEN].officer();
    case.commit(ANA, &Command::Remove(ben));
    let (genuine, _) = admit_by_last_resort(&mut case, BEN);
    let mut elsewhere = genuine.clone();
    elsewhere.hub = case.network.b.domain.clone();
    let refused = case.members[BEN].join(&case.network, &case.hub, &elsewhere).unwrap_err();
    let JoinRefused::OtherHub { known, claimed } = &refused else { panic!("{refused:?}") };
    assert_eq!((known.as_str(), claimed.as_str()), ("a.example", "b.example"));
    case.members[BEN].join(&case.network, &case.hub, &genuine).unwrap();
}
