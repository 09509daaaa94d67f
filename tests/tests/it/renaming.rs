//! An authority takes another domain while officers work: its relay of the old name goes on, one of
//! the new name stands beside it, and an officer moves to the new address without losing the role.

use enlace_channel::policy::Role;
use enlace_client::Client;
use enlace_client::notice::{ChangeAct, Notice};
use enlace_client::store::NoticeRow;
use enlace_identity::bundle::{AuthorityContent, BundleContent, FormerContent, SignedBundle};
use enlace_identity::names::DeviceName;
use enlace_proto::relay::v1::PublishBundleRequest;
use enlace_tests::{
    ANA, BEN, CID, Case, DAY, DORA, Network, Officer, RelayPlace, Rogue, START, call,
};

/// The next version: A is nova.example, by the signatures of both roots.
fn renamed(case: &Case, nova: &Network) -> SignedBundle {
    let present = case.network.bundle();
    let a = &case.network.authorities[0];
    let content = present.content().clone();
    let mut authorities = content.authorities.clone();
    authorities.retain(|authority| authority.domain != a.domain);
    let new = nova.bundle().content().authorities[0].clone();
    authorities.push(AuthorityContent { ..new });
    let former = vec![FormerContent {
        domain: a.domain.clone(),
        authority: nova.authorities[0].domain.clone(),
        roots: vec![a.root.certificate().clone()],
        until: START.plus(30 * DAY),
    }];
    let (version, previous) = (2, Some(present.hash()));
    let content = BundleContent { version, previous, authorities, former, ..content };
    let mut signed = SignedBundle::create(content).unwrap();
    for authority in [a, &nova.authorities[0]] {
        signed.sign_after(&present, &authority.domain, &authority.root_key).unwrap();
    }
    signed
}

fn is_in(device: &DeviceName) -> impl Fn(&NoticeRow) -> Option<()> {
    move |row| {
        let Notice::Changed { acts, .. } = &row.notice else { return None };
        let changed = |act: &ChangeAct| matches!(act, ChangeAct::AddressChanged { device: d, .. } if d == device);
        acts.iter().any(changed).then_some(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_takes_another_domain_and_its_officers_stay_who_they_are() {
    let mut case = Case::with_four().await;
    let nova = Network::new(&["nova.example"]);
    let signed = renamed(&case, &nova);
    let ben = Rogue::of(&case.network, &case.officers[BEN]).await;
    let connection = ben.connect(&case.target(0)).await;
    call(&connection, &PublishBundleRequest { bundle: signed.encode() }).await.unwrap();
    for who in [ANA, BEN, CID, DORA] {
        let follows = |row: &NoticeRow| {
            let Notice::Changed { acts, .. } = &row.notice else { return None };
            acts.contains(&ChangeAct::BundleChanged { version: 2 }).then_some(())
        };
        let officer = &case.officers[who];
        officer.is_told(case.channel, "the channel follows the bundle", follows).await;
    }
    assert_eq!(connection.lost(), None, "the former domain's certificates hold");
    case.assert_healthy().await;

    // The relay of the new name, and Ana's device there.
    let both = Network { authorities: nova.authorities, signed };
    let place = RelayPlace::new(&both, 0);
    let [a, b] = [0, 1].map(|at| case.places[at].endpoint_record(&case.network));
    let n = place.endpoint_record(&both);
    for (at, others) in [(0, [&b, &n]), (1, [&a, &n])] {
        case.stop_relay(at).await;
        let others = others.map(Vec::clone).to_vec();
        case.relays[at] = Some(case.places[at].start_knowing(&case.network, others).await);
    }
    let _relay = place.start_knowing(&both, vec![a, b]).await;
    let mut moved = Officer::enrol(&both, 0, "ana", place.port).await;
    moved.introduce().await;
    moved.go_online();
    let (old, new) = (case.officers[ANA].device().clone(), moved.device().clone());
    case.officers[ANA].client().add_device(&new).unwrap();
    moved.joined(case.channel).await;
    for who in [ANA, BEN, CID, DORA] {
        case.officers[who].is_told(case.channel, "another address", is_in(&new)).await;
    }
    let role_of = |client: &Client, officer: &Officer| {
        let details = client.show(case.channel).unwrap().unwrap();
        let member = details.members.iter().find(|member| member.officer == officer.address());
        member.and_then(|member| member.role)
    };
    let cid = case.officers[CID].client();
    assert_eq!(role_of(cid, &moved), Some(Role::Owner));
    assert_eq!(role_of(cid, &case.officers[ANA]), Some(Role::Lead));

    // From then on the new one speaks for her, and takes the old one out.
    moved.client().remove_device(&old).unwrap();
    let gone = |client: &Client| (role_of(client, &case.officers[ANA]).is_none()).then_some(());
    case.officers[CID].until("the old address goes", gone).await;
    case.officers.swap_remove(ANA);
    case.officers.push(moved);
    case.assert_healthy().await;
    let last = case.officers.len() - 1;
    let ana = &case.officers[last];
    let ben = "ben@a.example".parse().unwrap();
    ana.accepted(ana.client().set_role(case.channel, ben, Role::Lead).unwrap()).await;
    case.assert_healthy().await;
}
