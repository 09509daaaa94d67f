//! Revocation lists: read from the configured directory when a file changes, kept in the store,
//! announced to the links.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use enlace_identity::canonical::sha256;
use enlace_identity::names::Domain;
use enlace_identity::revocation::Inserted;
use enlace_transport::watch;
use tokio::sync::Mutex;
use tracing::{info, warn};

use super::Context;
use crate::crl_directory::CrlDirectory;
use crate::hub::Unavailable;
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
            biased;
            reloaded = reload.changed() => match reloaded {
                Ok(()) => directory.forget(),
                Err(_) => return,
            },
            () = tokio::time::sleep(POLL) => {}
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

/// Which revocation lists are in the store.
#[derive(Debug)]
pub(crate) struct StoredCrls {
    stored: Mutex<HashSet<[u8; 32]>>,
    own_version: AtomicU64,
}

impl StoredCrls {
    /// What the store brings from the last run.
    pub(super) fn new(stored: &[(Domain, Vec<Vec<u8>>)]) -> Self {
        let stored = stored.iter().flat_map(|(_, lists)| lists).map(|list| sha256(list)).collect();
        Self { stored: Mutex::new(stored), own_version: AtomicU64::new(0) }
    }

    /// Rises with each change of the own authority's lists.
    pub(crate) fn own_version(&self) -> u64 {
        self.own_version.load(Ordering::Acquire)
    }

    /// Makes durable what is news since the last time, and wakes the links when it is the own
    /// authority's.
    pub(crate) async fn store_news(&self, context: &Context) -> Result<(), Unavailable> {
        let mut stored = self.stored.lock().await;
        let bundle = context.trust().bundle();
        let mut present = HashSet::new();
        for authority in bundle.all_domains() {
            let authority = authority.clone();
            let crls = context.trust().crls_of(&authority);
            let hashes: Vec<[u8; 32]> = crls.iter().map(|list| sha256(list)).collect();
            if hashes.iter().any(|hash| !stored.contains(hash)) {
                let is_own = authority == *context.domain();
                let write = SideWrite::Crls { authority, crls };
                context.hub().store(vec![write]).await.inspect_err(|error| {
                    warn!(%error, "revocation lists cannot be stored");
                })?;
                if is_own {
                    self.own_version.fetch_add(1, Ordering::AcqRel);
                    context.links().wake_all();
                }
            }
            present.extend(hashes);
        }
        *stored = present;
        Ok(())
    }
}
