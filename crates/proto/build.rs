//! Generates the wire types from `proto/`, with protox in place of protoc.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The package whose messages come from the network.
const WIRE: &str = "enlace.relay.v1";

const SCHEMA: &str = "../../proto";

const FILES: [&str; 2] = ["enlace/channel/v1/channel.proto", "enlace/relay/v1/relay.proto"];

/// Fields of which there are many, or that are handed to many readers: `Bytes`, so that all of a
/// frame share one allocation.
const SHARED_FIELDS: [&str; 8] = [
    ".enlace.relay.v1.Envelope.client_id",
    ".enlace.relay.v1.Envelope.commitment",
    ".enlace.relay.v1.Envelope.list_hash",
    ".enlace.relay.v1.Envelope.welcomes_hash",
    ".enlace.relay.v1.Envelope.payload_hash",
    ".enlace.relay.v1.Item.payload",
    ".enlace.relay.v1.SubmitRequest.payload",
    ".enlace.relay.v1.Welcome.message",
];

/// A field of a list's elements that would make an empty one large.
const LARGE_FIELD: &str = ".enlace.relay.v1.Item.envelope";

#[allow(clippy::disallowed_methods, reason = "a build script is told where to write by cargo")]
fn main() -> Result<(), Box<dyn Error>> {
    for file in FILES {
        println!("cargo:rerun-if-changed={}", Path::new(SCHEMA).join(file).display());
    }
    let descriptors = protox::compile(FILES, [SCHEMA])?;
    let out = std::env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("shapes.rs"), shapes(&descriptors))?;
    prost_build::Config::new().bytes(SHARED_FIELDS).boxed(LARGE_FIELD).compile_fds(descriptors)?;
    Ok(())
}

/// Which fields of each message are messages themselves: what `src/shape.rs` includes.
fn shapes(descriptors: &prost_types::FileDescriptorSet) -> String {
    let mut source = String::new();
    let wire = descriptors.file.iter().filter(|file| file.package() == WIRE);
    for message in wire.flat_map(|file| &file.message_type) {
        let name = message.name();
        let mut fields = String::new();
        for field in &message.field {
            if let Some(inner) = field.type_name().strip_prefix(&format!(".{WIRE}."))
                && field.r#type() == prost_types::field_descriptor_proto::Type::Message
            {
                let _ = write!(fields, "({}, &{inner}),", field.number());
            }
        }
        let _ = writeln!(
            source,
            "static {name}: Shape = Shape(&[{fields}]);\n\
             impl Shaped for crate::relay::v1::{name} {{ \
             const SHAPE: &'static Shape = &{name}; }}"
        );
    }
    source
}
