//! What is sent again, stands once; what comes too late for its place is sent anew, and the
//! officer notices nothing.

use enlace_client::client::EntryState;
use enlace_client::notice::Notice;
use enlace_client::store::OutboxState;
use enlace_proto::relay::v1::ErrorCode;
use enlace_tests::officer::logged;
use enlace_tests::{ANA, BEN, CID, Case, DORA, Rogue};

const ALL: [usize; 4] = [ANA, BEN, CID, DORA];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_submitted_twice_is_sequenced_once() {
    let case = Case::with_four().await;
    let mut rogue = Rogue::of(&case.network, &case.officers[DORA]).await;
    let (home, hub) = (rogue.connect(&case.target(1)).await, rogue.connect(&case.target(0)).await);
    let note = rogue.build_note(case.channel, "said once").request;
    let seq = Rogue::submit(&home, &note).await.unwrap();
    for connection in [&home, &hub, &hub] {
        assert_eq!(Rogue::submit(connection, &note).await.unwrap(), seq);
    }
    for who in [ANA, BEN, CID] {
        case.officers[who].reads(case.channel, "said once").await;
    }
    case.assert_healthy().await;
    for who in [ANA, BEN, CID] {
        let texts = case.officers[who].texts(case.channel);
        assert_eq!(texts.iter().filter(|text| *text == "said once").count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_fence_is_refused_with_the_present_one_and_nothing_changes() {
    let case = Case::with_four().await;
    let mut rogue = Rogue::of(&case.network, &case.officers[DORA]).await;
    let home = rogue.connect(&case.target(1)).await;
    let late = rogue.build_note(case.channel, "too late").request;
    let renewal = case.officers[ANA].client().renew_keys(case.channel).unwrap();
    let fence = case.officers[ANA].accepted(renewal).await.unwrap();
    let refusal = Rogue::submit(&home, &late).await.unwrap_err();
    assert_eq!((refusal.code, refusal.fence), (ErrorCode::StaleFence, fence.0));
    case.assert_healthy().await;
    for who in ALL {
        assert!(!case.officers[who].texts(case.channel).iter().any(|text| text == "too late"));
    }
}

/// Dora's note was made for a state that has passed when her relay is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_note_made_too_early_is_sent_again_by_itself() {
    let mut case = Case::with_four().await;
    case.stop_relay(1).await;
    let dora = &case.officers[DORA];
    let asked = dora.post(case.channel, "while the relay was away");
    let queued = dora.client().read(case.channel, enlace_log::Seq(0), 100).unwrap();
    assert_eq!(queued.last().unwrap().state, EntryState::Queued);
    let renewal = case.officers[ANA].client().renew_keys(case.channel).unwrap();
    case.officers[ANA].accepted(renewal).await;
    case.start_relay(1).await;

    let dora = &case.officers[DORA];
    assert!(matches!(dora.settled(asked).await, OutboxState::Accepted(_)));
    let mut signed = Vec::new();
    for who in ALL {
        let officer = &case.officers[who];
        officer.reads(case.channel, "while the relay was away").await;
        let entries = logged(officer.client(), case.channel);
        let mut found = entries.iter().filter(|entry| entry.client_id == asked);
        signed.push(found.next().unwrap().commitment);
        assert!(found.next().is_none());
    }
    assert!(signed.windows(2).all(|pair| pair[0] == pair[1]), "signed once");
    let complaint = |notice: &Notice| {
        matches!(
            notice,
            Notice::NotDone { .. } | Notice::Unreadable { .. } | Notice::Stopped { .. }
        )
    };
    for who in ALL {
        assert!(!case.officers[who].notices(case.channel).iter().any(complaint));
    }
    case.assert_healthy().await;
}
