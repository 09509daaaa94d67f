//! Joining: everything about a welcome is checked before the group is taken in.

use bytes::Bytes;
use enlace_identity::bundle::{Bundle, BundleHash, LeafUsage};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::{ChainError, VerifiedLeaf};
use enlace_identity::names::{DeviceName, Domain};
use enlace_log::{
    ChainHash, ChannelId, ChannelNonce, DeviceList, Item, ItemKind, ListHash, Seq, SignedHubVote,
    VerifiedHead, WelcomesHash,
};

use super::moving::vouch_for;
use super::roster::Roster;
use super::state::{Standing, State};
use super::{Channel, ChannelError, Context, group_id};
use crate::credential::leaf_hash;
use crate::mls::{self, Group, GroupError, JoinError, StagedJoin};
use crate::policy::{Policy, PolicyError};
use crate::rules::{self, JudgeError};

/// A welcome as a relay delivers it. Only the head's signature was verified: it is the hub's.
#[derive(Clone, Debug)]
pub struct JoinOffer {
    /// The channel.
    pub channel: ChannelId,
    /// The commit that admits this device.
    pub commit: Item,
    /// The chain before that commit, as the hub claims.
    pub previous_chain: ChainHash,
    /// The chain at that commit, as the hub claims.
    pub chain: ChainHash,
    /// The hub's signature at that position.
    pub head: VerifiedHead,
    /// The devices after the commit, as the hub claims.
    pub devices: DeviceList,
    /// The welcome for each admitted device, this one included.
    pub welcomes: Vec<(DeviceName, Bytes)>,
    /// The certificates of the commit's author.
    pub signer: UnverifiedChain,
    /// The domain of the hub's authority, as whoever verified the head established it.
    pub hub: Domain,
    /// The domain of the hub that the channel began at.
    pub creating_hub: Domain,
    /// The votes by which the channel came to its hub, if it has moved.
    pub hub_votes: Vec<SignedHubVote>,
    /// With the creating hub's domain, what the channel's id is derived from.
    pub nonce: ChannelNonce,
    /// Whether the log of a former membership has ended, as far as the relay gives it.
    pub log_has_ended: bool,
}

impl Channel {
    /// Joins by a welcome. A former membership in the same channel is replaced, unless it goes on:
    /// a device that is still a member handles its removal first.
    ///
    /// # Errors
    /// [`JoinRefused`]; the transaction is to be abandoned, which keeps the key package.
    pub fn join(ctx: &Context<'_>, offer: &JoinOffer) -> Result<Self, JoinRefused> {
        let former = Self::load(ctx, offer.channel)?;
        if let Some(known) = former.as_ref().map(Self::hub).filter(|known| *known != offer.hub)
            && !offer.is_vouched_for(ctx)
        {
            return Err(JoinRefused::OtherHub { known, claimed: offer.hub.clone() });
        }
        let welcome = offer.check(ctx)?;
        let id = group_id(offer.channel, offer.commit.sealed.envelope().generation);
        let provider = ctx.backend.on(ctx.store);
        let former = match former {
            Some(former) => {
                former.check_welcome_after(offer.commit.seq, offer.log_has_ended)?;
                former.group.delete(&provider).map_err(ChannelError::from)?;
                Some((former.state, former.policy))
            }
            None => None,
        };
        let staged = mls::stage_welcome(&provider, welcome)?;
        if staged.view.group_id != id {
            return Err(JoinRefused::OtherChannel);
        }
        let policy = offer.check_group(ctx, &staged)?;
        let own = staged.view.member(staged.own_leaf).map(leaf_hash);
        let asked = former.filter(|(state, _)| own.is_some_and(|leaf| state.asked_for(leaf)));
        rules::judge_welcome(
            ctx.bundle,
            &staged.view,
            staged.sender,
            &ctx.device.name,
            asked.is_some(),
            offer.commit.received_at,
        )
        .map_err(|error| match error {
            JudgeError::Void(void) => JoinRefused::NotEntitled(void.to_string()),
            JudgeError::BundleMissing(hash) => JoinRefused::BundleMissing(hash),
        })?;
        if asked
            .as_ref()
            .is_some_and(|(state, _)| state.reads_on_to(offer.commit.seq, offer.log_has_ended))
        {
            return Err(JoinRefused::LogFirst);
        }
        let group = staged.into_group(&provider)?;
        Ok(offer.take_in(ctx, group, policy, asked)?)
    }
}

impl Channel {
    /// Whether a welcome at `seq` comes after this membership. One from before would lead back to
    /// keys that are out of use. What let a provisional device in may have been false: it waits for
    /// what its log still holds, and no longer.
    fn check_welcome_after(&self, seq: Seq, log_has_ended: bool) -> Result<(), JoinRefused> {
        let is_past = seq < self.replica().next_seq();
        let goes_on = self.standing() == Standing::Member;
        let reads_on = self.standing() == Standing::Provisional && !is_past && !log_has_ended;
        if Some(seq) <= self.last_valid_commit() || (goes_on && is_past) {
            return Err(JoinRefused::AlreadyMember);
        }
        if goes_on || reads_on { Err(JoinRefused::LogFirst) } else { Ok(()) }
    }
}

impl JoinOffer {
    /// Whether votes of two authorities say that the channel is at this hub now.
    fn is_vouched_for(&self, ctx: &Context<'_>) -> bool {
        let place = (self.channel, &self.hub);
        vouch_for(ctx.bundle, place, &self.hub_votes, self.commit.received_at)
    }

    /// Everything that can be said before the welcome is opened; returns this device's.
    fn check(&self, ctx: &Context<'_>) -> Result<&[u8], JoinRefused> {
        if self.channel != ChannelId::derive(&self.creating_hub, &self.nonce) {
            return Err(JoinRefused::NotTheHubs);
        }
        let envelope = self.commit.sealed.envelope();
        if envelope.kind != ItemKind::Commit || envelope.channel != self.channel {
            return Err(JoinRefused::NotACommit);
        }
        let head = self.head.head();
        if head.channel != self.channel || head.seq != self.commit.seq || head.chain != self.chain {
            return Err(JoinRefused::Head);
        }
        // So the hub has signed this envelope, its outer signature and `received_at`.
        if self.commit.chain_after(&self.previous_chain) != self.chain {
            return Err(JoinRefused::Head);
        }
        let signer = self.verify_signer(ctx.bundle)?;
        let by_author = envelope.device().is_some() && *signer.name() == envelope.author;
        let bytes = self.commit.sealed.envelope_bytes();
        if !by_author || !self.commit.sealed.outer_signature().verify(bytes, &signer.public_key()) {
            return Err(JoinRefused::Signature);
        }
        let welcomes: Vec<_> = self.welcomes.iter().map(|(d, w)| (d.clone(), &w[..])).collect();
        if WelcomesHash::of(&welcomes) != envelope.welcomes_hash {
            return Err(JoinRefused::Welcome);
        }
        if self.devices.hash() != envelope.list_hash || envelope.list_hash == ListHash::NONE {
            return Err(JoinRefused::DeviceList);
        }
        let own = self.welcomes.iter().find(|(device, _)| *device == ctx.device.name);
        own.map(|(_, welcome)| &welcome[..]).ok_or(JoinRefused::Welcome)
    }

    /// Which bundle the group goes by is not known yet: any version will do, until the rules ask
    /// for that one.
    fn verify_signer(&self, newest: &Bundle) -> Result<VerifiedLeaf, ChainError> {
        let at = self.commit.received_at;
        let verify = |bundle: &Bundle| bundle.verify(&self.signer, at, LeafUsage::Device);
        let former = || newest.all_known().find_map(|bundle| verify(bundle).ok());
        verify(newest).or_else(|error| former().ok_or(error))
    }

    /// Whether the group is the one that the commit and the hub speak of.
    fn check_group(&self, ctx: &Context<'_>, staged: &StagedJoin) -> Result<Policy, JoinRefused> {
        let envelope = self.commit.sealed.envelope();
        let roster = Roster::of(&staged.view).ok_or(JoinRefused::DeviceList)?;
        if roster.list() != self.devices {
            return Err(JoinRefused::DeviceList);
        }
        if roster.device_at(staged.sender) != envelope.device() {
            return Err(JoinRefused::Signature);
        }
        let policy = Policy::decode(&staged.view.policy)?;
        rules::judge_program(ctx.backend.rules(), &policy)
            .map_err(|_| JoinRefused::NeedsNewerVersion)?;
        let fits = policy.channel() == self.channel
            && policy.generation() == envelope.generation
            && *policy.hub() == self.hub
            && *policy.creating_hub() == self.creating_hub;
        if fits { Ok(policy) } else { Err(JoinRefused::OtherChannel) }
    }

    fn take_in(
        &self,
        ctx: &Context<'_>,
        group: Group,
        policy: Policy,
        asked: Option<(State, Policy)>,
    ) -> Result<Channel, ChannelError> {
        let roster = Roster::of(&group.view()?).ok_or(GroupError::Foreign)?;
        let mut state = State::new(self.channel, &self.hub, Standing::Provisional);
        state.generation = self.commit.sealed.envelope().generation.0;
        state.set_anchor(self.commit.seq);
        state.set_position(self.commit.seq.next(), self.chain);
        state.begin_incarnation(self.commit.seq, self.head.head().incarnation);
        state.pass_commit(self.commit.seq, true);
        state.known_head = Some(self.head.quoted().encode());
        if let Some((former, known)) = &asked
            && let Some(signer) = self.commit.sealed.envelope().device()
        {
            state.put_back(former, known, signer, (&ctx.device.name, &roster));
            let own = roster.seat(&ctx.device.name);
            let leaf = own.map(|seat| seat.leaf_hash).ok_or(GroupError::Foreign)?;
            state.note_missed(ctx, leaf, self.commit.seq)?;
        }
        state.save(ctx.store)?;
        Ok(Channel { group, state, policy, roster, learned: None })
    }
}

/// Why a welcome is refused. All but the last four and [`Self::NeedsNewerVersion`] are the fault of whoever made or carried it.
#[derive(Debug, thiserror::Error)]
pub enum JoinRefused {
    /// The item with the welcome is no commit of this channel.
    #[error("the welcome does not come with a commit of its channel")]
    NotACommit,
    /// The hub's signed head is not at the commit, or about another one.
    #[error("the welcome's signed head does not stand at its commit")]
    Head,
    /// The hub can't have this channel: its id is not derived from the nonce and the domain of the hub
    /// that it is said to have begun at.
    #[error("the channel's id is not one that its hub can give")]
    NotTheHubs,
    /// This device knows the channel with another hub.
    #[error("the relay of {claimed} invites into a channel that the relay of {known} orders")]
    OtherHub {
        /// The hub of the channel.
        known: Domain,
        /// Whose welcome it is.
        claimed: Domain,
    },
    /// The author's certificate is not good.
    #[error("the certificate of whoever admits this device is refused: {0}")]
    Certificate(#[from] ChainError),
    /// The signature round the commit is not its author's, or the group was made by another.
    #[error("the welcome is not signed by the author of its commit")]
    Signature,
    /// The welcome is not the one that the author sent, or is for others.
    #[error("the welcome is not the one that the author of the commit sent")]
    Welcome,
    /// The device list is not the signed one, or not the group's.
    #[error("the device list that came with the welcome is not the group's")]
    DeviceList,
    /// The group is another channel's, another hub's or another network's.
    #[error("the welcome leads into another channel than it says")]
    OtherChannel,
    /// Its author was not entitled to admit this device, or a member should not be there.
    #[error("the welcome breaks the rules of channels: {0}")]
    NotEntitled(String),
    /// The channel follows rules that this program doesn't know. Keep the welcome for a newer one.
    #[error("joining this channel needs a newer version of this program")]
    NeedsNewerVersion,
    /// The channel goes by a network bundle that is not here. Keep the welcome, and offer it again
    /// with that bundle.
    #[error("the channel goes by the network bundle {0}, which is not here")]
    BundleMissing(BundleHash),
    /// The policy cannot be read.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// MLS refuses the welcome.
    #[error(transparent)]
    Mls(JoinError),
    /// This device knows the channel beyond the welcome: it is an old one.
    #[error("this device is in the channel already")]
    AlreadyMember,
    /// This device is a member still. Keep the welcome, and offer it again when the log up to it has
    /// been handled, or this device has been removed.
    #[error("the log before the welcome comes first")]
    LogFirst,
    /// The store failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

impl From<JoinError> for JoinRefused {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::State(error) => Self::Channel(error.into()),
            error => Self::Mls(error),
        }
    }
}
