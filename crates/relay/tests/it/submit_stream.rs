//! Many items on one stream: sequenced in its order, answered in its order, each once.

use std::time::Duration;

use enlace_proto::relay::v1::{ErrorCode, SubmitRequest, SubmitResponse};
use enlace_transport::{
    Connection, EncodedFrame, Refusal, StreamError, SubmitStream, answers_by_index,
};

use crate::support::{Device, Network, Reading, Relay, RelayPlace, TestChannel, call, soon};

type Answers = Vec<(u64, Result<SubmitResponse, Refusal>)>;

async fn open(connection: &Connection) -> SubmitStream {
    connection.submit_stream(Duration::from_secs(50)).await.unwrap()
}

async fn send(stream: &mut SubmitStream, requests: &[SubmitRequest]) {
    let frames: Vec<_> = requests.iter().map(|r| EncodedFrame::new(r).unwrap()).collect();
    soon(stream.submissions.send_encoded(&frames)).await.unwrap();
}

async fn answers(stream: &mut SubmitStream, count: usize) -> Answers {
    let mut all = Answers::new();
    while all.len() < count {
        let some = soon(stream.answers.next()).await.unwrap().expect("another answer");
        all.extend(answers_by_index(some));
    }
    let indices: Vec<u64> = all.iter().map(|(index, _)| *index).collect();
    let first = indices[0];
    assert_eq!(indices, (first..first + count as u64).collect::<Vec<_>>());
    all
}

fn places(answers: &Answers) -> Vec<u64> {
    answers.iter().map(|(_, answer)| answer.as_ref().unwrap().seq).collect()
}

struct Scene {
    _place: RelayPlace,
    relay: Relay,
    ana: Device,
    connection: Connection,
    channel: TestChannel,
}

async fn scene() -> Scene {
    let network = Network::new(&["a.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let mut ana = Device::new(&network, 0, "ana");
    let connection = ana.connect(&relay.target).await;
    let mut channel = TestChannel::new(1, ana.name.domain());
    channel.create(&mut ana, &connection, &[]).await;
    Scene { _place: place, relay, ana, connection, channel }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_the_stream_is_the_order_of_the_log() {
    let Scene { _place, relay: _relay, mut ana, connection, channel } = scene().await;
    let mut stream = open(&connection).await;
    let entries: Vec<SubmitRequest> = (0..150).map(|_| channel.entry(&mut ana)).collect();
    send(&mut stream, &entries).await;
    let first = answers(&mut stream, 150).await;
    assert_eq!(places(&first), (1..=150).collect::<Vec<_>>());
    for (_, answer) in &first {
        assert!(answer.as_ref().unwrap().head.is_some());
    }

    let mut reading = Reading::open(&connection, &[(channel.id, 0)]).await;
    let mut envelopes = Vec::new();
    while envelopes.len() < 151 {
        envelopes
            .extend(reading.items().await.items.into_iter().map(|item| item.envelope.map(|e| *e)));
    }
    let submitted: Vec<_> = entries.iter().map(|entry| entry.envelope.clone()).collect();
    assert_eq!(envelopes[1..], submitted);

    // Sent again, whole: each has its place already.
    send(&mut stream, &entries).await;
    let again = answers(&mut stream, 150).await;
    assert_eq!(again[0].0, 150);
    assert_eq!(places(&again), places(&first));
    assert_eq!(channel.post(&mut ana, &connection).await.seq, 151);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_item_holds_up_no_other() {
    let Scene { _place, relay: _relay, mut ana, connection, channel } = scene().await;
    let mut stream = open(&connection).await;
    let unknown = TestChannel::new(9, ana.name.domain());
    let good = channel.entry(&mut ana);
    let altered = SubmitRequest { outer_signature: vec![1; 64], ..channel.entry(&mut ana) };
    let elsewhere = unknown.entry(&mut ana);
    let last = channel.entry(&mut ana);
    send(&mut stream, &[good, altered, elsewhere, last]).await;
    let answers = answers(&mut stream, 4).await;
    let code = |index: usize| answers[index].1.as_ref().unwrap_err().code;
    assert_eq!(answers[0].1.as_ref().unwrap().seq, 1);
    assert_eq!((code(1), code(2)), (ErrorCode::BadEnvelope, ErrorCode::UnknownChannel));
    assert_eq!(answers[3].1.as_ref().unwrap().seq, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_items_come_one_after_the_other() {
    let Scene { _place, relay: _relay, mut ana, connection, channel } = scene().await;
    let mut stream = open(&connection).await;
    for round in 0..4 {
        let large = channel.large_entry(&mut ana, 300 << 10);
        let small = channel.entry(&mut ana);
        send(&mut stream, &[small, large]).await;
        let answers = answers(&mut stream, 2).await;
        assert_eq!(places(&answers), [2 * round + 1, 2 * round + 2]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_over_the_rate_waits_and_is_not_refused() {
    let network = Network::new(&["a.example"]);
    let mut place = RelayPlace::new(&network, 0);
    place.limits.requests_per_second = 100;
    place.limits.request_burst = 70;
    let relay = place.start(&network, &[]).await;
    let mut ana = Device::new(&network, 0, "ana");
    let connection = ana.connect(&relay.target).await;
    let mut channel = TestChannel::new(1, ana.name.domain());
    channel.create(&mut ana, &connection, &[]).await;
    let mut stream = open(&connection).await;
    let entries: Vec<SubmitRequest> = (0..128).map(|_| channel.entry(&mut ana)).collect();
    send(&mut stream, &entries).await;
    let answers = answers(&mut stream, 128).await;
    assert_eq!(places(&answers), (1..=128).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_ends_when_its_submitter_has_finished() {
    let Scene { _place, relay: _relay, mut ana, connection, channel } = scene().await;
    let mut stream = open(&connection).await;
    let entry = channel.entry(&mut ana);
    send(&mut stream, &[entry]).await;
    stream.submissions.finish();
    assert_eq!(places(&answers(&mut stream, 1).await), [1]);
    assert!(soon(stream.answers.next()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_stops_answers_what_it_took() {
    let Scene { _place, relay, mut ana, connection, channel } = scene().await;
    let mut stream = open(&connection).await;
    let entries: Vec<SubmitRequest> = (0..100).map(|_| channel.entry(&mut ana)).collect();
    send(&mut stream, &entries).await;
    answers(&mut stream, 100).await;
    relay.stop().await;
    match soon(stream.answers.next()).await {
        Err(StreamError::Refused(refusal)) => assert_eq!(refusal.code, ErrorCode::Stopping),
        other => panic!("the stream was to be refused, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_for_another_hub_go_there_in_their_order() {
    let network = Network::new(&["a.example", "b.example"]);
    let places_of = [RelayPlace::new(&network, 0), RelayPlace::new(&network, 1)];
    let hub = places_of[0].start(&network, &[&places_of[1]]).await;
    let home = places_of[1].start(&network, &[&places_of[0]]).await;
    let (mut ana, mut bea) = (Device::new(&network, 0, "ana"), Device::new(&network, 1, "bea"));
    let anas = ana.connect(&hub.target).await;
    let beas = bea.connect(&home.target).await;
    let mut channel = TestChannel::new(1, ana.name.domain());
    channel.create(&mut ana, &anas, &[&bea.name]).await;
    let mut own = TestChannel::new(2, bea.name.domain());
    own.create(&mut bea, &beas, &[]).await;

    let mut stream = open(&beas).await;
    let entries: Vec<SubmitRequest> = (0..200)
        .map(|n| if n % 2 == 0 { channel.entry(&mut bea) } else { own.entry(&mut bea) })
        .collect();
    send(&mut stream, &entries).await;
    let answers = answers(&mut stream, 200).await;
    let expected: Vec<u64> = (0..200).map(|n| 1 + n / 2).collect();
    assert_eq!(places(&answers), expected);

    // The home relay remembers the counter of what it passed on, too.
    let hello = bea.dial(&home.target).await.unwrap().hello;
    assert!(hello.submit_counter >= 200);
    let nowhere = SubmitRequest { hub: "c.example".into(), ..own.entry(&mut bea) };
    assert_eq!(call(&beas, &nowhere).await.unwrap_err().code, ErrorCode::NotAllowed);
}
