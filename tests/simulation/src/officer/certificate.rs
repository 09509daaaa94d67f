//! Which certificate a device has.

use enlace_channel::channel::Device;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::ChainError;
use enlace_identity::time::{Timestamp, Validity};

use crate::world::{Credential, World};

/// What is known of a device's certificates.
pub(super) struct Certificate {
    /// The one that the device was enrolled with, and has again whenever its store has no later one.
    enrolled: UnverifiedChain,
    /// When the one holds that it has, as was seen last.
    present: Validity,
    /// When the one holds that is in the last copy of its disk.
    copied: Option<Validity>,
}

impl Certificate {
    pub(super) fn of(credential: &Credential) -> Result<Self, ChainError> {
        Self::enrolled_with(credential.chain.clone())
    }

    fn enrolled_with(enrolled: UnverifiedChain) -> Result<Self, ChainError> {
        let present = enrolled.unverified_validity()?;
        Ok(Self { enrolled, present, copied: None })
    }

    /// A copy of the disk was kept.
    pub(super) fn is_copied(&mut self) {
        self.copied = Some(self.present);
    }
}

impl super::OfficerNode {
    /// The device is enrolled with a certificate that ends then. It must not have run yet.
    ///
    /// # Errors
    /// Never, of what this authority issues.
    pub fn enrol_until(&mut self, end: Timestamp) -> Result<(), ChainError> {
        let authority = &World::get().authorities[self.authority];
        self.certificate = Certificate::enrolled_with(authority.ending(self.credential, end))?;
        Ok(())
    }

    /// Looks at the certificate that the device has; whether it is a later one than at the last time.
    pub fn sees_later_certificate(&mut self) -> bool {
        let Some(Ok(leaf)) = self.client().map(|client| client.certificate()) else { return false };
        let former = self.certificate.present;
        let (not_before, not_after) = (leaf.not_before(), leaf.not_after());
        self.certificate.present = Validity { not_before, not_after };
        not_after > former.not_after
    }

    /// When the certificate holds that the device had at the last look.
    #[must_use]
    pub fn certificate(&self) -> Validity {
        self.certificate.present
    }

    /// The earliest end of its certificates: also of the one that it would have if its disk were put back.
    #[must_use]
    pub fn least_end(&self) -> Timestamp {
        let ends = self.certificate.copied.iter().map(|copied| copied.not_after);
        ends.fold(self.certificate.present.not_after, Timestamp::min)
    }

    /// As it was enrolled.
    pub(super) fn enrolled(&self) -> Device {
        Device { chain: self.certificate.enrolled.clone(), ..self.credential.device() }
    }
}
