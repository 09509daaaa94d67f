//! Opening a channel: a group of one, and the commit that becomes its first item.

use std::collections::BTreeSet;

use enlace_log::{ChainStart, ChannelId, ClientId, DeviceList, Generation, Seq};

use super::roster::Roster;
use super::seal::{Commit, SealError};
use super::state::{Standing, State};
use super::{Channel, ChannelError, Context, Outgoing, group_id};
use crate::mls::{Changes, Group, GroupError, Suite};
use crate::policy::{Policy, former_domains};
use crate::rules;

/// What a new channel is to be.
#[derive(Clone, Debug)]
pub struct ChannelDraft {
    /// Its id, for ever: derived from the hub and a random nonce.
    pub id: ChannelId,
    /// The idempotency key of its first item.
    pub client_id: ClientId,
    /// The key agreement.
    pub suite: Suite,
    /// Title, roles and the rest; this device's officer is the owner, its authority's relay the
    /// hub.
    pub policy: Policy,
}

impl Channel {
    /// Makes the group and the first commit. The channel exists once the hub has accepted it.
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn create(ctx: &Context<'_>, draft: ChannelDraft) -> Result<(Self, Outgoing), SealError> {
        let former = former_domains(ctx.bundle);
        let policy = draft.policy.edit().and_then(|edit| edit.former_domains(former).finish());
        let policy = policy.map_err(SealError::from)?;
        let draft = ChannelDraft { policy, ..draft };
        let mut state = State::new(draft.id, ctx.device.name.domain(), Standing::Member);
        let start = ChainStart {
            channel: draft.id,
            hub: ctx.device.name.domain().clone(),
            generation: Generation(0),
            predecessor: [0; 32],
        };
        state.set_position(Seq(0), start.hash());
        let provider = ctx.backend.on(ctx.store);
        let group = Group::create(
            &provider,
            group_id(draft.id, Generation(0)),
            &ctx.device.key,
            &ctx.device.chain,
            draft.suite,
            draft.policy.encode().as_ref(),
        )
        .map_err(ChannelError::from)?;
        let view = group.view().map_err(ChannelError::from)?;
        rules::judge_creation(ctx.bundle, &view, &ctx.device.name, ctx.now)
            .map_err(|refused| SealError::NotAllowed(refused.to_string()))?;
        let roster = Roster::of(&view).ok_or(ChannelError::from(GroupError::Foreign))?;
        let mut channel = Self { group, state, policy: draft.policy, roster, learned: None };
        let commit = Commit {
            changes: Changes::default(),
            before: DeviceList::default(),
            list: [ctx.device.name.clone()].into_iter().collect(),
            welcomed: BTreeSet::new(),
            judged: false,
        };
        let outgoing = channel.commit(ctx, commit, draft.client_id)?;
        Ok((channel, outgoing))
    }
}
