//! Consents: what one authority may only do when others have agreed, and what counts as agreeing.

use enlace_log::{ChannelId, Generation};

use super::super::{Act, Rule, State, verify_consent};
use super::scene::{
    CHANNEL, Consented, DAY, Draft, NOW, by, check, consent_evidence, device, enters, key, leaf_of,
    officer, owns, state,
};
use crate::consent::{Answer, Statement};
use crate::policy::Role;

const BO: &str = "bo@mj.example";

/// Bo's authority comes into a channel in which fge.example and pgr.example are.
fn admit_bo() -> Draft {
    by("ana@fge.example").admit(BO, Role::Lead)
}

fn rui_agrees() -> Consented {
    Consented::by("rui@pgr.example", enters(BO), state().policy.authorities_version())
}

/// All three authorities: Bo is the only one of the third, and a lead.
fn three() -> State {
    admit_bo().agreed("rui@pgr.example", enters(BO)).apply()
}

/// The channel of the scene after its owner's certificate was withdrawn and nobody succeeded: Luis
/// had become a member before.
fn orphaned() -> State {
    let mut orphaned = by("ana@fge.example").role("luis@fge.example", Role::Member).apply();
    orphaned.members.remove(&device("ana@fge.example"));
    let edit = orphaned.policy.edit().unwrap().without(&officer("ana@fge.example"));
    orphaned.policy = edit.finish().unwrap();
    orphaned
}

#[test]
fn a_new_authority_enters_with_the_consent_of_each_one_present() {
    check(
        vec![
            ("all agree", admit_bo().agreed("rui@pgr.example", enters(BO))),
            (
                "the author's own lead says so too",
                admit_bo()
                    .agreed("rui@pgr.example", enters(BO))
                    .agreed("luis@fge.example", enters(BO)),
            ),
        ],
        vec![
            ("nobody was asked", Rule::AdmitConsent, admit_bo()),
            (
                "the own authority alone",
                Rule::AdmitConsent,
                admit_bo().agreed("luis@fge.example", enters(BO)),
            ),
            (
                "not the owner",
                Rule::AdmitAuthority,
                by("luis@fge.example").admit(BO, Role::Lead).agreed("rui@pgr.example", enters(BO)),
            ),
        ],
    );
    let alone = by("rui@pgr.example").remove("ze@pgr.example").apply();
    let handed_on = Draft::on(alone, "ana@fge.example");
    assert_eq!(handed_on.admit(BO, Role::Lead).judge(), Err(Rule::AdmitConsent));
}

#[test]
fn where_one_authority_is_alone_nobody_else_is_asked() {
    let mut alone = state();
    for gone in ["rui@pgr.example", "ze@pgr.example"] {
        alone.members.remove(&device(gone));
        let edit = alone.policy.edit().unwrap().without(&officer(gone));
        alone.policy = edit.finish().unwrap();
    }
    assert!(Draft::on(alone, "ana@fge.example").admit(BO, Role::Lead).judge().is_ok());
}

#[test]
fn a_consent_counts_for_what_it_says_and_for_nothing_else() {
    let with =
        |change: fn(&mut Consented)| admit_bo().evidence(rui_agrees().with(change).evidence());
    let void = |name, change: fn(&mut Consented)| (name, Rule::Evidence, with(change));
    check(
        vec![("as it should be", with(|_| {}))],
        vec![
            void("of another channel", |c| c.channel = ChannelId([8; 32])),
            void("of another generation", |c| c.generation = Generation(1)),
            void("to another officer", |c| c.statement.subject = enters("al@mj.example")),
            void("to another act", |c| c.statement.subject = owns(BO)),
            void("used again after somebody came or went", |c| {
                c.statement.authorities_version -= 1
            }),
            void("given ahead", |c| c.statement.authorities_version += 1),
            void("a no", |c| c.statement.answer = Some(Answer::No)),
            void("the question itself", |c| c.statement.answer = None),
            void("signed with another key", |c| c.signer = "ze@pgr.example".to_owned()),
            void("a member's", |c| {
                *c = Consented::by("ze@pgr.example", enters(BO), c.statement.authorities_version);
            }),
            void("a stranger's", |c| {
                *c = Consented::by("new@pgr.example", enters(BO), c.statement.authorities_version);
            }),
            void("an old one", |c| c.local_time = NOW.minus(DAY * 31)),
        ],
    );
    assert!(with(|c| c.local_time = NOW.minus(Statement::LASTS)).judge().is_ok());
}

#[test]
fn a_consent_that_is_not_used_or_comes_twice_voids_the_commit() {
    let once = || admit_bo().agreed("rui@pgr.example", enters(BO));
    let two_leads = Draft::on(
        by("rui@pgr.example").role("ze@pgr.example", Role::Lead).apply(),
        "ana@fge.example",
    );
    check(
        vec![],
        vec![
            ("twice", Rule::Evidence, once().agreed("rui@pgr.example", enters(BO))),
            (
                "two of one authority",
                Rule::Evidence,
                two_leads
                    .admit(BO, Role::Lead)
                    .agreed("rui@pgr.example", enters(BO))
                    .agreed("ze@pgr.example", enters(BO)),
            ),
            ("unused", Rule::Evidence, by("ana@fge.example").agreed("rui@pgr.example", enters(BO))),
            (
                "for who is there already",
                Rule::Evidence,
                by("luis@fge.example")
                    .admit("new@fge.example", Role::Lead)
                    .agreed("rui@pgr.example", enters("new@fge.example")),
            ),
        ],
    );
}

#[test]
fn a_consent_has_one_encoding() {
    let entry = rui_agrees().entry().to_wire();
    let with = |change: fn(&mut enlace_proto::channel::v1::Entry)| {
        let mut entry = entry.clone();
        change(&mut entry);
        admit_bo().evidence(consent_evidence(entry))
    };
    let void = |name, change| (name, Rule::Evidence, with(change));
    check(
        vec![("as it is", with(|_| {}))],
        vec![
            void("no signature", |e| e.signature.clear()),
            void("another salt", |e| e.salt.push(0)),
            void("without its statement", |e| e.parts.clear()),
            void("with the statement withdrawn", |e| {
                e.parts[0].salt.clear();
                e.parts[0].content.clear();
            }),
            void("with a digest besides", |e| e.parts[0].digest = vec![0; 32]),
            void("with another statement", |e| e.parts[0].content[40] ^= 1),
            void("with another header", |e| e.header[30] ^= 1),
        ],
    );
    assert_eq!(admit_bo().evidence(vec![0x1a, 0]).judge(), Err(Rule::Evidence), "no entry");
}

#[test]
fn a_consent_ends_with_the_leafs_key_and_with_the_role() {
    let mut rekeyed = state();
    let rui = device("rui@pgr.example");
    let mut leaf = leaf_of(&rui, 2);
    leaf.signature_key = key("another").public();
    rekeyed.members.insert(rui, leaf);
    let draft = Draft::on(rekeyed, "ana@fge.example").admit(BO, Role::Lead);
    assert_eq!(draft.agreed("rui@pgr.example", enters(BO)).judge(), Err(Rule::Evidence));

    let lowered = by("rui@pgr.example")
        .role("ze@pgr.example", Role::Lead)
        .role("rui@pgr.example", Role::Member)
        .apply();
    let draft = Draft::on(lowered, "ana@fge.example").admit(BO, Role::Lead);
    assert_eq!(draft.agreed("rui@pgr.example", enters(BO)).judge(), Err(Rule::Evidence));
}

#[test]
fn what_the_owner_checks_before_it_commits_is_what_the_rule_checks() {
    let entry = rui_agrees().entry().to_wire();
    let consent = verify_consent(&state(), &entry, NOW).unwrap();
    assert_eq!((consent.by, consent.subject), (device("rui@pgr.example"), enters(BO)));
    let late = NOW.plus(Statement::LASTS).plus(DAY);
    assert!(verify_consent(&state(), &entry, late).is_err());
}

fn appoint(before: State, author: &str, owner: &str) -> Draft {
    Draft::on(before, author).edit(|edit| edit.appointed_owner(&officer(owner)))
}

#[test]
fn leads_of_most_authorities_appoint_an_owner() {
    let (luis, rui) = ("luis@fge.example", "rui@pgr.example");
    check(
        vec![
            ("two of three", appoint(three(), rui, rui).agreed(BO, owns(rui))),
            ("by one for another", appoint(three(), BO, rui).agreed(rui, owns(rui))),
            (
                "a member",
                appoint(three(), rui, "ze@pgr.example").agreed(BO, owns("ze@pgr.example")),
            ),
            (
                "with the owner's own authority",
                appoint(three(), luis, luis).agreed(rui, owns(luis)),
            ),
        ],
        vec![
            ("one of three", Rule::Handover, appoint(three(), rui, rui)),
            ("one of two", Rule::Handover, appoint(state(), rui, rui)),
            (
                "the author's authority twice",
                Rule::AppointOwner,
                appoint(three(), luis, luis).agreed("luis@fge.example", owns(luis)),
            ),
            ("for somebody else", Rule::Evidence, appoint(three(), rui, rui).agreed(BO, owns(BO))),
            (
                "by a member",
                Rule::AppointOwner,
                appoint(three(), "ze@pgr.example", rui)
                    .agreed(rui, owns(rui))
                    .agreed(BO, owns(rui)),
            ),
            (
                "an observer",
                Rule::Handover,
                appoint(three(), rui, "oto@fge.example").agreed(BO, owns("oto@fge.example")),
            ),
            (
                "the former owner lowered",
                Rule::Handover,
                appoint(three(), rui, rui)
                    .agreed(BO, owns(rui))
                    .role("ana@fge.example", Role::Member),
            ),
            (
                "not counted",
                Rule::AuthoritiesVersion,
                Draft::on(three(), rui)
                    .edit(|edit| edit.owner(&officer(rui)))
                    .agreed(BO, owns(rui)),
            ),
        ],
    );
    let acts = appoint(three(), rui, rui).agreed(BO, owns(rui)).judge().unwrap();
    assert_eq!(acts.len(), 2, "{acts:?}");
    assert!(acts.iter().all(|act| matches!(act, Act::RoleChanged { .. })));
}

#[test]
fn an_appointment_does_not_happen_a_second_time() {
    let (rui, ana) = ("rui@pgr.example", "ana@fge.example");
    let once = appoint(three(), rui, rui).agreed(BO, owns(rui));
    let version = once.0.before.policy.authorities_version();
    let back = Draft::on(once.apply(), rui).edit(|edit| edit.owner(&officer(ana))).apply();
    let again = Consented::by(BO, owns(rui), version).evidence();
    assert_eq!(appoint(back, rui, rui).evidence(again).judge(), Err(Rule::Evidence));
}

#[test]
fn among_the_officers_of_one_authority_nobody_takes_the_ownership() {
    let mut alone = state();
    for gone in ["rui@pgr.example", "ze@pgr.example"] {
        alone.members.remove(&device(gone));
        alone.policy = alone.policy.edit().unwrap().without(&officer(gone)).finish().unwrap();
    }
    let luis = "luis@fge.example";
    assert_eq!(appoint(alone.clone(), luis, luis).judge(), Err(Rule::Handover));
    let agreed = appoint(alone, luis, luis).agreed(luis, owns(luis));
    assert_eq!(agreed.judge(), Err(Rule::AppointOwner));
}

#[test]
fn where_there_is_no_owner_authorities_with_a_lead_appoint_one() {
    let rui = "rui@pgr.example";
    check(
        vec![
            ("the only one with a lead", appoint(orphaned(), rui, rui)),
            ("for the former owner's authority", appoint(orphaned(), rui, "luis@fge.example")),
        ],
        vec![
            (
                "a member",
                Rule::Handover,
                appoint(orphaned(), "luis@fge.example", "luis@fge.example"),
            ),
            (
                "not counted",
                Rule::AuthoritiesVersion,
                Draft::on(orphaned(), rui).edit(|edit| edit.owner(&officer(rui))),
            ),
        ],
    );
}

#[test]
fn an_owner_who_is_appointed_in_a_closed_channel_opens_it_again() {
    let rui = "rui@pgr.example";
    let mut closed = three();
    closed.policy = closed.policy.edit().unwrap().closed(true).finish().unwrap();
    let after = appoint(closed, rui, rui).agreed(BO, owns(rui)).apply();
    assert!(Draft::on(after, rui).edit(|edit| edit.closed(false)).judge().is_ok());
    assert_eq!(state().policy.channel(), CHANNEL);
}
