//! Reaching the home relay.

use std::time::Duration;

use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::KnownHead;
use enlace_transport::{
    CloseCode, ConnectError, Dialled, Endpoint, Expected, HelloOffer, LocalIdentity, Target,
};

use super::{PER_ADDRESS, Shared, SyncError};
use crate::engine::relay_addresses;

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// How many of the heads in a hello a relay looks at (PROTOCOL.md §4.4).
const HEADS_LOOKED_AT: usize = 64;

/// A connection that hello has gone through.
pub(crate) struct Greeted {
    pub(super) dialled: Dialled,
    /// The heads that the relay has seen in it.
    pub(super) shown: Vec<(ChannelId, Seq)>,
}

/// Dials the relays of the own authority, from one socket.
pub(crate) struct Dialler {
    endpoint: Endpoint,
    enrolled_record: Vec<u8>,
}

impl Dialler {
    /// Opens a socket with the device's identity; `enrolled_record` is the endpoint record that
    /// came with the enrolment.
    pub(crate) fn new(shared: &Shared, enrolled_record: &[u8]) -> Result<Self, SyncError> {
        let engine = shared.engine();
        let (trust, device) = (engine.trust().clone(), engine.device());
        let identity = LocalIdentity::new(&trust, &device.chain, device.key.clone())?;
        drop(engine);
        let endpoint = shared.open_socket(identity, trust)?;
        Ok(Self { endpoint, enrolled_record: enrolled_record.to_vec() })
    }

    /// Tells the relay that nobody needs the connection any more.
    pub(crate) async fn close(&self) {
        self.endpoint.close(CloseCode::Done);
        // A relay that doesn't answer finds out by itself.
        let _ = tokio::time::timeout(FAREWELL, self.endpoint.idle()).await;
    }

    /// Connects to the first relay that answers, and takes in what its hello says.
    pub(crate) async fn connect(&self, shared: &Shared) -> Result<Greeted, SyncError> {
        let (record, offer) = {
            let mut engine = shared.engine();
            let record = engine.own_endpoint_record(&self.enrolled_record)?;
            let known_heads = engine.followed()?.into_iter().filter_map(|followed| {
                let channel = Some(wire_id(followed.channel));
                followed.head.map(|head| KnownHead { channel, head: Some(head) })
            });
            let software = concat!("enlace ", env!("CARGO_PKG_VERSION")).to_owned();
            (record, HelloOffer { known_heads: known_heads.collect(), software })
        };
        let relays = record.as_ref().map(relay_addresses).unwrap_or_default();
        let mut failure = SyncError::NoRelay;
        for relay in relays {
            let expected = Expected::Relay(relay.name);
            let target = Target { expected, addresses: relay.addresses };
            match self.endpoint.connect(&target, offer.clone(), PER_ADDRESS).await {
                Ok(dialled) => {
                    let shown = offer.known_heads.iter().take(HEADS_LOOKED_AT);
                    let shown = shown.filter_map(place_of).collect();
                    return Ok(Greeted { dialled: take_hello(shared, dialled)?, shown });
                }
                // Of several relays the one that answered has more to say.
                Err(ConnectError::NoAnswer { .. }) if !matches!(failure, SyncError::NoRelay) => {}
                Err(error) => failure = error.into(),
            }
        }
        shared.update_status(|status| {
            status.connected = false;
            status.last_error = Some(failure.to_string());
        });
        Err(failure)
    }
}

fn place_of(known: &KnownHead) -> Option<(ChannelId, Seq)> {
    let channel = ChannelId::try_from(&known.channel.as_ref()?.value[..]).ok()?;
    Some((channel, Seq(known.head.as_ref()?.seq)))
}

fn take_hello(shared: &Shared, dialled: Dialled) -> Result<Dialled, SyncError> {
    let hello = &dialled.hello;
    let ours = i64::try_from(dialled.answered_at.as_millis()).unwrap_or(i64::MAX);
    let theirs = i64::try_from(hello.time_ms).unwrap_or(i64::MAX);
    shared.update_status(|status| {
        status.connected = true;
        status.clock_offset_ms = Some(theirs.saturating_sub(ours));
        status.last_error = None;
    });
    let mut engine = shared.engine();
    engine.check_submit_counter(hello.submit_counter)?;
    engine.save_crls()?;
    if !hello.endpoint_record.is_empty() {
        engine.take_endpoint_records(std::slice::from_ref(&hello.endpoint_record))?;
    }
    drop(engine);
    Ok(dialled)
}

pub(super) fn wire_id(channel: ChannelId) -> enlace_proto::relay::v1::ChannelId {
    channel.to_wire()
}
