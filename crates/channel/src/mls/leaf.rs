//! What a leaf must be before its certificate is even looked at.

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::PublicKey;
use openmls::prelude::{LeafNode, Lifetime};
use openmls::treesync::LeafNodeSource;
use tls_codec::{Deserialize, Serialize, VLBytes};

use super::credential;
use super::crypto::Crypto;
use super::error::LeafError;
use super::profile;
use super::suite::Suite;
use crate::known_rules::StatedRules;

/// The parts of a leaf that has passed our checks.
pub(super) struct CheckedLeaf {
    pub(super) chain: UnverifiedChain,
    pub(super) signature_key: PublicKey,
    pub(super) encryption_key: Vec<u8>,
    pub(super) rules: StatedRules,
}

/// Checks a new leaf: one that is added, or the committer's own in a commit's path. openmls has
/// verified its signature.
pub(super) fn check(
    leaf: &LeafNode,
    suite: Suite,
    crypto: &Crypto,
) -> Result<CheckedLeaf, LeafError> {
    if let LeafNodeSource::KeyPackage(lifetime) = leaf.leaf_node_source() {
        check_lifetime(lifetime)?;
    }
    if !profile::capabilities_suffice(leaf.capabilities(), suite) {
        return Err(LeafError::Capabilities);
    }
    if leaf.extensions().iter().next().is_some() {
        return Err(LeafError::Extensions);
    }
    let encryption_key = first_vector(leaf).ok_or(LeafError::UnusableKey)?;
    if !crypto.can_seal_to(suite.to_mls(), &encryption_key) {
        return Err(LeafError::UnusableKey);
    }
    Ok(CheckedLeaf {
        chain: credential::decode(leaf.credential())?,
        signature_key: signature_key(leaf.signature_key().as_slice())?,
        encryption_key,
        rules: profile::stated_rules(leaf.capabilities()),
    })
}

/// A signature key that isn't of small order.
pub(super) fn signature_key(bytes: &[u8]) -> Result<PublicKey, LeafError> {
    PublicKey::try_from(bytes).map_err(|_| LeafError::SignatureKey)
}

/// The first field of a node, its public key: openmls has no getter for it (RFC 9420 §7.1, §7.2).
pub(super) fn first_vector(node: &impl Serialize) -> Option<Vec<u8>> {
    let bytes = node.tls_serialize_detached().ok()?;
    VLBytes::tls_deserialize(&mut bytes.as_slice()).ok().map(Into::into)
}

fn check_lifetime(lifetime: &Lifetime) -> Result<(), LeafError> {
    if *lifetime == profile::lifetime() { Ok(()) } else { Err(LeafError::Lifetime) }
}
