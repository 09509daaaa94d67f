//! The next version of a bundle: what makes it follow the one before.
//!
//! As many authorities of the version before must have signed as that version asks for, with a root
//! that it lists. Nobody is entered unasked, and no majority gives another one other roots: whoever
//! enters signs with a root of its own, and whoever changes its roots signs with a former one. Whoever
//! changes its domain does both.

use std::sync::Arc;

use crate::bundle::continuity::{self, newly_former, with_another_end};
use crate::bundle::signed::{Members, check_share};
use crate::bundle::{Authority, Bundle, BundleContent, BundleError, SignedBundle};
use crate::keys::SigningKey;
use crate::names::Domain;

impl SignedBundle {
    /// Checks everything, and takes the bundle for the version that follows `previous`.
    ///
    /// # Errors
    /// [`BundleError`] says what doesn't hold.
    pub fn open_after(&self, previous: &Bundle) -> Result<Bundle, BundleError> {
        let content = self.content_after(previous)?;
        // Before any root of its own is opened: what nobody signed costs next to nothing.
        let found = self.check_former_shares(previous)?;
        let needed = previous.content.threshold;
        if found < needed {
            return Err(BundleError::TooFewSignatures { needed, found });
        }
        let bundle = self.unsigned(content, previous)?;
        self.check_entering_shares(&bundle, previous)?;
        for authority in &bundle.authorities {
            if !authority.consents(previous, self) {
                return Err(BundleError::Unasked(authority.domain.clone()));
            }
        }
        self.check_former_consents(&bundle, previous)?;
        let signers = self.shares().iter().map(|(domain, _)| domain.clone()).collect();
        Ok(Bundle { signers, ..bundle })
    }

    /// Checks everything but whether enough have signed; whoever has, with a root of the version
    /// before or of this one, is among the bundle's signers.
    ///
    /// # Errors
    /// [`BundleError`] says what doesn't hold.
    pub fn preview_after(&self, previous: &Bundle) -> Result<Bundle, BundleError> {
        let content = self.content_after(previous)?;
        let bundle = self.unsigned(content, previous)?;
        self.check_former_shares(previous)?;
        self.check_entering_shares(&bundle, previous)?;
        let signers = self.shares().iter().map(|(domain, _)| domain.clone()).collect();
        Ok(Bundle { signers, ..bundle })
    }

    /// Adds, or replaces, the signature of an authority of the version before, or of one that this
    /// version enters.
    ///
    /// # Errors
    /// [`BundleError::UnknownSigner`] when neither version has such an authority,
    /// [`BundleError::Signature`] when `key` is not that of one of its roots: of those that the
    /// version before lists, or this one where that doesn't list the authority.
    pub fn sign_after(
        &mut self,
        previous: &Bundle,
        domain: &Domain,
        key: &SigningKey,
    ) -> Result<(), BundleError> {
        let bundle = self.unsigned(self.content_after(previous)?, previous)?;
        let share = (domain.clone(), key.sign(self.bytes()));
        check_share(signing(&bundle, previous, domain), self.bytes(), &share)?;
        self.put_share(domain, share.1);
        Ok(())
    }

    /// What it says, if it stands where the version after `previous` does.
    fn content_after(&self, previous: &Bundle) -> Result<BundleContent, BundleError> {
        let content = self.unverified_content()?;
        let (expected, found) = (previous.version().saturating_add(1), content.version);
        if found != expected {
            return Err(BundleError::NotNext { expected, found });
        }
        if content.previous != Some(previous.hash) {
            return Err(BundleError::Fork { version: found, found: self.hash() });
        }
        Ok(content)
    }

    fn unsigned(&self, content: BundleContent, previous: &Bundle) -> Result<Bundle, BundleError> {
        let Members { authorities, former_domains } = Members::open(&content)?;
        continuity::check(&content, previous)?;
        Ok(Bundle {
            content,
            hash: self.hash(),
            authorities,
            former_domains,
            signers: Vec::new(),
            signed: self.encode().into(),
            former: Some(Arc::new(previous.clone())),
        })
    }

    /// How many of the signatures are of authorities of the version before. Each one must be good.
    fn check_former_shares(&self, previous: &Bundle) -> Result<u64, BundleError> {
        let mut found = 0;
        for share in self.shares().iter().filter(|(domain, _)| previous.contains(domain)) {
            check_share(&previous.authorities, self.bytes(), share)?;
            found += 1;
        }
        Ok(found)
    }

    /// The other signatures are of authorities that enter. Each one must be good.
    fn check_entering_shares(&self, bundle: &Bundle, previous: &Bundle) -> Result<(), BundleError> {
        let mut entering = self.shares().iter().filter(|(domain, _)| !previous.contains(domain));
        entering.try_for_each(|share| check_share(&bundle.authorities, self.bytes(), share))
    }

    /// Whoever changes its domain has signed with the old root as well; the new one is that of an
    /// authority that enters.
    fn check_former_consents(&self, bundle: &Bundle, previous: &Bundle) -> Result<(), BundleError> {
        let old = newly_former(&bundle.content, previous).map(|former| &former.domain);
        let other = with_another_end(&bundle.content, previous).map(|former| &former.authority);
        let mut asked = old.chain(other);
        match asked.find(|domain| !self.is_signed_by(domain)) {
            Some(domain) => Err(BundleError::Unasked(domain.clone())),
            None => Ok(()),
        }
    }

    fn is_signed_by(&self, domain: &Domain) -> bool {
        self.shares().iter().any(|(signer, _)| signer == domain)
    }
}

impl Authority {
    fn consents(&self, previous: &Bundle, signed: &SignedBundle) -> bool {
        let stays = previous.authority(&self.domain);
        let unchanged = stays.is_some_and(|before| before.roots().eq(self.roots()));
        unchanged || signed.is_signed_by(&self.domain)
    }
}

/// The authorities of the version whose roots sign for a domain.
fn signing<'a>(bundle: &'a Bundle, previous: &'a Bundle, domain: &Domain) -> &'a [Authority] {
    if previous.contains(domain) { &previous.authorities } else { &bundle.authorities }
}
