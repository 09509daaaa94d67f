//! A channel goes on at another authority's relay: handed over, or taken from one that is dead.

use enlace_channel::policy::Role;
use enlace_client::Client;
use enlace_client::notice::Notice;
use enlace_identity::bundle::{BundleContent, SignedBundle};
use enlace_proto::relay::v1::PublishBundleRequest;
use enlace_tests::several::{ANA, CID, DORA, ELI};
use enlace_tests::{Network, Rogue, Several, call};

#[tokio::test(flavor = "multi_thread")]
async fn a_living_hub_hands_a_channel_over_while_people_write() {
    let scene = Several::with_three().await;
    let notes: Vec<_> = (0..10)
        .flat_map(|number| [ANA, CID, ELI].map(|who| (who, number)))
        .map(|(who, number)| {
            if number == 3 && who == CID {
                scene.votes(CID, "b.example");
            }
            if number == 5 && who == ELI {
                scene.votes(ELI, "b.example");
            }
            (who, scene.officers[who].post(scene.channel, &format!("{number} of {who}")))
        })
        .collect();
    for (who, note) in notes {
        scene.officers[who].accepted(note).await;
    }
    for who in [ANA, CID, DORA, ELI] {
        scene.is_at(who, "b.example").await;
    }
    scene.assert_healthy().await;
    for number in 0..10 {
        for who in [ANA, CID, ELI] {
            scene.read_by(&format!("{number} of {who}"), &[ANA, CID, DORA, ELI]).await;
        }
    }
    scene.assert_peace();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_authorities_both_agree_and_it_moves_back_again() {
    let mut scene = Several::with_two().await;
    scene.votes(CID, "b.example");
    scene.officers[ANA]
        .is_told(scene.channel, "Cid wants it", |row| {
            matches!(row.notice, Notice::MoveWanted { .. }).then_some(())
        })
        .await;
    scene.writes(ANA, "not yet").await;
    scene.is_at(CID, "a.example").await;
    scene.votes(ANA, "b.example");
    scene.is_at(ANA, "b.example").await;
    scene.assert_healthy().await;
    let fay = scene.enrol(0, "fay").await;
    scene.officers.push(fay);
    scene.admit(ANA, 3, Role::Member).await;
    scene.is_at(3, "b.example").await;
    scene.assert_healthy().await;
    scene.votes(ANA, "a.example");
    scene.votes(CID, "a.example");
    for who in 0..4 {
        scene.is_at(who, "a.example").await;
    }
    scene.assert_healthy().await;
    scene.assert_peace();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_hubs_channel_is_taken_over_by_the_others() {
    let mut scene = Several::with_three().await;
    scene.officers[DORA].go_offline().await;
    scene.writes(ELI, "before the fire").await;
    scene.read_by("before the fire", &[ANA, CID]).await;
    scene.stop_relay(0).await;
    let waiting = scene.officers[CID].post(scene.channel, "while nobody takes it");
    scene.votes(CID, "b.example");
    scene.votes(ELI, "b.example");
    scene.knows_wish_of(CID, ELI).await;
    scene.knows_wish_of(ELI, CID).await;
    scene.comes_to(ELI, "b.example").await;
    scene.officers[CID].accepted(waiting).await;
    scene.writes(ELI, "after it").await;
    scene.officers[DORA].go_online();
    let all = ["before the fire", "while nobody takes it", "after it"];
    for text in all {
        scene.read_by(text, &[CID, DORA, ELI]).await;
    }

    // The former hub comes back, with its officers.
    let ana_waits = scene.officers[ANA].post(scene.channel, "from the ashes");
    scene.start_relay(0).await;
    scene.officers[ANA].accepted(ana_waits).await;
    scene.is_at(ANA, "b.example").await;
    for text in all.into_iter().chain(["from the ashes"]) {
        scene.read_by(text, &[ANA, CID, DORA, ELI]).await;
    }
    scene.assert_healthy().await;
    scene.assert_peace();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_for_a_move_comes_back_after_it() {
    let mut scene = Several::with_three().await;
    scene.officers[DORA].go_offline().await;
    scene.votes(CID, "c.example");
    scene.votes(ELI, "c.example");
    scene.is_at(ANA, "c.example").await;
    let renewed = scene.officers[ANA].client().renew_keys(scene.channel).unwrap();
    scene.officers[ANA].accepted(renewed).await;
    scene.votes(ANA, "b.example");
    scene.votes(ELI, "b.example");
    scene.is_at(ANA, "b.example").await;
    scene.writes(ELI, "twice moved").await;
    scene.officers[DORA].go_online();
    scene.is_at(DORA, "b.example").await;
    scene.read_by("twice moved", &[DORA]).await;
    scene.assert_healthy().await;
    scene.assert_peace();
}

/// The next version of the bundle, without A.
fn without_a(network: &Network) -> Vec<u8> {
    let present = network.bundle();
    let mut content = present.content().clone();
    content.authorities.retain(|authority| authority.domain.as_str() != "a.example");
    let content = BundleContent { version: 2, previous: Some(present.hash()), ..content };
    let mut signed = SignedBundle::create(content).unwrap();
    for authority in &network.authorities[1..] {
        signed.sign_after(&present, &authority.domain, &authority.root_key).unwrap();
    }
    signed.encode()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_a_bundle_drops_is_left_and_its_authority_goes() {
    let scene = Several::with_three().await;
    let dora = Rogue::of(&scene.network, &scene.officers[DORA]).await;
    let connection = dora.connect(&scene.places[1].target(&scene.network)).await;
    let bundle = without_a(&scene.network);
    call(&connection, &PublishBundleRequest { bundle }).await.unwrap();
    for who in [CID, ELI] {
        scene.officers[who]
            .is_told(scene.channel, "the hub is dropped", |row| {
                matches!(row.notice, Notice::HubDropped { .. }).then_some(())
            })
            .await;
        scene.votes(who, "b.example");
    }
    scene.knows_wish_of(CID, ELI).await;
    scene.knows_wish_of(ELI, CID).await;
    scene.comes_to(ELI, "b.example").await;
    let gone = scene.officers[ANA].address();
    let is_out = |client: &Client| {
        let details = client.show(scene.channel).unwrap()?;
        details.policy.role_of(&gone).is_none().then_some(())
    };
    scene.officers[ELI].until("A is out of the channel", is_out).await;
    scene.writes(CID, "without A").await;
    scene.read_by("without A", &[DORA, ELI]).await;
}
