//! Consents inside a commit: what leads of other authorities have agreed to.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_proto::channel::v1 as wire;

use super::change::Change;
use super::rule::{Rule, Void};
use super::state::State;
use crate::consent::{Answer, Statement, Subject};
use crate::entry::SignedEntry;
use crate::policy::{ChannelKind, Policy, Role};

/// A lead's yes that counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Consent {
    /// The device that signed.
    pub by: DeviceName,
    /// What its officer consents to, for that officer's authority.
    pub subject: Subject,
}

/// Whether a signed entry is the consent of a lead's that counts in the group `before`, at
/// `received_at`: said in this group and for these authorities, by a device with the key of its
/// present leaf, not longer than [`Statement::LASTS`] ago.
///
/// # Errors
/// [`Rule::Evidence`].
pub fn verify_consent(
    before: &State,
    entry: &wire::Entry,
    received_at: Timestamp,
) -> Result<Consent, Void> {
    let unreadable = |_| Void::new(Rule::Evidence, "unreadable");
    let signed = SignedEntry::from_wire(entry.clone()).map_err(unreadable)?;
    let header = signed.header();
    let refused = || Void::new(Rule::Evidence, &header.author);

    let statement = Statement::of(&signed).map_err(|_| refused())?;
    let leaf = before.members.get(&header.author).ok_or_else(refused)?;
    let policy = &before.policy;
    let holds = signed.to_wire() == *entry
        && (header.channel, header.generation) == (policy.channel(), policy.generation())
        && statement.authorities_version == policy.authorities_version()
        && statement.answer == Some(Answer::Yes)
        && policy.role_at(header.author.officer(), received_at).is_some_and(Role::is_lead)
        && received_at <= header.local_time.plus(Statement::LASTS)
        && leaf.signature_key.verify(signed.header_bytes(), signed.signature()).is_ok();
    match holds {
        true => Ok(Consent { by: header.author.clone(), subject: statement.subject }),
        false => Err(refused()),
    }
}

/// Whether what a statement is about may be done at `at` where these authorities agree.
pub(crate) fn suffices(
    policy: &Policy,
    subject: &Subject,
    agree: &BTreeSet<&Domain>,
    at: Timestamp,
) -> bool {
    match subject {
        Subject::Authority(_) => {
            policy.kind() != ChannelKind::Case || policy.authorities().is_subset(agree)
        }
        Subject::Owner(_) => {
            let electors = policy.electors(at);
            let agree = agree.intersection(&electors).count();
            // The officers of one authority settle among themselves who owns their channel.
            2 * agree > electors.len() && (agree > 1 || policy.owners().next().is_none())
        }
        Subject::Expulsion(authority) => {
            let owner = policy.owners().next().map(|owner| policy.present(owner.domain()));
            let authority = policy.present(authority);
            let mut others = policy.authorities();
            let present = others.remove(authority);
            let is_others = Some(authority) != owner;
            others.retain(|other| Some(*other) != owner);
            let agree = agree.intersection(&others).count();
            present && is_others && 2 * agree > others.len()
        }
    }
}

/// Whether the leads who are in the channel at `at` could agree to what a statement is about.
#[must_use]
pub fn could_agree(policy: &Policy, subject: &Subject, at: Timestamp) -> bool {
    suffices(policy, subject, &policy.led_authorities(at), at)
}

/// Which authorities have agreed to what.
#[derive(Clone, Debug, Default)]
pub(super) struct Consents(BTreeMap<Subject, BTreeSet<Domain>>);

impl Consents {
    /// R-EVIDENCE: a consent that the commit makes no use of voids it, and so does the second one of
    /// an authority.
    pub(super) fn take(&mut self, change: &Change, consent: Consent) -> Result<(), Void> {
        let Consent { by, subject } = consent;
        let authority = change.before.policy.present(by.domain()).clone();
        let is_first =
            brings_about(change, &subject) && self.0.entry(subject).or_default().insert(authority);
        if is_first { Ok(()) } else { Err(Void::new(Rule::Evidence, by)) }
    }

    /// R-ADMIT-CONSENT.
    pub(super) fn check_entry(&self, change: &Change, subject: &Subject) -> Result<(), Void> {
        let agree = self.agreeing(change, subject);
        match suffices(&change.before.policy, subject, &agree, change.received_at) {
            true => Ok(()),
            false => Err(Void::new(Rule::AdmitConsent, subject.whom())),
        }
    }

    /// R-APPOINT-OWNER.
    pub(super) fn check_appointment(&self, change: &Change, subject: &Subject) -> Result<(), Void> {
        let agree = self.agreeing(change, subject);
        let enough = suffices(&change.before.policy, subject, &agree, change.received_at)
            && change.committer_role().is_some_and(Role::is_lead);
        match self.0.contains_key(subject) {
            _ if enough => Ok(()),
            true => Err(Void::new(Rule::AppointOwner, subject.whom())),
            false => Err(Void::new(Rule::Handover, subject.whom())),
        }
    }

    /// The authorities that have agreed, the author's own among them if it is a lead.
    fn agreeing<'a>(&'a self, change: &'a Change, subject: &Subject) -> BTreeSet<&'a Domain> {
        let own = change.before.policy.present(change.committer.domain());
        let own = Some(own).filter(|domain| change.is_by_lead_of(domain));
        self.0.get(subject).into_iter().flatten().chain(own).collect()
    }
}

/// Whether a commit does what a consent is about.
fn brings_about(change: &Change, subject: &Subject) -> bool {
    match subject {
        // No commit does that: it takes another group.
        Subject::Expulsion(_) => false,
        Subject::Authority(officer) => {
            let authority = change.before.policy.present(officer.domain());
            let present = change.authorities_before().contains(authority);
            !present && change.role_after(officer).is_some()
        }
        Subject::Owner(officer) => {
            change.role_before(officer) != Some(Role::Owner)
                && change.role_after(officer) == Some(Role::Owner)
        }
    }
}
