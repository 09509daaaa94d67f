//! The inputs that fuzzing begins with: good messages, as our own code makes them.
//!
//! `cargo run -p enlace-fuzz-targets --example seeds` writes them into `fuzz/corpus`; to be done
//! again whenever a structure changes.

mod canonical;
mod files;
mod mls;
mod wire;

pub use self::canonical::genuine_entry;
pub use self::files::profile_files;

/// An input of the corpus.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Whose.
    pub target: &'static str,
    /// Its file's name.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl Seed {
    pub(crate) fn new(target: &'static str, name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { target, name: name.into(), bytes }
    }

    /// With a byte in front that says what follows.
    pub(crate) fn tagged(
        target: &'static str,
        name: impl Into<String>,
        tag: u8,
        bytes: &[u8],
    ) -> Self {
        Self::new(target, name, [&[tag], bytes].concat())
    }
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Seed> {
    [wire::seeds(), canonical::seeds(), files::seeds(), mls::seeds()].concat()
}
