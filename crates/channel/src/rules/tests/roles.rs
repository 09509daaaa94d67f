//! Who may give which role to whom.

use super::super::{Act, Rule};
use super::scene::{Draft, by, check, enters, officer};
use crate::policy::Role;

fn hand_over(author: &str, to: &str) -> Draft {
    by(author).edit(|edit| edit.owner(&officer(to)))
}

#[test]
fn a_lead_sets_roles_in_its_own_authority() {
    check(
        vec![
            ("owner raises", by("ana@fge.example").role("eva@fge.example", Role::Lead)),
            ("lead lowers", by("luis@fge.example").role("eva@fge.example", Role::Observer)),
            ("lead raises", by("rui@pgr.example").role("ze@pgr.example", Role::Lead)),
            ("its own role", by("luis@fge.example").role("luis@fge.example", Role::Member)),
        ],
        vec![
            (
                "another authority's",
                Rule::RoleSovereign,
                by("luis@fge.example").role("ze@pgr.example", Role::Lead),
            ),
            (
                "the owner, another authority's that has a lead",
                Rule::RoleSovereign,
                by("ana@fge.example").role("ze@pgr.example", Role::Lead),
            ),
            (
                "the owner lowers another authority's",
                Rule::RoleSovereign,
                by("ana@fge.example").role("rui@pgr.example", Role::Member),
            ),
            (
                "a member raises itself",
                Rule::RoleSovereign,
                by("eva@fge.example").role("eva@fge.example", Role::Lead),
            ),
            (
                "an observer raises itself",
                Rule::RoleSovereign,
                by("oto@fge.example").role("oto@fge.example", Role::Member),
            ),
            ("a guide", Rule::RoleKind, by("ana@fge.example").role("eva@fge.example", Role::Guide)),
        ],
    );
}

#[test]
fn the_ownership_is_handed_on_by_the_owner_alone() {
    check(
        vec![
            ("to a lead", hand_over("ana@fge.example", "luis@fge.example")),
            ("to a member", hand_over("ana@fge.example", "eva@fge.example")),
            ("to another authority", hand_over("ana@fge.example", "rui@pgr.example")),
        ],
        vec![
            ("to an observer", Rule::Handover, hand_over("ana@fge.example", "oto@fge.example")),
            ("taken by a lead", Rule::Handover, hand_over("luis@fge.example", "luis@fge.example")),
            (
                "taken by a member for somebody else",
                Rule::Handover,
                hand_over("eva@fge.example", "luis@fge.example"),
            ),
            ("shared", Rule::OneOwner, by("ana@fge.example").role("luis@fge.example", Role::Owner)),
            ("given up", Rule::OneOwner, by("ana@fge.example").role("ana@fge.example", Role::Lead)),
            (
                "handed on and lowered",
                Rule::Handover,
                hand_over("ana@fge.example", "luis@fge.example")
                    .role("ana@fge.example", Role::Member),
            ),
            (
                "to somebody who just comes",
                Rule::OwnRoleAlone,
                by("ana@fge.example")
                    .admit("new@fge.example", Role::Lead)
                    .edit(|edit| edit.owner(&officer("new@fge.example"))),
            ),
        ],
    );
    let acts = hand_over("ana@fge.example", "rui@pgr.example").judge().unwrap();
    let (owner, lead) = (Role::Owner, Role::Lead);
    let expected = [
        Act::RoleChanged { officer: officer("ana@fge.example"), from: owner, to: lead },
        Act::RoleChanged { officer: officer("rui@pgr.example"), from: lead, to: owner },
    ];
    assert_eq!(acts, expected);
}

#[test]
fn after_a_handover_the_former_owner_is_a_lead() {
    let after = hand_over("ana@fge.example", "rui@pgr.example").apply();
    let authority =
        || Draft::on(after.clone(), "ana@fge.example").admit("bo@mj.example", Role::Lead);
    assert_eq!(authority().judge(), Err(Rule::AdmitAuthority));
    let by_new = Draft::on(after.clone(), "rui@pgr.example")
        .admit("bo@mj.example", Role::Lead)
        .agreed("luis@fge.example", enters("bo@mj.example"));
    assert!(by_new.judge().is_ok());
    let own = Draft::on(after.clone(), "ana@fge.example").remove("eva@fge.example");
    assert!(own.judge().is_ok());
    let back = Draft::on(after, "ana@fge.example");
    let back = back.edit(|edit| edit.owner(&officer("ana@fge.example")));
    assert_eq!(back.judge(), Err(Rule::Handover));
}

#[test]
fn the_owner_appoints_a_lead_where_none_is_left() {
    let none = by("rui@pgr.example").role("rui@pgr.example", Role::Member).apply();
    let on = |author| Draft::on(none.clone(), author);
    check(
        vec![("one", on("ana@fge.example").role("ze@pgr.example", Role::Lead))],
        vec![
            (
                "two",
                Rule::RoleSovereign,
                on("ana@fge.example")
                    .role("ze@pgr.example", Role::Lead)
                    .role("rui@pgr.example", Role::Lead),
            ),
            (
                "a lead of another authority",
                Rule::RoleSovereign,
                on("luis@fge.example").role("ze@pgr.example", Role::Lead),
            ),
            (
                "oneself",
                Rule::RoleSovereign,
                on("ze@pgr.example").role("ze@pgr.example", Role::Lead),
            ),
            (
                "a lower role",
                Rule::RoleSovereign,
                on("ana@fge.example").role("ze@pgr.example", Role::Observer),
            ),
            (
                "and nobody is admitted meanwhile",
                Rule::AdmitSovereign,
                on("ana@fge.example").admit("new@pgr.example", Role::Lead),
            ),
        ],
    );
}

#[test]
fn who_changes_its_own_role_admits_nobody() {
    let draft = by("luis@fge.example")
        .role("luis@fge.example", Role::Member)
        .admit("new@fge.example", Role::Member);
    assert_eq!(draft.judge(), Err(Rule::OwnRoleAlone));
    let draft = hand_over("ana@fge.example", "rui@pgr.example").admit("bo@mj.example", Role::Lead);
    assert_eq!(draft.judge(), Err(Rule::OwnRoleAlone));
}
