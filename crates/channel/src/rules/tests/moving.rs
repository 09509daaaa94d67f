//! Who moves a channel to another hub.

use enlace_identity::names::Domain;
use enlace_log::{ChannelId, HubVote, Seq, SignedHubVote};

use super::super::{Rule, State, judge_move};
use super::scene::{CHANNEL, DAY, NOW, device, key, leaf_of, network, officer, state};
use crate::policy::Role;

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

/// That the channel goes from the hub of fge to that of pgr, in the present state.
fn wanted() -> HubVote {
    HubVote {
        channel: CHANNEL,
        from: domain("fge.example"),
        to: domain("pgr.example"),
        fence: Seq(9),
    }
}

fn vote_as(name: &str, signer: &str, vote: HubVote) -> SignedHubVote {
    let (device, key) = (device(name), key(device(signer).as_str()));
    let chain = network().certify(&device, &key);
    SignedHubVote::sign(vote, &key, chain)
}

fn vote(name: &str) -> SignedHubVote {
    vote_as(name, name, wanted())
}

/// A third authority in the channel, whose lead is Bo.
fn three() -> State {
    let mut three = state();
    let bo = officer("bo@mj.example");
    three.policy = three.policy.admit(&bo, Role::Lead).unwrap();
    three.members.insert(device("bo@mj.example"), leaf_of(&device("bo@mj.example"), 0));
    three
}

fn judged(state: &State, votes: &[SignedHubVote]) -> Result<Vec<String>, Rule> {
    let judged = judge_move(state, &wanted(), votes, NOW);
    let voters = judged.map_err(|void| void.rule())?;
    Ok(voters.into_iter().map(|voter| voter.to_string()).collect())
}

#[test]
fn leads_of_more_than_half_of_the_authorities_move_it() {
    let (ana, luis, rui, bo) =
        ("ana@fge.example", "luis@fge.example", "rui@pgr.example", "bo@mj.example");
    let of = |names: &[&str]| names.iter().map(|name| vote(name)).collect::<Vec<_>>();
    let few = Err(Rule::MoveVotes);
    assert_eq!(judged(&state(), &of(&[rui])), few, "one of two");
    assert_eq!(judged(&state(), &of(&[ana, luis])), few, "two of one");
    assert_eq!(judged(&state(), &of(&[rui, ana])), Ok(vec![ana.into(), rui.into()]));
    assert_eq!(judged(&three(), &of(&[rui])), few, "one of three");
    assert!(
        judged(&three(), &of(&[rui, bo])).is_ok(),
        "two of three, the hub's own not among them"
    );
    assert_eq!(judged(&three(), &[]), few);
}

#[test]
fn only_votes_of_leads_for_this_very_move_count() {
    let (rui, bo) = ("rui@pgr.example", "bo@mj.example");
    let altered = |alter: fn(&mut HubVote)| {
        let mut vote = wanted();
        alter(&mut vote);
        vote_as(bo, bo, vote)
    };
    let others = [
        ("a member's", vote("ze@pgr.example")),
        ("an observer's", vote("oto@fge.example")),
        ("a stranger's", vote("pia@mj.example")),
        ("under another's name", vote_as(bo, "ze@pgr.example", wanted())),
        ("of an earlier state", altered(|vote| vote.fence = Seq(8))),
        ("of a later state", altered(|vote| vote.fence = Seq(10))),
        ("away from another hub", altered(|vote| vote.from = domain("mj.example"))),
        ("to another hub", altered(|vote| vote.to = domain("mj.example"))),
        ("of another channel", altered(|vote| vote.channel = ChannelId([8; 32]))),
    ];
    for (name, other) in others {
        let votes = [vote(rui), other];
        assert_eq!(judged(&three(), &votes), Err(Rule::MoveVotes), "{name}");
        let enough = [votes.to_vec(), vec![vote("ana@fge.example")]].concat();
        assert!(judged(&three(), &enough).is_ok(), "{name} spoils nothing");
    }
}

#[test]
fn a_stand_in_votes_as_long_as_the_mandate_lasts() {
    let (bo, end) = (officer("bo@mj.example"), NOW.plus(DAY * 30));
    let mut three = three();
    three.policy = three.policy.edit().unwrap().stand_in(&bo, end, 7).finish().unwrap();
    let votes = [vote("rui@pgr.example"), vote("bo@mj.example")];
    assert!(judge_move(&three, &wanted(), &votes, NOW).is_ok());
    let late = judge_move(&three, &wanted(), &votes, end).map_err(|void| void.rule());
    assert_eq!(late, Err(Rule::MoveVotes));
}

#[test]
fn the_next_hub_is_another_ones_that_has_officers_in_the_channel() {
    let judged = |to: &str| {
        let wanted = HubVote { to: domain(to), ..wanted() };
        let votes = ["ana@fge.example", "rui@pgr.example"].map(|n| vote_as(n, n, wanted.clone()));
        judge_move(&state(), &wanted, &votes, NOW).map_err(|void| void.rule())
    };
    assert_eq!(judged("mj.example"), Err(Rule::MoveHub));
    assert_eq!(judged("fge.example"), Err(Rule::MoveHub));
    assert!(judged("pgr.example").is_ok());
}
