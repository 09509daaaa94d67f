//! What another authority's relay may not do: it speaks for its own devices, and reads for them.

use enlace_proto::relay::v1::{
    ClaimKeyPackagesRequest, CreateChannelRequest, ErrorCode, FetchRangeRequest, LeaseRequest,
    PublishKeyPackagesRequest, RequestWelcomeRequest, SubmitRequest, subscription_event::Event,
};
use enlace_transport::Connection;

use crate::support::{
    Device, LyingHub, Network, Reading, Relay, RelayPlace, TestChannel, call, wire_id,
};

/// B's relay is real and orders Bea's channel; A's relay is a rogue that is connected to it.
struct Scene {
    network: Network,
    relay: Relay,
    rogue: Connection,
    bea: Device,
    beas: Connection,
    channel: TestChannel,
    _hub: LyingHub,
    _places: [RelayPlace; 2],
}

async fn scene() -> Scene {
    let network = Network::new(&["a.example", "b.example"]);
    let places = [RelayPlace::new(&network, 0), RelayPlace::new(&network, 1)];
    let relay = places[1].start(&network, &[]).await;
    let mut bea = Device::new(&network, 1, "bea");
    let beas = bea.connect(&relay.target).await;
    let mut channel = TestChannel::new(1, bea.name.domain());
    channel.create(&mut bea, &beas, &[]).await;
    let hub = LyingHub::start(&network, &places[0], &channel);
    let rogue = hub.connect(&relay.target).await;
    Scene { network, relay, rogue, bea, beas, channel, _hub: hub, _places: places }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_submits_for_its_own_devices_only() {
    let mut scene = scene().await;
    let entry = scene.channel.entry(&mut scene.bea);
    let refusal = call(&scene.rogue, &entry).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::NotAllowed);
    let lease = |device: String| LeaseRequest {
        channel: Some(wire_id(scene.channel.id)),
        device,
        ..LeaseRequest::default()
    };
    let in_beas_name = lease(scene.bea.name.to_string());
    assert_eq!(call(&scene.rogue, &in_beas_name).await.unwrap_err().code, ErrorCode::NotAllowed);
    let nobodys = lease(String::new());
    assert_eq!(call(&scene.rogue, &nobodys).await.unwrap_err().code, ErrorCode::Malformed);

    let mut own = Device::new(&scene.network, 0, "ana");
    let outsiders = scene.channel.entry(&mut own);
    assert_eq!(call(&scene.rogue, &outsiders).await.unwrap_err().code, ErrorCode::NotAMember);
    call(&scene.beas, &entry).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_nothing_where_it_has_no_members() {
    let mut scene = scene().await;
    let channel = Some(wire_id(scene.channel.id));
    let range = FetchRangeRequest { channel, ..FetchRangeRequest::default() };
    assert_eq!(call(&scene.rogue, &range).await.unwrap_err().code, ErrorCode::NotAMember);
    let mut reading = Reading::open(&scene.rogue, &[(scene.channel.id, 0)]).await;
    assert!(matches!(reading.event().await, Event::Ended(_)));

    let ana = Device::new(&scene.network, 0, "ana");
    let names = [scene.bea.name.clone(), ana.name.clone()];
    let names: Vec<_> = names.iter().collect();
    let admitted = scene.channel.change(&mut scene.bea, &scene.beas, &names).await.seq;
    let mut from_the_start = Reading::open(&scene.rogue, &[(scene.channel.id, 0)]).await;
    assert!(matches!(from_the_start.event().await, Event::Ended(_)), "what came before is not its");
    let mut reading = Reading::open(&scene.rogue, &[(scene.channel.id, admitted)]).await;
    assert_eq!(reading.positions_to(admitted).await, [admitted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_gets_a_welcome_again_only_where_it_has_members() {
    let mut scene = scene().await;
    let request = RequestWelcomeRequest { channel: Some(wire_id(scene.channel.id)) };
    assert_eq!(call(&scene.rogue, &request).await.unwrap_err().code, ErrorCode::NotAMember);
    assert_eq!(call(&scene.beas, &request).await.unwrap_err().code, ErrorCode::NotAllowed);
    let nameless = RequestWelcomeRequest::default();
    assert_eq!(call(&scene.rogue, &nameless).await.unwrap_err().code, ErrorCode::Malformed);

    let ana = Device::new(&scene.network, 0, "ana");
    let bea = scene.bea.name.clone();
    scene.channel.change(&mut scene.bea, &scene.beas, &[&bea, &ana.name]).await;
    call(&scene.rogue, &request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_makes_no_calls_that_are_for_devices() {
    let mut scene = scene().await;
    let publish = PublishKeyPackagesRequest { suite: 3, ..Default::default() };
    assert_eq!(call(&scene.rogue, &publish).await.unwrap_err().code, ErrorCode::NotAllowed);
    let first = scene.channel.entry(&mut scene.bea);
    let create = CreateChannelRequest { first: Some(first), nonce: scene.channel.nonce.0.to_vec() };
    assert_eq!(call(&scene.rogue, &create).await.unwrap_err().code, ErrorCode::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_uses_nobody_as_a_stepping_stone() {
    let mut scene = scene().await;
    let elsewhere =
        SubmitRequest { hub: "a.example".to_owned(), ..scene.channel.entry(&mut scene.bea) };
    assert_eq!(call(&scene.rogue, &elsewhere).await.unwrap_err().code, ErrorCode::NotAllowed);
    let claim = ClaimKeyPackagesRequest {
        suite: 3,
        devices: vec!["laptop.ana.officer.a.example".to_owned()],
        officers: Vec::new(),
    };
    assert_eq!(call(&scene.rogue, &claim).await.unwrap_err().code, ErrorCode::NotAllowed);
    let unknown =
        SubmitRequest { hub: "nowhere.example".to_owned(), ..scene.channel.entry(&mut scene.bea) };
    assert_eq!(call(&scene.beas, &unknown).await.unwrap_err().code, ErrorCode::NotAllowed);
    drop(scene.relay);
}
