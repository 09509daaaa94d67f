//! An owner who puts out whom it may not put out, and has a hub believe it: they are back with the
//! others' next change, and what they wrote is sent.

use enlace_channel::channel::SuccessionDraft;
use enlace_channel::mls::Suite;
use enlace_channel::policy::FoundingReason;
use enlace_client::notice::Notice;
use enlace_client::store::ChannelStanding;
use enlace_log::{ClientId, Envelope, Generation, Seq};
use enlace_proto::relay::v1::{ClaimKeyPackagesRequest, SubmitRequest};
use enlace_tests::rogue::random;
use enlace_tests::several::{ANA, CID, DORA, ELI};
use enlace_tests::{Case, Officer, Rogue, Several, call};

/// A founding that asks nobody, of these alone; where it stands.
async fn found(
    (rogue, hub): (&mut Rogue, &enlace_transport::Connection),
    channel: enlace_log::ChannelId,
    stay: &[&Officer],
    expelled: Option<enlace_identity::names::Domain>,
) -> Seq {
    let claim = ClaimKeyPackagesRequest {
        suite: Suite::PostQuantum.code().into(),
        devices: stay.iter().map(|officer| officer.device().to_string()).collect(),
        officers: Vec::new(),
    };
    let claimed = call(hub, &claim).await.unwrap().key_packages;
    assert_eq!(claimed.len(), stay.len());
    let reason = match expelled {
        Some(_) => FoundingReason::Expulsion,
        None => FoundingReason::Renewal,
    };
    let draft = SuccessionDraft {
        reason,
        suite: Suite::PostQuantum,
        key_packages: claimed.into_iter().map(|claimed| claimed.key_package).collect(),
        expulsion: expelled.map(|authority| (authority, Vec::new())),
    };
    rogue.lease(hub, channel).await.unwrap();
    let id = ClientId(random());
    let founded = rogue.act(channel, |c, ctx| c.dangerous_seal_succession(ctx, draft, |_| {}, id));
    Rogue::submit(hub, &founded.unwrap().request).await.unwrap()
}

/// The hub takes a colleague of the founder's off its list at once, and serves it no more.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_leaves_a_colleague_out_keeps_it_from_nothing() {
    let [ana, ben, cid, dora] =
        [enlace_tests::ANA, enlace_tests::BEN, enlace_tests::CID, enlace_tests::DORA];
    let mut case = Case::with_four().await;
    let mut rogue = Rogue::of(&case.network, &case.officers[ana]).await;
    let hub = rogue.connect(&case.target(0)).await;
    case.officers[ben].go_offline().await;
    let note = case.officers[ben].post(case.channel, "in spite of her");
    let stay = [&case.officers[cid], &case.officers[dora]];
    let seq = found((&mut rogue, &hub), case.channel, &stay, None).await;
    case.officers[ben].go_online();
    let reason = case.assert_void(seq, ana, &[ana, ben, cid, dora]).await;
    assert!(reason.contains("S-MEMBERS"), "{reason}");
    case.officers[ben].accepted(note).await;
    assert_eq!(case.inside(), [ana, ben, cid, dora]);
    case.assert_healthy().await;
    let notices = case.officers[ben].notices(case.channel);
    assert!(!notices.iter().any(|n| matches!(n, Notice::LeftOut { .. } | Notice::Removed { .. })));
}

/// A lead of a third authority confirms the founding, so that the hub believes it.
#[tokio::test(flavor = "multi_thread")]
async fn whom_two_put_out_without_consents_are_back_with_the_next_change() {
    let mut scene = Several::with_three().await;
    let channel = scene.channel;
    let mut rogue = Rogue::of(&scene.network, &scene.officers[ANA]).await;
    let hub = rogue.connect(&scene.places[0].target(&scene.network)).await;
    scene.officers[DORA].go_offline().await;
    let note = scene.officers[DORA].post(channel, "we are still here");
    let expelled = scene.officers[CID].device().domain().clone();
    let stay = [&scene.officers[ELI]];
    let seq = found((&mut rogue, &hub), channel, &stay, Some(expelled)).await;
    scene.officers[ELI]
        .is_told(channel, "it is void", |row| {
            let is_it = row.seq == Some(seq) && matches!(row.notice, Notice::VoidChange { .. });
            is_it.then_some(())
        })
        .await;
    let mut colluder = Rogue::of(&scene.network, &scene.officers[ELI]).await;
    let relay = colluder.connect(&scene.places[2].target(&scene.network)).await;
    let note_of_eli = colluder.build_note(channel, "they are out");
    let envelope = Envelope {
        generation: Generation(1),
        fence: Some(seq),
        last_valid_commit: Some(seq),
        ..note_of_eli.envelope.clone()
    };
    let confirmation =
        SubmitRequest { envelope: Some(envelope.to_wire(true)), ..note_of_eli.request };
    Rogue::submit(&relay, &confirmation).await.unwrap();
    scene.officers[DORA].go_online();
    let is_out = |client: &enlace_client::Client| {
        let details = client.show(channel).unwrap().unwrap();
        (details.row.standing == ChannelStanding::Removed).then_some(())
    };
    for who in [CID, DORA] {
        scene.officers[who].until("it is served no more", is_out).await;
    }
    let eli = &scene.officers[ELI];
    eli.accepted(eli.client().renew_keys(channel).unwrap()).await;
    scene.officers[DORA].accepted(note).await;
    for who in [ANA, CID, ELI] {
        scene.officers[who].reads(channel, "we are still here").await;
    }
    scene.assert_healthy().await;
}
