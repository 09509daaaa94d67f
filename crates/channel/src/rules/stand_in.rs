//! Stand-ins: leads until a day, by a registrar's mandate, where an authority has no lead left.

use std::collections::BTreeMap;

use enlace_identity::bundle::Bundle;
use enlace_identity::mandate::{Mandate, SignedMandate};
use enlace_identity::names::{Domain, OfficerAddress};
use enlace_identity::time::Timestamp;

use super::change::Change;
use super::rule::{Rule, Void};
use crate::policy::{Policy, Role};

/// The mandates in a commit.
#[derive(Clone, Debug, Default)]
pub(super) struct Mandates {
    until: BTreeMap<OfficerAddress, Timestamp>,
    serials: BTreeMap<Domain, u64>,
}

impl Mandates {
    /// R-EVIDENCE: a mandate is for this channel and for an officer whom the commit lets in, holds at
    /// `received_at`, and has a higher serial than the last one of its authority that was used here.
    pub(super) fn take(
        &mut self,
        bundle: &Bundle,
        change: &Change,
        bytes: &[u8],
    ) -> Result<(), Void> {
        let refused = |_| Void::new(Rule::Evidence, "mandate");
        let signed = SignedMandate::decode(bytes).map_err(|_| refused(()))?;
        let mandate = signed.verify(bundle, change.received_at).map_err(|_| refused(()))?;
        let Mandate { channel, officer, serial, not_after } = mandate;
        let policy = &change.before.policy;
        let domain = officer.domain().clone();
        let last = policy.mandate_serials().get(&domain).copied().unwrap_or_default();
        let comes = change.added.iter().any(|device| *device.officer() == officer);
        let holds = channel == *policy.channel().as_bytes()
            && comes
            && change.role_before(&officer).is_none()
            && serial > last
            && self.serials.insert(domain, serial).is_none();
        if !holds {
            return Err(Void::new(Rule::Evidence, officer));
        }
        self.until.insert(officer, not_after);
        Ok(())
    }

    /// Whether the owner lets a stand-in in, with a mandate, where the authority has no lead.
    pub(super) fn admit(&self, change: &Change, officer: &OfficerAddress, role: Role) -> bool {
        let policy = &change.before.policy;
        change.is_by_owner()
            && role == Role::Lead
            && self.until.contains_key(officer)
            && policy.leads_at(officer.domain(), change.received_at).next().is_none()
    }
}

/// R-STAND-IN: the policy says who stands in until when, and which mandates were used, and nothing
/// else of it. No stand-in owns a channel.
pub(super) fn check(change: &Change, mandates: &Mandates) -> Result<(), Void> {
    let (before, after) = (&change.before.policy, &change.after.policy);
    let mut serials = before.mandate_serials().clone();
    serials.extend(mandates.serials.clone());
    if *after.mandate_serials() != serials {
        return Err(Void::new(Rule::StandIn, "mandate_serials"));
    }
    let mut expected = before.stand_ins().clone();
    expected.retain(|officer, _| stays(after, officer));
    expected.extend(mandates.until.clone());
    if *after.stand_ins() != expected {
        return Err(Void::new(Rule::StandIn, "stand_ins"));
    }
    match after.owners().find(|owner| expected.contains_key(*owner)) {
        Some(owner) => Err(Void::new(Rule::StandIn, owner)),
        None => Ok(()),
    }
}

/// Whoever is suspended comes back as what the officer was, no longer than the mandate says.
fn stays(after: &Policy, officer: &OfficerAddress) -> bool {
    after.role_of(officer).is_some()
        || after.suspended().keys().any(|device| device.officer() == officer)
}
