//! Whether votes move a channel to another hub, as relays judge it, who know no roles.

use std::collections::BTreeSet;

use enlace_identity::names::{DeviceName, Domain};

use super::Membership;
use crate::device_list::DeviceList;
use crate::hub_vote::{FormerDomains, HubVote, VerifiedHubVote, is_majority, votes_for};
use crate::ids::ChannelId;

impl Membership {
    /// The next hub, when the votes of more than half of the authorities want the same one, and the
    /// votes that say so. `from` is the present hub. Who may vote for now, the caller has seen to.
    #[must_use]
    pub fn next_hub<'a>(
        &self,
        votes: &'a [VerifiedHubVote],
        channel: ChannelId,
        from: &Domain,
        former: &FormerDomains,
    ) -> Option<(Domain, Vec<&'a VerifiedHubVote>)> {
        let fence = self.fence()?;
        let wanted: BTreeSet<&Domain> = votes.iter().map(|vote| &vote.to).collect();
        wanted.into_iter().find_map(|to| {
            let (from, to) = (from.clone(), to.clone());
            let votes = votes_for(votes, &HubVote { channel, from, to: to.clone(), fence });
            let voters = votes.iter().map(|vote| vote.device());
            self.may_move(&to, voters, former).then_some((to, votes))
        })
    }

    /// Whether these voters are a majority, and the next hub has members: in the present list, and in
    /// those that count if the newest commits turn out to count for nothing.
    #[must_use]
    pub fn may_move<'a>(
        &self,
        to: &Domain,
        voters: impl IntoIterator<Item = &'a DeviceName>,
        former: &FormerDomains,
    ) -> bool {
        let voters: Vec<&DeviceName> = voters.into_iter().collect();
        let holds = |list: &DeviceList| {
            list.iter().any(|device| device.domain() == to)
                && is_majority(voters.iter().copied(), list, former)
        };
        let confirmed = self.commits.values().rev().find(|commit| commit.confirmed);
        let if_void = self.unsettled.as_ref().map(|unsettled| &unsettled.former);
        holds(&self.current)
            && confirmed.is_some_and(|commit| holds(&commit.list))
            && if_void.is_none_or(holds)
    }
}
