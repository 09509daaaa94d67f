//! Searching what relays and devices keep on disk.

use std::fs;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use enlace_tests::officer::passphrase;
use rusqlite::Connection;

/// Every file below a directory.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Whether bytes stand somewhere in others.
pub(crate) fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Whether bytes stand in any file below a directory.
pub(crate) fn any_holds(directory: &Path, needle: &[u8]) -> bool {
    files(directory).iter().any(|file| holds(&fs::read(file).unwrap(), needle))
}

/// Which of these stand anywhere in those bytes; each of them is gone through once.
pub(crate) fn found(kept: &[Vec<u8>], needles: &[Vec<u8>]) -> Vec<bool> {
    let search = AhoCorasick::new(needles).unwrap();
    let mut found = vec![false; needles.len()];
    for bytes in kept {
        for place in search.find_overlapping_iter(bytes) {
            found[place.pattern().as_usize()] = true;
        }
    }
    found
}

/// All that a device's store holds, in clear, free pages too.
pub(crate) fn pages(profile: &Path) -> Vec<u8> {
    let connection = Connection::open(profile.join("store.db")).unwrap();
    connection.pragma_update(None, "key", passphrase().expose()).unwrap();
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())).unwrap();
    connection.serialize("main").unwrap().to_vec()
}
