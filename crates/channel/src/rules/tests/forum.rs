//! What is different in a forum: guides, and who may write what.

use enlace_identity::time::Timestamp;
use enlace_log::{ClientId, Commitment, Generation};

use super::super::welcome::{check_suite, judge_joined};
use super::super::{Rule, State, judge_entry};
use super::scene::{CHANNEL, DAY, Draft, NOW, check, device, forum, network, officer, state};
use crate::entry::{EntryKind, HandlingCode, Header, PartDigest, PartKind, TimeZone};
use crate::mls::Suite;
use crate::policy::{Policy, Role};

fn by(address: &str) -> Draft {
    Draft::on(forum(), address)
}

#[test]
fn each_authority_names_its_own_guides() {
    check(
        vec![
            ("a lead names one", by("luis@fge.example").role("eva@fge.example", Role::Guide)),
            ("a lead ends it", by("rui@pgr.example").role("ze@pgr.example", Role::Member)),
            ("a lead lets one in", by("luis@fge.example").admit("new@fge.example", Role::Guide)),
        ],
        vec![
            (
                "a lead of another authority",
                Rule::RoleSovereign,
                by("rui@pgr.example").role("eva@fge.example", Role::Guide),
            ),
            (
                "the owner, of another authority",
                Rule::RoleSovereign,
                by("ana@fge.example").role("ze@pgr.example", Role::Member),
            ),
            (
                "oneself",
                Rule::RoleSovereign,
                by("eva@fge.example").role("eva@fge.example", Role::Guide),
            ),
            (
                "a guide names another",
                Rule::RoleSovereign,
                by("ze@pgr.example").role("rui@pgr.example", Role::Guide),
            ),
            (
                "let in by a lead of another authority",
                Rule::AdmitSovereign,
                by("rui@pgr.example").admit("new@fge.example", Role::Guide),
            ),
            (
                "let in by a guide",
                Rule::AdmitSovereign,
                by("ze@pgr.example").admit("new@pgr.example", Role::Member),
            ),
            (
                "the first of an authority",
                Rule::AdmitAuthority,
                by("ana@fge.example").admit("bo@mj.example", Role::Guide),
            ),
            (
                "a second owner",
                Rule::AdmitRole,
                by("ana@fge.example").admit("new@fge.example", Role::Owner),
            ),
        ],
    );
}

#[test]
fn a_forum_has_guides_and_either_suite_and_a_case_neither() {
    let join = |state: State| {
        let (signer, me) = (device("luis@fge.example"), device("eva@fge.example"));
        judge_joined(&network().bundle, &state, (&signer, false), &me, NOW)
    };
    assert_eq!(join(forum()), Ok(()));
    let suite = |state: State, suite| check_suite(&state, suite).map_err(|void| void.rule());
    assert_eq!(suite(forum(), Suite::Classic), Ok(()));
    assert_eq!(suite(forum(), Suite::PostQuantum), Ok(()));
    assert_eq!(suite(state(), Suite::PostQuantum), Ok(()));
    assert_eq!(suite(state(), Suite::Classic), Err(Rule::WelcomeSuite));
}

fn header(author: &str, kind: u64, parent: Option<Commitment>) -> Header {
    Header {
        channel: CHANNEL,
        generation: Generation(0),
        author: device(author),
        client_id: ClientId([1; 16]),
        local_time: Timestamp::from_millis(0),
        time_zone: TimeZone::utc(),
        kind: EntryKind::from_code(kind),
        handling: HandlingCode::H1,
        parent,
        known_head: None,
        parts: EntryKind::from_code(kind).only_part().map(part).into_iter().collect(),
    }
}

fn part(kind: PartKind) -> PartDigest {
    PartDigest { kind, digest: [2; 32] }
}

fn write(policy: &Policy, author: &str, kind: u64) -> Result<(), Rule> {
    let header = header(author, kind, Some(Commitment([1; 32])));
    judge_entry(policy, &device(author), &header, NOW).map_err(|void| void.rule())
}

const PUBLISHED: [u64; 7] = [1, 4, 5, 6, 7, 15, 18];

#[test]
fn guides_publish_and_members_ask() {
    let policy = forum().policy;
    for author in ["ana@fge.example", "luis@fge.example", "rui@pgr.example", "ze@pgr.example"] {
        for kind in PUBLISHED.into_iter().chain([2, 3, 14, 99]) {
            assert_eq!(write(&policy, author, kind), Ok(()), "{author} {kind}");
        }
    }
    for kind in PUBLISHED {
        assert_eq!(write(&policy, "eva@fge.example", kind), Err(Rule::EntryKind), "{kind}");
    }
    for kind in [2, 3, 14, 99] {
        assert_eq!(write(&policy, "eva@fge.example", kind), Ok(()), "{kind}");
        assert_eq!(write(&policy, "oto@fge.example", kind), Err(Rule::EntryRole), "{kind}");
        assert_eq!(write(&policy, "new@fge.example", kind), Err(Rule::EntryRole), "{kind}");
    }
}

#[test]
fn a_stand_in_publishes_as_long_as_the_mandate_lasts() {
    let (rui, end) = ("rui@pgr.example", NOW.plus(DAY * 30));
    let policy = forum().policy.edit().unwrap().stand_in(&officer(rui), end, 7).finish().unwrap();
    let write = |kind, at| {
        let header = header(rui, kind, Some(Commitment([1; 32])));
        judge_entry(&policy, &device(rui), &header, at).map_err(|void| void.rule())
    };
    for kind in PUBLISHED {
        assert_eq!(write(kind, NOW), Ok(()), "{kind}");
        assert_eq!(write(kind, end), Err(Rule::EntryKind), "{kind}");
    }
    assert_eq!(write(14, end), Ok(()), "asks like a member");
}

#[test]
fn an_answer_a_pin_and_a_correction_name_what_they_are_about() {
    let policy = forum().policy;
    let write = |kind| {
        let header = header("ze@pgr.example", kind, None);
        judge_entry(&policy, &device("ze@pgr.example"), &header, NOW)
    };
    assert_eq!(write(14), Ok(()));
    for kind in [2, 15, 18] {
        assert_eq!(write(kind).unwrap_err().rule(), Rule::EntryKind, "{kind}");
    }
}

#[test]
fn in_a_case_nobody_asks_answers_or_pins() {
    let policy = state().policy;
    for kind in [14, 15, 18] {
        assert_eq!(write(&policy, "ana@fge.example", kind), Err(Rule::EntryKind), "{kind}");
    }
    for kind in [1, 2, 99] {
        assert_eq!(write(&policy, "eva@fge.example", kind), Ok(()), "{kind}");
    }
}

/// A member's modified program labels what it says as something else.
#[test]
fn text_goes_by_no_other_name() {
    let policies = [
        (state().policy, vec![(9, 13), (12, 12), (13, 12), (16, 14), (17, 14), (21, 15)]),
        (forum().policy, vec![(9, 13), (12, 12), (13, 12), (16, 14), (17, 14), (18, 16), (21, 15)]),
    ];
    let author = "ana@fge.example";
    for (policy, kinds) in policies {
        for (kind, only) in kinds {
            let write = |parts: &[u64]| {
                let parts = parts.iter().map(|code| part(PartKind::from_code(*code))).collect();
                let parent = Some(Commitment([1; 32]));
                let header = Header { parts, ..header(author, kind, parent) };
                judge_entry(&policy, &device(author), &header, NOW).map_err(|void| void.rule())
            };
            assert_eq!(write(&[only]), Ok(()), "{kind}");
            for parts in [&[][..], &[1], &[only, 1], &[1, only], &[only, only], &[3, only], &[99]] {
                assert_eq!(write(parts), Err(Rule::EntryKind), "{kind} {parts:?}");
            }
        }
    }
}
