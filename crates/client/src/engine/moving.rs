//! A channel's move to another hub: what this officer wants, and what colleagues have voted for
//! (PROTOCOL.md §5.21). The hub's statement moves the channel; until then a vote is kept here, and
//! signed again whenever a commit has ended it.

use enlace_channel::channel::{Channel, ChannelError, MoveStanding, VoteError};
use enlace_channel::policy::Role;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_log::{ChannelId, SignedHubVote};
use enlace_proto::relay::v1 as wire;

use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{ChannelStanding, DocumentKind, StoreError};
use crate::task::Task;

/// The most votes in one call or event.
const MAX_VOTES: usize = 512;

/// Why a channel is not to be moved. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is no such channel on this device.
    #[error("there is no such channel on this device")]
    UnknownChannel,
    /// The officer, or the hub, is not one of those.
    #[error(transparent)]
    Vote(#[from] VoteError),
    /// This officer has not asked for a move.
    #[error("you have not asked for this channel to be moved")]
    NotAsked,
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for MoveError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<ChannelError> for MoveError {
    fn from(error: ChannelError) -> Self {
        Self::Engine(error.into())
    }
}

/// What is known of a channel's hub, and of those who want another one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MoveView {
    /// The authority whose relay orders the channel.
    pub hub: Domain,
    /// The one that this officer wants.
    pub wanted: Option<Domain>,
    /// Each hub that a lead has voted for, and how far that has got.
    pub proposals: Vec<(Domain, MoveStanding)>,
}

impl Engine {
    /// Votes for another hub, and goes on voting for it until the channel is there or
    /// [`Self::cancel_move`].
    ///
    /// # Errors
    /// [`MoveError`]; nothing has changed then.
    pub fn move_channel(&mut self, id: ChannelId, to: &Domain) -> Result<(), MoveError> {
        self.write(|work| {
            let channel = work.of_member(id)?;
            let vote = channel.vote_for_hub(&work.ctx, to);
            work.keep(channel);
            let vote = vote?;
            work.tx.put_setting(&wish_setting(id), Some(to.as_str()))?;
            work.put_vote(id, &work.me().clone(), &vote)?;
            work.tell(ClientEvent::Channel(id));
            Ok(())
        })
    }

    /// Takes the vote back. What relays have of it counts until the next commit, which this device
    /// makes if nobody else does.
    ///
    /// # Errors
    /// [`MoveError`]; nothing has changed then.
    pub fn cancel_move(&mut self, id: ChannelId) -> Result<(), MoveError> {
        self.write(|work| {
            let channel = work.of_member(id)?;
            work.keep(channel);
            if work.wanted_hub(id)?.is_none() {
                return Err(MoveError::NotAsked);
            }
            work.tx.put_setting(&wish_setting(id), None)?;
            let me = work.me().clone();
            work.retain_votes(id, |device| *device != me)?;
            work.enqueue_own(id, Task::SelfUpdate, std::time::Duration::ZERO)?;
            work.tell(ClientEvent::Channel(id));
            Ok(())
        })
    }

    /// What is known of a channel's hub, and of votes for another one.
    ///
    /// # Errors
    /// [`MoveError`].
    pub fn move_view(&mut self, id: ChannelId) -> Result<MoveView, MoveError> {
        self.write(|work| {
            let channel = work.of_member(id)?;
            let view = work.move_view(&channel);
            work.keep(channel);
            Ok(view?)
        })
    }

    /// Takes in votes that the relay hands on; what is no lead's vote against the present hub is
    /// passed over.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_hub_votes(&mut self, votes: &wire::HubVotes) -> Result<(), EngineError> {
        let id = votes.channel.as_ref().and_then(|id| ChannelId::try_from(&id.value[..]).ok());
        let Some(id) = id else { return Ok(()) };
        let votes: Vec<SignedHubVote> = votes
            .votes
            .iter()
            .take(MAX_VOTES)
            .filter_map(|bytes| SignedHubVote::decode(bytes).ok())
            .collect();
        self.write(|work| {
            let Some(channel) = work.take(id)? else { return Ok(()) };
            let taken = votes.iter().try_for_each(|vote| work.take_vote(&channel, vote));
            work.keep(channel);
            taken
        })
    }

    /// This device's votes, each for the present state of its channel, if anything may have changed since
    /// this was last asked.
    ///
    /// # Errors
    /// When the store fails.
    pub fn votes_to_publish(&mut self) -> Result<Vec<wire::PublishHubVotesRequest>, EngineError> {
        if !std::mem::take(&mut self.votes_are_due) {
            return Ok(Vec::new());
        }
        let wished: Vec<ChannelId> = self.read(|tx| {
            let mut wished = Vec::new();
            for row in tx.channels()? {
                if tx.setting(&wish_setting(row.id))?.is_some() {
                    wished.push(row.id);
                }
            }
            Ok(wished)
        })?;
        if wished.is_empty() {
            return Ok(Vec::new());
        }
        let votes = self.write(|work| {
            let mut votes = Vec::new();
            for id in wished {
                if let Some(vote) = work.present_vote(id)? {
                    let channel = Some(id.to_wire());
                    let votes_of = wire::HubVotes { channel, votes: vec![vote.encode()] };
                    votes.push(wire::PublishHubVotesRequest { votes: Some(votes_of) });
                }
            }
            Ok::<_, EngineError>(votes)
        });
        // What was just signed is no news to wait for.
        self.votes_are_due = false;
        votes
    }

    /// Looks again for votes to be handed over.
    pub(crate) fn hand_votes_over_again(&mut self) {
        self.votes_are_due = true;
    }
}

impl Work<'_> {
    /// The channel is at its next hub: who wanted it there has what they wanted, and who wanted
    /// another one wants it against a new one.
    pub(super) fn end_votes(&mut self, id: ChannelId, hub: &Domain) -> Result<(), StoreError> {
        if self.wanted_hub(id)?.as_ref() == Some(hub) {
            self.tx.put_setting(&wish_setting(id), None)?;
        }
        self.retain_votes(id, |_| false)
    }

    /// A channel whose hub is no longer in the network rests there, and follows no later version of the
    /// bundle: its leads are told, once.
    pub(super) fn note_dropped_hubs(&mut self) -> Result<(), StoreError> {
        let bundle = self.trust.bundle();
        for row in self.tx.channels()? {
            let dropped = format!("dropped/{}", row.id);
            let is_over = row.standing == ChannelStanding::Removed || bundle.contains(&row.hub);
            if is_over || self.tx.setting(&dropped)?.as_deref() == Some(row.hub.as_str()) {
                continue;
            }
            self.tx.put_setting(&dropped, Some(row.hub.as_str()))?;
            self.note(Some(row.id), None, Notice::HubDropped { hub: row.hub.to_string() })?;
        }
        Ok(())
    }

    fn of_member(&mut self, id: ChannelId) -> Result<Channel, MoveError> {
        let row = self.tx.channel(id)?.ok_or(MoveError::UnknownChannel)?;
        if row.standing == ChannelStanding::Removed {
            return Err(VoteError::NotAMember.into());
        }
        self.take(id)?.ok_or(MoveError::UnknownChannel)
    }

    fn move_view(&mut self, channel: &Channel) -> Result<MoveView, EngineError> {
        let id = channel.id();
        let votes: Vec<_> = self.votes_of(id)?.into_iter().map(|(_, vote)| vote).collect();
        let mut hubs: Vec<Domain> =
            votes.iter().map(|vote| vote.unverified_vote().to.clone()).collect();
        hubs.sort();
        hubs.dedup();
        let mut proposals = Vec::new();
        for to in hubs {
            let standing = channel.move_standing(&to, &votes, self.now())?;
            proposals.push((to, standing));
        }
        Ok(MoveView { hub: channel.hub(), wanted: self.wanted_hub(id)?, proposals })
    }

    fn take_vote(&mut self, channel: &Channel, vote: &SignedHubVote) -> Result<(), EngineError> {
        let (id, said) = (channel.id(), vote.unverified_vote());
        let Some(voter) = channel.voter(vote, self.now())? else { return Ok(()) };
        let Ok(device) = enlace_channel::credential::device_name(vote.chain()) else {
            return Ok(());
        };
        let known = self.votes_of(id)?.into_iter().find(|(known, _)| *known == device);
        let known = known.map(|(_, known)| known.unverified_vote().clone());
        if device == *self.me() || known.as_ref().is_some_and(|known| known.fence >= said.fence) {
            return Ok(());
        }
        self.put_vote(id, &device, vote)?;
        if known.is_none_or(|known| known.to != said.to) {
            self.note_vote(channel, &voter, &said.to)?;
        }
        self.tell(ClientEvent::Channel(id));
        Ok(())
    }

    /// Leads are told, since it is theirs to agree.
    fn note_vote(
        &mut self,
        channel: &Channel,
        voter: &OfficerAddress,
        to: &Domain,
    ) -> Result<(), EngineError> {
        let role = channel.policy().role_at(self.me().officer(), self.now());
        if !role.is_some_and(Role::is_lead) || voter == self.me().officer() {
            return Ok(());
        }
        let (by, from, to) = (voter.to_string(), channel.hub().to_string(), to.to_string());
        Ok(self.note(Some(channel.id()), None, Notice::MoveWanted { by, from, to })?)
    }

    /// This device's vote for what its officer wants, signed again if a commit has ended the last one.
    /// Who is no lead any more wants nothing.
    fn present_vote(&mut self, id: ChannelId) -> Result<Option<SignedHubVote>, EngineError> {
        let Some(to) = self.wanted_hub(id)? else { return Ok(None) };
        let Some(channel) = self.take(id)? else { return Ok(None) };
        let me = self.me().clone();
        let known = self.votes_of(id)?.into_iter().find(|(device, _)| *device == me);
        let wanted = channel.wanted_move(&to);
        let known = known.map(|(_, vote)| vote);
        if let Some(known) = known.filter(|vote| Some(vote.unverified_vote()) == wanted.as_ref()) {
            self.keep(channel);
            return Ok(Some(known));
        }
        let vote = channel.vote_for_hub(&self.ctx, &to);
        self.keep(channel);
        match vote {
            Ok(vote) => {
                self.put_vote(id, &me, &vote)?;
                Ok(Some(vote))
            }
            Err(VoteError::Channel(error)) => Err(error.into()),
            Err(error) => {
                tracing::info!(channel = %id, %error, "a vote for another hub has ended");
                self.tx.put_setting(&wish_setting(id), None)?;
                self.retain_votes(id, |device| *device != me)?;
                Ok(None)
            }
        }
    }

    fn wanted_hub(&self, id: ChannelId) -> Result<Option<Domain>, StoreError> {
        let wanted = self.tx.setting(&wish_setting(id))?;
        wanted.map(|to| to.parse().map_err(|_| StoreError::Corrupt("hub"))).transpose()
    }

    fn votes_of(&self, id: ChannelId) -> Result<Vec<(DeviceName, SignedHubVote)>, StoreError> {
        let prefix = vote_name(id, "");
        let votes =
            self.tx.documents(DocumentKind::HubVote)?.into_iter().filter_map(|(name, bytes)| {
                Some((
                    name.strip_prefix(&prefix)?.parse::<DeviceName>(),
                    SignedHubVote::decode(&bytes),
                ))
            });
        votes
            .map(|(device, vote)| match (device, vote) {
                (Ok(device), Ok(vote)) => Ok((device, vote)),
                _ => Err(StoreError::Corrupt("hub vote")),
            })
            .collect()
    }

    fn put_vote(
        &mut self,
        id: ChannelId,
        device: &DeviceName,
        vote: &SignedHubVote,
    ) -> Result<(), StoreError> {
        let name = vote_name(id, device.as_str());
        let mut all = self.tx.documents(DocumentKind::HubVote)?;
        all.retain(|(known, _)| *known != name);
        all.push((name, vote.encode()));
        self.tx.replace_documents(DocumentKind::HubVote, &all)
    }

    fn retain_votes(
        &mut self,
        id: ChannelId,
        keep: impl Fn(&DeviceName) -> bool,
    ) -> Result<(), StoreError> {
        let prefix = vote_name(id, "");
        let goes = |name: &str| {
            let device = name.strip_prefix(&prefix).map(str::parse::<DeviceName>);
            device.is_some_and(|device| !device.is_ok_and(|device| keep(&device)))
        };
        let mut all = self.tx.documents(DocumentKind::HubVote)?;
        let before = all.len();
        all.retain(|(name, _)| !goes(name));
        if all.len() == before {
            return Ok(());
        }
        self.tx.replace_documents(DocumentKind::HubVote, &all)
    }
}

fn wish_setting(id: ChannelId) -> String {
    format!("move/{id}")
}

fn vote_name(id: ChannelId, device: &str) -> String {
    format!("{id}/{device}")
}
