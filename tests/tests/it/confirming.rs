//! Relays sign that they have erased what was withdrawn, and everybody sees which have.

use enlace_client::Client;
use enlace_client::client::RelayErasureState;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::{ConfirmErasureRequest, ErrorCode, FetchErasureConfirmationRequest};
use enlace_tests::officer::note;
use enlace_tests::{ANA, BEN, CID, Case, DORA, Rogue, call, wire_id};

const SAID: &str = "la testigo vive en la calle Ocampo 14";

/// What the relays of A and of B have confirmed, as a program shows it; once there is anything.
fn states(client: &Client, channel: ChannelId, seq: Seq) -> Option<[RelayErasureState; 2]> {
    let erased = client.erased(channel).unwrap();
    let view = erased.into_iter().find(|view| view.seq == seq && view.relays.is_some())?;
    let names: Vec<String> = view.at_relays.iter().map(|at| at.authority.to_string()).collect();
    assert_eq!(names, ["a.example", "b.example"]);
    Some([view.at_relays[0].state, view.at_relays[1].state])
}

fn is_confirmed(state: RelayErasureState) -> bool {
    matches!(state, RelayErasureState::Confirmed { .. })
}

fn is_recorded(state: RelayErasureState) -> bool {
    matches!(state, RelayErasureState::Confirmed { recorded: Some(_), .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_relay_confirms_and_one_that_was_down_when_it_is_back() {
    let mut case = Case::with_four().await;
    let channel = case.channel;
    let mut places = Vec::new();
    for text in [SAID, "y trabaja en el mercado"] {
        let asked = case.officers[ANA].post(channel, text);
        places.push(case.officers[ANA].accepted(asked).await.unwrap());
        for officer in &case.officers {
            officer.reads(channel, text).await;
        }
    }
    let ana = &case.officers[ANA];
    ana.accepted(ana.client().withdraw(channel, places[0], note("")).unwrap()).await;
    for who in [ANA, BEN, CID, DORA] {
        let both = |client: &Client| {
            states(client, channel, places[0])?.into_iter().all(is_recorded).then_some(())
        };
        case.officers[who].until("both confirm", both).await;
    }

    case.stop_relay(1).await;
    let ana = &case.officers[ANA];
    ana.accepted(ana.client().withdraw(channel, places[1], note("")).unwrap()).await;
    let one = |client: &Client| match states(client, channel, places[1])? {
        [a, RelayErasureState::Told] if is_confirmed(a) => Some(()),
        _ => None,
    };
    ana.until("one confirms", one).await;
    case.start_relay(1).await;
    for who in [ANA, BEN, CID, DORA] {
        let both = |client: &Client| {
            states(client, channel, places[1])?.into_iter().all(is_recorded).then_some(())
        };
        case.officers[who].until("both confirm", both).await;
    }
    case.assert_healthy().await;
}

/// Who may not read a channel hears nothing of it, and nobody has a relay sign what is not so.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_confirms_to_members_alone_and_nothing_that_stands() {
    let mut case = Case::with_four().await;
    let channel = case.channel;
    let asked = case.officers[ANA].post(channel, SAID);
    let seq = case.officers[ANA].accepted(asked).await.unwrap();
    let eve = case.enrol(0, "eve").await;
    let request = |tombstone: u64| FetchErasureConfirmationRequest {
        channel: Some(wire_id(channel)),
        tombstone,
        authority: "a.example".to_owned(),
    };
    let stranger = Rogue::of(&case.network, &eve).await;
    let stranger = stranger.dial(&case.target(0)).await.unwrap();
    let refused = call(&stranger.connection, &request(seq.0)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAMember);
    // A device asks at its own relay; relays ask each other.
    let ana = Rogue::of(&case.network, &case.officers[ANA]).await;
    let dialled = ana.dial(&case.target(0)).await.unwrap();
    let as_relay = ConfirmErasureRequest { channel: Some(wire_id(channel)), tombstone: seq.0 };
    let refused = call(&dialled.connection, &as_relay).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    let elsewhere = ana.dial(&case.target(1)).await.unwrap();
    let refused = call(&elsewhere.connection, &request(seq.0)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    // An entry that stands, a commit, and what the log has not come to.
    for place in [seq.0, 0, seq.0 + 1000] {
        let answer = call(&dialled.connection, &request(place)).await.unwrap();
        assert!(answer.confirmation.is_empty(), "{place}");
    }
    case.officers.push(eve);
}
