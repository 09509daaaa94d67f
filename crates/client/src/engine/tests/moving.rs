//! A channel that moves to another authority's relay: votes, the move, and logs that depart.

use std::time::Duration;

use enlace_channel::channel::ChannelError;
use enlace_channel::policy::Role;
use enlace_log::{ChannelId, ClientId, Seq, SignedHubVote};
use enlace_proto::relay::v1 as wire;
use enlace_proto::relay::v1::ErrorCode;
use enlace_transport::{CallError, Lost, Refusal};

use super::world::World;
use crate::engine::{Action, Answer, Departure, MoveError, ReceiveError, SetBack, Wish};
use crate::notice::Notice;
use crate::store::OutboxState;

fn tail(world: &World, channel: ChannelId) -> Seq {
    world.hub.logs[&channel].items.last().unwrap().seq
}

/// What a device hands over, as its relay hands it on to the others.
fn published(world: &mut World, name: &str, channel: ChannelId) -> Vec<SignedHubVote> {
    world.engine(name).hand_votes_over_again();
    let requests = world.engine(name).votes_to_publish().unwrap();
    let votes = requests.into_iter().filter_map(|request| request.votes);
    let of_channel = votes.filter(|votes| votes.channel == Some(channel.to_wire()));
    let bytes = of_channel.flat_map(|votes| votes.votes);
    bytes.map(|bytes| SignedHubVote::decode(&bytes).unwrap()).collect()
}

fn hand_on(world: &mut World, to: &str, channel: ChannelId, votes: &[SignedHubVote]) {
    let votes = votes.iter().map(SignedHubVote::encode).collect();
    let event = wire::HubVotes { channel: Some(channel.to_wire()), votes };
    world.engine(to).take_hub_votes(&event).unwrap();
}

/// The relay of mp takes over after `last`, as Ana and Bruno want.
fn takes_over(world: &mut World, channel: ChannelId, last: Seq) {
    let to = world.network.mp.domain.clone();
    let mut votes = Vec::new();
    for lead in ["ana", "bruno"] {
        world.engine(lead).move_channel(channel, &to).unwrap();
        votes.extend(published(world, lead, channel));
    }
    take_over_by(world, channel, last, votes);
}

fn take_over_by(world: &mut World, channel: ChannelId, last: Seq, votes: Vec<SignedHubVote>) {
    let now = enlace_transport::Clock::now(&*world.clock);
    let World { hub, network, officers, .. } = world;
    hub.take_over(channel, last, now, (&network.mp, votes));
    let certificates = hub.present_certificates(channel).to_vec();
    for officer in officers.values_mut() {
        officer.engine.take_head_certificate(None, &certificates).unwrap();
    }
}

fn is_accusation(notice: &Notice) -> bool {
    matches!(notice, Notice::Fork(_) | Notice::Stopped { .. } | Notice::Unreadable { .. })
}

fn hub_of(world: &mut World, name: &str, channel: ChannelId) -> String {
    let row = world.engine(name).read(|tx| tx.channel(channel)).unwrap().unwrap();
    row.hub.to_string()
}

#[test]
fn leads_vote_are_told_of_each_other_and_the_channel_goes_on_elsewhere() {
    let mut world = World::new();
    let channel = world.case();
    let to = world.network.mp.domain.clone();
    world.engine("bruno").move_channel(channel, &to).unwrap();
    let votes = published(&mut world, "bruno", channel);
    assert_eq!(votes.len(), 1);
    for name in ["ana", "eva"] {
        hand_on(&mut world, name, channel, &votes);
        hand_on(&mut world, name, channel, &votes);
    }
    let wanted = Notice::MoveWanted {
        by: world.address("bruno").to_string(),
        from: world.network.fge.domain.to_string(),
        to: to.to_string(),
    };
    let told = world.notices("ana", channel);
    assert_eq!(told.iter().filter(|notice| **notice == wanted).count(), 1);
    assert!(!world.notices("eva", channel).contains(&wanted), "Eva is no lead");
    let view = world.engine("ana").move_view(channel).unwrap();
    let (hub, standing) = &view.proposals[0];
    assert_eq!((hub, view.wanted, standing.needed), (&to, None, 1));
    assert_eq!(standing.missing, [world.network.fge.domain.clone()].into());

    let last = tail(&world, channel);
    takes_over(&mut world, channel, last);
    world.post("eva", channel, "desde el otro relé");
    world.settle();
    let moved = Notice::Moved { from: world.network.fge.domain.to_string(), to: to.to_string() };
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(hub_of(&mut world, name, channel), to.as_str());
        assert_eq!(world.texts(name, channel), ["desde el otro relé"], "{name}");
        assert!(world.notices(name, channel).contains(&moved), "{name}");
        assert!(!world.notices(name, channel).iter().any(is_accusation), "{name}");
        let view = world.engine(name).move_view(channel).unwrap();
        assert_eq!((view.wanted, view.proposals.len()), (None, 0), "{name}: it is done");
        assert!(published(&mut world, name, channel).is_empty());
    }
    world.engine("eva").wish(channel, Wish::RenewKeys).unwrap();
    world.settle();
    let policy = world.policy("ana", channel);
    assert_eq!((policy.hub(), policy.creating_hub()), (&to, &world.network.fge.domain));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn a_vote_is_given_again_after_each_commit_until_it_is_taken_back() {
    let mut world = World::new();
    let channel = world.case();
    let to = world.network.mp.domain.clone();
    world.engine("ana").move_channel(channel, &to).unwrap();
    let first = published(&mut world, "ana", channel);
    assert_eq!(published(&mut world, "ana", channel), first, "the same vote");
    world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
    world.settle();
    world.restart("ana");
    let second = published(&mut world, "ana", channel);
    let fences = [&first, &second].map(|votes| votes[0].unverified_vote().fence);
    assert_eq!(fences[1], tail(&world, channel));
    assert!(fences[0] < fences[1]);

    world.engine("ana").cancel_move(channel).unwrap();
    world.settle();
    assert!(published(&mut world, "ana", channel).is_empty());
    assert!(tail(&world, channel) > fences[1], "a commit has ended what the relays have");
    let again = world.engine("ana").cancel_move(channel);
    assert!(matches!(again, Err(MoveError::NotAsked)));
}

#[test]
fn who_is_no_lead_any_more_does_not_vote_on() {
    let mut world = World::new();
    let channel = world.case();
    let (to, eva) = (world.network.mp.domain.clone(), world.address("eva"));
    let refused = world.engine("eva").move_channel(channel, &to);
    assert!(matches!(refused, Err(MoveError::Vote(_))), "{refused:?}");
    world.engine("ana").wish(channel, Wish::SetRole(eva.clone(), Role::Lead)).unwrap();
    world.settle();
    world.engine("eva").move_channel(channel, &to).unwrap();
    assert_eq!(published(&mut world, "eva", channel).len(), 1);
    world.engine("ana").wish(channel, Wish::SetRole(eva, Role::Member)).unwrap();
    world.settle();
    assert!(published(&mut world, "eva", channel).is_empty());
}

#[test]
fn a_hub_without_the_votes_is_refused_and_nothing_of_it_is_kept() {
    let mut world = World::new();
    let channel = world.case();
    let to = world.network.mp.domain.clone();
    world.engine("bruno").move_channel(channel, &to).unwrap();
    let votes = published(&mut world, "bruno", channel);
    let last = tail(&world, channel);
    take_over_by(&mut world, channel, last, votes);
    for name in ["ana", "bruno", "eva"] {
        let refused = world.receive(name, channel, last.next());
        let is_refused = |error: &ReceiveError| {
            matches!(error, ReceiveError::Channel(ChannelError::MoveRefused { .. }))
        };
        assert!(refused.as_ref().is_err_and(is_refused), "{name}: {refused:?}");
        assert_eq!(hub_of(&mut world, name, channel), world.network.fge.domain.as_str());
        let kept = world.engine(name).read(|tx| tx.item(channel, last.next())).unwrap();
        assert!(kept.is_none(), "{name}");
    }
}

/// The statement says who signs; whoever else does has signed nothing.
#[test]
fn a_former_hub_signs_nothing_any_more() {
    let mut world = World::new();
    let channel = world.case();
    let last = tail(&world, channel);
    takes_over(&mut world, channel, last);
    let (items, genuine) = world.hub.frame(channel, last.next());
    let moves = std::mem::take(&mut world.hub.logs.get_mut(&channel).unwrap().moves);
    let (_, by_former) = world.hub.frame(channel, last.next());
    world.hub.logs.get_mut(&channel).unwrap().moves = moves;
    let refused = world.engine("ana").receive(channel, items.clone(), &by_former);
    assert!(matches!(refused, Err(ReceiveError::HeadKey(_))), "{refused:?}");
    world.engine("ana").receive(channel, items, &genuine).unwrap();
}

/// The former hub went on alone for a while: what it gave a place is written again.
#[test]
fn what_a_former_hub_went_on_with_alone_is_sent_again() {
    let mut world = World::new();
    let channel = world.case();
    let kept = tail(&world, channel);
    let lost = world.post("ana", channel, "en el hub antiguo");
    while world.pump("ana") + world.deliver("ana") > 0 {}
    assert_eq!(world.texts("ana", channel), ["en el hub antiguo"]);
    takes_over(&mut world, channel, kept);
    let before = world.hub.sign(channel, kept, world.hub.chain_at(channel, kept));
    let (items, head) = world.hub.frame(channel, kept.next());
    let departure = Departure { before, items, newest: head.clone(), head };
    let next = kept.next();
    let left = world.engine("ana").is_left_behind(channel, next, &departure.newest).unwrap();
    assert!(!left, "its own copy reaches back further");
    assert_eq!(world.engine("ana").go_back(channel, &departure).unwrap(), SetBack::GoesOn);
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(hub_of(&mut world, name, channel), "mp.example", "{name}");
        assert_eq!(world.texts(name, channel), ["en el hub antiguo"], "{name}");
        assert!(!world.notices(name, channel).iter().any(is_accusation), "{name}");
    }
    let row = world.engine("ana").read(|tx| tx.outbox_of(lost)).unwrap().unwrap();
    assert!(matches!(row.state, OutboxState::Accepted(Some(seq)) if seq > kept.next()));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// Ana has a change under way when the channel moves: what she has made is for the former hub.
fn change_under_way(world: &mut World, channel: ChannelId) -> (ClientId, Action) {
    let eva = world.address("eva");
    let asked = world.engine("ana").wish(channel, Wish::SetRole(eva, Role::Lead)).unwrap();
    assert_eq!(world.pump("ana"), 1, "the lease");
    let ana = world.officers.get_mut("ana").unwrap();
    let submit = ana.engine.plan(&mut ana.lanes).unwrap().actions.pop().unwrap();
    assert!(matches!(submit, Action::Submit(..)));
    (asked, submit)
}

/// The connection was lost before anything was sent.
fn lose(world: &mut World, submit: &Action) {
    let ana = world.officers.get_mut("ana").unwrap();
    let lost = Answer::Failed(CallError::Lost(Lost::Silent));
    ana.engine.take_answer(submit, lost, &mut ana.lanes).unwrap();
}

fn is_void(notice: &Notice) -> bool {
    matches!(notice, Notice::VoidChange { .. })
}

#[test]
fn a_change_that_was_made_for_the_former_hub_is_made_again() {
    let mut world = World::new();
    let channel = world.case();
    let (asked, submit) = change_under_way(&mut world, channel);
    let last = tail(&world, channel);
    takes_over(&mut world, channel, last);
    lose(&mut world, &submit);
    world.settle();
    assert!(!world.notices("eva", channel).iter().any(is_void));
    assert!(matches!(world.state_of("ana", asked), OutboxState::Accepted(Some(_))));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn a_change_that_turned_out_void_is_made_again_under_another_id() {
    let mut world = World::new();
    let channel = world.case();
    let (asked, submit) = change_under_way(&mut world, channel);
    let last = tail(&world, channel);
    takes_over(&mut world, channel, last);
    // It was on its way, and the next hub gives it a place behind its statement.
    let answer = world.call(&submit);
    assert!(matches!(answer, Answer::Accepted(_)), "{answer:?}");
    let ana = world.officers.get_mut("ana").unwrap();
    ana.engine.take_answer(&submit, answer, &mut ana.lanes).unwrap();
    world.settle();
    assert!(world.notices("eva", channel).iter().any(is_void));
    let OutboxState::Accepted(Some(place)) = world.state_of("ana", asked) else {
        panic!("{:?}", world.state_of("ana", asked))
    };
    assert!(place > last.next().next(), "not where the void one stands");
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
    assert!(world.policy("bruno", channel).role_of(&world.address("eva")) == Some(Role::Lead));
}

/// Ana has given up what she had made for the former hub, and has not made it anew, when the next hub is
/// brought it by somebody who had kept it.
#[test]
fn what_comes_late_for_the_former_hub_keeps_nothing_from_being_made_again() {
    let mut world = World::new();
    let channel = world.case();
    let (asked, submit) = change_under_way(&mut world, channel);
    let last = tail(&world, channel);
    takes_over(&mut world, channel, last);
    lose(&mut world, &submit);
    let note = world.post("ana", channel, "detrás");
    world.clock.advance(Duration::from_secs(20));
    world.deliver("ana");
    assert_eq!(world.pump("ana"), 1, "the lease has lapsed");
    assert!(matches!(world.state_of("ana", asked), OutboxState::Queued));
    let answer = world.call(&submit);
    assert!(matches!(answer, Answer::Accepted(_)), "{answer:?}");
    world.settle();
    assert!(world.notices("eva", channel).iter().any(is_void));
    for asked in [asked, note] {
        let state = world.state_of("ana", asked);
        assert!(matches!(state, OutboxState::Accepted(Some(_))), "{state:?}");
    }
    assert_eq!(world.role("bruno", channel, "eva"), Some(Role::Lead));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// What she had sent is answered when she has gone back with the hub, and given it up.
#[test]
fn what_a_hub_refuses_of_what_was_given_up_is_made_again() {
    let mut world = World::new();
    let channel = world.case();
    let kept = tail(&world, channel);
    world.post("bruno", channel, "perdido");
    world.settle();
    let (asked, submit) = change_under_way(&mut world, channel);
    let now = enlace_transport::Clock::now(&*world.clock);
    world.hub.begin_anew(channel, kept, now);
    let before = world.hub.sign(channel, kept, world.hub.chain_at(channel, kept));
    let (items, head) = world.hub.frame(channel, kept.next());
    let departure = Departure { before, items, newest: head.clone(), head };
    assert_eq!(world.engine("ana").go_back(channel, &departure).unwrap(), SetBack::GoesOn);
    let refused = Refusal::new(ErrorCode::BadEnvelope, "it was set back");
    let ana = world.officers.get_mut("ana").unwrap();
    let refused = Answer::Failed(CallError::Refused(refused));
    ana.engine.take_answer(&submit, refused, &mut ana.lanes).unwrap();
    assert!(matches!(world.state_of("ana", asked), OutboxState::Queued));
    for _ in 0..50 {
        world.deliver("ana");
        world.pump("ana");
        world.clock.advance(Duration::from_millis(200));
    }
    assert!(matches!(world.state_of("ana", asked), OutboxState::Accepted(Some(_))));
}

#[test]
fn nobody_goes_back_to_a_hub_without_the_votes() {
    let mut world = World::new();
    let channel = world.case();
    let kept = tail(&world, channel);
    world.post("ana", channel, "en su sitio");
    world.settle();
    let own = tail(&world, channel);
    let to = world.network.mp.domain.clone();
    world.engine("bruno").move_channel(channel, &to).unwrap();
    let votes = published(&mut world, "bruno", channel);
    take_over_by(&mut world, channel, kept, votes);
    let before = world.hub.sign(channel, kept, world.hub.chain_at(channel, kept));
    let (items, head) = world.hub.frame(channel, kept.next());
    let departure = Departure { before, items, newest: head.clone(), head };
    let refused = world.engine("ana").go_back(channel, &departure);
    assert!(matches!(refused, Err(ReceiveError::Channel(ChannelError::MoveRefused { .. }))));
    assert_eq!(world.texts("ana", channel), ["en su sitio"]);
    let row = world.engine("ana").read(|tx| tx.item(channel, own)).unwrap();
    assert!(row.is_some(), "nothing has changed");
}

#[test]
fn who_joins_or_was_away_finds_the_channel_at_its_hub() {
    let mut world = World::new();
    world.enroll("dario", "mp");
    let channel = world.case();
    let eva = world.officers.remove("eva").unwrap();
    world.post("ana", channel, "sin Eva");
    world.settle();
    let last = tail(&world, channel);
    takes_over(&mut world, channel, last);
    world.settle();
    let dario = world.address("dario");
    world.engine("bruno").wish(channel, Wish::Add(dario, Role::Member)).unwrap();
    world.settle();
    world.post("dario", channel, "ya aquí");
    world.settle();
    world.officers.insert("eva", eva);
    let certificates = world.hub.present_certificates(channel).to_vec();
    world.engine("eva").take_head_certificate(None, &certificates).unwrap();
    world.settle();
    for name in ["ana", "bruno", "dario", "eva"] {
        assert_eq!(hub_of(&mut world, name, channel), "mp.example", "{name}");
    }
    assert_eq!(world.texts("eva", channel), ["sin Eva", "ya aquí"]);
    world.assert_agreement(channel, &["ana", "bruno", "dario", "eva"]);
}
