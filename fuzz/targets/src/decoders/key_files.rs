//! Key files, locked or not.

use der::{Decode as _, SecretDocument};
use enlace_identity::keys::{Passphrase, SigningKey};
use pkcs8::EncryptedPrivateKeyInfo;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;

use crate::Outcome;

/// What the locked files of the corpus are locked with.
pub const PASSPHRASE: &str = "clave";

/// A target's share of key derivation. A file may ask for far more; that is slow, not wrong.
const MOST_ITERATIONS: u32 = 4096;

/// Reads a file with and without a passphrase.
pub fn run(data: &[u8]) -> Outcome {
    let Ok(pem) = str::from_utf8(data) else { return Outcome::Refused };
    let open = SigningKey::from_pem(pem, None);
    if let Ok(key) = &open {
        let again = SigningKey::from_pem(&key.to_pem(None), None).map(|key| key.public());
        assert_eq!(again, Ok(key.public()), "a key that was read cannot be written");
    }
    let locked =
        is_quick(pem).then(|| SigningKey::from_pem(pem, Some(&Passphrase::new(PASSPHRASE))));
    Outcome::of(&open).or(Outcome::when(matches!(locked, Some(Ok(_)))))
}

/// Whether opening the file takes no more key derivation than a target has time for.
pub(super) fn is_quick(pem: &str) -> bool {
    let Ok((_, document)) = SecretDocument::from_pem(pem) else { return true };
    let Ok(info) = EncryptedPrivateKeyInfo::from_der(document.as_bytes()) else { return true };
    match &info.encryption_algorithm {
        EncryptionScheme::Pbes2(parameters) => match &parameters.kdf {
            Kdf::Pbkdf2(kdf) => kdf.iteration_count <= MOST_ITERATIONS,
            _ => true,
        },
        _ => true,
    }
}
