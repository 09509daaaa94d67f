//! How far the authorities of a channel agree to what one of them wants.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::names::Domain;

use super::{Channel, ChannelError, Context};
use crate::consent::Subject;
use crate::entry::SignedEntry;
use crate::mls::GroupError;
use crate::rules::{self, State};

/// What the leads of a channel have answered so far, as it counts now.
#[derive(Clone, Debug, Default)]
pub struct Agreement {
    /// The consents that count, one for each authority but the one that asks.
    pub consents: BTreeMap<Domain, SignedEntry>,
    /// The authorities that have not consented.
    pub missing: BTreeSet<Domain>,
    /// Whether it may be done: for an owner's appointment not all have to agree.
    pub suffices: bool,
}

impl Channel {
    /// Looks through `entries` for consents to `subject` that count now, if an officer of `by` commits it.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn agreement(
        &self,
        ctx: &Context<'_>,
        by: &Domain,
        subject: &Subject,
        entries: &[SignedEntry],
    ) -> Result<Agreement, ChannelError> {
        let policy = &self.policy;
        let by = policy.present(by);
        let before = State::of_view(&self.view()?).map_err(|_| GroupError::Foreign)?;
        let mut consents = BTreeMap::new();
        for entry in entries {
            let found = rules::verify_consent(&before, &entry.to_wire(), ctx.now);
            let found = found.ok().filter(|consent| consent.subject == *subject);
            let authority = found.map(|consent| policy.present(consent.by.domain()).clone());
            if let Some(authority) = authority.filter(|authority| authority != by) {
                consents.insert(authority, entry.clone());
            }
        }
        let agree: BTreeSet<&Domain> = consents.keys().chain([by]).collect();
        let asked = match subject {
            Subject::Authority(_) => policy.authorities(),
            Subject::Owner(_) => policy.electors(ctx.now),
            Subject::Expulsion(authority) => {
                let mut others = policy.authorities();
                others.remove(policy.present(authority));
                others
            }
        };
        let missing = asked.difference(&agree).map(|domain| (*domain).clone()).collect();
        let suffices = rules::suffices(policy, subject, &agree, ctx.now);
        Ok(Agreement { missing, suffices, consents })
    }
}
