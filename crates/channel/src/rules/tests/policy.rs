//! Who may change which field of the policy.

use enlace_identity::bundle::BundleHash;
use enlace_log::{ChannelId, Generation, Seq};

use super::super::{Act, JudgeError, PolicyField, Rule, judge_change};
use super::scene::{Draft, Network, by, check, network, state};
use crate::entry::HandlingCode;
use crate::policy::{ChannelKind, Founding, FoundingReason, Policy, PolicyEdit};

fn edited(author: &str, edit: impl FnOnce(PolicyEdit) -> PolicyEdit) -> Draft {
    by(author).edit(edit)
}

#[test]
fn fields_of_the_channel_are_the_owners() {
    let title = |author| edited(author, |edit| edit.title("Another"));
    let basis = |author| edited(author, |edit| edit.legal_basis("Article 18"));
    let code = |author| edited(author, |edit| edit.default_handling(HandlingCode::H2));
    check(
        vec![
            ("title", title("ana@fge.example")),
            ("legal basis", basis("ana@fge.example")),
            ("handling code", code("ana@fge.example")),
        ],
        vec![
            ("title, by a lead", Rule::PolicyOwner, title("luis@fge.example")),
            ("title, by an observer", Rule::PolicyOwner, title("oto@fge.example")),
            ("legal basis, by a lead", Rule::PolicyOwner, basis("rui@pgr.example")),
            ("handling code, by a member", Rule::PolicyOwner, code("eva@fge.example")),
        ],
    );
    let acts = title("ana@fge.example").judge();
    assert_eq!(acts, Ok(vec![Act::PolicyChanged(PolicyField::Title)]));
}

#[test]
fn fields_of_an_authority_are_its_leads() {
    let pgr = "pgr.example".parse().unwrap();
    let reference =
        |author| edited(author, |edit| edit.case_reference(&pgr, Some("PGR 12/31".into())));
    let hold = |author| edited(author, |edit| edit.hold(&pgr, true));
    let retention = |author| edited(author, |edit| edit.retention(&pgr, Some(3650)));
    check(
        vec![
            ("reference", reference("rui@pgr.example")),
            ("retention", retention("rui@pgr.example")),
            ("hold", hold("rui@pgr.example")),
        ],
        vec![
            ("reference, by the owner", Rule::PolicyAuthority, reference("ana@fge.example")),
            ("reference, by a member", Rule::PolicyAuthority, reference("ze@pgr.example")),
            ("a hold, by the owner", Rule::PolicyAuthority, hold("ana@fge.example")),
            ("a hold, by an observer", Rule::PolicyAuthority, hold("oto@fge.example")),
            ("retention, by the owner", Rule::PolicyAuthority, retention("ana@fge.example")),
            ("retention, by an observer", Rule::PolicyAuthority, retention("oto@fge.example")),
        ],
    );
    let set = reference("rui@pgr.example").apply();
    let erase =
        |author| Draft::on(set.clone(), author).edit(|edit| edit.case_reference(&pgr, None));
    assert_eq!(erase("ana@fge.example").judge(), Err(Rule::PolicyAuthority));
    let field = PolicyField::CaseReference(pgr.clone());
    assert_eq!(erase("rui@pgr.example").judge(), Ok(vec![Act::PolicyChanged(field)]));
}

#[test]
fn some_fields_never_change() {
    let forged = |change: fn(&mut crate::policy::Content)| {
        by("ana@fge.example").edit(|edit| edit.forge(change))
    };
    let cases = vec![
        ("channel", forged(|c| c.channel = ChannelId([8; 32]))),
        (
            "generation",
            forged(|c| {
                let reason = FoundingReason::Renewal;
                c.generation = Generation(1);
                c.founding = Some(Founding::of_all(Seq(0), reason));
            }),
        ),
        ("kind", forged(|c| c.kind = ChannelKind::Forum)),
    ];
    let void = cases.into_iter().map(|(name, draft)| (name, Rule::PolicyFixed, draft)).collect();
    check(vec![], void);
    let elsewhere = forged(|c| c.bundle_hash = BundleHash::from_bytes([0; 32]));
    assert_eq!(elsewhere.judge(), Err(Rule::Bundle));
    let counted = forged(|c| c.authorities_version += 1);
    assert_eq!(counted.judge(), Err(Rule::AuthoritiesVersion));
}

#[test]
fn a_policy_with_unknown_fields_is_left_alone() {
    let mut bytes = state().policy.encode();
    bytes.extend([0xa2, 0x06, 1, 7]);
    let newer = Policy::decode(&bytes).unwrap();

    let mut adds = by("ana@fge.example");
    adds.0.after.policy = newer.clone();
    assert_eq!(adds.judge(), Err(Rule::PolicyUnknown));

    let mut before = state();
    before.policy = newer;
    assert!(Draft::on(before.clone(), "ana@fge.example").judge().is_ok());
    let mut drops = Draft::on(before, "ana@fge.example");
    drops.0.after.policy = state().policy;
    assert_eq!(drops.judge(), Err(Rule::PolicyUnknown));
}

#[test]
fn a_missing_bundle_voids_nothing() {
    let other = Network::new(&["fge.example"]);
    let change = by("luis@fge.example").0;
    let expected = network().bundle.hash();
    let verdict = judge_change(&other.bundle, &change);
    assert_eq!(verdict, Err(JudgeError::BundleMissing(expected)));
}

/// A commit after the channel has moved to the hub of pgr.example.
fn moved(edit: impl FnOnce(PolicyEdit) -> PolicyEdit) -> Draft {
    let mut draft = edited("ze@pgr.example", edit);
    draft.0.hub = "pgr.example".parse().unwrap();
    draft
}

#[test]
fn the_first_commit_after_a_move_names_the_new_hub_and_the_first_one() {
    let (pgr, mj) = ("pgr.example".parse().unwrap(), "mj.example".parse().unwrap());
    let creating =
        |hub: &str| moved(|edit| edit.hub(&pgr).forge(|c| c.creating_hub = hub.parse().ok()));
    check(
        vec![("it is recorded by a member", moved(|edit| edit.hub(&pgr)))],
        vec![
            ("not recorded", Rule::PolicyHub, moved(|edit| edit)),
            ("another hub", Rule::PolicyHub, moved(|edit| edit.hub(&mj))),
            ("another beginning", Rule::PolicyHub, creating("mj.example")),
            ("no beginning", Rule::PolicyHub, creating("")),
            ("no move", Rule::PolicyHub, edited("ana@fge.example", |edit| edit.hub(&pgr))),
        ],
    );
    let after = moved(|edit| edit.hub(&pgr)).apply();
    assert_eq!(after.policy.creating_hub().as_str(), "fge.example");

    let back =
        |edit: fn(PolicyEdit) -> PolicyEdit| Draft::on(after.clone(), "ana@fge.example").edit(edit);
    let home = |edit: PolicyEdit| edit.hub(&"fge.example".parse().unwrap());
    assert_eq!(back(home).apply().policy.creating_hub().as_str(), "fge.example");
    let forgotten = back(|edit| {
        edit.forge(|c| (c.hub, c.creating_hub) = ("fge.example".parse().unwrap(), None))
    });
    assert_eq!(forgotten.judge(), Err(Rule::PolicyHub));
}

#[test]
fn a_policy_that_nobody_here_can_rewrite_keeps_its_hub() {
    let mut bytes = state().policy.encode();
    bytes.extend([0xa2, 0x06, 1, 7]);
    let mut before = state();
    before.policy = Policy::decode(&bytes).unwrap();
    let mut draft = Draft::on(before, "ana@fge.example");
    draft.0.hub = "pgr.example".parse().unwrap();
    assert!(draft.judge().is_ok());
}
