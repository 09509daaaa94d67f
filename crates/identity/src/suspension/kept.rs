//! The newest statement of every authority.

use std::collections::BTreeMap;

use crate::bundle::Bundle;
use crate::names::{DeviceName, Domain};
use crate::revocation::{RevocationLists, RevocationStatusError};
use crate::suspension::{SignedSuspensions, SuspensionError, VerifiedSuspensions};
use crate::time::Timestamp;

/// The newest statement of every authority about suspensions.
#[derive(Clone, Debug, Default)]
pub struct Suspensions(BTreeMap<Domain, VerifiedSuspensions>);

/// What became of a statement that was taken in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Taken {
    /// It is news of that authority: pass it on, and look at live connections again.
    New(Domain),
    /// It was there already.
    Known,
}

impl Suspensions {
    /// No statements: nobody is suspended.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a signed statement's bytes if they hold, and are newer than what is kept. One whose
    /// signer has been revoked since makes room for any.
    ///
    /// # Errors
    /// [`SuspensionError`]; nothing has changed then.
    pub fn insert(
        &mut self,
        bytes: &[u8],
        bundle: &Bundle,
        revocation: &RevocationLists,
        now: Timestamp,
    ) -> Result<Taken, SuspensionError> {
        let offered = SignedSuspensions::decode(bytes)?.verify(bundle, now)?;
        revocation.check(offered.signer(), now)?;
        let domain = offered.domain.clone();
        if let Some(kept) = self.of_authority(&domain, revocation, now) {
            if kept.serial > offered.serial {
                let (kept, offered) = (kept.serial, offered.serial);
                return Err(SuspensionError::Older { domain, kept, offered });
            }
            if kept.serial == offered.serial {
                let same = kept.statement() == offered.statement();
                let serial = offered.serial;
                let refusal = SuspensionError::SameSerial { domain, serial };
                return same.then_some(Taken::Known).ok_or(refusal);
            }
        }
        self.0.insert(domain.clone(), offered);
        Ok(Taken::New(domain))
    }

    /// The newest statement of an authority, unless its signer is revoked. It may have ended.
    #[must_use]
    pub fn of_authority(
        &self,
        domain: &Domain,
        revocation: &RevocationLists,
        now: Timestamp,
    ) -> Option<&VerifiedSuspensions> {
        self.0.get(domain).filter(|kept| !is_revoked(kept, revocation, now))
    }

    /// The statement that suspends a device at `now`, if there is one.
    #[must_use]
    pub fn suspending(
        &self,
        device: &DeviceName,
        revocation: &RevocationLists,
        now: Timestamp,
    ) -> Option<&VerifiedSuspensions> {
        let kept = self.of_authority(device.domain(), revocation, now);
        kept.filter(|kept| kept.suspends(device, now))
    }

    /// All statements, sorted by domain, whoever signed them. What they say counts only if
    /// [`of_authority`](Self::of_authority) returns them too.
    pub fn iter(&self) -> impl Iterator<Item = &VerifiedSuspensions> {
        self.0.values()
    }

    /// All statements, as they travel.
    #[must_use]
    pub fn all(&self) -> Vec<Vec<u8>> {
        self.iter().map(|kept| kept.signed().encode()).collect()
    }
}

/// That nobody vouches for the signer at present is no reason to let the suspended in again.
fn is_revoked(kept: &VerifiedSuspensions, revocation: &RevocationLists, now: Timestamp) -> bool {
    use RevocationStatusError::{IssuingRevoked, Revoked};
    matches!(revocation.check(kept.signer(), now), Err(Revoked(_) | IssuingRevoked(_)))
}
