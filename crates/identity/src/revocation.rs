//! Which certificates have been withdrawn: the revocation lists of every authority.
//!
//! Two lists speak for a leaf: its issuing CA's (short-lived) and the root's (yearly, about
//! issuing CAs). For each issuer the list with the highest number counts and no other, so that
//! nobody can hide a revocation behind an older list. A list past its `nextUpdate` still revokes
//! what it names, but no longer vouches for anything.

mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::bundle::Bundle;
use crate::certificate::profile::{check_issuing, names_issuer};
use crate::certificate::x509::X509;
use crate::certificate::{CertificateDer, ProfileError, Serial};
use crate::chain::VerifiedLeaf;
use crate::keys::PublicKey;
use crate::names::{Domain, LeafName};
use crate::time::{Timestamp, Validity, ValidityError};

use self::list::ListContent;

pub use self::list::RevocationList;

/// A list that begins further ahead than this is refused: a clock is wrong.
pub const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// The most issuers of one authority whose lists are kept: its roots, and the issuing CAs of two
/// generations. Whoever holds a root's key could certify any number.
pub const MAX_ISSUERS: usize = 32;

/// The newest revocation list of every issuer.
#[derive(Clone, Debug, Default)]
pub struct RevocationLists(BTreeMap<(Domain, PublicKey), Kept>);

#[derive(Clone, Debug)]
struct Kept {
    list: RevocationList,
    number: u64,
    validity: Validity,
    revoked: BTreeSet<Serial>,
}

/// What became of a list that was taken in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Inserted {
    /// It is news: pass it on, and look at live connections again.
    New,
    /// It was there already.
    Known,
}

/// What is known of an issuer's newest list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListStatus {
    /// The authority.
    pub domain: Domain,
    /// Whether it is the root's list, about issuing CAs.
    pub of_root: bool,
    /// The list's number.
    pub number: u64,
    /// From `thisUpdate` to `nextUpdate`.
    pub validity: Validity,
    /// How many certificates it revokes.
    pub revoked: usize,
}

/// Why a revocation list is not taken in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CrlError {
    /// Not a list of the form that this protocol uses.
    #[error("this is not a revocation list of this protocol")]
    Malformed,
    /// No root of the network stands behind whoever claims to have issued it.
    #[error("the issuer of this revocation list belongs to no authority of the network")]
    UnknownIssuer,
    /// The certificate that comes with it is no issuing CA's.
    #[error("the certificate of the revocation list's issuer is refused: {0}")]
    IssuerProfile(#[source] ProfileError),
    /// The certificate that comes with it is not valid now.
    #[error("the certificate of the revocation list's issuer is {0}")]
    IssuerValidity(#[source] ValidityError),
    /// Whoever signed it, it was not its issuer.
    #[error("the revocation list's signature does not fit")]
    Signature,
    /// It begins more than [`MAX_SKEW`] ahead: check the clocks.
    #[error("the revocation list of {0} begins in the future")]
    FromTheFuture(Domain),
    /// The authority has [`MAX_ISSUERS`] issuers with current lists already.
    #[error("{0} has too many issuers of revocation lists")]
    TooManyIssuers(Domain),
    /// A newer one of the same issuer is here. Harmless, unless somebody insists.
    #[error("list {offered} of {domain} is older than list {kept}, which is known here")]
    Older {
        /// The authority.
        domain: Domain,
        /// The number of the list that stays.
        kept: u64,
        /// The number of the list that was refused.
        offered: u64,
    },
    /// The issuer signed two lists of the same number; the first stays until a higher one comes.
    #[error("{domain} issued two different lists of number {number}")]
    SameNumber {
        /// The authority.
        domain: Domain,
        /// Their number.
        number: u64,
    },
}

/// Why a certificate does not pass for unrevoked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RevocationStatusError {
    /// Its authority has withdrawn it, for good.
    #[error("the certificate of {0} is revoked")]
    Revoked(LeafName),
    /// Its authority has withdrawn the CA that issued it.
    #[error("the issuing CA of {0} is revoked")]
    IssuingRevoked(Domain),
    /// There is no current list of the issuing CA, or of the root: get one.
    #[error("there is no current revocation list of {0}")]
    Stale(Domain),
}

impl RevocationLists {
    /// No lists: every certificate's status is unknown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a list in the form of [`RevocationList::to_bytes`], if its issuer signed it and it
    /// is newer than the one kept. A list past its `nextUpdate` is taken in too.
    ///
    /// # Errors
    /// [`CrlError`]; nothing has changed then.
    pub fn insert(
        &mut self,
        bytes: &[u8],
        bundle: &Bundle,
        now: Timestamp,
    ) -> Result<Inserted, CrlError> {
        let list = RevocationList::from_bytes(bytes)?;
        let content = list.content()?;
        let (domain, key) = issuer_of(&list, &content, bundle, now)?;
        list.verify(&key)?;

        let domain = domain.clone();
        let ListContent { number, validity, revoked, .. } = content;
        if validity.not_before > now.plus(MAX_SKEW) {
            return Err(CrlError::FromTheFuture(domain));
        }
        match self.0.get(&(domain.clone(), key)) {
            Some(kept) if kept.number > number => {
                return Err(CrlError::Older { domain, kept: kept.number, offered: number });
            }
            Some(kept) if kept.number == number => {
                let same = kept.list.crl_der() == list.crl_der();
                return same
                    .then_some(Inserted::Known)
                    .ok_or(CrlError::SameNumber { domain, number });
            }
            Some(_) => {}
            None => self.make_room(&domain, now)?,
        }
        self.0.insert((domain, key), Kept { list, number, validity, revoked });
        Ok(Inserted::New)
    }

    /// Of an authority with too many issuers, the list that ended first goes, if one has ended.
    fn make_room(&mut self, domain: &Domain, now: Timestamp) -> Result<(), CrlError> {
        let lists = self.0.iter().filter(|((owner, _), _)| owner == domain);
        if lists.clone().count() < MAX_ISSUERS {
            return Ok(());
        }
        let ended = lists.filter(|(_, kept)| kept.validity.not_after <= now);
        let oldest = ended.min_by_key(|(_, kept)| kept.validity.not_after);
        let key = oldest.map(|(key, _)| key.clone());
        let key = key.ok_or_else(|| CrlError::TooManyIssuers(domain.clone()))?;
        self.0.remove(&key);
        Ok(())
    }

    /// Looks a certificate up in its issuing CA's list, and the issuing CA in the root's.
    ///
    /// # Errors
    /// [`RevocationStatusError`]; revoked comes before stale.
    pub fn check(&self, leaf: &VerifiedLeaf, now: Timestamp) -> Result<(), RevocationStatusError> {
        let domain = leaf.name().domain();
        let of_issuing = self.0.get(&(domain.clone(), leaf.issuing().public_key));
        let of_root = self.0.get(&(domain.clone(), leaf.root_key()));
        let names = |kept: Option<&Kept>, serial| kept.is_some_and(|k| k.revoked.contains(serial));
        let vouches = |kept: Option<&Kept>| kept.is_some_and(|k| now < k.validity.not_after);

        if names(of_root, &leaf.issuing().serial) {
            Err(RevocationStatusError::IssuingRevoked(domain.clone()))
        } else if names(of_issuing, leaf.serial()) {
            Err(RevocationStatusError::Revoked(leaf.name().clone()))
        } else if vouches(of_issuing) && vouches(of_root) {
            Ok(())
        } else {
            Err(RevocationStatusError::Stale(domain.clone()))
        }
    }

    /// The list that withdraws a certificate or its issuing CA, as it travels; `None` when neither
    /// is known to be revoked. Its age doesn't matter.
    #[must_use]
    pub fn withdrawing(&self, leaf: &VerifiedLeaf) -> Option<Vec<u8>> {
        let domain = leaf.name().domain();
        let keys = [leaf.root_key(), leaf.issuing().public_key];
        let kept = keys.map(|key| self.0.get(&(domain.clone(), key)));
        let names = |kept: &&Kept| {
            kept.revoked.contains(leaf.serial()) || kept.revoked.contains(&leaf.issuing().serial)
        };
        let mut lists = kept.into_iter().flatten().filter(names).map(|kept| &kept.list);
        lists.find(|list| list.withdraws(leaf)).map(RevocationList::to_bytes)
    }

    /// The authorities that have revoked anything.
    #[must_use]
    pub fn revoking_authorities(&self) -> BTreeSet<Domain> {
        let revoking = self.0.iter().filter(|(_, kept)| !kept.revoked.is_empty());
        revoking.map(|((domain, _), _)| domain.clone()).collect()
    }

    /// The lists of one authority, as they travel.
    #[must_use]
    pub fn of_authority(&self, domain: &Domain) -> Vec<Vec<u8>> {
        let lists = self.0.iter().filter(|((owner, _), _)| owner == domain);
        lists.map(|(_, kept)| kept.list.to_bytes()).collect()
    }

    /// All lists, as they travel.
    #[must_use]
    pub fn all(&self) -> Vec<Vec<u8>> {
        self.0.values().map(|kept| kept.list.to_bytes()).collect()
    }

    /// What is known of each issuer's list.
    #[must_use]
    pub fn statuses(&self) -> Vec<ListStatus> {
        let status = |((domain, _), kept): (&(Domain, PublicKey), &Kept)| ListStatus {
            domain: domain.clone(),
            of_root: kept.list.issuing_der().is_none(),
            number: kept.number,
            validity: kept.validity,
            revoked: kept.revoked.len(),
        };
        self.0.iter().map(status).collect()
    }
}

impl RevocationList {
    /// Whether the list, by its issuer's signature, withdraws a certificate or the CA that issued
    /// it. A pure function of bytes: what a list once withdrew is withdrawn for good, so its age
    /// doesn't matter.
    #[must_use]
    pub fn withdraws(&self, leaf: &VerifiedLeaf) -> bool {
        let (content, issuing) = (self.content(), X509::parse(leaf.issuing_der()));
        let (Ok(content), Ok(issuing)) = (content, issuing) else { return false };
        let (is_by_issuer, serial, key) = match self.issuing_der() {
            None => (content.is_issued_beside(&issuing), &issuing.serial, leaf.root_key()),
            Some(_) => (content.is_issued_by(&issuing), leaf.serial(), issuing.public_key),
        };
        is_by_issuer && content.revoked.contains(serial) && self.verify(&key).is_ok()
    }
}

impl RevocationList {
    /// When it claims to have been made, and what it claims to revoke, before anything vouches for it.
    ///
    /// # Errors
    /// [`CrlError::Malformed`].
    pub fn unverified_claims(&self) -> Result<(Timestamp, BTreeSet<Serial>), CrlError> {
        let content = self.content()?;
        Ok((content.validity.not_before, content.revoked))
    }
}

/// The domain of the authority behind a list, and the key that must have signed it.
fn issuer_of<'b>(
    list: &RevocationList,
    content: &ListContent,
    bundle: &'b Bundle,
    now: Timestamp,
) -> Result<(&'b Domain, PublicKey), CrlError> {
    match list.issuing_der() {
        None => root_behind(content, bundle),
        Some(der) => issuing_behind(der, content, bundle, now),
    }
}

fn root_behind<'b>(
    content: &ListContent,
    bundle: &'b Bundle,
) -> Result<(&'b Domain, PublicKey), CrlError> {
    let roots = bundle.all_roots().map(|(domain, root)| (domain, &root.certificate));
    let mut fitting = roots.filter(|(_, root)| content.is_issued_by(root));
    let (domain, root) = fitting.next().ok_or(CrlError::UnknownIssuer)?;
    Ok((domain, root.public_key))
}

fn issuing_behind<'b>(
    der: &CertificateDer,
    content: &ListContent,
    bundle: &'b Bundle,
    now: Timestamp,
) -> Result<(&'b Domain, PublicKey), CrlError> {
    let issuing = X509::parse(der).map_err(|e| CrlError::IssuerProfile(e.into()))?;
    let roots = bundle.all_roots().map(|(domain, root)| (domain, &root.certificate));
    let mut fitting = roots.filter(|(_, root)| {
        names_issuer(&issuing, root) && issuing.verify_signature(&root.public_key).is_ok()
    });
    let (domain, root) = fitting.next().ok_or(CrlError::UnknownIssuer)?;
    check_issuing(&issuing, root, domain).map_err(CrlError::IssuerProfile)?;
    issuing.validity.check(now).map_err(CrlError::IssuerValidity)?;
    if !content.is_issued_by(&issuing) {
        return Err(CrlError::UnknownIssuer);
    }
    Ok((domain, issuing.public_key))
}
