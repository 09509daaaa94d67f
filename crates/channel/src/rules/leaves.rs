//! Whose leaves may change, and which certificates are good.

use enlace_identity::bundle::Bundle;
use enlace_identity::names::DeviceName;

use super::act::Act;
use super::change::Change;
use super::put_back::Back;
use super::rule::{Rule, Void};
use super::state::LeafInfo;
use crate::credential::VerifiedDevice;

/// R-OWN-LEAF, R-CERTIFICATE. A certificate that was there before is not verified again: its
/// expiry voids nothing.
pub(super) fn check(bundle: &Bundle, change: &Change, back: &Back) -> Result<Vec<Act>, Void> {
    let mut renewed = Vec::new();
    for (device, leaf) in &change.after.members {
        match change.before.members.get(device) {
            Some(before) if before == leaf => {}
            Some(_) if back.contains_key(device) => verify(bundle, change, device, leaf)?,
            Some(_) if *device != change.committer => {
                return Err(Void::new(Rule::OwnLeaf, device));
            }
            Some(before) => {
                if leaf.has_other_certificate(before) {
                    verify(bundle, change, device, leaf)?;
                    renewed.push(Act::Renewed { device: device.clone() });
                }
            }
            None => verify(bundle, change, device, leaf)?,
        }
    }
    Ok(renewed)
}

fn verify(
    bundle: &Bundle,
    change: &Change,
    device: &DeviceName,
    leaf: &LeafInfo,
) -> Result<(), Void> {
    let LeafInfo { chain, signature_key, .. } = leaf;
    match VerifiedDevice::verify(chain, signature_key, bundle, change.received_at) {
        Ok(verified) if verified.name() == device => Ok(()),
        Ok(verified) => Err(Void::new(Rule::Certificate, verified.name())),
        Err(error) => Err(Void::new(Rule::Certificate, error)),
    }
}
