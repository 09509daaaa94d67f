//! Key packages: what others need to add a device to a group.

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::{PublicKey, SigningKey};
use enlace_log::control::{KeyPackageHash, LeafHash};
use openmls::prelude::{
    ExtensionType, KeyPackage, KeyPackageIn, KeyPackageRef, MlsMessageBodyIn, MlsMessageIn,
    MlsMessageOut, ProtocolVersion,
};
use openmls_traits::storage::StorageProvider;
use tls_codec::{Deserialize, Serialize};

use super::backend::{Backend, Provider};
use super::credential::credential_with_key;
use super::crypto::Crypto;
use super::error::{KeyPackageError, LeafError, MlsError};
use super::leaf::{self, CheckedLeaf};
use super::profile;
use super::suite::Suite;

/// A key package of this device. Its private keys are in the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewKeyPackage {
    /// The MLS message to publish.
    pub message: Vec<u8>,
    /// Under what its private keys are stored.
    pub reference: KeyPackageReference,
}

/// Names a stored key package (RFC 9420 §5.2), as opaque bytes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyPackageReference(Vec<u8>);

/// Somebody's key package whose signatures, lifetime and capabilities are good.
///
/// Whether the chain is good, and whether its leaf certificate holds
/// [`signature_key`](Self::signature_key), is for the caller to check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnverifiedKeyPackage {
    chain: UnverifiedChain,
    signature_key: PublicKey,
    leaf: LeafHash,
    last_resort: bool,
    message: Vec<u8>,
}

/// Makes a key package and stores its private keys.
///
/// A welcome uses it up; one marked as last resort stays until [`delete_key_package`].
pub fn generate_key_package(
    provider: &Provider<'_>,
    signer: &SigningKey,
    chain: &UnverifiedChain,
    suite: Suite,
    last_resort: bool,
) -> Result<NewKeyPackage, KeyPackageError> {
    let mut builder = KeyPackage::builder()
        .key_package_lifetime(profile::lifetime())
        .leaf_node_capabilities(profile::capabilities(provider.rules()));
    if last_resort {
        builder = builder.mark_as_last_resort();
    }
    let credential = credential_with_key(chain, &signer.public());
    let built = builder.build(suite.to_mls(), provider.mls(), &provider.signer(signer), credential);
    provider.check_store()?;
    let package = built.map_err(refused)?.into_key_package();
    let reference = package.hash_ref(provider.crypto()).map_err(refused)?;
    Ok(NewKeyPackage {
        message: MlsMessageOut::from(package).tls_serialize_detached().map_err(refused)?,
        reference: KeyPackageReference(reference.tls_serialize_detached().map_err(refused)?),
    })
}

/// Deletes a key package's private keys, for instance of a last-resort one that was replaced.
pub fn delete_key_package(
    provider: &Provider<'_>,
    reference: &KeyPackageReference,
) -> Result<(), KeyPackageError> {
    let reference = KeyPackageRef::tls_deserialize_exact(&reference.0)
        .map_err(|_| KeyPackageError::Malformed)?;
    let deleted = provider.storage().delete_key_package(&reference);
    provider.check_store()?;
    deleted.map_err(refused)
}

/// Checks everything about somebody's key package but its certificates.
pub fn validate_key_package(
    backend: &Backend,
    message: &[u8],
    suite: Suite,
) -> Result<UnverifiedKeyPackage, KeyPackageError> {
    let (package, leaf) = validate(backend.crypto(), message, suite)?;
    let (encryption_key, signature_key) = (&leaf.encryption_key, leaf.signature_key.as_bytes());
    let certificate = leaf.chain.leaf().as_bytes();
    Ok(UnverifiedKeyPackage {
        leaf: LeafHash::of(encryption_key, signature_key, certificate),
        chain: leaf.chain,
        signature_key: leaf.signature_key,
        last_resort: package.last_resort(),
        message: message.to_vec(),
    })
}

/// The same, for those who need openmls's type.
pub(super) fn validate(
    crypto: &Crypto,
    message: &[u8],
    suite: Suite,
) -> Result<(KeyPackage, CheckedLeaf), KeyPackageError> {
    let package = parse(message)?.validate(crypto, ProtocolVersion::Mls10).map_err(refused)?;
    if package.ciphersuite() != suite.to_mls() {
        return Err(KeyPackageError::Suite);
    }
    if !crypto.can_seal_to(suite.to_mls(), package.hpke_init_key().as_slice()) {
        return Err(LeafError::UnusableKey.into());
    }
    let leaf = check(&package, suite, crypto)?;
    Ok((package, leaf))
}

/// What a key package must be, on its way and inside a commit alike.
pub(super) fn check(
    package: &KeyPackage,
    suite: Suite,
    crypto: &Crypto,
) -> Result<CheckedLeaf, LeafError> {
    let known = |extension: &_| *extension == ExtensionType::LastResort;
    if !package.extensions().iter().map(|extension| extension.extension_type()).all(|e| known(&e)) {
        return Err(LeafError::Extensions);
    }
    leaf::check(package.leaf_node(), suite, crypto)
}

/// Fixes a key package, as its message does.
pub(super) fn hash(package: &KeyPackage) -> Result<KeyPackageHash, MlsError> {
    let message = MlsMessageOut::from(package.clone()).tls_serialize_detached();
    Ok(KeyPackageHash::of(&message.map_err(MlsError::new)?))
}

fn parse(message: &[u8]) -> Result<KeyPackageIn, KeyPackageError> {
    let message =
        MlsMessageIn::tls_deserialize_exact(message).map_err(|_| KeyPackageError::Malformed)?;
    match message.extract() {
        MlsMessageBodyIn::KeyPackage(package) => Ok(package),
        _ => Err(KeyPackageError::Malformed),
    }
}

fn refused(error: impl std::error::Error) -> KeyPackageError {
    KeyPackageError::Mls(MlsError::new(error))
}

impl UnverifiedKeyPackage {
    /// The device's certificates, not yet verified.
    #[must_use]
    pub fn chain(&self) -> &UnverifiedChain {
        &self.chain
    }

    /// The key that signed the key package. The leaf certificate must hold the same one.
    #[must_use]
    pub fn signature_key(&self) -> &PublicKey {
        &self.signature_key
    }

    /// Fixes the leaf that it brings into a group.
    #[must_use]
    pub fn leaf(&self) -> LeafHash {
        self.leaf
    }

    /// Whether it may have been handed out to others too.
    #[must_use]
    pub fn is_last_resort(&self) -> bool {
        self.last_resort
    }

    /// The MLS message, for [`Changes::add`](super::Changes).
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }
}

impl KeyPackageReference {
    /// The bytes, to be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes bytes that [`as_bytes`](Self::as_bytes) gave.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}
