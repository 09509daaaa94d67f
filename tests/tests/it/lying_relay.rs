//! A home relay that lies to one of its devices: that device stores nothing false, says so, and
//! goes on as soon as it is told the truth. The others notice nothing.

use enlace_channel::channel::Command;
use enlace_channel::policy::Role;
use enlace_client::Client;
use enlace_client::notice::Notice;
use enlace_client::store::ChannelStanding;
use enlace_identity::names::ServiceKind;
use enlace_log::{
    Commitment, Envelope, HeadSigner, ItemKind, ListHash, PayloadHash, Seq, WelcomesHash,
};
use enlace_proto::relay::v1::subscription_event::Event;
use enlace_proto::relay::v1::{
    ChannelEnded, Item, Items, ListChange, SubmitRequest, WelcomeDelivery,
};
use enlace_tests::Rogue;
use enlace_tests::rogue::random;
use enlace_tests::scene::{ANA, BEN, LyingScene};

/// What a relay does to a batch on its way to Ben.
type Fault = fn(&mut Items);

const FAULTS: [(&str, Fault); 9] = [
    ("an item dropped", |batch| drop(batch.items.remove(0))),
    ("an item repeated", |batch| {
        let again = batch.items[0].clone();
        batch.items.insert(1, again);
    }),
    ("items reordered", |batch| batch.items.swap(0, 1)),
    ("another time", |batch| batch.items[0].received_at_ms += 1),
    ("another payload", |batch| {
        let mut payload = batch.items[0].payload.to_vec();
        payload[20] ^= 1;
        batch.items[0].payload = payload.into();
    }),
    ("another envelope", |batch| {
        batch.items[0].envelope.as_mut().unwrap().submit_counter += 1;
    }),
    ("erased, and another was there", |batch| {
        batch.items[0].envelope.as_mut().unwrap().payload_hash = vec![1; 32].into();
        batch.items[0].payload = Vec::new().into();
    }),
    ("the end kept back", |batch| drop(batch.items.pop())),
    ("a broken signature", |batch| batch.head.as_mut().unwrap().signature[5] ^= 1),
];

/// Everything that a device shows of a channel but that it rests.
fn shown(client: &Client, scene: &LyingScene) -> impl PartialEq + std::fmt::Debug + use<> {
    let details = client.show(scene.channel).unwrap().unwrap();
    let entries = client.read(scene.channel, Seq(0), 1000).unwrap();
    (details.next, details.fence, details.policy, details.row.head, entries)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_log_changes_nothing() {
    let mut scene = LyingScene::with_two().await;
    let name = scene.officers[BEN].device().to_string();
    for (fault, meddle) in FAULTS {
        scene.officers[BEN].go_offline().await;
        let texts = ["one", "two", "three"].map(|text| format!("{text}, before {fault}"));
        for text in &texts {
            let asked = scene.officers[ANA].post(scene.channel, text);
            scene.officers[ANA].accepted(asked).await;
        }
        let before = shown(scene.officers[BEN].client(), &scene);
        let victim = name.clone();
        scene.relay.tell(move |peer, event| match event {
            Event::Items(mut batch) if peer == victim && batch.items.len() > 2 => {
                meddle(&mut batch);
                Some(Event::Items(batch))
            }
            event => Some(event),
        });
        scene.officers[BEN].go_online();
        scene.rests(BEN, fault).await;
        assert_eq!(shown(scene.officers[BEN].client(), &scene), before, "{fault}");

        scene.relay.be_honest();
        scene.reconnect(BEN).await;
        for text in &texts {
            scene.officers[BEN].reads(scene.channel, text).await;
        }
        assert!(scene.client(BEN).show(scene.channel).unwrap().unwrap().row.stopped.is_none());
    }
    let accused = |notice: &Notice| matches!(notice, Notice::Fork(_));
    assert!(!scene.officers[BEN].notices(scene.channel).iter().any(accused));
    scene.assert_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_of_another_key_is_not_believed() {
    let mut scene = LyingScene::with_two().await;
    let channel = scene.channel;
    for (authority, what) in [(0, "another head key"), (1, "another authority's head key")] {
        let key = scene.network.authorities[authority].service("h9", ServiceKind::Head);
        let before = shown(scene.officers[BEN].client(), &scene);
        scene.officers[BEN].go_offline().await;
        let asked = scene.officers[ANA].post(channel, what);
        let seq = scene.officers[ANA].accepted(asked).await.unwrap();
        scene.officers[ANA].reads(channel, what).await;
        let told = scene.officers[ANA].client().show(channel).unwrap().unwrap().row.head.unwrap();
        let head = told.unverified_head().clone();
        assert_eq!(head.seq, seq);
        let signer = HeadSigner(*key.chain.leaf().fingerprint().as_bytes());
        let false_head = head.sign(&key.key, signer).to_wire();
        let victim = scene.officers[BEN].device().to_string();
        scene.relay.tell(move |peer, event| match event {
            Event::Items(mut batch) if peer == victim => {
                batch.head = Some(false_head.clone());
                Some(Event::Items(batch))
            }
            event => Some(event),
        });
        scene.officers[BEN].go_online();
        scene.rests(BEN, what).await;
        assert_eq!(shown(scene.officers[BEN].client(), &scene), before, "{what}");
        scene.relay.be_honest();
        scene.reconnect(BEN).await;
        scene.officers[BEN].reads(channel, what).await;
    }
    scene.assert_healthy().await;
}

/// Neither payload nor list change stands in the chain: a relay can tell them differently.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_its_content_makes_a_device_wait_and_no_other_channel() {
    let mut scene = LyingScene::with_two().await;
    let other = scene.open_another("Operation Harbour").await;
    let victim = scene.officers[BEN].device().to_string();
    scene.relay.tell(move |peer, event| match event {
        Event::Items(mut batch) if peer == victim => {
            for item in batch.items.iter_mut().filter(|item| item.list_change.is_some()) {
                item.payload = Vec::new().into();
            }
            Some(Event::Items(batch))
        }
        event => Some(event),
    });
    let renewal = scene.officers[ANA].client().renew_keys(scene.channel).unwrap();
    scene.officers[ANA].accepted(renewal).await;
    scene.rests(BEN, "a commit without its content").await;
    let voided = |notice: &Notice| matches!(notice, Notice::VoidChange { .. });
    assert!(!scene.officers[BEN].notices(scene.channel).iter().any(voided));

    let asked = scene.officers[ANA].post(other, "the other channel goes on");
    scene.officers[ANA].accepted(asked).await;
    scene.officers[BEN].reads(other, "the other channel goes on").await;

    scene.relay.be_honest();
    scene.reconnect(BEN).await;
    scene.assert_healthy().await;
}

fn erase(item: &mut Item) {
    let hash = PayloadHash::of(&std::mem::take(&mut item.payload));
    item.envelope.as_mut().unwrap().payload_hash = hash.0.to_vec().into();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_without_its_content_is_shown_as_such() {
    let scene = LyingScene::with_two().await;
    let victim = scene.officers[BEN].device().to_string();
    scene.relay.tell(move |peer, event| match event {
        Event::Items(mut batch) if peer == victim => {
            batch.items.iter_mut().for_each(erase);
            Some(Event::Items(batch))
        }
        event => Some(event),
    });
    let asked = scene.officers[ANA].post(scene.channel, "kept from Ben");
    let seq = scene.officers[ANA].accepted(asked).await;
    let device = scene.officers[ANA].device().clone();
    scene.officers[BEN]
        .is_told(scene.channel, "an unreadable entry", |row| match &row.notice {
            Notice::WithoutContent { author } if row.seq == seq => {
                assert!(author.by_relays_word);
                (author.device == device).then_some(())
            }
            _ => None,
        })
        .await;
    assert!(!scene.officers[BEN].texts(scene.channel).iter().any(|text| text == "kept from Ben"));
    scene.relay.be_honest();
    scene.assert_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_list_change_changes_nothing() {
    let scene = LyingScene::with_two().await;
    let victim = scene.officers[BEN].device().to_string();
    scene.relay.tell(move |peer, event| match event {
        Event::Items(mut batch) if peer == victim => {
            for item in batch.items.iter_mut().filter(|item| item.list_change.is_some()) {
                let removed = vec![victim.clone()];
                item.list_change = Some(ListChange { added: Vec::new(), removed });
            }
            Some(Event::Items(batch))
        }
        event => Some(event),
    });
    let renewal = scene.officers[ANA].client().renew_keys(scene.channel).unwrap();
    scene.officers[ANA].accepted(renewal).await;
    scene.assert_healthy().await;
}

/// What a relay does to a welcome on its way.
type WelcomeFault = fn(&mut WelcomeDelivery);

const WELCOME_FAULTS: [(&str, WelcomeFault); 5] = [
    ("another welcome", |welcome| {
        let mut message = welcome.welcomes[0].message.to_vec();
        let middle = message.len() / 2;
        message[middle] ^= 1;
        welcome.welcomes[0].message = message.into();
    }),
    ("a shorter list", |welcome| drop(welcome.device_list.pop())),
    ("another head", |welcome| welcome.head.as_mut().unwrap().signature[5] ^= 1),
    ("another time", |welcome| welcome.commit.as_mut().unwrap().received_at_ms += 1),
    ("another chain before", |welcome| welcome.previous_chain[5] ^= 1),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_welcome_swapped_on_the_way_is_refused_and_the_genuine_one_still_taken() {
    let mut scene = LyingScene::with_two().await;
    let channel = scene.channel;
    let mut eva = scene.enrol("eva").await;
    scene.relay.tell(|_, event| match event {
        Event::Welcome(_) => None,
        event => Some(event),
    });
    let wish = scene.officers[ANA].client().add_member(channel, eva.address(), Role::Member);
    scene.officers[ANA].accepted(wish.unwrap()).await;
    for (told, (fault, meddle)) in WELCOME_FAULTS.into_iter().enumerate() {
        eva.go_offline().await;
        scene.relay.tell(move |_, event| match event {
            Event::Welcome(mut welcome) => {
                meddle(&mut welcome);
                Some(Event::Welcome(welcome))
            }
            event => Some(event),
        });
        eva.go_online();
        scene.relay.has_dealt_with(eva.device().as_str(), told + 1).await;
        assert!(eva.client().show(channel).unwrap().is_none(), "{fault}");
    }
    let is_refusal = |notice: &Notice| matches!(notice, Notice::WelcomeRefused { .. });
    assert!(eva.notices(channel).iter().any(is_refusal));
    scene.relay.be_honest();
    eva.go_offline().await;
    eva.go_online();
    eva.joined(channel).await;
    scene.officers.push(eva);
    scene.assert_healthy().await;
}

/// An item of Ben's, as a hub makes it up.
fn forged(scene: &LyingScene, kind: ItemKind) -> SubmitRequest {
    let details = scene.officers[ANA].client().show(scene.channel).unwrap().unwrap();
    let log = scene.relay.log(scene.channel, 0);
    let genuine = log.last().unwrap().sealed.envelope().clone();
    let payload = b"whatever a hub likes";
    let is_commit = kind == ItemKind::Commit;
    let envelope = Envelope {
        kind,
        author: scene.officers[BEN].device().clone().into(),
        client_id: enlace_log::ClientId(random()),
        fence: details.fence,
        last_valid_commit: details.fence,
        commitment: if is_commit { Commitment::NONE } else { Commitment(random()) },
        list_hash: if is_commit { ListHash(random()) } else { ListHash::NONE },
        welcomes_hash: WelcomesHash::NONE,
        payload_hash: PayloadHash::of(payload),
        ..genuine
    };
    SubmitRequest {
        channel: Some(envelope.channel.to_wire()),
        envelope: Some(envelope.to_wire(true)),
        outer_signature: if is_commit { vec![7; 64] } else { Vec::new() },
        payload: payload.to_vec().into(),
        list_change: is_commit.then(ListChange::default),
        ..SubmitRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_put_in_a_members_name_is_shown_by_the_relays_word_and_changes_nothing() {
    let scene = LyingScene::with_two().await;
    let ben = scene.officers[BEN].device().clone();
    for kind in [ItemKind::Entry, ItemKind::Commit] {
        let forged = forged(&scene, kind);
        let seq = scene.relay.append(scene.channel, 0, &forged);
        for officer in &scene.officers {
            officer
                .is_told(scene.channel, "a forged item", |row| match &row.notice {
                    Notice::Unreadable { author, .. } | Notice::VoidChange { author, .. }
                        if row.seq == Some(seq) =>
                    {
                        assert!(author.by_relays_word && author.device == ben);
                        Some(())
                    }
                    _ => None,
                })
                .await;
        }
        scene.assert_healthy().await;
    }
}

/// A genuine entry put in place again is dropped; a genuine commit whose signature was altered is
/// void for its author as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_genuine_item_taken_in_twice_or_with_another_signature_changes_nothing() {
    let scene = LyingScene::with_two().await;
    let asked = scene.officers[BEN].post(scene.channel, "said once");
    scene.officers[BEN].accepted(asked).await;
    let seq = scene.relay.pass(scene.channel, 0, 0);
    let is_there =
        |client: &Client| (client.show(scene.channel).unwrap().unwrap().next > seq).then_some(());
    scene.officers[ANA].until("the repeated item", is_there).await;
    let texts = scene.officers[ANA].texts(scene.channel);
    assert_eq!(texts.iter().filter(|text| *text == "said once").count(), 1);
    scene.assert_healthy().await;

    let mut rogue = Rogue::of(&scene.network, &scene.officers[BEN]).await;
    let commit = rogue.build_commit(scene.channel, &Command::SelfUpdate, None).unwrap();
    let mut request = commit.request;
    request.outer_signature[3] ^= 1;
    let seq = scene.relay.append(scene.channel, 0, &request);
    for officer in &scene.officers {
        officer
            .is_told(scene.channel, "a void commit", |row| {
                let void = matches!(row.notice, Notice::VoidChange { .. });
                (void && row.seq == Some(seq)).then_some(())
            })
            .await;
    }
    scene.assert_healthy().await;
}

/// As a follower does whose copy of the log has not come to the readmission yet: the welcome was
/// faster.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_former_membership_that_is_told_late_does_not_silence_the_next() {
    let scene = LyingScene::with_two().await;
    let (channel, ben) = (scene.channel, scene.officers[BEN].address());
    let removal = scene.client(ANA).remove_member(channel, ben).unwrap();
    let removed = scene.officers[ANA].accepted(removal).await.unwrap();
    let is_out = |client: &Client| {
        let row = client.show(channel).unwrap().unwrap().row;
        (row.standing == ChannelStanding::Removed).then_some(())
    };
    scene.officers[BEN].until("the removal", is_out).await;
    scene.admit(channel, BEN, Role::Member).await;

    let name = scene.officers[BEN].device().to_string();
    let mut told = false;
    scene.relay.tell(move |peer, event| match event {
        Event::Items(items) if peer == name && !told => {
            told = true;
            let ended = ChannelEnded { channel: items.channel, last_seq: removed.0 };
            Some(Event::Ended(ended))
        }
        event => Some(event),
    });
    let asked = scene.officers[ANA].post(channel, "to all who are in");
    scene.officers[ANA].accepted(asked).await;
    scene.officers[BEN].reads(channel, "to all who are in").await;
    scene.assert_healthy().await;
}
