//! The next version of a bundle: what makes it follow the one before.
//!
//! As many authorities of the version before must have signed as that version asks for, with a root
//! that it lists. Nobody is entered unasked, and no majority gives another one other roots: whoever
//! enters signs with a root of its own, and whoever changes its roots signs with a former one.

use std::sync::Arc;

use crate::bundle::signed::{check_authorities, check_share};
use crate::bundle::{Authority, Bundle, BundleError, SignedBundle};
use crate::keys::SigningKey;
use crate::names::Domain;

impl SignedBundle {
    /// Checks everything, and takes the bundle for the version that follows `previous`.
    ///
    /// # Errors
    /// [`BundleError`] says what doesn't hold.
    pub fn open_after(&self, previous: &Bundle) -> Result<Bundle, BundleError> {
        let bundle = self.unsigned_after(previous)?;
        let entering = self.check_shares(&bundle, previous)?;
        let needed = previous.content.threshold;
        let found = (self.shares().len() - entering) as u64;
        if found < needed {
            return Err(BundleError::TooFewSignatures { needed, found });
        }
        for authority in &bundle.authorities {
            if !authority.consents(previous, self) {
                return Err(BundleError::Unasked(authority.domain.clone()));
            }
        }
        let signers = self.shares().iter().map(|(domain, _)| domain.clone()).collect();
        Ok(Bundle { signers, ..bundle })
    }

    /// Checks everything but whether enough have signed; whoever has, with a root of the version
    /// before or of this one, is among the bundle's signers.
    ///
    /// # Errors
    /// [`BundleError`] says what doesn't hold.
    pub fn preview_after(&self, previous: &Bundle) -> Result<Bundle, BundleError> {
        let bundle = self.unsigned_after(previous)?;
        self.check_shares(&bundle, previous)?;
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
        let bundle = self.unsigned_after(previous)?;
        let share = (domain.clone(), key.sign(self.bytes()));
        check_share(signing(&bundle, previous, domain), self.bytes(), &share)?;
        self.put_share(domain, share.1);
        Ok(())
    }

    fn unsigned_after(&self, previous: &Bundle) -> Result<Bundle, BundleError> {
        let content = self.unverified_content()?;
        let (expected, found) = (previous.version().saturating_add(1), content.version);
        if found != expected {
            return Err(BundleError::NotNext { expected, found });
        }
        if content.previous != Some(previous.hash) {
            return Err(BundleError::Fork { version: found, found: self.hash() });
        }
        let authorities = check_authorities(&content)?;
        Ok(Bundle {
            content,
            hash: self.hash(),
            authorities,
            signers: Vec::new(),
            signed: self.encode().into(),
            former: Some(Arc::new(previous.clone())),
        })
    }

    /// How many of the signatures are of authorities that enter. Each one must be good.
    fn check_shares(&self, bundle: &Bundle, previous: &Bundle) -> Result<usize, BundleError> {
        let mut entering = 0;
        for share in self.shares() {
            check_share(signing(bundle, previous, &share.0), self.bytes(), share)?;
            entering += usize::from(!previous.contains(&share.0));
        }
        Ok(entering)
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
