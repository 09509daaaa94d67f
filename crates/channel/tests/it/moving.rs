//! A channel that moves to another hub, and hubs that take it without the votes.

use enlace_channel::channel::{ChannelError, Command, Event, JoinRefused, Standing, VoteError};
use enlace_channel::policy::Role;
use enlace_identity::keys::SigningKey;
use enlace_identity::names::Domain;
use enlace_log::{HubVote, Seq, SignedHubVote};

use crate::support::{ANA, BEN, CID, Case, DORA, Hub, Member};

const EVA: usize = 4;

fn domain(name: &str) -> Domain {
    format!("{name}.example").parse().unwrap()
}

/// The vote of a member's honest program.
fn vote(case: &mut Case, who: usize, to: &str) -> SignedHubVote {
    let network = &case.network;
    let to = domain(to);
    case.members[who].make(network, |c, ctx| c.vote_for_hub(ctx, &to)).unwrap()
}

/// The leads of both authorities want it there.
fn both(case: &mut Case, to: &str) -> Vec<SignedHubVote> {
    vec![vote(case, ANA, to), vote(case, CID, to)]
}

fn moved(case: &mut Case, to: &str) -> Seq {
    let votes = both(case, to);
    let seq = case.hub.take_over(&domain(to), votes);
    case.deliver();
    seq
}

/// What a modified client signs.
fn forged(case: &Case, who: usize, alter: impl FnOnce(&mut HubVote)) -> SignedHubVote {
    let mut vote = case.members[who].channel().wanted_move(&domain("b")).unwrap();
    alter(&mut vote);
    let device = &case.members[who].device;
    SignedHubVote::sign(vote, &device.key, device.chain.clone())
}

#[test]
fn a_channel_moves_and_its_log_goes_on() {
    let mut case = Case::with_four();
    let seq = moved(&mut case, "b");
    for member in &case.members {
        assert_eq!(member.channel().hub(), domain("b"));
        let is_told = member.events.iter().any(|(at, event)| match event {
            Event::Moved { from, to } => (*at, from, to) == (seq, &domain("a"), &domain("b")),
            _ => false,
        });
        assert!(is_told, "{}", member.name());
        assert_eq!(member.channel().policy().hub(), &domain("a"), "no commit has recorded it yet");
    }
    case.assert_healthy();
    case.commit(DORA, &Command::SelfUpdate);
    for member in &mut case.members {
        let policy = member.channel().policy();
        assert_eq!((policy.hub(), policy.creating_hub()), (&domain("b"), &domain("a")));
        member.reload(&case.network);
        assert_eq!(member.channel().hub(), domain("b"), "it is stored");
    }
    case.assert_healthy();

    case.members.push(Member::new(case.network.a.device("eva")));
    case.admit(ANA, EVA, Role::Member);
    assert_eq!(case.members[EVA].channel().hub(), domain("b"));
    case.assert_healthy();

    moved(&mut case, "a");
    case.commit(EVA, &Command::SelfUpdate);
    let policy = case.members[BEN].channel().policy();
    assert_eq!((policy.hub(), policy.creating_hub()), (&domain("a"), &domain("a")));
    case.assert_healthy();
}

#[test]
fn whoever_was_let_in_right_after_a_move_finds_the_hub_in_the_policy() {
    let mut case = Case::with_four();
    moved(&mut case, "b");
    case.members.push(Member::new(case.network.b.device("eva")));
    case.admit(CID, EVA, Role::Member);
    let policy = case.members[EVA].channel().policy();
    assert_eq!((policy.hub(), policy.creating_hub()), (&domain("b"), &domain("a")));
    case.assert_healthy();
}

#[test]
fn a_member_who_was_away_follows_the_move() {
    let mut case = Case::with_four();
    let dora = case.members.remove(DORA);
    case.post(ANA, "while she is away");
    moved(&mut case, "b");
    case.commit(ANA, &Command::SelfUpdate);
    moved(&mut case, "a");
    case.post(BEN, "and more");
    case.members.push(dora);
    case.deliver();
    assert_eq!(case.members[DORA].channel().hub(), domain("a"));
    case.assert_healthy();
}

/// Every honest member refuses a hub that takes over with these votes, and goes on as before.
fn refused_by_all(case: &mut Case, to: &str, votes: Vec<SignedHubVote>, what: &str) {
    let mut rogue = case.hub.fork();
    let seq = rogue.take_over(&domain(to), votes);
    let network = &case.network;
    for member in &mut case.members {
        let taken = member.try_receive(network, &rogue, seq);
        assert!(matches!(taken, Err(ChannelError::MoveRefused { .. })), "{what}: {taken:?}");
        assert_eq!(member.channel().hub(), domain("a"), "{what}");
    }
    case.assert_healthy();
}

#[test]
fn too_few_votes_or_others_than_leads_move_nothing() {
    let mut case = Case::with_four();
    let ana = vote(&mut case, ANA, "b");
    let cid = vote(&mut case, CID, "b");
    let ben = forged(&case, BEN, |_| {});
    let dora = forged(&case, DORA, |_| {});
    let bystander = case.network.b.device("cid");
    let wanted = case.members[CID].channel().wanted_move(&domain("b")).unwrap();
    let other_key =
        SignedHubVote::sign(wanted.clone(), &SigningKey::generate(), bystander.chain.clone());
    let new_certificate = SignedHubVote::sign(wanted, &bystander.key, bystander.chain);
    let cases: Vec<(&str, Vec<SignedHubVote>)> = vec![
        ("nobody", vec![]),
        ("one authority", vec![cid.clone()]),
        ("one authority, twice", vec![cid.clone(), cid.clone()]),
        ("a lead and a member", vec![cid.clone(), ben.clone()]),
        ("members", vec![ben, dora.clone()]),
        ("a lead and a member of the other", vec![ana.clone(), dora]),
        ("a key that is not the lead's", vec![ana.clone(), other_key]),
        (
            "a key that is certified for the lead and not in its leaf",
            vec![ana.clone(), new_certificate],
        ),
        ("for another hub", vec![ana.clone(), forged(&case, CID, |vote| vote.to = domain("c"))]),
        ("from another hub", vec![ana.clone(), forged(&case, CID, |vote| vote.from = domain("c"))]),
        ("of an earlier state", vec![ana.clone(), forged(&case, CID, |vote| vote.fence.0 -= 1)]),
        ("of another channel", vec![ana, forged(&case, CID, |vote| vote.channel.0[0] ^= 1)]),
    ];
    for (what, votes) in cases {
        refused_by_all(&mut case, "b", votes, what);
    }
}

#[test]
fn votes_end_with_the_next_commit() {
    let mut case = Case::with_four();
    let votes = both(&mut case, "b");
    case.commit(BEN, &Command::SelfUpdate);
    refused_by_all(&mut case, "b", votes, "replayed");
    moved(&mut case, "b");
    case.assert_healthy();
}

#[test]
fn a_channel_moves_to_nobody_who_is_not_in_it() {
    let mut case = Case::with_four();
    let votes = [ANA, CID].map(|who| forged(&case, who, |vote| vote.to = domain("c")));
    refused_by_all(&mut case, "c", votes.to_vec(), "an authority that is not in the channel");
    let network = &case.network;
    let vote = |member: &mut Member, to: &str| {
        let to = domain(to);
        member.make(network, |c, ctx| c.vote_for_hub(ctx, &to)).unwrap_err()
    };
    assert!(matches!(vote(&mut case.members[ANA], "c"), VoteError::NotInChannel(_)));
    assert!(matches!(vote(&mut case.members[ANA], "a"), VoteError::AlreadyThere(_)));
    assert!(matches!(vote(&mut case.members[BEN], "b"), VoteError::NotALead));
}

/// A modified client that commits as if nothing had moved, or names a hub of its liking.
#[test]
fn a_commit_that_does_not_record_the_move_is_void() {
    let mut case = Case::with_four();
    moved(&mut case, "b");
    let other = case.members[BEN].channel().policy().at_hub(&domain("c")).unwrap().encode();
    for policy in [None, Some(other)] {
        let id = case.members[BEN].client_id();
        let network = &case.network;
        let outgoing = case.members[BEN]
            .make(network, |c, ctx| {
                let alter =
                    |changes: &mut enlace_channel::mls::Changes<'_>| changes.policy = policy;
                c.dangerous_seal_altered(ctx, &Command::SelfUpdate, alter, id)
            })
            .unwrap();
        let seq = case.hub.accept(&outgoing);
        case.deliver();
        let (_, reason) = case.void_by_all(seq, BEN);
        assert!(reason.contains("R-POLICY-HUB"), "{reason}");
        case.assert_healthy();
    }
    case.commit(BEN, &Command::SelfUpdate);
    case.assert_healthy();
}

#[test]
fn going_back_behind_a_move_restores_the_hub() {
    let mut case = Case::with_four();
    let before = case.hub.tail();
    let seq = moved(&mut case, "b");
    let chain = case.hub.chains[usize::try_from(before.0).unwrap()];
    let network = &case.network;
    let ben = &mut case.members[BEN];
    ben.make(network, |c, ctx| {
        let fence = c.fence();
        c.rewind(ctx, seq, chain, fence)
    })
    .unwrap();
    assert_eq!(ben.channel().hub(), domain("a"));
    ben.reload(network);
    assert_eq!(ben.channel().hub(), domain("a"));
    case.deliver();
    assert_eq!(case.members[BEN].channel().hub(), domain("b"));
    case.assert_healthy();
}

#[test]
fn who_was_removed_before_a_move_is_let_in_again_after_it() {
    let mut case = Case::with_four();
    let dora = case.members[DORA].officer();
    case.commit(CID, &Command::Remove(dora));
    assert_eq!(case.members[DORA].channel().standing(), Standing::Removed);
    let votes = both(&mut case, "b");
    case.hub.take_over(&domain("b"), votes.clone());
    case.deliver();
    let admission = case.admission(DORA, Role::Member);
    let outgoing = case.command(CID, &Command::Admit(vec![admission])).unwrap();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    let offer = case.offer(seq, &outgoing, CID);
    for votes in [vec![], vec![votes[0].clone()], vec![votes[0].clone(), votes[0].clone()]] {
        let mut unvouched = offer.clone();
        unvouched.hub_votes = votes;
        let refused = case.members[DORA].join(&case.network, &case.hub, &unvouched).unwrap_err();
        assert!(matches!(refused, JoinRefused::OtherHub { .. }), "{refused:?}");
    }
    case.members[DORA].join(&case.network, &case.hub, &offer).unwrap();
    assert_eq!(case.members[DORA].channel().hub(), domain("b"));
    case.assert_healthy();
}

/// The device knows no present roles: it goes by what the relays go by.
#[test]
fn a_stranded_device_follows_a_move_by_the_votes_certificates() {
    let mut case = Case::with_four();
    crate::stranded::strands(&mut case, CID, DORA);
    let cid = vote(&mut case, CID, "b");
    let mut rogue: Hub = case.hub.fork();
    let seq = rogue.take_over(&domain("b"), vec![cid]);
    let taken = case.members[DORA].try_receive(&case.network, &rogue, seq);
    assert!(matches!(taken, Err(ChannelError::MoveRefused { .. })), "{taken:?}");
    moved(&mut case, "b");
    assert_eq!(case.members[DORA].channel().hub(), domain("b"));
    crate::stranded::asks_all(&mut case, DORA);
    crate::stranded::puts_back(&mut case, ANA, DORA);
    case.post(ANA, "back again");
    case.assert_healthy();
}
