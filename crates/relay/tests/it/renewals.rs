//! A relay carries requests for new certificates to the registrar, and certificates back, and
//! gives nobody another's.

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::issue::CertificateRequest;
use enlace_identity::keys::SigningKey;
use enlace_identity::names::LeafName;
use enlace_proto::relay::v1::{ErrorCode, RenewCertificateRequest};
use enlace_transport::Connection;

use crate::support::{Device, Network, Relay, RelayPlace, call};

struct Scene {
    network: Network,
    place: RelayPlace,
    relay: Relay,
    ana: Device,
}

impl Scene {
    async fn new() -> (Self, Connection) {
        let network = Network::new(&["a.example", "b.example"]);
        let place = RelayPlace::new(&network, 0);
        let relay = place.start(&network, &[]).await;
        let ana = Device::new(&network, 0, "ana");
        let connection = ana.connect(&relay.target).await;
        (Self { network, place, relay, ana }, connection)
    }

    fn request(&self, key: &SigningKey, name: &str) -> CertificateRequest {
        let _ = &self.relay;
        CertificateRequest::create(key, &name.parse().unwrap(), "Ana").unwrap()
    }

    fn own_request(&self) -> CertificateRequest {
        self.request(&self.ana.credential.key, self.ana.name.as_str())
    }

    /// The registrar puts a certificate where the relay looks for one of that device.
    fn put(&self, chain: &UnverifiedChain) {
        let dir = self.place.path("data/renewals/issued");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(format!("{}.pem", self.ana.name)), chain.to_pem()).unwrap();
    }

    fn certify(&self, name: &str, key: &SigningKey, days: u32) -> UnverifiedChain {
        self.network.authorities[0].certify(name.parse().unwrap(), &key.public(), days)
    }
}

fn wire(request: &CertificateRequest) -> RenewCertificateRequest {
    RenewCertificateRequest { request: request.der().to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_the_registrar_and_the_certificate_for_the_device() {
    let (scene, connection) = Scene::new().await;
    let request = wire(&scene.own_request());
    for _ in 0..2 {
        let answer = call(&connection, &request).await.unwrap();
        assert!(answer.certificates.is_empty());
    }
    let file = format!("data/renewals/requests/{}.csr", scene.ana.name);
    let kept = std::fs::read_to_string(scene.place.path(&file)).unwrap();
    assert_eq!(CertificateRequest::from_pem(&kept).unwrap(), scene.own_request());

    let chain = scene.certify(scene.ana.name.as_str(), &scene.ana.credential.key, 300);
    scene.put(&chain);
    let answer = call(&connection, &request).await.unwrap();
    assert_eq!(answer.certificates, chain.ders());
    assert!(!scene.place.path(&file).exists(), "it is answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_for_another_name_or_key() {
    let (scene, connection) = Scene::new().await;
    let own = scene.ana.name.to_string();
    let key = &scene.ana.credential.key;
    let stranger = SigningKey::generate();
    for request in [
        scene.request(key, &own.replace("ana", "ben")),
        scene.request(key, &own.replace("laptop", "phone")),
        scene.request(&stranger, &own),
        scene.request(key, "r1.relay.a.example"),
    ] {
        let refused = call(&connection, &wire(&request)).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::NotAllowed);
    }
    let mut broken = scene.own_request().der().to_vec();
    *broken.last_mut().unwrap() ^= 1;
    let refused = call(&connection, &RenewCertificateRequest { request: broken }).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Malformed);
    assert!(!scene.place.path("data/renewals").exists(), "nothing is kept");

    let bob = Device::new(&scene.network, 1, "bob");
    let bobs = bob.connect(&scene.relay.target).await;
    let request = scene.request(&bob.credential.key, bob.name.as_str());
    let refused = call(&bobs, &wire(&request)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_does_not_renew_the_present_one_is_not_handed_out() {
    let (scene, connection) = Scene::new().await;
    let own = scene.ana.name.to_string();
    let key = &scene.ana.credential.key;
    let name = |text: &str| text.parse::<LeafName>().unwrap().to_string();
    for chain in [
        scene.certify(&name(&own.replace("ana", "ben")), key, 300),
        scene.certify(&own, &SigningKey::generate(), 300),
        scene.certify(&own, key, 1),
        scene.ana.credential.chain.clone(),
    ] {
        scene.put(&chain);
        let answer = call(&connection, &wire(&scene.own_request())).await.unwrap();
        assert!(answer.certificates.is_empty());
    }
}
