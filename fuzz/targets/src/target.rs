//! All targets, by name.

use crate::{Outcome, decoders, sequences};

/// Something to fuzz.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of its program for libFuzzer, and of its folder in the corpus.
    pub name: &'static str,
    /// What it does with an input.
    pub run: fn(&[u8]) -> Outcome,
    /// How many seeded mutations the tests on stable Rust make of its corpus.
    pub mutations: usize,
    /// Whether it does nothing but read: then memory is bounded by the input's length.
    pub only_reads: bool,
}

const fn reads(name: &'static str, run: fn(&[u8]) -> Outcome) -> Target {
    Target { name, run, mutations: 3000, only_reads: true }
}

const fn works(name: &'static str, run: fn(&[u8]) -> Outcome, mutations: usize) -> Target {
    Target { name, run, mutations, only_reads: false }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    reads("bundles", decoders::bundles::run),
    reads("certificate_requests", decoders::certificate_requests::run),
    reads("certificates", decoders::certificates::run),
    works("channel_operations", sequences::channel_operations::run, 20),
    works("client_inbound", decoders::client_inbound::run, 300),
    reads("controls", decoders::controls::run),
    reads("crls", decoders::crls::run),
    reads("endpoints", decoders::endpoints::run),
    reads("entries", decoders::entries::run),
    reads("forks", decoders::forks::run),
    reads("frames", decoders::frames::run),
    reads("heads", decoders::heads::run),
    works("hub_operations", sequences::hub_operations::run, 300),
    reads("items", decoders::items::run),
    reads("key_files", decoders::key_files::run),
    works("key_packages", decoders::key_packages::run, 300),
    reads("list_changes", decoders::list_changes::run),
    works("mls_messages", decoders::mls_messages::run, 100),
    reads("names", decoders::names::run),
    reads("policies", decoders::policies::run),
    works("profile_files", decoders::profile_files::run, 1000),
    reads("registries", decoders::registries::run),
    reads("relay_config", decoders::relay_config::run),
    reads("requests", decoders::requests::run),
    works("responses", decoders::responses::run, 3000),
    reads("subscriptions", decoders::subscriptions::run),
    reads("suspensions", decoders::suspensions::run),
    works("welcomes", decoders::welcomes::run, 100),
];
