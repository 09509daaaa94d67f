//! An officer's devices are the officer's affair, and its authority's.

use enlace_identity::names::DeviceName;
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::super::{Act, Removal, Rule, State};
use super::scene::{Draft, NOW, by, check, device, network, officer};
use crate::policy::{Policy, Role};
use crate::rules::welcome::judge_joined;

fn second(address: &str) -> DeviceName {
    officer(address).device("phone").unwrap()
}

/// The channel, in which that officer has a second device.
fn with_second(address: &str) -> State {
    by(address).add_device(&second(address)).apply()
}

/// A commit by an officer's second device.
fn by_second(before: &State, address: &str) -> Draft {
    let mut draft = Draft::on(before.clone(), address);
    draft.0.committer = second(address);
    draft
}

#[test]
fn an_officer_adds_devices_and_so_does_a_lead_of_its_authority() {
    let add = |author: &str, whose: &str| by(author).add_device(&second(whose));
    check(
        vec![
            ("a member", add("eva@fge.example", "eva@fge.example")),
            ("an observer", add("oto@fge.example", "oto@fge.example")),
            ("the owner", add("ana@fge.example", "ana@fge.example")),
            ("a lead, for another", add("rui@pgr.example", "ze@pgr.example")),
            ("the owner, for its own authority's", add("ana@fge.example", "eva@fge.example")),
        ],
        vec![
            ("a colleague", Rule::AdmitSovereign, add("eva@fge.example", "oto@fge.example")),
            ("another authority's lead", Rule::AdmitSovereign, {
                add("rui@pgr.example", "eva@fge.example")
            }),
            ("the owner, another authority's", Rule::AdmitSovereign, {
                add("ana@fge.example", "ze@pgr.example")
            }),
            ("a lead, for the owner", Rule::AdmitSovereign, {
                add("luis@fge.example", "ana@fge.example")
            }),
            ("and gives itself a role", Rule::OwnRoleAlone, {
                add("eva@fge.example", "eva@fge.example").role("eva@fge.example", Role::Lead)
            }),
        ],
    );
    let acts = add("eva@fge.example", "eva@fge.example").judge();
    assert_eq!(acts, Ok(vec![Act::DeviceAdded { device: second("eva@fge.example") }]));
}

#[test]
fn an_officer_removes_its_other_devices() {
    let before = with_second("eva@fge.example");
    let lost = device("eva@fge.example");
    let removal = by_second(&before, "eva@fge.example").remove_device(&lost);
    let removed = Act::DeviceRemoved { device: lost.clone(), because: Removal::Own };
    assert_eq!(removal.judge(), Ok(vec![removed]));
    let as_other = |author: &str| Draft::on(before.clone(), author).remove_device(&lost);
    check(
        vec![("a lead", as_other("luis@fge.example"))],
        vec![
            ("a colleague", Rule::RemoveSovereign, as_other("oto@fge.example")),
            ("another authority's lead", Rule::RemoveSovereign, as_other("rui@pgr.example")),
        ],
    );
    let all = Draft::on(before.clone(), "luis@fge.example")
        .remove("eva@fge.example")
        .remove_device(&second("eva@fge.example"));
    assert!(all.judge().is_ok());
    let half = Draft::on(before, "luis@fge.example").remove("eva@fge.example");
    assert_eq!(half.judge(), Err(Rule::RolesMatch), "an officer goes with all devices");
}

#[test]
fn the_owners_devices_are_the_owners() {
    let before = with_second("ana@fge.example");
    let lost = device("ana@fge.example");
    let own = by_second(&before, "ana@fge.example").remove_device(&lost);
    assert!(own.judge().is_ok());
    let by_lead = Draft::on(before.clone(), "luis@fge.example").remove_device(&lost);
    assert_eq!(by_lead.judge(), Err(Rule::RemoveOwner));
    let list = network().withdraw("fge.example", &before.members[&lost]).to_bytes();
    let revocation = wire::RevocationEvidence { device: lost.to_string(), list };
    let evidence = Some(wire::evidence::Evidence::Revocation(revocation));
    let evidence = wire::Evidence { evidence }.encode_to_vec();
    let revoked = || Draft::on(before.clone(), "oto@fge.example").evidence(evidence.clone());
    let acts = revoked().remove_device(&lost).judge();
    let removed = Act::DeviceRemoved { device: lost, because: Removal::Revoked };
    assert_eq!(acts, Ok(vec![removed]), "the owner stays, with the other one");
    let usurped = revoked().remove("ana@fge.example").role("luis@fge.example", Role::Owner);
    assert!(usurped.judge().is_err());
}

#[test]
fn nobody_has_too_many() {
    let mut draft = by("eva@fge.example");
    for number in 1..Policy::MAX_DEVICES {
        let name = officer("eva@fge.example").device(&format!("d{number}")).unwrap();
        draft = draft.add_device(&name);
    }
    let full = draft.apply();
    let one_more = Draft::on(full, "eva@fge.example").add_device(&second("eva@fge.example"));
    assert_eq!(one_more.judge(), Err(Rule::RolesMatch));
}

#[test]
fn a_device_joins_by_another_one_of_its_officer() {
    let after = with_second("eva@fge.example");
    let join = |signer: &str| {
        let me = second("eva@fge.example");
        judge_joined(&network().bundle, &after, (&device(signer), false), &me, NOW).is_ok()
    };
    assert!(join("eva@fge.example") && join("luis@fge.example"));
    assert!(!join("oto@fge.example") && !join("rui@pgr.example"));
}
