//! A forum in which a modified client writes what its role does not allow: everybody refuses it
//! alike, names its author, and goes on.

use enlace_channel::channel::{Command, Culprit, Event, Outgoing, SealError, Standing};
use enlace_channel::entry::EntryKind;
use enlace_channel::mls::Changes;
use enlace_channel::policy::{ChannelKind, Policy, Role};
use enlace_log::{Commitment, Seq};

use crate::support::{ANA, BEN, CID, Case, DORA, Member};

const OTO: usize = 4;

impl Case {
    /// Ana owns the forum, Ben asks and Oto observes in authority A; Cid leads B, and Dora guides.
    fn forum() -> Self {
        let mut forum = Self::opened_as(ChannelKind::Forum);
        for (name, of_a) in [("ben", true), ("cid", false), ("dora", false), ("oto", true)] {
            let authority = if of_a { &forum.network.a } else { &forum.network.b };
            forum.members.push(Member::new(authority.device(name)));
        }
        forum.admit(ANA, BEN, Role::Member);
        forum.admit(ANA, CID, Role::Lead);
        forum.admit(CID, DORA, Role::Guide);
        forum.admit(ANA, OTO, Role::Observer);
        forum.post(ANA, "welcome");
        forum.post(CID, "welcome");
        forum
    }

    /// Makes an entry as its author's program does, or, `forced`, as a modified one.
    fn make_entry(
        &mut self,
        by: usize,
        kind: EntryKind,
        parent: Option<Commitment>,
        forced: bool,
    ) -> Result<(Outgoing, Commitment), SealError> {
        let entry = self.members[by].sign_as(kind, "text", parent);
        let (id, network) = (entry.header().client_id, &self.network);
        let outgoing = self.members[by].make(network, |channel, ctx| match forced {
            true => channel.dangerous_seal_entry(ctx, &entry, id),
            false => channel.seal_entry(ctx, &entry, id),
        })?;
        Ok((outgoing, entry.commitment()))
    }

    fn say(&mut self, by: usize, kind: EntryKind, parent: Option<Commitment>) -> Commitment {
        let (outgoing, commitment) = self.make_entry(by, kind, parent, false).unwrap();
        let seq = self.hub.accept(&outgoing);
        self.deliver();
        for (i, member) in self.members.iter().enumerate().filter(|(i, _)| *i != by) {
            let read = member.events.iter().any(|(at, event)| {
                *at == seq && matches!(event, Event::Entry(e) if e.commitment() == commitment)
            });
            assert!(read, "{i} reads it");
        }
        commitment
    }

    /// An honest program refuses to make it, and a modified one's is refused by all the others, who
    /// name its author and go on.
    fn is_refused(&mut self, by: usize, kind: EntryKind, parent: Option<Commitment>, rule: &str) {
        let honest = self.make_entry(by, kind, parent, false).unwrap_err();
        assert!(matches!(&honest, SealError::NotAllowed(why) if why.contains(rule)), "{honest}");
        let (outgoing, _) = self.make_entry(by, kind, parent, true).unwrap();
        let seq = self.hub.accept(&outgoing);
        self.deliver();
        let author = self.members[by].name().clone();
        for (i, member) in self.members.iter().enumerate().filter(|(i, _)| *i != by) {
            let refused = member.events.iter().any(|(at, event)| {
                let Event::Unreadable { author: Culprit::Member(named), reason } = event else {
                    return false;
                };
                *at == seq && *named == author && reason.contains(rule)
            });
            assert!(refused, "{i} names {author}");
        }
        self.say(DORA, EntryKind::Note, None);
        self.say(BEN, EntryKind::Question, None);
    }
}

#[test]
fn a_question_is_asked_answered_and_pinned() {
    let mut forum = Case::forum();
    let question = forum.say(BEN, EntryKind::Question, None);
    let answer = forum.say(DORA, EntryKind::Answer, Some(question));
    forum.say(DORA, EntryKind::Pin, Some(answer));
    forum.say(CID, EntryKind::Pin, Some(question));
    forum.say(ANA, EntryKind::Note, None);
    let pins = |member: &Member| {
        let entries = member.events.iter().filter_map(|(_, event)| match event {
            Event::Entry(entry) => entry.pins().map(|pins| (entry.header().parent, pins)),
            _ => None,
        });
        entries.collect::<Vec<_>>()
    };
    let expected = [(Some(answer), true), (Some(question), true)];
    assert_eq!(pins(&forum.members[BEN]), expected);
    assert_eq!(pins(&forum.members[OTO]), expected);
}

#[test]
fn a_member_that_publishes_answers_or_pins_is_refused_by_all() {
    let mut forum = Case::forum();
    let question = forum.say(BEN, EntryKind::Question, None);
    forum.is_refused(BEN, EntryKind::Note, None, "E-KIND");
    forum.is_refused(BEN, EntryKind::Answer, Some(question), "E-KIND");
    forum.is_refused(BEN, EntryKind::Pin, Some(question), "E-KIND");
    forum.is_refused(BEN, EntryKind::Document, None, "E-KIND");
}

#[test]
fn an_observer_that_asks_is_refused_by_all() {
    let mut forum = Case::forum();
    forum.is_refused(OTO, EntryKind::Question, None, "E-ROLE");
}

#[test]
fn an_answer_to_nothing_and_a_pin_of_nothing_are_refused_by_all() {
    let mut forum = Case::forum();
    forum.is_refused(DORA, EntryKind::Answer, None, "E-KIND");
    forum.is_refused(DORA, EntryKind::Pin, None, "E-KIND");
}

#[test]
fn a_guide_made_by_a_lead_of_another_authority_is_void_and_guides_nothing() {
    let mut forum = Case::forum();
    let ben = forum.members[BEN].officer();
    let seq = forum.rogue_commit(CID, &Command::SetRole(ben.clone(), Role::Guide), None);
    let (author, reason) = forum.void_by_all(seq, CID);
    assert_eq!(author, Culprit::Member(forum.members[CID].name().clone()));
    assert!(reason.contains("R-ROLE-SOVEREIGN"), "{reason}");
    forum.is_refused(BEN, EntryKind::Note, None, "E-KIND");
    forum.commit(ANA, &Command::SetRole(ben, Role::Guide));
    forum.say(BEN, EntryKind::Note, None);
}

#[test]
fn a_forum_cannot_be_turned_into_a_case_nor_back() {
    for (before, after) in [(1, 2), (2, 1)] {
        let kind = if before == 1 { ChannelKind::Case } else { ChannelKind::Forum };
        let mut channel = Case::opened_as(kind);
        channel.members.push(Member::new(channel.network.a.device("ben")));
        channel.admit(ANA, BEN, Role::Lead);
        channel.post(ANA, "welcome");
        let id = channel.members[ANA].client_id();
        let policy = channel.members[ANA].channel().policy().encode();
        // Field 4, the kind.
        let field = policy.windows(2).position(|pair| pair == [0x20, before]).unwrap();
        let alter = |changes: &mut Changes<'_>| {
            let mut policy = policy.clone();
            policy[field + 1] = after;
            assert!(Policy::decode(&policy).is_ok_and(|policy| policy.kind() != kind));
            changes.policy = Some(policy);
        };
        let network = &channel.network;
        let outgoing = channel.members[ANA]
            .make(network, |c, ctx| c.dangerous_seal_altered(ctx, &Command::SelfUpdate, alter, id))
            .unwrap();
        let seq = channel.hub.accept(&outgoing);
        channel.deliver();
        let (_, reason) = channel.void_by_all(seq, ANA);
        assert!(reason.contains("R-POLICY-FIXED"), "{reason}");
    }
}

#[test]
fn in_a_case_nobody_asks_answers_or_pins() {
    let mut case = Case::with_four();
    let parent = Some(Commitment([7; 32]));
    for kind in [EntryKind::Question, EntryKind::Answer, EntryKind::Pin] {
        let (outgoing, _) = case.make_entry(ANA, kind, parent, true).unwrap();
        let seq = case.hub.accept(&outgoing);
        case.deliver();
        for member in [BEN, CID, DORA] {
            let refused = |(at, event): &(Seq, Event)| {
                *at == seq
                    && matches!(event, Event::Unreadable { reason, .. } if reason.contains("E-KIND"))
            };
            assert!(case.members[member].events.iter().any(refused));
            assert_eq!(case.members[member].channel().standing(), Standing::Member);
        }
    }
    case.assert_healthy();
}
