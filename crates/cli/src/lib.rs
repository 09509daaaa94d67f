//! The `enlace` command: an officer's channels, a registrar's certificates, a network's bundle,
//! and a training network to try all of it.
//!
//! One file for each command under `commands`; what they share lies beside it. Data goes to
//! standard output, all else to standard error; exit status 0 means done, 1 failed, 2 a wrong
//! command line.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod as_text;
mod authority;
mod cli;
mod commands;
mod country;
mod demo;
mod failure;
mod files;
mod fingerprint;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod language;
mod network;
mod officer;
mod passphrase;
pub mod plaintext;
mod signal;
pub mod training;
mod ui;
mod when;
mod words;

pub use self::cli::main_from;
pub use self::failure::Failure;
