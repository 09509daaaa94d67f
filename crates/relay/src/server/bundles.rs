//! The versions of the network's bundle: read from the configured directory when a file comes,
//! handed over by others, kept in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use enlace_identity::bundle::BundleError;
use enlace_identity::names::Domain;
use enlace_proto::method::Method;
use enlace_proto::relay::v1::{FetchBundleRequest, PublishBundleRequest};
use enlace_transport::{CallError, Connection, TakenBundle, Trust};
use tokio::sync::Mutex;
use tracing::{debug, error, info, warn};

use super::Context;
use crate::crl_directory::Stamp;
use crate::hub::Unavailable;
use crate::storage::SideWrite;

/// How often the directory is looked at.
const POLL: Duration = Duration::from_secs(2);

/// How long another relay may take for an answer.
const CALL_TIME: Duration = Duration::from_secs(30);

/// Versions taken from one relay at a time: so many are behind nobody who was ever connected.
const MAX_STEPS: usize = 256;

const EXTENSION: &str = "bundle";

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 8 << 20;

/// What was known before the relay stopped still counts: nothing goes back to a former version.
pub(super) fn restore(trust: &Trust, stored: &[(u64, Bytes)]) {
    let oldest = trust.bundle().oldest_known().version();
    let (later, earlier): (Vec<_>, Vec<_>) = stored.iter().partition(|(of, _)| *of >= oldest);
    for (version, signed) in later.into_iter().chain(earlier.into_iter().rev()) {
        if let Err(error) = trust.take_bundle(signed) {
            warn!(version, %error, "a stored version of the network's bundle no longer counts");
        }
    }
}

/// Which versions are in the store.
#[derive(Debug)]
pub(crate) struct StoredBundles(Mutex<BTreeSet<u64>>);

impl StoredBundles {
    /// What the store brings from the last run.
    pub(super) fn new(stored: &[(u64, Bytes)]) -> Self {
        Self(Mutex::new(stored.iter().map(|(version, _)| *version).collect()))
    }

    /// Makes durable what is news since the last time, and wakes the links: others may lack it.
    pub(crate) async fn store_news(&self, context: &Context) -> Result<(), Unavailable> {
        let mut stored = self.0.lock().await;
        let bundle = context.trust().bundle();
        let news = bundle.all_known().filter(|known| !stored.contains(&known.version()));
        let news: Vec<(u64, Bytes)> =
            news.map(|known| (known.version(), Bytes::copy_from_slice(known.signed()))).collect();
        for (version, signed) in news {
            let write = SideWrite::Bundle { version, signed };
            context.hub().store(vec![write]).await.inspect_err(|error| {
                error!(%error, "a version of the network's bundle cannot be stored");
            })?;
            stored.insert(version);
            context.links().wake_all();
        }
        Ok(())
    }
}

/// Takes a version in; what is news is logged.
pub(crate) fn take(context: &Context, signed: &[u8]) -> Result<TakenBundle, BundleError> {
    let taken = context.trust().take_bundle(signed)?;
    if taken == TakenBundle::InForce {
        let bundle = context.trust().bundle();
        info!(version = bundle.version(), hash = %bundle.hash(), "a new bundle is in force");
        if bundle.authority_of(context.domain()).is_none() {
            error!("this authority is no longer of the network: nobody will connect");
        }
    }
    Ok(taken)
}

/// Looks at the directory until the relay ends. A file that has changed counts as new.
pub(super) async fn poll(context: Arc<Context>, directory: PathBuf) {
    let mut seen = BTreeMap::new();
    loop {
        let files = files_in(&directory);
        seen.retain(|path, _| files.contains_key(path));
        let mut found: Vec<(PathBuf, Stamp)> =
            files.into_iter().filter(|(path, stamp)| seen.get(path) != Some(stamp)).collect();
        let mut again = true;
        // The files may be of several versions, in any order.
        while std::mem::take(&mut again) {
            for (path, stamp) in std::mem::take(&mut found) {
                match read(&path, stamp).map(|signed| take(&context, &signed)) {
                    Ok(Ok(TakenBundle::Known)) => {}
                    Ok(Ok(_)) => again = true,
                    Ok(Err(BundleError::NotNext { .. })) => {
                        found.push((path, stamp));
                        continue;
                    }
                    Ok(Err(error)) => {
                        warn!(path = %path.display(), %error, "a bundle is refused");
                    }
                    Err(error) => {
                        warn!(path = %path.display(), %error, "a bundle cannot be read");
                    }
                }
                seen.insert(path, stamp);
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

fn files_in(directory: &Path) -> BTreeMap<PathBuf, Stamp> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeMap::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let bundles = paths.filter(|path| path.extension().is_some_and(|own| own == EXTENSION));
    let files = bundles.filter_map(|path| {
        let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        Some((path, Stamp::of(&metadata)))
    });
    files.collect()
}

fn read(path: &Path, stamp: Stamp) -> io::Result<Vec<u8>> {
    if stamp.length > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large"));
    }
    let mut signed = Vec::new();
    // It may have grown since.
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut signed)?;
    Ok(signed)
}

/// Brings both sides of a connection that this relay dialled to the same version: asks for what
/// this one lacks, and hands over what the other lacks.
///
/// # Errors
/// When the other doesn't answer.
pub(crate) async fn level(
    context: &Context,
    authority: &Domain,
    connection: &Connection,
    mut theirs: u64,
) -> Result<u64, CallError> {
    for _ in 0..MAX_STEPS {
        let ours = context.trust().bundle();
        if theirs > ours.version() {
            let request = FetchBundleRequest { version: ours.version() + 1 };
            let answer = connection.call(&request, CALL_TIME).await?;
            if let Err(error) = take(context, &answer.bundle) {
                warn!(%authority, %error, "a version of the network's bundle is refused");
                return Ok(theirs);
            }
        } else if let Some(next) = ours.version_known(theirs + 1) {
            let request = PublishBundleRequest { bundle: next.signed().to_vec() };
            match connection.call(&request, CALL_TIME).await {
                Ok(answer) if answer.newest > theirs => theirs = answer.newest,
                Ok(_) => return Ok(theirs),
                Err(CallError::Refused(refusal)) => {
                    debug!(%authority, %refusal, method = ?Method::PublishBundle, "refused");
                    return Ok(theirs);
                }
                Err(error) => return Err(error),
            }
        } else if let Some(earlier) = ours.oldest_known().version().checked_sub(1)
            && earlier > 0
        {
            // Channels that began under it go by it still.
            let answer =
                connection.call(&FetchBundleRequest { version: earlier }, CALL_TIME).await?;
            if !matches!(take(context, &answer.bundle), Ok(TakenBundle::Earlier)) {
                return Ok(theirs);
            }
        } else {
            return Ok(theirs);
        }
    }
    Ok(theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.bundle");
        let file = File::create(&path).unwrap();
        for (length, is_read) in [(MAX_BYTES, true), (MAX_BYTES + 1, false)] {
            file.set_len(length).unwrap();
            let stamp = files_in(directory.path())[&path];
            assert_eq!(read(&path, stamp).is_ok(), is_read);
        }
    }
}
