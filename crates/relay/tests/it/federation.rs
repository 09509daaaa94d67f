//! Two authorities' relays: forwarding, following, welcomes, claims and revocation lists across.

use enlace_log::Seq;
use enlace_proto::relay::v1::{
    ClaimKeyPackagesRequest, ErrorCode, FetchRangeRequest, PublishCrlsRequest,
    PublishKeyPackagesRequest,
};
use enlace_transport::{CloseCode, Connection, Lost};

use crate::support::{
    Device, Network, Reading, Relay, RelayPlace, TestChannel, call, soon, wire_id,
};

struct Pair {
    network: Network,
    places: [RelayPlace; 2],
}

impl Pair {
    fn new() -> Self {
        let network = Network::new(&["a.example", "b.example"]);
        let places = [RelayPlace::new(&network, 0), RelayPlace::new(&network, 1)];
        Self { network, places }
    }

    async fn start(&self, index: usize) -> Relay {
        self.places[index].start(&self.network, &[&self.places[1 - index]]).await
    }
}

/// Ana of A has a channel at A's relay, and admits Bea of B.
struct Case {
    ana: Device,
    anas: Connection,
    bea: Device,
    channel: TestChannel,
    admitted: u64,
}

async fn case(pair: &Pair, a: &Relay) -> Case {
    let mut ana = Device::new(&pair.network, 0, "ana");
    let bea = Device::new(&pair.network, 1, "bea");
    let anas = ana.connect(&a.target).await;
    let mut channel = TestChannel::new(1, ana.name.domain());
    channel.create(&mut ana, &anas, &[]).await;
    let name = ana.name.clone();
    let admitted = channel.change(&mut ana, &anas, &[&name, &bea.name]).await.seq;
    Case { ana, anas, bea, channel, admitted }
}

/// Bea takes her welcome at her own relay and reads on from there.
async fn join(case: &Case, beas: &Connection) -> Reading {
    let mut reading = Reading::open(beas, &[]).await;
    let welcome = reading.welcome().await;
    assert_eq!(welcome.commit.unwrap().seq, case.admitted);
    assert_eq!(welcome.hub, "a.example");
    reading.take_welcome(case.channel.id, Seq(case.admitted)).await;
    reading.follow(case.channel.id, case.admitted + 1).await;
    reading
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_pass_both_ways_through_two_relays() {
    let pair = Pair::new();
    let (a, b) = (pair.start(0).await, pair.start(1).await);
    let mut case = case(&pair, &a).await;
    let beas = case.bea.connect(&b.target).await;
    let mut at_b = join(&case, &beas).await;
    let mut at_a = Reading::open(&case.anas, &[(case.channel.id, case.admitted + 1)]).await;

    let posted = case.channel.post(&mut case.ana, &case.anas).await;
    assert_eq!(at_b.positions_to(posted.seq).await, [posted.seq]);
    assert_eq!(at_a.positions_to(posted.seq).await, [posted.seq]);

    let entry = case.channel.entry(&mut case.bea);
    let forwarded = call(&beas, &entry).await.unwrap();
    assert_eq!(forwarded.seq, posted.seq + 1);
    assert_eq!(at_a.positions_to(forwarded.seq).await, [forwarded.seq]);
    assert_eq!(at_b.positions_to(forwarded.seq).await, [forwarded.seq]);
    assert_eq!(call(&beas, &entry).await.unwrap().seq, forwarded.seq, "sent twice, stands once");
    let counter = case.bea.dial(&b.target).await.unwrap().hello.submit_counter;
    assert_eq!(counter, 1, "the own relay has recorded the counter");

    let range = FetchRangeRequest {
        channel: Some(wire_id(case.channel.id)),
        from_seq: posted.seq,
        ..FetchRangeRequest::default()
    };
    let mut there = call(&beas, &range).await.unwrap();
    let mut here = call(&case.anas, &range).await.unwrap();
    assert_eq!(there.items[0].chain.len(), 32, "the first comes with its chain");
    (there.head, here.head) = (None, None);
    there.items.truncate(1);
    here.items.truncate(1);
    assert_eq!(there, here, "the copy is the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_from_the_other_authority_gets_its_lease_and_is_followed() {
    let pair = Pair::new();
    let (a, b) = (pair.start(0).await, pair.start(1).await);
    let mut case = case(&pair, &a).await;
    let beas = case.bea.connect(&b.target).await;
    let mut at_b = join(&case, &beas).await;
    let carla = Device::new(&pair.network, 1, "carla");
    let names = [case.ana.name.clone(), case.bea.name.clone(), carla.name.clone()];
    let names: Vec<_> = names.iter().collect();
    let commit = case.channel.change(&mut case.bea, &beas, &names).await;
    assert_eq!(at_b.positions_to(commit.seq).await, [commit.seq]);

    let carlas = carla.connect(&b.target).await;
    let mut reading = Reading::open(&carlas, &[]).await;
    assert_eq!(reading.welcome().await.commit.unwrap().seq, commit.seq);
    reading.follow(case.channel.id, commit.seq + 1).await;
    let posted = case.channel.post(&mut case.ana, &case.anas).await;
    assert_eq!(reading.positions_to(posted.seq).await, [posted.seq]);
    let mut too_early = Reading::open(&carlas, &[(case.channel.id, case.admitted)]).await;
    loop {
        use enlace_proto::relay::v1::subscription_event::Event;
        match too_early.event().await {
            Event::Ended(_) => break,
            Event::Items(_) => panic!("the copy guards what came before the admission too"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_welcome_waits_for_a_relay_that_was_down() {
    let pair = Pair::new();
    let a = pair.start(0).await;
    let mut case = case(&pair, &a).await;
    let posted = case.channel.post(&mut case.ana, &case.anas).await;
    let a = {
        a.stop().await;
        pair.start(0).await
    };
    let b = pair.start(1).await;
    let beas = case.bea.connect(&b.target).await;
    let mut reading = join(&case, &beas).await;
    assert_eq!(reading.positions_to(posted.seq).await, [posted.seq]);
    drop(a);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_catches_up_after_its_restart() {
    let pair = Pair::new();
    let (a, b) = (pair.start(0).await, pair.start(1).await);
    let mut case = case(&pair, &a).await;
    let beas = case.bea.connect(&b.target).await;
    let mut reading = join(&case, &beas).await;
    let first = case.channel.post(&mut case.ana, &case.anas).await;
    assert_eq!(reading.positions_to(first.seq).await, [first.seq]);
    b.stop().await;

    let mut last = first.seq;
    for _ in 0..5 {
        last = case.channel.post(&mut case.ana, &case.anas).await.seq;
    }
    let b = pair.start(1).await;
    let beas = case.bea.connect(&b.target).await;
    let mut reading = Reading::open(&beas, &[(case.channel.id, first.seq + 1)]).await;
    let expected: Vec<u64> = (first.seq + 1..=last).collect();
    assert_eq!(reading.positions_to(last).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_comes_back_is_followed_again() {
    let pair = Pair::new();
    let (a, b) = (pair.start(0).await, pair.start(1).await);
    let mut case = case(&pair, &a).await;
    let beas = case.bea.connect(&b.target).await;
    let mut reading = join(&case, &beas).await;
    a.stop().await;

    let entry = case.channel.entry(&mut case.bea);
    let refusal = call(&beas, &entry).await.unwrap_err();
    assert!(is_worth_a_retry(refusal.code), "{refusal}");

    let a = pair.start(0).await;
    let accepted = loop {
        match call(&beas, &entry).await {
            Ok(accepted) => break accepted,
            Err(refusal) => assert!(is_worth_a_retry(refusal.code), "{refusal}"),
        }
    };
    assert_eq!(reading.positions_to(accepted.seq).await, [accepted.seq]);
    drop(a);
}

#[tokio::test(flavor = "multi_thread")]
async fn key_packages_are_claimed_across() {
    let pair = Pair::new();
    let (a, b) = (pair.start(0).await, pair.start(1).await);
    let ana = Device::new(&pair.network, 0, "ana");
    let bea = Device::new(&pair.network, 1, "bea");
    let (anas, beas) = (ana.connect(&a.target).await, bea.connect(&b.target).await);
    let publish = PublishKeyPackagesRequest {
        suite: 3,
        key_packages: vec![b"one".to_vec()],
        last_resort: Vec::new(),
        ..Default::default()
    };
    call(&beas, &publish).await.unwrap();
    let claim = ClaimKeyPackagesRequest {
        suite: 3,
        devices: Vec::new(),
        officers: vec![bea.name.officer().to_string()],
    };
    let claimed = call(&anas, &claim).await.unwrap().key_packages;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].device, bea.name.to_string());
    assert_eq!(call(&anas, &claim).await.unwrap_err().code, ErrorCode::NoKeyPackage);
    b.stop().await;
    assert!(is_worth_a_retry(call(&anas, &claim).await.unwrap_err().code));
}

/// Not reached, or no answer came: the link may not have noticed yet that the other is gone.
fn is_worth_a_retry(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::HubUnreachable | ErrorCode::Internal | ErrorCode::Stopping)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_reaches_the_other_authoritys_relay() {
    let pair = Pair::new();
    let (a, b) = (pair.start(0).await, pair.start(1).await);
    let ana = Device::new(&pair.network, 0, "ana");
    let ben = Device::new(&pair.network, 0, "ben");
    let anas = ana.connect(&a.target).await;
    // Ben talks to the other authority's relay, which his own can't prevent.
    let bens = ben.connect(&b.target).await;
    let crls = pair.network.authorities[0].lists(2, &[&ben.credential]);
    call(&anas, &PublishCrlsRequest { crls }).await.unwrap();
    assert_eq!(soon(bens.closed()).await, Lost::ByPeer(CloseCode::Revoked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_may_go_to_the_hub_itself() {
    let pair = Pair::new();
    let a = pair.start(0).await;
    let mut case = case(&pair, &a).await;
    let direct = case.bea.connect(&a.target).await;
    let mut reading = Reading::open(&direct, &[(case.channel.id, case.admitted)]).await;
    let posted = case.channel.post(&mut case.bea, &direct).await;
    assert_eq!(reading.positions_to(posted.seq).await, [case.admitted, posted.seq]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_follows_more_channels_than_a_device_may() {
    let mut pair = Pair::new();
    pair.places[0].limits.channels_per_subscription = 1;
    let (a, b) = (pair.start(0).await, pair.start(1).await);
    let mut case = case(&pair, &a).await;
    let beas = case.bea.connect(&b.target).await;
    let mut at_b = join(&case, &beas).await;
    let mut second = TestChannel::new(2, case.ana.name.domain());
    second.create(&mut case.ana, &case.anas, &[&case.bea.name]).await;
    at_b.welcome().await;
    at_b.follow(second.id, 1).await;
    for channel in [&case.channel, &second] {
        let posted = channel.post(&mut case.ana, &case.anas).await;
        assert_eq!(at_b.positions_to(posted.seq).await, [posted.seq]);
    }
}
