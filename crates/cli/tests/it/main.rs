//! The `enlace` command as its users meet it: every test runs the built program.

#![allow(clippy::unwrap_used)]

mod authority;
mod invitations;
mod network;
mod officer;
mod openssl;
mod sample_configuration;
mod support;
mod suspensions;
