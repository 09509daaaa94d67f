//! Keys as people compare them.

use enlace_identity::canonical::sha256;
use enlace_identity::keys::PublicKey;

/// The first half of SHA-256 of a public key, in groups of four digits, to be read out. A second
/// key with the same digits would cost 2^128 tries.
pub(crate) fn key_digest(key: &PublicKey) -> String {
    let digest = sha256(key.as_bytes());
    let groups: Vec<String> = digest[..16].chunks(2).map(hex::encode).collect();
    groups.join(" ")
}
