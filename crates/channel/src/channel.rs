//! A channel as one member has it: the MLS group, where its copy of the log stands, and what of
//! its own waits for a place.
//!
//! Sans-IO: items and commands go in; [`Event`]s, [`Outgoing`] items and writes to the state
//! store come out. The caller verifies positions, chain and signed heads with
//! [`Replica`] before it hands an item in, keeps each call in one
//! transaction, and loads the channel anew when it abandons one.
//!
//! The flow of an item: [`Channel::handle_item`] opens a savepoint, decrypts, checks that envelope,
//! AAD, sender and content fit together, judges a commit by [`crate::rules`], and either merges or
//! rolls back without a trace.

mod act;
mod agreement;
mod bundle;
mod context;
mod create;
mod event;
mod heads;
mod join;
mod moving;
mod outgoing;
mod put_back;
mod receive;
mod rewind;
mod roster;
mod seal;
mod state;
mod succession;

use enlace_identity::bundle::{Bundle, BundleHash};
use enlace_identity::canonical::Writer;
use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::keys::PublicKey;
use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::{
    ChainStart, ChannelId, DeviceList, Envelope, Generation, Hubs, Incarnation, Incarnations,
    QuotedHead, Replica, Seq, VerifiedHead,
};

use crate::credential::device_name;
use crate::mls::{
    CommitDetails, EpochAuthenticator, Group, GroupError, GroupId, GroupView, MergeError, Suite,
};
use crate::policy::{Policy, PolicyError};
use crate::rules;
use crate::state_store::StateError;

pub use act::{Admission, Command};
pub use agreement::Agreement;
pub use context::{Context, Device, LogBook};
pub use create::ChannelDraft;
pub use event::{Culprit, Event};
pub use join::{JoinOffer, JoinRefused};
pub use moving::{MoveStanding, VoteError};
pub use outgoing::Outgoing;
pub use rewind::Rewound;
pub use seal::SealError;
pub use state::{Standing, next_submit_counter, raise_submit_counter, submit_counter};
pub use succession::{Foundation, SuccessionDraft};

use roster::Roster;
use state::State;

/// A channel of this device.
pub struct Channel {
    group: Group,
    state: State,
    policy: Policy,
    roster: Roster,
    /// The network's bundle as a commit brought it that was handled since the channel was loaded.
    learned: Option<Bundle>,
}

/// The id of a channel's group (PROTOCOL.md §3.11).
#[must_use]
pub fn group_id(channel: ChannelId, generation: Generation) -> GroupId {
    GroupId(Writer::new("enlace group v1").fixed(&channel.0).u64(generation.0).hash())
}

impl Channel {
    /// Loads a channel; `None` when this device never joined it.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn load(ctx: &Context<'_>, id: ChannelId) -> Result<Option<Self>, ChannelError> {
        let Some(state) = State::load(ctx.store, id)? else { return Ok(None) };
        let provider = ctx.backend.on(ctx.store);
        let group = Group::load(&provider, group_id(id, state.group_generation()))?;
        let group = group.ok_or(ChannelError::Group(GroupError::Unknown))?;
        Self::of_group(group, state).map(Some)
    }

    /// Which channel this is.
    #[must_use]
    pub fn id(&self) -> ChannelId {
        self.state.channel()
    }

    /// The domain of the authority whose relay orders it.
    #[must_use]
    pub fn hub(&self) -> Domain {
        self.hubs().newest().clone()
    }

    /// Whose relays ordered which part of this copy of the log.
    #[must_use]
    pub fn hubs(&self) -> Hubs {
        self.state.hubs()
    }

    /// How this device stands to it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.state.standing
    }

    /// Its policy: title, roles and the rest.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its suite: which keys protect what is said.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.group.suite()
    }

    /// The same bytes at every member of this epoch.
    #[must_use]
    pub fn epoch_authenticator(&self) -> EpochAuthenticator {
        self.group.epoch_authenticator()
    }

    /// Its members, their certificates and keys.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn view(&self) -> Result<GroupView, ChannelError> {
        Ok(self.group.view()?)
    }

    /// The devices in the group whose certificates their authority has withdrawn, each with the list
    /// that does. `list` looks for one, and is asked about suspects alone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn withdrawn(
        &self,
        ctx: &Context<'_>,
        is_suspect: impl Fn(&DeviceName) -> bool,
        list: impl Fn(&VerifiedLeaf) -> Option<Vec<u8>>,
    ) -> Result<Vec<(DeviceName, Vec<u8>)>, ChannelError> {
        if !self.devices().iter().any(&is_suspect) {
            return Ok(Vec::new());
        }
        let Ok(state) = rules::State::of_view(&self.view()?) else { return Ok(Vec::new()) };
        let bundle = self.present_bundle(ctx)?;
        let suspects = state.members.into_iter().filter(|(device, _)| is_suspect(device));
        Ok(suspects
            .filter_map(|(device, leaf)| {
                let verified = leaf.verify_at_some_time(bundle).ok()?;
                Some((device, list(verified.leaf())?))
            })
            .collect())
    }

    /// The devices in the group.
    #[must_use]
    pub fn devices(&self) -> DeviceList {
        self.roster.list()
    }

    /// The key with which a device stands in the group.
    #[must_use]
    pub fn device_key(&self, device: &DeviceName) -> Option<PublicKey> {
        self.roster.seat(device).map(|seat| seat.key)
    }

    /// This copy of the log, to verify the next batch with. After the batch is handled, hand its
    /// new position to [`Self::advance`].
    #[must_use]
    pub fn replica(&self) -> Replica {
        let (next, chain) = self.state.position();
        match next.0.checked_sub(1) {
            Some(last) => {
                let incarnation = self.state.incarnations().newest();
                Replica::after(self.id(), Seq(last), chain, incarnation)
            }
            None => Replica::from_start(&self.chain_start()),
        }
    }

    /// Which incarnation of the hub ordered which part of this copy of the log.
    #[must_use]
    pub fn incarnations(&self) -> Incarnations {
        self.state.incarnations()
    }

    /// The newest signed head known of one of the hub's incarnations.
    #[must_use]
    pub fn head_of(&self, incarnation: Incarnation) -> Option<QuotedHead> {
        QuotedHead::decode(self.state.head_of(incarnation)?).ok()
    }

    /// The first position that this device knows the state of: its admission, or where it was put back.
    #[must_use]
    pub fn anchor(&self) -> Seq {
        self.state.anchor()
    }

    /// Where this membership began: that position, or an earlier one, if this device was put back since.
    #[must_use]
    pub fn member_since(&self) -> Seq {
        self.state.member_since()
    }

    /// The newest commit item processed.
    #[must_use]
    pub fn fence(&self) -> Option<Seq> {
        self.state.fence()
    }

    /// The newest commit held valid.
    #[must_use]
    pub fn last_valid_commit(&self) -> Option<Seq> {
        self.state.last_valid()
    }

    /// Whether a commit of this device waits for its place.
    #[must_use]
    pub fn has_pending_commit(&self) -> bool {
        self.state.pending.is_some()
    }

    /// How many items this device has encrypted since it last renewed its keys here.
    #[must_use]
    pub fn own_messages_since_update(&self) -> u64 {
        self.state.own_messages_since_update
    }

    /// Devices that asked to be removed and still are members.
    pub fn leaving(&self) -> impl Iterator<Item = DeviceName> {
        self.state.leaving.keys().filter_map(|device| device.parse().ok())
    }

    /// The newest signed head known, as items quote it.
    #[must_use]
    pub fn known_head(&self) -> Option<QuotedHead> {
        QuotedHead::decode(self.state.known_head.as_ref()?).ok()
    }

    /// Everything up to `head` was verified and handled.
    ///
    /// # Errors
    /// When the store fails.
    pub fn advance(
        &mut self,
        ctx: &Context<'_>,
        replica: &Replica,
        head: &VerifiedHead,
    ) -> Result<Vec<Event>, ChannelError> {
        self.state.set_position(replica.next_seq(), replica.chain());
        let events = self.note_head(ctx, head);
        self.state.save(ctx.store)?;
        Ok(events)
    }

    /// Which versions of the rules the channel could follow, and who is in the way.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn rules_standing(&self, ctx: &Context<'_>) -> Result<RulesStanding, ChannelError> {
        let present = self.policy.rules_version();
        let next = present.saturating_add(1);
        if !ctx.backend.rules().applies(present) {
            return Ok(RulesStanding::NeedsNewerVersion);
        }
        if !ctx.backend.rules().applies(next) {
            return Ok(RulesStanding::Newest);
        }
        let view = self.view()?;
        let behind = view.members.iter().filter(|member| !member.rules.has(next));
        let behind: DeviceList =
            behind.filter_map(|member| device_name(&member.chain).ok()).collect();
        Ok(if behind.iter().next().is_none() {
            RulesStanding::CanRise { next }
        } else {
            RulesStanding::WaitsFor { next, behind }
        })
    }

    /// Whether this device's leaf is out of date, so that a self-update is due: the device has another
    /// certificate now, or another program than the leaf says.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn has_outdated_leaf(&self, ctx: &Context<'_>) -> Result<bool, ChannelError> {
        Ok(self.has_other_certificate(ctx)? || self.states_other_rules(ctx)?)
    }

    pub(in crate::channel) fn has_other_certificate(
        &self,
        ctx: &Context<'_>,
    ) -> Result<bool, ChannelError> {
        let view = self.view()?;
        let own = view.member(self.group.own_leaf());
        Ok(own.is_some_and(|own| own.chain != ctx.device.chain))
    }

    fn states_other_rules(&self, ctx: &Context<'_>) -> Result<bool, ChannelError> {
        let own = self.group.own_leaf();
        let view = self.view()?;
        let stated = view.member(own).map(|member| &member.rules);
        Ok(stated.is_some_and(|stated| *stated != ctx.backend.rules().stated()))
    }

    /// The verdict on a commit, by the rules and at the hub that the channel has now.
    pub(in crate::channel) fn judge(
        &self,
        ctx: &Context<'_>,
        details: &CommitDetails,
        envelope: &Envelope,
        received_at: Timestamp,
    ) -> Result<Vec<rules::Act>, rules::JudgeError> {
        rules::judge(self.newest_bundle(ctx), details, envelope, &self.hub(), received_at)
    }

    pub(in crate::channel) fn check_program(&self, ctx: &Context<'_>) -> Result<(), ChannelError> {
        rules::judge_program(ctx.backend.rules(), &self.policy)
            .map_err(|_| ChannelError::NeedsNewerVersion(self.policy.rules_version()))
    }

    fn of_group(group: Group, state: State) -> Result<Self, ChannelError> {
        let policy = Policy::decode(group.policy()?)?;
        let roster = Roster::of(&group.view()?).ok_or(GroupError::Foreign)?;
        Ok(Self { group, state, policy, roster, learned: None })
    }

    fn chain_start(&self) -> ChainStart {
        ChainStart {
            channel: self.id(),
            hub: self.policy.creating_hub().clone(),
            generation: Generation(0),
            predecessor: [0; 32],
        }
    }
}

/// How a channel's rules stand to what its members' programs apply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RulesStanding {
    /// They are the newest that this program applies.
    Newest,
    /// Everybody's program applies the next version: the owner can raise them.
    CanRise {
        /// That version.
        next: u32,
    },
    /// These devices' programs have to be updated before.
    WaitsFor {
        /// The next version.
        next: u32,
        /// The devices.
        behind: DeviceList,
    },
    /// This program itself is too old.
    NeedsNewerVersion,
}

/// A channel could not be loaded or read: the store is damaged, or failed.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The store failed: abandon the transaction.
    #[error(transparent)]
    State(#[from] StateError),
    /// The stored group cannot be read.
    #[error("the channel's group cannot be read")]
    Group(#[from] GroupError),
    /// The channel goes by another network bundle: get that one, then hand the items in again.
    #[error("the channel goes by the network bundle {0}, which is not here")]
    BundleMissing(BundleHash),
    /// A commit came without its content, which is never erased while it counts: whoever delivers
    /// it like this keeps it back. Get it elsewhere, then hand the items in again.
    #[error("the change at {0} came without its content")]
    CommitErased(Seq),
    /// A relay wants to order the channel from here on, and those who decide on that have not voted
    /// for it.
    #[error("{hub} wants to order the channel from now on, against its rules: {reason}")]
    MoveRefused {
        /// Whose relay.
        hub: Domain,
        /// What is wrong.
        reason: String,
    },
    /// This program does not apply the channel's rules, so that it can't judge what comes: hand the
    /// items in again once it is newer.
    #[error("the channel follows rules (version {0}) that need a newer version of this program")]
    NeedsNewerVersion(u32),
    /// A judged commit could not be merged: our bug.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The stored policy cannot be read.
    #[error("the channel's policy cannot be read")]
    Policy(#[from] PolicyError),
}
