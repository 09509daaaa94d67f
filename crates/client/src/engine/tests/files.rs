//! What stands in a store's files, page by page, free ones too: what whoever has the disk and the
//! passphrase can find.

use std::fs;
use std::path::{Path, PathBuf};

use enlace_channel::entry::{Part, SignedEntry};
use enlace_log::{ChannelId, Seq};
use rusqlite::Connection;

use super::world::World;

pub(super) const PASSPHRASE: &str = "clave";

/// All that the pages of an encrypted database hold, in clear.
pub(super) fn pages(path: &Path, passphrase: &str) -> Vec<u8> {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "key", passphrase).unwrap();
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())).unwrap();
    connection.serialize("main").unwrap().to_vec()
}

/// Bytes of the write-ahead log.
pub(super) fn log_length(path: &Path) -> u64 {
    let mut beside = path.as_os_str().to_owned();
    beside.push("-wal");
    fs::metadata(PathBuf::from(beside)).map_or(0, |meta| meta.len())
}

pub(super) fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// What an entry says: its parts' contents and salts, and its sealed form where it is kept.
pub(super) fn traces(world: &mut World, name: &str, channel: ChannelId, seq: Seq) -> Vec<Vec<u8>> {
    let (row, item) = world
        .engine(name)
        .read(|tx| Ok((tx.entries(channel, seq, 1)?.remove(0), tx.item(channel, seq)?)))
        .unwrap();
    assert_eq!(row.seq, seq);
    let entry = SignedEntry::decode(&row.signed).unwrap();
    let parts = entry.parts().iter().flat_map(|part| match part {
        Part::Open { salt, content, .. } => vec![salt.as_bytes().to_vec(), content.clone()],
        Part::Withdrawn { .. } => Vec::new(),
    });
    let payload = item.and_then(|row| row.item.sealed.payload().map(|p| p[..64].to_vec()));
    parts.chain(payload).filter(|bytes| bytes.len() >= 8).collect()
}

impl World {
    /// Nothing of `traces` is in the files of a device.
    pub(super) fn assert_gone(&mut self, name: &str, traces: &[Vec<u8>]) {
        let path = self.officers[name].store.clone();
        let due = self.engine(name).read(|tx| tx.setting("scrub-due")).unwrap();
        assert_eq!(due, None, "{name}: the log beside the store was not cut off");
        let pages = pages(&path, PASSPHRASE);
        for trace in traces {
            assert!(!holds(&pages, trace), "{name}: {}", String::from_utf8_lossy(trace));
        }
    }

    /// All of `traces` is in the files of a device.
    pub(super) fn assert_there(&mut self, name: &str, traces: &[Vec<u8>]) {
        let pages = pages(&self.officers[name].store, PASSPHRASE);
        for trace in traces {
            assert!(holds(&pages, trace), "{name}: {}", String::from_utf8_lossy(trace));
        }
    }
}
