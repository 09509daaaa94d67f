//! Revocation takes effect at once, wherever the revoked device is.

use enlace_proto::relay::v1::{
    FetchDirectoryRequest, PublishCrlsRequest, subscription_event::Event,
};
use enlace_transport::connect::Refused;
use enlace_transport::{CloseCode, ConnectError, Lost};

use crate::support::{Device, Network, Reading, Relay, RelayPlace, call, soon};

fn wire(lists: Vec<Vec<u8>>) -> PublishCrlsRequest {
    PublishCrlsRequest { crls: lists }
}

async fn refuses(relay: &Relay, device: &Device) {
    match device.dial(&relay.target).await {
        Err(ConnectError::Refused(Refused::Revoked)) => {}
        other => panic!("unexpected: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_list_cuts_the_live_connection_and_refuses_the_next() {
    let network = Network::new(&["a.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let (ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let (anas, bens) = (ana.connect(&relay.target).await, ben.connect(&relay.target).await);
    let mut reading = Reading::open(&anas, &[]).await;
    assert!(matches!(reading.event().await, Event::Crls(_)), "the lists in force");

    let lists = network.authorities[0].lists(2, &[&ben.credential]);
    call(&anas, &wire(lists.clone())).await.unwrap();
    assert_eq!(soon(bens.closed()).await, Lost::ByPeer(CloseCode::Revoked));
    let mut news = Vec::new();
    while news.len() < lists.len() {
        match reading.event().await {
            Event::Crls(crls) => news.extend(crls.crls),
            other => panic!("unexpected: {other:?}"),
        }
    }
    news.sort();
    let mut lists = lists;
    lists.sort();
    assert_eq!(news, lists);
    refuses(&relay, &ben).await;
    call(&anas, &FetchDirectoryRequest {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_put_into_the_directory_counts() {
    let network = Network::new(&["a.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let ben = Device::new(&network, 0, "ben");
    let bens = ben.connect(&relay.target).await;
    place.publish(&network.authorities[0].lists(2, &[&ben.credential]));
    relay.reload_crls();
    assert_eq!(soon(bens.closed()).await, Lost::ByPeer(CloseCode::Revoked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_survives_a_restart_and_an_older_list() {
    let network = Network::new(&["a.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let (ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let anas = ana.connect(&relay.target).await;
    call(&anas, &wire(network.authorities[0].lists(2, &[&ben.credential]))).await.unwrap();
    relay.stop().await;

    // The directory still holds list 1, and so does the relay's first trust.
    let relay = place.start(&network, &[]).await;
    refuses(&relay, &ben).await;
    ana.connect(&relay.target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_list_is_refused_and_changes_nothing() {
    let network = Network::new(&["a.example", "b.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let (ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let (anas, bens) = (ana.connect(&relay.target).await, ben.connect(&relay.target).await);
    let mut lists = network.authorities[0].lists(2, &[&ben.credential]);
    for list in &mut lists {
        let middle = list.len() / 3;
        list[middle] ^= 1;
    }
    call(&anas, &wire(lists)).await.unwrap_err();
    // Another authority's registrar names Ben's serial number: it speaks of its own only.
    call(&anas, &wire(network.authorities[1].lists(2, &[&ben.credential]))).await.unwrap();
    call(&bens, &FetchDirectoryRequest {}).await.unwrap();
}
