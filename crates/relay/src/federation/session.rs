//! Keeps one link: waits for work, dials, works until the connection is lost, waits longer after
//! each failure.

use std::sync::Arc;
use std::time::Duration;

use enlace_identity::names::Domain;
use enlace_transport::{Backoff, CloseCode, ConnectError, Connection, HelloOffer};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::link::Link;
use super::spread::Lists;
use super::{follow, heartbeat, moving, outbox, spread};
use crate::server::{Context, SOFTWARE};

/// How long one address of a relay may take to answer.
const ADDRESS_TIME: Duration = Duration::from_secs(5);

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Even those who hurry don't dial more often than this.
const LEAST_WAIT: Duration = Duration::from_millis(100);

/// A connection that held so long makes earlier failures forgotten.
const HELD: Duration = Duration::from_secs(10);

/// Why a link can't come up.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    /// Nobody has handed over an endpoint record.
    #[error("no endpoint record says where its relay is")]
    NoRecord,
    /// Its relay can't be reached, or isn't trusted.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// Keeps the link to an authority for as long as the relay runs.
pub(crate) async fn keep(context: Arc<Context>, authority: Domain) {
    let Some(link) = context.links().link(&authority) else { return };
    let link = &*link;
    let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
    let mut failing = false;
    loop {
        wait_for_work(&context, &authority, link).await;
        // Hello brings these, and perhaps newer ones.
        let offered = spread::own_lists(&context);
        match dial(&context, &authority).await {
            Ok(connection) => {
                info!(%authority, "the link is up");
                failing = false;
                link.is_up(connection.clone());
                let began = Instant::now();
                work(&context, &authority, link, &connection, offered).await;
                link.is_down();
                if began.elapsed() >= HELD {
                    backoff.reset();
                }
            }
            Err(error) => {
                link.is_down();
                if !std::mem::replace(&mut failing, true) {
                    warn!(%authority, %error, "the link does not come up");
                } else {
                    debug!(%authority, %error, "the link does not come up");
                }
            }
        }
        let [random] = context.entropy().bytes();
        pause(link, backoff.next(random)).await;
    }
}

async fn wait_for_work(context: &Context, authority: &Domain, link: &Link) {
    loop {
        if link.is_waited_for() || has_work(context, authority).await {
            return;
        }
        link.woken().await;
    }
}

/// Whether there is something to do even if nobody waits. Storage that fails counts as yes: the
/// session finds out.
async fn has_work(context: &Context, authority: &Domain) -> bool {
    spread::is_due(context, authority)
        || follow::is_due(context, authority).await
        || outbox::is_due(context, authority).await
        || match context.links().link(authority) {
            Some(link) => link.has_to_follow() || moving::is_due(context, authority, &link).await,
            None => false,
        }
}

/// Opens a connection to the authority's relay.
pub(super) async fn dial(context: &Context, authority: &Domain) -> Result<Connection, DialError> {
    let target = context.directory().target(authority).ok_or(DialError::NoRecord)?;
    let offer = HelloOffer { software: SOFTWARE.to_owned(), ..HelloOffer::default() };
    let dialled = context.endpoint().connect(&target, offer, ADDRESS_TIME).await?;
    context.take_endpoint_record(&dialled.hello.endpoint_record).await;
    if let Some(link) = context.links().link(authority) {
        link.heard_bundle(dialled.hello.bundle_version);
    }
    Ok(dialled.connection)
}

/// Works until the connection is lost. Whatever breaks ends it, and the next one begins afresh.
async fn work(
    context: &Context,
    authority: &Domain,
    link: &Link,
    connection: &Connection,
    offered: Lists,
) {
    tokio::select! {
        biased;
        lost = connection.closed() => info!(%authority, %lost, "the link is down"),
        error = moving::run(context, authority, link, connection) => {
            warn!(%authority, %error, "handing votes over broke off");
        }
        error = follow::run(context, authority, link, connection) => {
            warn!(%authority, %error, "following broke off");
        }
        error = outbox::run(context, authority, connection) => {
            warn!(%authority, %error, "delivering welcomes broke off");
        }
        error = heartbeat::run(connection) => warn!(%authority, %error, "the link is dead"),
        error = spread::run(context, authority, connection, offered) => {
            warn!(%authority, %error, "spreading revocation lists broke off");
        }
    }
    connection.close(CloseCode::Done);
}

async fn pause(link: &Link, wait: Duration) {
    tokio::time::sleep(LEAST_WAIT).await;
    tokio::select! {
        biased;
        () = link.hurried() => {}
        () = tokio::time::sleep(wait.saturating_sub(LEAST_WAIT)) => {}
    }
}
