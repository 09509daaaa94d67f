//! A revoked officer is out at once, wherever connected: the list spreads from relay to relay.

use enlace_channel::channel::Command;
use enlace_client::notice::{ChangeAct, Notice};
use enlace_client::sync::SyncError;
use enlace_proto::relay::v1::PublishCrlsRequest;
use enlace_tests::{ANA, BEN, CID, Case, DORA, PATIENCE, Rogue, call, soon};
use enlace_transport::connect::Refused;
use enlace_transport::{CloseCode, ConnectError, Lost};

/// The registrar of A revokes Ben; Ana's program brings the new list to her relay.
async fn revoke_ben(case: &Case) {
    let registrar = Rogue::of(&case.network, &case.officers[ANA]).await;
    let connection = registrar.connect(&case.target(0)).await;
    let crls = case.network.authorities[0].lists(2, &[&case.officers[BEN].serial]);
    call(&connection, &PublishCrlsRequest { crls }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_officer_is_cut_off_at_once_and_refused_from_then_on() {
    let mut case = Case::with_four().await;
    let ben = &case.officers[BEN];
    // Ben has connections of his own, to his relay and to the other authority's, and has had
    // others: his program can resume their sessions.
    let mut bens = Rogue::of(&case.network, ben).await;
    let before = bens.connect(&case.target(0)).await;
    before.close(CloseCode::Done);
    let live = [bens.connect(&case.target(0)).await, bens.connect(&case.target(1)).await];
    let handshakes = bens.full_handshakes();
    assert_eq!(handshakes, 2, "one of the three was resumed");

    let mut events = ben.client().events();
    revoke_ben(&case).await;
    for connection in live {
        let lost = soon("the connection is cut", connection.closed()).await;
        assert_eq!(lost, Lost::ByPeer(CloseCode::Revoked));
    }
    let cut =
        async { while events.recv().await != Ok(enlace_client::ClientEvent::Connected(false)) {} };
    soon("Ben's program is cut off", cut).await;

    for relay in [0, 1] {
        match bens.dial(&case.target(relay)).await {
            Err(ConnectError::Refused(Refused::Revoked)) => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(bens.full_handshakes(), handshakes, "these were resumed sessions");
    let ben = &mut case.officers[BEN];
    ben.go_offline().await;
    match ben.client().sync_once(PATIENCE).await {
        Err(SyncError::Connect(ConnectError::Refused(Refused::Revoked))) => {}
        other => panic!("unexpected: {other:?}"),
    }
    ben.go_online();

    let ben = &case.officers[BEN];
    let unsent = ben.post(case.channel, "after the revocation");
    let note = bens.build_note(case.channel, "by another way");
    for who in [ANA, CID, DORA] {
        let officer = &case.officers[who];
        let text = format!("{} goes on", officer.address());
        officer.accepted(officer.post(case.channel, &text)).await;
        for reader in [ANA, CID, DORA] {
            case.officers[reader].reads(case.channel, &text).await;
        }
    }
    // Nor does anybody else bring in what he has made.
    let ana = Rogue::of(&case.network, &case.officers[ANA]).await;
    let anas = ana.connect(&case.target(0)).await;
    Rogue::submit(&anas, &note.request).await.unwrap_err();
    assert!(matches!(
        ben.client().state_of(unsent).unwrap(),
        enlace_client::store::OutboxState::Queued
    ));
    assert!(!ben.texts(case.channel).iter().any(|text| text.contains("goes on")));
    case.assert_same_state(&[ANA, CID, DORA]).await;
}

/// The list lies in the relay's directory, as an operator puts it there; it outlives a restart of
/// either relay.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_outlives_restarts_of_both_relays() {
    let mut case = Case::with_four().await;
    let lists = case.network.authorities[0].lists(2, &[&case.officers[BEN].serial]);
    case.places[0].publish(&lists);
    case.relays[0].as_ref().unwrap().reload_crls();
    let bens = Rogue::of(&case.network, &case.officers[BEN]).await;
    let is_refused = async {
        for relay in [0, 1] {
            loop {
                match bens.dial(&case.target(relay)).await {
                    Err(ConnectError::Refused(Refused::Revoked)) => break,
                    Ok(dialled) => {
                        // The other authority's relay hears of it a moment later.
                        let lost = dialled.connection.closed().await;
                        assert_eq!(lost, Lost::ByPeer(CloseCode::Revoked));
                    }
                    Err(other) => panic!("unexpected: {other:?}"),
                }
            }
        }
    };
    soon("both relays refuse him", is_refused).await;
    for relay in [1, 0] {
        case.stop_relay(relay).await;
        // The other authority's relay starts while the one that knows is away.
        if relay == 0 {
            case.start_relay(1).await;
            match bens.dial(&case.target(1)).await {
                Err(ConnectError::Refused(Refused::Revoked)) => {}
                other => panic!("unexpected: {other:?}"),
            }
            case.start_relay(0).await;
        }
    }
    match bens.dial(&case.target(0)).await {
        Err(ConnectError::Refused(Refused::Revoked)) => {}
        other => panic!("unexpected: {other:?}"),
    }
    for who in [ANA, CID, DORA] {
        let officer = &case.officers[who];
        officer.accepted(officer.post(case.channel, "we go on")).await;
    }
    case.assert_same_state(&[ANA, CID, DORA]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_online_takes_the_revoked_out_of_every_channel() {
    let case = Case::with_four().await;
    let ben = case.officers[BEN].address();
    revoke_ben(&case).await;
    for who in [ANA, CID, DORA] {
        case.officers[who]
            .is_told(case.channel, "the removal", |row| match &row.notice {
                Notice::Changed { acts, .. } => acts.iter().find_map(|act| match act {
                    ChangeAct::Removed { officer, revoked: true, .. } if *officer == ben => {
                        Some(())
                    }
                    _ => None,
                }),
                _ => None,
            })
            .await;
    }
    let officer = &case.officers[CID];
    officer.accepted(officer.post(case.channel, "without Ben")).await;
    for reader in [ANA, DORA] {
        case.officers[reader].reads(case.channel, "without Ben").await;
    }
    case.assert_same_state(&[ANA, CID, DORA]).await;
    let details = case.officers[CID].client().show(case.channel).unwrap().unwrap();
    assert!(details.members.iter().all(|member| member.officer != ben));
}

/// A genuine list of Ben's own authority, which names another certificate.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_against_somebody_else_removes_nobody() {
    let case = Case::with_four().await;
    let other = case.enrol(0, "gil").await;
    let mut lists = case.network.authorities[0].lists(2, &[&other.serial]);
    let list = lists.pop().unwrap();
    let mut cid = Rogue::of(&case.network, &case.officers[CID]).await;
    let hub = cid.connect(&case.target(0)).await;
    let device = case.officers[BEN].device().clone();
    let removal = Command::RemoveRevoked { device, list };
    let seq = cid.commit(&hub, case.channel, &removal, None).await;
    let reason = case.assert_void(seq, CID, &[ANA, BEN, CID, DORA]).await;
    assert!(reason.contains("R-EVIDENCE"), "{reason}");
    assert_eq!(case.inside(), [ANA, BEN, CID, DORA]);
    case.assert_healthy().await;
}
