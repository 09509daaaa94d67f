//! Leaving: a signed wish that anybody may carry out.

use enlace_identity::names::DeviceName;
use enlace_log::control::{LeafHash, Leave};
use enlace_log::{
    ChannelId, ClientId, Commitment, Envelope, Generation, ItemKind, ListHash, PayloadHash, Seq,
    SubmitCounter, WelcomesHash,
};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::super::{Act, Removal, Rule};
use super::scene::{CHANNEL, Draft, by, check, device, key, officer, state};
use crate::policy::Role;

/// A leave item in the making, and what may be wrong with it.
struct Wish {
    envelope: Envelope,
    leave: Leave,
    signer: String,
}

impl Wish {
    fn of(address: &str) -> Self {
        let device = device(address);
        let leaf = state().members[&device].leaf_hash;
        Self {
            signer: device.as_str().to_owned(),
            leave: Leave {
                channel: CHANNEL,
                generation: Generation(0),
                device: device.clone(),
                leaf,
            },
            envelope: Envelope {
                channel: CHANNEL,
                generation: Generation(0),
                kind: ItemKind::Leave,
                author: device.into(),
                client_id: ClientId([1; 16]),
                submit_counter: SubmitCounter(9),
                fence: Some(Seq(3)),
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

    fn fields(self) -> wire::LeaveEvidence {
        let payload = self.leave.encode();
        let envelope = Envelope { payload_hash: PayloadHash::of(&payload), ..self.envelope };
        let signature = envelope.sign(&key(&self.signer));
        wire::LeaveEvidence {
            envelope: envelope.encode(),
            outer_signature: signature.as_bytes().to_vec(),
            payload,
        }
    }

    fn evidence(self) -> Vec<u8> {
        encode(self.fields())
    }
}

fn encode(leave: wire::LeaveEvidence) -> Vec<u8> {
    wire::Evidence { evidence: Some(wire::evidence::Evidence::Leave(leave)) }.encode_to_vec()
}

fn carry_out(author: &str, leaver: &str, evidence: Vec<u8>) -> Draft {
    by(author).remove(leaver).evidence(evidence)
}

#[test]
fn anybody_carries_out_a_leave() {
    let leave = |author| carry_out(author, "ze@pgr.example", Wish::of("ze@pgr.example").evidence());
    check(
        vec![
            ("owner", leave("ana@fge.example")),
            ("a lead of another authority", leave("luis@fge.example")),
            ("a member", leave("eva@fge.example")),
            ("an observer", leave("oto@fge.example")),
            ("its own lead", leave("rui@pgr.example")),
            (
                "a lead that leaves",
                carry_out(
                    "oto@fge.example",
                    "rui@pgr.example",
                    Wish::of("rui@pgr.example").evidence(),
                ),
            ),
        ],
        vec![],
    );
    let acts = leave("oto@fge.example").judge().unwrap();
    let (officer, device) = (officer("ze@pgr.example"), device("ze@pgr.example"));
    assert_eq!(acts, [Act::Removed { officer, device, because: Removal::Left }]);
}

#[test]
fn an_observer_that_carries_out_a_leave_does_nothing_else() {
    let leave =
        || carry_out("oto@fge.example", "ze@pgr.example", Wish::of("ze@pgr.example").evidence());
    check(
        vec![],
        vec![
            ("removes more", Rule::RemoveSovereign, leave().remove("rui@pgr.example")),
            ("admits", Rule::AdmitSovereign, leave().admit("new@fge.example", Role::Member)),
            ("changes a role", Rule::RoleSovereign, leave().role("eva@fge.example", Role::Lead)),
            ("changes the title", Rule::PolicyOwner, leave().edit(|edit| edit.title("Mine"))),
        ],
    );
}

#[test]
fn the_last_one_of_an_authority_takes_it_along() {
    let before = by("rui@pgr.example").remove("ze@pgr.example").apply();
    let evidence = || {
        Wish::of("rui@pgr.example").with(|wish| {
            wish.leave.leaf = LeafHash([0xcc; 32]);
        })
    };
    let leave = || {
        Draft::on(before.clone(), "oto@fge.example")
            .remove("rui@pgr.example")
            .evidence(evidence().evidence())
    };
    assert_eq!(leave().0.after.policy.authorities_version(), 3);
    assert!(leave().judge().is_ok());
    let uncounted = leave().edit(|edit| edit.forge(|content| content.authorities_version = 2));
    assert_eq!(uncounted.judge(), Err(Rule::AuthoritiesVersion));
}

#[test]
fn the_owner_does_not_leave() {
    let evidence = Wish::of("ana@fge.example").evidence();
    let leave = carry_out("luis@fge.example", "ana@fge.example", evidence);
    assert_eq!(leave.judge(), Err(Rule::RemoveOwner));
}

#[test]
fn false_evidence_voids() {
    let other = |change: fn(&mut Wish)| {
        let wish = Wish::of("ze@pgr.example").with(change);
        carry_out("eva@fge.example", "ze@pgr.example", wish.evidence())
    };
    let cases = vec![
        ("signed by the committer", other(|w| w.signer = device_text("eva@fge.example"))),
        ("an older leaf", other(|w| w.leave.leaf = LeafHash([5; 32]))),
        ("another channel's wish", other(|w| w.leave.channel = ChannelId([8; 32]))),
        ("another channel's item", other(|w| w.envelope.channel = ChannelId([8; 32]))),
        ("another generation's wish", other(|w| w.leave.generation = Generation(1))),
        ("another generation's item", other(|w| w.envelope.generation = Generation(1))),
        ("somebody else's item", other(|w| w.envelope.author = device("eva@fge.example").into())),
        ("another kind of item", other(|w| w.envelope.kind = ItemKind::Contest)),
    ];
    let void = cases.into_iter().map(|(name, draft)| (name, Rule::Evidence, draft)).collect();
    check(vec![], void);
}

#[test]
fn altered_evidence_voids() {
    let altered = |change: fn(&mut wire::LeaveEvidence)| {
        let mut fields = Wish::of("ze@pgr.example").fields();
        change(&mut fields);
        carry_out("eva@fge.example", "ze@pgr.example", encode(fields)).judge()
    };
    assert!(altered(|_| ()).is_ok());
    let cases: [fn(&mut wire::LeaveEvidence); 5] = [
        |e| e.payload = Wish::of("rui@pgr.example").fields().payload,
        |e| e.outer_signature[0] ^= 1,
        |e| e.outer_signature.clear(),
        |e| e.envelope[60] ^= 1,
        |e| e.payload.clear(),
    ];
    for alter in cases {
        assert_eq!(altered(alter), Err(Rule::Evidence));
    }
    let good = Wish::of("ze@pgr.example").evidence();
    let trailing = [&good[..], &[0xa2, 0x06, 1, 7]].concat();
    for bytes in [vec![], vec![0xff], good[..good.len() - 1].to_vec(), trailing] {
        let draft = carry_out("eva@fge.example", "ze@pgr.example", bytes);
        assert_eq!(draft.judge(), Err(Rule::Evidence));
    }
}

#[test]
fn evidence_is_for_one_removal_that_happens() {
    let wish = || Wish::of("ze@pgr.example").evidence();
    let unused = by("eva@fge.example").evidence(wish());
    let twice = carry_out("eva@fge.example", "ze@pgr.example", wish()).evidence(wish());
    let for_another = carry_out("eva@fge.example", "rui@pgr.example", wish());
    let beside = by("luis@fge.example").remove("eva@fge.example").evidence(wish());
    check(
        vec![],
        vec![
            ("unused", Rule::Evidence, unused),
            ("twice", Rule::Evidence, twice),
            ("for another", Rule::Evidence, for_another),
            ("beside another removal", Rule::Evidence, beside),
        ],
    );
}

fn device_text(address: &str) -> String {
    let name: DeviceName = device(address);
    name.as_str().to_owned()
}
