//! Revocation lists and new versions of the bundle on their way through the network.
//!
//! Hello brings the dialler's own lists. Beyond that each relay passes on whatever is news to it,
//! so that a list reaches everybody even if its authority's relay is down; what the other has
//! already changes nothing there and goes no further.

use std::collections::HashSet;
use std::time::Duration;

use enlace_identity::canonical::sha256;
use enlace_identity::names::Domain;
use enlace_proto::relay::v1::PublishCrlsRequest;
use enlace_transport::{CallError, Connection};
use tracing::debug;

use super::link::Link;
use crate::server::{Context, level_bundles};

const CALL_TIME: Duration = Duration::from_secs(30);

/// How long after it has refused a version of the bundle the other is offered it again: its disk may
/// have been full.
const AGAIN: Duration = Duration::from_secs(10);

/// Bytes of lists in one call; a longer list goes alone.
const CALL_BYTES: usize = 512 << 10;

/// Lists, by their hashes.
pub(super) type Lists = HashSet<[u8; 32]>;

/// The own authority's lists that are known now.
pub(super) fn own_lists(context: &Context) -> Lists {
    context.trust().crls_of(context.domain()).iter().map(|list| sha256(list)).collect()
}

/// Whether the authority has not heard of the own authority's newest lists.
pub(super) fn is_due(context: &Context, authority: &Domain) -> bool {
    context.links().link(authority).is_some_and(|link| {
        link.told() < context.crls().own_version() || lacks_bundle(context, &link)
    })
}

fn lacks_bundle(context: &Context, link: &Link) -> bool {
    let ours = context.trust().bundle().version();
    ours > 1 && link.bundle() < ours
}

/// Sends what is news, now and whenever something is; returns when the other doesn't answer. Hello brought what
/// was `offered`: of a list that came since nobody knows whether it did.
pub(super) async fn run(
    context: &Context,
    authority: &Domain,
    connection: &Connection,
    offered: Lists,
) -> CallError {
    let mut changes = context.trust().changes();
    let mut sent = offered;
    loop {
        changes.mark_unchanged();
        let link = context.links().link(authority);
        if let Some(link) = &link {
            match level_bundles(context, authority, connection, link.bundle()).await {
                Ok(version) => link.heard_bundle(version),
                Err(error) => return error,
            }
        }
        let version = context.crls().own_version();
        for crls in unsent(context, &mut sent) {
            match connection.call(&PublishCrlsRequest { crls }, CALL_TIME).await {
                Ok(_) => {}
                Err(CallError::Refused(refusal)) => {
                    debug!(%authority, %refusal, "a revocation list was not taken");
                }
                Err(error) => return error,
            }
        }
        if let Some(link) = &link {
            link.tell(version);
        }
        let is_refused = link.is_some_and(|link| lacks_bundle(context, &link));
        tokio::select! {
            biased;
            changed = changes.changed() => if changed.is_err() {
                std::future::pending::<()>().await;
            },
            () = tokio::time::sleep(AGAIN), if is_refused => {}
        }
    }
}

/// The lists not sent before, in portions.
pub(crate) fn unsent(context: &Context, sent: &mut Lists) -> Vec<Vec<Vec<u8>>> {
    let mut portions: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut bytes = 0;
    let all = context.trust().all_crls();
    let hashes: Lists = all.iter().map(|list| sha256(list)).collect();
    for list in all {
        if sent.contains(&sha256(&list)) {
            continue;
        }
        bytes += list.len();
        match portions.last_mut() {
            Some(portion) if bytes <= CALL_BYTES => portion.push(list),
            _ => {
                bytes = list.len();
                portions.push(vec![list]);
            }
        }
    }
    *sent = hashes;
    portions
}
