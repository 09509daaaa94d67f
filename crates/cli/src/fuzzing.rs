//! What the fuzzer calls: the readers of files that the registrar's commands keep.

use enlace_identity::time::Timestamp;

use crate::authority::Registry;
use crate::network::Draft;

/// Reads a registry, and looks at it as the registrar's commands do; whether it can be read.
#[must_use]
pub fn registry(text: &str, now: Timestamp) -> bool {
    let Ok(registry) = serde_json::from_str::<Registry>(text) else { return false };
    let again = serde_json::to_string(&registry).map(|text| serde_json::from_str(&text).ok());
    assert_eq!(again.ok().flatten().as_ref(), Some(&registry), "a registry is read as written");
    let standings = registry.standings(now).len();
    assert_eq!(standings, registry.certificates.len());
    for issued in &registry.certificates {
        assert!(!registry.named(&issued.name).is_empty());
        let _ = registry.current(&issued.name, now).count();
    }
    let _ = (registry.revoked(true), registry.revoked(false), registry.is_readable());
    true
}

/// Reads the draft of a bundle and makes the bundle; whether that can be done.
#[must_use]
pub fn network_draft(text: &str) -> bool {
    serde_json::from_str::<Draft>(text).is_ok_and(|draft| draft.bundle().is_ok())
}
