//! What the fuzzer runs: one target for each decoder that reads bytes from outside, and sequences
//! of operations on the cores of channel and hub.
//!
//! A target is a function of bytes that panics when a promise is broken, and says whether it could
//! read them. libFuzzer runs it by way of the program of the same name in `fuzz/fuzz_targets`; the
//! tests of this crate replay `fuzz/corpus` and seeded mutations of it on stable Rust. [`seeds`]
//! makes the inputs to begin with.
//!
//! Everything that is signed here is signed with keys made from their names ([`scene`]), so an
//! input means the same in every process.

#![allow(clippy::unwrap_used, reason = "a target's way to report is to panic")]

mod check;
pub mod decoders;
mod outcome;
pub mod scene;
pub mod seeds;
pub mod sequences;
mod target;

pub use self::outcome::Outcome;
pub use self::target::{TARGETS, Target};
