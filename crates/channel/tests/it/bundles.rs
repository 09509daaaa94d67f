//! A channel follows the network's bundle: by a commit that carries the versions along, with those
//! taken out whom the new version no longer vouches for.

use enlace_channel::channel::{Command, Event, JoinRefused, SealError, Standing};
use enlace_channel::policy::Role;
use enlace_channel::rules::{Act, Removal};
use enlace_identity::bundle::{Bundle, BundleContent, SignedBundle};
use enlace_log::Seq;
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use crate::support::{ANA, Authority, BEN, CID, Case, DORA, Member, Network, entry};

/// The version after `previous`, of these authorities, signed by those; whoever enters signs too.
fn next(previous: &Bundle, of: &[&Authority], by: &[&Authority]) -> SignedBundle {
    let authorities = of.iter().map(|authority| entry(authority)).collect();
    let content = previous.content().clone();
    let (version, hash) = (content.version + 1, Some(previous.hash()));
    let content = BundleContent { version, previous: hash, authorities, ..content };
    let mut signed = SignedBundle::create(content).unwrap();
    for signer in by {
        signed.sign_after(previous, &signer.domain, &signer.root_key).unwrap();
    }
    signed
}

/// C leaves.
fn without_c(network: &Network) -> Bundle {
    let signed = next(&network.bundle, &[&network.a, &network.b], &[&network.a, &network.b]);
    signed.open_after(&network.bundle).unwrap()
}

/// B leaves.
fn without_b(network: &Network) -> Bundle {
    let signed = next(&network.bundle, &[&network.a, &network.c], &[&network.a, &network.b]);
    signed.open_after(&network.bundle).unwrap()
}

fn evidence(signed: &[&[u8]]) -> Vec<u8> {
    let bundles = signed.iter().map(|signed| signed.to_vec()).collect();
    let bundle = wire::evidence::Evidence::Bundle(wire::BundleEvidence { bundles });
    wire::Evidence { evidence: Some(bundle) }.encode_to_vec()
}

impl Case {
    /// Makes a commit as somebody does who knows `bundle`; the others don't yet.
    fn follow(&mut self, by: usize, bundle: Bundle) -> Seq {
        let known = std::mem::replace(&mut self.network.bundle, bundle);
        let outgoing = self.command(by, &Command::FollowBundle).unwrap();
        let seq = self.hub.accept(&outgoing);
        // The author knows what it has committed.
        self.members[by].receive(&self.network, &self.hub, seq);
        self.network.bundle = known;
        seq
    }

    fn acts(&self, who: usize, seq: Seq) -> &[Act] {
        let events = self.members[who].events.iter();
        let acts = events.filter(|(at, _)| *at == seq).find_map(|(_, event)| match event {
            Event::Changed { acts, .. } => Some(&acts[..]),
            _ => None,
        });
        acts.expect("the commit took effect")
    }

    /// A commit of changes that a modified client makes up, and which nobody may follow.
    fn void(&mut self, by: usize, alter: impl FnOnce(&mut Vec<Vec<u8>>, &mut Option<Vec<u8>>)) {
        let id = self.members[by].client_id();
        let network = &self.network;
        let outgoing = self.members[by].make(network, |channel, ctx| {
            let alter = |changes: &mut enlace_channel::mls::Changes<'_>| {
                alter(&mut changes.evidence, &mut changes.policy);
            };
            channel.dangerous_seal_altered(ctx, &Command::SelfUpdate, alter, id)
        });
        let seq = self.hub.accept(&outgoing.unwrap());
        self.deliver();
        let (_, reason) = self.void_by_all(seq, by);
        assert!(reason.contains("R-BUNDLE"), "{reason}");
        self.assert_healthy();
    }

    fn policy_under(&self, bundle: &Bundle) -> Option<Vec<u8>> {
        let policy = self.members[ANA].channel().policy();
        let policy = policy.edit().unwrap().bundle_hash(bundle.hash()).finish().unwrap();
        Some(policy.encode().to_vec())
    }
}

#[test]
fn anybody_takes_the_channel_to_the_next_version_and_all_follow_without_knowing_it() {
    let mut case = Case::with_four();
    let bundle = without_c(&case.network);
    let seq = case.follow(DORA, bundle.clone());
    case.deliver();
    for who in [ANA, BEN, CID] {
        assert_eq!(case.acts(who, seq), [Act::BundleChanged { version: 2 }]);
        let brought = Event::Bundles(vec![bundle.signed().to_vec()]);
        let events = case.members[who].events.iter().map(|(_, event)| format!("{event:?}"));
        assert!(events.collect::<Vec<_>>().contains(&format!("{brought:?}")));
    }
    // Later commits are judged by it, in the same sitting and once it is known.
    case.commit(ANA, &Command::SelfUpdate);
    case.network.bundle = bundle;
    for who in [ANA, BEN, CID, DORA] {
        case.members[who].reload(&case.network);
    }
    case.commit(CID, &Command::SelfUpdate);
    case.assert_healthy();
    let refused = case.command(ANA, &Command::FollowBundle).unwrap_err();
    assert!(matches!(refused, SealError::NoLaterBundle), "{refused}");
}

#[test]
fn a_dropped_authority_goes_with_the_commit_that_follows() {
    let mut case = Case::with_four();
    let bundle = without_b(&case.network);
    // Whoever goes can't make it.
    let known = std::mem::replace(&mut case.network.bundle, bundle.clone());
    let refused = case.command(CID, &Command::FollowBundle).unwrap_err();
    assert!(matches!(refused, SealError::NotAllowed(_) | SealError::Commit(_)), "{refused:?}");
    case.network.bundle = known;

    let seq = case.follow(BEN, bundle.clone());
    case.network.bundle = bundle;
    case.deliver();
    let removed = case.acts(ANA, seq).iter().filter_map(|act| match act {
        Act::Removed { device, because, .. } => Some((device.clone(), *because)),
        _ => None,
    });
    let removed: Vec<_> = removed.collect();
    let of_b = [CID, DORA].map(|who| (case.members[who].name().clone(), Removal::Dropped));
    assert_eq!(removed, of_b);
    for who in [CID, DORA] {
        assert_eq!(case.members[who].channel().standing(), Standing::Removed);
    }
    case.assert_healthy();
    // Nobody of it comes in again.
    let admission = case.admission(CID, Role::Lead);
    let refused = case.command(ANA, &Command::Admit(vec![admission])).unwrap_err();
    assert!(matches!(refused, SealError::Certificate(_)), "{refused}");
}

/// All of B are suspended, and would come back by themselves, when the network drops it.
#[test]
fn the_suspended_of_a_dropped_authority_stay_out() {
    let mut case = Case::with_four();
    case.suspend(BEN, &[CID, DORA]);
    let listed = |case: &Case| case.members[ANA].channel().policy().suspended().len();
    assert_eq!(listed(&case), 2);
    let bundle = without_b(&case.network);
    case.follow(BEN, bundle.clone());
    case.network.bundle = bundle;
    case.deliver();
    assert_eq!(listed(&case), 0);
    case.assert_healthy();
}

#[test]
fn an_owner_of_a_dropped_authority_goes_too() {
    let mut case = Case::with_four();
    case.commit(ANA, &Command::SetRole(case.members[CID].officer(), Role::Owner));
    let bundle = without_b(&case.network);
    case.follow(BEN, bundle.clone());
    case.network.bundle = bundle;
    case.deliver();
    assert_eq!(case.members[ANA].channel().policy().owners().count(), 0);
    case.assert_healthy();
}

#[test]
fn what_does_not_follow_is_void_for_everybody() {
    let mut case = Case::with_four();
    let network = Network::new();
    let genuine = without_c(&case.network);
    let Network { a, b, bundle, .. } = &case.network;
    let under_signed = next(bundle, &[a, b], &[a]).encode();
    let third = next(&genuine, &[a, b], &[a, b]);
    let third = third.open_after(&genuine).unwrap();
    let foreign = without_c(&network);
    let (genuine_signed, third_signed) = (genuine.signed().to_vec(), third.signed().to_vec());
    let foreign_signed = foreign.signed().to_vec();
    let policy = case.policy_under(&genuine);
    let of_third = case.policy_under(&third);
    let of_foreign = case.policy_under(&foreign);

    case.void(DORA, |_, p| *p = policy.clone());
    case.void(DORA, |e, _| e.push(evidence(&[&genuine_signed])));
    case.void(DORA, |e, p| (e.push(evidence(&[&under_signed])), *p = policy.clone()).1);
    case.void(DORA, |e, p| (e.push(evidence(&[&foreign_signed])), *p = of_foreign.clone()).1);
    // A version in between is missing, or the policy names another one.
    case.void(DORA, |e, p| (e.push(evidence(&[&third_signed])), *p = of_third.clone()).1);
    case.void(DORA, |e, p| (e.push(evidence(&[&genuine_signed])), *p = of_third.clone()).1);
    case.void(DORA, |e, p| (e.push(evidence(&[])), *p = policy.clone()).1);
    let two = [&genuine_signed, &third_signed].map(|signed| evidence(&[signed]));
    case.void(DORA, |e, p| (e.extend(two), *p = policy.clone()).1);
    // Two versions at once, each following the other, are fine.
    let seq = case.follow(DORA, third);
    case.deliver();
    assert_eq!(case.acts(ANA, seq), [Act::BundleChanged { version: 3 }]);
}

#[test]
fn whoever_is_dropped_has_to_go_and_nobody_else() {
    let mut case = Case::with_four();
    let (no_b, no_c) = (without_b(&case.network), without_c(&case.network));
    let policy = case.policy_under(&no_b);
    let signed = no_b.signed().to_vec();
    // B stays although it is dropped.
    case.void(BEN, |e, p| (e.push(evidence(&[&signed])), *p = policy).1);
    // Dora goes although her authority stays.
    let dora = case.members[DORA].officer();
    let policy = case.members[ANA].channel().policy().edit().unwrap();
    let policy = policy.without(&dora).bundle_hash(no_c.hash()).finish().unwrap();
    let id = case.members[CID].client_id();
    let (network, signed) = (&case.network, no_c.signed().to_vec());
    let outgoing = case.members[CID].make(network, |channel, ctx| {
        let alter = |changes: &mut enlace_channel::mls::Changes<'_>| {
            changes.evidence.push(evidence(&[&signed]));
            changes.policy = Some(policy.encode().to_vec());
        };
        channel.dangerous_seal_altered(ctx, &Command::Remove(dora), alter, id)
    });
    let seq = case.hub.accept(&outgoing.unwrap());
    case.deliver();
    assert!(case.void_by_all(seq, CID).1.contains("R-BUNDLE"));
    case.assert_healthy();
}

#[test]
fn a_joiner_without_the_bundle_waits_and_joins_with_it() {
    let mut case = Case::with_four();
    let (first, bundle) = (case.network.bundle.clone(), without_c(&case.network));
    case.follow(ANA, bundle.clone());
    case.network.bundle = bundle.clone();
    case.deliver();
    case.members.push(Member::new(case.network.a.device("gil")));
    let gil = case.members.len() - 1;
    let admission = case.admission(gil, Role::Member);
    let outgoing = case.command(ANA, &Command::Admit(vec![admission])).unwrap();
    assert!(outgoing.request.welcomes.iter().all(|welcome| welcome.bundle == bundle.signed()));
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    let offer = case.offer(seq, &outgoing, ANA);
    case.network.bundle = first;
    let refused = case.members[gil].join(&case.network, &case.hub, &offer).unwrap_err();
    assert!(matches!(refused, JoinRefused::BundleMissing(hash) if hash == bundle.hash()));
    case.network.bundle = bundle;
    case.members[gil].join(&case.network, &case.hub, &offer).unwrap();
    case.assert_healthy();
}
