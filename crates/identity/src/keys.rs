//! Ed25519 keys, the only kind this protocol signs with (RFC 8032).
//!
//! Verification is strict: canonical points and scalars, no small-order keys. Keys rest in PEM files
//! under a passphrase: [`SigningKey::to_pem`].

mod file;

use std::fmt;

use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

pub use self::file::{KeyFileError, PBKDF2_ITERATIONS, Passphrase};

use crate::entropy::Entropy;

/// A private key. It is wiped from memory when dropped, and never shown.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    #[must_use]
    pub fn generate() -> Self {
        Self::generate_from(&Entropy::system())
    }

    /// A new key from that randomness.
    ///
    /// # Panics
    /// As [`Entropy::fill`].
    #[must_use]
    pub fn generate_from(entropy: &Entropy) -> Self {
        Self::from_seed(entropy.secret())
    }

    /// The key that a seed of 32 secret bytes stands for.
    #[must_use]
    pub fn from_seed(seed: Zeroizing<[u8; 32]>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// The seed, to be stored where secrets are.
    #[must_use]
    pub fn to_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {:?})", self.public())
    }
}

/// A public key that is a canonical point and not of small order.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PublicKey([u8; 32]);

/// The bytes are not an Ed25519 public key, or one that anybody could sign for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this is not a usable Ed25519 public key")]
pub struct PublicKeyError;

/// The signature was not made by that key over that message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the signature does not fit")]
pub struct SignatureError;

impl PublicKey {
    /// Checks and takes the 32 bytes of a key.
    ///
    /// # Errors
    /// [`PublicKeyError`] when they are no point, not its canonical encoding, or a point of small
    /// order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, PublicKeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| PublicKeyError)?;
        let canonical = key.to_edwards().compress().to_bytes() == bytes;
        if canonical && !key.is_weak() { Ok(Self(bytes)) } else { Err(PublicKeyError) }
    }

    /// The key's 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Checks a signature strictly.
    ///
    /// # Errors
    /// [`SignatureError`] when it does not fit.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        ed25519_dalek::VerifyingKey::from_bytes(&self.0)
            .and_then(|key| key.verify_strict(message, &signature))
            .map_err(|_| SignatureError)
    }
}

impl TryFrom<&[u8]> for PublicKey {
    type Error = PublicKeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, PublicKeyError> {
        Self::from_bytes(bytes.try_into().map_err(|_| PublicKeyError)?)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// An Ed25519 signature; nothing is known about it before [`PublicKey::verify`].
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Takes a signature's 64 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The signature's 64 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Signature {
    type Error = SignatureError;

    /// Fails when there are not exactly 64 bytes.
    fn try_from(bytes: &[u8]) -> Result<Self, SignatureError> {
        bytes.try_into().map(Self).map_err(|_| SignatureError)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_fits_its_key_and_message_alone() {
        let key = SigningKey::from_seed(Zeroizing::new([7; 32]));
        let signature = key.sign(b"note");
        assert_eq!(key.public().verify(b"note", &signature), Ok(()));
        assert_eq!(key.public().verify(b"nota", &signature), Err(SignatureError));
        assert_eq!(
            SigningKey::generate().public().verify(b"note", &signature),
            Err(SignatureError)
        );
        for bit in 0..512 {
            let mut bytes = *signature.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(key.public().verify(b"note", &Signature::from_bytes(bytes)).is_err());
        }
    }

    #[test]
    fn keys_that_anybody_can_sign_for_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let order_eight = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
        let order_eight: [u8; 32] = hex::decode(order_eight).unwrap().try_into().unwrap();
        for bytes in [[0; 32], identity, order_eight] {
            assert_eq!(PublicKey::from_bytes(bytes), Err(PublicKeyError), "{bytes:?}");
        }
    }

    #[test]
    fn a_key_has_one_encoding() {
        let mut modulus_plus = [0xff; 32];
        modulus_plus[31] = 0x7f;
        let mut found = 0;
        for y in 2..19 {
            let mut canonical = [0; 32];
            canonical[0] = y;
            modulus_plus[0] = 0xed + y;
            found += usize::from(PublicKey::from_bytes(canonical).is_ok());
            assert_eq!(PublicKey::from_bytes(modulus_plus), Err(PublicKeyError), "p + {y}");
        }
        assert!(found > 0, "some of these are points");
    }

    #[test]
    fn a_private_key_is_never_shown() {
        let key = SigningKey::from_seed(Zeroizing::new([0xab; 32]));
        assert!(!format!("{key:?}").contains("abab"));
    }
}
