//! A channel that follows a newer version of the network's bundle, and leaves those behind whom that
//! version no longer vouches for.

use enlace_identity::bundle::{Bundle, SignedBundle};
use enlace_proto::channel::v1::evidence::Evidence;

use super::change::Change;
use super::evidence;
use super::rule::{Rule, Void};
use crate::policy::former_domains;

/// The most versions in one commit.
pub const MAX_VERSIONS: usize = 64;

/// R-BUNDLE: anybody may take the channel to a later version, with the versions from the present one
/// on as evidence, each of which follows the one before. The commit lets nobody in, and takes out
/// exactly the devices whose certificates don't hold under that version; the hub's authority is of it.
/// Returns that version.
pub(super) fn check(before: &Bundle, change: &Change) -> Result<Option<Bundle>, Void> {
    let (old, new) = (change.before.policy.bundle_hash(), change.after.policy.bundle_hash());
    let refused = |what: &dyn std::fmt::Display| Void::new(Rule::Bundle, what);
    let mut pieces = change.evidence.iter().filter_map(|bytes| signed_bundles(bytes));
    let (piece, other) = (pieces.next(), pieces.next());
    let piece = match piece {
        None if old == new => {
            let same =
                change.before.policy.former_domains() == change.after.policy.former_domains();
            return if same { Ok(None) } else { Err(refused(&"former_domains")) };
        }
        Some(piece) if old != new && other.is_none() => piece,
        _ => return Err(refused(&new)),
    };
    if piece.is_empty() || piece.len() > MAX_VERSIONS {
        return Err(refused(&piece.len()));
    }
    let next = follow(before, &piece).map_err(|error| refused(&error))?;
    if next.hash() != new {
        return Err(refused(&next.hash()));
    }
    if next.authority_of(change.after.policy.hub()).is_none() {
        return Err(refused(change.after.policy.hub()));
    }
    if *change.after.policy.former_domains() != former_domains(&next) {
        return Err(refused(&"former_domains"));
    }
    if let Some(device) = change.added.first() {
        return Err(refused(device));
    }
    let holds = |state: &super::State, device| {
        let leaf = state.members.get(device);
        let verified = leaf.and_then(|leaf| leaf.verify_at_some_time(&next).ok());
        verified.is_some_and(|verified| verified.name() == device)
    };
    let stays = change.after.members.keys().find(|device| !holds(&change.after, device));
    let goes = change.removed.iter().find(|device| holds(&change.before, device));
    match stays.or(goes) {
        Some(device) => Err(refused(device)),
        None => Ok(Some(next)),
    }
}

/// The signed bundles that a piece of evidence holds, if it is one of those.
#[must_use]
pub fn signed_bundles(evidence: &[u8]) -> Option<Vec<Vec<u8>>> {
    match evidence::read(evidence)? {
        Evidence::Bundle(bundle) => Some(bundle.bundles),
        _ => None,
    }
}

/// The last of consecutive versions that follow `before`.
fn follow(
    before: &Bundle,
    signed: &[Vec<u8>],
) -> Result<Bundle, enlace_identity::bundle::BundleError> {
    signed.iter().try_fold(before.clone(), |bundle, signed| {
        SignedBundle::decode(signed)?.open_after(&bundle)
    })
}
