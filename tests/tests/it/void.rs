//! A modified client among honest ones: what it commits is void everywhere, its author is named,
//! and nobody is the worse for it.

use enlace_channel::channel::{Admission, Command, SuccessionDraft};
use enlace_channel::mls::Suite;
use enlace_channel::policy::{FoundingReason, Role};
use enlace_client::notice::Notice;
use enlace_log::{ClientId, DeviceList, Seq};
use enlace_proto::relay::v1::ClaimKeyPackagesRequest;
use enlace_tests::rogue::random;
use enlace_tests::{ANA, BEN, CID, Case, DORA, Rogue, call};
use enlace_transport::Connection;

const ALL: [usize; 4] = [ANA, BEN, CID, DORA];

/// A case with one whose client is modified.
struct Scene {
    case: Case,
    rogue: Rogue,
    hub: Connection,
    culprit: usize,
}

impl Scene {
    async fn with(culprit: usize) -> Self {
        Self::of(Case::with_four().await, culprit).await
    }

    async fn of(case: Case, culprit: usize) -> Self {
        let rogue = Rogue::of(&case.network, &case.officers[culprit]).await;
        let hub = rogue.connect(&case.target(0)).await;
        Self { case, rogue, hub, culprit }
    }

    fn officer(&self, who: usize) -> enlace_identity::names::OfficerAddress {
        self.case.officers[who].address()
    }

    fn list_of(&self, who: &[usize]) -> DeviceList {
        who.iter().map(|index| self.case.officers[*index].device().clone()).collect()
    }

    async fn commit(&mut self, command: &Command, claimed: Option<DeviceList>) -> Seq {
        self.rogue.commit(&self.hub, self.case.channel, command, claimed).await
    }

    /// All void the commit and name its author; nobody is out, and everybody goes on.
    async fn assert_harmless(&self, seq: Seq) -> String {
        let reason = self.case.assert_void(seq, self.culprit, &ALL).await;
        assert_eq!(self.case.inside(), ALL);
        self.case.assert_healthy().await;
        reason
    }

    async fn assert_contested(&self, seq: Seq, by: usize) {
        let device = self.case.officers[by].device();
        self.case.officers[CID]
            .is_told(self.case.channel, "a contest", |row| match &row.notice {
                Notice::Contested { by, commit } if by == device && *commit == seq.0 => Some(()),
                _ => None,
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_removes_another_without_the_right_to() {
    let mut scene = Scene::with(BEN).await;
    let removal = Command::Remove(scene.officer(DORA));
    let seq = scene.commit(&removal, None).await;
    scene.assert_harmless(seq).await;
    scene.assert_contested(seq, DORA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_who_closes_a_channel_that_is_not_its_own() {
    let mut scene = Scene::with(CID).await;
    let seq = scene.commit(&Command::SetClosed(true), None).await;
    let reason = scene.assert_harmless(seq).await;
    assert!(reason.contains("R-CLOSE"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_differs_from_the_group() {
    let mut scene = Scene::with(BEN).await;
    let all_but_dora = scene.list_of(&[ANA, BEN, CID]);
    let seq = scene.commit(&Command::SelfUpdate, Some(all_but_dora)).await;
    assert!(scene.assert_harmless(seq).await.contains("device list"));
    scene.assert_contested(seq, DORA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_holds_only_its_author() {
    for culprit in [BEN, CID] {
        let mut scene = Scene::with(culprit).await;
        let alone = scene.list_of(&[culprit]);
        let seq = scene.commit(&Command::SelfUpdate, Some(alone)).await;
        scene.assert_harmless(seq).await;
    }
}

/// A hub takes devices of the author's own authority off the list at once; so Ana, the owner, is
/// cut off by her colleague, and nobody of another authority is concerned.
#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_who_cuts_off_the_owner() {
    let mut scene = Scene::with(BEN).await;
    let without_ana = scene.list_of(&[BEN, CID, DORA]);
    let seq = scene.commit(&Command::SelfUpdate, Some(without_ana)).await;
    scene.assert_harmless(seq).await;
    scene.assert_contested(seq, ANA).await;
}

/// The same while she is away: she finds it when she comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_who_cuts_off_the_owner_while_she_is_away() {
    let mut scene = Scene::with(BEN).await;
    scene.case.officers[ANA].go_offline().await;
    let without_ana = scene.list_of(&[BEN, CID, DORA]);
    let seq = scene.commit(&Command::SelfUpdate, Some(without_ana)).await;
    scene.case.assert_void(seq, BEN, &[BEN, CID, DORA]).await;
    scene.case.officers[ANA].restart().await;
    scene.case.officers[ANA].go_online();
    scene.assert_harmless(seq).await;
    scene.assert_contested(seq, ANA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_commit() {
    let mut scene = Scene::with(DORA).await;
    let channel = scene.case.channel;
    for kept in [None, Some(200)] {
        scene.rogue.lease(&scene.hub, channel).await.unwrap();
        let genuine = scene.rogue.build_commit(channel, &Command::SelfUpdate, None).unwrap();
        let payload = match kept {
            Some(length) => genuine.request.payload[..length].to_vec(),
            None => b"no MLS at all".to_vec(),
        };
        let malformed = scene.rogue.with_payload(&genuine, &payload);
        let seq = Rogue::submit(&scene.hub, &malformed).await.unwrap();
        scene.assert_harmless(seq).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_who_admits_an_officer_of_another_authority() {
    let mut scene = Scene::with(CID).await;
    let eva = scene.case.enrol(0, "eva").await;
    let home = scene.rogue.connect(&scene.case.target(1)).await;
    let claim = ClaimKeyPackagesRequest {
        suite: Suite::PostQuantum.code().into(),
        devices: Vec::new(),
        officers: vec![eva.address().to_string()],
    };
    let mut claimed = call(&home, &claim).await.unwrap().key_packages;
    let admission = Admission {
        officer: eva.address(),
        role: Role::Member,
        key_package: claimed.pop().unwrap().key_package,
    };
    let seq = scene.commit(&Command::Admit(vec![admission]), None).await;
    scene.assert_harmless(seq).await;
    let channel = scene.case.channel;
    eva.is_told(channel, "that the welcome was refused", |row| {
        matches!(row.notice, Notice::WelcomeRefused { .. }).then_some(())
    })
    .await;
    assert!(eva.client().show(channel).unwrap().is_none());
    // Her own authority's lead can let her in all the same.
    scene.case.officers.push(eva);
    scene.case.admit(ANA, 4, Role::Member).await;
    scene.case.assert_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_who_changes_more_than_its_own_keys() {
    let case = Case::with_four().await;
    let (ana, ben) = (&case.officers[ANA], &case.officers[BEN]);
    let wish = ana.client().set_role(case.channel, ben.address(), Role::Observer).unwrap();
    let demoted = ana.accepted(wish).await.unwrap();
    let is_there = |client: &enlace_client::Client| {
        (client.show(case.channel).unwrap().unwrap().fence == Some(demoted)).then_some(())
    };
    ben.until("the new role", is_there).await;

    let mut scene = Scene::of(case, BEN).await;
    let channel = scene.case.channel;
    for act in
        [Command::SetRole(scene.officer(BEN), Role::Lead), Command::Remove(scene.officer(DORA))]
    {
        let seq = scene.commit(&act, None).await;
        scene.case.assert_void(seq, BEN, &ALL).await;
    }
    let note = scene.rogue.build_note(channel, "an observer does not write");
    let seq = Rogue::submit(&scene.hub, &note.request).await.unwrap();
    for reader in [ANA, CID, DORA] {
        let author = scene.case.officers[BEN].device();
        scene.case.officers[reader]
            .is_told(channel, "a refused entry", |row| match &row.notice {
                Notice::Unreadable { author: by, .. } => {
                    (row.seq == Some(seq) && by.device == *author).then_some(())
                }
                _ => None,
            })
            .await;
    }
    let ben = &scene.case.officers[BEN];
    let renewal = ben.client().renew_keys(channel).unwrap();
    ben.accepted(renewal).await;
    for who in [ANA, CID, DORA] {
        let officer = &scene.case.officers[who];
        let text = format!("{} goes on", officer.address());
        officer.accepted(officer.post(channel, &text)).await;
        for reader in ALL {
            scene.case.officers[reader].reads(channel, &text).await;
        }
        assert!(!officer.texts(channel).iter().any(|text| text.contains("does not write")));
    }
    scene.case.assert_same_state(&ALL).await;
}

#[tokio::test]
async fn a_member_who_founds_the_next_group() {
    let mut scene = Scene::with(BEN).await;
    let claim = ClaimKeyPackagesRequest {
        suite: Suite::PostQuantum.code().into(),
        devices: scene.list_of(&[ANA, CID, DORA]).iter().map(ToString::to_string).collect(),
        officers: Vec::new(),
    };
    let claimed = call(&scene.hub, &claim).await.unwrap().key_packages;
    let draft = SuccessionDraft {
        reason: FoundingReason::Poisoned,
        suite: Suite::PostQuantum,
        key_packages: claimed.into_iter().map(|claimed| claimed.key_package).collect(),
        expulsion: None,
    };
    assert_eq!(draft.key_packages.len(), 3);
    let channel = scene.case.channel;
    scene.rogue.lease(&scene.hub, channel).await.unwrap();
    let id = ClientId(random());
    let founded = scene
        .rogue
        .act(channel, |c, ctx| c.dangerous_seal_succession(ctx, draft, |_| {}, id))
        .unwrap();
    let seq = Rogue::submit(&scene.hub, &founded.request).await.unwrap();
    assert!(scene.assert_harmless(seq).await.contains("S-FOUNDER"));
}
