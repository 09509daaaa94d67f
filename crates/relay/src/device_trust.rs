//! What the hub asks about devices: answered from the bundle, the revocation lists, and the
//! certificates that devices have shown here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::{LeafUsage, VerifiedLeaf};
use enlace_identity::keys::PublicKey;
use enlace_identity::names::{DeviceName, LeafName};
use enlace_identity::revocation::RevocationStatusError;
use enlace_identity::time::Timestamp;
use enlace_log::hub_vote::FormerDomains;
use enlace_transport::{Trust, Untrusted};

use crate::hub::{DeviceTrust, TrustError};

/// Certificates remembered; beyond them the relay no longer learns who is revoked, which costs a
/// removal its shortcut and nothing else.
const MAX_REMEMBERED: usize = 100_000;

/// The trust of a relay, with the newest certificate that it saw of each device: a revocation
/// list names serial numbers, not devices.
#[derive(Debug)]
pub(crate) struct RelayTrust {
    trust: Trust,
    shown: Mutex<HashMap<DeviceName, VerifiedLeaf>>,
}

impl RelayTrust {
    /// No certificate was seen.
    pub(crate) fn new(trust: Trust) -> Self {
        Self { trust, shown: Mutex::default() }
    }

    /// Remembers the certificate that a device shows.
    pub(crate) fn remember(&self, leaf: &VerifiedLeaf) {
        let LeafName::Device(device) = leaf.name() else { return };
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = |kept: &VerifiedLeaf| kept.not_before() <= leaf.not_before();
        if shown.get(device).map_or(shown.len() < MAX_REMEMBERED, newer) {
            shown.insert(device.clone(), leaf.clone());
        }
    }
}

impl DeviceTrust for RelayTrust {
    fn device_key(&self, chain: &UnverifiedChain) -> Result<(DeviceName, PublicKey), TrustError> {
        let leaf = self.trust.verify_chain(chain, &[LeafUsage::Device])?;
        let LeafName::Device(device) = leaf.name().clone() else {
            return Err(TrustError::NotADevice);
        };
        self.remember(&leaf);
        match self.trust.check_revocation(&leaf) {
            Ok(()) => Ok((device, leaf.public_key())),
            Err(Untrusted::Revocation(error)) => Err(error.into()),
            Err(Untrusted::Chain(error)) => Err(error.into()),
            Err(Untrusted::Format(error)) => Err(error.into()),
            Err(Untrusted::Suspended(device)) => Err(TrustError::Suspended(device)),
            Err(Untrusted::OtherName { .. }) => Err(TrustError::NotADevice),
        }
    }

    fn device_key_at(
        &self,
        chain: &UnverifiedChain,
        at: Timestamp,
    ) -> Result<(DeviceName, PublicKey), TrustError> {
        let leaf = self.trust.bundle().verify_one_of(chain, at, &[LeafUsage::Device])?;
        let LeafName::Device(device) = leaf.name().clone() else {
            return Err(TrustError::NotADevice);
        };
        self.remember(&leaf);
        Ok((device, leaf.public_key()))
    }

    fn former_domains(&self) -> FormerDomains {
        self.trust.bundle().present_of_former()
    }

    fn is_suspended(&self, device: &DeviceName) -> bool {
        self.trust.suspending(device).is_some()
    }

    fn is_revoked(&self, device: &DeviceName) -> bool {
        if self.is_suspended(device) {
            return true;
        }
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(leaf) = shown.get(device) else { return false };
        matches!(
            self.trust.check_revocation(leaf),
            Err(Untrusted::Revocation(
                RevocationStatusError::Revoked(_) | RevocationStatusError::IssuingRevoked(_)
            ))
        )
    }
}
