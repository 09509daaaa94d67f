//! Channels that move to another hub: votes go to the relays of the other authorities, copies come
//! together at the next hub, and whoever went on without it finds out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use enlace_identity::canonical::sha256;
use enlace_identity::names::{DeviceName, Domain};
use enlace_log::{
    ChainHash, ChannelId, HubStatement, Item, ItemKind, Seq, SignedHead, VerifiedHead,
    VerifiedHubVote,
};
use enlace_proto::relay::v1::{
    FetchHeadCertificateRequest, FetchRangeRequest, FetchRangeResponse, HubVotes,
    PublishHubVotesRequest,
};
use enlace_transport::{CallError, Connection};
use tracing::{debug, info, warn};

use super::CALL_TIME;
use super::link::Link;
use crate::calls::short;
use crate::head_certificates::HeadCertificateError;
use crate::hub::{self, Moving, TakenOver, TakingOver, Unavailable, hubs_of, votes_of_newest_move};
use crate::server::Context;
use crate::storage::{ReadStorage, StorageError};

/// How often a next hub looks whether everybody was heard.
const LOOK: Duration = Duration::from_secs(1);

/// After how many looks those who were not heard are told the votes again.
const TELL_AGAIN: u64 = 5;

/// Answers of another relay that are looked at for one channel in one go.
const MOST_PAGES: usize = 64;

/// Takes votes in, and has what follows done.
pub(crate) async fn take(
    context: &Context,
    channel: ChannelId,
    votes: Vec<VerifiedHubVote>,
) -> Result<Option<Moving>, Unavailable> {
    let moving = context.hub().vote(channel, votes).await?;
    if let Some(next) = moving.as_ref().and_then(|moving| moving.next.clone()) {
        // It waits to hear where the copies of others end.
        context.links().follow(&next, channel);
    }
    Ok(moving)
}

/// What another relay's votes say beyond what counts here: it may hold more of the log, or have seen
/// it move.
pub(crate) async fn ask_further(
    context: &Arc<Context>,
    authority: &Domain,
    channel: ChannelId,
    votes: Vec<VerifiedHubVote>,
    moving: &Moving,
) {
    if moving.is_behind {
        catch_up(context, authority, channel).await;
        if let Err(error) = take(context, channel, votes.clone()).await {
            warn!(channel = %short(&channel), %error, "votes cannot be judged");
        }
    }
    let since = votes.iter().filter(|vote| vote.channel == channel).map(|vote| vote.fence).min();
    let is_elsewhere = !moving.is_behind && moving.next.is_none();
    let Some(since) = since.filter(|_| is_elsewhere && moving.refused.is_some()) else { return };
    let Some(link) = context.links().link(authority) else { return };
    if link.may_look(channel) {
        look(context, authority, channel, since).await;
    }
}

/// Copies what another relay holds beyond this one's copy, under the signatures of its hubs.
async fn catch_up(context: &Context, authority: &Domain, channel: ChannelId) {
    for _ in 0..MOST_PAGES {
        let Ok(Some(record)) = context.hub().channel(channel).await else { return };
        let from = record.tail.seq.next();
        match page(context, authority, channel, from).await {
            Ok(Some(Page { items, head, signer, .. })) => {
                let copy = hub::Copy { hub: signer, items, head };
                if let Err(error) = context.hub().ingest(copy).await {
                    debug!(channel = %short(&channel), %authority, %error, "not copied");
                    return;
                }
                context.links().moved(channel);
            }
            Ok(None) => return,
            Err(error) => {
                debug!(channel = %short(&channel), %authority, %error, "no more of a log comes");
                return;
            }
        }
    }
}

/// Looks in another relay's log for the statement of a hub that took over after `since`, and that this
/// log does not have. If it did so before what is here, this relay follows it from now on.
pub(super) async fn look(context: &Context, authority: &Domain, channel: ChannelId, since: Seq) {
    match find_take_over(context, authority, channel, since).await {
        Ok(Some(taken_over)) => match context.hub().displace(taken_over).await {
            Ok(hub) if hub == *context.domain() => catch_up(context, authority, channel).await,
            Ok(hub) => context.links().follow(&hub, channel),
            Err(error) => {
                warn!(channel = %short(&channel), %authority, %error, "a take-over is not believed");
            }
        },
        Ok(None) => {}
        Err(error) => debug!(channel = %short(&channel), %authority, %error, "nothing is found"),
    }
}

async fn find_take_over(
    context: &Context,
    authority: &Domain,
    channel: ChannelId,
    since: Seq,
) -> Result<Option<TakenOver>, PageError> {
    let (mut from, mut before) = (since, None);
    for _ in 0..MOST_PAGES {
        let Some(page) = page(context, authority, channel, from).await? else { return Ok(None) };
        let Page { items, signer, before: found, last, .. } = page;
        if let Some(first) = items.first().filter(|item| takes_over(item))
            && let Some(before) = before.or(found)
            && !is_here(context, channel, first, &before).await
        {
            return Ok(Some(TakenOver { statement: first.clone(), before, signer }));
        }
        from = items.last().map_or(from, |item| item.seq.next());
        before = Some(last);
    }
    Ok(None)
}

/// Whether this log has an item of another one's at the same place.
async fn is_here(context: &Context, channel: ChannelId, item: &Item, before: &ChainHash) -> bool {
    let here = context.hub().chain_at(channel, item.seq).await;
    here.is_ok_and(|here| here == Some(item.chain_after(before)))
}

fn takes_over(item: &Item) -> bool {
    let is_statement = item.sealed.envelope().kind == ItemKind::HubStatement;
    let statement = item.sealed.payload().filter(|_| is_statement);
    let statement = statement.and_then(|payload| HubStatement::decode(payload).ok());
    statement.is_some_and(|statement| statement.taken_over.is_some())
}

/// Items of another relay's log that lead to a head that one of its hubs signed.
struct Page {
    items: Vec<Item>,
    head: VerifiedHead,
    signer: Domain,
    /// The chain before the first item, where the one before it was asked for.
    before: Option<ChainHash>,
    /// The chain up to and with the last item.
    last: ChainHash,
}

#[derive(Debug, thiserror::Error)]
enum PageError {
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Item(#[from] enlace_log::item::ItemError),
    #[error(transparent)]
    Head(#[from] HeadCertificateError),
    #[error("the items do not lead to the head")]
    Chain,
}

async fn page(
    context: &Context,
    authority: &Domain,
    channel: ChannelId,
    from: Seq,
) -> Result<Option<Page>, PageError> {
    let request = FetchRangeRequest {
        channel: Some(channel.to_wire()),
        from_seq: from.0,
        max_items: 0,
        hub: String::new(),
    };
    let answer = context.links().call(authority, &request).await;
    let range = answer.map_err(|refusal| PageError::Refused(refusal.to_string()))?;
    let FetchRangeResponse { items, head } = range;
    let (Some(first), Some(head)) = (items.first(), head) else { return Ok(None) };
    let first = ChainHash::try_from(&first.chain[..]).map_err(|_| PageError::Chain)?;
    let head = SignedHead::from_wire(channel, &head).map_err(HeadCertificateError::from)?;
    let (head, signer) = verified(context, authority, head).await?;
    let items = items.into_iter().map(|item| Item::from_wire(channel, item));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    let last = items.iter().skip(1).fold(first, |chain, item| item.chain_after(&chain));
    let end = items.last().map(|item| item.seq);
    if (Some(head.head().seq), head.head().chain) != (end, last) {
        return Err(PageError::Chain);
    }
    Ok(Some(Page { items, head, signer, before: None, last }))
}

/// Verifies a head, whoever of the network's hubs signed it; an unknown key's certificate is asked for
/// where the head came from.
pub(super) async fn verified(
    context: &Context,
    authority: &Domain,
    head: SignedHead,
) -> Result<(VerifiedHead, Domain), HeadCertificateError> {
    let certificates = context.head_certificates();
    match certificates.verify_any(head.clone()).await {
        Err(HeadCertificateError::Unknown(signer)) => {
            let request = FetchHeadCertificateRequest { signer: signer.0.to_vec() };
            if let Ok(answer) = context.links().call(authority, &request).await {
                certificates.learn(&answer.certificates).await?;
            }
            certificates.verify_any(head).await
        }
        verified => verified,
    }
}

/// Takes channels over when it is time, and goes on with what was under way, for as long as the relay
/// runs.
pub(crate) async fn watch(context: Arc<Context>) {
    let mut changes = context.hub().moves().watch();
    for channel in context.hub().moves().known() {
        if let Err(error) = take(&context, channel, Vec::new()).await {
            warn!(channel = %short(&channel), %error, "votes cannot be judged");
        }
    }
    for look in 0_u64.. {
        changes.mark_unchanged();
        context.links().wake_all();
        let asks_again = look % TELL_AGAIN == 0;
        let due = context.hub().moves().to_take_over();
        for channel in &due {
            match context.hub().take_over(*channel).await {
                Ok(TakingOver { is_done: true, .. }) => {
                    info!(channel = %short(channel), "a channel was taken over");
                    context.links().moved(*channel);
                }
                Ok(TakingOver { unheard, .. }) if asks_again => {
                    // Who has heard of the votes shows where its copy ends.
                    for link in unheard.iter().filter_map(|domain| context.links().link(domain)) {
                        link.forget_votes(channel);
                        link.wake();
                    }
                }
                Ok(_) => {}
                Err(error) => warn!(channel = %short(channel), %error, "not taken over"),
            }
        }
        tokio::select! {
            biased;
            changed = changes.changed() => if changed.is_err() {
                return;
            },
            () = tokio::time::sleep(LOOK), if !due.is_empty() => {}
        }
    }
}

/// Whether there are votes that the authority's relay has not been told.
pub(super) async fn is_due(context: &Context, authority: &Domain, link: &Link) -> bool {
    !context.hub().moves().known().is_empty()
        && untold(context, authority, link).await.is_ok_and(|untold| !untold.is_empty())
}

/// Hands votes over, now and whenever there are others; returns when the other doesn't answer.
pub(super) async fn run(
    context: &Context,
    authority: &Domain,
    link: &Link,
    connection: &Connection,
) -> CallError {
    let mut changes = context.hub().moves().watch();
    loop {
        changes.mark_unchanged();
        let untold = untold(context, authority, link).await.unwrap_or_else(|error| {
            warn!(%authority, %error, "the votes that wait for a relay cannot be read");
            BTreeMap::new()
        });
        for ((channel, hash), votes) in untold {
            let votes = HubVotes { channel: Some(channel.to_wire()), votes };
            match connection.call(&PublishHubVotesRequest { votes: Some(votes) }, CALL_TIME).await {
                Ok(_) => link.tell_votes(channel, hash),
                Err(CallError::Refused(refusal)) => {
                    debug!(channel = %short(&channel), %authority, %refusal, "votes not taken");
                    link.tell_votes(channel, hash);
                }
                Err(error) => return error,
            }
        }
        tokio::select! {
            biased;
            changed = changes.changed() => if changed.is_err() {
                std::future::pending::<()>().await;
            },
            () = link.has_forgotten_votes() => {}
        }
    }
}

type Untold = BTreeMap<(ChannelId, [u8; 32]), Vec<Vec<u8>>>;

async fn untold(
    context: &Context,
    authority: &Domain,
    link: &Link,
) -> Result<Untold, hub::ReadError> {
    let theirs = authority.clone();
    let channels = context.hub().moves().known();
    let read = move |storage: &mut dyn ReadStorage| votes_for(storage, &channels, &theirs);
    let mut untold = context.hub().query(read).await?;
    untold.retain(|(channel, hash), _| !link.knows_votes(channel, hash));
    Ok(untold)
}

/// The votes for moving each channel that concern an authority, and those by which it moved: it has
/// members there, or orders or ordered what they end, and would go on as the hub.
fn votes_for(
    storage: &mut dyn ReadStorage,
    channels: &[ChannelId],
    authority: &Domain,
) -> Result<Untold, StorageError> {
    let mut found = Untold::new();
    for channel in channels {
        let Some(hubs) = hubs_of(storage, channel)? else { continue };
        let readers = storage.readers(channel)?;
        let is_theirs = |device: &DeviceName| device.domain() == authority;
        let are_in = readers.iter().any(|(device, range)| range.to.is_none() && is_theirs(device));
        let present = storage.hub_votes(channel)?.into_iter().map(|(_, vote)| vote.to_vec());
        let newest = votes_of_newest_move(storage, channel)?;
        let former = hubs.moved_at().map(|seq| hubs.before(seq));
        let of_each = [(present.collect(), Some(hubs.newest())), (newest, former)];
        for (votes, hub) in of_each {
            if !votes.is_empty() && (are_in || hub == Some(authority)) {
                found.insert((*channel, sha256(&votes.concat())), votes);
            }
        }
    }
    Ok(found)
}
