//! A channel moves to another hub: handed over, taken over from a dead one, and what happens to those
//! who went on without it.

use std::time::Duration;

use enlace_identity::names::Domain;
use enlace_log::{HubStatement, HubVote, Seq, SignedHubVote};
use enlace_proto::relay::v1::{
    self as wire, ErrorCode, FetchRangeRequest, HubVotes, PublishHubVotesRequest,
    PublishHubVotesResponse, subscription_event::Event,
};
use enlace_transport::{Connection, Refusal};

use crate::support::{
    Device, Following, LyingHub, Network, Reading, Relay, RelayPlace, TestChannel, call, soon,
    wire_id,
};

/// Longer than a next hub waits for whoever may hold more.
const LONG: Duration = Duration::from_secs(6 * 60);

const HUB_STATEMENT: u32 = 6;

/// Ana of A, Bea of B and Cam of C have a channel at A's relay. Dan of D is not in it.
struct Case {
    network: Network,
    places: Vec<RelayPlace>,
    relays: Vec<Option<Relay>>,
    devices: Vec<Device>,
    channel: TestChannel,
    fence: u64,
}

impl Case {
    async fn new() -> Self {
        let network = Network::new(&["a.example", "b.example", "c.example", "d.example"]);
        let places = (0..4).map(|index| RelayPlace::new(&network, index)).collect();
        let officers = ["ana", "bea", "cam", "dan"].into_iter().enumerate();
        let devices: Vec<Device> =
            officers.map(|(index, name)| Device::new(&network, index, name)).collect();
        let channel = TestChannel::new(1, devices[0].name.domain());
        let relays = [None, None, None, None].into();
        let mut case = Self { network, places, relays, devices, channel, fence: 0 };
        for index in 0..3 {
            case.start(index).await;
        }
        let anas = case.connect(0).await;
        let names: Vec<_> = case.devices[..3].iter().map(|device| device.name.clone()).collect();
        case.channel.create(&mut case.devices[0], &anas, &[]).await;
        let names: Vec<_> = names.iter().collect();
        case.fence = case.channel.change(&mut case.devices[0], &anas, &names).await.seq;
        for index in [1, 2] {
            let connection = case.connect(index).await;
            let mut reading = Reading::open(&connection, &[]).await;
            assert_eq!(reading.welcome().await.commit.unwrap().seq, case.fence);
            reading.take_welcome(case.channel.id, Seq(case.fence)).await;
        }
        case
    }

    /// The same with a relay of A's that goes on whatever comes; and the subscriptions of B's and C's.
    async fn at_lying_hub() -> (Self, LyingHub, [Following; 2]) {
        let network = Network::new(&["a.example", "b.example", "c.example"]);
        let places: Vec<_> = (0..3).map(|index| RelayPlace::new(&network, index)).collect();
        let officers = ["ana", "bea", "cam"].into_iter().enumerate();
        let mut devices: Vec<Device> =
            officers.map(|(index, name)| Device::new(&network, index, name)).collect();
        let mut channel = TestChannel::new(1, devices[0].name.domain());
        let mut hub = LyingHub::start(&network, &places[0], &channel);
        let names: Vec<_> = devices.iter().map(|device| device.name.clone()).collect();
        let names: Vec<_> = names.iter().collect();
        let commit = channel.first_commit(&mut devices[0], &names[1..]);
        channel.set_fence(hub.append(&commit));
        let relays = vec![None, None, None];
        let mut case = Self { network, places, relays, devices, channel, fence: 0 };
        let mut following = Vec::new();
        for index in [1, 2] {
            case.start(index).await;
            let target = &case.relays[index].as_ref().unwrap().target;
            let connection = hub.connect(target).await;
            hub.deliver(&connection, hub.welcome(0, &commit, &names)).await.unwrap();
            following.push(hub.followed().await);
        }
        (case, hub, following.try_into().ok().expect("two follow"))
    }

    async fn start(&mut self, index: usize) {
        let peers: Vec<&RelayPlace> =
            self.places.iter().filter(|place| place.index != index).collect();
        self.relays[index] = Some(self.places[index].start(&self.network, &peers).await);
    }

    async fn stop(&mut self, index: usize) {
        self.relays[index].take().unwrap().stop().await;
    }

    fn domain(&self, index: usize) -> Domain {
        self.devices[index].name.domain().clone()
    }

    async fn connect(&self, index: usize) -> Connection {
        self.devices[index].connect(&self.relays[index].as_ref().unwrap().target).await
    }

    /// Reads the channel at the own relay from after the admission on.
    async fn read(&self, index: usize) -> Reading {
        let connection = self.connect(index).await;
        Reading::open(&connection, &[(self.channel.id, self.fence + 1)]).await
    }

    async fn post(&mut self, index: usize) -> u64 {
        let connection = self.connect(index).await;
        self.channel.post(&mut self.devices[index], &connection).await.seq
    }

    fn vote(&self, index: usize, to: usize) -> SignedHubVote {
        self.sign(index, self.wanted(to))
    }

    fn wanted(&self, to: usize) -> HubVote {
        let (from, to) = (self.domain(0), self.domain(to));
        HubVote { channel: self.channel.id, from, to, fence: Seq(self.fence) }
    }

    fn sign(&self, index: usize, vote: HubVote) -> SignedHubVote {
        let credential = &self.devices[index].credential;
        SignedHubVote::sign(vote, &credential.key, credential.chain.clone())
    }

    /// A device publishes votes at its own relay.
    async fn publish(
        &self,
        index: usize,
        votes: &[SignedHubVote],
    ) -> Result<PublishHubVotesResponse, Refusal> {
        let votes = votes.iter().map(SignedHubVote::encode).collect();
        let votes = HubVotes { channel: Some(wire_id(self.channel.id)), votes };
        call(&self.connect(index).await, &PublishHubVotesRequest { votes: Some(votes) }).await
    }

    async fn votes_for(&self, to: usize, voters: &[usize]) {
        for index in voters {
            self.publish(*index, &[self.vote(*index, to)]).await.unwrap();
        }
    }

    /// The channel goes on after that statement, as its members know it.
    fn moved(&mut self, to: usize, statement: &Statement) {
        self.channel.moved(&self.domain(to), statement.said.incarnation.0);
    }
}

/// A hub's statement, and the positions that were read before it.
struct Statement {
    seq: u64,
    said: HubStatement,
    before: Vec<u64>,
}

/// Reads on up to a statement by which a hub took over.
async fn taken_over(reading: &mut Reading) -> Statement {
    let mut before = Vec::new();
    loop {
        for item in reading.items().await.items {
            if item.envelope.as_ref().unwrap().kind == HUB_STATEMENT {
                let said = HubStatement::decode(&item.payload).unwrap();
                assert!(said.taken_over.is_some());
                return Statement { seq: item.seq, said, before };
            }
            before.push(item.seq);
        }
    }
}

/// Waits until the relay says that it knows so many votes.
async fn votes_come(reading: &mut Reading, count: usize) {
    let come = async {
        loop {
            match reading.event().await {
                Event::HubVotes(votes) if votes.votes.len() == count => break,
                _ => {}
            }
        }
    };
    soon(come).await;
}

async fn range(at: &Connection, channel: &TestChannel, from: u64) -> Vec<wire::Item> {
    let request = FetchRangeRequest {
        channel: Some(wire_id(channel.id)),
        from_seq: from,
        ..FetchRangeRequest::default()
    };
    // While a copy goes back, there may be nothing at a position for a moment.
    call(at, &request).await.map_or(Vec::new(), |range| range.items)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_hub_hands_the_channel_over_with_what_the_next_one_lacks() {
    let mut case = Case::new().await;
    let (mut at_a, mut at_c) = (case.read(0).await, case.read(2).await);
    case.stop(1).await;
    let posted = case.post(0).await;
    case.votes_for(1, &[0, 2]).await;
    votes_come(&mut at_a, 2).await;
    let refused = call(&case.connect(0).await, &case.channel.entry(&mut case.devices[0])).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::HubUnreachable, "it has stepped down");

    case.start(1).await;
    let mut at_b = case.read(1).await;
    let statement = soon(taken_over(&mut at_b)).await;
    assert_eq!(statement.before, [posted], "what the former hub held beyond");
    assert!(statement.said.unheard.is_empty() && statement.said.lost.is_none());
    let votes = statement.said.taken_over.clone().unwrap();
    assert_eq!((votes.hub, votes.votes.len()), (case.domain(1), 2));
    assert_eq!(soon(taken_over(&mut at_c)).await.seq, statement.seq);

    case.moved(1, &statement);
    let last = case.post(1).await;
    assert_eq!(last, statement.seq + 1);
    for reading in [&mut at_b, &mut at_c] {
        assert_eq!(reading.positions_to(last).await, [last]);
    }
    let by_ana = case.post(0).await;
    assert_eq!(at_c.positions_to(by_ana).await, [by_ana]);
    let mut fresh = case.read(0).await;
    assert_eq!(fresh.positions_to(by_ana).await, (posted..=by_ana).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_hubs_channel_is_taken_over_with_what_a_third_relay_holds() {
    let mut case = Case::new().await;
    case.stop(1).await;
    let mut at_c = case.read(2).await;
    let posted = case.post(0).await;
    assert_eq!(at_c.positions_to(posted).await, [posted]);
    case.stop(0).await;
    case.start(1).await;
    case.votes_for(1, &[1, 2]).await;
    let mut at_b = case.read(1).await;
    assert_eq!(at_b.positions_to(posted).await, [posted], "C has brought it");
    // Every relay may be started again at any stage.
    case.stop(1).await;
    case.stop(2).await;
    case.start(2).await;
    case.start(1).await;
    let (mut at_b, mut at_c) = (case.read(1).await, case.read(2).await);
    assert_eq!(at_b.positions_to(posted).await, [posted]);
    // Some time after that the next hub begins to wait for the dead one again.
    case.votes_for(1, &[1]).await;
    let mut look = tokio::time::interval(Duration::from_millis(100));
    let time_passes = async {
        loop {
            look.tick().await;
            case.network.clock.advance(LONG);
        }
    };
    let statement = tokio::select! {
        biased;
        statement = soon(taken_over(&mut at_b)) => statement,
        () = time_passes => unreachable!("time goes on"),
    };
    assert_eq!(statement.said.unheard, [case.domain(0)]);
    assert_eq!(soon(taken_over(&mut at_c)).await.seq, statement.seq);
    case.moved(1, &statement);
    let last = case.post(2).await;
    assert_eq!(at_b.positions_to(last).await, [last]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_hub_that_went_on_alone_comes_back_and_follows() {
    let mut case = Case::new().await;
    case.stop(1).await;
    case.stop(2).await;
    let anas = case.connect(0).await;
    case.post(0).await;
    let (fence, names) = (case.fence, case.devices[..3].iter().map(|d| d.name.clone()));
    let names: Vec<_> = names.collect();
    let names: Vec<_> = names.iter().collect();
    let alone = case.channel.change(&mut case.devices[0], &anas, &names).await.seq;
    case.post(0).await;
    case.stop(0).await;

    // The others know nothing of that.
    case.channel.set_fence(Seq(fence));
    case.start(1).await;
    case.start(2).await;
    case.votes_for(1, &[1, 2]).await;
    let (mut at_b, mut at_c) = (case.read(1).await, case.read(2).await);
    votes_come(&mut at_b, 2).await;
    case.network.clock.advance(LONG);
    let statement = soon(taken_over(&mut at_b)).await;
    assert!(statement.before.is_empty() && statement.seq < alone);
    assert_eq!(soon(taken_over(&mut at_c)).await.seq, statement.seq);
    case.moved(1, &statement);
    let last = case.post(1).await;

    case.start(0).await;
    let anas = case.connect(0).await;
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let superseded = async {
        loop {
            look.tick().await;
            let items = range(&anas, &case.channel, statement.seq).await;
            let first = items.first().and_then(|item| item.envelope.as_ref());
            if first.is_some_and(|envelope| envelope.kind == HUB_STATEMENT) {
                break;
            }
        }
    };
    soon(superseded).await;
    let mut at_a = Reading::open(&anas, &[(case.channel.id, case.fence + 1)]).await;
    assert_eq!(at_a.positions_to(last).await, (statement.seq..=last).collect::<Vec<_>>());
    let by_ana = case.channel.post(&mut case.devices[0], &anas).await.seq;
    for reading in [&mut at_a, &mut at_b, &mut at_c] {
        assert_eq!(reading.positions_to(by_ana).await.last(), Some(&by_ana));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hub_orders_that_will_not_let_go_is_given_up_by_those_who_had_it() {
    let (mut case, mut hub, [_to_b, mut to_c]) = Case::at_lying_hub().await;
    let (mut at_b, mut at_c) = (case.read(1).await, case.read(2).await);
    case.votes_for(1, &[1, 2]).await;
    votes_come(&mut at_b, 2).await;
    votes_come(&mut at_c, 2).await;
    // C's relay has shown the next hub where its copy ends, and is sent more by the present one.
    let entry = case.channel.entry(&mut case.devices[0]);
    let more = hub.append(&entry);
    to_c.send(Event::Items(hub.batch(1, 1))).await;
    assert_eq!(at_c.positions_to(more.0).await, [more.0]);
    case.network.clock.advance(LONG);
    let statement = soon(taken_over(&mut at_b)).await;
    assert_eq!((statement.seq, statement.said.unheard), (more.0, vec![case.domain(0)]));

    let cams = case.connect(2).await;
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let superseded = async {
        loop {
            look.tick().await;
            let items = range(&cams, &case.channel, statement.seq).await;
            let first = items.first().and_then(|item| item.envelope.as_ref());
            if first.is_some_and(|envelope| envelope.kind == HUB_STATEMENT) {
                break;
            }
        }
    };
    soon(superseded).await;
    case.channel.moved(&case.domain(1), statement.said.incarnation.0);
    let last = case.post(2).await;
    assert_eq!(at_b.positions_to(last).await, [last]);
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_that_do_not_count_move_nothing() {
    let mut case = Case::new().await;
    let code = |answer: Result<_, Refusal>| answer.unwrap_err().code;
    let other = TestChannel::new(2, &case.domain(0)).id;
    let wanted = case.wanted(1);
    let elsewhere = case.sign(1, HubVote { channel: other, ..wanted.clone() });
    assert_eq!(code(case.publish(1, &[elsewhere]).await), ErrorCode::BadEnvelope);
    let old = case.sign(1, HubVote { fence: Seq(0), ..wanted.clone() });
    let refused = case.publish(1, &[old]).await.unwrap_err();
    assert_eq!((refused.code, refused.fence), (ErrorCode::StaleFence, case.fence));
    let away = case.sign(1, HubVote { to: case.domain(3), ..wanted.clone() });
    assert_eq!(code(case.publish(1, &[away]).await), ErrorCode::BadEnvelope);
    let eva = Device::new(&case.network, 1, "eva").credential;
    let stranger = SignedHubVote::sign(wanted.clone(), &eva.key, eva.chain.clone());
    assert_eq!(code(case.publish(1, &[stranger]).await), ErrorCode::NotAMember);
    let forged = {
        let (bea, cam) = (&case.devices[1].credential, &case.devices[2].credential);
        SignedHubVote::sign(wanted, &bea.key, cam.chain.clone())
    };
    assert_eq!(code(case.publish(1, &[forged]).await), ErrorCode::BadEnvelope);

    // One of three authorities is no majority, however many times it says so.
    case.votes_for(1, &[1, 1]).await;
    let mut at_b = case.read(1).await;
    let posted = case.post(1).await;
    assert_eq!(at_b.positions_to(posted).await, [posted], "A orders on");

    // After a commit former votes are nothing any more.
    let names: Vec<_> = case.devices[..3].iter().map(|device| device.name.clone()).collect();
    let names: Vec<_> = names.iter().collect();
    let anas = case.connect(0).await;
    let commit = case.channel.change(&mut case.devices[0], &anas, &names).await.seq;
    assert_eq!(at_b.positions_to(commit).await, [commit]);
    let late = case.publish(2, &[case.vote(2, 1), case.vote(1, 1)]).await.unwrap_err();
    assert_eq!((late.code, late.fence), (ErrorCode::StaleFence, commit));
    let posted = case.post(2).await;
    assert_eq!(at_b.positions_to(posted).await, [posted], "A orders on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_devices_vote_counts_no_more() {
    let mut case = Case::new().await;
    let (bea, place) = (&case.devices[1].credential, &case.places[1]);
    let vote = case.vote(1, 1);
    place.publish(&case.network.authorities[1].lists(2, &[bea]));
    case.relays[1].as_ref().unwrap().reload_crls();
    let refused = async {
        loop {
            match case.publish(2, std::slice::from_ref(&vote)).await {
                Err(refusal) if refusal.code == ErrorCode::CredentialRevoked => break,
                // The list has not come to C's relay yet.
                _ => tokio::task::yield_now().await,
            }
        }
    };
    soon(refused).await;
    case.votes_for(1, &[2]).await;
    // Neither C's relay nor A's has two authorities' votes: A orders on.
    let mut at_c = case.read(2).await;
    let posted = case.post(0).await;
    assert_eq!(at_c.positions_to(posted).await, [posted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_admitted_after_a_move_begins_at_the_new_hub() {
    let mut case = Case::new().await;
    case.votes_for(1, &[0, 2]).await;
    let mut at_b = case.read(1).await;
    let statement = soon(taken_over(&mut at_b)).await;
    case.moved(1, &statement);
    case.start(3).await;
    let beas = case.connect(1).await;
    let names: Vec<_> = case.devices.iter().map(|device| device.name.clone()).collect();
    let names: Vec<_> = names.iter().collect();
    let admitted = case.channel.change(&mut case.devices[1], &beas, &names).await.seq;
    let dans = case.connect(3).await;
    let mut reading = Reading::open(&dans, &[]).await;
    let welcome = reading.welcome().await;
    assert_eq!(welcome.commit.unwrap().seq, admitted);
    assert_eq!((&*welcome.hub, &*welcome.creating_hub), ("b.example", "a.example"));
    assert_eq!(welcome.hub_votes.len(), 2);
    reading.take_welcome(case.channel.id, Seq(admitted)).await;
    let incarnation = statement.said.incarnation.0;
    reading.follow_in(case.channel.id, admitted + 1, incarnation).await;
    let posted = case.post(0).await;
    assert_eq!(reading.positions_to(posted).await, [posted]);
    let by_dan = case.post(3).await;
    assert_eq!(at_b.positions_to(by_dan).await.last(), Some(&by_dan));
}
