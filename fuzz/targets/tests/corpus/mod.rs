//! The corpora, as they lie in the tree.

use std::fs;
use std::path::Path;

/// The inputs of a target with their files' names, sorted. None is a failure: a corpus that is
/// missing replays nothing.
pub(crate) fn of(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target);
    let files =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("fuzz/corpus/{target}: {error}"));
    let mut inputs: Vec<(String, Vec<u8>)> = files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "fuzz/corpus/{target} is empty");
    inputs
}
