//! Another hub for a channel: the votes for it, and what comes of them (PROTOCOL.md §5.21).

use std::collections::BTreeSet;

use enlace_identity::bundle::{Bundle, LeafUsage};
use enlace_identity::names::{DeviceName, Domain, LeafName, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::hub_vote::{authorities_of, is_majority};
use enlace_log::statement::TakeOver;
use enlace_log::{ChannelId, HubVote, Item, Seq, SignedHubVote};

use super::{Channel, ChannelError, Context, Standing};
use crate::mls::GroupError;
use crate::policy::{Role, former_domains};
use crate::rules::{self, State};

/// How far a move to another hub has got.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MoveStanding {
    /// The leads whose votes count now.
    pub voters: BTreeSet<OfficerAddress>,
    /// The authorities whose leads have not voted.
    pub missing: BTreeSet<Domain>,
    /// How many of those it still takes.
    pub needed: usize,
}

/// Why this device does not vote for another hub.
#[derive(Debug, thiserror::Error)]
pub enum VoteError {
    /// Leads decide.
    #[error("only leads and the owner of the channel move it to another relay")]
    NotALead,
    /// It is there.
    #[error("{0} orders the channel already")]
    AlreadyThere(Domain),
    /// A hub has officers in the channel.
    #[error("{0} has no officer in the channel")]
    NotInChannel(Domain),
    /// The channel has no place in a log yet, or this device none in the channel.
    #[error("this device is not a member of the channel")]
    NotAMember,
    /// The store is damaged.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

impl Channel {
    /// What votes for `to` have to say in the present state; `None` before the channel's first commit.
    #[must_use]
    pub fn wanted_move(&self, to: &Domain) -> Option<HubVote> {
        let (channel, from, to) = (self.id(), self.hub(), to.clone());
        self.fence().map(|fence| HubVote { channel, from, to, fence })
    }

    /// Votes for another hub. The vote counts until the next commit.
    ///
    /// # Errors
    /// [`VoteError`].
    pub fn vote_for_hub(&self, ctx: &Context<'_>, to: &Domain) -> Result<SignedHubVote, VoteError> {
        let me = ctx.device.name.officer();
        let role = self.policy.role_at(me, ctx.now);
        if self.standing() == Standing::Removed || role.is_none() {
            return Err(VoteError::NotAMember);
        }
        if !role.is_some_and(Role::is_lead) {
            return Err(VoteError::NotALead);
        }
        if !self.policy.authorities().contains(to) {
            return Err(VoteError::NotInChannel(to.clone()));
        }
        if self.hub() == *to {
            return Err(VoteError::AlreadyThere(to.clone()));
        }
        let vote = self.wanted_move(to).ok_or(VoteError::NotAMember)?;
        Ok(SignedHubVote::sign(vote, &ctx.device.key, ctx.device.chain.clone()))
    }

    /// Whose vote this is, if a lead of this channel has signed it against its present hub.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn voter(
        &self,
        vote: &SignedHubVote,
        at: Timestamp,
    ) -> Result<Option<OfficerAddress>, ChannelError> {
        let said = vote.unverified_vote();
        if said.channel != self.id() || said.from != self.hub() {
            return Ok(None);
        }
        Ok(rules::lead_who_signed(&self.rules_state()?, vote, at))
    }

    /// How far the votes for `to` have got at `at`.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn move_standing(
        &self,
        to: &Domain,
        votes: &[SignedHubVote],
        at: Timestamp,
    ) -> Result<MoveStanding, ChannelError> {
        let state = self.rules_state()?;
        let wanted = self.wanted_move(to);
        let voters = wanted.map(|wanted| rules::voters(&state, &wanted, votes, at));
        let voters = voters.unwrap_or_default();
        let mut missing: BTreeSet<Domain> =
            state.policy.authorities().into_iter().cloned().collect();
        let majority = missing.len() / 2 + 1;
        let voted = |domain: &Domain| {
            voters.iter().any(|voter| state.policy.present(voter.domain()) == domain)
        };
        missing.retain(|domain| !voted(domain));
        let voting = state.policy.authorities().len() - missing.len();
        Ok(MoveStanding { voters, missing, needed: majority.saturating_sub(voting) })
    }

    /// Whether the votes in a statement move the channel. Who has lost step knows no present roles:
    /// it goes by what the relays go by, the votes' certificates and the last list that it knows.
    pub(super) fn check_move(
        &self,
        ctx: &Context<'_>,
        item: &Item,
        taken_over: &TakeOver,
        fence: Option<Seq>,
    ) -> Result<(), ChannelError> {
        let TakeOver { hub, votes } = taken_over;
        let refused = |reason: String| ChannelError::MoveRefused { hub: hub.clone(), reason };
        let from = self.hubs().before(item.seq).clone();
        let fence = fence.ok_or_else(|| refused("there is no channel yet".to_owned()))?;
        let wanted = HubVote { channel: self.id(), from, to: hub.clone(), fence };
        let has_lost_step = self.standing() == Standing::Stranded || Some(fence) != self.fence();
        if !has_lost_step {
            let state = self.rules_state()?;
            let judged = rules::judge_move(&state, &wanted, votes, item.received_at);
            return judged.map(|_| ()).map_err(|void| refused(void.to_string()));
        }
        let (devices, bundle) = (self.devices(), self.newest_bundle(ctx));
        let counting = votes.iter().filter(|vote| *vote.unverified_vote() == wanted);
        let voters: Vec<DeviceName> =
            counting.filter_map(|vote| certified(vote, bundle, item.received_at)).collect();
        let is_there = devices.iter().any(|device| device.domain() == hub);
        if is_there && is_majority(&voters, &devices, &former_domains(bundle)) {
            Ok(())
        } else {
            Err(refused("too few of the authorities in it have voted for that".to_owned()))
        }
    }

    fn rules_state(&self) -> Result<State, ChannelError> {
        let state = State::of_view(&self.view()?);
        state.map_err(|_| ChannelError::Group(GroupError::Foreign))
    }
}

/// Whether votes for a hub are genuine and of two authorities or more: what can be said of a move by
/// who has not the log before it.
pub(super) fn vouch_for(
    bundle: &Bundle,
    (channel, hub): (ChannelId, &Domain),
    votes: &[SignedHubVote],
    at: Timestamp,
) -> bool {
    let votes = votes.iter().filter(|vote| {
        let said = vote.unverified_vote();
        said.channel == channel && said.to == *hub
    });
    let voters = votes.filter_map(|vote| certified(vote, bundle, at));
    let voters: Vec<DeviceName> = voters.collect();
    authorities_of(&voters, &former_domains(bundle)).len() >= 2
}

/// Whose vote this is by its certificates, in any version of the bundle that is known, at `at` or when
/// they began: a vote outlives them.
fn certified(vote: &SignedHubVote, newest: &Bundle, at: Timestamp) -> Option<DeviceName> {
    let began = vote.chain().unverified_validity().ok()?.not_before;
    let times = [at, began];
    let verified = newest.all_known().find_map(|bundle| {
        times.iter().find_map(|at| bundle.verify(vote.chain(), *at, LeafUsage::Device).ok())
    })?;
    let LeafName::Device(device) = verified.name().clone() else { return None };
    vote.clone().verify(device.clone(), &verified.public_key()).ok()?;
    Some(device)
}
