//! A network's bundle changes while its relays run.

use enlace_identity::bundle::{BundleContent, SignedBundle};
use enlace_proto::relay::v1::{
    ClaimKeyPackagesRequest, ErrorCode, FetchBundleRequest, FetchDirectoryRequest,
    PublishBundleRequest, subscription_event::Event,
};
use enlace_transport::{CloseCode, ConnectError, HelloError, Lost};

use crate::support::{Device, Network, PATIENCE, Reading, Relay, RelayPlace, call, soon};

/// The version after `previous`, of these authorities, signed by those.
fn next(network: &Network, previous: &SignedBundle, of: &[usize], by: &[usize]) -> SignedBundle {
    let present = previous.open(&previous.hash()).unwrap();
    let all = &network.authorities;
    let content = present.content().clone();
    let content = BundleContent {
        version: content.version + 1,
        previous: Some(present.hash()),
        authorities: of.iter().map(|index| Network::entry(&all[*index])).collect(),
        ..content
    };
    let mut signed = SignedBundle::create(content).unwrap();
    for signer in by {
        let authority = &all[*signer];
        signed.sign_after(&present, &authority.domain, &authority.root_key).unwrap();
    }
    signed
}

fn publish(signed: &SignedBundle) -> PublishBundleRequest {
    PublishBundleRequest { bundle: signed.encode() }
}

/// Waits until a relay has that version, by whatever way.
async fn has(relay: &Relay, device: &Device, version: u64) {
    let connection = device.connect(&relay.target).await;
    let mut reading = Reading::open(&connection, &[]).await;
    // The subscription runs when its first event is there: whatever comes later is told.
    assert!(matches!(reading.event().await, Event::Crls(_)), "the lists in force");
    let newest = call(&connection, &FetchBundleRequest { version: 0 }).await.unwrap().newest;
    let mut known = newest;
    while known < version {
        if let Event::Bundle(signed) = reading.event().await {
            let signed = SignedBundle::decode(&signed).unwrap();
            known = signed.unverified_content().unwrap().version;
        }
    }
    assert_eq!(known, version);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_dropped_is_cut_everywhere_without_a_restart() {
    let network = Network::new(&["a.example", "b.example", "c.example"]);
    let (a, b) = (RelayPlace::new(&network, 0), RelayPlace::new(&network, 1));
    let relay_a = a.start(&network, &[&b]).await;
    let relay_b = b.start(&network, &[&a]).await;
    let (ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 1, "ben"));
    let carla = Device::new(&network, 2, "carla");
    let anas = ana.connect(&relay_a.target).await;
    let at_a = carla.connect(&relay_a.target).await;
    let at_b = carla.connect(&relay_b.target).await;
    let mut reading = Reading::open(&anas, &[]).await;
    assert!(matches!(reading.event().await, Event::Crls(_)), "the lists in force");

    // One signature of an authority that the first version lists is what it takes.
    let without = next(&network, &network.signed, &[0, 1], &[1]);
    let answer = call(&anas, &publish(&without)).await.unwrap();
    assert_eq!(answer.newest, 2);
    assert_eq!(soon(at_a.closed()).await, Lost::ByPeer(CloseCode::Untrusted));
    assert_eq!(soon(at_b.closed()).await, Lost::ByPeer(CloseCode::Untrusted));
    assert_eq!(reading.event().await, Event::Bundle(without.encode()));
    assert_eq!(anas.lost(), None);
    has(&relay_b, &ben, 2).await;
    carla.dial(&relay_b.target).await.unwrap_err();
    let directory = call(&anas, &FetchDirectoryRequest {}).await.unwrap();
    assert_eq!(directory.bundle, without.encode());

    // It outlives the relay, whose files still hold the first version.
    relay_a.stop().await;
    let relay_a = a.start(&network, &[&b]).await;
    has(&relay_a, &ana, 2).await;
    carla.dial(&relay_a.target).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_enters_works_at_once() {
    let network = Network::of_first(&["a.example", "b.example", "c.example"], 2);
    let (a, b) = (RelayPlace::new(&network, 0), RelayPlace::new(&network, 1));
    let relay_a = a.start(&network, &[&b]).await;
    let relay_b = b.start(&network, &[&a]).await;
    let ana = Device::new(&network, 0, "ana");
    let anas = ana.connect(&relay_a.target).await;

    let with = next(&network, &network.signed, &[0, 1, 2], &[0, 2]);
    let grown = network.with(with.clone());
    let c = RelayPlace::new(&grown, 2);
    let relay_c = c.start(&grown, &[&a, &b]).await;
    let carla = Device::new(&grown, 2, "carla");
    let carlas = carla.connect(&relay_c.target).await;
    carla.dial(&relay_a.target).await.unwrap_err();

    call(&anas, &publish(&with)).await.unwrap();
    // The new authority's relay calls one that nobody has told of it but by the bundle.
    let ben = Device::new(&grown, 1, "ben").name;
    let devices = vec![ben.to_string()];
    let claim = ClaimKeyPackagesRequest { devices, ..ClaimKeyPackagesRequest::default() };
    let wait = async {
        loop {
            // The hub answers; before, its relay is out of reach or knows no such authority.
            match call(&carlas, &claim).await.unwrap_err().code {
                ErrorCode::HubUnreachable | ErrorCode::Internal | ErrorCode::Limit => {}
                code => return code,
            }
        }
    };
    let code = tokio::time::timeout(PATIENCE, wait).await.expect("the hub answers");
    assert_ne!(code, ErrorCode::NotAllowed);
    // The first version, which it was never given, comes too.
    let wait = async {
        let request = FetchBundleRequest { version: 1 };
        let first = network.signed.encode();
        while call(&carlas, &request).await.is_ok_and(|answer| answer.bundle != first) {}
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the way back is found");
    drop((relay_b, relay_a));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_does_not_follow_is_refused_and_changes_nothing() {
    let network = Network::new(&["a.example", "b.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let ana = Device::new(&network, 0, "ana");
    let anas = ana.connect(&relay.target).await;
    let other = Network::new(&["a.example", "b.example"]);
    let foreign = next(&other, &other.signed, &[0], &[0]);
    let unsigned = next(&network, &network.signed, &[0], &[]);
    let genuine = next(&network, &network.signed, &[0, 1], &[0]);
    for (signed, reason) in [(&unsigned, "it takes 1"), (&foreign, "does not belong")] {
        let refused = call(&anas, &publish(signed)).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Malformed);
        assert!(refused.to_string().contains(reason), "{refused}");
    }
    let later = next(&network, &genuine, &[0], &[0]);
    assert_eq!(call(&anas, &publish(&later)).await.unwrap().newest, 1);
    call(&anas, &publish(&genuine)).await.unwrap();
    // Signed by whom it takes, but in the place of one that is known.
    let forked = next(&network, &network.signed, &[0], &[0]);
    let refused = call(&anas, &publish(&forked)).await.unwrap_err();
    assert!(refused.to_string().contains("does not belong"), "{refused}");
    assert_eq!(call(&anas, &publish(&later)).await.unwrap().newest, 3);

    // Whoever holds the forked one is of another network.
    let theirs = network.with(forked);
    let forked = Device::new(&theirs, 0, "ana");
    let refused = forked.dial(&relay.target).await.unwrap_err();
    assert_eq!(refused, ConnectError::Hello(HelloError::OtherNetwork));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_put_into_the_directory_counts() {
    let network = Network::new(&["a.example", "b.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let second = next(&network, &network.signed, &[0, 1], &[1]);
    let third = next(&network, &second, &[0], &[0]);
    let bundles = place.path("bundles");
    std::fs::create_dir_all(&bundles).unwrap();
    std::fs::write(bundles.join("a.draft"), third.encode()).unwrap();
    std::fs::write(bundles.join("b.bundle"), second.encode()).unwrap();
    std::fs::rename(bundles.join("a.draft"), bundles.join("a.bundle")).unwrap();
    has(&relay, &Device::new(&network, 0, "ana"), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_refused_counts_when_another_takes_its_place() {
    let network = Network::new(&["a.example", "b.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let ana = Device::new(&network, 0, "ana");
    let second = next(&network, &network.signed, &[0, 1], &[1]);
    let third = next(&network, &second, &[0], &[0]);
    let bundles = place.path("bundles");
    std::fs::create_dir_all(&bundles).unwrap();
    let put = |name: &str, content: &[u8]| {
        std::fs::write(bundles.join("draft"), content).unwrap();
        std::fs::rename(bundles.join("draft"), bundles.join(name)).unwrap();
    };
    put("a.bundle", b"half of a bundle");
    // When the second file's version is in force, the first has been looked at.
    put("b.bundle", &second.encode());
    has(&relay, &ana, 2).await;
    put("a.bundle", &third.encode());
    has(&relay, &ana, 3).await;
}
