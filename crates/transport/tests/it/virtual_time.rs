//! Real QUIC and TLS on virtual time: the same seed, the same datagrams.

use std::sync::Arc;
use std::time::Duration;

use enlace_identity::entropy::Entropy;
use enlace_proto::relay::v1::{FetchRangeRequest, LeaseRequest};
use enlace_transport::{CloseCode, Endpoint, Expected, Target, Trust};
use quinn::TokioRuntime;

use crate::support::{
    Authority, Credential, DAY, Device, Network, PATIENCE, Relay, Sent, TestClock, trust,
};

#[test]
fn the_same_seed_sends_the_same_datagrams() {
    let scene = Scene::new();
    let (first, second) = (scene.play(1), scene.play(1));
    assert!(first.len() > 100, "{} datagrams", first.len());
    assert_eq!(first, second);
    assert_ne!(first, scene.play(2), "the seed decides");
}

struct Scene {
    authority: Authority,
    relay: Credential,
    device: Credential,
}

impl Scene {
    fn new() -> Self {
        let authority = Authority::new("fge.example");
        let (relay, device) = (authority.relay("r1"), authority.device("laptop", DAY));
        Self { authority, relay, device }
    }

    /// A handshake, a few calls at once, a large answer and an hour of keeping alive.
    fn play(&self, seed: u8) -> Vec<Sent> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let entropy = Entropy::dangerous_seeded([seed; 32]);
            let network = Network::new(entropy.fork("network"));
            let clock = TestClock::new();
            let trust = trust(&[&self.authority], &[&self.authority], &clock);
            let open = |address, credential: &Credential, trust: &Trust| {
                let socket = network.socket(address);
                let entropy = entropy.fork(address);
                let identity = credential.identity(trust);
                Endpoint::on_socket(
                    socket,
                    Arc::new(TokioRuntime),
                    entropy,
                    identity,
                    trust.clone(),
                )
                .unwrap()
            };
            let target = Target {
                expected: Expected::Relay(self.authority.relay_name("r1")),
                addresses: vec![("10.0.0.1".to_owned(), 4433)],
            };
            let relay = open("10.0.0.1:4433", &self.relay, &trust);
            let mut relay = Relay::on_endpoint(relay, target);
            let device = Device { endpoint: open("10.0.0.2:50000", &self.device, &trust) };

            let connection = device.connected(&relay.target).await;
            relay.accepted().await.unwrap();
            let lease = LeaseRequest { device: "abc".to_owned(), ..LeaseRequest::default() };
            let fetch = FetchRangeRequest { max_items: 50_000, ..FetchRangeRequest::default() };
            let _ = tokio::join!(
                connection.call(&lease, PATIENCE),
                connection.call(&fetch, PATIENCE),
                connection.call(&lease, PATIENCE),
            );
            tokio::time::sleep(Duration::from_secs(3600)).await;
            connection.call(&lease, PATIENCE).await.unwrap();
            device.endpoint.close(CloseCode::Done);
            device.endpoint.idle().await;
            network.trace()
        })
    }
}
