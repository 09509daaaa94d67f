//! A suspended device is cut off wherever it is, and comes back by itself.

use enlace_proto::relay::v1::{FetchDirectoryRequest, PublishCrlsRequest};
use enlace_transport::connect::Refused;
use enlace_transport::{CloseCode, ConnectError, Lost};

use crate::support::{Device, Network, Relay, RelayPlace, START, call, soon};

fn wire(list: Vec<u8>) -> PublishCrlsRequest {
    PublishCrlsRequest { crls: vec![list] }
}

async fn refuses(relay: &Relay, device: &Device) {
    match device.dial(&relay.target).await {
        Err(ConnectError::Refused(Refused::Suspended)) => {}
        other => panic!("unexpected: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_cuts_and_refuses_until_it_is_lifted() {
    let network = Network::new(&["a.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let (ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let (anas, bens) = (ana.connect(&relay.target).await, ben.connect(&relay.target).await);
    let state = |serial, names: &[&str]| network.authorities[0].suspensions(serial, *START, names);

    call(&anas, &wire(state(2, &["ben@a.example"]))).await.unwrap();
    assert_eq!(soon(bens.closed()).await, Lost::ByPeer(CloseCode::Suspended));
    refuses(&relay, &ben).await;
    // A replayed older statement lifts nothing.
    call(&anas, &wire(state(1, &[]))).await.unwrap();
    refuses(&relay, &ben).await;

    call(&anas, &wire(state(3, &[]))).await.unwrap();
    ben.connect(&relay.target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_survives_a_restart_and_comes_from_the_directory() {
    let network = Network::new(&["a.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let (ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let bens = ben.connect(&relay.target).await;
    let file = place.path("crls").join("a.example.suspensions");
    std::fs::write(&file, network.authorities[0].suspensions(2, *START, &["ben@a.example"]))
        .unwrap();
    relay.reload_crls();
    assert_eq!(soon(bens.closed()).await, Lost::ByPeer(CloseCode::Suspended));
    // Once the answer is there, all that is known is in the store.
    let anas = ana.connect(&relay.target).await;
    call(&anas, &wire(network.authorities[0].suspensions(1, *START, &[]))).await.unwrap();
    relay.stop().await;

    std::fs::remove_file(&file).unwrap();
    let relay = place.start(&network, &[]).await;
    refuses(&relay, &ben).await;
    ana.connect(&relay.target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_own_duty_key_did_not_sign_suspends_nobody() {
    let network = Network::new(&["a.example", "b.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let (ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let (anas, bens) = (ana.connect(&relay.target).await, ben.connect(&relay.target).await);
    let mut forged = network.authorities[0].suspensions(2, *START, &["ben@a.example"]);
    let end = forged.len() - 1;
    forged[end] ^= 1;
    let refusal = call(&anas, &wire(forged)).await.unwrap_err();
    assert!(refusal.to_string().contains("suspensions"), "{refusal}");
    call(&bens, &FetchDirectoryRequest {}).await.unwrap();
}

/// The authority's own relay keeps the statement to itself: whoever has it tells any other relay.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_withholds_the_statement_is_gone_round() {
    let network = Network::new(&["a.example", "b.example"]);
    let place = RelayPlace::new(&network, 1);
    let relay = place.start(&network, &[]).await;
    let (eva, ben) = (Device::new(&network, 1, "eva"), Device::new(&network, 0, "ben"));
    let (evas, bens) = (eva.connect(&relay.target).await, ben.connect(&relay.target).await);
    let statement = network.authorities[0].suspensions(2, *START, &["ben@a.example"]);
    call(&evas, &wire(statement)).await.unwrap();
    assert_eq!(soon(bens.closed()).await, Lost::ByPeer(CloseCode::Suspended));
    refuses(&relay, &ben).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_tell_each_other() {
    let network = Network::new(&["a.example", "b.example"]);
    let (place_a, place_b) = (RelayPlace::new(&network, 0), RelayPlace::new(&network, 1));
    let b = place_b.start(&network, &[]).await;
    let a = place_a.start(&network, &[&place_b]).await;
    let (ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let (anas, bens) = (ana.connect(&a.target).await, ben.connect(&b.target).await);
    let statement = network.authorities[0].suspensions(2, *START, &["ben@a.example"]);
    call(&anas, &wire(statement)).await.unwrap();
    assert_eq!(soon(bens.closed()).await, Lost::ByPeer(CloseCode::Suspended));
}
