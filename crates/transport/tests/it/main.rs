//! The transport on real sockets of this machine: who gets in, what is called, what is survived.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod attacks;
mod calls;
mod enrolment;
mod hostile;
mod restart;
mod resumption;
mod support;
mod trust;
mod virtual_time;
