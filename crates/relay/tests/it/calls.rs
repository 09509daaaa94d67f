//! What one relay answers, and what it refuses.

use enlace_proto::relay::v1::{
    ClaimKeyPackagesRequest, CreateChannelRequest, ErrorCode, FetchDirectoryRequest,
    FetchHeadCertificateRequest, FetchRangeRequest, PublishKeyPackagesRequest, SubmitRequest,
};
use enlace_transport::{CloseCode, Connection, Lost};

use crate::support::{Device, Network, Relay, RelayPlace, TestChannel, call, soon, wire_id};

const SUITE: u32 = 3;

async fn one_relay() -> (Network, RelayPlace, Relay) {
    let network = Network::new(&["a.example", "b.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    (network, place, relay)
}

fn claim(devices: &[&Device]) -> ClaimKeyPackagesRequest {
    ClaimKeyPackagesRequest {
        suite: SUITE,
        devices: devices.iter().map(|device| device.name.to_string()).collect(),
        officers: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_holds_what_its_signers_made() {
    let (network, place, relay) = one_relay().await;
    let ana = Device::new(&network, 0, "ana");
    let dialled = ana.dial(&relay.target).await.unwrap();
    assert_eq!(dialled.hello.submit_counter, 0);
    let directory = call(&dialled.connection, &FetchDirectoryRequest {}).await.unwrap();
    assert_eq!(directory.bundle, network.signed.encode());
    assert_eq!(directory.crls.len(), 2);
    assert_eq!(directory.endpoint_records.len(), 1);
    assert_eq!(directory.endpoint_records[0], dialled.hello.endpoint_record);
    drop(place);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_package_is_handed_out_once_and_the_last_resort_again() {
    let (network, _place, relay) = one_relay().await;
    let (ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let (anas, bens) = (ana.connect(&relay.target).await, ben.connect(&relay.target).await);
    let publish = PublishKeyPackagesRequest {
        suite: SUITE,
        key_packages: vec![b"one".to_vec(), b"two".to_vec()],
        last_resort: b"last".to_vec(),
        ..Default::default()
    };
    assert_eq!(call(&bens, &publish).await.unwrap().available, 2);
    let mut claimed = Vec::new();
    for _ in 0..4 {
        let answer = call(&anas, &claim(&[&ben])).await.unwrap();
        assert_eq!(answer.key_packages.len(), 1);
        claimed.push(answer.key_packages[0].key_package.to_vec());
    }
    claimed[..2].sort();
    assert_eq!(claimed, [&b"one"[..], b"two", b"last", b"last"]);

    let officer = ClaimKeyPackagesRequest {
        suite: SUITE,
        devices: Vec::new(),
        officers: vec![ben.name.officer().to_string()],
    };
    let answer = call(&anas, &officer).await.unwrap();
    assert!(answer.key_packages[0].last_resort);
    let refusal = call(&bens, &claim(&[&ana])).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::NoKeyPackage);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_of_key_packages_is_bounded() {
    let network = Network::new(&["a.example"]);
    let mut place = RelayPlace::new(&network, 0);
    place.limits.key_packages_per_device = 3;
    let relay = place.start(&network, &[]).await;
    let ana = Device::new(&network, 0, "ana").connect(&relay.target).await;
    let publish = |packages: &[&[u8]]| PublishKeyPackagesRequest {
        suite: SUITE,
        key_packages: packages.iter().map(|package| package.to_vec()).collect(),
        last_resort: Vec::new(),
        ..Default::default()
    };
    assert_eq!(call(&ana, &publish(&[b"1", b"2"])).await.unwrap().available, 2);
    assert_eq!(call(&ana, &publish(&[b"3", b"4"])).await.unwrap_err().code, ErrorCode::Limit);
    assert_eq!(call(&ana, &publish(&[b"3"])).await.unwrap().available, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_are_limited_by_authority() {
    let network = Network::new(&["a.example"]);
    let mut place = RelayPlace::new(&network, 0);
    place.limits.claims_per_authority_and_hour = 2;
    let relay = place.start(&network, &[]).await;
    let (ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let anas = ana.connect(&relay.target).await;
    for _ in 0..2 {
        let refusal = call(&anas, &claim(&[&ben])).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::NoKeyPackage);
    }
    let refusal = call(&anas, &claim(&[&ben])).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Limit);
    assert!(refusal.retry_after.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_submitted_twice_stands_once() {
    let (network, _place, relay) = one_relay().await;
    let mut ana = Device::new(&network, 0, "ana");
    let anas = ana.connect(&relay.target).await;
    let mut channel = TestChannel::new(1, ana.name.domain());
    channel.create(&mut ana, &anas, &[]).await;
    let entry = channel.entry(&mut ana);
    let first = call(&anas, &entry).await.unwrap();
    let again = call(&anas, &entry).await.unwrap();
    assert_eq!((first.seq, first.received_at_ms), (again.seq, again.received_at_ms));
    assert_eq!(channel.post(&mut ana, &anas).await.seq, first.seq + 1);

    let hello = ana.dial(&relay.target).await.unwrap().hello;
    assert_eq!(hello.submit_counter, 3, "the highest counter is told in hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_fence_is_refused_with_the_hubs() {
    let (network, _place, relay) = one_relay().await;
    let (mut ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let anas = ana.connect(&relay.target).await;
    let mut channel = TestChannel::new(1, ana.name.domain());
    channel.create(&mut ana, &anas, &[]).await;
    let stale = channel.entry(&mut ana);
    let commit = channel.change(&mut ana, &anas, &[&ana_name(&network), &ben.name]).await;
    let refusal = call(&anas, &stale).await.unwrap_err();
    assert_eq!((refusal.code, refusal.fence), (ErrorCode::StaleFence, commit.seq));
    let dialled = ana.dial(&relay.target).await.unwrap();
    assert_eq!(dialled.hello.submit_counter, 3);
}

fn ana_name(network: &Network) -> enlace_identity::names::DeviceName {
    network.authorities[0].device("ana", "laptop").0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_has_one_holder_and_a_commit_needs_it() {
    let (network, _place, relay) = one_relay().await;
    let (mut ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let (anas, bens) = (ana.connect(&relay.target).await, ben.connect(&relay.target).await);
    let mut channel = TestChannel::new(1, ana.name.domain());
    channel.create(&mut ana, &anas, &[&ben.name]).await;
    channel.lease(&ben, &bens).await.unwrap();
    let refusal = channel.lease(&ana, &anas).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::LeaseHeld);
    assert!(refusal.retry_after.is_some());
    let refusal = channel.try_change(&mut ana, &anas, &[&ana_name(&network)]).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::LeaseMissing);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_for_another() {
    let (network, _place, relay) = one_relay().await;
    let (mut ana, mut ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let (anas, bens) = (ana.connect(&relay.target).await, ben.connect(&relay.target).await);
    let mut channel = TestChannel::new(1, ana.name.domain());
    channel.create(&mut ana, &anas, &[]).await;

    let anas_entry = channel.entry(&mut ana);
    assert_eq!(call(&bens, &anas_entry).await.unwrap_err().code, ErrorCode::NotAllowed);
    let outsiders = channel.entry(&mut ben);
    assert_eq!(call(&bens, &outsiders).await.unwrap_err().code, ErrorCode::NotAMember);
    assert_eq!(channel.lease(&ana, &bens).await.unwrap_err().code, ErrorCode::NotAllowed);
    assert_eq!(range(&bens, &channel, 0).await.unwrap_err().code, ErrorCode::NotAMember);
    assert_eq!(range(&anas, &channel, 0).await.unwrap().items.len(), 1);

    let altered = SubmitRequest { outer_signature: vec![1; 64], ..anas_entry };
    assert_eq!(call(&anas, &altered).await.unwrap_err().code, ErrorCode::BadEnvelope);
    assert_eq!(range(&anas, &channel, 0).await.unwrap().items.len(), 1, "nothing has changed");
}

async fn range(
    connection: &Connection,
    channel: &TestChannel,
    from_seq: u64,
) -> Result<enlace_proto::relay::v1::FetchRangeResponse, enlace_transport::Refusal> {
    let channel = Some(wire_id(channel.id));
    let request = FetchRangeRequest { channel, from_seq, ..FetchRangeRequest::default() };
    call(connection, &request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_of_another_authority_gets_no_more_than_it_may() {
    let (network, _place, relay) = one_relay().await;
    let mut eve = Device::new(&network, 1, "eve");
    let eves = eve.connect(&relay.target).await;
    let publish = PublishKeyPackagesRequest { suite: SUITE, ..Default::default() };
    assert_eq!(call(&eves, &publish).await.unwrap_err().code, ErrorCode::NotAllowed);
    let own = claim(&[&eve]);
    assert_eq!(call(&eves, &own).await.unwrap_err().code, ErrorCode::NotAllowed);
    let theirs = claim(&[&Device::new(&network, 0, "ana")]);
    assert_eq!(call(&eves, &theirs).await.unwrap_err().code, ErrorCode::NotAllowed);
    let channel = TestChannel::new(1, &network.authorities[0].domain);
    let first = channel.entry(&mut eve);
    let create = CreateChannelRequest { first: Some(first), nonce: channel.nonce.0.to_vec() };
    assert_eq!(call(&eves, &create).await.unwrap_err().code, ErrorCode::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_keys_certificate_is_told_by_its_hash() {
    let (network, _place, relay) = one_relay().await;
    let mut ana = Device::new(&network, 0, "ana");
    let anas = ana.connect(&relay.target).await;
    let mut channel = TestChannel::new(1, ana.name.domain());
    let created = channel.create(&mut ana, &anas, &[]).await;
    let signer = created.head.unwrap().signer;
    let request = FetchHeadCertificateRequest { signer };
    assert_eq!(call(&anas, &request).await.unwrap().certificates.len(), 2);
    let request = FetchHeadCertificateRequest { signer: vec![0; 32] };
    assert!(call(&anas, &request).await.unwrap().certificates.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_calls_are_refused_for_a_while() {
    let network = Network::new(&["a.example"]);
    let mut place = RelayPlace::new(&network, 0);
    place.limits.request_burst = 5;
    place.limits.requests_per_second = 1;
    let relay = place.start(&network, &[]).await;
    let ana = Device::new(&network, 0, "ana").connect(&relay.target).await;
    let mut refused = 0;
    for _ in 0..20 {
        if let Err(refusal) = call(&ana, &FetchDirectoryRequest {}).await {
            assert_eq!(refusal.code, ErrorCode::Limit);
            assert!(refusal.retry_after.is_some());
            refused += 1;
        }
    }
    assert!(refused >= 10, "{refused}");
    let ben = Device::new(&network, 0, "ben").connect(&relay.target).await;
    call(&ben, &FetchDirectoryRequest {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_with_too_many_connections_loses_its_oldest() {
    let network = Network::new(&["a.example"]);
    let mut place = RelayPlace::new(&network, 0);
    place.limits.connections_per_peer = 2;
    let relay = place.start(&network, &[]).await;
    let ana = Device::new(&network, 0, "ana");
    let first = ana.connect(&relay.target).await;
    let second = ana.connect(&relay.target).await;
    let third = ana.connect(&relay.target).await;
    assert_eq!(soon(first.closed()).await, Lost::ByPeer(CloseCode::Limit));
    for connection in [second, third] {
        call(&connection, &FetchDirectoryRequest {}).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_a_stop_and_everybody_is_told() {
    let (network, place, relay) = one_relay().await;
    let mut ana = Device::new(&network, 0, "ana");
    let anas = ana.connect(&relay.target).await;
    let mut channel = TestChannel::new(1, ana.name.domain());
    channel.create(&mut ana, &anas, &[]).await;
    channel.post(&mut ana, &anas).await;
    let last = channel.post(&mut ana, &anas).await;
    relay.stop().await;
    assert_eq!(soon(anas.closed()).await, Lost::ByPeer(CloseCode::Stopping));

    let relay = place.start(&network, &[]).await;
    let anas = ana.connect(&relay.target).await;
    let stored = range(&anas, &channel, 1).await.unwrap();
    assert_eq!(stored.items.len() as u64, last.seq, "all after the first commit");
    assert_eq!(channel.post(&mut ana, &anas).await.seq, last.seq + 1);
}
