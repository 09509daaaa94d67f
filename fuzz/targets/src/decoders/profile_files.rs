//! The files of a profile, as the officer's program finds them.
//!
//! Input: which file the rest stands for; the others are good.

use std::fs;
use std::sync::OnceLock;

use enlace_client::Profile;
use enlace_identity::keys::Passphrase;
use tempfile::TempDir;

use super::key_files::{PASSPHRASE, is_quick};
use crate::Outcome;
use crate::seeds::profile_files;

/// Opens the profile with that file in place of the good one.
pub fn run(data: &[u8]) -> Outcome {
    let [which, content @ ..] = data else { return Outcome::Refused };
    let files = profile_files();
    let (name, good) = &files[usize::from(*which) % files.len()];
    if name.ends_with(".key") && !is_quick(&String::from_utf8_lossy(content)) {
        return Outcome::Refused;
    }
    let path = directory().path().join(name);
    fs::write(&path, content).unwrap();
    let opened = Profile::open(directory().path());
    let read = opened.as_ref().is_ok_and(|profile| {
        let _ = (profile.address(), profile.common_name(), profile.is_enrolled());
        let _ = profile.request();
        profile.unlock(&Passphrase::new(PASSPHRASE)).is_ok()
    });
    fs::write(&path, good).unwrap();
    Outcome::when(read)
}

/// A directory with good files, kept for as long as the process runs.
fn directory() -> &'static TempDir {
    static DIRECTORY: OnceLock<TempDir> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let directory = TempDir::new().unwrap();
        for (name, content) in profile_files() {
            fs::write(directory.path().join(name), content).unwrap();
        }
        directory
    })
}
