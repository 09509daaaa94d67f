//! Generates the wire types from `proto/`, with protox in place of protoc.

use std::error::Error;
use std::path::Path;

const SCHEMA: &str = "../../proto";

const FILES: [&str; 2] = ["enlace/channel/v1/channel.proto", "enlace/relay/v1/relay.proto"];

/// Fields that are handed to many readers: `Bytes`, so that all of them share one allocation.
const SHARED_FIELDS: [&str; 5] = [
    ".enlace.relay.v1.Item.envelope",
    ".enlace.relay.v1.Item.payload",
    ".enlace.relay.v1.SubmitRequest.envelope",
    ".enlace.relay.v1.SubmitRequest.payload",
    ".enlace.relay.v1.Welcome.message",
];

fn main() -> Result<(), Box<dyn Error>> {
    for file in FILES {
        println!("cargo:rerun-if-changed={}", Path::new(SCHEMA).join(file).display());
    }
    let descriptors = protox::compile(FILES, [SCHEMA])?;
    prost_build::Config::new().bytes(SHARED_FIELDS).compile_fds(descriptors)?;
    Ok(())
}
