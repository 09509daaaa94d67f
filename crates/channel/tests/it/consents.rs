//! What takes the consent of others: honest members give it in entries, and everybody counts alike.

use enlace_channel::channel::{Agreement, Command, Context, Culprit, Event, SealError, Standing};
use enlace_channel::consent::{Answer, Statement, Subject};
use enlace_channel::entry::SignedEntry;
use enlace_channel::policy::Role;
use enlace_log::Seq;

use crate::support::{ANA, BEN, CID, Case, DORA, Member};

pub(crate) const EVA: usize = 4;

/// The four of two authorities, and Eva of a third one outside.
pub(crate) fn case() -> (Case, Subject) {
    let mut case = Case::with_four();
    case.members.push(Member::new(case.network.c.device("eva")));
    let eva = Subject::Authority(case.members[EVA].officer());
    (case, eva)
}

impl Case {
    /// Writes a statement, and returns it as the others hold it.
    pub(crate) fn state(
        &mut self,
        by: usize,
        subject: &Subject,
        answer: Option<Answer>,
    ) -> SignedEntry {
        let entry = self.members[by].sign_statement(subject.clone(), answer);
        let (id, network) = (entry.header().client_id, &self.network);
        let outgoing = self.members[by].make(network, |c, ctx| c.seal_entry(ctx, &entry, id));
        self.hub.accept(&outgoing.unwrap());
        self.deliver();
        let reader = if by == ANA { BEN } else { ANA };
        let read = self.members[reader].events.iter().rev().find_map(|(_, event)| match event {
            Event::Entry(entry) => Some(entry.as_signed().clone()),
            _ => None,
        });
        assert_eq!(read.as_ref(), Some(&entry));
        entry
    }

    fn agreement(&mut self, by: usize, subject: &Subject, said: &[SignedEntry]) -> Agreement {
        let network = &self.network;
        let own = self.members[by].name().domain().clone();
        let found = self.members[by].make(network, |channel, ctx: &Context<'_>| {
            channel.agreement(ctx, &own, subject, said)
        });
        found.unwrap()
    }

    fn rogue(&mut self, by: usize, command: &Command) -> (Culprit, String) {
        let seq = self.rogue_commit(by, command, None);
        self.void_by_all(seq, by)
    }

    fn admit_authority(&self, consents: Vec<SignedEntry>) -> Command {
        Command::AdmitAuthority { admission: self.admission(EVA, Role::Lead), consents }
    }

    /// Lets Eva's authority in, as honest members do.
    pub(crate) fn let_eva_in(&mut self, eva: &Subject) {
        let consent = self.state(CID, eva, Some(Answer::Yes));
        let agreed = self.agreement(ANA, eva, &[consent]);
        let command = self.admit_authority(agreed.consents.into_values().collect());
        let outgoing = self.command(ANA, &command).unwrap();
        let seq = self.hub.accept(&outgoing);
        self.deliver();
        let offer = self.offer(seq, &outgoing, ANA);
        self.members[EVA].join(&self.network, &self.hub, &offer).unwrap();
        self.post(ANA, "welcome");
    }
}

#[test]
fn an_authority_enters_when_a_lead_of_each_one_present_has_consented() {
    let (mut case, eva) = case();
    let asked = case.state(ANA, &eva, None);
    assert_eq!(Statement::of(&asked).unwrap().answer, None);
    let none = case.agreement(ANA, &eva, &[asked]);
    assert!(!none.suffices);
    assert_eq!(none.missing.into_iter().collect::<Vec<_>>(), ["b.example".parse().unwrap()]);
    let alone = case.admit_authority(Vec::new());
    let refused = case.command(ANA, &alone);
    assert!(matches!(refused, Err(SealError::NotAllowed(_))), "{refused:?}");

    case.let_eva_in(&eva);
    assert_eq!(case.members[EVA].channel().standing(), Standing::Member);
    assert_eq!(case.members[DORA].channel().policy().authorities().len(), 3);
    case.assert_healthy();
}

#[test]
fn an_owner_who_asks_nobody_lets_nobody_in() {
    let (mut case, eva) = case();
    let command = case.admit_authority(Vec::new());
    let (culprit, reason) = case.rogue(ANA, &command);
    assert_eq!(culprit, Culprit::Member(case.members[ANA].name().clone()));
    assert!(reason.contains("R-ADMIT-CONSENT"), "{reason}");
    case.assert_healthy();
    case.let_eva_in(&eva);
    case.assert_healthy();
}

#[test]
fn what_is_no_leads_yes_lets_nobody_in() {
    let (mut case, eva) = case();
    let no = case.state(CID, &eva, Some(Answer::No));
    let members = case.state(DORA, &eva, Some(Answer::Yes));
    let own = case.state(ANA, &eva, Some(Answer::Yes));
    let said = [no.clone(), members.clone(), own.clone()];
    let agreed = case.agreement(ANA, &eva, &said);
    assert!(agreed.consents.is_empty() && !agreed.suffices);
    for (consents, rule) in
        [(vec![no], "R-EVIDENCE"), (vec![members], "R-EVIDENCE"), (vec![own], "R-ADMIT-CONSENT")]
    {
        let command = case.admit_authority(consents);
        let (culprit, reason) = case.rogue(ANA, &command);
        assert_eq!(culprit, Culprit::Member(case.members[ANA].name().clone()));
        assert!(reason.contains(rule), "{reason}");
        case.assert_healthy();
    }
}

#[test]
fn a_consent_does_not_serve_a_second_time() {
    let (mut case, eva) = case();
    let consent = case.state(CID, &eva, Some(Answer::Yes));
    let agreed = case.agreement(ANA, &eva, std::slice::from_ref(&consent));
    let command = case.admit_authority(agreed.consents.into_values().collect());
    let outgoing = case.command(ANA, &command).unwrap();
    let seq = case.hub.accept(&outgoing);
    case.deliver();
    let offer = case.offer(seq, &outgoing, ANA);
    case.members[EVA].join(&case.network, &case.hub, &offer).unwrap();
    let id = case.members[EVA].client_id();
    let network = &case.network;
    let leave = case.members[EVA].make(network, |c, ctx| c.seal_leave(ctx, id)).unwrap();
    case.hub.accept(&leave);
    case.deliver();
    let gone = case.members[EVA].name().clone();
    case.commit(BEN, &Command::CarryOutLeave(gone));

    assert!(case.agreement(ANA, &eva, std::slice::from_ref(&consent)).consents.is_empty());
    let replayed = case.admit_authority(vec![consent]);
    case.members.truncate(EVA);
    let (_, reason) = case.rogue(ANA, &replayed);
    assert!(reason.contains("R-EVIDENCE"), "{reason}");
    case.assert_healthy();
}

#[test]
fn a_statement_cannot_be_put_into_anothers_mouth() {
    let (mut case, eva) = case();
    let real = case.state(CID, &eva, Some(Answer::Yes));
    let mut forged = real.to_wire();
    let dora = case.members[DORA].sign_statement(eva.clone(), Some(Answer::Yes));
    forged.signature = dora.to_wire().signature;
    let forged = SignedEntry::from_wire(forged).unwrap();
    assert!(case.agreement(ANA, &eva, std::slice::from_ref(&forged)).consents.is_empty());
    let command = case.admit_authority(vec![forged]);
    let (_, reason) = case.rogue(ANA, &command);
    assert!(reason.contains("R-EVIDENCE"), "{reason}");
    case.assert_healthy();
}

#[test]
fn leads_of_most_authorities_appoint_an_owner_where_the_owner_is_gone() {
    let (mut case, eva) = case();
    case.let_eva_in(&eva);
    let cid = case.members[CID].officer();
    let subject = Subject::Owner(cid.clone());

    let appoint = |consents| Command::AppointOwner { officer: cid.clone(), consents };
    let (culprit, reason) = case.rogue(CID, &appoint(Vec::new()));
    assert_eq!(culprit, Culprit::Member(case.members[CID].name().clone()));
    assert!(reason.contains("R-HANDOVER"), "{reason}");

    let consent = case.state(EVA, &subject, Some(Answer::Yes));
    let agreed = case.agreement(CID, &subject, std::slice::from_ref(&consent));
    assert!(agreed.suffices, "two of three");
    assert_eq!(agreed.missing.len(), 1);
    case.commit(CID, &appoint(vec![consent.clone()]));
    let policy = case.members[DORA].channel().policy();
    assert_eq!(policy.role_of(&cid), Some(Role::Owner));
    assert_eq!(policy.role_of(&case.members[ANA].officer()), Some(Role::Lead));
    case.assert_healthy();

    // It is Ana's again; what Eva said then says nothing any more.
    let ana = case.members[ANA].officer();
    case.commit(CID, &Command::SetRole(ana, Role::Owner));
    assert!(case.agreement(CID, &subject, std::slice::from_ref(&consent)).consents.is_empty());
    let (_, reason) = case.rogue(CID, &appoint(vec![consent]));
    assert!(reason.contains("R-EVIDENCE"), "{reason}");
    case.assert_healthy();
}

#[test]
fn a_closed_channel_takes_in_statements_and_nothing_else() {
    let (mut case, eva) = case();
    case.let_eva_in(&eva);
    case.commit(ANA, &Command::SetClosed(true));
    let note = case.members[CID].sign_note("still here?");
    let (id, network) = (note.header().client_id, &case.network);
    let refused = case.members[CID].make(network, |c, ctx| c.seal_entry(ctx, &note, id));
    assert!(matches!(refused, Err(SealError::NotAllowed(_))));

    let cid = case.members[CID].officer();
    let subject = Subject::Owner(cid.clone());
    let consent = case.state(EVA, &subject, Some(Answer::Yes));
    case.commit(CID, &Command::AppointOwner { officer: cid, consents: vec![consent] });
    let opened: Seq = case.commit(CID, &Command::SetClosed(false));
    assert_eq!(case.members[BEN].channel().last_valid_commit(), Some(opened));
    case.assert_healthy();
}
