//! HPKE's base mode (RFC 9180 §5.1.1) with an ephemeral key that the caller chooses.
//!
//! The provider draws ephemeral keys from the operating system by itself. For simulations alone:
//! whoever knows the seed reads the plaintext.

use hpke_rs::{Hpke, Mode};
use hpke_rs_crypto::HpkeCrypto as _;
use hpke_rs_crypto::types::{AeadAlgorithm, KdfAlgorithm, KemAlgorithm};
use hpke_rs_libcrux::HpkeLibcrux;
use openmls_traits::types::{
    CryptoError, HpkeAeadType, HpkeCiphertext, HpkeConfig, HpkeKdfType, HpkeKemType,
};
use zeroize::Zeroizing;

/// Encrypts `plaintext` to the key `receiver`, with an ephemeral key made of `seed`.
///
/// # Errors
/// Of a suite that this protocol doesn't use, or of a key that nobody can encrypt to.
pub(super) fn seal(
    HpkeConfig(kem, kdf, aead): HpkeConfig,
    receiver: &[u8],
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    seed: &Zeroizing<[u8; 64]>,
) -> Result<HpkeCiphertext, CryptoError> {
    let (kem, (secret, encapsulated)) = match kem {
        HpkeKemType::DhKem25519 => (KemAlgorithm::DhKem25519, x25519(receiver, &seed[..32])?),
        HpkeKemType::XWingKemDraft6 => (KemAlgorithm::XWingDraft06, x_wing(receiver, &seed[..])?),
        _ => return Err(CryptoError::UnsupportedCiphersuite),
    };
    let kdf = match kdf {
        HpkeKdfType::HkdfSha256 => KdfAlgorithm::HkdfSha256,
        _ => return Err(CryptoError::UnsupportedCiphersuite),
    };
    let aead = match aead {
        HpkeAeadType::ChaCha20Poly1305 => AeadAlgorithm::ChaCha20Poly1305,
        _ => return Err(CryptoError::UnsupportedCiphersuite),
    };
    let suite = Hpke::<HpkeLibcrux>::new(Mode::Base, kem, kdf, aead);
    let mut context =
        suite.key_schedule(&secret, info, &[], &[]).map_err(|_| CryptoError::SenderSetupError)?;
    let ciphertext = context.seal(aad, plaintext).map_err(|_| CryptoError::HpkeEncryptionError)?;
    Ok(HpkeCiphertext { kem_output: encapsulated.into(), ciphertext: ciphertext.into() })
}

/// The shared secret, and what the receiver makes it of.
type Encapsulated = (Zeroizing<Vec<u8>>, Vec<u8>);

fn x_wing(receiver: &[u8], seed: &[u8]) -> Result<Encapsulated, CryptoError> {
    let unusable = |_| CryptoError::HpkeEncryptionError;
    let key = libcrux_kem::PublicKey::decode(libcrux_kem::Algorithm::XWingKemDraft06, receiver)
        .map_err(unusable)?;
    let (secret, encapsulated) = key.encapsulate_derand(seed).map_err(unusable)?;
    Ok((Zeroizing::new(secret.encode()), encapsulated.encode()))
}

/// RFC 9180 §4.1, `Encap` of DHKEM(X25519, HKDF-SHA256).
fn x25519(receiver: &[u8], seed: &[u8]) -> Result<Encapsulated, CryptoError> {
    const KEM: KemAlgorithm = KemAlgorithm::DhKem25519;
    const KDF: KdfAlgorithm = KdfAlgorithm::HkdfSha256;
    const SECRET_BYTES: u16 = 32;

    let unusable = |_| CryptoError::HpkeEncryptionError;
    let suite = Hpke::<HpkeLibcrux>::new(Mode::Base, KEM, KDF, AeadAlgorithm::ChaCha20Poly1305);
    let pair = suite.derive_key_pair(seed).map_err(|_| CryptoError::HpkeEncryptionError)?;
    let encapsulated = pair.public_key().as_slice().to_vec();
    let shared = HpkeLibcrux::dh(KEM, receiver, pair.private_key().as_slice()).map_err(unusable)?;
    let shared = Zeroizing::new(shared);
    let labelled = |label: &[u8], rest: &[u8]| {
        let suite = (KEM as u16).to_be_bytes();
        Zeroizing::new([b"HPKE-v1KEM", &suite[..], label, rest].concat())
    };
    let extracted = HpkeLibcrux::kdf_extract(KDF, &[], &labelled(b"eae_prk", &shared));
    let extracted = Zeroizing::new(extracted.map_err(unusable)?);
    let context = [&encapsulated[..], receiver].concat();
    let info = [&SECRET_BYTES.to_be_bytes()[..], &labelled(b"shared_secret", &context)].concat();
    let secret = HpkeLibcrux::kdf_expand(KDF, &extracted, &info, SECRET_BYTES.into());
    Ok((Zeroizing::new(secret.map_err(unusable)?), encapsulated))
}

#[cfg(test)]
mod tests {
    use openmls_libcrux_crypto::CryptoProvider;
    use openmls_traits::crypto::OpenMlsCrypto as _;

    use super::*;
    use crate::mls::Suite;

    #[test]
    fn what_is_sealed_by_a_seed_is_opened_like_anything_else() {
        let provider = CryptoProvider::new().unwrap();
        for suite in [Suite::PostQuantum, Suite::Classic] {
            let config = || suite.to_mls().hpke_config();
            let pair = provider.derive_hpke_keypair(config(), &[1; 32]).unwrap();
            let sealed = |seed| {
                seal(config(), &pair.public, b"info", b"aad", b"text", &Zeroizing::new([seed; 64]))
                    .unwrap()
            };
            let first = sealed(2);
            assert_eq!(first, sealed(2));
            assert_ne!(first.kem_output, sealed(3).kem_output);
            let opened = provider.hpke_open(config(), &first, &pair.private, b"info", b"aad");
            assert_eq!(opened.unwrap(), b"text");
            let other = provider.hpke_open(config(), &first, &pair.private, b"info", b"other");
            assert!(other.is_err());
        }
    }
}
