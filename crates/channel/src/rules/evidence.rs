//! Evidence inside a commit: why it may do what its author's role alone does not allow.

use std::collections::BTreeSet;

use enlace_identity::names::DeviceName;
use enlace_log::control::Leave;
use enlace_log::{Envelope, ItemKind, OuterSignature, PayloadHash};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::change::Change;
use super::rule::{Rule, Void};

/// R-EVIDENCE: who of those that go asked for it. Evidence that proves nothing here voids the
/// commit, whether it is needed or not.
pub(super) fn leavers(change: &Change) -> Result<BTreeSet<DeviceName>, Void> {
    let mut leavers = BTreeSet::new();
    for bytes in &change.evidence {
        let leave = read(bytes).ok_or_else(|| Void::new(Rule::Evidence, "unreadable"))?;
        let device = verify(change, &leave)?;
        if !leavers.insert(device.clone()) {
            return Err(Void::new(Rule::Evidence, device));
        }
    }
    match leavers.iter().find(|device| !change.removed.contains(*device)) {
        Some(device) => Err(Void::new(Rule::Evidence, device)),
        None => Ok(leavers),
    }
}

/// The one kind of evidence there is, in its one encoding.
fn read(bytes: &[u8]) -> Option<wire::LeaveEvidence> {
    let evidence = wire::Evidence::decode(bytes).ok()?;
    if evidence.encode_to_vec() != bytes {
        return None;
    }
    let wire::evidence::Evidence::Leave(leave) = evidence.evidence?;
    Some(leave)
}

fn verify(change: &Change, evidence: &wire::LeaveEvidence) -> Result<DeviceName, Void> {
    let unreadable = |_| Void::new(Rule::Evidence, "unreadable");
    let envelope = Envelope::decode(&evidence.envelope).map_err(unreadable)?;
    let leave = Leave::decode(&evidence.payload).map_err(unreadable)?;
    let signature = OuterSignature::decode(envelope.kind, &evidence.outer_signature);
    let signature = signature.map_err(unreadable)?;
    let refused = || Void::new(Rule::Evidence, &leave.device);

    let leaf = change.before.members.get(&leave.device).ok_or_else(refused)?;
    let policy = &change.before.policy;
    let here = (policy.channel(), policy.generation());
    let holds = envelope.kind == ItemKind::Leave
        && envelope.author == leave.device
        && (envelope.channel, envelope.generation) == here
        && (leave.channel, leave.generation) == here
        && envelope.payload_hash == PayloadHash::of(&evidence.payload)
        && leave.leaf == leaf.leaf_hash
        && signature.verify(&evidence.envelope, &leaf.signature_key);
    if holds { Ok(leave.device) } else { Err(refused()) }
}
