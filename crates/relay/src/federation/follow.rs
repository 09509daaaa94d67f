//! Follows the logs that another authority's relay orders, for this authority's members.
//!
//! One subscription carries all of them. A batch counts only once the hub's signature at its end
//! was verified and its chain leads there; then it is durable, and only then acknowledged. A log
//! that contradicts what this relay holds is followed no further: both signed heads are kept, the
//! operator is told, and this relay's readers are told nothing that might be false.

mod batch;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use enlace_identity::names::Domain;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::{
    self as wire, Cursor, SubscribeRequest, SubscriptionControl, SubscriptionEvent,
    subscription_control::Control, subscription_event::Event,
};
use enlace_transport::{CallError, Connection, FrameSender, SendError, StreamError};
use tracing::{debug, warn};

use super::link::Link;
use crate::head_certificates::HeadCertificateError;
use crate::hub::ReadError;
use crate::server::Context;
use crate::storage::{ReadStorage, Role, StorageError};

const OPEN_TIME: Duration = Duration::from_secs(30);

/// Channels that the request names; it has a limited length. The others are added afterwards.
const FIRST_CURSORS: usize = 1000;

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
    let mut channels: BTreeMap<ChannelId, Seq> = link.take_to_follow().into_iter().collect();
    channels.extend(followed(context, authority).await?);
    channels.retain(|channel, _| !link.is_forsaken(channel));
    if channels.is_empty() {
        channels.extend(link.taken_to_follow().await);
    }
    let mut cursors = channels.iter().map(|(channel, next)| cursor(authority, *channel, *next));
    let first = cursors.by_ref().take(FIRST_CURSORS).collect();
    let request = SubscribeRequest { cursors: first, devices: Vec::new() };
    let mut subscription = connection.subscribe(&request, OPEN_TIME).await?;
    for cursor in cursors {
        send(&mut subscription.controls, Control::Follow(cursor)).await?;
    }
    let mut refused: HashSet<ChannelId> = HashSet::new();
    loop {
        tokio::select! {
            biased;
            added = link.taken_to_follow() => {
                for (channel, next) in added {
                    refused.remove(&channel);
                    let follow = Control::Follow(cursor(authority, channel, next));
                    send(&mut subscription.controls, follow).await?;
                }
            }
            event = subscription.events.next() => {
                let event = event?.ok_or(FollowError::Ended)?;
                let answer = handle(context, authority, link, &mut refused, event).await?;
                if let Some(control) = answer {
                    send(&mut subscription.controls, control).await?;
                }
            }
        }
    }
}

/// What is to be said to the hub after an event.
async fn handle(
    context: &Context,
    authority: &Domain,
    link: &Link,
    refused: &mut HashSet<ChannelId>,
    event: SubscriptionEvent,
) -> Result<Option<Control>, FollowError> {
    match event.event {
        Some(Event::Items(items)) => batch::take(context, authority, link, refused, items).await,
        Some(Event::HeadCertificate(certificate)) => {
            let learned = context.head_certificates().learn(&certificate.certificates).await;
            match learned {
                Ok(_) => {}
                Err(HeadCertificateError::Store) => return Err(FollowError::Store),
                Err(error) => warn!(%authority, %error, "the hub's head key is not accepted"),
            }
            Ok(None)
        }
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
            let id = ended.channel.as_ref().and_then(|id| ChannelId::try_from(&id.value[..]).ok());
            if let Some(channel) = id
                && let Err(error) = context.hub().end_copy(channel, authority.clone()).await
            {
                debug!(%authority, %error, "the end of a copy was not noted");
            }
            Ok(None)
        }
        Some(Event::Welcome(_)) | None => Ok(None),
    }
}

/// The channels whose log the authority orders and own devices still read, with the position
/// that comes next.
async fn followed(
    context: &Context,
    authority: &Domain,
) -> Result<Vec<(ChannelId, Seq)>, ReadError> {
    let (hub, own) = (authority.clone(), context.domain().clone());
    context.hub().query(move |storage| list_followed(storage, &hub, &own)).await
}

fn list_followed(
    storage: &mut dyn ReadStorage,
    hub: &Domain,
    own: &Domain,
) -> Result<Vec<(ChannelId, Seq)>, StorageError> {
    let mut followed = Vec::new();
    let mut after = None;
    loop {
        let page = storage.channels(after.as_ref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(followed) };
        after = Some(last.channel);
        for record in page.iter().filter(|r| r.role == Role::Follower && r.hub == *hub) {
            let readers = storage.readers(&record.channel)?;
            let goes_on = |(device, range): &(enlace_identity::names::DeviceName, _)| {
                let range: &enlace_log::membership::ReadRange = range;
                device.domain() == own && range.to.is_none()
            };
            if readers.iter().any(goes_on) {
                followed.push((record.channel, record.tail.seq.next()));
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

fn cursor(hub: &Domain, channel: ChannelId, next: Seq) -> Cursor {
    Cursor { channel: Some(wire_id(channel)), next_seq: next.0, hub: hub.to_string() }
}

fn wire_id(channel: ChannelId) -> wire::ChannelId {
    wire::ChannelId { value: channel.0.to_vec() }
}
