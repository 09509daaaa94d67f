//! Witnessing: relays with members in one channel show each other the newest head that its hub gave
//! them. A hub that tells two of them two histories is caught, with proof, though no member writes.
//!
//! ```text
//! a copy grows ── moved ── watch: whom it concerns ── due ─┐            ┌─ the other relay
//!                                                          ├─ keep ─────┤
//! a head that the other showed ───────────────────── shown ┘            └─ judge
//! ```
//!
//! Followers of a channel tell each other as their copies grow, and its hub when their link to it
//! comes up: what a hub says after that the subscription brings. A hub tells nobody of itself; it
//! answers. Only an authority with members in the channel is told, and both sides look. Where no
//! link is up, the other is visited, seldom: dialled, told, left. Where nothing is written, nothing
//! is sent.

mod judge;
mod state;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use enlace_identity::names::Domain;
use enlace_log::{ChannelId, Seq, SignedHead, VerifiedHead};
use enlace_proto::relay::v1::{ExchangeHeadsRequest, KnownHead};
use enlace_transport::{CallError, CloseCode, Connection};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::link::Link;
use super::{CALL_TIME, follow, session};
use crate::calls::{MAX_HEADS, short};
use crate::hub::{ReadError, Reader};
use crate::server::{Context, newest_head};
use crate::storage::{ChannelRecord, ReadStorage, Role, StorageError};

pub(super) use self::state::{Moved, Witness};

/// Heads that move within so long, or up to twice that, are told together.
const TOGETHER: Duration = Duration::from_secs(3);

/// How long, or up to twice that, a relay that no link leads to is not visited again, and one that
/// answers without saying anything is left alone.
const REST: Duration = Duration::from_secs(5 * 60);

/// Channels read from the storage at a time.
const PORTION: usize = 256;

/// Finds out whom the heads that moved concern, for as long as the relay runs.
pub(crate) async fn watch(context: Arc<Context>) {
    let moved = &context.links().moved;
    let mut channels = match followed(&context).await {
        Ok(channels) => channels,
        Err(error) => {
            warn!(%error, "the followed channels cannot be read: their heads are not compared");
            Vec::new()
        }
    };
    loop {
        tokio::time::sleep(about(&context, TOGETHER)).await;
        channels.extend(moved.take());
        for portion in channels.chunks(PORTION) {
            if let Err(error) = sort(&context, portion.to_vec()).await {
                warn!(%error, "whom a head concerns cannot be read");
            }
        }
        channels.clear();
        moved.changed().await;
    }
}

/// Tells one authority what concerns it, and judges what it shows, for as long as the relay runs.
pub(crate) async fn keep(context: Arc<Context>, authority: Domain) {
    let Some(link) = context.links().link(&authority) else { return };
    let link = &*link;
    let witness = link.witness();
    let (mut call_from, mut visit_from) = (Instant::now(), Instant::now());
    loop {
        tokio::select! {
            biased;
            () = witness.woken() => {}
            () = reachable(link, witness.wish(), call_from, visit_from) => {}
        }
        judge::all(&context, &authority, link, None).await;
        let (wish, now) = (witness.wish(), Instant::now());
        if wish.is_none_or(|wish| wish.max(call_from) > now) {
            continue;
        }
        let live = link.live();
        let visit = match &live {
            None if visit_from <= now => {
                visit_from = now + about(&context, REST);
                session::dial(&context, &authority)
                    .await
                    .inspect_err(|error| debug!(%authority, %error, "a witness is not reached"))
                    .ok()
            }
            _ => None,
        };
        let Some(connection) = live.as_ref().or(visit.as_ref()) else { continue };
        if let Err(error) = exchange(&context, &authority, link, connection).await {
            debug!(%authority, %error, "heads were not exchanged");
            if connection.lost().is_none() {
                call_from = Instant::now() + about(&context, REST);
            }
        }
        judge::all(&context, &authority, link, Some(connection)).await;
        if let Some(visit) = visit {
            // To be asked later, it would have to be visited again.
            if witness.wish().is_some() {
                tokio::time::sleep(judge::PATIENCE).await;
                judge::all(&context, &authority, link, Some(&visit)).await;
            }
            visit.close(CloseCode::Done);
        }
    }
}

/// Waits until the other is to be spoken to, and can be.
async fn reachable(link: &Link, wish: Option<Instant>, call_from: Instant, visit_from: Instant) {
    let Some(wish) = wish else { return std::future::pending().await };
    tokio::time::sleep_until(wish.max(call_from)).await;
    tokio::select! {
        biased;
        () = link.up() => {}
        () = tokio::time::sleep_until(visit_from) => {}
    }
}

/// Shows all that is due; what the other shows in turn waits to be judged.
async fn exchange(
    context: &Context,
    authority: &Domain,
    link: &Link,
    connection: &Connection,
) -> Result<(), CallError> {
    let witness = link.witness();
    loop {
        let page = witness.take_due(MAX_HEADS);
        if page.is_empty() {
            return Ok(());
        }
        let mut heads = Vec::new();
        for channel in page.iter().copied() {
            let reader = Reader::Relay(authority.clone());
            // Whoever has no members there any more is told nothing.
            if let Ok(Some(head)) = newest_head(context, channel, reader).await {
                heads.push((channel, head));
            }
        }
        if heads.is_empty() {
            continue;
        }
        let known_heads = heads.iter().map(|(channel, head)| KnownHead {
            channel: Some(follow::wire_id(*channel)),
            head: Some(head.clone()),
        });
        let request = ExchangeHeadsRequest { known_heads: known_heads.collect() };
        let answer = connection.call(&request, CALL_TIME).await;
        let answer = answer.inspect_err(|_| witness.owe(page.iter().copied()))?;
        for (channel, head) in &heads {
            witness.told(*channel, Seq(head.seq));
        }
        let shown = answer.known_heads.iter().filter_map(read);
        for head in shown.filter(|head| page.contains(&head.unverified_head().channel)) {
            witness.show(head);
        }
        judge::all(context, authority, link, Some(connection)).await;
    }
}

fn read(known: &KnownHead) -> Option<SignedHead> {
    let channel = ChannelId::try_from(&known.channel.as_ref()?.value[..]).ok()?;
    SignedHead::from_wire(channel, known.head.as_ref()?).ok()
}

/// A relay shows this hub a head with its own signature that its log does not have: the store was
/// restored from an older copy, which the hub recovers from, or a clone of it runs elsewhere.
async fn shown_own_signature(context: &Context, witness: &Domain, shown: VerifiedHead) {
    // That it was not noted is found out when it is shown again.
    let _ = context.hub().show(shown.clone()).await;
    let head = shown.head();
    error!(channel = %short(&head.channel), hub = %context.domain(), %witness, seq = %head.seq,
        "this hub's own signature is shown to it for what its log does not have");
}

async fn followed(context: &Context) -> Result<Vec<ChannelId>, ReadError> {
    let (mut followed, mut after) = (Vec::new(), None);
    loop {
        let read = move |storage: &mut dyn ReadStorage| storage.channels(after.as_ref(), PORTION);
        let page = context.hub().query(read).await?;
        let Some(last) = page.last() else { return Ok(followed) };
        after = Some(last.channel);
        let copies = page.iter().filter(|record| record.role == Role::Follower);
        followed.extend(copies.map(|record| record.channel));
    }
}

/// Makes the heads of these channels due at every other authority that follows them, unless it has
/// been told.
async fn sort(context: &Context, channels: Vec<ChannelId>) -> Result<(), ReadError> {
    let read = move |storage: &mut dyn ReadStorage| {
        let copies = channels.iter().map(|channel| copy_of(storage, channel));
        copies.collect::<Result<Vec<_>, _>>()
    };
    for (record, followers) in context.hub().query(read).await?.into_iter().flatten() {
        for link in followers.iter().filter_map(|authority| context.links().link(authority)) {
            link.witness().owe_news(record.channel, record.tail.seq);
        }
    }
    Ok(())
}

/// A channel that is ordered elsewhere, and the authorities that have members in it, its hub's
/// aside.
fn copy_of(
    storage: &mut dyn ReadStorage,
    channel: &ChannelId,
) -> Result<Option<(ChannelRecord, BTreeSet<Domain>)>, StorageError> {
    let record = storage.channel(channel)?.filter(|record| record.role == Role::Follower);
    let Some(record) = record else { return Ok(None) };
    let readers = storage.readers(channel)?.into_iter();
    let present = readers.filter(|(_, range)| range.to.is_none());
    let authorities = present.map(|(device, _)| device.domain().clone());
    let followers = authorities.filter(|authority| *authority != record.hub).collect();
    Ok(Some((record, followers)))
}

/// So long, or up to twice that: two relays don't do the same at once for ever.
fn about(context: &Context, time: Duration) -> Duration {
    let [random] = context.entropy().bytes();
    time + time * u32::from(random) / 255
}
