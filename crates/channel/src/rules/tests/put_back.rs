//! Being put back: a stranded device goes and comes at once, as it asked under its former leaf.

use enlace_identity::names::DeviceName;
use enlace_log::control::{LeafHash, Stranded};
use enlace_log::{
    ChannelId, ClientId, Commitment, Envelope, Generation, ItemKind, ListHash, PayloadHash, Seq,
    SubmitCounter, WelcomesHash,
};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::super::{Act, Rule, State};
use super::scene::{CHANNEL, DAY, Draft, NOW, by, check, device, key, leaf_of, network, state};
use crate::policy::Role;
use crate::rules::welcome::judge_joined;

const PACKAGE: &[u8] = b"a key package";

/// A stranded item in the making, and what may be wrong with it.
struct Request {
    envelope: Envelope,
    stranded: Stranded,
    signer: String,
}

impl Request {
    fn of(address: &str) -> Self {
        let device = device(address);
        Self {
            signer: device.as_str().to_owned(),
            stranded: Stranded {
                channel: CHANNEL,
                generation: Generation(0),
                leaf: Some(state().members[&device].leaf_hash),
                device: device.clone(),
                since: Seq(4),
                key_package: PACKAGE.to_vec(),
                share_key: b"a share key".to_vec(),
            },
            envelope: Envelope {
                channel: CHANNEL,
                generation: Generation(0),
                kind: ItemKind::Stranded,
                author: device.into(),
                client_id: ClientId([1; 16]),
                submit_counter: SubmitCounter(9),
                fence: Some(Seq(5)),
                last_valid_commit: Some(Seq(3)),
                commitment: Commitment::NONE,
                list_hash: ListHash::NONE,
                welcomes_hash: WelcomesHash::NONE,
                payload_hash: PayloadHash([0; 32]),
            },
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn fields(self) -> wire::StrandedEvidence {
        let payload = self.stranded.encode();
        let envelope = Envelope { payload_hash: PayloadHash::of(&payload), ..self.envelope };
        let signature = envelope.sign(&key(&self.signer));
        wire::StrandedEvidence {
            envelope: envelope.encode(),
            outer_signature: signature.as_bytes().to_vec(),
            payload,
        }
    }

    fn evidence(self) -> Vec<u8> {
        encode(self.fields())
    }
}

fn encode(stranded: wire::StrandedEvidence) -> Vec<u8> {
    wire::Evidence { evidence: Some(wire::evidence::Evidence::Stranded(stranded)) }.encode_to_vec()
}

fn swap(author: &str, who: &str, evidence: Vec<u8>) -> Draft {
    by(author).swap(&device(who), PACKAGE).evidence(evidence)
}

#[test]
fn anybody_puts_a_stranded_device_back() {
    let back = |author: &str, who: &str| swap(author, who, Request::of(who).evidence());
    check(
        vec![
            ("the owner", back("ana@fge.example", "ze@pgr.example")),
            ("a lead of another authority", back("rui@pgr.example", "eva@fge.example")),
            ("a member", back("eva@fge.example", "ze@pgr.example")),
            ("an observer", back("oto@fge.example", "ze@pgr.example")),
            ("the owner itself, by an observer", back("oto@fge.example", "ana@fge.example")),
            ("a lead", back("ze@pgr.example", "rui@pgr.example")),
        ],
        vec![],
    );
    let acts = back("oto@fge.example", "ana@fge.example").judge().unwrap();
    let share_key = b"a share key".to_vec();
    let put_back = Act::PutBack { device: device("ana@fge.example"), since: Seq(4), share_key };
    assert_eq!(acts, [put_back]);
}

#[test]
fn several_are_put_back_at_once() {
    let (ana, ze) = (Request::of("ana@fge.example"), Request::of("ze@pgr.example"));
    let both = swap("oto@fge.example", "ana@fge.example", ana.evidence())
        .swap(&device("ze@pgr.example"), PACKAGE)
        .evidence(ze.evidence());
    assert_eq!(both.judge().unwrap().len(), 2);
}

#[test]
fn whoever_asked_for_nothing_is_not_swapped() {
    let asked = || Request::of("ze@pgr.example").evidence();
    let (ze, rui) = (device("ze@pgr.example"), device("rui@pgr.example"));
    let drop_only = by("eva@fge.example").remove("ze@pgr.example").evidence(asked());
    check(
        vec![],
        vec![
            ("without evidence", Rule::OwnLeaf, by("eva@fge.example").swap(&ze, PACKAGE)),
            ("by its lead", Rule::OwnLeaf, by("rui@pgr.example").swap(&ze, PACKAGE)),
            ("for another", Rule::OwnLeaf, swap("eva@fge.example", "rui@pgr.example", asked())),
            (
                "another beside it",
                Rule::OwnLeaf,
                swap("eva@fge.example", "ze@pgr.example", asked()).swap(&rui, PACKAGE),
            ),
            ("put out and not back", Rule::Evidence, drop_only),
            ("nothing done", Rule::Evidence, by("eva@fge.example").evidence(asked())),
            (
                "twice",
                Rule::Evidence,
                swap("eva@fge.example", "ze@pgr.example", asked()).evidence(asked()),
            ),
        ],
    );
}

#[test]
fn another_device_does_not_come_in_its_place() {
    let asked = || Request::of("ze@pgr.example").evidence();
    let mut other = by("eva@fge.example").evidence(asked());
    let second = device("ze@pgr.example").officer().device("phone").unwrap();
    other = other.remove_device(&device("ze@pgr.example")).add_device(&second);
    assert!(other.judge().is_err());
    let mut usurped = swap("eva@fge.example", "ze@pgr.example", asked());
    let leaf = leaf_of(&device("eva@fge.example"), 1);
    usurped.0.after.members.insert(device("ze@pgr.example"), leaf);
    assert_eq!(usurped.judge(), Err(Rule::Certificate), "the leaf of somebody else");
}

#[test]
fn whoever_puts_somebody_back_does_nothing_else_by_it() {
    let back =
        || swap("oto@fge.example", "ze@pgr.example", Request::of("ze@pgr.example").evidence());
    check(
        vec![],
        vec![
            ("removes", Rule::RemoveSovereign, back().remove("rui@pgr.example")),
            ("admits", Rule::AdmitSovereign, back().admit("new@fge.example", Role::Member)),
            ("changes its role", Rule::RoleSovereign, back().role("ze@pgr.example", Role::Lead)),
            ("changes the title", Rule::PolicyOwner, back().edit(|edit| edit.title("Mine"))),
        ],
    );
}

#[test]
fn false_requests_void() {
    let other = |change: fn(&mut Request)| {
        let request = Request::of("ze@pgr.example").with(change);
        swap("eva@fge.example", "ze@pgr.example", request.evidence())
    };
    let cases = vec![
        ("signed by the committer", other(|r| r.signer = name("eva@fge.example"))),
        ("an older leaf", other(|r| r.stranded.leaf = Some(LeafHash([5; 32])))),
        ("another key package", other(|r| r.stranded.key_package = b"another".to_vec())),
        ("another channel's request", other(|r| r.stranded.channel = ChannelId([8; 32]))),
        ("another channel's item", other(|r| r.envelope.channel = ChannelId([8; 32]))),
        ("another generation's request", other(|r| r.stranded.generation = Generation(1))),
        ("another generation's item", other(|r| r.envelope.generation = Generation(1))),
        ("somebody else's item", other(|r| r.envelope.author = device("eva@fge.example").into())),
        ("another kind of item", other(|r| r.envelope.kind = ItemKind::Leave)),
    ];
    let void = cases.into_iter().map(|(name, draft)| (name, Rule::OwnLeaf, draft)).collect();
    check(vec![], void);
}

#[test]
fn altered_requests_void() {
    let altered = |change: fn(&mut wire::StrandedEvidence)| {
        let mut fields = Request::of("ze@pgr.example").fields();
        change(&mut fields);
        swap("eva@fge.example", "ze@pgr.example", encode(fields)).judge()
    };
    assert!(altered(|_| ()).is_ok());
    let cases: [fn(&mut wire::StrandedEvidence); 5] = [
        |e| e.payload = Request::of("rui@pgr.example").fields().payload,
        |e| e.outer_signature[0] ^= 1,
        |e| e.outer_signature.clear(),
        |e| e.envelope[60] ^= 1,
        |e| e.payload.clear(),
    ];
    for alter in cases {
        assert_eq!(altered(alter), Err(Rule::OwnLeaf));
    }
}

/// Its author's store was set back, so it cannot say which leaf it has.
#[test]
fn a_request_without_a_leaf_is_good_until_the_next_change() {
    let asked = |fence: u64| {
        let request = Request::of("ze@pgr.example").with(|r| r.stranded.leaf = None);
        request.with(|r| r.envelope.fence = Some(Seq(fence))).evidence()
    };
    let back = |fence| swap("eva@fge.example", "ze@pgr.example", asked(fence));
    let signed_by_another = Request::of("ze@pgr.example")
        .with(|r| (r.stranded.leaf, r.signer) = (None, name("eva@fge.example")));
    check(
        vec![("at the newest valid change", back(3)), ("at a void one since", back(5))],
        vec![
            ("before the newest valid change", Rule::OwnLeaf, back(2)),
            ("at a change that there is not", Rule::OwnLeaf, back(6)),
            (
                "by another's key",
                Rule::OwnLeaf,
                swap("eva@fge.example", "ze@pgr.example", signed_by_another.evidence()),
            ),
        ],
    );
    let mut again = Draft::on(back(5).apply(), "oto@fge.example")
        .swap(&device("ze@pgr.example"), PACKAGE)
        .evidence(asked(5));
    (again.0.last_valid_commit, again.0.fence) = (Some(Seq(6)), Some(Seq(6)));
    assert_eq!(again.judge(), Err(Rule::OwnLeaf), "it was carried out");
}

#[test]
fn a_request_is_good_for_one_time() {
    let evidence = Request::of("ze@pgr.example").evidence();
    let back = swap("eva@fge.example", "ze@pgr.example", evidence.clone()).apply();
    let again = Draft::on(back, "oto@fge.example")
        .swap(&device("ze@pgr.example"), PACKAGE)
        .evidence(evidence);
    assert_eq!(again.judge(), Err(Rule::OwnLeaf), "the leaf is another one now");
}

#[test]
fn a_leaf_that_stays_what_it_was_puts_nobody_back() {
    let mut draft =
        swap("eva@fge.example", "ze@pgr.example", Request::of("ze@pgr.example").evidence());
    let ze = device("ze@pgr.example");
    draft.0.after.members.insert(ze.clone(), state().members[&ze].clone());
    assert_eq!(draft.judge(), Err(Rule::OwnLeaf));
}

#[test]
fn a_certificate_that_has_ended_puts_nobody_back() {
    let late = swap("eva@fge.example", "ze@pgr.example", Request::of("ze@pgr.example").evidence());
    assert_eq!(late.received_at(NOW.plus(DAY * 500)).judge(), Err(Rule::Certificate));
}

#[test]
fn one_is_put_back_into_a_closed_channel_too() {
    let closed = || by("ana@fge.example").edit(|edit| edit.closed(true)).apply();
    let back = |who: &str| {
        let leaf = closed().members[&device(who)].leaf_hash;
        let asked = Request::of(who).with(|request| request.stranded.leaf = Some(leaf)).evidence();
        Draft::on(closed(), "eva@fge.example").swap(&device(who), PACKAGE).evidence(asked)
    };
    // Nobody else could open it again.
    let (owner, member) = (back("ana@fge.example"), back("ze@pgr.example"));
    let admits = Draft::on(closed(), "luis@fge.example")
        .swap(&device("ze@pgr.example"), PACKAGE)
        .evidence(Request::of("ze@pgr.example").evidence())
        .admit("new@fge.example", Role::Member);
    check(
        vec![("the owner", owner), ("a member", member)],
        vec![("and another comes in", Rule::Closed, admits)],
    );
    let join = |asked: bool| {
        let (bundle, me) = (&network().bundle, device("ze@pgr.example"));
        judge_joined(bundle, &closed(), (&device("rui@pgr.example"), asked), &me, NOW).is_ok()
    };
    assert!(join(true) && !join(false));
}

#[test]
fn whoever_asked_joins_by_anybodys_welcome() {
    let join = |state: &State, asked: bool, signer: &str, me: &str| {
        judge_joined(&network().bundle, state, (&device(signer), asked), &device(me), NOW).is_ok()
    };
    let state = state();
    assert!(join(&state, true, "oto@fge.example", "ze@pgr.example"));
    assert!(join(&state, true, "oto@fge.example", "ana@fge.example"));
    assert!(!join(&state, false, "oto@fge.example", "ze@pgr.example"));
    assert!(!join(&state, true, "ze@pgr.example", "ze@pgr.example"));
    assert!(!join(&state, true, "nobody@fge.example", "ze@pgr.example"));
}

fn name(address: &str) -> String {
    let name: DeviceName = device(address);
    name.as_str().to_owned()
}
