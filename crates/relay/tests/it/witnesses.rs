//! Relays of one channel show each other what its hub has signed: a hub that tells two of them two
//! histories is caught though nobody writes. Nobody else learns anything, and no lie of a witness
//! accuses anybody.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use enlace_identity::names::DeviceName;
use enlace_log::{ChainHash, ForkProof, Item, QuotedHead, Seq};
use enlace_proto::relay::v1::{
    ErrorCode, ExchangeHeadsRequest, Items, KnownHead, SignedHead, SubmitRequest,
    subscription_control::Control, subscription_event::Event,
};
use enlace_transport::Connection;
use prost::Message as _;

use crate::support::{
    Device, Following, LyingHub, Network, Reading, Relay, RelayPlace, TestChannel, call, soon,
    wire_id,
};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// A's relay orders a channel of Ana of A, Bea of B and Cid of C, and lies.
struct Scene {
    network: Network,
    places: [RelayPlace; 3],
    hub: LyingHub,
    members: [DeviceName; 3],
    ana: Device,
    channel: TestChannel,
    commit: SubmitRequest,
}

impl Scene {
    fn new() -> Self {
        let network = Network::new(&["a.example", "b.example", "c.example"]);
        let places = [A, B, C].map(|index| RelayPlace::new(&network, index));
        let mut ana = Device::new(&network, A, "ana");
        let (bea, cid) = (Device::new(&network, B, "bea"), Device::new(&network, C, "cid"));
        let members = [ana.name.clone(), bea.name, cid.name];
        let mut channel = TestChannel::new(1, ana.name.domain());
        let mut hub = LyingHub::start(&network, &places[A], &channel);
        let commit = channel.first_commit(&mut ana, &[&members[B], &members[C]]);
        let seq = hub.append(&commit);
        channel.set_fence(seq);
        Self { network, places, hub, members, ana, channel, commit }
    }

    /// The hub goes on to position `to`, with items that nobody has seen before.
    fn write_to(&mut self, to: usize) {
        while self.hub.log.len() <= to {
            let entry = self.channel.entry(&mut self.ana);
            self.hub.append(&entry);
        }
    }

    /// The hub forgets what comes from a position on.
    fn forget_from(&mut self, from: usize) {
        self.hub.log.truncate(from);
    }

    async fn start(&self, index: usize) -> Relay {
        let peers: Vec<_> = self.places.iter().filter(|place| place.index != index).collect();
        self.places[index].start(&self.network, &peers).await
    }

    /// Lets a relay follow the log as it stands.
    async fn begin(&mut self, relay: &Relay) -> Following {
        let connection = self.hub.connect(&relay.target).await;
        let members: Vec<_> = self.members.iter().collect();
        let welcome = self.hub.welcome(0, &self.commit, &members);
        self.hub.deliver(&connection, welcome).await.unwrap();
        let mut following = self.hub.followed().await;
        self.send(&mut following, 1).await;
        following
    }

    /// Sends what comes from a position on, which the follower believes.
    async fn send(&self, following: &mut Following, from: usize) {
        let last = self.hub.log.len() - 1;
        following.send(Event::Items(self.hub.batch(from, last))).await;
        match following.control().await {
            Control::Acknowledge(acknowledge) => assert_eq!(acknowledge.seq, last as u64),
            other => panic!("unexpected: {other:?}"),
        }
    }

    /// The log's head at a position, as it stands.
    fn head(&self, at: usize) -> SignedHead {
        let (item, chain) = &self.hub.log[at];
        self.hub.head(item.seq, *chain)
    }

    fn shown(&self, head: SignedHead) -> ExchangeHeadsRequest {
        shown(&[(&self.channel, head)])
    }

    fn alarm(&self, index: usize, seq: u64) -> PathBuf {
        self.places[index].path(&format!("data/alarms/{}-{seq}", self.channel.id))
    }

    /// Waits for an authority's relay to keep a proof against the hub, and checks it as anybody can.
    async fn has_proof(&self, index: usize, seq: u64) {
        let (text, Items { items, .. }) = kept(&self.alarm(index, seq)).await;
        let heads = ["known ", "contradicting "].map(|what| {
            let line = text.lines().find_map(|line| line.strip_prefix(what)).unwrap();
            let head = QuotedHead::decode(&of_hex(line)).unwrap().into_signed();
            head.verify(&self.hub.head_key().key.public()).unwrap()
        });
        let chain = ChainHash::try_from(&items[0].chain[..]).unwrap();
        let after = items.into_iter().skip(1);
        let after = after.map(|item| Item::from_wire(self.channel.id, item).unwrap());
        let after: Vec<Item> = after.collect();
        let [known, contradicting] = heads;
        let holds = |earlier, later| ForkProof::by_items(earlier, later, chain, &after).is_some();
        assert!(
            holds(known.clone(), contradicting.clone()) || holds(contradicting, known),
            "what is kept proves nothing"
        );
    }

    /// The proofs that an authority's relay keeps.
    fn proofs(&self, index: usize) -> BTreeSet<String> {
        let Ok(files) = std::fs::read_dir(self.places[index].path("data/alarms")) else {
            return BTreeSet::new();
        };
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn shown(heads: &[(&TestChannel, SignedHead)]) -> ExchangeHeadsRequest {
    let known = heads.iter().map(|(channel, head)| KnownHead {
        channel: Some(wire_id(channel.id)),
        head: Some(head.clone()),
    });
    ExchangeHeadsRequest { known_heads: known.collect() }
}

fn of_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Waits for a proof, for whose files the system has no event.
async fn kept(path: &Path) -> (String, Items) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let items = async {
        loop {
            look.tick().await;
            let items = std::fs::read(path.with_extension("items")).unwrap_or_default();
            // The head is written last.
            match Items::decode(&items[..]) {
                Ok(items) if items.head.is_some() => return items,
                _ => {}
            }
        }
    };
    let items = soon(items).await;
    (std::fs::read_to_string(path.with_extension("txt")).unwrap(), items)
}

/// Shows a head again and again, until a proof is kept: a head that waits keeps later ones out.
async fn show_until_kept(to: &Connection, request: &ExchangeHeadsRequest, path: &Path) {
    let mut look = tokio::time::interval(Duration::from_millis(100));
    let kept = async {
        while !path.with_extension("items").exists() {
            call(to, request).await.unwrap();
            look.tick().await;
        }
    };
    soon(kept).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_followers_that_are_told_two_histories_prove_it_though_nobody_writes() {
    let mut scene = Scene::new();
    let (b, c) = (scene.start(B).await, scene.start(C).await);
    scene.write_to(2);
    let mut at_b = scene.begin(&b).await;
    scene.forget_from(2);
    scene.write_to(2);
    let mut at_c = scene.begin(&c).await;
    scene.has_proof(B, 2).await;
    scene.has_proof(C, 2).await;

    scene.write_to(3);
    for following in [&mut at_b, &mut at_c] {
        following.send(Event::Items(scene.hub.batch(3, 3))).await;
        following.unfollows().await;
    }
}

/// The one that is ahead proves it by its own log; the other asks what the one ahead holds.
#[tokio::test(flavor = "multi_thread")]
async fn two_histories_of_different_length_are_found_from_both_sides() {
    let mut scene = Scene::new();
    let (b, c) = (scene.start(B).await, scene.start(C).await);
    scene.write_to(4);
    let _at_b = scene.begin(&b).await;
    scene.forget_from(2);
    scene.write_to(2);
    let _at_c = scene.begin(&c).await;
    scene.has_proof(B, 2).await;
    scene.has_proof(C, 4).await;
}

/// A head that the copy has not come to waits for it, and says nothing by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_is_behind_accuses_nobody() {
    let mut scene = Scene::new();
    let b = scene.start(B).await;
    let witness = LyingHub::start(&scene.network, &scene.places[C], &scene.channel);
    scene.write_to(3);
    let all = scene.hub.log.clone();
    scene.forget_from(2);
    let mut at_b = scene.begin(&b).await;
    scene.hub.log = all;

    let to_b = witness.connect(&b.target).await;
    let answer = call(&to_b, &scene.shown(scene.head(3))).await.unwrap();
    assert_eq!(answer.known_heads[0].head.as_ref().unwrap().seq, 1, "it is shown what is here");
    scene.send(&mut at_b, 2).await;
    let answer = call(&to_b, &scene.shown(scene.head(3))).await.unwrap();
    assert_eq!(answer.known_heads[0].head, Some(scene.head(3)));

    // The copy goes on, and so do its comparisons.
    let lie = scene.hub.head(Seq(2), ChainHash([7; 32]));
    show_until_kept(&to_b, &scene.shown(lie), &scene.alarm(B, 2)).await;
    scene.has_proof(B, 2).await;
    assert_eq!(scene.proofs(B).len(), 2, "one pair of files");
}

/// On one thread, so that this test sees what the relays log.
#[tokio::test]
async fn a_hub_that_is_silent_to_one_authority_is_noticed_by_its_relay() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut scene = Scene::new();
    let (b, c) = (scene.start(B).await, scene.start(C).await);
    scene.write_to(1);
    let _at_c = scene.begin(&c).await;
    scene.write_to(3);
    let _at_b = scene.begin(&b).await;
    soon(log.says("another relay has more of a log than its hub gives this one")).await;
    assert!(
        scene.proofs(B).is_empty() && scene.proofs(C).is_empty(),
        "silence is no contradiction"
    );
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    async fn says(&self, what: &str) {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        while !String::from_utf8_lossy(&self.0.lock().unwrap()).contains(what) {
            look.tick().await;
        }
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_lies_accuses_nobody() {
    type Lie = fn(&Scene, &LyingHub) -> SignedHead;
    let other = ChainHash([7; 32]);
    let lies: [(&str, Lie); 4] = [
        ("a broken signature", |scene, _| {
            let mut head = scene.head(1);
            head.signature[5] ^= 1;
            head
        }),
        ("a genuine signature under another chain", |scene, _| SignedHead {
            chain: vec![7; 32],
            ..scene.head(1)
        }),
        ("another authority's head key", |scene, witness| {
            scene.hub.head_by(witness.head_key(), Seq(1), ChainHash([7; 32]))
        }),
        ("another incarnation", |scene, _| scene.hub.later_head(Seq(1), ChainHash([7; 32]))),
    ];
    for (what, lie) in lies {
        let mut scene = Scene::new();
        let b = scene.start(B).await;
        let witness = LyingHub::start(&scene.network, &scene.places[C], &scene.channel);
        scene.write_to(2);
        let mut at_b = scene.begin(&b).await;
        let to_b = witness.connect(&b.target).await;
        call(&to_b, &scene.shown(lie(&scene, &witness))).await.unwrap();

        // It was judged before what follows it.
        let truth = scene.shown(scene.hub.head(Seq(2), other));
        show_until_kept(&to_b, &truth, &scene.alarm(B, 2)).await;
        let alarm = format!("{}-2", scene.channel.id);
        let expected = ["items", "txt"].map(|kind| format!("{alarm}.{kind}"));
        assert_eq!(scene.proofs(B), expected.into(), "{what}");
        scene.write_to(3);
        at_b.send(Event::Items(scene.hub.batch(3, 3))).await;
        at_b.unfollows().await;
    }
}

/// A's and B's relays are real. C has a member in one of two channels that B follows.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_learns_nothing_of_channels_without_members_of_its_authority() {
    let network = Network::new(&["a.example", "b.example", "c.example"]);
    let places = [A, B, C].map(|index| RelayPlace::new(&network, index));
    let mut ana = Device::new(&network, A, "ana");
    let (mut bea, cid) = (Device::new(&network, B, "bea"), Device::new(&network, C, "cid"));
    let [mut with_c, mut without, unknown] =
        [1, 2, 3].map(|number| TestChannel::new(number, ana.name.domain()));
    let mut witness = LyingHub::start(&network, &places[C], &with_c);
    let a = places[A].start(&network, &[&places[B], &places[C]]).await;
    let b = places[B].start(&network, &[&places[A], &places[C]]).await;
    let anas = ana.connect(&a.target).await;
    let beas = bea.connect(&b.target).await;
    let mut at_b = Reading::open(&beas, &[]).await;
    with_c.create(&mut ana, &anas, &[&bea.name, &cid.name]).await;
    without.create(&mut ana, &anas, &[&bea.name]).await;
    for _ in 0..2 {
        at_b.welcome().await;
    }
    at_b.follow(with_c.id, 1).await;
    at_b.follow(without.id, 1).await;

    let is_of = |channel: &TestChannel, head: &KnownHead| {
        head.channel.as_ref().unwrap() == &wire_id(channel.id)
    };
    let told = witness.is_shown().await;
    assert!(!told.is_empty() && told.iter().all(|head| is_of(&with_c, head)));

    let to_b = witness.connect(&b.target).await;
    let head = told[0].head.clone().unwrap();
    let all = [&with_c, &without, &unknown].map(|channel| (channel, head.clone()));
    let answer = call(&to_b, &shown(&all)).await.unwrap();
    assert!(answer.known_heads.len() == 1 && is_of(&with_c, &answer.known_heads[0]));

    // The last thing that C may know is that Cid is out, as Bea confirms.
    let (anas_name, beas_name) = (ana.name.clone(), bea.name.clone());
    let removal = with_c.change(&mut ana, &anas, &[&anas_name, &beas_name]).await;
    assert_eq!(at_b.positions_to(removal.seq).await, [removal.seq]);
    let entry = with_c.entry(&mut bea);
    call(&beas, &entry).await.unwrap();
    let posted = with_c.post(&mut ana, &anas).await;
    assert_eq!(at_b.positions_to(posted.seq).await, [posted.seq - 1, posted.seq]);
    let answer = call(&to_b, &shown(&[(&with_c, head)])).await.unwrap();
    assert!(answer.known_heads.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_other_authorities_relays_exchange_heads_and_few_at_a_time() {
    let scene = Scene::new();
    let b = scene.start(B).await;
    let request = scene.shown(scene.head(0));
    let stranger = Device::new(&scene.network, C, "eve").connect(&b.target).await;
    assert_eq!(call(&stranger, &request).await.unwrap_err().code, ErrorCode::NotAllowed);
    let own = LyingHub::start(&scene.network, &RelayPlace::new(&scene.network, B), &scene.channel);
    let own = own.connect(&b.target).await;
    assert_eq!(call(&own, &request).await.unwrap_err().code, ErrorCode::NotAllowed);
    let other = scene.hub.connect(&b.target).await;
    let too_many = ExchangeHeadsRequest { known_heads: vec![request.known_heads[0].clone(); 257] };
    assert_eq!(call(&other, &too_many).await.unwrap_err().code, ErrorCode::Malformed);
}
