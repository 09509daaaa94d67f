//! What subscribers receive, and what they never do.

use enlace_log::{ChainStart, Generation, Item, Replica, Seq, SignedHead};
use enlace_proto::relay::v1::{ErrorCode, Items, subscription_event::Event};
use enlace_transport::{CloseCode, Connection, Lost, StreamError};

use crate::support::{Device, Network, Reading, Relay, RelayPlace, TestChannel, soon};

struct Scene {
    network: Network,
    place: RelayPlace,
    relay: Relay,
    ana: Device,
    anas: Connection,
    channel: TestChannel,
}

/// Ana's channel at the one relay.
async fn scene() -> Scene {
    let network = Network::new(&["a.example", "b.example"]);
    let mut place = RelayPlace::new(&network, 0);
    place.limits.request_burst = 10_000;
    let relay = place.start(&network, &[]).await;
    let mut ana = Device::new(&network, 0, "ana");
    let anas = ana.connect(&relay.target).await;
    let mut channel = TestChannel::new(1, ana.name.domain());
    channel.create(&mut ana, &anas, &[]).await;
    Scene { network, place, relay, ana, anas, channel }
}

/// Takes a batch in as a member does: the head is at its last item, its key's certificate came
/// before, and the chain leads there.
fn append(replica: &mut Replica, batch: Items, key: &enlace_identity::keys::PublicKey) -> usize {
    let items = batch.items.into_iter();
    let items: Vec<_> =
        items.map(|item| Item::from_wire(replica.channel(), item).unwrap()).collect();
    let head = SignedHead::from_wire(replica.channel(), &batch.head.unwrap()).unwrap();
    assert_eq!(head.unverified_head().seq, items.last().unwrap().seq);
    replica.append(&items, &head.verify(key).unwrap()).unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_catches_up_and_then_reads_live() {
    let Scene { mut ana, anas, channel, network, place: _place, relay: _relay } = scene().await;
    for _ in 0..3 {
        channel.post(&mut ana, &anas).await;
    }
    let start = ChainStart {
        channel: channel.id,
        hub: ana.name.domain().clone(),
        generation: Generation(0),
        predecessor: [0; 32],
    };
    let mut replica = Replica::from_start(&start);
    let mut key = None;
    let mut reading = Reading::open(&anas, &[(channel.id, 0)]).await;
    while replica.next_seq() < Seq(4) {
        match reading.event().await {
            Event::HeadCertificate(certificate) => {
                let ders = certificate.certificates;
                let chain =
                    enlace_identity::certificate::UnverifiedChain::from_ders(&ders).unwrap();
                let usage = enlace_identity::chain::LeafUsage::Head;
                let leaf = network.bundle().verify(&chain, *crate::support::START, usage).unwrap();
                key = Some(leaf.public_key());
            }
            Event::Items(batch) => {
                append(&mut replica, batch, key.as_ref().expect("the certificate came before"));
            }
            Event::Crls(_) => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
    for expected in 4..20 {
        let posted = channel.post(&mut ana, &anas).await;
        assert_eq!(posted.seq, expected);
        append(&mut replica, reading.items().await, key.as_ref().unwrap());
        assert_eq!(replica.next_seq(), Seq(expected + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_comes_in_bounded_batches() {
    let mut scene = scene().await;
    let Scene { ana, anas, channel, .. } = &mut scene;
    for _ in 0..600 {
        channel.post(ana, anas).await;
    }
    let mut reading = Reading::open(anas, &[(channel.id, 0)]).await;
    let mut next = 0;
    while next <= 600 {
        let items = reading.items().await.items;
        assert!(items.len() <= 256);
        for item in items {
            assert_eq!(item.seq, next);
            next += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_reads_its_removal_and_nothing_after() {
    let mut scene = scene().await;
    let ben = Device::new(&scene.network, 0, "ben");
    let bens = ben.connect(&scene.relay.target).await;
    let Scene { ana, anas, channel, .. } = &mut scene;
    let name = ana.name.clone();
    let admitted = channel.change(ana, anas, &[&name, &ben.name]).await.seq;
    channel.post(ana, anas).await;
    let mut reading = Reading::open(&bens, &[(channel.id, admitted + 1)]).await;
    assert_eq!(reading.positions_to(admitted + 1).await, [admitted + 1]);
    let removed = channel.change(ana, anas, &[&name]).await.seq;
    channel.post(ana, anas).await;
    assert_eq!(reading.positions_to(removed).await, [removed]);
    match reading.event().await {
        Event::Ended(ended) => assert_eq!(ended.last_seq, removed),
        other => panic!("unexpected: {other:?}"),
    }
    let mut from_the_start = Reading::open(&bens, &[(channel.id, 0)]).await;
    loop {
        match from_the_start.event().await {
            Event::Ended(_) => break,
            Event::Crls(_) | Event::HeadCertificate(_) | Event::Welcome(_) => {}
            other => panic!("nothing before the admission may be read: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_never_was_a_member_reads_nothing() {
    let scene = scene().await;
    let eve = Device::new(&scene.network, 1, "eve");
    let eves = eve.connect(&scene.relay.target).await;
    let mut reading = Reading::open(&eves, &[(scene.channel.id, 0)]).await;
    loop {
        match reading.event().await {
            Event::Ended(_) => break,
            Event::Crls(_) => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_welcome_is_pushed_again_until_it_is_taken() {
    let mut scene = scene().await;
    let mut ben = Device::new(&scene.network, 0, "ben");
    let bens = ben.connect(&scene.relay.target).await;
    let mut waiting = Reading::open(&bens, &[]).await;
    let Scene { ana, anas, channel, .. } = &mut scene;
    let name = ana.name.clone();
    let commit = channel.change(ana, anas, &[&name, &ben.name]).await;

    let welcome = waiting.welcome().await;
    let item = welcome.commit.as_ref().unwrap();
    assert_eq!(item.seq, commit.seq);
    assert_eq!(item.chain.len(), 32);
    assert_eq!(welcome.hub, "a.example");
    assert_eq!(welcome.device_list.len(), 2);
    assert_eq!(&welcome.welcomes[0].message[..], format!("welcome {}", ben.name).as_bytes());
    drop(waiting);

    let mut again = Reading::open(&bens, &[]).await;
    assert_eq!(again.welcome().await, welcome, "not taken yet");
    again.take_welcome(channel.id, Seq(commit.seq)).await;
    again.follow(channel.id, commit.seq + 1).await;
    let posted = channel.post(&mut ben, &bens).await;
    assert_eq!(again.positions_to(posted.seq).await, [posted.seq]);

    let mut third = Reading::open(&bens, &[(channel.id, posted.seq)]).await;
    loop {
        match third.event().await {
            Event::Items(_) => break,
            Event::Welcome(_) => panic!("it was taken"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_welcome_that_is_not_taken_holds_up_no_other() {
    let mut scene = scene().await;
    let ben = Device::new(&scene.network, 0, "ben");
    let bens = ben.connect(&scene.relay.target).await;
    let Scene { ana, anas, .. } = &mut scene;
    let mut admit = async |number| {
        let mut channel = TestChannel::new(number, ana.name.domain());
        channel.create(ana, anas, &[&ben.name]).await;
        channel.id
    };
    let mut expected = Vec::new();
    for number in 2..12 {
        expected.push(admit(number).await);
    }
    let mut reading = Reading::open(&bens, &[]).await;
    for number in 12..15 {
        expected.push(admit(number).await);
    }
    for channel in expected {
        let welcome = reading.welcome().await;
        assert_eq!(welcome.channel.unwrap().value, channel.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_follows_so_many_channels_and_no_more() {
    let network = Network::new(&["a.example"]);
    let mut place = RelayPlace::new(&network, 0);
    place.limits.channels_per_subscription = 2;
    let relay = place.start(&network, &[]).await;
    let ana = Device::new(&network, 0, "ana").connect(&relay.target).await;
    let channels: Vec<_> = (1..=3).map(|n| (enlace_log::ChannelId([n; 32]), 0)).collect();
    let mut reading = Reading::open(&ana, &channels).await;
    match reading.try_event().await {
        Err(StreamError::Refused(refusal)) => assert_eq!(refusal.code, ErrorCode::Limit),
        other => panic!("unexpected: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_holds_up_nobody() {
    let mut scene = scene().await;
    let slow = scene.ana.connect(&scene.relay.target).await;
    let _unread = Reading::open(&slow, &[(scene.channel.id, 0)]).await;
    let Scene { ana, anas, channel, .. } = &mut scene;
    let mut reading = Reading::open(anas, &[(channel.id, 1)]).await;
    for _ in 0..200 {
        let posted = channel.post_large(ana, anas, 50_000).await;
        assert_eq!(reading.positions_to(posted.seq).await, [posted.seq]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_many_channels_that_does_not_read_holds_up_nobody() {
    let mut scene = scene().await;
    let Scene { ana, anas, relay, network, .. } = &mut scene;
    let mut channels = Vec::new();
    for number in 2..14 {
        let mut channel = TestChannel::new(number, ana.name.domain());
        channel.create(ana, anas, &[]).await;
        // More than live readers share in memory: whoever begins at the start reads the store.
        for _ in 0..8 {
            channel.post_large(ana, anas, 50_000).await;
        }
        channels.push((channel.id, 0));
    }
    let slow = ana.connect(&relay.target).await;
    let _unread = Reading::open(&slow, &channels).await;
    for channel in &channels {
        let mut reading = Reading::open(anas, &[*channel]).await;
        assert_eq!(reading.positions_to(8).await.len(), 9);
    }
    // Hello reads the store too.
    Device::new(network, 0, "ben").connect(&relay.target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_relay_ends_subscriptions() {
    let Scene { relay, anas, channel, place: _place, .. } = scene().await;
    let mut reading = Reading::open(&anas, &[(channel.id, 1)]).await;
    let stopped = tokio::spawn(relay.stop());
    loop {
        match reading.try_event().await {
            Ok(Some(_)) => {}
            Err(StreamError::Refused(refusal)) => {
                assert_eq!(refusal.code, ErrorCode::Stopping);
                break;
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    stopped.await.unwrap();
    assert_eq!(soon(anas.closed()).await, Lost::ByPeer(CloseCode::Stopping));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_again_and_again_is_turned_away() {
    let network = Network::new(&["a.example"]);
    let mut place = RelayPlace::new(&network, 0);
    place.limits.requests_per_second = 1;
    place.limits.request_burst = 5;
    let relay = place.start(&network, &[]).await;
    let (ana, ben) = (Device::new(&network, 0, "ana"), Device::new(&network, 0, "ben"));
    let mut refused = None;
    for _ in 0..100 {
        match ana.dial(&relay.target).await {
            Ok(_) => {}
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    assert!(refused.is_some());
    ben.connect(&relay.target).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_relay_keeps_is_for_its_own_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let scene = scene().await;
    let data = scene.place.path("data");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&data) & 0o777, 0o700);
    for file in std::fs::read_dir(&data).unwrap().map(|file| file.unwrap().path()) {
        let is_lock = file.extension().is_some_and(|extension| extension == "lock");
        assert!(is_lock || mode(&file) & 0o077 == 0, "{}", file.display());
    }
}
