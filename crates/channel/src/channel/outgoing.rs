//! An item that this device has made, ready to be submitted.

use std::collections::BTreeSet;

use bytes::Bytes;
use enlace_identity::keys::SigningKey;
use enlace_identity::names::DeviceName;
use enlace_log::{Envelope, ListChange, OuterSignature, PayloadHash, WelcomesHash};
use enlace_proto::relay::v1 as wire;

use crate::channel::Device;

/// A sealed item and what travels beside it. Sending it twice does no harm.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The envelope, complete.
    pub envelope: Envelope,
    /// What the hub takes.
    pub request: wire::SubmitRequest,
}

/// What a commit carries beside its payload.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommitExtras {
    pub(crate) list_change: ListChange,
    /// Whom the welcome is for, sorted.
    pub(crate) welcomed: BTreeSet<DeviceName>,
    pub(crate) welcome: Option<Vec<u8>>,
    /// The signed bundle that the channel goes by, for joiners that lack it; empty for a first version,
    /// which everybody has.
    pub(crate) bundle: Vec<u8>,
}

impl Outgoing {
    /// Completes an envelope with what came out of the encryption, and signs it where due.
    pub(crate) fn seal(
        mut envelope: Envelope,
        payload: Vec<u8>,
        extras: Option<CommitExtras>,
        device: &Device,
    ) -> Self {
        envelope.payload_hash = PayloadHash::of(&payload);
        let mut welcomes = Vec::new();
        let mut list_change = None;
        if let Some(extras) = extras {
            if let Some(message) = extras.welcome {
                let admitted: Vec<_> =
                    extras.welcomed.iter().map(|d| (d.clone(), &message[..])).collect();
                envelope.welcomes_hash = WelcomesHash::of(&admitted);
                welcomes.push(wire::Welcome {
                    devices: extras.welcomed.iter().map(ToString::to_string).collect(),
                    message: Bytes::from(message.clone()),
                    bundle: extras.bundle,
                });
            }
            list_change = Some(extras.list_change.to_wire());
        }
        let signature = outer_signature(&envelope, &device.key);
        let certificates =
            if envelope.kind.is_outer_signed() { device.chain.ders() } else { Vec::new() };
        let request = wire::SubmitRequest {
            channel: Some(envelope.channel.to_wire()),
            envelope: Some(envelope.to_wire(true)),
            outer_signature: signature.as_bytes().to_vec(),
            payload: payload.into(),
            list_change,
            welcomes,
            certificates,
            known_head: None,
            incarnation: 0,
            hub: String::new(),
        };
        Self { envelope, request }
    }
}

fn outer_signature(envelope: &Envelope, key: &SigningKey) -> OuterSignature {
    if envelope.kind.is_outer_signed() { envelope.sign(key) } else { OuterSignature::NONE }
}
