//! Putting a stranded device back: it goes and comes at once, because it asked for it itself.

use std::collections::BTreeMap;

use enlace_identity::names::DeviceName;
use enlace_log::ItemKind;
use enlace_log::control::{KeyPackageHash, Stranded};
use enlace_proto::channel::v1 as wire;

use super::change::Change;
use super::evidence::{ControlItem, read};

/// Whom a commit puts back, with what each asked for.
pub(super) type Back = BTreeMap<DeviceName, Stranded>;

/// Whom this commit puts back. It holds for whoever is
/// removed and added at once, with the very key package that it asked for under its former leaf; or
/// since the last change of the group, so that such a wish, too, serves once.
pub(super) fn asked(change: &Change) -> Back {
    let requests = change.evidence.iter().filter_map(|bytes| match read(bytes) {
        Some(wire::evidence::Evidence::Stranded(evidence)) => request(change, &evidence),
        _ => None,
    });
    requests.map(|request| (request.device.clone(), request)).collect()
}

/// The request in a piece of evidence, if this commit does what it asks for.
pub(super) fn request(change: &Change, evidence: &wire::StrandedEvidence) -> Option<Stranded> {
    let stranded = Stranded::decode(&evidence.payload).ok()?;
    let device = &stranded.device;
    let item = ControlItem {
        kind: ItemKind::Stranded,
        envelope: &evidence.envelope,
        outer_signature: &evidence.outer_signature,
        payload: &evidence.payload,
    };
    let before = change.before.members.get(device)?;
    let after = change.after.members.get(device)?;
    let is_present = match stranded.leaf {
        Some(leaf) => leaf == before.leaf_hash,
        None => (change.last_valid_commit..=change.fence).contains(&item.fence()?),
    };
    let brought = change.key_packages.get(device)?;
    let holds = is_present
        && before.leaf_hash != after.leaf_hash
        && change.removed.contains(device)
        && change.added.contains(device)
        && *brought == KeyPackageHash::of(&stranded.key_package)
        && item.is_of(change, device)
        && (stranded.channel, stranded.generation) == change.before.place();
    holds.then_some(stranded)
}
