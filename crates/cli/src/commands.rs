//! The commands, one file each.

pub(crate) mod authority;
pub(crate) mod demo;
pub(crate) mod network;
pub(crate) mod relay;
