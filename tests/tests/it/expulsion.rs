//! A whole authority is put out of a channel: also the one whose relay orders it, and whatever its
//! officers' programs send afterwards.

use std::collections::BTreeSet;

use enlace_channel::channel::{Command, Outgoing, SuccessionDraft};
use enlace_channel::mls::Suite;
use enlace_channel::policy::{FoundingReason, Role};
use enlace_client::Client;
use enlace_client::notice::Notice;
use enlace_identity::names::DeviceName;
use enlace_log::{ClientId, DeviceList, Seq};
use enlace_proto::relay::v1::{ClaimKeyPackagesRequest, ErrorCode, SubmitRequest};
use enlace_test_rogue::in_another_envelope;
use enlace_tests::rogue::random;
use enlace_tests::several::{ANA, CID, DORA, ELI};
use enlace_tests::{Rogue, Several, call};

/// Those who stay where A is put out.
const STAY: [usize; 3] = [CID, DORA, ELI];

/// A's relay orders the channel of Ana of A, Cid and Dora of B, Eli of C; Cid owns it.
async fn hosted_by_another() -> Several {
    let scene = Several::with_three().await;
    let (ana, cid) = (&scene.officers[ANA], &scene.officers[CID]);
    let wish = ana.client().set_role(scene.channel, cid.address(), Role::Owner).unwrap();
    ana.accepted(wish).await;
    let is_owner = |client: &Client| {
        let policy = client.show(scene.channel).unwrap()?.policy;
        (policy.role_of(&cid.address()) == Some(Role::Owner)).then_some(())
    };
    cid.until("the channel is Cid's", is_owner).await;
    scene
}

/// What an officer's device has as the newest of what was said; consents are entries without text.
fn last_text(scene: &Several, who: usize) -> String {
    let texts = scene.officers[who].texts(scene.channel);
    texts.into_iter().rfind(|text| !text.is_empty()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_relay_orders_the_channel_is_put_out_and_it_moves_on() {
    let mut scene = hosted_by_another().await;
    scene.writes(ANA, "while they were in").await;
    scene.expel(CID, "a.example", &[ELI]).await;
    scene.hear_of_expulsion(CID, "a.example", &STAY).await;
    // Its relay orders the channel still, and serves its own officers no further.
    scene.is_at(ELI, "a.example").await;
    scene.writes(ELI, "between us").await;
    scene.know_that_they_are_out(CID, &[ANA]).await;
    scene.assert_healthy().await;

    let said: Vec<_> = (0..12)
        .map(|number| {
            if number == 6 {
                scene.votes(CID, "b.example");
                scene.votes(ELI, "b.example");
            }
            let who = STAY[number % 3];
            (who, format!("{number} while it moves"))
        })
        .map(|(who, text)| (who, scene.officers[who].post(scene.channel, &text), text))
        .collect();
    for (who, note, _) in &said {
        scene.officers[*who].accepted(*note).await;
    }
    for who in STAY {
        scene.is_at(who, "b.example").await;
        for (_, _, text) in &said {
            scene.read_by(text, &[who]).await;
        }
    }
    // Who was the hub takes nothing in any more.
    let mut rogue = Rogue::of(&scene.network, &scene.officers[DORA]).await;
    let former = rogue.connect(&scene.places[0].target(&scene.network)).await;
    let note = rogue.build_note(scene.channel, "at the wrong door");
    let note = SubmitRequest { hub: "a.example".to_owned(), ..note.request };
    let refused = Rogue::submit(&former, &note).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::HubUnreachable);

    scene.stop_relay(0).await;
    scene.assert_healthy().await;
    scene.assert_peace();
    assert_eq!(last_text(&scene, ANA), "while they were in");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shuts_the_hub_down_is_put_out_behind_it_and_hears_of_it_later() {
    let mut scene = hosted_by_another().await;
    scene.writes(ANA, "the last from A").await;
    scene.read_by("the last from A", &STAY).await;
    scene.stop_relay(0).await;
    let _waits = scene.officers[ANA].post(scene.channel, "never sent");
    scene.votes(CID, "b.example");
    scene.votes(ELI, "b.example");
    scene.knows_wish_of(CID, ELI).await;
    scene.knows_wish_of(ELI, CID).await;
    scene.comes_to(ELI, "b.example").await;
    scene.expel(CID, "a.example", &[ELI]).await;
    scene.hear_of_expulsion(CID, "a.example", &STAY).await;
    for who in STAY {
        let text = format!("{who} goes on");
        scene.writes(who, &text).await;
        scene.read_by(&text, &STAY).await;
    }

    scene.start_relay(0).await;
    scene.know_that_they_are_out(CID, &[ANA]).await;
    scene.assert_healthy().await;
    scene.assert_peace();
    assert_eq!(last_text(&scene, ANA), "the last from A");
    for who in STAY {
        assert!(!scene.officers[who].texts(scene.channel).contains(&"never sent".to_owned()));
    }
}

/// C is put out while nobody but Ana is online, who cannot confirm that herself: so its officer's
/// objection brings it back onto the hub's list, and the hub takes whatever its program sends.
#[tokio::test(flavor = "multi_thread")]
async fn a_modified_client_goes_on_after_its_authority_is_put_out() {
    let mut scene = Several::with_three().await;
    let channel = scene.channel;
    let mut rogue = Rogue::of(&scene.network, &scene.officers[ELI]).await;
    let hub = rogue.connect(&scene.places[0].target(&scene.network)).await;
    let note = rogue.build_note(channel, "nobody puts us out");
    let wish = scene.officers[ANA].client().expel(channel, "c.example".parse().unwrap()).unwrap();
    scene.consents(CID, "c.example").await;
    scene.officers[CID].go_offline().await;
    scene.officers[DORA].go_offline().await;
    let expulsion = scene.officers[ANA].accepted(wish).await.unwrap();
    scene.officers[ELI]
        .is_told(channel, "being left out", |row| {
            matches!(row.notice, Notice::LeftOut { .. }).then_some(())
        })
        .await;
    let objected = |client: &Client| {
        let fence = client.show(channel).unwrap()?.next;
        (fence > expulsion.next()).then_some(())
    };
    scene.officers[ELI].until("the objection of its own program", objected).await;
    scene.officers[ELI].go_offline().await;

    // It goes on in the group that it knows, as if nothing had been; the hub cannot tell.
    let first = in_another_envelope(&note, |envelope| envelope.fence = Some(expulsion));
    let said = Rogue::submit(&hub, &first).await.unwrap();
    let alone = DeviceList::from_iter([scene.officers[ELI].device().clone()]);
    let removal = Command::Remove(scene.officers[ANA].address());
    let mut voided = Vec::new();
    for (command, list) in [(&Command::SelfUpdate, Some(alone)), (&removal, None)] {
        rogue.lease(&hub, channel).await.unwrap();
        let built = rogue.build_commit(channel, command, list).unwrap();
        rogue.forget_commit(channel);
        let fence = voided.last().copied().or(Some(expulsion));
        let built = rogue.in_signed_envelope(&built, |envelope| envelope.fence = fence);
        voided.push(Rogue::submit(&hub, &built).await.unwrap());
    }
    rogue.lease(&hub, channel).await.unwrap();
    let founded = own_group(&mut rogue, &scene).await;
    let fence = voided.last().copied();
    let founded = rogue.in_signed_envelope(&founded, |envelope| envelope.fence = fence);
    voided.push(Rogue::submit(&hub, &founded).await.unwrap());

    scene.officers[CID].go_online();
    scene.officers[DORA].go_online();
    let honest = [ANA, CID, DORA];
    scene.hear_of_expulsion(ANA, "c.example", &honest).await;
    for seq in voided {
        let reason = assert_void(&scene, seq, ELI, &honest).await;
        assert!(reason.contains("not a member"), "{reason}");
    }
    assert_unreadable(&scene, said, ELI, &honest).await;
    for who in honest {
        let notices = scene.officers[who].notices(channel).into_iter();
        let unreadable = notices.filter(|notice| matches!(notice, Notice::Unreadable { .. }));
        assert_eq!(unreadable.count(), 1, "an objection is no entry");
    }
    scene.assert_same_state(&honest).await;
    for who in honest {
        let text = format!("{who} goes on");
        scene.writes(who, &text).await;
        scene.read_by(&text, &honest).await;
    }

    // With the next change that another authority confirms, the hub knows better.
    let renewal = scene.officers[ANA].client().renew_keys(channel).unwrap();
    let renewed = scene.officers[ANA].accepted(renewal).await.unwrap();
    scene.writes(CID, "with fresh keys").await;
    let late = in_another_envelope(&note, |envelope| {
        (envelope.client_id, envelope.fence) = (ClientId(random()), Some(renewed));
    });
    let objection = rogue.build_contest(channel, renewed).request;
    let lease = rogue.lease(&hub, channel).await.unwrap_err();
    let late = Rogue::submit(&hub, &late).await.unwrap_err();
    let objection = Rogue::submit(&hub, &objection).await.unwrap_err();
    let codes = [lease, late, objection].map(|refusal| refusal.code);
    let expected = [ErrorCode::NotAMember, ErrorCode::NotAMember, ErrorCode::BadEnvelope];
    assert_eq!(codes, expected, "there is nothing to object to");
    scene.officers.truncate(ELI);
    scene.assert_healthy().await;
    scene.assert_peace();
}

/// The next group as a lead who was put out would have it: with everybody who was in the last one.
async fn own_group(rogue: &mut Rogue, scene: &Several) -> Outgoing {
    let home = rogue.connect(&scene.places[2].target(&scene.network)).await;
    let claim = ClaimKeyPackagesRequest {
        suite: Suite::PostQuantum.code().into(),
        devices: [ANA, CID, DORA].map(|who| scene.officers[who].device().to_string()).to_vec(),
        officers: Vec::new(),
    };
    let claimed = call(&home, &claim).await.unwrap().key_packages;
    let draft = SuccessionDraft {
        reason: FoundingReason::Poisoned,
        suite: Suite::PostQuantum,
        key_packages: claimed.into_iter().map(|claimed| claimed.key_package).collect(),
        expulsion: None,
    };
    let id = ClientId(random());
    let built = rogue
        .act(scene.channel, |c, ctx| c.dangerous_seal_succession(ctx, draft, |_| {}, id))
        .unwrap();
    rogue.forget_commit(scene.channel);
    built
}

/// All of these void what stands at `seq`, for one reason, and name its author. Returns the reason.
async fn assert_void(scene: &Several, seq: Seq, author: usize, by: &[usize]) -> String {
    let is_void = |notice: &Notice| match notice {
        Notice::VoidChange { author, reason } => Some((author.device.clone(), reason.clone())),
        _ => None,
    };
    verdict(scene, seq, author, by, is_void).await
}

/// The same of an entry, which none of these reads.
async fn assert_unreadable(scene: &Several, seq: Seq, author: usize, by: &[usize]) {
    let is_unreadable = |notice: &Notice| match notice {
        Notice::Unreadable { author, reason } => Some((author.device.clone(), reason.clone())),
        _ => None,
    };
    verdict(scene, seq, author, by, is_unreadable).await;
}

async fn verdict(
    scene: &Several,
    seq: Seq,
    author: usize,
    by: &[usize],
    looked_for: impl Fn(&Notice) -> Option<(DeviceName, String)>,
) -> String {
    let mut reasons = BTreeSet::new();
    for who in by {
        let (culprit, reason) = scene.officers[*who]
            .is_told(scene.channel, "what came of it", |row| {
                looked_for(&row.notice).filter(|_| row.seq == Some(seq))
            })
            .await;
        assert_eq!(culprit, *scene.officers[author].device());
        reasons.insert(reason);
    }
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    reasons.pop_first().unwrap()
}
