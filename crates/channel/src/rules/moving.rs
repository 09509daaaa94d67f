//! Whether a channel moves to another hub: what its leads have voted for (PROTOCOL.md §5.21).

use std::collections::BTreeSet;

use enlace_identity::names::{Domain, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::{HubVote, SignedHubVote};

use super::rule::{Rule, Void};
use super::state::State;
use crate::credential::device_name;
use crate::policy::Role;

/// Decides on a move, and says whose votes made it. `wanted` is what every vote has to say: the
/// channel, its hub before and after, and its newest commit item. Votes of others count for nothing,
/// and void nothing.
///
/// # Errors
/// [`Rule::MoveHub`], [`Rule::MoveVotes`].
pub fn judge_move(
    state: &State,
    wanted: &HubVote,
    votes: &[SignedHubVote],
    received_at: Timestamp,
) -> Result<BTreeSet<OfficerAddress>, Void> {
    let authorities = state.policy.authorities();
    if wanted.from == wanted.to || !authorities.contains(&wanted.to) {
        return Err(Void::new(Rule::MoveHub, &wanted.to));
    }
    let voters = voters(state, wanted, votes, received_at);
    let voting: BTreeSet<&Domain> =
        voters.iter().map(|voter| state.policy.present(voter.domain())).collect();
    if 2 * voting.len() > authorities.len() {
        Ok(voters)
    } else {
        Err(Void::new(Rule::MoveVotes, format_args!("{} of {}", voting.len(), authorities.len())))
    }
}

/// The leads at `at` among those who have voted for it: each signed with the key in a leaf of the
/// group.
#[must_use]
pub fn voters(
    state: &State,
    wanted: &HubVote,
    votes: &[SignedHubVote],
    at: Timestamp,
) -> BTreeSet<OfficerAddress> {
    let counts = |vote: &&SignedHubVote| *vote.unverified_vote() == *wanted;
    let votes = votes.iter().filter(counts);
    votes.filter_map(|vote| lead_who_signed(state, vote, at)).collect()
}

/// Whose vote it is, if that is a lead at `at`.
pub(crate) fn lead_who_signed(
    state: &State,
    vote: &SignedHubVote,
    at: Timestamp,
) -> Option<OfficerAddress> {
    let device = device_name(vote.chain()).ok()?;
    let leaf = state.members.get(&device)?;
    let verified = vote.clone().verify(device, &leaf.signature_key).ok()?;
    let officer = verified.device().officer();
    let role = state.policy.role_at(officer, at);
    role.is_some_and(Role::is_lead).then(|| officer.clone())
}
