//! Key files: PKCS#8 version 1 in PEM, under a passphrase by PBES2 with PBKDF2-SHA256 and
//! AES-256-CBC (RFC 8018). That is the form which OpenSSL 3.0 reads.

use std::fmt;

use der::pem::LineEnding;
use der::{Decode as _, SecretDocument};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{EncryptedPrivateKeyInfo, PrivateKeyInfo};
use zeroize::Zeroizing;

use super::SigningKey;
use crate::entropy::Entropy;

/// How often PBKDF2 iterates for a new key file.
pub const PBKDF2_ITERATIONS: u32 = 600_000;

/// More than this in a file that is read is taken for an attempt to stall the reader.
const MAX_ITERATIONS: u32 = 10_000_000;

const ED25519: der::asn1::ObjectIdentifier = der::asn1::ObjectIdentifier::new_unwrap("1.3.101.112");
const PLAIN_LABEL: &str = "PRIVATE KEY";
const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// What a key file is locked with. It is wiped from memory when dropped, and never shown.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a passphrase, as typed.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// Why a key file can't be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyFileError {
    /// It is no PKCS#8 private key in PEM.
    #[error("this is not a private key file (PKCS#8, PEM)")]
    Format,
    /// It holds a key, but not an Ed25519 one, or is locked in a way that is not supported.
    #[error("this key file is of a kind that is not supported: Ed25519 under PBES2 is")]
    Unsupported,
    /// Ask for its passphrase and try again.
    #[error("this key file is locked with a passphrase")]
    PassphraseNeeded,
    /// Ask again.
    #[error("the passphrase does not fit this key file")]
    WrongPassphrase,
}

impl SigningKey {
    /// The key as PKCS#8 version 1 in DER, for a TLS library.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        // PrivateKeyInfo ::= SEQUENCE { version 0, { 1.3.101.112 }, OCTET STRING { OCTET STRING } }
        const HEAD: [u8; 16] =
            [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let mut der = Zeroizing::new(Vec::with_capacity(HEAD.len() + 32));
        der.extend_from_slice(&HEAD);
        der.extend_from_slice(self.to_seed().as_ref());
        der
    }

    /// The key as a PEM file, locked if a passphrase is given.
    ///
    /// Locking takes a good part of a second: [`PBKDF2_ITERATIONS`].
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    #[must_use]
    pub fn to_pem(&self, passphrase: Option<&Passphrase>) -> Zeroizing<String> {
        let plain = self.to_pkcs8_der();
        let encode = |label, der: &[u8]| {
            SecretDocument::try_from(der)
                .and_then(|document| document.to_pem(label, LineEnding::LF))
                .expect("a well-formed key encodes")
        };
        match passphrase {
            None => encode(PLAIN_LABEL, &plain),
            Some(passphrase) => encode(ENCRYPTED_LABEL, lock(&plain, passphrase).as_bytes()),
        }
    }

    /// Reads a PEM file that [`to_pem`](Self::to_pem) or OpenSSL wrote.
    ///
    /// # Errors
    /// [`KeyFileError`]; a passphrase given for a file without one is not an error.
    pub fn from_pem(pem: &str, passphrase: Option<&Passphrase>) -> Result<Self, KeyFileError> {
        let (label, document) = SecretDocument::from_pem(pem).map_err(|_| KeyFileError::Format)?;
        match label {
            PLAIN_LABEL => from_pkcs8(document.as_bytes()),
            ENCRYPTED_LABEL => {
                let passphrase = passphrase.ok_or(KeyFileError::PassphraseNeeded)?;
                from_pkcs8(unlock(document.as_bytes(), passphrase)?.as_bytes())
            }
            _ => Err(KeyFileError::Format),
        }
    }
}

fn lock(plain: &[u8], passphrase: &Passphrase) -> SecretDocument {
    let random: [u8; 32] = Entropy::system().bytes();
    let (salt, iv) = random.split_at(16);
    let iv: &[u8; 16] = iv.try_into().expect("half of 32 bytes");
    Parameters::pbkdf2_sha256_aes256cbc(PBKDF2_ITERATIONS, salt, iv)
        .map_err(|_| pkcs8::Error::ParametersMalformed)
        .and_then(|parameters| {
            PrivateKeyInfo::try_from(plain)?.encrypt_with_params(parameters, passphrase.expose())
        })
        .expect("constant parameters encrypt a well-formed key")
}

fn unlock(der: &[u8], passphrase: &Passphrase) -> Result<SecretDocument, KeyFileError> {
    let info = EncryptedPrivateKeyInfo::from_der(der).map_err(|_| KeyFileError::Unsupported)?;
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return Err(KeyFileError::Unsupported);
    };
    match &parameters.kdf {
        Kdf::Pbkdf2(kdf) if kdf.iteration_count <= MAX_ITERATIONS => {}
        _ => return Err(KeyFileError::Unsupported),
    }
    info.decrypt(passphrase.expose()).map_err(|_| KeyFileError::WrongPassphrase)
}

fn from_pkcs8(der: &[u8]) -> Result<SigningKey, KeyFileError> {
    let info = PrivateKeyInfo::from_der(der).map_err(|_| KeyFileError::Format)?;
    if info.algorithm != (AlgorithmIdentifierRef { oid: ED25519, parameters: None }) {
        return Err(KeyFileError::Unsupported);
    }
    let Some((&[4, 32], seed)) = info.private_key.split_first_chunk() else {
        return Err(KeyFileError::Format);
    };
    let seed: [u8; 32] = seed.try_into().map_err(|_| KeyFileError::Format)?;
    Ok(SigningKey::from_seed(Zeroizing::new(seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_read_back() {
        let key = SigningKey::from_seed(Zeroizing::new([3; 32]));
        let plain = key.to_pem(None);
        assert_eq!(SigningKey::from_pem(&plain, None).unwrap().public(), key.public());

        let passphrase = Passphrase::new("contraseña larga");
        let locked = key.to_pem(Some(&passphrase));
        assert!(locked.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        let read = |passphrase| SigningKey::from_pem(&locked, passphrase).map(|k| k.public());
        assert_eq!(read(Some(&passphrase)), Ok(key.public()));
        assert_eq!(read(None), Err(KeyFileError::PassphraseNeeded));
        assert_eq!(read(Some(&Passphrase::new("otra"))), Err(KeyFileError::WrongPassphrase));
    }

    #[test]
    fn other_files_are_refused() {
        let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        for text in ["", "hello", certificate] {
            assert_eq!(SigningKey::from_pem(text, None).err(), Some(KeyFileError::Format));
        }
        let mut x25519 = SigningKey::generate().to_pkcs8_der();
        x25519[11] = 0x6e;
        assert_eq!(from_pkcs8(&x25519).err(), Some(KeyFileError::Unsupported));
    }

    #[test]
    fn a_passphrase_is_never_shown() {
        assert!(!format!("{:?}", Passphrase::new("secreta")).contains("secreta"));
    }
}
