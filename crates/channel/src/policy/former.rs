//! Domains that authorities had before, as the policy has them from the bundle: so that who is one
//! authority with whom is a question to the policy alone.

use std::collections::BTreeMap;

use enlace_identity::bundle::Bundle;
use enlace_identity::names::{Domain, OfficerAddress};

use super::Policy;

impl Policy {
    /// The domains that authorities had before, each with the authority's present one.
    #[must_use]
    pub fn former_domains(&self) -> &BTreeMap<Domain, Domain> {
        &self.content.former_domains
    }

    /// The present domain of the authority for which a domain stands.
    #[must_use]
    pub fn present<'d>(&'d self, domain: &'d Domain) -> &'d Domain {
        present_in(&self.content.former_domains, domain)
    }

    /// Whether two domains stand for one authority.
    #[must_use]
    pub fn are_one(&self, one: &Domain, other: &Domain) -> bool {
        self.present(one) == self.present(other)
    }

    /// Whether an officer's address is what became of another one.
    #[must_use]
    pub fn succeeds(&self, address: &OfficerAddress, former: &OfficerAddress) -> bool {
        let changed = self.content.former_domains.get(former.domain());
        address.name() == former.name() && changed == Some(address.domain())
    }
}

/// What [`Policy::former_domains`] has to be under a bundle.
#[must_use]
pub fn former_domains(bundle: &Bundle) -> BTreeMap<Domain, Domain> {
    bundle.present_of_former()
}

pub(super) fn present_in<'d>(
    former: &'d BTreeMap<Domain, Domain>,
    domain: &'d Domain,
) -> &'d Domain {
    former.get(domain).unwrap_or(domain)
}
