//! What a relay hands out for those who are to be admitted: each once, and nothing that isn't
//! theirs.

use enlace_channel::mls::Suite;
use enlace_channel::policy::Role;
use enlace_client::notice::Notice;
use enlace_client::store::OutboxState;
use enlace_proto::relay::v1::{
    ClaimKeyPackagesRequest, ClaimedKeyPackage, PublishKeyPackagesRequest,
};
use enlace_tests::key_package::with_lifetime;
use enlace_tests::scene::{ANA, LyingScene};
use enlace_tests::{BEN, Case, Officer, Rogue, call};
use enlace_transport::Connection;

fn suite() -> u32 {
    Suite::PostQuantum.code().into()
}

/// Ana and Ben; Eva and Finn are to be admitted, and their relay lies.
struct Scene {
    scene: LyingScene,
    eva: Officer,
    finn: Officer,
}

impl Scene {
    async fn new() -> Self {
        let scene = LyingScene::with_two().await;
        let (eva, finn) = tokio::join!(scene.enrol("eva"), scene.enrol("finn"));
        Self { scene, eva, finn }
    }

    fn genuine(&self, of: &Officer) -> Vec<u8> {
        self.scene.relay.published(of.device(), suite()).remove(0)
    }

    /// Who asks for one of Eva's is handed out this one; nobody is admitted by it, and Eva later by
    /// a genuine one.
    async fn assert_admits_nobody(mut self, key_package: Vec<u8>) {
        let device = self.eva.device().to_string();
        self.scene.relay.hand_out(move |_| {
            let (device, key_package) = (device.clone(), key_package.clone());
            Some(vec![ClaimedKeyPackage { device, key_package, last_resort: false }])
        });
        let (channel, ana) = (self.scene.channel, &self.scene.officers[ANA]);
        let state = || ana.client().show(channel).unwrap().unwrap();
        let before = state();
        let wish = ana.client().add_member(channel, self.eva.address(), Role::Member).unwrap();
        assert!(matches!(ana.settled(wish).await, OutboxState::Failed(_)));
        let said = |notice: &Notice| matches!(notice, Notice::NotDone { .. });
        assert!(ana.notices(channel).iter().any(said));
        assert!(before.authenticator == state().authenticator && before.next == state().next);
        self.scene.assert_healthy().await;

        self.scene.relay.be_honest();
        self.scene.officers.push(self.eva);
        self.scene.admit(channel, 2, Role::Member).await;
        self.scene.assert_healthy().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_with_another_lifetime_admits_nobody() {
    let scene = Scene::new().await;
    let genuine = scene.genuine(&scene.eva);
    let rogue = Rogue::of(&scene.scene.network, &scene.eva).await;
    let made_anew = with_lifetime(&genuine, 0, u64::MAX, rogue.key());
    assert_eq!(made_anew, genuine, "it would be accepted but for the lifetime");
    let bounded = with_lifetime(&genuine, 0, u64::MAX - 1, rogue.key());
    scene.assert_admits_nobody(bounded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_officers_admits_nobody() {
    let scene = Scene::new().await;
    let finns = scene.genuine(&scene.finn);
    scene.assert_admits_nobody(finns).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_one_admits_nobody() {
    let scene = Scene::new().await;
    let mut altered = scene.genuine(&scene.eva);
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    scene.assert_admits_nobody(altered).await;
}

async fn claim(connection: &Connection, officer: &Officer) -> ClaimedKeyPackage {
    let request = ClaimKeyPackagesRequest {
        suite: suite(),
        devices: Vec::new(),
        officers: vec![officer.address().to_string()],
    };
    call(connection, &request).await.unwrap().key_packages.remove(0)
}

/// As a program does whose publication was not answered.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_published_again_is_handed_out_once() {
    let mut case = Case::opened_by_ana().await;
    let ben = case.join_in(0, "ben").await;
    assert_eq!(ben, BEN);
    let anas = Rogue::of(&case.network, &case.officers[ANA]).await;
    let bens = Rogue::of(&case.network, &case.officers[BEN]).await;
    let (anas, bens) = (anas.connect(&case.target(0)).await, bens.connect(&case.target(0)).await);
    let first = claim(&anas, &case.officers[BEN]).await;
    assert!(!first.last_resort);
    let again = PublishKeyPackagesRequest {
        suite: suite(),
        key_packages: vec![first.key_package.clone()],
        last_resort: Vec::new(),
        replace: false,
    };
    let mut left = call(&bens, &again).await.unwrap().available;
    let mut seen = vec![first.key_package];
    while left > 0 {
        let next = claim(&anas, &case.officers[BEN]).await;
        assert!(!next.last_resort && !seen.contains(&next.key_package));
        seen.push(next.key_package);
        left -= 1;
    }
    assert!(claim(&anas, &case.officers[BEN]).await.last_resort);
}
