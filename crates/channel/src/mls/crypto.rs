//! libcrux behind our own type, so that randomness and HPKE sealing can be replaced.

use std::convert::Infallible;

use enlace_identity::entropy::Entropy;
use openmls_libcrux_crypto::CryptoProvider;
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::random::OpenMlsRand;
use openmls_traits::types::{
    AeadType, Ciphersuite, CryptoError, ExporterSecret, HashType, HpkeCiphertext, HpkeConfig,
    HpkeKemType, HpkeKeyPair, KemOutput, SignatureScheme,
};
use tls_codec::SecretVLBytes;
use zeroize::Zeroizing;

use super::error::BackendError;
use super::hpke;

/// An adversary inside the cryptography, for tests: what a modified client would send.
pub trait Tamper: Send + Sync {
    /// Rewrites an HPKE ciphertext, for instance a path secret, on its way to `receiver`'s key.
    fn sealed(&self, receiver: &[u8], ciphertext: &mut Vec<u8>) {
        let _ = (receiver, ciphertext);
    }

    /// Rewrites what is to be sealed by HPKE to `receiver`'s key: a path secret, or a welcome's.
    fn sealing(&self, receiver: &[u8], plaintext: &mut Vec<u8>) {
        let _ = (receiver, plaintext);
    }

    /// Sees what this device signs: label and content, joined as in RFC 9420 §5.1.2.
    fn signing(&self, labelled: &[u8]) {
        let _ = labelled;
    }

    /// Rewrites what is to be encrypted: the content of a message with its signature, the data of
    /// its sender, or the group that a welcome tells of.
    fn encrypting(&self, plaintext: &mut Vec<u8>) {
        let _ = plaintext;
    }

    /// Rewrites the public half of a key pair that was just derived, for a leaf or a path.
    fn derived(&self, public_key: &mut Vec<u8>) {
        let _ = public_key;
    }
}

/// The cryptography that openmls calls.
pub(super) struct Crypto {
    libcrux: CryptoProvider,
    entropy: Entropy,
    tamper: Option<Box<dyn Tamper>>,
}

impl Crypto {
    pub(super) fn new(entropy: Entropy) -> Result<Self, BackendError> {
        let libcrux = CryptoProvider::new().map_err(|_| BackendError::NoRandomness)?;
        Ok(Self { libcrux, entropy, tamper: None })
    }

    pub(super) fn entropy(&self) -> &Entropy {
        &self.entropy
    }

    pub(super) fn with_tamper(self, tamper: Box<dyn Tamper>) -> Self {
        Self { tamper: Some(tamper), ..self }
    }

    pub(super) fn tamper(&self) -> Option<&dyn Tamper> {
        self.tamper.as_deref()
    }

    /// Whether somebody can encrypt to `key`. A member with a key that nobody can encrypt to would
    /// stop the group: no other member could commit any more.
    pub(super) fn can_seal_to(&self, suite: Ciphersuite, key: &[u8]) -> bool {
        let config = suite.hpke_config();
        lengths(&config).is_some_and(|(public, _)| key.len() == public)
            && self.libcrux.hpke_seal(config, key, &[], &[], &[0; 32]).is_ok()
    }

    /// What the ephemeral key of one encryption is made of, if it is not for the operating system
    /// to say. openmls encrypts in parallel: so it depends on what is encrypted, to whom.
    fn ephemeral_seed(&self, parts: [&[u8]; 4]) -> Option<Zeroizing<[u8; 64]>> {
        let [receiver, info, aad, plaintext] = parts;
        let mut seed = Zeroizing::new([0; 64]);
        for (half, number) in seed.chunks_exact_mut(32).zip([&[0], &[1]]) {
            let point = [b"hpke", &number[..], receiver, info, aad, plaintext];
            half.copy_from_slice(&self.entropy.point(&point)?);
        }
        Some(seed)
    }
}

/// How long a public key is, and what the receiver makes the secret of. The library reads beyond the
/// end of a shorter one, and panics: whoever sends one would stop the program.
fn lengths(HpkeConfig(kem, ..): &HpkeConfig) -> Option<(usize, usize)> {
    match kem {
        HpkeKemType::DhKem25519 => Some((32, 32)),
        HpkeKemType::XWingKemDraft6 => Some((1216, 1120)),
        _ => None,
    }
}

impl OpenMlsRand for Crypto {
    type Error = Infallible;

    fn random_array<const N: usize>(&self) -> Result<[u8; N], Self::Error> {
        Ok(self.entropy.bytes())
    }

    fn random_vec(&self, len: usize) -> Result<Vec<u8>, Self::Error> {
        let mut bytes = vec![0; len];
        self.entropy.fill(&mut bytes);
        Ok(bytes)
    }
}

impl OpenMlsCrypto for Crypto {
    fn supports(&self, ciphersuite: Ciphersuite) -> Result<(), CryptoError> {
        self.libcrux.supports(ciphersuite)
    }

    fn supported_ciphersuites(&self) -> Vec<Ciphersuite> {
        self.libcrux.supported_ciphersuites()
    }

    fn hkdf_extract(
        &self,
        hash_type: HashType,
        salt: &[u8],
        ikm: &[u8],
    ) -> Result<SecretVLBytes, CryptoError> {
        self.libcrux.hkdf_extract(hash_type, salt, ikm)
    }

    fn hmac(
        &self,
        hash_type: HashType,
        key: &[u8],
        message: &[u8],
    ) -> Result<SecretVLBytes, CryptoError> {
        self.libcrux.hmac(hash_type, key, message)
    }

    fn hkdf_expand(
        &self,
        hash_type: HashType,
        prk: &[u8],
        info: &[u8],
        okm_len: usize,
    ) -> Result<SecretVLBytes, CryptoError> {
        self.libcrux.hkdf_expand(hash_type, prk, info, okm_len)
    }

    fn hash(&self, hash_type: HashType, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.libcrux.hash(hash_type, data)
    }

    fn aead_encrypt(
        &self,
        alg: AeadType,
        key: &[u8],
        data: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let mut tampered = Vec::new();
        let data = match &self.tamper {
            Some(tamper) => {
                tampered.extend_from_slice(data);
                tamper.encrypting(&mut tampered);
                &tampered
            }
            None => data,
        };
        self.libcrux.aead_encrypt(alg, key, data, nonce, aad)
    }

    fn aead_decrypt(
        &self,
        alg: AeadType,
        key: &[u8],
        ct_tag: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.libcrux.aead_decrypt(alg, key, ct_tag, nonce, aad)
    }

    fn signature_key_gen(&self, alg: SignatureScheme) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        self.libcrux.signature_key_gen(alg)
    }

    fn verify_signature(
        &self,
        alg: SignatureScheme,
        data: &[u8],
        pk: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.libcrux.verify_signature(alg, data, pk, signature)
    }

    fn sign(&self, alg: SignatureScheme, data: &[u8], key: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.libcrux.sign(alg, data, key)
    }

    fn hpke_seal(
        &self,
        config: HpkeConfig,
        pk_r: &[u8],
        info: &[u8],
        aad: &[u8],
        ptxt: &[u8],
    ) -> Result<HpkeCiphertext, CryptoError> {
        if lengths(&config).is_none_or(|(public, _)| pk_r.len() != public) {
            return Err(CryptoError::HpkeEncryptionError);
        }
        let mut tampered = Vec::new();
        let ptxt = match &self.tamper {
            Some(tamper) => {
                tampered.extend_from_slice(ptxt);
                tamper.sealing(pk_r, &mut tampered);
                &tampered
            }
            None => ptxt,
        };
        let mut sealed = match self.ephemeral_seed([pk_r, info, aad, ptxt]) {
            Some(seed) => hpke::seal(config, pk_r, info, aad, ptxt, &seed)?,
            None => self.libcrux.hpke_seal(config, pk_r, info, aad, ptxt)?,
        };
        if let Some(tamper) = &self.tamper {
            let mut ciphertext = sealed.ciphertext.as_slice().to_vec();
            tamper.sealed(pk_r, &mut ciphertext);
            sealed.ciphertext = ciphertext.into();
        }
        Ok(sealed)
    }

    fn hpke_open(
        &self,
        config: HpkeConfig,
        input: &HpkeCiphertext,
        sk_r: &[u8],
        info: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let length = input.kem_output.as_slice().len();
        if lengths(&config).is_none_or(|(_, encapsulated)| length != encapsulated) {
            return Err(CryptoError::HpkeDecryptionError);
        }
        self.libcrux.hpke_open(config, input, sk_r, info, aad)
    }

    fn hpke_setup_sender_and_export(
        &self,
        config: HpkeConfig,
        pk_r: &[u8],
        info: &[u8],
        exporter_context: &[u8],
        exporter_length: usize,
    ) -> Result<(KemOutput, ExporterSecret), CryptoError> {
        self.libcrux.hpke_setup_sender_and_export(
            config,
            pk_r,
            info,
            exporter_context,
            exporter_length,
        )
    }

    fn hpke_setup_receiver_and_export(
        &self,
        config: HpkeConfig,
        enc: &[u8],
        sk_r: &[u8],
        info: &[u8],
        exporter_context: &[u8],
        exporter_length: usize,
    ) -> Result<ExporterSecret, CryptoError> {
        self.libcrux.hpke_setup_receiver_and_export(
            config,
            enc,
            sk_r,
            info,
            exporter_context,
            exporter_length,
        )
    }

    fn derive_hpke_keypair(
        &self,
        config: HpkeConfig,
        ikm: &[u8],
    ) -> Result<HpkeKeyPair, CryptoError> {
        let mut pair = self.libcrux.derive_hpke_keypair(config, ikm)?;
        if let Some(tamper) = &self.tamper {
            tamper.derived(&mut pair.public);
        }
        Ok(pair)
    }
}
