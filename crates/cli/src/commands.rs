//! The commands, one file each.

pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod authority;
pub(crate) mod backup;
pub(crate) mod channel;
pub(crate) mod correct;
pub(crate) mod demo;
pub(crate) mod device;
pub(crate) mod doctor;
pub(crate) mod enroll;
pub(crate) mod init;
pub(crate) mod network;
pub(crate) mod pin;
pub(crate) mod post;
pub(crate) mod read;
pub(crate) mod relay;
pub(crate) mod restore;
pub(crate) mod sync;
pub(crate) mod whoami;
pub(crate) mod withdraw;
