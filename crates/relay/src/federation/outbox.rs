//! Welcomes on their way to the devices of another authority: handed to its relay, again and
//! again until it has stored them.

use std::time::Duration;

use enlace_identity::names::Domain;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::{DeliverWelcomeRequest, ErrorCode};
use enlace_transport::{CallError, Connection};
use tracing::{info, warn};

use crate::hub::ReadError;
use crate::server::Context;
use crate::storage::{ReadStorage, SideWrite};

const CALL_TIME: Duration = Duration::from_secs(60);

/// Welcomes looked at in one go, by their places; one at a time is in memory.
const PORTION: usize = 10_000;

/// What the other refuses is offered again after so long: it may lack a revocation list now.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);

/// Why delivering breaks off.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutboxError {
    /// The other doesn't answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The welcomes can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// That a welcome was taken can't be stored.
    #[error("the relay's storage failed")]
    Store,
}

/// Whether a welcome waits for the authority.
pub(super) async fn is_due(context: &Context, authority: &Domain) -> bool {
    waiting(context, authority).await.is_ok_and(|welcomes| !welcomes.is_empty())
}

async fn waiting(
    context: &Context,
    authority: &Domain,
) -> Result<Vec<(ChannelId, Seq)>, ReadError> {
    let domain = authority.clone();
    let read = move |storage: &mut dyn ReadStorage| storage.outbound_welcomes(&domain, PORTION);
    let theirs = context.hub().query(read).await?;
    Ok(theirs.into_iter().map(|welcome| (welcome.channel, welcome.seq)).collect())
}

/// Delivers what waits, now and whenever something does; returns when it breaks off.
pub(super) async fn run(
    context: &Context,
    authority: &Domain,
    connection: &Connection,
) -> OutboxError {
    match deliver(context, authority, connection).await {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

async fn deliver(
    context: &Context,
    authority: &Domain,
    connection: &Connection,
) -> Result<std::convert::Infallible, OutboxError> {
    let mut changes = context.hub().watch_outbound();
    loop {
        changes.mark_unchanged();
        let mut refused = false;
        for (channel, seq) in waiting(context, authority).await? {
            refused |= !hand_over(context, authority, connection, channel, seq).await?;
        }
        tokio::select! {
            biased;
            changed = changes.changed() => if changed.is_err() {
                std::future::pending::<()>().await;
            },
            () = tokio::time::sleep(AFTER_REFUSAL), if refused => {}
        }
    }
}

/// Hands one welcome over; whether it was taken.
async fn hand_over(
    context: &Context,
    authority: &Domain,
    connection: &Connection,
    channel: ChannelId,
    seq: Seq,
) -> Result<bool, OutboxError> {
    let Some(welcome) = context.hub().welcome(channel, seq).await? else { return Ok(true) };
    let request = DeliverWelcomeRequest { welcome: Some(welcome) };
    match connection.call(&request, CALL_TIME).await {
        Ok(_) => {
            let sent = SideWrite::WelcomeSent { domain: authority.clone(), channel, seq };
            context.hub().store(vec![sent]).await.map_err(|_| OutboxError::Store)?;
            info!(channel = %crate::calls::short(&channel), %authority, "a welcome was taken");
            Ok(true)
        }
        Err(CallError::Refused(refusal)) => {
            let channel = crate::calls::short(&channel);
            match refusal.code {
                ErrorCode::Stopping => {}
                _ => warn!(channel, %authority, %refusal, "a welcome is refused"),
            }
            Ok(false)
        }
        // What can't travel must not take the link with it.
        Err(CallError::TooLong(error)) => {
            let channel = crate::calls::short(&channel);
            warn!(channel, %authority, %error, "a welcome cannot be handed over");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
