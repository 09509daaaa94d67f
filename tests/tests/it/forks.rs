//! A hub that signs two histories. Nobody is told of a fork without two signatures of the hub that
//! contradict each other, and the first entry that passes from one side to the other brings them.

use enlace_channel::policy::Role;
use enlace_client::Client;
use enlace_client::notice::{ForkAlarm, Notice};
use enlace_log::{ForkProof, Item, QuotedHead, Seq, VerifiedHead};
use enlace_proto::relay::v1 as wire;
use enlace_tests::scene::{ANA, BEN, LyingScene};

/// Waits for the alarm at one device, and checks what it holds: two heads that the hub really
/// signed, and that cannot both be true.
async fn alarm(scene: &LyingScene, who: usize, sides: [usize; 2]) -> ForkProof {
    let alarm = scene.officers[who]
        .is_told(scene.channel, "the fork", |row| match &row.notice {
            Notice::Fork(alarm) => Some(alarm.clone()),
            _ => None,
        })
        .await;
    assert_eq!(alarm.hub, "a.example");
    let [first, second] = heads(scene, &alarm);
    let proof = ForkProof::at_one_position(first.clone(), second.clone());
    // Of two heads at different positions, the items between them are needed: any side's will do.
    let by_items = |side: &usize| {
        let log = scene.relay.log(scene.channel, *side);
        let from = usize::try_from(first.head().seq.0).unwrap() + 1;
        let to = usize::try_from(second.head().seq.0).unwrap();
        let between: &[Item] = log.get(from..=to)?;
        let chain = scene.relay.chain(scene.channel, *side, first.head().seq);
        ForkProof::by_items(first.clone(), second.clone(), chain, between)
    };
    proof.or_else(|| sides.iter().find_map(by_items)).expect("the alarm is proof")
}

fn heads(scene: &LyingScene, alarm: &ForkAlarm) -> [VerifiedHead; 2] {
    let key = scene.places[0].head.key.public();
    [&alarm.first, &alarm.second].map(|text| {
        let bytes = hex::decode(text).unwrap();
        QuotedHead::decode(&bytes).unwrap().into_signed().verify(&key).unwrap()
    })
}

fn has_alarm(scene: &LyingScene, who: usize) -> bool {
    let is_alarm = |notice: &Notice| matches!(notice, Notice::Fork(_));
    scene.officers[who].notices(scene.channel).iter().any(is_alarm)
}

async fn say(scene: &LyingScene, who: usize, text: &str) -> Seq {
    let asked = scene.officers[who].post(scene.channel, text);
    scene.officers[who].accepted(asked).await.unwrap();
    scene.officers[who].reads(scene.channel, text).await;
    let next = scene.client(who).show(scene.channel).unwrap().unwrap().next;
    Seq(next.0 - 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_entry_that_passes_between_the_sides_proves_it() {
    let scene = LyingScene::with_two().await;
    let channel = scene.channel;
    scene.relay.fork(channel, &[scene.officers[BEN].device().as_str()]);
    say(&scene, ANA, "only Ana's side has this").await;
    say(&scene, BEN, "only Ben's side has this").await;
    assert!(!has_alarm(&scene, ANA) && !has_alarm(&scene, BEN), "nobody can know yet");

    say(&scene, ANA, "this passes between").await;
    let _ = scene.relay.pass(channel, 0, 1);
    scene.officers[BEN].reads(channel, "this passes between").await;
    alarm(&scene, BEN, [0, 1]).await;
    assert!(!has_alarm(&scene, ANA), "Ana's side has seen nothing yet");
    assert!(!scene.officers[BEN].texts(channel).iter().any(|text| text.contains("only Ana's")));
}

/// Before its batch is taken in whole, nothing that the hub signed covers the place it quotes.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_has_the_very_place_that_it_quotes_proves_it() {
    let scene = LyingScene::with_two().await;
    let channel = scene.channel;
    scene.relay.fork(channel, &[scene.officers[BEN].device().as_str()]);
    let quoted = say(&scene, BEN, "only Ben's side has this").await;
    say(&scene, BEN, "this passes between").await;
    assert_eq!(scene.relay.pass(channel, 1, 0), quoted);
    scene.officers[ANA].reads(channel, "this passes between").await;
    alarm(&scene, ANA, [0, 1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_shown_the_other_history_stops_with_proof() {
    let mut scene = LyingScene::with_two().await;
    let channel = scene.channel;
    let ben = scene.officers[BEN].device().to_string();
    scene.relay.fork(channel, &[&ben]);
    for text in ["on Ana's side", "and more of it"] {
        say(&scene, ANA, text).await;
    }
    say(&scene, BEN, "on Ben's side").await;
    let before = scene.officers[BEN].texts(channel);

    scene.relay.show(&ben, 0);
    scene.reconnect(BEN).await;
    scene.rests(BEN, "the other history").await;
    alarm(&scene, BEN, [0, 1]).await;
    assert_eq!(scene.officers[BEN].texts(channel), before, "nothing of it is taken in");

    // Ben's own history is still there, and he goes on with it; the alarm stays.
    scene.relay.show(&ben, 1);
    scene.reconnect(BEN).await;
    say(&scene, BEN, "on Ben's side still").await;
    assert!(has_alarm(&scene, BEN));
}

/// Where Ben's history ends, the other one has a change, and a relay sends nothing with what comes
/// after one.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_where_the_own_history_ends_does_not_hide_the_other() {
    let mut scene = LyingScene::with_two().await;
    let channel = scene.channel;
    let ben = scene.officers[BEN].device().to_string();
    scene.relay.fork(channel, &[&ben]);
    say(&scene, BEN, "only Ben's side has this").await;
    let renewal = scene.client(ANA).renew_keys(channel).unwrap();
    scene.officers[ANA].accepted(renewal).await;
    say(&scene, ANA, "only Ana's side has this").await;
    scene.relay.show(&ben, 0);
    scene.reconnect(BEN).await;
    scene.rests(BEN, "the other history").await;
    alarm(&scene, BEN, [0, 1]).await;
}

/// The other history is the shorter one, and nothing of it is ever sent to Ben; but his own words
/// get a place in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_place_in_another_history_proves_it() {
    let mut scene = LyingScene::with_two().await;
    let channel = scene.channel;
    let ben = scene.officers[BEN].device().to_string();
    scene.relay.fork(channel, &[&ben]);
    for text in ["only Ben's side has this", "and this", "and this too"] {
        say(&scene, BEN, text).await;
    }
    scene.relay.show(&ben, 0);
    scene.reconnect(BEN).await;
    let _ = scene.officers[BEN].post(channel, "to the other side");
    scene.officers[ANA].reads(channel, "to the other side").await;
    alarm(&scene, BEN, [0, 1]).await;
}

/// The other authority has an honest relay, which follows the history that it is shown.
#[tokio::test(flavor = "multi_thread")]
async fn an_authority_behind_an_honest_relay_is_shown_another_history() {
    let mut scene = LyingScene::with_two().await;
    let channel = scene.channel;
    let cid = scene.enrol_at(1, "cid").await;
    scene.officers.push(cid);
    const CID: usize = 2;
    scene.admit(channel, CID, Role::Lead).await;
    scene.assert_healthy().await;

    scene.relay.fork(channel, &["r1.relay.b.example"]);
    say(&scene, ANA, "only A has this").await;
    say(&scene, CID, "only B has this").await;
    say(&scene, CID, "this passes between").await;
    let _ = scene.relay.pass(channel, 1, 0);
    for who in [ANA, BEN] {
        scene.officers[who].reads(channel, "this passes between").await;
        alarm(&scene, who, [0, 1]).await;
    }
    assert!(!has_alarm(&scene, CID));
    say(&scene, BEN, "this passes back").await;
    let _ = scene.relay.pass(channel, 0, 1);
    scene.officers[CID].reads(channel, "this passes back").await;
    alarm(&scene, CID, [0, 1]).await;
}

/// A relay that is not the hub can't make a fork out of nothing: without two signatures nobody is
/// accused.
#[tokio::test(flavor = "multi_thread")]
async fn without_two_signatures_nobody_is_accused() {
    let mut scene = LyingScene::with_two().await;
    let channel = scene.channel;
    let ben = scene.officers[BEN].device().to_string();
    scene.relay.tell(move |peer, event| match event {
        wire::subscription_event::Event::Items(mut batch) if peer == ben => {
            // A genuine head, and items that don't lead to it.
            batch.items.iter_mut().for_each(|item| item.received_at_ms += 1);
            Some(wire::subscription_event::Event::Items(batch))
        }
        event => Some(event),
    });
    let asked = scene.officers[ANA].post(channel, "as Ana wrote it");
    scene.officers[ANA].accepted(asked).await;
    scene.rests(BEN, "a batch that doesn't lead to its head").await;
    assert!(!has_alarm(&scene, BEN));
    scene.relay.be_honest();
    scene.reconnect(BEN).await;
    scene.officers[BEN].reads(channel, "as Ana wrote it").await;
    let is_resting = |client: &Client| client.show(channel).unwrap().unwrap().row.stopped;
    assert_eq!(is_resting(scene.client(BEN)), None);
    scene.assert_healthy().await;
}
