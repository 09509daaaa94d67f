//! At three in the morning: one file, and the officer is cut off at every relay and out of each
//! channel; the next day another one, and the officer is back without anybody's doing.

use enlace_channel::channel::Command;
use enlace_client::notice::{ChangeAct, Notice};
use enlace_proto::relay::v1::PublishCrlsRequest;
use enlace_tests::{ANA, BEN, CID, Case, DORA, Rogue, START, call, soon};
use enlace_transport::connect::Refused;
use enlace_transport::{CloseCode, ConnectError, Lost};

/// The statement of A's duty officer comes to A's relay.
async fn state(case: &Case, serial: u64, suspended: &[&str]) {
    let anybody = Rogue::of(&case.network, &case.officers[ANA]).await;
    let connection = anybody.connect(&case.target(0)).await;
    let statement = case.network.authorities[0].suspensions(serial, *START, suspended);
    call(&connection, &PublishCrlsRequest { crls: vec![statement] }).await.unwrap();
}

async fn is_told(case: &Case, who: usize, what: &str, wanted: impl Fn(&ChangeAct) -> bool) {
    case.officers[who]
        .is_told(case.channel, what, |row| match &row.notice {
            Notice::Changed { acts, .. } => acts.iter().any(&wanted).then_some(()),
            _ => None,
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_officer_is_out_everywhere_and_comes_back() {
    let case = Case::with_four().await;
    let ben = case.officers[BEN].address();
    let bens = Rogue::of(&case.network, &case.officers[BEN]).await;
    let live = [bens.connect(&case.target(0)).await, bens.connect(&case.target(1)).await];
    state(&case, 2, &[&ben.to_string()]).await;
    for connection in live {
        let lost = soon("the connection is cut", connection.closed()).await;
        assert_eq!(lost, Lost::ByPeer(CloseCode::Suspended));
    }
    for relay in [0, 1] {
        match bens.dial(&case.target(relay)).await {
            Err(ConnectError::Refused(Refused::Suspended)) => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
    for who in [ANA, CID, DORA] {
        let goes = |act: &ChangeAct| matches!(act, ChangeAct::Removed { officer, suspended: true, .. } if *officer == ben);
        is_told(&case, who, "the removal", goes).await;
    }
    let cid = &case.officers[CID];
    cid.accepted(cid.post(case.channel, "without Ben")).await;
    case.officers[DORA].reads(case.channel, "without Ben").await;

    state(&case, 3, &[]).await;
    for who in [ANA, CID, DORA] {
        let back =
            |act: &ChangeAct| matches!(act, ChangeAct::Returned { officer, .. } if *officer == ben);
        is_told(&case, who, "the return", back).await;
    }
    cid.accepted(cid.post(case.channel, "with Ben")).await;
    let officer = &case.officers[BEN];
    officer.reads(case.channel, "with Ben").await;
    assert!(!officer.texts(case.channel).contains(&"without Ben".to_owned()));
    officer.accepted(officer.post(case.channel, "here I am")).await;
    case.officers[CID].reads(case.channel, "here I am").await;
    case.assert_same_state(&[ANA, BEN, CID, DORA]).await;
}

/// A modified client suspends somebody with a statement that was replaced, and with another
/// authority's.
#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_statement_and_another_authoritys_remove_nobody() {
    let case = Case::with_four().await;
    let ben = case.officers[BEN].address().to_string();
    let device = case.officers[BEN].device().clone();
    let [a, b] = [0, 1].map(|index| &case.network.authorities[index]);
    state(&case, 2, &[&ben]).await;
    let goes = |act: &ChangeAct| matches!(act, ChangeAct::Removed { suspended: true, .. });
    let back = |act: &ChangeAct| matches!(act, ChangeAct::Returned { .. });
    is_told(&case, DORA, "the removal", goes).await;
    state(&case, 3, &[]).await;
    is_told(&case, DORA, "the return", back).await;
    case.officers[BEN].joined(case.channel).await;
    let cid = &case.officers[CID];
    cid.accepted(cid.post(case.channel, "with Ben")).await;
    case.officers[BEN].reads(case.channel, "with Ben").await;

    let mut cid = Rogue::of(&case.network, &case.officers[CID]).await;
    let hub = cid.connect(&case.target(0)).await;
    let dora = case.officers[DORA].device().to_string();
    for statement in [a.suspensions(2, *START, &[&ben]), b.suspensions(9, *START, &[&dora])] {
        let removal = Command::RemoveSuspended { device: device.clone(), statement };
        let seq = cid.commit(&hub, case.channel, &removal, None).await;
        let reason = case.assert_void(seq, CID, &[ANA, BEN, CID, DORA]).await;
        assert!(reason.contains("R-EVIDENCE"), "{reason}");
    }
    case.assert_healthy().await;
}

/// Nobody but Ana has heard of it, and A's relay tells nobody: it comes to B in the channel.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_relay_withholds_comes_by_the_channel() {
    let mut case = Case::with_four().await;
    let ben = case.officers[BEN].address();
    for who in [ANA, BEN] {
        case.officers[who].go_offline().await;
    }
    let bens = Rogue::of(&case.network, &case.officers[BEN]).await;
    let live = bens.connect(&case.target(1)).await;
    let statement = case.network.authorities[0].suspensions(2, *START, &[&ben.to_string()]);
    let mut ana = Rogue::of(&case.network, &case.officers[ANA]).await;
    let entry = ana.build_list(case.channel, &statement);
    let connection = ana.connect(&case.target(0)).await;
    Rogue::submit(&connection, &entry.request).await.unwrap();
    let lost = soon("B's relay cuts him off", live.closed()).await;
    assert_eq!(lost, Lost::ByPeer(CloseCode::Suspended));
    for who in [CID, DORA] {
        let goes = |act: &ChangeAct| matches!(act, ChangeAct::Removed { officer, suspended: true, .. } if *officer == ben);
        is_told(&case, who, "the removal", goes).await;
        let texts = case.officers[who].texts(case.channel);
        assert!(texts.iter().all(|text| !text.is_empty()), "it says nothing to anybody");
    }
}

/// A modified client passes on what it has made itself, and another authority's list.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_list_in_a_channel_changes_nothing() {
    let case = Case::with_four().await;
    let ben = case.officers[BEN].address().to_string();
    let mut forged = case.network.authorities[0].suspensions(2, *START, &[&ben]);
    let end = forged.len() - 1;
    forged[end] ^= 1;
    let bens = Rogue::of(&case.network, &case.officers[BEN]).await;
    let live = bens.connect(&case.target(1)).await;
    let mut cid = Rogue::of(&case.network, &case.officers[CID]).await;
    let hub = cid.connect(&case.target(0)).await;
    let entry = cid.build_list(case.channel, &forged);
    Rogue::submit(&hub, &entry.request).await.unwrap();
    let dora = &case.officers[DORA];
    dora.accepted(dora.post(case.channel, "we are all here")).await;
    case.officers[BEN].reads(case.channel, "we are all here").await;
    call(&live, &enlace_proto::relay::v1::FetchDirectoryRequest {}).await.unwrap();
    case.assert_healthy().await;
}
