//! A channel among honest members, and what others do to it.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod attacks;
mod bundles;
mod channel;
mod consents;
mod forum;
mod locked_out;
mod moving;
mod stranded;
mod succession;
mod support;
mod suspensions;
mod versions;
mod void;
