//! Programs of two versions in one channel: the rules are raised when everybody can follow, and
//! whoever cannot waits and changes nothing.

use enlace_channel::channel::{
    ChannelError, Command, Event, JoinRefused, RulesStanding, SealError,
};
use enlace_channel::known_rules::ProgramRules;
use enlace_channel::mls::Backend;
use enlace_channel::policy::{ChannelKind, Policy, Role};
use enlace_channel::rules::Act;
use enlace_log::Seq;

use crate::support::{ANA, BEN, CID, Case, DORA, Member};

fn backend(newest: u32) -> Backend {
    Backend::new().unwrap().with_rules(ProgramRules::dangerous_up_to(newest))
}

/// Four members, whose programs apply the rules up to these versions.
fn case_of(newest: [u32; 4]) -> Case {
    let mut case = Case::opened_with(ChannelKind::Case, backend(newest[ANA]));
    for (who, authority) in
        [(BEN, &case.network.a), (CID, &case.network.b), (DORA, &case.network.b)]
    {
        let name = ["ana", "ben", "cid", "dora"][who];
        let member = Member::with_backend(authority.device(name), backend(newest[who]));
        case.members.push(member);
    }
    case.admit(ANA, BEN, Role::Member);
    case.admit(ANA, CID, Role::Lead);
    case.admit(CID, DORA, Role::Member);
    for member in [ANA, BEN, CID, DORA] {
        case.post(member, &format!("hello from {member}"));
    }
    case
}

/// An officer installs another program.
fn install(case: &mut Case, who: usize, newest: u32) {
    let backend = std::mem::replace(&mut case.members[who].backend, backend(newest));
    drop(backend);
}

fn rules_standing(case: &mut Case, who: usize) -> RulesStanding {
    let network = &case.network;
    case.members[who].make(network, |channel, ctx| channel.rules_standing(ctx)).unwrap()
}

fn version(case: &Case, who: usize) -> u32 {
    case.members[who].channel().policy().rules_version()
}

#[test]
fn the_rules_are_raised_when_the_last_program_knows_the_next_version() {
    let mut case = case_of([2, 2, 2, 1]);
    let dora = case.members[DORA].name().clone();
    let behind = RulesStanding::WaitsFor { next: 2, behind: [dora].into_iter().collect() };
    assert_eq!(rules_standing(&mut case, ANA), behind);
    assert_eq!(rules_standing(&mut case, DORA), RulesStanding::Newest);
    let refused = case.command(ANA, &Command::RaiseRules).unwrap_err();
    assert!(matches!(refused, SealError::NotAllowed(_)), "{refused:?}");

    install(&mut case, DORA, 2);
    case.commit(DORA, &Command::SelfUpdate);
    assert_eq!(rules_standing(&mut case, ANA), RulesStanding::CanRise { next: 2 });
    let seq = case.commit(ANA, &Command::RaiseRules);
    for member in [ANA, BEN, CID, DORA] {
        assert_eq!(version(&case, member), 2);
        let raised = case.members[member].events.iter().any(|(at, event)| {
            let Event::Changed { acts, .. } = event else { return false };
            *at == seq && *acts == [Act::RulesRaised { to: 2 }]
        });
        assert!(raised, "{member} was told");
    }
    assert_eq!(rules_standing(&mut case, ANA), RulesStanding::Newest);
    case.assert_healthy();
}

/// Raises the version as a modified client does, whatever the others can.
fn raised_by_a_rogue(case: &mut Case, rogue: usize, to: u32) -> Seq {
    let id = case.members[rogue].client_id();
    let network = &case.network;
    let bytes = {
        use enlace_proto::channel::v1 as wire;
        use prost::Message as _;
        let policy = case.members[rogue].channel().policy().encode();
        let mut fields = wire::Policy::decode(&policy[..]).unwrap();
        fields.rules_version = to;
        Policy::decode(&fields.encode_to_vec()).unwrap().encode()
    };
    let outgoing = case.members[rogue]
        .make(network, |channel, ctx| {
            let alter =
                |changes: &mut enlace_channel::mls::Changes<'_>| changes.policy = Some(bytes);
            channel.dangerous_seal_altered(ctx, &Command::SelfUpdate, alter, id)
        })
        .unwrap();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    seq
}

#[test]
fn who_raises_them_without_being_entitled_is_named_and_changes_nothing() {
    for (newest, rogue, to) in [
        ([2, 2, 2, 2], BEN, 2),
        ([2, 2, 2, 2], CID, 2),
        ([3, 3, 3, 3], ANA, 3),
        ([2, 2, 2, 1], ANA, 2),
    ] {
        let mut case = case_of(newest);
        let seq = raised_by_a_rogue(&mut case, rogue, to);
        let (culprit, reason) = case.void_by_all(seq, usize::MAX);
        assert_eq!(culprit.device(), case.members[rogue].name());
        assert!(reason.contains("R-RULES-VERSION"), "{reason}");
        assert_eq!(version(&case, ANA), 1);
        case.assert_healthy();
    }
}

#[test]
fn nobody_lowers_them() {
    let mut case = case_of([2, 2, 2, 2]);
    case.commit(ANA, &Command::RaiseRules);
    let seq = raised_by_a_rogue(&mut case, ANA, 1);
    let (_, reason) = case.void_by_all(seq, usize::MAX);
    assert!(reason.contains("R-RULES-VERSION"), "{reason}");
    assert_eq!(version(&case, BEN), 2);
    case.assert_healthy();
}

/// A device whose program is older than its leaf says: put back after an update, or lying.
#[test]
fn a_program_that_does_not_know_the_rules_waits_and_goes_on_once_it_does() {
    let mut case = case_of([2, 2, 2, 2]);
    install(&mut case, DORA, 1);
    let tail = case.commit(ANA, &Command::RaiseRules);
    assert_eq!(version(&case, DORA), 2, "the commit itself is judged by the rules before it");
    let outgoing = case.members[BEN].note(&case.network, "under the new rules");
    let note = case.hub.accept(&outgoing);
    let refused = case.members[DORA].try_receive(&case.network, &case.hub, note).unwrap_err();
    assert!(matches!(refused, ChannelError::NeedsNewerVersion(2)), "{refused:?}");
    assert_eq!(case.members[DORA].channel().replica().next_seq(), tail.next());

    assert_eq!(rules_standing(&mut case, DORA), RulesStanding::NeedsNewerVersion);
    let entry = case.members[DORA].sign_note("under which rules?");
    let id = entry.header().client_id;
    let network = &case.network;
    let refused =
        case.members[DORA].make(network, |channel, ctx| channel.seal_entry(ctx, &entry, id));
    let newer =
        |error: &SealError| matches!(error, SealError::Channel(ChannelError::NeedsNewerVersion(2)));
    assert!(newer(&refused.unwrap_err()));
    assert!(newer(&case.command(DORA, &Command::SelfUpdate).unwrap_err()));

    install(&mut case, DORA, 2);
    case.deliver();
    assert_eq!(case.members[DORA].texts().last().unwrap(), "under the new rules");
    case.assert_healthy();
}

#[test]
fn an_older_program_is_not_admitted_and_does_not_join() {
    let mut case = case_of([2, 2, 2, 2]);
    case.commit(ANA, &Command::RaiseRules);
    let eva = case.members.len();
    let device = case.network.a.device("eva");
    case.members.push(Member::with_backend(device, backend(1)));
    let admission = case.admission(eva, Role::Member);
    let refused = case.command(ANA, &Command::Admit(vec![admission.clone()])).unwrap_err();
    assert!(matches!(refused, SealError::NotAllowed(_)), "{refused:?}");
    let seq = case.rogue_commit(ANA, &Command::Admit(vec![admission]), None);
    let (_, reason) = case.void_by_all(seq, usize::MAX);
    assert!(reason.contains("R-RULES-VERSION"), "{reason}");

    // Its key package was made by a newer program, which was then put back.
    install(&mut case, eva, 2);
    let admission = case.admission(eva, Role::Member);
    install(&mut case, eva, 1);
    let outgoing = case.command(ANA, &Command::Admit(vec![admission])).unwrap();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    let offer = case.offer(seq, &outgoing, ANA);
    let refused = case.members[eva].join(&case.network, &case.hub, &offer).unwrap_err();
    assert!(matches!(refused, JoinRefused::NeedsNewerVersion), "{refused:?}");
    install(&mut case, eva, 2);
    case.members[eva].join(&case.network, &case.hub, &offer).unwrap();
    case.assert_healthy();
}

#[test]
fn a_leaf_says_anew_what_its_program_applies() {
    let mut case = case_of([1, 1, 1, 1]);
    let says_else = |case: &mut Case| {
        let network = &case.network;
        case.members[BEN].make(network, |channel, ctx| channel.has_outdated_leaf(ctx)).unwrap()
    };
    assert!(!says_else(&mut case));
    for newest in [2, 1] {
        install(&mut case, BEN, newest);
        assert!(says_else(&mut case));
        case.commit(BEN, &Command::SelfUpdate);
        assert!(!says_else(&mut case));
    }
    case.assert_healthy();
}
