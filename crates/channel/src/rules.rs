//! Which commits count: the one validity function of a channel (PROTOCOL.md §5).
//!
//! [`judge`] is a pure function of the group before and after a commit, its envelope and the hub's
//! `received_at`. It knows no clock, no revocation list and nothing that only some members have:
//! all honest members come to the same result, and a commit that breaks a rule is *void* for all
//! of them. [`judge_welcome`] is what a joiner asks of the group that it is let into.
//!
//! What stands in the MLS messages themselves (kinds of proposals, leaves, extensions) has been
//! checked by [`crate::mls`] before anything comes here.

mod act;
mod bundle;
mod change;
mod consents;
mod entries;
mod evidence;
mod fields;
mod leaves;
mod members;
mod moving;
mod put_back;
mod roles;
mod rule;
mod stand_in;
mod state;
mod succession;
mod suspension;
#[cfg(test)]
mod tests;
mod version;
mod welcome;

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::bundle::{Bundle, BundleHash};
use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::Envelope;
use enlace_log::control::KeyPackageHash;

use crate::credential::device_name;
use crate::mls::{CommitDetails, GroupView, LeafIndex};

pub use self::act::{Act, PolicyField, Removal};
pub use self::bundle::{MAX_VERSIONS, signed_bundles};
pub use self::change::{Change, judge_change};
pub use self::consents::{Consent, could_agree, verify_consent};
pub use self::entries::{judge_author, judge_entry};
pub use self::moving::{judge_move, voters};
pub use self::rule::{Rule, Void};
pub use self::state::{LeafInfo, State};
pub use self::succession::{
    Successor, judge_founder, judge_succession, judge_told, judge_unopened,
};
pub use self::version::judge_program;
pub use self::welcome::{judge_creation, judge_refounded, judge_welcome};

pub(crate) use self::consents::suffices;
pub(crate) use self::moving::lead_who_signed;
pub(crate) use self::succession::listed;

/// Why there is no verdict that lets a commit in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JudgeError {
    /// The commit breaks a rule. Every honest member voids it.
    #[error(transparent)]
    Void(#[from] Void),
    /// The channel's certificates are judged by a bundle that is not at hand. Nothing is wrong with
    /// the commit: wait, and judge again with this bundle.
    #[error("the channel goes by the network bundle {0}, which is not at hand")]
    BundleMissing(BundleHash),
}

/// Decides on a commit, and says what it does. `hub` orders the log at its position, and
/// `received_at` is its clock there; for a commit that has no place yet, the author's own.
///
/// # Errors
/// [`JudgeError::Void`], with the rule that the commit breaks; [`JudgeError::BundleMissing`].
pub fn judge(
    bundle: &Bundle,
    details: &CommitDetails,
    envelope: &Envelope,
    hub: &Domain,
    received_at: Timestamp,
) -> Result<Vec<Act>, JudgeError> {
    let sender = details.sender_before().and_then(|member| device_name(&member.chain).ok());
    let committer = sender
        .filter(|sender| envelope.author == *sender)
        .ok_or_else(|| Void::new(Rule::Sender, envelope.author.as_str()))?;
    let change = Change {
        committer,
        before: State::of_view(&details.before)?,
        after: State::of_view(&details.after)?,
        added: devices_at(&details.after, &details.added)?,
        removed: devices_at(&details.before, &details.removed)?,
        key_packages: key_packages(details)?,
        evidence: details.evidence.clone(),
        list_hash: envelope.list_hash,
        fence: envelope.fence,
        last_valid_commit: envelope.last_valid_commit,
        hub: hub.clone(),
        received_at,
    };
    judge_change(bundle, &change)
}

/// Which key package brings whom: in the order of the leaves that they come to.
fn key_packages(details: &CommitDetails) -> Result<BTreeMap<DeviceName, KeyPackageHash>, Void> {
    let bring = |(leaf, package): (&LeafIndex, &KeyPackageHash)| {
        Ok((device_at(&details.after, *leaf)?, *package))
    };
    details.added.iter().zip(&details.key_packages).map(bring).collect()
}

fn devices_at(view: &GroupView, leaves: &[LeafIndex]) -> Result<BTreeSet<DeviceName>, Void> {
    leaves.iter().map(|leaf| device_at(view, *leaf)).collect()
}

fn device_at(view: &GroupView, leaf: LeafIndex) -> Result<DeviceName, Void> {
    let member = view.member(leaf).and_then(|member| device_name(&member.chain).ok());
    member.ok_or_else(|| Void::new(Rule::DeviceUnique, leaf.0))
}
