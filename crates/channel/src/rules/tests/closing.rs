//! A case is closed by its owner, and opened again.

use super::super::{Act, Rule, State, judge_author};
use super::scene::{DAY, Draft, NOW, by, check, device, officer, state};
use crate::policy::Role;

fn close(draft: Draft) -> Draft {
    draft.edit(|edit| edit.closed(true))
}

fn closed() -> State {
    close(by("ana@fge.example")).apply()
}

fn on_closed(address: &str) -> Draft {
    Draft::on(closed(), address)
}

#[test]
fn the_owner_closes_and_opens_again() {
    assert_eq!(close(by("ana@fge.example")).judge(), Ok(vec![Act::Closed]));
    let reopened = |address| on_closed(address).edit(|edit| edit.closed(false));
    assert_eq!(reopened("ana@fge.example").judge(), Ok(vec![Act::Reopened]));
    for other in ["luis@fge.example", "eva@fge.example", "oto@fge.example", "rui@pgr.example"] {
        assert_eq!(close(by(other)).judge(), Err(Rule::Close), "{other}");
        assert_eq!(reopened(other).judge(), Err(Rule::Close), "{other}");
    }
}

#[test]
fn where_there_is_no_owner_a_stand_in_closes_until_its_end() {
    let (rui, end) = (officer("rui@pgr.example"), NOW.plus(DAY * 30));
    let edit = state().policy.edit().unwrap().without(&officer("ana@fge.example"));
    let policy = edit.stand_in(&rui, end, 7).finish().unwrap();
    assert!(policy.may_close(&rui, NOW));
    assert!(!policy.may_close(&rui, end));
}

#[test]
fn where_there_is_no_owner_a_lead_closes() {
    let mut orphaned = state();
    let policy = orphaned.policy.edit().unwrap();
    let ana = "ana@fge.example".parse().unwrap();
    orphaned.policy = policy.without(&ana).finish().unwrap();
    orphaned.members.remove(&device("ana@fge.example"));
    let close_as = |address| close(Draft::on(orphaned.clone(), address));
    check(
        vec![
            ("a lead", close_as("luis@fge.example")),
            ("of whichever authority", close_as("rui@pgr.example")),
        ],
        vec![
            ("a member", Rule::Close, close_as("eva@fge.example")),
            ("an observer", Rule::Close, close_as("oto@fge.example")),
        ],
    );
}

#[test]
fn nobody_comes_into_a_closed_channel_and_whoever_is_there_may_go() {
    let admits = |draft: Draft| draft.admit("new@fge.example", Role::Member);
    check(
        vec![
            ("keys are renewed", on_closed("oto@fge.example")),
            ("a lead removes", on_closed("luis@fge.example").remove("eva@fge.example")),
            ("a role is given", on_closed("luis@fge.example").role("eva@fge.example", Role::Lead)),
        ],
        vec![
            ("afterwards", Rule::Closed, admits(on_closed("luis@fge.example"))),
            ("at once", Rule::Closed, admits(close(by("ana@fge.example")))),
            ("while it opens", Rule::Closed, {
                admits(on_closed("ana@fge.example").edit(|edit| edit.closed(false)))
            }),
        ],
    );
}

#[test]
fn nothing_is_written_in_a_closed_channel() {
    let author = device("ana@fge.example");
    assert_eq!(judge_author(&state().policy, &author), Ok(()));
    let refused = judge_author(&closed().policy, &author).unwrap_err();
    assert_eq!(refused.rule(), Rule::EntryClosed);
}
