//! The relay's configuration file.

use std::net::SocketAddr;
use std::path::Path;

use enlace_relay::config::{ConfigFile, Settings};

use crate::Outcome;

/// Reads a file and checks its values.
pub fn run(data: &[u8]) -> Outcome {
    let Ok(text) = str::from_utf8(data) else { return Outcome::Refused };
    let Ok(mut file) = ConfigFile::parse(text) else { return Outcome::Refused };
    // A name instead of an address would be looked up in the network.
    if file.relay.listen.parse::<SocketAddr>().is_err() {
        file.relay.listen = "[::]:4433".into();
    }
    Outcome::of(&Settings::new(&file, Path::new("relay")))
}
