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

    /// Takes in a signed statement's bytes if they are newer than what is kept, and hold or are over:
    /// else an older one, which lasts longer, would count again. One whose signer has been revoked
    /// since makes room for any.
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
        let offered = SignedSuspensions::decode(bytes)?.verify_though_over(bundle, now)?;
        refuse_revoked(&offered, revocation, now)?;
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
        self.0.get(domain).filter(|kept| refuse_revoked(kept, revocation, now).is_ok())
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

    /// The statements that count, sorted by domain. They may have ended.
    pub fn iter<'s>(
        &'s self,
        revocation: &'s RevocationLists,
        now: Timestamp,
    ) -> impl Iterator<Item = &'s VerifiedSuspensions> {
        self.0.values().filter(move |kept| refuse_revoked(kept, revocation, now).is_ok())
    }
}

/// That nobody vouches for the signer at present is no reason to let the suspended in again.
fn refuse_revoked(
    statement: &VerifiedSuspensions,
    revocation: &RevocationLists,
    now: Timestamp,
) -> Result<(), RevocationStatusError> {
    match revocation.check(statement.signer(), now) {
        Ok(()) | Err(RevocationStatusError::Stale(_)) => Ok(()),
        Err(revoked) => Err(revoked),
    }
}
