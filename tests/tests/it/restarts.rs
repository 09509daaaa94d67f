//! Programs that end at any point of admitting and joining: the store says how to go on, and
//! nothing is lost.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use enlace_channel::policy::Role;
use enlace_client::store::{ChannelStanding, OutboxState};
use enlace_tests::{ANA, Case, Officer};

/// Syncs for so many steps of its task, and is killed then.
async fn sync_for(officer: &Officer, steps: usize) {
    let mut left = steps;
    let mut sync = pin!(officer.client().run_sync());
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        sync.as_mut().poll(cx).map(|ended| panic!("it went on: {ended:?}"))
    })
    .await;
}

/// The one who admits is killed after one more step each time, until it is done.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_admits_may_be_killed_at_each_step() {
    let mut case = Case::opened_by_ana().await;
    let ben = case.join_in(0, "ben").await;
    let eva = case.join_in(1, "eva").await;
    for (who, role) in [(ben, Role::Member), (eva, Role::Lead)] {
        case.officers[ANA].go_offline().await;
        let address = case.officers[who].address();
        let wish = case.officers[ANA].client().add_member(case.channel, address, role).unwrap();
        let note = case.officers[ANA].post(case.channel, &format!("for {who}"));
        let mut kills = 0;
        for steps in 1.. {
            sync_for(&case.officers[ANA], steps).await;
            let client = case.officers[ANA].client();
            let done = [wish, note].map(|asked| client.state_of(asked).unwrap());
            if done.iter().all(|state| matches!(state, OutboxState::Accepted(Some(_)))) {
                break;
            }
            assert!(!done.iter().any(|state| matches!(state, OutboxState::Failed(_))), "{done:?}");
            case.officers[ANA].restart().await;
            kills += 1;
        }
        assert!(kills > 0, "it was killed in the middle");
        case.officers[who].joined(case.channel).await;
        case.officers[ANA].go_online();
        case.assert_healthy().await;
    }
}

/// The one who joins is killed after one more step each time, until everything is there.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_joins_may_be_killed_at_each_step() {
    let mut case = Case::opened_by_ana().await;
    let eva = case.join_in(1, "eva").await;
    case.officers[eva].go_offline().await;
    let wish = case.officers[ANA]
        .client()
        .add_member(case.channel, case.officers[eva].address(), Role::Lead)
        .unwrap();
    case.officers[ANA].accepted(wish).await;
    let note = case.officers[ANA].post(case.channel, "what she must not miss");
    case.officers[ANA].accepted(note).await;
    let mut kills = 0;
    for steps in 1.. {
        sync_for(&case.officers[eva], steps).await;
        let here = case.officers[eva].texts(case.channel);
        if here == ["what she must not miss"] {
            break;
        }
        case.officers[eva].restart().await;
        kills += 1;
    }
    assert!(kills > 0, "it was killed in the middle");
    let details = case.officers[eva].client().show(case.channel).unwrap().unwrap();
    assert_eq!(details.row.standing, ChannelStanding::Member);
    case.officers[eva].go_online();
    case.assert_healthy().await;
}

/// Both, and the relays as well.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_be_killed_in_turn() {
    let mut case = Case::opened_by_ana().await;
    let eva = case.join_in(1, "eva").await;
    let address = case.officers[eva].address();
    let wish = case.officers[ANA].client().add_member(case.channel, address, Role::Lead).unwrap();
    for who in [ANA, eva] {
        case.officers[who].go_offline().await;
    }
    for steps in [4, 8, 12] {
        for who in [ANA, eva] {
            sync_for(&case.officers[who], steps).await;
            case.officers[who].restart().await;
        }
        for relay in [0, 1] {
            case.stop_relay(relay).await;
            case.start_relay(relay).await;
        }
    }
    for who in [ANA, eva] {
        case.officers[who].go_online();
    }
    case.officers[ANA].accepted(wish).await;
    case.officers[eva].joined(case.channel).await;
    case.assert_healthy().await;
}
