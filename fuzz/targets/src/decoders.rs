//! One target for each decoder of bytes from outside.

pub mod bundles;
pub mod certificate_requests;
pub mod certificates;
pub mod client_inbound;
pub mod controls;
pub mod crls;
pub mod endpoints;
pub mod entries;
pub mod forks;
pub mod frames;
pub mod heads;
pub mod items;
pub mod key_files;
pub mod key_packages;
pub mod list_changes;
pub mod mls_messages;
pub mod names;
pub mod policies;
pub mod profile_files;
pub mod registries;
pub mod relay_config;
pub mod requests;
pub mod responses;
pub mod subscriptions;
pub(crate) mod turned;
pub mod welcomes;
