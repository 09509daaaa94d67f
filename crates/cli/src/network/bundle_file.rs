//! Reading and writing a bundle's file.

use std::path::{Path, PathBuf};

use enlace_identity::bundle::SignedBundle;

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
