//! From the certificates in a leaf to a device's name: whose leaf it is.
//!
//! A leaf carries a device's certificate and its issuing CA's. They are verified against the
//! network's bundle when the leaf comes or changes; afterwards the name is read from them as it
//! stands. Revocation is not looked at: what only some know never voids anything.

use enlace_identity::bundle::{Bundle, LeafUsage};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::{ChainError, VerifiedLeaf};
use enlace_identity::keys::PublicKey;
use enlace_identity::names::{DeviceName, LeafName};
use enlace_identity::time::Timestamp;
use enlace_log::DeviceList;
use enlace_log::control::LeafHash;

use crate::mls::{GroupView, Member};

/// Why a leaf's certificates are refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CredentialError {
    /// The chain doesn't verify, or not for a device.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The certificate is for something else than a device.
    #[error("the certificate is not a device's")]
    NotADevice,
    /// The certificate holds another key than the leaf signs with.
    #[error("the certificate of {0} is for another key")]
    OtherKey(DeviceName),
}

/// A device whose certificates were verified, with the key that they certify.
#[derive(Clone, Debug)]
pub struct VerifiedDevice {
    name: DeviceName,
    leaf: VerifiedLeaf,
}

impl VerifiedDevice {
    /// Verifies a leaf's certificates at a given time, and that they certify the leaf's key.
    ///
    /// # Errors
    /// [`CredentialError`] says what doesn't hold.
    pub fn verify(
        chain: &UnverifiedChain,
        signature_key: &PublicKey,
        bundle: &Bundle,
        at: Timestamp,
    ) -> Result<Self, CredentialError> {
        let leaf = bundle.verify(chain, at, LeafUsage::Device)?;
        let LeafName::Device(name) = leaf.name().clone() else {
            return Err(CredentialError::NotADevice);
        };
        if leaf.public_key() != *signature_key {
            return Err(CredentialError::OtherKey(name));
        }
        Ok(Self { name, leaf })
    }

    /// The device.
    #[must_use]
    pub fn name(&self) -> &DeviceName {
        &self.name
    }

    /// Its certificates.
    #[must_use]
    pub fn leaf(&self) -> &VerifiedLeaf {
        &self.leaf
    }
}

/// The name on a leaf's certificate; nothing vouches for it here.
///
/// # Errors
/// When there is none, or not a device's.
pub fn device_name(chain: &UnverifiedChain) -> Result<DeviceName, CredentialError> {
    match chain.unverified_name()? {
        LeafName::Device(name) => Ok(name),
        LeafName::Service(_) => Err(CredentialError::NotADevice),
    }
}

/// The devices of a group, by the names on their certificates; `None` when a leaf has no device's
/// name, or two have the same.
#[must_use]
pub fn device_list(view: &GroupView) -> Option<DeviceList> {
    let names = view.members.iter().map(|member| device_name(&member.chain).ok());
    let list: DeviceList = names.collect::<Option<_>>()?;
    (list.len() == view.members.len()).then_some(list)
}

/// Fixes a member's present leaf, so that evidence can't be used against a later one (PROTOCOL.md
/// §3.10).
#[must_use]
pub fn leaf_hash(member: &Member) -> LeafHash {
    let Member { encryption_key, signature_key, chain, .. } = member;
    LeafHash::of(encryption_key, signature_key.as_bytes(), chain.leaf().as_bytes())
}
