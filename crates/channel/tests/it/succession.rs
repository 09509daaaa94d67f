//! The next group of a channel: all go on in it, with everything they had, and nobody is captured by
//! one that should not be.

use enlace_channel::channel::{Command, Culprit, Event, Outgoing, Standing, SuccessionDraft};
use enlace_channel::consent::{Answer, Subject};
use enlace_channel::entry::SignedEntry;
use enlace_channel::mls::{Backend, Suite, Tamper};
use enlace_channel::policy::{ChannelKind, FoundingReason, Policy, Role};
use enlace_channel::rules::Act;
use enlace_log::control::LeafHash;
use enlace_log::{Generation, ListChange, PayloadHash, Sealed, Seq, Succession};

use crate::consents::EVA;
use crate::support::{ANA, BEN, CID, Case, DORA, GarbleAll};

const ALL: [usize; 4] = [ANA, BEN, CID, DORA];

impl Case {
    pub(crate) fn succession(
        &self,
        by: usize,
        reason: FoundingReason,
        suite: Suite,
    ) -> SuccessionDraft {
        let others = self.members.iter().enumerate().filter(|(index, _)| *index != by);
        let key_packages = others.map(|(_, member)| member.key_package_of(suite)).collect();
        SuccessionDraft { reason, suite, key_packages, expulsion: None }
    }

    pub(crate) fn found(&mut self, by: usize, reason: FoundingReason, suite: Suite) -> Outgoing {
        let draft = self.succession(by, reason, suite);
        let id = self.members[by].client_id();
        let network = &self.network;
        self.members[by].make(network, |c, ctx| c.seal_succession(ctx, draft, id)).unwrap()
    }

    fn renew(&mut self, suite: Suite) -> Seq {
        let founded = self.found(ANA, FoundingReason::Renewal, suite);
        let seq = self.hub.accept(&founded);
        self.deliver();
        seq
    }

    /// What a modified client founds, accepted and delivered to everybody.
    pub(crate) fn rogue_founding(
        &mut self,
        by: usize,
        draft: SuccessionDraft,
        alter: impl FnOnce(&mut enlace_channel::channel::Foundation),
    ) -> Seq {
        let id = self.members[by].client_id();
        let network = &self.network;
        let founded = self.members[by]
            .make(network, |c, ctx| c.dangerous_seal_succession(ctx, draft, alter, id))
            .unwrap();
        let seq = self.hub.accept(&founded);
        self.deliver();
        seq
    }

    /// What `by` has founded, as it tells it otherwise, accepted and delivered to everybody.
    fn retell(
        &mut self,
        by: usize,
        founded: &Outgoing,
        alter: impl FnOnce(&mut Succession),
    ) -> Seq {
        let mut payload = Succession::decode(&founded.request.payload).unwrap();
        alter(&mut payload);
        let bytes = payload.encode();
        let envelope = enlace_log::Envelope {
            payload_hash: PayloadHash::of(&bytes),
            ..founded.envelope.clone()
        };
        let signature = envelope.sign(&self.members[by].device.key);
        let change = founded.request.list_change.clone();
        let sealed = Sealed::read(
            envelope.encode().into(),
            signature.as_bytes(),
            bytes.into(),
            change.as_ref(),
        );
        let seq = self.hub.accept_sealed(sealed.unwrap());
        self.deliver();
        seq
    }

    pub(crate) fn generations(&self) -> Vec<u64> {
        self.members.iter().map(|m| m.channel().policy().generation().0).collect()
    }

    /// All void the founding alike and name its author, and go on in the group they were in.
    pub(crate) fn assert_void_founding(&mut self, seq: Seq, author: usize, rule: &str) {
        let (culprit, reason) = self.void_by_all(seq, author);
        assert_eq!(culprit, Culprit::Member(self.members[author].name().clone()), "{reason}");
        assert!(reason.contains(rule), "{reason}");
        assert_eq!(self.generations(), [0; 4]);
        self.assert_healthy();
    }
}

pub(crate) fn events_at(case: &Case, member: usize, seq: Seq) -> Vec<&Event> {
    let events = case.members[member].events.iter();
    events.filter(|(at, _)| *at == seq).map(|(_, event)| event).collect()
}

#[test]
fn a_forum_goes_on_in_another_suite_and_back() {
    let mut case = Case::opened_as(ChannelKind::Forum);
    case.members.push(crate::support::Member::new(case.network.a.device("ben")));
    case.members.push(crate::support::Member::new(case.network.b.device("cid")));
    case.members.push(crate::support::Member::new(case.network.b.device("dora")));
    case.admit(ANA, BEN, Role::Lead);
    case.admit(ANA, CID, Role::Lead);
    case.admit(CID, DORA, Role::Guide);
    for member in ALL {
        case.post(member, "hello");
    }
    for (generation, suite) in [(1, Suite::Classic), (2, Suite::PostQuantum)] {
        let seq = case.renew(suite);
        for index in ALL {
            let channel = case.members[index].channel();
            assert_eq!(channel.policy().generation(), Generation(generation));
            assert_eq!(channel.view().unwrap().suite, suite);
            assert_eq!(channel.last_valid_commit(), Some(seq));
            let founded = |event: &&Event| {
                let renewed = [Act::Founded(FoundingReason::Renewal)];
                matches!(event, Event::Changed { acts, .. } if *acts == renewed)
            };
            assert!(events_at(&case, index, seq).iter().any(founded));
        }
        case.assert_healthy();
        case.commit(CID, &Command::SelfUpdate);
        case.assert_healthy();
    }
    for member in &mut case.members {
        member.reload(&case.network);
    }
    case.assert_healthy();
}

#[test]
fn who_was_away_across_two_successions_reads_everything_and_sends_what_was_queued() {
    let mut case = Case::with_four();
    let queued = case.members[DORA].sign_note("written before");
    let away = case.members.remove(DORA);
    let step = |case: &mut Case, away: &crate::support::Member| {
        let mut draft = case.succession(ANA, FoundingReason::Renewal, Suite::PostQuantum);
        draft.key_packages.push(away.key_package());
        let id = case.members[ANA].client_id();
        let network = &case.network;
        let made = case.members[ANA].make(network, |c, ctx| c.seal_succession(ctx, draft, id));
        case.hub.accept(&made.unwrap());
        case.deliver();
        for round in 0..5 {
            case.commit(CID, &Command::SelfUpdate);
            case.post(BEN, &format!("round {round}"));
        }
    };
    step(&mut case, &away);
    step(&mut case, &away);
    case.members.push(away);
    case.deliver();
    assert_eq!(case.members[DORA].texts().len(), 10);
    assert_eq!(case.generations(), [2; 4]);

    let id = queued.header().client_id;
    let network = &case.network;
    let sent = case.members[DORA].make(network, |c, ctx| c.seal_entry(ctx, &queued, id)).unwrap();
    assert_eq!((queued.header().generation, sent.envelope.generation.0), (Generation(0), 2));
    case.hub.accept(&sent);
    case.deliver();
    for index in [ANA, BEN, CID] {
        assert_eq!(case.members[index].texts().pop().as_deref(), Some("written before"));
    }
    case.assert_healthy();
}

#[test]
fn whoever_is_admitted_later_joins_the_group_of_that_time() {
    let mut case = Case::with_four();
    case.renew(Suite::PostQuantum);
    case.members.push(crate::support::Member::new(case.network.b.device("eva")));
    case.admit(CID, 4, Role::Member);
    case.assert_healthy();
    assert_eq!(case.members[4].channel().policy().generation(), Generation(1));
}

#[test]
fn a_founding_that_another_change_overtakes_leaves_nothing_behind() {
    let mut case = Case::with_four();
    let late = case.found(ANA, FoundingReason::Renewal, Suite::PostQuantum);
    case.commit(CID, &Command::SelfUpdate);
    assert!(!case.members[ANA].channel().has_pending_commit());
    let seq = case.hub.accept(&late);
    case.deliver();
    case.void_by_all(seq, ANA);
    assert_eq!(case.generations(), [0; 4]);
    case.renew(Suite::PostQuantum);
    assert_eq!(case.generations(), [1; 4]);
    case.assert_healthy();
}

#[test]
fn two_who_found_at_once_found_one_group() {
    let mut case = Case::with_four();
    let first = case.found(CID, FoundingReason::Poisoned, Suite::PostQuantum);
    let second = case.found(ANA, FoundingReason::Renewal, Suite::PostQuantum);
    case.hub.accept(&first);
    case.deliver();
    let seq = case.hub.accept(&second);
    case.deliver();
    case.void_by_all(seq, ANA);
    assert_eq!(case.generations(), [1; 4]);
    case.assert_healthy();
}

#[test]
fn a_member_who_founds_a_group_captures_nobody() {
    let mut case = Case::with_four();
    for (by, reason) in [
        (BEN, FoundingReason::Renewal),
        (DORA, FoundingReason::Poisoned),
        (CID, FoundingReason::Renewal),
    ] {
        let draft = case.succession(by, reason, Suite::PostQuantum);
        let seq = case.rogue_founding(by, draft, |_| {});
        case.assert_void_founding(seq, by, "S-FOUNDER");
    }
}

/// Nobody can open it, and nobody has to: its author founds nothing here.
#[test]
fn a_member_or_an_observer_who_sends_garbage_strands_nobody() {
    let mut case = Case::with_four();
    let dora = case.members[DORA].officer();
    for role in [Role::Member, Role::Observer] {
        if role == Role::Observer {
            case.commit(CID, &Command::SetRole(dora.clone(), role));
        }
        let draft = case.succession(DORA, FoundingReason::Poisoned, Suite::PostQuantum);
        let id = case.members[DORA].client_id();
        let network = &case.network;
        let founded = case.members[DORA]
            .make(network, |c, ctx| c.dangerous_seal_succession(ctx, draft, |_| {}, id))
            .unwrap();
        let seq = case.retell(DORA, &founded, |told| told.welcome = vec![1; 100]);
        let (culprit, reason) = case.void_by_all(seq, DORA);
        assert_eq!(culprit, Culprit::Member(case.members[DORA].name().clone()));
        assert!(reason.contains("S-FOUNDER"), "{reason}");
        for index in [ANA, BEN, CID] {
            assert_eq!(case.members[index].channel().standing(), Standing::Member);
        }
        let network = &case.network;
        case.members[DORA].make(network, |c, ctx| c.commit_refused(ctx)).unwrap();
    }
    assert_eq!(case.generations(), [0; 4]);
    case.post(BEN, "we go on");
}

#[test]
fn an_owner_who_leaves_somebody_out_or_brings_somebody_in() {
    let mut case = Case::with_four();
    let draft = case.succession(ANA, FoundingReason::Renewal, Suite::PostQuantum);
    let seq = case.rogue_founding(ANA, draft, |foundation| {
        foundation.key_packages.pop();
    });
    // Dora has nothing to open, and knows by the founder's signature that it cannot count.
    assert_eq!(case.members[DORA].channel().standing(), Standing::Member);
    assert!(
        events_at(&case, DORA, seq).iter().any(|e| matches!(e, Event::ContestDue(s) if *s == seq))
    );
    for index in [BEN, CID, DORA] {
        let void = |event: &&Event| matches!(event, Event::Void { reason, .. } if reason.contains("S-MEMBERS"));
        assert!(events_at(&case, index, seq).iter().any(void), "{index}");
    }
    assert_eq!(case.members[DORA].channel().put_out_by(), None);
    case.post(CID, "we go on");
    case.assert_healthy();

    let eva = crate::support::Member::new(case.network.b.device("eva"));
    let mut draft = case.succession(ANA, FoundingReason::Renewal, Suite::PostQuantum);
    draft.key_packages.push(eva.key_package());
    let seq = case.rogue_founding(ANA, draft, |_| {});
    case.assert_void_founding(seq, ANA, "S-MEMBERS");
}

#[test]
fn an_owner_who_changes_more_than_the_group() {
    let mut case = Case::with_four();
    let (ben, cid) = (case.members[BEN].officer(), case.members[CID].officer());
    type Alter = Box<dyn Fn(&Policy) -> Policy>;
    let alterations: [Alter; 3] = [
        Box::new(move |policy| policy.set_role(&ben, Role::Lead).unwrap()),
        Box::new(move |policy| policy.set_role(&cid, Role::Observer).unwrap()),
        Box::new(|policy| policy.edit().unwrap().title("Another").finish().unwrap()),
    ];
    for alter in alterations {
        let draft = case.succession(ANA, FoundingReason::Renewal, Suite::PostQuantum);
        let seq = case.rogue_founding(ANA, draft, |foundation| {
            let policy = Policy::decode(&foundation.policy).unwrap();
            foundation.policy = alter(&policy).encode();
        });
        case.assert_void_founding(seq, ANA, "S-POLICY");
    }
    let draft = case.succession(ANA, FoundingReason::Renewal, Suite::PostQuantum);
    let present = case.members[ANA].channel().policy().encode();
    let seq = case.rogue_founding(ANA, draft, |foundation| foundation.policy = present);
    case.assert_void_founding(seq, ANA, "S-POLICY");
}

#[test]
fn who_founds_the_next_group_to_weaken_a_case() {
    let mut case = Case::with_four();
    let draft = case.succession(CID, FoundingReason::Poisoned, Suite::Classic);
    let seq = case.rogue_founding(CID, draft, |_| {});
    case.assert_void_founding(seq, CID, "J-SUITE");
    let draft = case.succession(ANA, FoundingReason::Renewal, Suite::Classic);
    let seq = case.rogue_founding(ANA, draft, |_| {});
    case.assert_void_founding(seq, ANA, "J-SUITE");
}

#[test]
fn a_group_that_does_not_follow_on_the_present_one() {
    let mut case = Case::with_four();
    let draft = case.succession(ANA, FoundingReason::Renewal, Suite::PostQuantum);
    let earlier = Seq(case.members[ANA].channel().last_valid_commit().unwrap().0 - 1);
    let seq = case.rogue_founding(ANA, draft, |foundation| {
        let policy = Policy::decode(&foundation.policy).unwrap();
        let founding = enlace_channel::policy::Founding {
            predecessor: earlier,
            ..policy.founding().unwrap().clone()
        };
        foundation.policy = case_policy(&policy, founding);
    });
    case.assert_void_founding(seq, ANA, "S-PLACE");
}

/// The same policy with another founding.
fn case_policy(policy: &Policy, founding: enlace_channel::policy::Founding) -> Vec<u8> {
    use enlace_proto::channel::v1 as wire;
    use prost::Message as _;
    let mut wire = wire::Policy::decode(&policy.encode()[..]).unwrap();
    wire.predecessor = Some(founding.predecessor.0);
    wire.encode_to_vec()
}

#[test]
fn a_hub_that_alters_a_succession_captures_nobody() {
    let mut case = Case::with_four();
    let founded = case.found(ANA, FoundingReason::Renewal, Suite::PostQuantum);
    let mut payload = Succession::decode(&founded.request.payload).unwrap();
    payload.founding.0[0] ^= 1;
    let mut envelope = founded.envelope.clone();
    let bytes = payload.encode();
    envelope.payload_hash = PayloadHash::of(&bytes);
    let change = ListChange::default().to_wire();
    let signature = &founded.request.outer_signature;
    let sealed = Sealed::read(envelope.encode().into(), signature, bytes.into(), Some(&change));
    let seq = case.hub.accept_sealed(sealed.unwrap());
    case.deliver();
    let (culprit, _) = case.void_by_all(seq, DORA + 1);
    assert!(matches!(culprit, Culprit::ByRelaysWord(_)));
    assert_eq!(case.generations(), [0; 4]);
    case.assert_healthy();
}

/// Another group than the one that the founder names: nobody follows, nobody is accused, and the next
/// item of another officer brings everybody back.
#[test]
fn a_founder_who_tells_of_another_group_than_it_invites_to() {
    let mut case = Case::with_four();
    let founded = case.found(ANA, FoundingReason::Renewal, Suite::PostQuantum);
    case.retell(ANA, &founded, |told| told.founding.0[0] ^= 1);
    assert_eq!(case.generations(), [0; 4]);
    for index in [BEN, CID, DORA] {
        assert_eq!(case.members[index].channel().standing(), Standing::Stranded);
    }
    let founded = case.found(CID, FoundingReason::Poisoned, Suite::PostQuantum);
    case.hub.accept(&founded);
    case.deliver();
    assert_eq!(case.generations(), [1; 4]);
    case.assert_healthy();
}

#[test]
fn everybody_garbled_at_once_goes_on_in_the_group_that_a_stranded_lead_founds() {
    for founder in [ANA, CID] {
        let mut case = Case::with_four();
        case.members[BEN].backend = Backend::dangerous_with_tamper(Box::new(GarbleAll)).unwrap();
        case.rogue_commit(BEN, &Command::SelfUpdate, None);
        for index in [ANA, CID, DORA] {
            assert_eq!(case.members[index].channel().standing(), Standing::Stranded);
        }
        case.members[BEN].backend = Backend::new().unwrap();
        let founded = case.found(founder, FoundingReason::Poisoned, Suite::PostQuantum);
        let seq = case.hub.accept(&founded);
        case.deliver();
        assert_eq!(case.generations(), [1; 4], "the culprit, too, whose keys are new with it");
        for index in [ANA, CID, DORA] {
            let resumed = |event: &&Event| matches!(event, Event::Resumed);
            assert!(events_at(&case, index, seq).iter().any(resumed));
        }
        case.assert_healthy();
    }
}

#[test]
fn who_strands_others_does_not_lead_them_away_by_a_group_of_its_own() {
    let mut case = Case::with_four();
    case.members[ANA].backend = Backend::dangerous_with_tamper(Box::new(GarbleAll)).unwrap();
    let founded = {
        // Made before, for the state that the victims stay in.
        let draft = case.succession(ANA, FoundingReason::Poisoned, Suite::PostQuantum);
        case.rogue_commit(ANA, &Command::SelfUpdate, None);
        draft
    };
    let seq = case.rogue_founding(ANA, founded, |_| {});
    for index in [BEN, CID, DORA] {
        let channel = case.members[index].channel();
        assert_eq!(channel.standing(), Standing::Stranded);
        assert_eq!(channel.policy().generation(), Generation(0));
        let told = events_at(&case, index, seq);
        assert!(matches!(told[..], [Event::LockedOut { .. }]), "{told:?}");
    }
}

/// Garbles what is sealed to one key: the member with it cannot open its welcome.
struct GarbleOne(std::sync::atomic::AtomicUsize, usize);

impl Tamper for GarbleOne {
    fn sealed(&self, _: &[u8], ciphertext: &mut Vec<u8>) {
        let index = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if index == self.1
            && let Some(last) = ciphertext.last_mut()
        {
            *last ^= 1;
        }
    }
}

#[test]
fn who_cannot_open_its_welcome_is_stranded_alone_and_comes_back_with_the_next_group() {
    // Which ciphertext is whose depends on the library: each in turn strands one member at most.
    let mut stranded_ever = 0;
    for victim in 0..3 {
        let mut case = Case::with_four();
        let tamper = GarbleOne(Default::default(), victim);
        case.members[ANA].backend = Backend::dangerous_with_tamper(Box::new(tamper)).unwrap();
        let draft = case.succession(ANA, FoundingReason::Renewal, Suite::PostQuantum);
        case.rogue_founding(ANA, draft, |_| {});
        case.members[ANA].backend = Backend::new().unwrap();
        let stranded: Vec<usize> = ALL
            .into_iter()
            .filter(|i| case.members[*i].channel().standing() == Standing::Stranded)
            .collect();
        assert!(stranded.len() <= 1, "{stranded:?}");
        stranded_ever += stranded.len();
        if stranded.is_empty() {
            continue;
        }
        case.commit(if stranded[0] == BEN { DORA } else { BEN }, &Command::SelfUpdate);
        if stranded[0] == CID {
            continue;
        }
        let founded = case.found(CID, FoundingReason::Poisoned, Suite::PostQuantum);
        case.hub.accept(&founded);
        case.deliver();
        assert_eq!(case.generations(), [2; 4], "of the stranded one, too");
        case.assert_healthy();
    }
    assert!(stranded_ever > 0);
}

fn expulsion(case: &Case, by: usize, of: usize, consents: Vec<SignedEntry>) -> SuccessionDraft {
    let authority = case.members[of].officer().domain().clone();
    let stays = |member: &&crate::support::Member| {
        member.name() != case.members[by].name() && *member.officer().domain() != authority
    };
    let key_packages = case.members.iter().filter(stays).map(|m| m.key_package()).collect();
    SuccessionDraft {
        reason: FoundingReason::Expulsion,
        suite: Suite::PostQuantum,
        key_packages,
        expulsion: Some((authority, consents)),
    }
}

#[test]
fn an_authority_is_out_when_the_others_agree() {
    let (mut case, eva) = crate::consents::case();
    case.let_eva_in(&eva);
    let expelled = case.members[EVA].officer().domain().clone();
    let subject = Subject::Expulsion(expelled.clone());
    let consent = case.state(CID, &subject, Some(Answer::Yes));
    let draft = expulsion(&case, ANA, EVA, vec![consent]);
    let id = case.members[ANA].client_id();
    let network = &case.network;
    let founded = case.members[ANA].make(network, |c, ctx| c.seal_succession(ctx, draft, id));
    let seq = case.hub.accept(&founded.unwrap());
    case.deliver();
    for index in [ANA, BEN, CID, DORA] {
        let policy = case.members[index].channel().policy().clone();
        assert_eq!((policy.generation().0, policy.authorities_version()), (1, 4));
        assert!(policy.authorities().iter().all(|authority| **authority != expelled));
        let told = |event: &&Event| {
            let out = Act::Expelled(expelled.clone());
            matches!(event, Event::Changed { acts, .. } if acts.contains(&out))
        };
        assert!(events_at(&case, index, seq).iter().any(told));
    }
    let ana = case.members[ANA].name().clone();
    let left_out = events_at(&case, EVA, seq);
    assert!(matches!(&left_out[0], Event::LeftOut { by } if *by == ana), "{left_out:?}");
    assert!(matches!(left_out[1], Event::ContestDue(_)), "{left_out:?}");
    // It cannot tell whether that counts, and objects; to the others that is nobody's word.
    let (id, network) = (case.members[EVA].client_id(), &case.network);
    let objection = case.members[EVA].make(network, |c, ctx| c.seal_contest(ctx, seq, id));
    let seq = case.hub.accept(&objection.unwrap());
    case.deliver();
    for index in [ANA, BEN, CID, DORA] {
        let told = events_at(&case, index, seq);
        assert!(told.is_empty(), "{told:?}");
    }
    case.post(BEN, "among ourselves");
    assert!(!case.members[EVA].texts().contains(&"among ourselves".to_owned()));
    assert_eq!(case.members[EVA].channel().put_out_by(), Some(ana));
    let network = &case.network;
    case.members[EVA].make(network, |c, ctx| c.end(ctx)).unwrap();
    assert_eq!(case.members[EVA].channel().standing(), Standing::Removed);
    case.members.pop();
    case.assert_healthy();
}

#[test]
fn an_owner_who_puts_an_authority_out_alone_captures_nobody() {
    let (mut case, eva) = crate::consents::case();
    case.let_eva_in(&eva);
    let subject = Subject::Expulsion(case.members[EVA].officer().domain().clone());
    let own = case.state(ANA, &subject, Some(Answer::Yes));
    let no = case.state(CID, &subject, Some(Answer::No));
    let members = case.state(DORA, &subject, Some(Answer::Yes));
    let theirs = case.state(EVA, &subject, Some(Answer::Yes));
    let cases = [
        (vec![], "S-EXPULSION"),
        (vec![own], "S-EXPULSION"),
        (vec![no], "R-EVIDENCE"),
        (vec![members], "R-EVIDENCE"),
        (vec![theirs], "S-EXPULSION"),
    ];
    for (consents, rule) in cases {
        let draft = expulsion(&case, ANA, EVA, consents);
        let seq = case.rogue_founding(ANA, draft, |_| {});
        for index in [BEN, CID, DORA] {
            let reason = events_at(&case, index, seq).iter().find_map(|event| match event {
                Event::Void { reason, .. } => Some(reason.clone()),
                _ => None,
            });
            assert!(reason.as_ref().is_some_and(|r| r.contains(rule)), "{rule}: {reason:?}");
        }
        assert_eq!(case.members[EVA].channel().standing(), Standing::Stranded);
        // Whatever of the others comes first.
        match rule {
            "R-EVIDENCE" => _ = case.post(CID, "she stays"),
            _ => _ = case.commit(CID, &Command::SelfUpdate),
        }
        assert_eq!(case.members[EVA].channel().standing(), Standing::Member);
        case.assert_healthy();
    }
}

/// What no consent could bring about is void for those, too, whom it leaves out.
#[test]
fn who_is_left_out_knows_what_cannot_count() {
    let (mut case, eva) = crate::consents::case();
    // Of two authorities none can put the other out.
    let network = &case.network;
    let mut draft = expulsion(&case, ANA, CID, Vec::new());
    draft.key_packages.pop();
    let id = case.members[ANA].client_id();
    let founded = case.members[ANA]
        .make(network, |c, ctx| c.dangerous_seal_succession(ctx, draft, |_| {}, id));
    let seq = case.hub.accept(&founded.unwrap());
    case.deliver();
    case.assert_left_out_in_vain(seq, CID, "S-EXPULSION");
    case.let_eva_in(&eva);

    // A lead expels nobody.
    let draft = expulsion(&case, CID, EVA, Vec::new());
    let seq = case.rogue_founding(CID, draft, |_| {});
    case.assert_left_out_in_vain(seq, EVA, "S-FOUNDER");

    // Whoever is named, and is not in the list that is signed, is in no group that counts.
    let draft = expulsion(&case, ANA, EVA, Vec::new());
    let id = case.members[ANA].client_id();
    let network = &case.network;
    let founded = case.members[ANA]
        .make(network, |c, ctx| c.dangerous_seal_succession(ctx, draft, |_| {}, id))
        .unwrap();
    let eva = case.members[EVA].name().clone();
    let seq = case.retell(ANA, &founded, |told| _ = told.leaves.insert(eva, LeafHash([1; 32])));
    case.assert_left_out_in_vain(seq, EVA, "S-LEAVES");
}

impl Case {
    fn assert_left_out_in_vain(&mut self, seq: Seq, whom: usize, rule: &str) {
        let told = events_at(self, whom, seq);
        let void =
            |event: &&Event| matches!(event, Event::Void { reason, .. } if reason.contains(rule));
        assert!(told.iter().any(void), "{rule}: {told:?}");
        assert!(told.iter().any(|event| matches!(event, Event::ContestDue(_))), "{told:?}");
        assert_eq!(self.members[whom].channel().standing(), Standing::Member);
        for index in [ANA, BEN, CID, DORA] {
            if self.members[index].channel().has_pending_commit() {
                let network = &self.network;
                self.members[index].make(network, |c, ctx| c.commit_refused(ctx)).unwrap();
            }
        }
        self.assert_healthy();
    }
}

/// A device that had lost step before cannot judge the next group, but reads who founded it, without whom.
#[test]
fn who_was_stranded_before_is_told_to_be_out() {
    for has_missed_more in [false, true] {
        let (mut case, eva) = crate::consents::case();
        case.let_eva_in(&eva);
        let subject = Subject::Expulsion(case.members[EVA].officer().domain().clone());
        let network = &case.network;
        case.members[EVA]
            .make(network, |c, ctx| c.give_up_keys(ctx, c.fence().unwrap(), false))
            .unwrap();
        if has_missed_more {
            case.commit(CID, &Command::SelfUpdate);
        }
        let consent = case.state(CID, &subject, Some(Answer::Yes));
        let draft = expulsion(&case, ANA, EVA, vec![consent]);
        let seq = case.rogue_founding(ANA, draft, |_| {});
        assert_eq!(case.members[DORA].channel().policy().generation(), Generation(1));
        let ana = case.members[ANA].name().clone();
        let told = events_at(&case, EVA, seq);
        assert!(matches!(&told[0], Event::LeftOut { by } if *by == ana), "{told:?}");
        assert!(matches!(told[1], Event::ContestDue(_)), "{told:?}");
        assert_eq!(case.members[EVA].channel().put_out_by(), Some(ana));
        assert_eq!(case.members[EVA].channel().standing(), Standing::Stranded);
    }
}

/// An owner who strands a device and then founds a group without it alone has put nobody out.
#[test]
fn who_was_stranded_before_and_is_left_out_alone_is_not_out() {
    let mut case = Case::with_four();
    let network = &case.network;
    case.members[BEN]
        .make(network, |c, ctx| c.give_up_keys(ctx, c.fence().unwrap(), false))
        .unwrap();
    let mut draft = case.succession(ANA, FoundingReason::Renewal, Suite::PostQuantum);
    draft.key_packages.remove(0);
    let seq = case.rogue_founding(ANA, draft, |_| {});
    let told = events_at(&case, BEN, seq);
    assert!(matches!(told[..], [Event::ContestDue(_)]), "{told:?}");
    assert_eq!(case.members[BEN].channel().put_out_by(), None);
}

/// The hub was restored to before a succession that Dora alone had received.
#[test]
fn who_took_in_a_group_that_the_log_has_lost_is_put_back_into_the_one_that_goes_on() {
    let mut case = Case::with_four();
    let lost = {
        let before = case.hub.fork();
        let founded = case.found(ANA, FoundingReason::Renewal, Suite::PostQuantum);
        let seq = case.hub.accept(&founded);
        let network = &case.network;
        case.members[DORA].receive(network, &case.hub, seq);
        case.hub = before;
        seq
    };
    assert_eq!(case.members[DORA].channel().policy().generation(), Generation(1));
    let (chain, fence) = {
        let last = usize::try_from(lost.0).unwrap() - 1;
        (case.hub.chains[last], case.members[ANA].channel().fence())
    };
    let network = &case.network;
    case.members[DORA].make(network, |c, ctx| c.rewind(ctx, lost, chain, fence)).unwrap();
    case.members[DORA].reload(network);
    assert_eq!(case.members[DORA].channel().standing(), Standing::Stranded);
    case.members[ANA].make(network, |c, ctx| c.commit_refused(ctx)).unwrap();
    case.post(CID, "it goes on");

    let asked = crate::stranded::asks_all(&mut case, DORA);
    assert_eq!(asked.envelope.generation, Generation(0));
    crate::stranded::puts_back(&mut case, CID, DORA);
    case.post(BEN, "hello again");
    assert_eq!(case.members[DORA].channel().policy().generation(), Generation(0));
    case.assert_healthy();
    case.renew(Suite::PostQuantum);
    assert_eq!(case.generations(), [1; 4]);
    case.assert_healthy();
}
