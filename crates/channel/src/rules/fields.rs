//! Who may change which field of the policy, roles aside.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::names::Domain;

use super::act::{Act, PolicyField};
use super::change::Change;
use super::roles;
use super::rule::{Rule, Void};
use crate::policy::Policy;

/// R-POLICY-UNKNOWN, R-POLICY-FIXED, R-POLICY-HUB, R-POLICY-OWNER, R-POLICY-AUTHORITY, R-CLOSE.
pub(super) fn check(change: &Change) -> Result<Vec<Act>, Void> {
    let (before, after) = (&change.before.policy, &change.after.policy);
    let unknown = before.has_unknown_fields() || after.has_unknown_fields();
    if unknown && before.encode() != after.encode() {
        return Err(Void::new(Rule::PolicyUnknown, "policy"));
    }
    check_fixed(before, after)?;
    if !unknown {
        check_hub(before, after, &change.hub)?;
    }
    let mut acts = check_owners(change)?;
    acts.extend(check_authorities(change)?);
    acts.extend(check_closing(change)?);
    Ok(acts)
}

/// R-AUTHORITIES-VERSION: one more for each authority that enters or goes, and for an owner whom leads
/// appoint: what they consented to, they consented to once.
pub(super) fn check_authorities_version(change: &Change) -> Result<(), Void> {
    let (before, after) = (&change.before.policy, &change.after.policy);
    let (old, new) = (before.authorities(), after.authorities());
    let old: BTreeSet<_> = old.into_iter().map(|authority| after.present(authority)).collect();
    let moved = old.symmetric_difference(&new).count() as u64;
    let moved = moved + u64::from(roles::appoints_an_owner(change));
    let expected = before.authorities_version().checked_add(moved);
    if Some(after.authorities_version()) == expected {
        Ok(())
    } else {
        Err(Void::new(Rule::AuthoritiesVersion, after.authorities_version()))
    }
}

fn check_fixed(before: &Policy, after: &Policy) -> Result<(), Void> {
    let same = [
        ("channel", before.channel() == after.channel()),
        ("generation", before.generation() == after.generation()),
        ("kind", before.kind() == after.kind()),
        ("founding", before.founding() == after.founding()),
    ];
    match same.into_iter().find(|(_, same)| !same) {
        Some((field, _)) => Err(Void::new(Rule::PolicyFixed, field)),
        None => Ok(()),
    }
}

/// R-POLICY-HUB: it names the hub that orders the log at this position, and goes on naming the one
/// that the channel began at.
fn check_hub(before: &Policy, after: &Policy, hub: &Domain) -> Result<(), Void> {
    let refused = || Void::new(Rule::PolicyHub, after.hub());
    let expected = before.at_hub(hub).map_err(|_| refused())?;
    if after.has_same_hubs(&expected) { Ok(()) } else { Err(refused()) }
}

fn check_owners(change: &Change) -> Result<Vec<Act>, Void> {
    let (before, after) = (&change.before.policy, &change.after.policy);
    let fields = [
        (PolicyField::Title, before.title() == after.title()),
        (PolicyField::LegalBasis, before.legal_basis() == after.legal_basis()),
        (PolicyField::DefaultHandling, before.default_handling() == after.default_handling()),
    ];
    let changed = fields.into_iter().filter(|(_, same)| !same).map(|(field, _)| field);
    changed.map(|field| by(change.is_by_owner(), Rule::PolicyOwner, field)).collect()
}

/// R-CLOSE.
fn check_closing(change: &Change) -> Result<Option<Act>, Void> {
    let (before, after) = (&change.before.policy, &change.after.policy);
    if before.is_closed() == after.is_closed() {
        return Ok(None);
    }
    let committer = change.committer.officer();
    let lasts = change.committer_role() == change.role_before(committer);
    if !before.may_close(committer, change.received_at) || !lasts {
        return Err(Void::new(Rule::Close, committer));
    }
    Ok(Some(if after.is_closed() { Act::Closed } else { Act::Reopened }))
}

fn check_authorities(change: &Change) -> Result<Vec<Act>, Void> {
    let after = &change.after.policy;
    let before = &under_the_same_domains(&change.before.policy, after)?;
    let references = differing(before.case_references(), after.case_references());
    let retention = differing(before.retention(), after.retention());
    let references = references.into_iter().map(|d| (d, PolicyField::CaseReference(d.clone())));
    let retention = retention.into_iter().map(|d| (d, PolicyField::Retention(d.clone())));
    let holds = before.holds().symmetric_difference(after.holds()).map(|domain| {
        let (authority, placed) = (domain.clone(), after.holds().contains(domain));
        (domain, PolicyField::Hold { authority, placed })
    });
    references
        .chain(retention)
        .chain(holds)
        .map(|(domain, field)| by(change.is_by_lead_of(domain), Rule::PolicyAuthority, field))
        .collect()
}

/// What the policy before says of authorities, by the domains that they have after.
fn under_the_same_domains(before: &Policy, after: &Policy) -> Result<Policy, Void> {
    let domains = after.former_domains();
    if before.former_domains() == domains {
        return Ok(before.clone());
    }
    let renamed = before.edit().and_then(|edit| edit.former_domains(domains.clone()).finish());
    renamed.map_err(|error| Void::new(Rule::Bundle, error))
}

fn by(entitled: bool, rule: Rule, field: PolicyField) -> Result<Act, Void> {
    if entitled { Ok(Act::PolicyChanged(field)) } else { Err(Void::new(rule, name(&field))) }
}

fn name(field: &PolicyField) -> String {
    match field {
        PolicyField::Title => "title".to_owned(),
        PolicyField::LegalBasis => "legal_basis".to_owned(),
        PolicyField::DefaultHandling => "default_handling".to_owned(),
        PolicyField::CaseReference(domain) => format!("case_references of {domain}"),
        PolicyField::Retention(domain) => format!("retention of {domain}"),
        PolicyField::Hold { authority, .. } => format!("hold of {authority}"),
    }
}

/// The authorities for which two maps say different things.
fn differing<'a, V: PartialEq>(
    before: &'a BTreeMap<Domain, V>,
    after: &'a BTreeMap<Domain, V>,
) -> BTreeSet<&'a Domain> {
    let domains = before.keys().chain(after.keys());
    domains.filter(|domain| before.get(*domain) != after.get(*domain)).collect()
}
