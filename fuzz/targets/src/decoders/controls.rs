//! Payloads of control items.

use enlace_log::control::{Contest, Leave};
use enlace_log::{HubStatement, HubVote, SignedHubVote, Succession};

use crate::Outcome;
use crate::check::canonical;

/// Reads the input as each of them.
pub fn run(data: &[u8]) -> Outcome {
    let leave = canonical(data, Leave::decode, Leave::encode);
    let contest = canonical(data, Contest::decode, Contest::encode);
    let statement = canonical(data, HubStatement::decode, HubStatement::encode);
    let succession = canonical(data, Succession::decode, Succession::encode);
    let vote = canonical(data, HubVote::decode, HubVote::encode);
    let signed_vote = canonical(data, SignedHubVote::decode, SignedHubVote::encode);
    let votes = Outcome::of(&vote).or(Outcome::of(&signed_vote));
    let first = Outcome::of(&leave).or(Outcome::of(&contest));
    first.or(Outcome::of(&statement)).or(Outcome::of(&succession)).or(votes)
}
