//! What a follower makes of a hub that lies: nothing false reaches its own devices.

use enlace_identity::names::{DeviceName, ServiceKind};
use enlace_log::{ChainHash, Seq};
use enlace_proto::relay::v1::{
    FetchRangeRequest, Items, PublishCrlsRequest, SubmitRequest, WelcomeDelivery,
    subscription_control::Control, subscription_event::Event,
};
use enlace_transport::Connection;
use prost::Message as _;

use crate::support::{
    Device, Following, LyingHub, Network, Reading, Relay, RelayPlace, TestChannel, call, wire_id,
};

/// A's relay lies; B's is real. Ana of A has a channel with Bea of B.
struct Scene {
    network: Network,
    places: [RelayPlace; 2],
    hub: LyingHub,
    relay: Relay,
    ana: Device,
    bea: Device,
    beas: Connection,
    channel: TestChannel,
    commit: SubmitRequest,
}

async fn scene() -> Scene {
    let network = Network::new(&["a.example", "b.example"]);
    let places = [RelayPlace::new(&network, 0), RelayPlace::new(&network, 1)];
    let mut ana = Device::new(&network, 0, "ana");
    let bea = Device::new(&network, 1, "bea");
    let mut channel = TestChannel::new(1, ana.name.domain());
    let mut hub = LyingHub::start(&network, &places[0], &channel);
    let commit = channel.first_commit(&mut ana, &[&bea.name]);
    let seq = hub.append(&commit);
    channel.set_fence(seq);
    for _ in 0..3 {
        let entry = channel.entry(&mut ana);
        hub.append(&entry);
    }
    let relay = places[1].start(&network, &[&places[0]]).await;
    let beas = bea.connect(&relay.target).await;
    Scene { network, places, hub, relay, ana, bea, beas, channel, commit }
}

impl Scene {
    fn names(&self) -> [&DeviceName; 2] {
        [&self.ana.name, &self.bea.name]
    }

    fn welcome(&self) -> WelcomeDelivery {
        self.hub.welcome(0, &self.commit, &self.names())
    }

    /// Lets the follower begin, and serves it two honest items.
    async fn begin(&mut self) -> Following {
        let to_b = self.hub.connect(&self.relay.target).await;
        self.hub.deliver(&to_b, self.welcome()).await.unwrap();
        let mut following = self.hub.followed().await;
        assert_eq!(following.next_seq(), 1);
        following.send(Event::Items(self.hub.batch(1, 2))).await;
        match following.control().await {
            Control::Acknowledge(acknowledge) => assert_eq!(acknowledge.seq, 2),
            other => panic!("unexpected: {other:?}"),
        }
        following
    }

    /// What Bea's relay holds from a position on.
    async fn held_from(&self, from_seq: u64) -> usize {
        let channel = Some(wire_id(self.channel.id));
        let request = FetchRangeRequest { channel, from_seq, ..FetchRangeRequest::default() };
        call(&self.beas, &request).await.unwrap().items.len()
    }
}

/// Sends a batch that must not be believed, and sees that it was not.
async fn refused(scene: &Scene, following: &mut Following, lie: Items) {
    following.send(Event::Items(lie)).await;
    match following.control().await {
        Control::Unfollow(_) => {}
        other => panic!("the lie was believed: {other:?}"),
    }
    assert_eq!(scene.held_from(3).await, 0, "nothing of it is told to members");
    assert_eq!(scene.held_from(1).await, 2, "what was good stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_log_is_followed() {
    let mut scene = scene().await;
    let mut following = scene.begin().await;
    let mut reading = Reading::open(&scene.beas, &[(scene.channel.id, 1)]).await;
    assert_eq!(reading.positions_to(2).await, [1, 2]);
    following.send(Event::Items(scene.hub.batch(3, 3))).await;
    assert_eq!(reading.positions_to(3).await, [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_item_is_not_believed() {
    let mut scene = scene().await;
    let mut following = scene.begin().await;
    let mut lie = scene.hub.batch(3, 3);
    lie.items[0].payload = b"something else"[..].into();
    refused(&scene, &mut following, lie).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_item_is_missed() {
    let mut scene = scene().await;
    let entry = scene.channel.entry(&mut scene.ana);
    scene.hub.append(&entry);
    let mut following = scene.begin().await;
    let lie = scene.hub.batch(4, 4);
    refused(&scene, &mut following, lie).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_in_another_order_are_not_believed() {
    let mut scene = scene().await;
    let entry = scene.channel.entry(&mut scene.ana);
    scene.hub.append(&entry);
    let mut following = scene.begin().await;
    let mut lie = scene.hub.batch(3, 4);
    lie.items.swap(0, 1);
    refused(&scene, &mut following, lie).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_of_another_key_is_not_believed() {
    let mut scene = scene().await;
    let mut following = scene.begin().await;
    for authority in scene.network.authorities.iter() {
        let stranger = authority.service("h9", ServiceKind::Head);
        let (item, chain) = &scene.hub.log[3];
        let mut lie = scene.hub.batch(3, 3);
        lie.head = Some(scene.hub.head_by(&stranger, item.seq, *chain));
        following.send(Event::Items(lie)).await;
    }
    assert!(matches!(following.control().await, Control::Unfollow(_)));
    assert_eq!(scene.held_from(3).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_with_a_broken_signature_is_not_believed() {
    let mut scene = scene().await;
    let mut following = scene.begin().await;
    let mut lie = scene.hub.batch(3, 3);
    if let Some(head) = &mut lie.head {
        head.signature[5] ^= 1;
    }
    refused(&scene, &mut following, lie).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_histories_raise_an_alarm_that_keeps_both_heads() {
    let mut scene = scene().await;
    let mut following = scene.begin().await;
    // The hub signs a position 3 that does not follow from the position 2 that it signed before.
    let (item, _) = scene.hub.log[3].clone();
    let other_history = item.chain_after(&ChainHash([7; 32]));
    let mut lie = scene.hub.batch(3, 3);
    lie.head = Some(scene.hub.head(item.seq, other_history));
    refused(&scene, &mut following, lie).await;

    let alarm = scene.places[1].path(&format!("data/alarms/{}-3", scene.channel.id));
    let text = std::fs::read_to_string(alarm.with_extension("txt")).unwrap();
    assert!(text.contains("known ") && text.contains("contradicting "));
    let batch = std::fs::read(alarm.with_extension("items")).unwrap();
    assert_eq!(Items::decode(&batch[..]).unwrap().items.len(), 1);

    // The channel stays as it is, even if the hub now tells the truth.
    following.send(Event::Items(scene.hub.batch(3, 3))).await;
    let mut reading = Reading::open(&scene.beas, &[(scene.channel.id, 1)]).await;
    assert_eq!(reading.positions_to(2).await, [1, 2]);
    assert_eq!(scene.held_from(3).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_welcome_whose_parts_do_not_fit_is_refused() {
    type Lie = fn(&Scene, &mut WelcomeDelivery);
    let lies: [(&str, Lie); 13] = [
        ("another hub", |_, w| w.hub = "b.example".into()),
        ("a head elsewhere", |scene, w| {
            w.head = Some(scene.hub.head(Seq(5), scene.hub.log[0].1));
        }),
        ("a head of another chain", |scene, w| {
            w.head = Some(scene.hub.head(Seq(0), ChainHash([1; 32])));
        }),
        ("a head of another authority", |scene, w| {
            let stranger = scene.network.authorities[1].service("h9", ServiceKind::Head);
            w.head = Some(scene.hub.head_by(&stranger, Seq(0), scene.hub.log[0].1));
            w.head_certificates = stranger.chain.ders();
        }),
        ("a relay's key as head key", |scene, w| {
            let relay = scene.network.authorities[0].service("r1", ServiceKind::Relay);
            w.head = Some(scene.hub.head_by(&relay, Seq(0), scene.hub.log[0].1));
            w.head_certificates = relay.chain.ders();
        }),
        ("a shorter list", |_, w| w.device_list.truncate(1)),
        ("another welcome", |_, w| w.welcomes[0].message = b"another"[..].into()),
        ("a commit signed by nobody", |_, w| {
            if let Some(commit) = &mut w.commit {
                commit.outer_signature = vec![0; 64];
            }
        }),
        ("another nonce", |_, w| w.nonce[0] ^= 1),
        ("no nonce", |_, w| w.nonce.clear()),
        ("another past", |_, w| w.previous_chain[0] ^= 1),
        ("another time", |_, w| {
            if let Some(commit) = &mut w.commit {
                commit.received_at_ms += 1;
            }
        }),
        ("another committer", |scene, w| w.certificates = scene.bea.credential.chain.ders()),
    ];
    let scene = scene().await;
    let to_b = scene.hub.connect(&scene.relay.target).await;
    for (lie, tell) in lies {
        let mut welcome = scene.welcome();
        tell(&scene, &mut welcome);
        assert!(scene.hub.deliver(&to_b, welcome).await.is_err(), "{lie}");
    }
    let channel = Some(wire_id(scene.channel.id));
    let request = FetchRangeRequest { channel, ..FetchRangeRequest::default() };
    call(&scene.beas, &request).await.unwrap_err();
    scene.hub.deliver(&to_b, scene.welcome()).await.unwrap();
    let mut reading = Reading::open(&scene.beas, &[]).await;
    assert_eq!(reading.welcome().await, scene.welcome());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_cannot_deliver_welcomes() {
    let scene = scene().await;
    let eve = Device::new(&scene.network, 0, "eve").connect(&scene.relay.target).await;
    scene.hub.deliver(&eve, scene.welcome()).await.unwrap_err();
    scene.hub.deliver(&scene.beas, scene.welcome()).await.unwrap_err();
}

/// Whom somebody admitted before it was revoked is a member, whatever a relay makes of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_welcome_counts_though_its_author_was_revoked_since() {
    let mut scene = scene().await;
    let to_b = scene.hub.connect(&scene.relay.target).await;
    let crls = scene.network.authorities[0].lists(2, &[&scene.ana.credential]);
    call(&scene.beas, &PublishCrlsRequest { crls }).await.unwrap();
    scene.hub.deliver(&to_b, scene.welcome()).await.unwrap();
    assert_eq!(scene.hub.followed().await.next_seq(), 1);
}
