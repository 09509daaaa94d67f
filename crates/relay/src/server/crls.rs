//! Revocation lists: read from the configured directory when a file changes, kept in the store,
//! announced to the links.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use enlace_identity::canonical::sha256;
use enlace_identity::names::Domain;
use enlace_identity::revocation::Inserted;
use tokio::sync::watch;
use tracing::{info, warn};

use super::Context;
use crate::crl_directory::CrlDirectory;
use crate::storage::SideWrite;

/// How often the directory is looked at.
const POLL: Duration = Duration::from_secs(2);

/// Looks at the directory until the relay ends, and at once when `reload` changes.
pub(super) async fn poll(
    context: Arc<Context>,
    mut directory: CrlDirectory,
    mut reload: watch::Receiver<()>,
) {
    let mut failing = false;
    loop {
        match directory.changed() {
            Ok(files) => {
                failing = false;
                for file in files {
                    take(&context, &file);
                }
            }
            Err(error) if !failing => {
                failing = true;
                warn!(%error, "the directory of revocation lists cannot be read");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            reloaded = reload.changed() => match reloaded {
                Ok(()) => directory.forget(),
                Err(_) => return,
            },
        }
    }
}

fn take(context: &Context, file: &crate::crl_directory::CrlFile) {
    let path = file.path.display();
    match &file.list {
        Ok(list) => match context.trust().insert_crl(list) {
            Ok(Inserted::New) => info!(%path, "a revocation list was taken in"),
            Ok(Inserted::Known) => {}
            Err(error) => warn!(%path, %error, "a revocation list is refused"),
        },
        Err(error) => warn!(%path, %error, "a revocation list is refused"),
    }
}

/// Stores what changes, and wakes the links when the own authority's lists did.
pub(super) async fn keep(context: Arc<Context>, stored: Vec<(Domain, Vec<Vec<u8>>)>) {
    let mut changes = context.trust().changes();
    let mut stored: HashSet<[u8; 32]> =
        stored.iter().flat_map(|(_, lists)| lists).map(|list| sha256(list)).collect();
    loop {
        changes.mark_unchanged();
        let bundle = context.trust().bundle();
        let mut present = HashSet::new();
        for authority in bundle.authorities() {
            let domain = authority.domain();
            let crls = context.trust().crls_of(domain);
            let hashes: Vec<[u8; 32]> = crls.iter().map(|list| sha256(list)).collect();
            if hashes.iter().any(|hash| !stored.contains(hash)) {
                let write = SideWrite::Crls { authority: domain.clone(), crls };
                if let Err(error) = context.hub().store(vec![write]).await {
                    warn!(%error, "revocation lists cannot be stored");
                    continue;
                }
                if domain == context.domain() {
                    context.own_crls_version.fetch_add(1, Ordering::AcqRel);
                    context.links().wake_all();
                }
            }
            present.extend(hashes);
        }
        stored = present;
        if changes.changed().await.is_err() {
            return;
        }
    }
}
