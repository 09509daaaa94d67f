//! Sovereign membership.

use super::super::{Act, Removal, Rule};
use super::scene::{Draft, by, check, device, enters, officer, state};
use crate::policy::Role;

#[test]
fn a_lead_admits_officers_of_its_own_authority() {
    check(
        vec![
            ("owner, member", by("ana@fge.example").admit("new@fge.example", Role::Member)),
            ("lead, lead", by("luis@fge.example").admit("new@fge.example", Role::Lead)),
            ("lead, observer", by("rui@pgr.example").admit("new@pgr.example", Role::Observer)),
            (
                "two at once",
                by("rui@pgr.example")
                    .admit("one@pgr.example", Role::Member)
                    .admit("two@pgr.example", Role::Member),
            ),
        ],
        vec![
            (
                "a lead, another authority's officer",
                Rule::AdmitSovereign,
                by("luis@fge.example").admit("new@pgr.example", Role::Member),
            ),
            (
                "the owner, another authority's officer",
                Rule::AdmitSovereign,
                by("ana@fge.example").admit("new@pgr.example", Role::Member),
            ),
            (
                "a member",
                Rule::AdmitSovereign,
                by("eva@fge.example").admit("new@fge.example", Role::Member),
            ),
            (
                "an observer",
                Rule::AdmitSovereign,
                by("oto@fge.example").admit("new@fge.example", Role::Observer),
            ),
            (
                "one of its own and one of another",
                Rule::AdmitSovereign,
                by("rui@pgr.example")
                    .admit("one@pgr.example", Role::Member)
                    .admit("two@fge.example", Role::Member),
            ),
            (
                "as a guide",
                Rule::AdmitRole,
                by("luis@fge.example").admit("new@fge.example", Role::Guide),
            ),
            (
                "as a second owner",
                Rule::AdmitRole,
                by("ana@fge.example").admit("new@fge.example", Role::Owner),
            ),
        ],
    );
}

#[test]
fn a_new_authority_enters_through_the_owner_with_one_lead() {
    check(
        vec![(
            "owner",
            by("ana@fge.example")
                .admit("bo@mj.example", Role::Lead)
                .agreed("rui@pgr.example", enters("bo@mj.example")),
        )],
        vec![
            (
                "a lead",
                Rule::AdmitAuthority,
                by("luis@fge.example").admit("bo@mj.example", Role::Lead),
            ),
            (
                "as a member",
                Rule::AdmitAuthority,
                by("ana@fge.example").admit("bo@mj.example", Role::Member),
            ),
            (
                "two officers",
                Rule::AdmitAuthority,
                by("ana@fge.example")
                    .admit("bo@mj.example", Role::Lead)
                    .admit("al@mj.example", Role::Member),
            ),
            (
                "not counted",
                Rule::AuthoritiesVersion,
                by("ana@fge.example")
                    .admit("bo@mj.example", Role::Lead)
                    .agreed("rui@pgr.example", enters("bo@mj.example"))
                    .edit(|edit| edit.forge(|content| content.authorities_version -= 1)),
            ),
            (
                "counted twice",
                Rule::AuthoritiesVersion,
                by("ana@fge.example")
                    .admit("bo@mj.example", Role::Lead)
                    .agreed("rui@pgr.example", enters("bo@mj.example"))
                    .edit(|edit| edit.forge(|content| content.authorities_version += 1)),
            ),
        ],
    );
}

#[test]
fn a_lead_removes_officers_of_its_own_authority() {
    check(
        vec![
            ("owner", by("ana@fge.example").remove("eva@fge.example")),
            ("lead", by("luis@fge.example").remove("oto@fge.example")),
            ("a lead, another lead", by("ana@fge.example").remove("luis@fge.example")),
        ],
        vec![
            (
                "the owner, another authority's officer",
                Rule::RemoveSovereign,
                by("ana@fge.example").remove("ze@pgr.example"),
            ),
            ("a member", Rule::RemoveSovereign, by("eva@fge.example").remove("oto@fge.example")),
            ("an observer", Rule::RemoveSovereign, by("oto@fge.example").remove("eva@fge.example")),
            ("the owner", Rule::RemoveOwner, by("luis@fge.example").remove("ana@fge.example")),
            ("oneself", Rule::Committer, by("luis@fge.example").remove("luis@fge.example")),
            ("who is not there", Rule::Committer, by("new@fge.example")),
            (
                "everybody but the author",
                Rule::RemoveOwner,
                by("luis@fge.example")
                    .remove("ana@fge.example")
                    .remove("eva@fge.example")
                    .remove("oto@fge.example")
                    .remove("rui@pgr.example")
                    .remove("ze@pgr.example"),
            ),
        ],
    );
}

#[test]
fn an_authority_that_goes_is_counted() {
    let before = by("rui@pgr.example").remove("ze@pgr.example").apply();
    let one = Draft::on(before, "rui@pgr.example");
    assert_eq!(one.0.before.policy.authorities_version(), 2);
    let forged = by("rui@pgr.example")
        .remove("ze@pgr.example")
        .edit(|edit| edit.forge(|content| content.authorities_version += 1));
    assert_eq!(forged.judge(), Err(Rule::AuthoritiesVersion));
}

#[test]
fn an_officer_gets_another_device_from_a_lead() {
    let (old, new) = (device("ze@pgr.example"), officer("ze@pgr.example").device("phone").unwrap());
    let swap = |author: &str| by(author).remove_device(&old).add_device(&new);
    let acts = swap("rui@pgr.example").judge().unwrap();
    let removed = Act::DeviceRemoved { device: old.clone(), because: Removal::ByLead };
    assert_eq!(acts, [removed, Act::DeviceAdded { device: new.clone() }]);
    assert_eq!(swap("ana@fge.example").judge(), Err(Rule::RemoveSovereign));

    let owners = officer_device("ana@fge.example", "phone");
    let capture =
        by("luis@fge.example").remove_device(&device("ana@fge.example")).add_device(&owners);
    assert_eq!(capture.judge(), Err(Rule::RemoveOwner));
}

#[test]
fn each_officer_has_devices_and_one_role() {
    let without_device = by("rui@pgr.example").role("new@pgr.example", Role::Member);
    let without_role = by("rui@pgr.example").add_device(&device("new@pgr.example"));
    let kept_role = by("rui@pgr.example").remove_device(&device("ze@pgr.example"));
    let kept_device = by("rui@pgr.example").edit(|edit| edit.without(&officer("ze@pgr.example")));
    check(
        vec![("nothing changes", by("ze@pgr.example"))],
        vec![
            ("a role alone", Rule::RolesMatch, without_device),
            ("a device alone", Rule::RolesMatch, without_role),
            ("the role stays", Rule::RolesMatch, kept_role),
            ("the device stays", Rule::RolesMatch, kept_device),
        ],
    );
}

#[test]
fn what_was_done_is_told() {
    let acts = by("ana@fge.example")
        .admit("bo@mj.example", Role::Lead)
        .agreed("rui@pgr.example", enters("bo@mj.example"))
        .judge()
        .unwrap();
    let expected = Act::Admitted {
        officer: officer("bo@mj.example"),
        device: device("bo@mj.example"),
        role: Role::Lead,
        new_authority: true,
    };
    assert_eq!(acts, [expected]);
    let acts = by("luis@fge.example").remove("eva@fge.example").judge().unwrap();
    let (officer, device) = (officer("eva@fge.example"), device("eva@fge.example"));
    assert_eq!(acts, [Act::Removed { officer, device, because: Removal::ByLead }]);
    assert_eq!(by("oto@fge.example").judge(), Ok(vec![]));
}

#[test]
fn the_list_is_the_trees() {
    let mut draft = by("luis@fge.example").remove("eva@fge.example");
    draft.0.list_hash = state().devices().hash();
    assert_eq!(draft.judge_as_it_is(), Err(Rule::List));
    let alone = [device("luis@fge.example")].into_iter().collect::<enlace_log::DeviceList>();
    let mut draft = by("luis@fge.example");
    draft.0.list_hash = alone.hash();
    assert_eq!(draft.judge_as_it_is(), Err(Rule::List));
}

fn officer_device(address: &str, label: &str) -> enlace_identity::names::DeviceName {
    officer(address).device(label).unwrap()
}
