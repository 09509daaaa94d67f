//! The commands, one file each.

pub(crate) mod authority;
pub(crate) mod network;
