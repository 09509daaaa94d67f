use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Seq};
use enlace_proto::relay::v1::SubmitRequest;
use enlace_transport::Lost;

use super::*;
use crate::store::{OutboxState, SealedItem};

const NOW: Timestamp = Timestamp::from_secs(1000);

fn lane() -> Lane {
    let fence = Some(Seq(3));
    Lane {
        now: NOW,
        is_open: true,
        is_stranded: false,
        fence,
        awaited: None,
        has_lease: false,
        lease_held_until: None,
        must_renew: false,
    }
}

fn row(id: u8, task: Task) -> OutboxRow {
    OutboxRow {
        position: id.into(),
        client_id: ClientId([id; 16]),
        channel: ChannelId([1; 32]),
        task,
        signed: None,
        sealed: None,
        state: OutboxState::Queued,
        attempts: 0,
        not_before: Timestamp::default(),
        automatic: false,
        created_at: NOW,
    }
}

fn sealed(id: u8, task: Task, fence: u64) -> OutboxRow {
    let request = SubmitRequest::default();
    let sealed = Some(SealedItem { request, fence: Some(Seq(fence)) });
    OutboxRow { sealed, ..row(id, task) }
}

fn later(row: OutboxRow, seconds: u64) -> OutboxRow {
    OutboxRow { not_before: NOW.plus(Duration::from_secs(seconds)), ..row }
}

fn admit() -> Task {
    Task::Admit {
        officer: "bruno@mp.example".parse().unwrap(),
        role: enlace_channel::policy::Role::Lead,
        key_package: None,
    }
}

fn claimed() -> Task {
    match admit() {
        Task::Admit { officer, role, .. } => {
            Task::Admit { officer, role, key_package: Some(vec![1]) }
        }
        task => task,
    }
}

/// The row's number and what to do about it.
fn chosen(rows: &[OutboxRow], lane: &Lane) -> Option<(u8, String)> {
    match next(rows, lane) {
        Next::Do(row, step) => Some((row.client_id.0[0], format!("{step:?}"))),
        _ => None,
    }
}

#[test]
fn a_lease_that_somebody_else_holds_stops_commits_alone() {
    let until = NOW.plus(Duration::from_secs(9));
    let held = Lane { lease_held_until: Some(until), ..lane() };
    assert_eq!(next(&[row(1, claimed())], &held), Next::Wait(until));
    assert_eq!(next(&[sealed(1, claimed(), 3)], &held), Next::Wait(until));
    assert_eq!(chosen(&[row(1, claimed()), row(2, Task::Entry)], &held), Some((2, "Seal".into())));
    let first = chosen(&[row(1, admit())], &held).unwrap().1;
    assert!(first.starts_with("Claim"), "{first}");
    let mine = Lane { has_lease: true, ..held };
    assert_eq!(chosen(&[row(1, claimed())], &mine), Some((1, "Seal".into())));
}

#[test]
fn entries_keep_their_order() {
    let rows = [later(row(1, Task::Entry), 5), row(2, Task::Entry)];
    assert_eq!(next(&rows, &lane()), Next::Wait(NOW.plus(Duration::from_secs(5))));
    let rows = [row(1, Task::Entry), row(2, Task::Entry)];
    assert_eq!(chosen(&rows, &lane()), Some((1, "Seal".into())));
}

#[test]
fn an_act_that_waits_holds_no_entry_up() {
    let rows = [later(row(1, admit()), 9), row(2, Task::Entry)];
    assert_eq!(chosen(&rows, &lane()), Some((2, "Seal".into())));
}

#[test]
fn a_device_whose_keys_are_used_up_renews_them_before_it_writes_more() {
    let rows = [row(1, Task::Entry), row(2, Task::Entry), row(3, Task::SelfUpdate)];
    assert_eq!(chosen(&rows, &lane()).unwrap().0, 1);
    let lane = Lane { must_renew: true, ..lane() };
    assert_eq!(chosen(&rows, &lane).unwrap().0, 3);
    assert_eq!(chosen(&rows[..2], &lane).unwrap().0, 1, "once that is in the outbox");
    let in_flight = [sealed(1, Task::Entry, 3), row(3, Task::SelfUpdate)];
    assert_eq!(chosen(&in_flight, &lane).unwrap().0, 1, "what is on its way goes its way");
}

#[test]
fn what_is_sealed_is_sent_before_anything_else_is_made() {
    let rows = [row(1, Task::Entry), sealed(2, Task::Leave, 3)];
    assert_eq!(chosen(&rows, &lane()), Some((2, "Send".into())));
    let rows = [row(1, Task::Entry), later(sealed(2, Task::Leave, 3), 1)];
    assert!(matches!(next(&rows, &lane()), Next::Wait(_)));
}

#[test]
fn what_was_sealed_for_an_older_fence_is_sealed_anew() {
    let rows = [sealed(1, Task::Entry, 2)];
    assert_eq!(chosen(&rows, &lane()), Some((1, "Seal".into())));
}

#[test]
fn nothing_is_done_while_the_hub_is_known_to_be_ahead() {
    let rows = [sealed(1, Task::Entry, 3)];
    let behind = Lane { awaited: Some(Seq(4)), ..lane() };
    assert_eq!(next(&rows, &behind), Next::Nothing);
    let level = Lane { awaited: Some(Seq(4)), fence: Some(Seq(4)), ..lane() };
    assert_eq!(chosen(&rows, &level), Some((1, "Seal".into())));
}

#[test]
fn who_may_not_write_makes_nothing() {
    let rows = [row(1, Task::Entry), sealed(2, Task::Entry, 3)];
    assert_eq!(next(&rows, &Lane { is_open: false, ..lane() }), Next::Nothing);
}

#[test]
fn an_objection_goes_first_even_where_nothing_else_may_be_written() {
    let contest = || row(2, Task::Contest { commit: 3 });
    let blocked = later(sealed(1, Task::Entry, 3), 30);
    assert_eq!(chosen(&[blocked.clone(), contest()], &lane()), Some((2, "Seal".into())));
    let closed = Lane { is_open: false, ..lane() };
    assert_eq!(chosen(&[blocked.clone(), contest()], &closed), Some((2, "Seal".into())));
    let sent = sealed(2, Task::Contest { commit: 3 }, 3);
    assert_eq!(chosen(&[blocked.clone(), sent], &lane()), Some((2, "Send".into())));
    let soon = NOW.plus(Duration::from_secs(9));
    assert_eq!(next(&[blocked, later(contest(), 9)], &closed), Next::Wait(soon));
}

#[test]
fn an_admission_claims_leases_and_seals_in_this_order() {
    let with_lease = Lane { has_lease: true, ..lane() };
    assert!(chosen(&[row(1, admit())], &with_lease).unwrap().1.starts_with("Claim"));
    assert!(chosen(&[row(1, claimed())], &lane()).unwrap().1.starts_with("Lease"));
    assert_eq!(chosen(&[row(1, claimed())], &with_lease), Some((1, "Seal".into())));
    assert_eq!(chosen(&[sealed(1, claimed(), 3)], &with_lease), Some((1, "Send".into())));
    assert!(chosen(&[sealed(1, claimed(), 3)], &lane()).unwrap().1.starts_with("Lease"));
}

fn refusal(code: ErrorCode) -> CallError {
    CallError::Refused(Refusal::new(code, ""))
}

#[test]
fn silence_is_no_refusal() {
    for error in [
        CallError::TimedOut,
        CallError::Unanswered,
        CallError::Lost(Lost::Silent),
        CallError::Lost(Lost::Reset),
        CallError::Malformed(enlace_transport::ReceiveError::Message),
    ] {
        for outages in [0, 1, 1000] {
            assert!(matches!(judge(&error, 0, outages), Verdict::Again(_)), "{error:?}");
        }
    }
}

#[test]
fn a_stale_fence_means_to_catch_up() {
    let stale = CallError::Refused(Refusal::new(ErrorCode::StaleFence, "").with_fence(7));
    assert_eq!(judge(&stale, 0, 0), Verdict::Behind(Some(Seq(7))));
    let none = CallError::Refused(Refusal::new(ErrorCode::StaleFence, "").with_fence(u64::MAX));
    assert_eq!(judge(&none, 0, 0), Verdict::Behind(None));
}

#[test]
fn a_lease_is_asked_for_again() {
    let wait = Duration::from_secs(4);
    let held = CallError::Refused(Refusal::new(ErrorCode::LeaseHeld, "").retry_after(wait));
    assert_eq!(judge(&held, 0, 0), Verdict::LeaseHeld { wait, ahead: 0 });
    let refusal_ahead = Refusal::new(ErrorCode::LeaseHeld, "").retry_after(wait).with_ahead(3);
    let ahead = judge(&CallError::Refused(refusal_ahead), 0, 0);
    assert_eq!(ahead, Verdict::LeaseHeld { wait, ahead: 3 });
    assert_eq!(judge(&refusal(ErrorCode::LeaseMissing), 0, 0), Verdict::LeaseLapsed);
}

#[test]
fn a_hub_out_of_reach_is_tried_for_ever() {
    for code in [
        ErrorCode::HubUnreachable,
        ErrorCode::Recovering,
        ErrorCode::Stopping,
        ErrorCode::Internal,
        ErrorCode::Limit,
        ErrorCode::StaleCrl,
        ErrorCode::Suspended,
        ErrorCode::CredentialExpired,
    ] {
        assert!(matches!(judge(&refusal(code), 0, 10_000), Verdict::Again(_)), "{code:?}");
    }
}

#[test]
fn a_durable_refusal_ends_it() {
    for code in [
        ErrorCode::Malformed,
        ErrorCode::NotAllowed,
        ErrorCode::BadEnvelope,
        ErrorCode::ChannelExists,
        ErrorCode::ClientIdReused,
        ErrorCode::CredentialRevoked,
    ] {
        assert!(matches!(judge(&refusal(code), 0, 0), Verdict::Refused(_)), "{code:?}");
    }
}

#[test]
fn not_being_a_member_may_pass_but_not_for_ever() {
    for code in [ErrorCode::NotAMember, ErrorCode::UnknownChannel] {
        assert!(matches!(judge(&refusal(code), 0, 10_000), Verdict::MayPass(_)));
        assert!(matches!(judge(&refusal(code), PATIENCE, 0), Verdict::Refused(_)));
    }
}

#[test]
fn no_relay_can_ask_for_a_pause_without_end_or_for_none() {
    for (asked, granted) in [(Duration::MAX, *ASKED.end()), (Duration::ZERO, *ASKED.start())] {
        let limit = CallError::Refused(Refusal::new(ErrorCode::Limit, "").retry_after(asked));
        assert_eq!(judge(&limit, 0, 0), Verdict::Again(granted));
        let held = CallError::Refused(Refusal::new(ErrorCode::LeaseHeld, "").retry_after(asked));
        assert_eq!(judge(&held, 0, 0), Verdict::LeaseHeld { wait: granted, ahead: 0 });
    }
}

#[test]
fn a_pause_that_a_wrong_clock_began_ends_when_the_clock_is_set() {
    let ahead = 10 * 365 * 86_400;
    for rows in [
        [later(row(1, Task::Entry), ahead)],
        [later(sealed(1, Task::Entry, 3), ahead)],
        [later(row(1, Task::Contest { commit: 3 }), ahead)],
    ] {
        assert!(matches!(next(&rows, &lane()), Next::Do(..)), "{rows:?}");
    }
}
