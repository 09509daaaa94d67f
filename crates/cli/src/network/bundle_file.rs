//! Reading and writing a bundle's file.

use std::path::{Path, PathBuf};

use enlace_identity::bundle::{Bundle, BundleError, SignedBundle};

use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};

const BUNDLE: &str = "network.bundle";

/// The bundle's file: `path` itself, or the one inside if it is a network's directory.
pub(crate) fn bundle_path(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(BUNDLE) } else { path.to_owned() }
}

/// Reads a bundle's file; nothing is verified.
pub(crate) fn read_bundle(path: &Path) -> Result<SignedBundle, Failure> {
    SignedBundle::decode(&files::read(path)?)
        .context(|| format!("{} is no network bundle", path.display()))
}

/// Puts a bundle into its file.
pub(crate) fn write_bundle(path: &Path, bundle: &SignedBundle) -> Result<(), Failure> {
    files::replace(path, &bundle.encode(), Mode::Public)
}

/// Where a network's directory keeps a version that is no longer the newest.
pub(crate) fn former_path(dir: &Path, version: u64) -> PathBuf {
    dir.join(format!("network.{version}.bundle"))
}

/// The version before the one in the file at `path`, if that has one: from `named`, or else from
/// the directory in which the file lies.
pub(crate) fn previous_of(path: &Path, named: Option<&Path>) -> Result<Option<Bundle>, Failure> {
    let content = read_bundle(path)?.unverified_content()?;
    let Some(hash) = content.previous else { return Ok(None) };
    let beside = path.parent().unwrap_or(Path::new("")).to_owned();
    let previous = match named {
        Some(named) => bundle_path(named),
        None => former_path(&beside, content.version - 1),
    };
    if !previous.exists() {
        return Err(Failure::new(format!(
            "the version before is missing: there is no {}",
            previous.display()
        ))
        .hint("--previous FILE, the bundle that the network has in use."));
    }
    let opened = read_bundle(&previous)?.open(&hash);
    opened.map(Some).context(|| format!("{} is not the version before", previous.display()))
}

/// Checks all of a bundle but whether enough have signed it.
pub(crate) fn checked(
    signed: &SignedBundle,
    previous: Option<&Bundle>,
) -> Result<Bundle, BundleError> {
    match previous {
        Some(previous) => signed.preview_after(previous),
        None => signed.open(&signed.hash()),
    }
}
