//! Former domains: an authority that changed its domain is still that authority.
//!
//! Which domains stand for one authority, who succeeds to whose address, and whose head key counts
//! for a hub: all of it is said here, as pure functions of the bundle.

use std::collections::BTreeMap;

use crate::bundle::{Authority, Bundle, Root};
use crate::names::{Domain, OfficerAddress};
use crate::time::{Timestamp, Validity};

/// A domain that one of the bundle's authorities had before.
#[derive(Clone, Debug)]
pub struct FormerDomain {
    pub(super) domain: Domain,
    pub(super) authority: Domain,
    pub(super) roots: Vec<Root>,
    pub(super) until: Timestamp,
}

/// Who vouches for the names of a domain, and how long.
pub(crate) struct Issuers<'b> {
    pub(crate) roots: &'b [Root],
    /// Of a former domain.
    pub(crate) until: Option<Timestamp>,
}

impl FormerDomain {
    /// The domain.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The present domain of the authority that had it.
    #[must_use]
    pub fn authority(&self) -> &Domain {
        &self.authority
    }

    /// From then on no certificate of this domain holds. What was signed before stays signed.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.until
    }
}

impl Bundle {
    /// The domains that its authorities had before, sorted.
    #[must_use]
    pub fn former_domains(&self) -> &[FormerDomain] {
        &self.former_domains
    }

    /// The present domain of the authority that had each former one.
    #[must_use]
    pub fn present_of_former(&self) -> BTreeMap<Domain, Domain> {
        let former = self.former_domains.iter();
        former.map(|former| (former.domain.clone(), former.authority.clone())).collect()
    }

    /// The present domain of the authority for which a domain stands: of one that is no former
    /// domain, itself.
    #[must_use]
    pub fn present<'d>(&'d self, domain: &'d Domain) -> &'d Domain {
        self.former_domain(domain).map_or(domain, |former| &former.authority)
    }

    /// The authority for which a domain stands, be it its present one or a former one.
    #[must_use]
    pub fn authority_of(&self, domain: &Domain) -> Option<&Authority> {
        self.authority(self.present(domain))
    }

    /// Every domain that stands for one of its authorities: the present ones, then the former ones.
    pub fn all_domains(&self) -> impl Iterator<Item = &Domain> {
        let former = self.former_domains.iter().map(FormerDomain::domain);
        self.authorities.iter().map(Authority::domain).chain(former)
    }

    /// Whether two domains stand for one authority. Then the head keys of each count for the hub of
    /// the other, and a relay of each answers for the other.
    #[must_use]
    pub fn are_one(&self, one: &Domain, other: &Domain) -> bool {
        self.present(one) == self.present(other)
    }

    /// All domains that stand for the same authority as this one, the present one first.
    pub fn domains_of<'d>(&'d self, domain: &'d Domain) -> impl Iterator<Item = &'d Domain> {
        let present = self.present(domain);
        let former = self.former_domains.iter().filter(move |f| f.authority == *present);
        std::iter::once(present).chain(former.map(FormerDomain::domain))
    }

    /// Whether an officer's address is what became of another one: the same name, in the domain
    /// that the authority has now.
    #[must_use]
    pub fn succeeds(&self, address: &OfficerAddress, former: &OfficerAddress) -> bool {
        let changed = self.former_domain(former.domain());
        address.name() == former.name() && changed.is_some_and(|f| f.authority == *address.domain())
    }

    /// The validity of each root that vouches for the names of a domain.
    pub fn root_validities_of(&self, domain: &Domain) -> impl Iterator<Item = Validity> {
        let roots = self.issuers(domain).map_or(&[][..], |issuers| issuers.roots);
        roots.iter().map(|root| root.certificate.validity)
    }

    /// Who vouches for the names of a domain.
    pub(crate) fn issuers(&self, domain: &Domain) -> Option<Issuers<'_>> {
        let present = self.authority(domain).map(|a| Issuers { roots: &a.roots, until: None });
        let former = || self.former_domain(domain);
        present.or_else(|| former().map(|f| Issuers { roots: &f.roots, until: Some(f.until) }))
    }

    /// Every root, with the domain for which it signs.
    pub(crate) fn all_roots(&self) -> impl Iterator<Item = (&Domain, &Root)> {
        let present = self.authorities.iter().map(|a| (&a.domain, &a.roots));
        let former = self.former_domains.iter().map(|f| (&f.domain, &f.roots));
        let all = present.chain(former);
        all.flat_map(|(domain, roots)| roots.iter().map(move |root| (domain, root)))
    }

    fn former_domain(&self, domain: &Domain) -> Option<&FormerDomain> {
        let found = self.former_domains.binary_search_by(|former| former.domain.cmp(domain));
        found.ok().map(|index| &self.former_domains[index])
    }
}
