//! What takes the consent of other authorities: it is asked for by a proposal in the log, leads answer
//! there, and what was wanted waits in the outbox until enough of them have consented.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use enlace_channel::channel::{Agreement, Channel, ChannelError};
use enlace_channel::consent::{Answer, Statement, StatementDraft, Subject};
use enlace_channel::entry::{SignedEntry, TimeZone, VerifiedEntry};
use enlace_channel::policy::{Policy, Role};
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Item};

use super::acts::ActError;
use super::settle::reload;
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::notice::{Matter, Notice};
use crate::store::{ChannelStanding, OutboxRow, OutboxState, StoreError};
use crate::task::Task;

/// When what nobody answered is asked again: there may be leads who were not there the first time.
const ASKED_AGAIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// What leads were asked to consent to, and how far they did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgreementView {
    /// To what.
    pub matter: Matter,
    /// The officer or the authority that it is about.
    pub whom: String,
    /// Who asked.
    pub asked_by: OfficerAddress,
    /// The authorities whose consent counts now; that of the officer who asked is among them.
    pub consented: BTreeSet<Domain>,
    /// The others with a lead who refused.
    pub refused: BTreeSet<Domain>,
    /// The others that were asked.
    pub waiting_for: BTreeSet<Domain>,
    /// Whether it can be done now.
    pub suffices: bool,
}

/// A proposal or an answer, as it stands in the log or waits for its place there.
struct Said {
    entry: SignedEntry,
    statement: Statement,
}

impl Engine {
    /// Consents, for this officer's authority, to what was asked about an officer or an authority, or
    /// refuses. The entry is durable when this returns.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn answer(
        &mut self,
        id: ChannelId,
        whom: &str,
        answer: Answer,
        time_zone: TimeZone,
    ) -> Result<ClientId, ActError> {
        self.write(|work| work.answer(id, whom, answer, time_zone))
    }
}

impl Said {
    /// Whether it was said in the present group, of the authorities that are there now.
    fn is_current(&self, policy: &Policy) -> bool {
        self.entry.header().generation == policy.generation()
            && self.statement.authorities_version == policy.authorities_version()
    }
}

/// What a task needs the consent of others to, if this officer is entitled to it at all.
fn subject_of(task: &Task, policy: &Policy, own: Option<Role>) -> Option<Subject> {
    match task {
        Task::Admit { officer, .. } => {
            let is_new = !policy.authorities().contains(policy.present(officer.domain()));
            let may = own == Some(Role::Owner) && !policy.is_closed();
            (may && is_new).then(|| Subject::Authority(officer.clone()))
        }
        Task::AppointOwner { officer, .. } => {
            (own == Some(Role::Lead)).then(|| Subject::Owner(officer.clone()))
        }
        Task::Succeed { expelled: Some(authority), .. } => {
            let may = own == Some(Role::Owner) && policy.authorities().contains(authority);
            may.then(|| Subject::Expulsion(authority.clone()))
        }
        _ => None,
    }
}

/// Whether what a statement is about has not come about yet, and its author may bring it about now.
fn is_open(subject: &Subject, policy: &Policy, asked_by: &OfficerAddress, now: Timestamp) -> bool {
    let asker = policy.role_at(asked_by, now);
    match subject {
        Subject::Authority(officer) => {
            let is_new = !policy.authorities().contains(policy.present(officer.domain()));
            asker == Some(Role::Owner) && is_new && !policy.is_closed()
        }
        Subject::Owner(officer) => {
            asker == Some(Role::Lead)
                && policy.role_of(officer).is_some_and(|role| role != Role::Owner)
        }
        Subject::Expulsion(authority) => {
            asker == Some(Role::Owner)
                && policy.authorities().contains(authority)
                && !policy.are_one(asked_by.domain(), authority)
        }
    }
}

impl Work<'_> {
    /// Asks for the consents that rows of a channel still lack, and says which rows wait for them.
    pub(super) fn ask_for_consents(
        &mut self,
        channel: &Channel,
    ) -> Result<BTreeSet<ClientId>, EngineError> {
        let mut waiting = BTreeSet::new();
        for row in self.tx.queued(Some(channel.id()))? {
            if let Task::AppointOwner { instead_of, .. } = &row.task
                && *instead_of != channel.policy().owners().next().map(ToString::to_string)
                && row.sealed.is_none()
                && !super::seal::is_done(&row.task, channel, self.me())
            {
                self.fail(row, "the channel has got another owner meanwhile".to_owned())?;
                continue;
            }
            let is_current = row.sealed.as_ref().is_some_and(|s| s.fence == channel.fence());
            if is_current || !self.lacks_consent(channel, &row.task)? {
                continue;
            }
            if let Some(subject) =
                subject_of(&row.task, channel.policy(), self.own_role(channel.policy()))
            {
                self.propose(channel, subject, ASKED_AGAIN)?;
            }
            waiting.insert(row.client_id);
            if row.sealed.is_some() {
                self.tx.update_outbox(&OutboxRow { sealed: None, ..row })?;
            }
        }
        Ok(waiting)
    }

    /// The rows of all channels that wait for consents which others were asked for.
    pub(super) fn waiting_for_consent(&mut self) -> Result<BTreeSet<ClientId>, EngineError> {
        let mut waiting = BTreeSet::new();
        for row in self.tx.queued(None)?.into_iter().filter(|row| row.task.may_need_consent()) {
            // Whoever follows the channel says what is wrong with it.
            let Some(channel) = self.take(row.channel).ok().flatten() else { continue };
            if self.lacks_consent(&channel, &row.task)? && self.was_asked(&channel, &row.task)? {
                waiting.insert(row.client_id);
            }
            self.keep(channel);
        }
        Ok(waiting)
    }

    /// Whether this device's proposal stands in the log.
    fn was_asked(&self, channel: &Channel, task: &Task) -> Result<bool, EngineError> {
        let subject = subject_of(task, channel.policy(), self.own_role(channel.policy()));
        let asks = |said: &Said| {
            said.statement.answer.is_none()
                && Some(&said.statement.subject) == subject.as_ref()
                && said.is_current(channel.policy())
                && said.entry.header().author == *self.me()
        };
        Ok(self.said(channel.id())?.iter().any(asks))
    }

    /// The officer wants again what waits already: so the others are asked again.
    pub(super) fn ask_again(&mut self, id: ChannelId, task: &Task) -> Result<(), EngineError> {
        let Some(channel) = self.take(id)? else { return Ok(()) };
        let subject = subject_of(task, channel.policy(), self.own_role(channel.policy()));
        if let Some(subject) = subject
            && self.lacks_consent(&channel, task)?
        {
            self.propose(&channel, subject, Duration::ZERO)?;
        }
        self.keep(channel);
        Ok(())
    }

    /// Whether a task has to wait for others' consent.
    pub(super) fn lacks_consent(
        &self,
        channel: &Channel,
        task: &Task,
    ) -> Result<bool, EngineError> {
        let agreement = self.agreement_on(channel, task)?;
        Ok(agreement.is_some_and(|agreement| !agreement.suffices))
    }

    /// The consents that a task's commit needs as evidence.
    pub(super) fn consents_to(
        &self,
        channel: &Channel,
        task: &Task,
    ) -> Result<Vec<SignedEntry>, EngineError> {
        let agreement = self.agreement_on(channel, task)?.unwrap_or_default();
        Ok(agreement.consents.into_values().collect())
    }

    fn agreement_on(
        &self,
        channel: &Channel,
        task: &Task,
    ) -> Result<Option<Agreement>, EngineError> {
        let me = self.me();
        let Some(subject) = subject_of(task, channel.policy(), self.own_role(channel.policy()))
        else {
            return Ok(None);
        };
        let entries: Vec<_> = self.said(channel.id())?.into_iter().map(|said| said.entry).collect();
        Ok(Some(channel.agreement(&self.ctx, me.domain(), &subject, &entries)?))
    }

    /// Puts a proposal in the outbox, unless this device has asked the same within `again`.
    fn propose(
        &mut self,
        channel: &Channel,
        subject: Subject,
        again: Duration,
    ) -> Result<(), EngineError> {
        let authorities_version = channel.policy().authorities_version();
        let statement = Statement { subject, authorities_version, answer: None };
        let now = self.now();
        let is_mine = |said: &Said| {
            said.statement == statement
                && said.is_current(channel.policy())
                && said.entry.header().author == *self.me()
        };
        let logged = self.said(channel.id())?;
        let is_recent = |at: Timestamp| at.plus(again) > now;
        let mut asked = logged.iter().filter(|said| is_mine(said));
        if asked.any(|said| is_recent(said.entry.header().local_time)) {
            return Ok(());
        }
        for row in self.tx.unlogged_entries(channel.id())? {
            let waits = !matches!(row.state, OutboxState::Failed(_));
            if waits && said_of(row.signed.as_deref())?.is_some_and(|said| is_mine(&said)) {
                return Ok(());
            }
        }
        let client_id = self.new_client_id(channel.id());
        self.tx.put_outbox(&self.statement_row(channel, client_id, &statement))?;
        Ok(())
    }

    fn answer(
        &mut self,
        id: ChannelId,
        whom: &str,
        answer: Answer,
        time_zone: TimeZone,
    ) -> Result<ClientId, ActError> {
        let row = self.tx.channel(id)?.ok_or(ActError::UnknownChannel)?;
        if row.standing == ChannelStanding::Removed {
            return Err(ActError::Removed);
        }
        let channel = self.take(id)?.ok_or(ActError::UnknownChannel)?;
        let policy = channel.policy();
        if !self.own_role(policy).is_some_and(Role::is_lead) {
            return Err(ActError::NotEntitled);
        }
        let asked = self.said(id)?.into_iter().rev().find(|said| {
            said.statement.answer.is_none()
                && said.statement.subject.whom() == whom
                && said.is_current(policy)
                && is_open(
                    &said.statement.subject,
                    policy,
                    said.entry.header().author.officer(),
                    self.now(),
                )
        });
        let asked = asked.ok_or_else(|| ActError::NotAsked(whom.to_owned()))?;
        let statement = Statement { answer: Some(answer), ..asked.statement };
        let client_id = self.new_client_id(id);
        let signed = self.sign(&channel, client_id, &statement, Some(&asked.entry), time_zone);
        let row =
            OutboxRow { signed: Some(signed.encode()), ..self.new_row(id, client_id, Task::Entry) };
        self.tx.put_outbox(&row)?;
        self.keep(channel);
        self.tell(ClientEvent::Outbox { channel: id, client_id, state: OutboxState::Queued });
        Ok(client_id)
    }

    fn statement_row(
        &self,
        channel: &Channel,
        client_id: ClientId,
        statement: &Statement,
    ) -> OutboxRow {
        let signed = self.sign(channel, client_id, statement, None, TimeZone::utc());
        OutboxRow {
            signed: Some(signed.encode()),
            ..self.new_row(channel.id(), client_id, Task::Entry)
        }
    }

    fn sign(
        &self,
        channel: &Channel,
        client_id: ClientId,
        statement: &Statement,
        answers: Option<&SignedEntry>,
        time_zone: TimeZone,
    ) -> SignedEntry {
        let draft = StatementDraft {
            channel: channel.id(),
            generation: channel.policy().generation(),
            author: self.me(),
            client_id,
            local_time: self.now(),
            time_zone,
            parent: answers.map(SignedEntry::commitment),
            known_head: channel.known_head(),
            statement,
        };
        draft.sign(&self.ctx.device.key, || self.salt())
    }

    /// The proposals and answers in a channel's log, in its order.
    fn said(&self, id: ChannelId) -> Result<Vec<Said>, StoreError> {
        let rows = self.tx.statements(id)?;
        let said = rows.iter().map(|row| said_of(Some(&row.signed)));
        said.filter_map(Result::transpose).collect()
    }

    /// Tells a lead what it is asked, and who asked what was answered.
    pub(super) fn note_statement(
        &mut self,
        channel: &Channel,
        item: &Item,
        entry: &VerifiedEntry,
    ) -> Result<(), StoreError> {
        let Ok(statement) = Statement::of(entry.as_signed()) else { return Ok(()) };
        let (policy, me) = (channel.policy(), self.me().officer());
        let by = entry.author().clone();
        let (matter, whom) = (Matter::from(&statement.subject), statement.subject.whom());
        let (own, now) = (self.own_role(policy), self.now());
        let notice = match statement.answer {
            None => {
                let concerns = own.is_some_and(Role::is_lead)
                    && !policy.are_one(by.domain(), me.domain())
                    && statement.subject != Subject::Expulsion(policy.present(me.domain()).clone())
                    && statement.authorities_version == policy.authorities_version()
                    && is_open(&statement.subject, policy, by.officer(), now);
                concerns.then_some(Notice::ConsentAsked { by, matter, whom })
            }
            Some(answer) => {
                let queued = self.tx.queued(Some(channel.id()))?;
                let mut wanted = queued.iter().filter_map(|r| subject_of(&r.task, policy, own));
                let asked = wanted.any(|subject| subject == statement.subject);
                let says = policy.role_at(by.officer(), now).is_some_and(Role::is_lead);
                let yes = answer == Answer::Yes;
                let answered = Notice::ConsentAnswered { by, matter, whom, yes };
                (asked && says).then_some(answered)
            }
        };
        match notice {
            Some(notice) => {
                self.note(Some(channel.id()), Some((item.seq, item.received_at)), notice)
            }
            None => Ok(()),
        }
    }

    /// What is open in a channel, as far as this device knows.
    pub(crate) fn agreements(&self, channel: &Channel) -> Result<Vec<AgreementView>, EngineError> {
        let policy = channel.policy();
        let said = self.said(channel.id())?;
        let mut asked: BTreeMap<Subject, DeviceName> = BTreeMap::new();
        for said in said.iter().filter(|said| said.is_current(policy)) {
            let (author, subject) = (&said.entry.header().author, &said.statement.subject);
            if said.statement.answer.is_none()
                && is_open(subject, policy, author.officer(), self.now())
            {
                asked.insert(subject.clone(), author.clone());
            }
        }
        for row in self.tx.queued(Some(channel.id()))? {
            if let Some(subject) = subject_of(&row.task, policy, self.own_role(policy)) {
                asked.insert(subject, self.me().clone());
            }
        }
        let entries: Vec<_> = said.iter().map(|said| said.entry.clone()).collect();
        let view = |(subject, asker): (Subject, DeviceName)| {
            let agreement = channel.agreement(&self.ctx, asker.domain(), &subject, &entries)?;
            let no = said.iter().filter(|said| {
                let Statement { subject: about, answer, .. } = &said.statement;
                let author = said.entry.header().author.officer();
                *about == subject
                    && said.is_current(policy)
                    && *answer == Some(Answer::No)
                    && policy.role_at(author, self.now()).is_some_and(Role::is_lead)
            });
            let no: BTreeSet<_> = no
                .map(|said| policy.present(said.entry.header().author.domain()).clone())
                .collect();
            let own = policy.present(asker.domain()).clone();
            Ok(AgreementView {
                matter: Matter::from(&subject),
                whom: subject.whom(),
                asked_by: asker.officer().clone(),
                consented: agreement.consents.into_keys().chain([own]).collect(),
                refused: agreement.missing.intersection(&no).cloned().collect(),
                waiting_for: agreement.missing.difference(&no).cloned().collect(),
                suffices: agreement.suffices,
            })
        };
        let views: Result<_, ChannelError> = asked.into_iter().map(view).collect();
        Ok(views?)
    }
}

fn said_of(signed: Option<&[u8]>) -> Result<Option<Said>, StoreError> {
    let Some(signed) = signed else { return Ok(None) };
    let entry = reload(signed)?;
    let statement = Statement::of(&entry).ok();
    Ok(statement.map(|statement| Said { entry, statement }))
}
