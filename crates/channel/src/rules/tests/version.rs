//! Who may raise the version of the rules, and when.

use std::collections::BTreeSet;

use super::super::{Act, Rule, State, judge_program};
use super::scene::{Draft, check, device, leaf_of, state};
use crate::known_rules::ProgramRules;
use crate::policy::{PolicyEdit, Role};

/// The channel of the table, where the programs of all but `old` apply version `newest` too.
fn knowing(newest: u32, old: &[&str]) -> State {
    let old: BTreeSet<_> = old.iter().map(|address| device(address)).collect();
    let mut state = state();
    for (device, leaf) in &mut state.members {
        let known = if old.contains(device) { newest - 1 } else { newest };
        leaf.rules = ProgramRules::dangerous_up_to(known).stated();
    }
    state
}

fn raise(edit: PolicyEdit) -> PolicyEdit {
    edit.raise_rules()
}

fn raised_by(address: &str) -> Draft {
    Draft::on(knowing(2, &[]), address).edit(raise)
}

/// The channel after it was raised to the second version.
fn second() -> State {
    raised_by("ana@fge.example").apply()
}

#[test]
fn the_owner_raises_by_one_once_everybody_knows_the_next_version() {
    assert_eq!(raised_by("ana@fge.example").judge(), Ok(vec![Act::RulesRaised { to: 2 }]));
    let of_old = |old: &[&str]| Draft::on(knowing(2, old), "ana@fge.example").edit(raise);
    let third = Draft::on(knowing(3, &[]), "ana@fge.example").edit(|edit| raise(raise(edit)));
    check(
        vec![],
        vec![
            ("by a lead", Rule::RulesVersion, raised_by("luis@fge.example")),
            ("by a member", Rule::RulesVersion, raised_by("eva@fge.example")),
            ("by an observer", Rule::RulesVersion, raised_by("oto@fge.example")),
            ("by another authority's lead", Rule::RulesVersion, raised_by("rui@pgr.example")),
            ("by two", Rule::RulesVersion, third),
            ("one does not know it", Rule::RulesVersion, of_old(&["ze@pgr.example"])),
            ("not even its author", Rule::RulesVersion, of_old(&["ana@fge.example"])),
        ],
    );
}

#[test]
fn a_new_leaf_of_its_author_cannot_hide_that_it_lacks_the_version() {
    let mut hides = raised_by("ana@fge.example");
    let own = hides.0.after.members.get_mut(&device("ana@fge.example")).unwrap();
    own.rules = ProgramRules::CURRENT.stated();
    assert_eq!(hides.judge(), Err(Rule::RulesVersion));
}

#[test]
fn nothing_else_changes_in_the_commit_that_raises() {
    let begin = || raised_by("ana@fge.example");
    let with_title = begin().edit(|edit| edit.title("Another"));
    let mut with_device = begin();
    let second = "ana@fge.example".parse::<enlace_identity::names::OfficerAddress>().unwrap();
    let second = second.device("phone").unwrap();
    let mut leaf = leaf_of(&second, 1);
    leaf.rules = ProgramRules::dangerous_up_to(2).stated();
    with_device.0.after.members.insert(second.clone(), leaf);
    with_device.0.added.insert(second);
    check(
        vec![],
        vec![
            ("a title", Rule::RulesVersion, with_title),
            ("a role", Rule::RulesVersion, begin().role("luis@fge.example", Role::Member)),
            ("a removal", Rule::RulesVersion, begin().remove("eva@fge.example")),
            ("a device", Rule::RulesVersion, with_device),
            ("closing", Rule::RulesVersion, begin().edit(|edit| edit.closed(true))),
        ],
    );
}

#[test]
fn it_is_never_lowered() {
    let lowered = |author: &str| {
        Draft::on(second(), author).edit(|edit| edit.forge(|content| content.rules_version = 1))
    };
    for author in ["ana@fge.example", "luis@fge.example"] {
        assert_eq!(lowered(author).judge(), Err(Rule::RulesVersion));
    }
}

#[test]
fn after_it_no_leaf_comes_that_does_not_state_the_version() {
    let admits = |known: u32| {
        let mut draft =
            Draft::on(second(), "luis@fge.example").admit("new@fge.example", Role::Member);
        let leaf = draft.0.after.members.get_mut(&device("new@fge.example")).unwrap();
        leaf.rules = ProgramRules::dangerous_up_to(known).stated();
        draft
    };
    assert!(admits(2).judge().is_ok());
    assert!(admits(3).judge().is_ok(), "a newer program applies the older version too");
    assert_eq!(admits(1).judge(), Err(Rule::RulesVersion));
    let renews = |known: u32| {
        let mut draft = Draft::on(second(), "eva@fge.example");
        let leaf = draft.0.after.members.get_mut(&device("eva@fge.example")).unwrap();
        leaf.rules = ProgramRules::dangerous_up_to(known).stated();
        draft
    };
    assert!(renews(2).judge().is_ok());
    assert_eq!(renews(1).judge(), Err(Rule::RulesVersion));
}

#[test]
fn only_a_program_that_applies_the_version_joins() {
    let policy = second().policy;
    let of = |newest| judge_program(ProgramRules::dangerous_up_to(newest), &policy);
    assert_eq!(of(1).unwrap_err().rule(), Rule::WelcomeVersion);
    assert!(of(2).is_ok() && of(3).is_ok());
}
