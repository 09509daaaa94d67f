//! Follows the logs that another authority's relay orders, for this authority's members.
//!
//! One subscription carries all of them. A batch counts only once the hub's signature at its end
//! was verified and its chain leads there; then it is durable, and only then acknowledged. A log
//! that contradicts what this relay holds is followed no further: both signed heads are kept, the
//! operator is told, and this relay's readers are told nothing that might be false.

mod back;
mod batch;

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use enlace_identity::names::Domain;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::{
    self as wire, Cursor, SubscribeRequest, SubscriptionControl, SubscriptionEvent,
    subscription_control::Control, subscription_event::Event,
};
use enlace_transport::{CallError, Connection, FrameSender, SendError, StreamError};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tracing::{debug, warn};

use self::back::{Other, Outcome};
use super::link::Link;
use crate::head_certificates::HeadCertificateError;
use crate::hub::ReadError;
use crate::server::Context;
use crate::storage::{ReadStorage, Role, StorageError};

const OPEN_TIME: Duration = Duration::from_secs(30);

/// Channels that the request names; it has a limited length. The others are added afterwards.
const FIRST_CURSORS: usize = 1000;

/// When a hub that lacks something is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// Channels read from the storage at a time.
const PAGE: usize = 256;

/// Why following breaks off.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    /// The subscription can't be opened.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The hub ended the subscription, or sends what can't be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The hub ended the subscription without a reason.
    #[error("the hub ended the subscription")]
    Ended,
    /// The hub doesn't read what is sent to it.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The storage can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The storage can't be written.
    #[error("the relay's storage failed")]
    Store,
}

/// Whether own devices read a log that the authority orders.
pub(super) async fn is_due(context: &Context, authority: &Domain) -> bool {
    followed(context, authority).await.is_ok_and(|channels| !channels.is_empty())
}

/// Follows until it breaks off.
pub(super) async fn run(
    context: &Context,
    authority: &Domain,
    link: &Link,
    connection: &Connection,
) -> FollowError {
    match follow(context, authority, link, connection).await {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

async fn follow(
    context: &Context,
    authority: &Domain,
    link: &Link,
    connection: &Connection,
) -> Result<std::convert::Infallible, FollowError> {
    // Channels that come while the storage is read are taken afterwards, if they are not in it.
    let mut channels: BTreeSet<ChannelId> = link.take_to_follow();
    channels.extend(followed(context, authority).await?);
    channels.retain(|channel| !link.is_forsaken(channel));
    if channels.is_empty() {
        channels.extend(link.taken_to_follow().await);
    }
    let shown = channels.clone();
    let mut cursors = cursors(context, authority, channels).await?.into_iter();
    let first = cursors.by_ref().take(FIRST_CURSORS).collect();
    let request = SubscribeRequest { cursors: first, devices: Vec::new() };
    let mut subscription = connection.subscribe(&request, OPEN_TIME).await?;
    for cursor in cursors {
        send(&mut subscription.controls, Control::Follow(cursor)).await?;
    }
    let other = Other { context, authority, link, connection };
    // A hub whose store is an older copy than it was sees so by its own signatures.
    link.witness().owe(shown);
    let mut refused: HashSet<ChannelId> = HashSet::new();
    let mut later = FuturesUnordered::new();
    loop {
        let outcome = tokio::select! {
            biased;
            added = link.taken_to_follow() => {
                for cursor in self::cursors(context, authority, added).await? {
                    if let Some(Ok(channel)) = cursor.channel.as_ref().map(read_id) {
                        refused.remove(&channel);
                    }
                    send(&mut subscription.controls, Control::Follow(cursor)).await?;
                }
                continue;
            }
            Some(channel) = later.next() => {
                let cursor = cursor_of(context, authority, channel).await?;
                (channel, cursor.map_or(Outcome::Nothing, |c| Outcome::Say(Control::Follow(c))))
            }
            event = subscription.events.next() => {
                let event = event?.ok_or(FollowError::Ended)?;
                match handle(&other, &mut refused, event).await? {
                    Some(outcome) => outcome,
                    None => continue,
                }
            }
        };
        match outcome {
            (_, Outcome::Say(control)) => send(&mut subscription.controls, control).await?,
            (channel, Outcome::Later) => later.push(async move {
                tokio::time::sleep(AGAIN).await;
                channel
            }),
            (_, Outcome::Nothing) => {}
        }
    }
}

/// What is to be done about a channel after an event.
async fn handle(
    other: &Other<'_>,
    refused: &mut HashSet<ChannelId>,
    event: SubscriptionEvent,
) -> Result<Option<(ChannelId, Outcome)>, FollowError> {
    let Other { context, authority, .. } = *other;
    match event.event {
        Some(Event::Items(items)) => {
            let id = items.channel.as_ref().map(read_id);
            let Some(Ok(channel)) = id else { return Err(FollowError::Ended) };
            let outcome = batch::take(other, refused, channel, items).await?;
            Ok(Some((channel, outcome)))
        }
        Some(Event::HeadCertificate(certificate)) => {
            let learned = context.head_certificates().learn(&certificate.certificates).await;
            match learned {
                Ok(_) => {}
                Err(HeadCertificateError::Store) => return Err(FollowError::Store),
                Err(error) => warn!(%authority, %error, "the hub's head key is not accepted"),
            }
            Ok(None)
        }
        // It comes over the links.
        Some(Event::Bundle(_)) => Ok(None),
        Some(Event::Crls(crls)) => {
            for list in crls.crls {
                if let Err(error) = context.trust().insert_crl(&list) {
                    debug!(%authority, %error, "a revocation list was not taken");
                }
            }
            Ok(None)
        }
        Some(Event::Ended(ended)) => {
            debug!(%authority, last_seq = ended.last_seq, "no own member reads a channel any more");
            let Some(Ok(channel)) = ended.channel.as_ref().map(read_id) else { return Ok(None) };
            let outcome = other.question_end(channel).await?;
            if matches!(outcome, Outcome::Nothing)
                && let Err(error) = context.hub().end_copy(channel, authority.clone()).await
            {
                debug!(%authority, %error, "the end of a copy was not noted");
            }
            Ok(Some((channel, outcome)))
        }
        Some(Event::Behind(behind)) => {
            let Some(Ok(channel)) = behind.channel.as_ref().map(read_id) else { return Ok(None) };
            let outcome = other.offer(channel, Seq(behind.next_seq)).await?;
            Ok(Some((channel, outcome)))
        }
        Some(Event::Welcome(_) | Event::HubVotes(_)) | None => Ok(None),
    }
}

/// The channels whose log the authority orders and own devices still read.
async fn followed(context: &Context, authority: &Domain) -> Result<Vec<ChannelId>, ReadError> {
    let (hub, own) = (authority.clone(), context.domain().clone());
    context.hub().query(move |storage| list_followed(storage, &hub, &own)).await
}

fn list_followed(
    storage: &mut dyn ReadStorage,
    hub: &Domain,
    own: &Domain,
) -> Result<Vec<ChannelId>, StorageError> {
    let mut followed = Vec::new();
    let mut after = None;
    loop {
        let page = storage.channels(after.as_ref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(followed) };
        after = Some(last.channel);
        for record in page.iter().filter(|r| r.role == Role::Follower && r.hub == *hub) {
            let readers = storage.readers(&record.channel)?;
            if readers.iter().any(|(d, range)| d.domain() == own && range.to.is_none()) {
                followed.push(record.channel);
            }
        }
    }
}

async fn send(
    controls: &mut FrameSender<SubscriptionControl>,
    control: Control,
) -> Result<(), SendError> {
    controls.send(&SubscriptionControl { control: Some(control) }).await
}

/// Where the copy of a channel ends; nothing where there is none.
async fn cursor_of(
    context: &Context,
    authority: &Domain,
    channel: ChannelId,
) -> Result<Option<Cursor>, ReadError> {
    Ok(cursors(context, authority, [channel]).await?.pop())
}

/// Where the copies of these channels end.
async fn cursors(
    context: &Context,
    authority: &Domain,
    channels: impl IntoIterator<Item = ChannelId>,
) -> Result<Vec<Cursor>, ReadError> {
    let (hub, channels) = (authority.to_string(), channels.into_iter().collect::<Vec<_>>());
    let read = move |storage: &mut dyn ReadStorage| {
        let mut cursors = Vec::with_capacity(channels.len());
        for channel in channels {
            let Some(record) = storage.channel(&channel)? else { continue };
            cursors.push(Cursor {
                channel: Some(wire_id(channel)),
                next_seq: record.tail.seq.next().0,
                hub: hub.clone(),
                incarnation: storage.incarnations(&channel)?.newest().0,
            });
        }
        Ok(cursors)
    };
    context.hub().query(read).await
}

pub(super) fn wire_id(channel: ChannelId) -> wire::ChannelId {
    channel.to_wire()
}

fn read_id(id: &wire::ChannelId) -> Result<ChannelId, std::array::TryFromSliceError> {
    id.value[..].try_into().map(ChannelId)
}
