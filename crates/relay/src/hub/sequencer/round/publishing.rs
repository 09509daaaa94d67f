//! Tells readers what a round has made durable.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use enlace_log::{ChannelId, SignedHead};

use super::Grown;
use crate::hub::access::Access;
use crate::hub::batch::{EncodedBatch, LogBatch};
use crate::hub::core::ChannelState;
use crate::hub::feed::{FeedState, Feeds};
use crate::hub::sequencer::cache::Cache;
use crate::hub::subscription::Source;
use crate::hub::welcome::WelcomeBoard;
use crate::storage::{self, LogWrite, Role, SideWrite, StoredItem, WriteBatch};

/// Tells those whom welcomes are for.
pub(super) fn announce(writes: &WriteBatch, welcomes: &WelcomeBoard) {
    for write in &writes.log {
        if let LogWrite::Welcome { devices, domains, .. } = write {
            welcomes.announce(devices, !domains.is_empty());
        }
    }
    if writes.side.iter().any(|write| matches!(write, SideWrite::WelcomeWanted { .. })) {
        welcomes.announce(&[], true);
    }
}

/// A transaction of which an error was heard may be stored all the same. Its readers are told, as
/// soon as it can be read: after a commit that nobody knows of, no item comes that would wake them.
pub(super) fn tell_of_stored(cache: &mut Cache, feeds: &Feeds, source: &Source) {
    for channel in cache.take_doubts() {
        let Some(feed) = feeds.find(&channel) else { continue };
        let Some(known) = feed.state() else { continue };
        match stored(cache, &channel, source) {
            Ok(Some(state)) if state.tail > known.tail => feeds.publish(&feed, Vec::new(), state),
            Ok(_) => {}
            Err(_) => cache.doubt(&channel),
        }
    }
}

/// Where a channel stands in the storage.
fn stored(
    cache: &mut Cache,
    channel: &ChannelId,
    source: &Source,
) -> Result<Option<FeedState>, storage::StorageError> {
    let Some(state) = cache.find(channel)? else { return Ok(None) };
    let Some(tail) = state.tail_seq() else { return Ok(None) };
    let (role, chain) = (state.role(), state.chain());
    let access = Arc::new(Access::of(state.membership()));
    let incarnations = Arc::new(state.incarnations().clone());
    let (hubs, is_next_hub) = (Arc::new(state.hubs().clone()), state.is_next_hub());
    let head = if *hubs.at(tail) == source.own {
        let incarnation = state.incarnations().newest();
        Some(source.head_key.sign(*channel, incarnation, tail, chain).signed().clone())
    } else {
        cache.head_at(channel, tail)?
    };
    let state = |head| FeedState { role, is_next_hub, tail, head, access, incarnations, hubs };
    Ok(head.map(state))
}

/// Notes which channels this relay is to take over: before their readers are told, so that whoever
/// begins to read in between finds it.
pub(super) fn note_next_hubs(cache: &Cache, turned: &BTreeSet<ChannelId>, source: &Source) {
    for state in turned.iter().filter_map(|channel| cache.get(channel)) {
        source.moves.set_to_take_over(state.channel(), state.is_next_hub());
    }
}

/// Tells the readers of channels to which this relay is something else now.
pub(super) fn tell_of_turned(
    cache: &mut Cache,
    turned: &[ChannelId],
    feeds: &Feeds,
    source: &Source,
) {
    for channel in turned {
        let Some(feed) = feeds.find(channel) else { continue };
        if let Ok(Some(state)) = stored(cache, channel, source) {
            feeds.publish(&feed, Vec::new(), state);
        }
    }
}

/// Tells the readers of each channel that grew; the signed head of each.
pub(super) fn publish(
    cache: &Cache,
    grown: BTreeMap<ChannelId, Grown>,
    feeds: &Feeds,
    source: &Source,
) -> HashMap<ChannelId, SignedHead> {
    let mut heads = HashMap::with_capacity(grown.len());
    for (channel, Grown { items, head, access_changed, back_to, has_erased, .. }) in grown {
        if back_to.is_some() || has_erased {
            source.catch_up.forget(channel);
            if let Some(feed) = feeds.find(&channel) {
                feed.forget();
            }
        }
        let last = items.last().or(back_to.as_ref());
        let (Some(last), Some(state)) = (last, cache.get(&channel)) else { continue };
        let incarnations = state.incarnations();
        let sign = || {
            let incarnation = incarnations.at(last.seq);
            source.head_key.sign(channel, incarnation, last.seq, last.chain).signed().clone()
        };
        let head = head.unwrap_or_else(sign);
        heads.insert(channel, head.clone());
        let Some(feed) = feeds.find(&channel) else { continue };
        let batches = encoded(channel, &items, &head, state, source);
        let known = feed.state().filter(|_| !access_changed).map(|state| state.access.clone());
        let access = known.unwrap_or_else(|| Arc::new(Access::of(state.membership())));
        let incarnations = feed.state().map(|state| state.incarnations.clone());
        let incarnations = incarnations.filter(|known| **known == *state.incarnations());
        let incarnations = incarnations.unwrap_or_else(|| Arc::new(state.incarnations().clone()));
        let role = state.role();
        let (hubs, is_next_hub) = (Arc::new(state.hubs().clone()), state.is_next_hub());
        let tail = last.seq;
        let state = FeedState { role, is_next_hub, tail, head, access, incarnations, hubs };
        feeds.publish(&feed, batches, state);
    }
    heads
}

/// What a round added to a channel, as it travels. Whatever cannot be encoded is left out: its
/// readers find it in the storage and learn there what is wrong with it.
fn encoded(
    channel: ChannelId,
    items: &[StoredItem],
    head: &SignedHead,
    state: &ChannelState,
    source: &Source,
) -> Vec<EncodedBatch> {
    let incarnations = state.incarnations();
    let batches: Vec<_> = match state.role() {
        Role::Hub => {
            LogBatch::split(channel, items, head, &source.head_key, incarnations).collect()
        }
        Role::Follower => vec![LogBatch::new(channel, items, head.clone())],
    };
    batches.into_iter().flatten().flat_map(EncodedBatch::new).collect()
}
