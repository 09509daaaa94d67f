//! A relay carries the requests of invited devices to the registrar, and certificates back; whoever
//! doesn't hold the invitation learns nothing and changes nothing.

use std::time::Duration;

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::endpoint::RelayAddress;
use enlace_identity::entropy::Entropy;
use enlace_identity::invitation::{Enrolment, Invitation};
use enlace_identity::issue::CertificateRequest;
use enlace_identity::keys::{PublicKey, Signature, SigningKey};
use enlace_identity::time::Timestamp;
use enlace_proto::relay::v1::{
    EnrollRequest, EnrollResponse, ErrorCode, FetchEnrolmentRequest, FetchEnrolmentResponse,
};
use enlace_transport::{
    CallError, ConnectError, Expected, NewcomerEndpoint, Refusal, UnverifiedRelay, VerifiedRelay,
};

use crate::support::{DAY, Network, PATIENCE, Relay, RelayPlace, START, soon};

const NAME: &str = "laptop.ana.officer.a.example";

struct Scene {
    network: Network,
    place: RelayPlace,
    _relay: Relay,
    invitation: Invitation,
    newcomer: NewcomerEndpoint,
}

impl Scene {
    /// A relay that knows of one invitation, and serves newcomers by now.
    async fn new() -> Self {
        let scene = Self::until(START.plus(DAY)).await;
        scene.dial().await;
        scene
    }

    async fn until(end: Timestamp) -> Self {
        let network = Network::new(&["a.example", "b.example"]);
        let place = RelayPlace::new(&network, 0);
        let invitation = invitation(&network, place.port, end);
        let scene_relay = place.start(&network, &[]).await;
        let newcomer = NewcomerEndpoint::open(network.clock.clone(), &Entropy::system()).unwrap();
        let scene = Self { network, place, _relay: scene_relay, invitation, newcomer };
        scene.tell_relay(&scene.invitation);
        scene
    }

    fn tell_relay(&self, invitation: &Invitation) {
        let directory = self.place.path("data/enrolments/invitations");
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join(format!("{:?}.verifier", invitation.id()));
        std::fs::write(file, invitation.verifier().encode()).unwrap();
    }

    async fn try_dial(&self) -> Result<UnverifiedRelay, ConnectError> {
        let addresses = [("127.0.0.1".to_owned(), self.place.port)];
        self.newcomer.dial(&addresses, PATIENCE).await
    }

    /// Dials until the relay has seen the invitation.
    async fn dial(&self) -> UnverifiedRelay {
        soon(async {
            loop {
                match self.try_dial().await {
                    Ok(relay) => return relay,
                    Err(ConnectError::Tls(_)) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        })
        .await
    }

    async fn fetch(&self, relay: &UnverifiedRelay) -> Result<FetchEnrolmentResponse, Refusal> {
        let proof = self.invitation.prove(relay.binding(), None);
        refusal(relay.fetch(&self.asks(self.invitation.id(), proof), PATIENCE).await)
    }

    fn asks(&self, invitation: PublicKey, proof: Signature) -> FetchEnrolmentRequest {
        FetchEnrolmentRequest {
            invitation: invitation.as_bytes().to_vec(),
            proof: proof.as_bytes().to_vec(),
            bundle_hash: self.network.signed.hash().as_bytes().to_vec(),
        }
    }

    async fn verified(&self) -> VerifiedRelay {
        let authority = &self.network.authorities[0];
        let expected = Expected::AnyRelayOf(authority.domain.clone());
        let trust = self.network.trust(authority);
        self.dial().await.verify(&trust, &expected, &[]).unwrap()
    }

    async fn enroll(&self, request: &CertificateRequest) -> Result<EnrollResponse, Refusal> {
        let relay = self.verified().await;
        let enrolment = Enrolment::prove(&self.invitation, *relay.binding(), request.clone());
        hand_in(&relay, &enrolment).await
    }

    fn kept(&self) -> Option<Enrolment> {
        let file = format!("data/enrolments/requests/{:?}.enrolment", self.invitation.id());
        let bytes = std::fs::read(self.place.path(&file)).ok()?;
        Some(Enrolment::decode(&bytes).unwrap())
    }

    fn put(&self, chain: &UnverifiedChain) {
        let directory = self.place.path("data/enrolments/issued");
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join(format!("{:?}.pem", self.invitation.id()));
        std::fs::write(file, chain.to_pem()).unwrap();
    }

    fn certify(&self, name: &str, key: &SigningKey) -> UnverifiedChain {
        self.network.authorities[0].certify(name.parse().unwrap(), &key.public(), 100)
    }
}

fn invitation(network: &Network, port: u16, end: Timestamp) -> Invitation {
    let relay = RelayAddress { host: "127.0.0.1".parse().unwrap(), port };
    let (device, hash) = (NAME.parse().unwrap(), network.signed.hash());
    Invitation::new(&Entropy::system(), device, "Ana".into(), hash, end, vec![relay]).unwrap()
}

fn request(key: &SigningKey) -> CertificateRequest {
    CertificateRequest::create(key, &NAME.parse().unwrap(), "Ana").unwrap()
}

async fn hand_in(relay: &VerifiedRelay, enrolment: &Enrolment) -> Result<EnrollResponse, Refusal> {
    let request = EnrollRequest {
        invitation: enrolment.invitation().as_bytes().to_vec(),
        proof: enrolment.proof().as_bytes().to_vec(),
        request: enrolment.request().der().to_vec(),
    };
    refusal(relay.enroll(&request, PATIENCE).await)
}

fn refusal<T>(answer: Result<T, CallError>) -> Result<T, Refusal> {
    answer.map_err(|error| match error {
        CallError::Refused(refusal) => refusal,
        error => panic!("{error}"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_device_gets_the_network_and_its_certificate() {
    let scene = Scene::new().await;
    let fetched = scene.fetch(&scene.dial().await).await.unwrap();
    assert_eq!(fetched.bundle, scene.network.signed.encode());
    assert!(!fetched.endpoint_record.is_empty() && fetched.crls.len() == 2);

    let key = SigningKey::generate();
    for _ in 0..2 {
        assert!(scene.enroll(&request(&key)).await.unwrap().certificates.is_empty());
    }
    assert_eq!(*scene.kept().unwrap().request(), request(&key), "the registrar can verify it");
    let chain = scene.certify(NAME, &key);
    scene.put(&chain);
    assert_eq!(scene.enroll(&request(&key)).await.unwrap().certificates, chain.ders());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_serves_one_key() {
    let scene = Scene::new().await;
    let (first, second) = (SigningKey::generate(), SigningKey::generate());
    scene.enroll(&request(&first)).await.unwrap();
    let refused = scene.enroll(&request(&second)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    scene.put(&scene.certify(NAME, &first));
    assert!(scene.enroll(&request(&second)).await.is_err());
    assert_eq!(scene.kept().unwrap().request().public_key(), first.public());
    assert_eq!(scene.enroll(&request(&first)).await.unwrap().certificates.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_hold_the_invitation_cannot_tell_whether_there_is_one() {
    let scene = Scene::new().await;
    let stranger = invitation(&scene.network, scene.place.port, START.plus(DAY));
    let ended = invitation(&scene.network, scene.place.port, *START);
    scene.tell_relay(&ended);
    let (id, key) = (scene.invitation.id(), SigningKey::generate());
    let mut refusals = Vec::new();

    // Each on a connection of its own: what holds on one is replayed on the next.
    let old = scene.dial().await;
    let old_proof = scene.invitation.prove(old.binding(), None);
    for (id, proof) in [
        (stranger.id(), None),
        (id, Some(Signature::from_bytes([7; 64]))),
        (id, Some(old_proof)),
        (ended.id(), None),
    ] {
        let relay = scene.dial().await;
        let holder = if id == ended.id() { &ended } else { &stranger };
        let proof = proof.unwrap_or_else(|| holder.prove(relay.binding(), None));
        let refused = refusal(relay.fetch(&scene.asks(id, proof), PATIENCE).await);
        refusals.push(refused.unwrap_err());
    }
    let old = scene.verified().await;
    let relay = scene.verified().await;
    for enrolment in [
        Enrolment::prove(&stranger, *relay.binding(), request(&key)),
        Enrolment::prove(&ended, *relay.binding(), request(&key)),
        Enrolment::prove(&scene.invitation, *old.binding(), request(&key)),
    ] {
        refusals.push(hand_in(&relay, &enrolment).await.unwrap_err());
    }
    let empty = EnrollRequest::default();
    refusals.push(refusal(relay.enroll(&empty, PATIENCE).await).unwrap_err());
    assert_eq!(refusals.len(), 8);
    assert!(refusals.iter().all(|refused| refused.code == ErrorCode::NotAllowed));
    assert!(refusals.windows(2).all(|two| two[0] == two[1]), "{refusals:?}");
    assert!(scene.kept().is_none() && !scene.place.path("data/enrolments/requests").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_somebody_of_another_authority_or_for_a_relay_is_not_kept() {
    let scene = Scene::new().await;
    let key = SigningKey::generate();
    for name in ["laptop.bob.officer.b.example", "r9.relay.a.example"] {
        let other = CertificateRequest::create(&key, &name.parse().unwrap(), "Ana").unwrap();
        assert_eq!(scene.enroll(&other).await.unwrap_err().code, ErrorCode::Malformed);
    }
    assert!(scene.kept().is_none());
    scene.enroll(&request(&key)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_to_the_request_is_not_handed_out() {
    let scene = Scene::new().await;
    let key = SigningKey::generate();
    scene.enroll(&request(&key)).await.unwrap();
    for chain in [
        scene.certify(NAME, &SigningKey::generate()),
        scene.certify("phone.ana.officer.a.example", &key),
        scene.network.authorities[1].device("bob", "laptop").1.chain,
    ] {
        scene.put(&chain);
        assert!(scene.enroll(&request(&key)).await.unwrap().certificates.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_is_tried_again_and_again_is_put_off() {
    let scene = Scene::new().await;
    let key = SigningKey::generate();
    let mut refused = None;
    for _ in 0..20 {
        match scene.enroll(&request(&key)).await {
            Ok(_) => {}
            Err(refusal) => refused = Some(refusal),
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.code, ErrorCode::Limit);
    assert!(refused.retry_after.unwrap() > Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_invites_nobody_has_nothing_open() {
    let network = Network::new(&["a.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let invitation = invitation(&network, place.port, START.plus(DAY));
    let newcomer = NewcomerEndpoint::open(network.clock.clone(), &Entropy::system()).unwrap();
    let scene = Scene { network, place, _relay: relay, invitation, newcomer };
    let closed = |dialled| matches!(dialled, Err(ConnectError::Tls(_)));
    assert!(closed(scene.try_dial().await));
    scene.tell_relay(&scene.invitation);
    scene.fetch(&scene.dial().await).await.unwrap();
    // Withdrawn.
    std::fs::remove_dir_all(scene.place.path("data/enrolments/invitations")).unwrap();
    soon(async {
        while !closed(scene.try_dial().await) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_in_is_there_after_a_restart() {
    let scene = Scene::new().await;
    let key = SigningKey::generate();
    scene.enroll(&request(&key)).await.unwrap();
    let Scene { network, place, _relay: relay, invitation, newcomer } = scene;
    relay.stop().await;
    let relay = place.start(&network, &[]).await;
    let scene = Scene { network, place, _relay: relay, invitation, newcomer };
    scene.put(&scene.certify(NAME, &key));
    assert!(scene.enroll(&request(&SigningKey::generate())).await.is_err());
    assert_eq!(scene.enroll(&request(&key)).await.unwrap().certificates.len(), 2);
}
