//! The network's bundle changes while officers work: their programs take their channels along.

use enlace_client::client::{PublishError, Published};
use enlace_client::notice::{ChangeAct, Notice};
use enlace_client::store::NoticeRow;
use enlace_identity::bundle::{BundleContent, SignedBundle};
use enlace_tests::{ANA, BEN, CID, Case, DORA, Rogue, soon};
use enlace_transport::{CloseCode, Lost};

/// The next version, of A alone, signed by A.
fn without_b(case: &Case) -> Vec<u8> {
    let present = case.network.bundle();
    let a = &case.network.authorities[0];
    let mut content = present.content().clone();
    content.authorities.retain(|authority| authority.domain == a.domain);
    let content = BundleContent { version: 2, previous: Some(present.hash()), ..content };
    let mut signed = SignedBundle::create(content).unwrap();
    signed.sign_after(&present, &a.domain, &a.root_key).unwrap();
    signed.encode()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_authority_is_cut_off_and_out_of_the_channels_by_itself() {
    let case = Case::with_four().await;
    let cids = Rogue::of(&case.network, &case.officers[CID]).await;
    let at_a = cids.connect(&case.target(0)).await;
    let registrar = case.officers[BEN].client();
    let unsigned = SignedBundle::decode(&without_b(&case)).unwrap().unverified_content().unwrap();
    let unsigned = SignedBundle::create(unsigned).unwrap().encode();
    let refused = registrar.publish_bundles(&[unsigned]).await.unwrap_err();
    assert!(matches!(refused, PublishError::Refused(_)), "{refused}");
    assert_eq!(registrar.publish_bundles(&[]).await.unwrap(), Published { before: 1, now: 1 });
    let published = registrar.publish_bundles(&[without_b(&case)]).await.unwrap();
    assert_eq!(published, Published { before: 1, now: 2 });
    let lost = soon("the connection is cut", at_a.closed()).await;
    assert_eq!(lost, Lost::ByPeer(CloseCode::Untrusted));

    let gone = [CID, DORA].map(|who| case.officers[who].address());
    for who in [ANA, BEN] {
        let officer = &case.officers[who];
        let followed = |notice: &Notice| {
            let Notice::Changed { acts, .. } = notice else { return false };
            let is_dropped = |gone| {
                acts.iter().any(|act| {
                    matches!(act, ChangeAct::Removed { officer, dropped: true, .. } if officer == gone)
                })
            };
            acts.contains(&ChangeAct::BundleChanged { version: 2 }) && gone.iter().all(is_dropped)
        };
        let told = |row: &NoticeRow| followed(&row.notice).then_some(());
        officer.is_told(case.channel, "the channel follows the bundle", told).await;
        assert_eq!(officer.client().bundle().version(), 2);
    }
    let note = case.officers[ANA].post(case.channel, "among ourselves");
    case.officers[ANA].accepted(note).await;
    case.officers[BEN].reads(case.channel, "among ourselves").await;
}
