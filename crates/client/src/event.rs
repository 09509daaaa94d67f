//! What a program that watches is told. Events say that something can be read, not what: the
//! store is the truth, and a watcher that missed some reads on from where it was.

use enlace_log::{ChannelId, ClientId, Seq};

use crate::store::OutboxState;

/// Something changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ClientEvent {
    /// An entry was stored.
    Entry {
        /// The channel.
        channel: ChannelId,
        /// Its place.
        seq: Seq,
    },
    /// A notice was stored.
    Notice {
        /// The channel, unless it concerns the device.
        channel: Option<ChannelId>,
        /// Its number.
        id: u64,
    },
    /// A channel is new, or its title, members or standing changed.
    Channel(ChannelId),
    /// Something to be sent got on.
    Outbox {
        /// The channel.
        channel: ChannelId,
        /// Its idempotency key.
        client_id: ClientId,
        /// Where it stands now.
        state: OutboxState,
    },
    /// The home relay is there, or gone.
    Connected(bool),
    /// Another process has written: anything may have changed.
    StoreChanged,
}
