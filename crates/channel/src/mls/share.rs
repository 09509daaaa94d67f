//! Keys outside of any group, under which one device gets what others keep for it: HPKE in the base
//! mode (RFC 9180), with the suite of the channel's group.

use enlace_identity::entropy::Entropy;
use openmls_traits::crypto::OpenMlsCrypto as _;
use openmls_traits::types::{HpkeCiphertext, HpkeConfig};
use tls_codec::{Deserialize as _, Serialize as _};
use zeroize::Zeroizing;

use super::backend::Backend;
use super::suite::Suite;

/// A key pair for what one device missed.
pub struct ShareKey {
    /// The public half.
    pub public: Vec<u8>,
    /// The private half.
    pub private: Zeroizing<Vec<u8>>,
}

/// Nobody can encrypt to the key, or what was encrypted is not for this key or was altered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("what was shared cannot be sealed or opened with this key")]
pub struct ShareError;

impl ShareKey {
    /// Makes one.
    ///
    /// # Errors
    /// [`ShareError`]: the cryptography is out of order.
    pub fn generate(backend: &Backend, suite: Suite) -> Result<Self, ShareError> {
        let entropy: &Entropy = backend.entropy();
        let material = Zeroizing::new(entropy.bytes::<32>());
        let pair = backend.crypto().derive_hpke_keypair(config(suite), &material[..]);
        let pair = pair.map_err(|_| ShareError)?;
        Ok(Self { private: Zeroizing::new(pair.private.to_vec()), public: pair.public })
    }
}

/// Encrypts to a public key. `info` says what it is for, and is needed to open it again.
///
/// # Errors
/// [`ShareError`]: nobody can encrypt to this key.
pub fn seal_share(
    backend: &Backend,
    suite: Suite,
    public: &[u8],
    info: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, ShareError> {
    let sealed = backend.crypto().hpke_seal(config(suite), public, info, &[], plaintext);
    sealed.map_err(|_| ShareError)?.tls_serialize_detached().map_err(|_| ShareError)
}

/// Decrypts what [`seal_share`] made.
///
/// # Errors
/// [`ShareError`]: it is for another key, says it is for something else, or was altered.
pub fn open_share(
    backend: &Backend,
    suite: Suite,
    private: &[u8],
    info: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ShareError> {
    let sealed = HpkeCiphertext::tls_deserialize_exact(sealed).map_err(|_| ShareError)?;
    let opened = backend.crypto().hpke_open(config(suite), &sealed, private, info, &[]);
    opened.map(Zeroizing::new).map_err(|_| ShareError)
}

fn config(suite: Suite) -> HpkeConfig {
    suite.to_mls().hpke_config()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_opens_with_the_key_and_the_purpose_alone() {
        let backend = Backend::new().unwrap();
        for suite in [Suite::PostQuantum, Suite::Classic] {
            let key = ShareKey::generate(&backend, suite).unwrap();
            let other = ShareKey::generate(&backend, suite).unwrap();
            let sealed = seal_share(&backend, suite, &key.public, b"for", b"text").unwrap();
            let open = |private: &[u8], info: &[u8], sealed: &[u8]| {
                open_share(&backend, suite, private, info, sealed)
            };
            assert_eq!(open(&key.private, b"for", &sealed).unwrap().as_slice(), b"text");
            assert!(open(&other.private, b"for", &sealed).is_err());
            assert!(open(&key.private, b"other", &sealed).is_err());
            let mut altered = sealed.clone();
            *altered.last_mut().unwrap() ^= 1;
            assert!(open(&key.private, b"for", &altered).is_err());
            assert!(open(&key.private, b"for", b"").is_err());
        }
    }

    /// The library under this panics at what is too short.
    #[test]
    fn what_is_too_short_or_too_long_is_refused() {
        let backend = Backend::new().unwrap();
        for suite in [Suite::PostQuantum, Suite::Classic] {
            let key = ShareKey::generate(&backend, suite).unwrap();
            for length in [0, 1, 31, 33, 1183, 1184, 1215, 1217] {
                let public = vec![9; length];
                assert!(seal_share(&backend, suite, &public, b"for", b"text").is_err());
                assert!(!backend.crypto().can_seal_to(suite.to_mls(), &public), "{length}");
            }
            for length in [0, 1, 31, 33, 1087, 1088, 1119, 1121] {
                let sealed = HpkeCiphertext {
                    kem_output: vec![9; length].into(),
                    ciphertext: vec![7; 40].into(),
                };
                let sealed = sealed.tls_serialize_detached().unwrap();
                assert!(open_share(&backend, suite, &key.private, b"for", &sealed).is_err());
            }
        }
    }
}
