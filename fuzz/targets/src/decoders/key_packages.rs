//! Key packages, as whoever admits a device reads them.
//!
//! Input: a key package; or, behind a zero byte, steps that alter a good one.

use std::sync::OnceLock;

use enlace_channel::mls::{Suite, validate_key_package};
use enlace_identity::chain::LeafUsage;

use crate::Outcome;
use crate::scene::{Group, NOW, alter, backend, network};

/// Validates a key package for both suites.
pub fn run(data: &[u8]) -> Outcome {
    match data {
        [0, script @ ..] => {
            let altered = alter(genuine(), script);
            let read = validate(&altered);
            assert!(!read || altered == genuine(), "a key package that its device did not sign");
            Outcome::when(read)
        }
        package => Outcome::when(validate(package)),
    }
}

fn validate(package: &[u8]) -> bool {
    let backend = backend("whoever admits");
    let suites = [Suite::PostQuantum, Suite::Classic];
    let read = suites.map(|suite| validate_key_package(&backend, package, suite).ok());
    assert!(read.iter().flatten().count() <= 1, "a key package of two suites");
    let Some(read) = read.into_iter().flatten().next() else { return false };
    assert_eq!(read.message(), package);
    if let Ok(leaf) = network().bundle.verify(read.chain(), NOW, LeafUsage::Device) {
        assert!(network().chains.contains(&leaf.to_unverified()));
    }
    true
}

/// A good one, made once in a process.
pub(crate) fn genuine() -> &'static [u8] {
    static GENUINE: OnceLock<Vec<u8>> = OnceLock::new();
    GENUINE.get_or_init(|| Group::of_four().members[0].key_package())
}
