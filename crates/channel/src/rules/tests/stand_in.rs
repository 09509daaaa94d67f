//! Stand-ins: leads until a day, where an authority has no lead left.

use enlace_identity::mandate::{Mandate, SignedMandate};
use enlace_identity::time::Timestamp;
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::super::{Act, Removal, Rule, State};
use super::scene::{CHANNEL, DAY, Draft, NOW, by, check, device, enters, network, officer};
use crate::policy::{Policy, Role};

const SUB: &str = "sub@pgr.example";

/// Rui, the only lead of pgr.example, gave the role back: Ze and he are members.
fn leaderless() -> State {
    by("rui@pgr.example").role("rui@pgr.example", Role::Member).apply()
}

fn end() -> Timestamp {
    NOW.plus(DAY * 30)
}

fn mandate() -> Mandate {
    Mandate { channel: CHANNEL.0, officer: officer(SUB), serial: 7, not_after: end() }
}

fn evidence(mandate: &Mandate, by: &str) -> Vec<u8> {
    let (key, chain) = network().duty(by);
    encode(SignedMandate::sign(mandate, &key, chain).encode())
}

fn encode(mandate: Vec<u8>) -> Vec<u8> {
    let consent = wire::ConsentEvidence { entry: None, mandate };
    wire::Evidence { evidence: Some(wire::evidence::Evidence::Consent(consent)) }.encode_to_vec()
}

fn admit(before: State, author: &str, mandate: &Mandate) -> Draft {
    Draft::on(before, author)
        .add_device(&device(SUB))
        .edit(|edit| edit.stand_in(&officer(SUB), mandate.not_after, mandate.serial))
        .evidence(evidence(mandate, "pgr.example"))
}

fn standing_in() -> State {
    admit(leaderless(), "ana@fge.example", &mandate()).apply()
}

#[test]
fn the_owner_admits_a_stand_in_where_no_lead_is_left() {
    let ana = "ana@fge.example";
    let with = |change: fn(&mut Mandate)| {
        let mut mandate = mandate();
        change(&mut mandate);
        admit(leaderless(), ana, &mandate)
    };
    let signed_by = |authority: &str| {
        let mut draft = with(|_| {});
        draft.0.evidence = vec![evidence(&mandate(), authority)];
        draft
    };
    let unproven = || {
        let mut draft = with(|_| {});
        draft.0.evidence.clear();
        draft
    };
    check(
        vec![("with a mandate", with(|_| {}))],
        vec![
            (
                "where there is a lead",
                Rule::AdmitSovereign,
                admit(super::scene::state(), ana, &mandate()),
            ),
            (
                "by a lead",
                Rule::AdmitSovereign,
                admit(leaderless(), "luis@fge.example", &mandate()),
            ),
            ("without a mandate", Rule::AdmitSovereign, unproven()),
            ("signed by another authority", Rule::Evidence, signed_by("fge.example")),
            ("of another channel", Rule::Evidence, with(|m| m.channel = [8; 32])),
            ("that has ended", Rule::Evidence, with(|m| m.not_after = NOW)),
            ("that lasts too long", Rule::Evidence, with(|m| m.not_after = NOW.plus(DAY * 91))),
            (
                "for somebody else",
                Rule::Evidence,
                with(|m| m.officer = officer("other@pgr.example")),
            ),
            ("unreadable", Rule::Evidence, unproven().evidence(encode(vec![1, 2, 3]))),
            ("as a member", Rule::AdmitSovereign, with(|_| {}).role(SUB, Role::Member)),
            (
                "not recorded",
                Rule::StandIn,
                with(|_| {}).edit(|edit| edit.forge(|content| content.stand_ins.clear())),
            ),
            (
                "recorded for longer",
                Rule::StandIn,
                with(|_| {}).edit(|edit| {
                    edit.forge(|c| _ = c.stand_ins.insert(officer(SUB), end().plus(DAY)))
                }),
            ),
            (
                "its number not recorded",
                Rule::StandIn,
                with(|_| {}).edit(|edit| edit.forge(|content| content.mandate_serials.clear())),
            ),
        ],
    );
    let acts = with(|_| {}).judge().unwrap();
    assert!(matches!(&acts[..], [Act::Admitted { role: Role::Lead, new_authority: false, .. }]));
}

#[test]
fn a_stand_in_is_a_lead_until_the_mandate_ends() {
    let on = |at: Timestamp| Draft::on(standing_in(), SUB).received_at(at);
    let last = Timestamp::from_millis(end().as_millis() - 1);
    let late = |draft: fn(Draft) -> Draft| draft(on(end()));
    check(
        vec![
            ("admits", on(last).admit("new@pgr.example", Role::Member)),
            ("makes a lead", on(NOW).role("ze@pgr.example", Role::Lead)),
            ("removes", on(NOW).remove("ze@pgr.example")),
            ("renews its keys even later", on(end())),
        ],
        vec![
            (
                "admits later",
                Rule::AdmitSovereign,
                late(|draft| draft.admit("new@pgr.example", Role::Member)),
            ),
            (
                "makes a lead later",
                Rule::RoleSovereign,
                late(|draft| draft.role("ze@pgr.example", Role::Lead)),
            ),
            ("removes later", Rule::RemoveSovereign, late(|draft| draft.remove("ze@pgr.example"))),
            (
                "stays for longer",
                Rule::StandIn,
                on(NOW).edit(|edit| {
                    edit.forge(|c| _ = c.stand_ins.insert(officer(SUB), end().plus(DAY)))
                }),
            ),
            (
                "stays for good",
                Rule::StandIn,
                on(NOW).edit(|edit| edit.forge(|content| content.stand_ins.clear())),
            ),
        ],
    );
}

#[test]
fn whoever_stands_in_too_long_is_removed_by_anybody() {
    let on = |at| Draft::on(standing_in(), "oto@fge.example").received_at(at).remove(SUB);
    assert_eq!(on(NOW).judge(), Err(Rule::RemoveSovereign));
    let acts = on(end()).judge().unwrap();
    let (officer, device) = (officer(SUB), device(SUB));
    assert_eq!(acts, [Act::Removed { officer, device, because: Removal::Ended }]);
    assert!(on(end()).apply().policy.stand_ins().is_empty());
}

#[test]
fn a_mandate_is_used_once() {
    let gone = Draft::on(standing_in(), "oto@fge.example").received_at(end()).remove(SUB).apply();
    let again = |serial| {
        let mandate = Mandate { serial, not_after: end().plus(DAY), ..mandate() };
        admit(gone.clone(), "ana@fge.example", &mandate).received_at(end())
    };
    assert_eq!(again(7).judge(), Err(Rule::Evidence));
    assert_eq!(again(6).judge(), Err(Rule::Evidence));
    assert!(again(8).judge().is_ok());
}

#[test]
fn no_stand_in_becomes_the_owner() {
    let handed = Draft::on(standing_in(), "ana@fge.example").edit(|edit| edit.owner(&officer(SUB)));
    assert_eq!(handed.judge(), Err(Rule::StandIn));
}

#[test]
fn a_stand_in_consents_while_the_mandate_lasts() {
    let admission = |at: Timestamp| {
        let mut draft = Draft::on(standing_in(), "ana@fge.example").received_at(at);
        draft = draft.admit("bo@mj.example", Role::Lead);
        let version = draft.0.before.policy.authorities_version();
        let consent = super::scene::Consented::by(SUB, enters("bo@mj.example"), version);
        draft.evidence(consent.with(|c| c.local_time = end().minus(DAY)).evidence())
    };
    assert!(admission(NOW).judge().is_ok());
    assert_eq!(admission(end()).judge(), Err(Rule::Evidence));
}

#[test]
fn where_no_owner_is_left_an_ended_mandate_elects_nobody() {
    let policy = standing_in().policy;
    let policy = policy.remove(&officer("ana@fge.example")).unwrap();
    let electors =
        |at| policy.electors(at).into_iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(electors(NOW), ["fge.example", "pgr.example"]);
    assert_eq!(electors(end()), ["fge.example"]);
}

#[test]
fn what_a_policy_says_of_stand_ins_is_read_back() {
    let policy = standing_in().policy;
    assert_eq!(Policy::decode(&policy.encode()).unwrap(), policy);
    assert_eq!(policy.stand_ins().get(&officer(SUB)), Some(&end()));
    assert_eq!(policy.role_at(&officer(SUB), NOW), Some(Role::Lead));
    assert_eq!(policy.role_at(&officer(SUB), end()), Some(Role::Member));
}
