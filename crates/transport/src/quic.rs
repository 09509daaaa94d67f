//! QUIC's own parameters: what a peer may make this side hold in memory, and for how long
//! (PROTOCOL.md §4.1).

mod reset;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::{hkdf, hmac};
use enlace_identity::entropy::Entropy;
use quinn::congestion::CubicConfig;
use quinn::crypto::HandshakeTokenKey;
use quinn::{EndpointConfig, IdleTimeout, TransportConfig, VarInt};
use quinn_proto::HashedConnectionIdGenerator;

pub(crate) use self::reset::ResetKey;

/// Calls that a device may have open at its relay; one of them is its subscription.
pub(crate) const DEVICE_STREAMS: u32 = 16;

/// Calls that two relays may have open at each other, each way.
pub(crate) const RELAY_STREAMS: u32 = 256;

/// Unread bytes of one stream.
const STREAM_WINDOW: u32 = 1 << 20;

/// Unread bytes of all streams of a device's connection.
const DEVICE_WINDOW: u32 = 4 << 20;

/// Unread bytes of all streams of a connection between relays.
const RELAY_WINDOW: u32 = 16 << 20;

/// Unacknowledged bytes that this side keeps for a slow peer.
const SEND_WINDOW: u64 = 4 << 20;

const IDLE_MS: u32 = 60_000;

const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// What carries the datagrams.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wire {
    /// The operating system.
    Kernel,
    /// A simulation: nothing may depend on the machine, nor on randomness that can't be seeded.
    Simulated,
}

/// An endpoint that only dials: its connection ids and reset tokens are fresh ones each time.
pub(crate) fn dialling_endpoint(entropy: &Entropy) -> EndpointConfig {
    let key = hmac::Key::new(hmac::HMAC_SHA256, entropy.secret::<32>().as_ref());
    let ids = u64::from_be_bytes(entropy.bytes());
    let mut config = EndpointConfig::new(Arc::new(key));
    config
        .cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)))
        .rng_seed(Some(entropy.bytes()));
    config
}

/// Seals the tokens by which peers prove their address.
pub(crate) fn token_key(entropy: &Entropy) -> Arc<dyn HandshakeTokenKey> {
    let secret = entropy.secret::<64>();
    Arc::new(hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret.as_ref()))
}

/// For connections that others open here.
pub(crate) fn accepting(wire: Wire) -> Arc<TransportConfig> {
    Arc::new(base(DEVICE_STREAMS, wire))
}

/// For connections that this side opens: it keeps them alive, and permits calls back only once
/// [`widen_for_relay`] says so.
pub(crate) fn dialling(wire: Wire) -> Arc<TransportConfig> {
    let mut config = base(0, wire);
    config.keep_alive_interval(Some(KEEP_ALIVE));
    Arc::new(config)
}

/// Gives a connection between two relays its larger limits.
pub(crate) fn widen_for_relay(connection: &quinn::Connection) {
    connection.set_max_concurrent_bi_streams(VarInt::from_u32(RELAY_STREAMS));
    connection.set_receive_window(VarInt::from_u32(RELAY_WINDOW));
}

fn base(streams: u32, wire: Wire) -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(DEVICE_WINDOW))
        .send_window(SEND_WINDOW)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MS))));
    if wire == Wire::Simulated {
        config
            .enable_segmentation_offload(false)
            .mtu_discovery_config(None)
            .congestion_controller_factory(Arc::new(CubicConfig::default()));
    }
    config
}
