//! What an operation on a channel works with, for the length of one transaction.

use std::fmt;

use enlace_identity::bundle::Bundle;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::{PublicKey, SigningKey};
use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::{ChainHash, ChannelId, HeadSigner, Seq};

use crate::mls::Backend;
use crate::state_store::StateStore;

/// This device: its name, key and certificates.
pub struct Device {
    /// Its name, as its certificate states.
    pub name: DeviceName,
    /// Its one key: for TLS, MLS and signatures on entries.
    pub key: SigningKey,
    /// Its leaf certificate and its issuing CA's.
    pub chain: UnverifiedChain,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Device").field(&self.name).finish()
    }
}

/// What the caller's store knows of hubs and logs. Both look-ups see the open transaction: the
/// caller writes a batch's positions before it hands the batch's items in.
pub trait LogBook {
    /// The key of a head certificate that was verified to be of `hub`'s authority, if it is here.
    fn head_key(&self, hub: &Domain, signer: HeadSigner) -> Option<PublicKey>;

    /// The chain at a position of this copy of a log, if it is here.
    fn chain_at(&self, channel: ChannelId, seq: Seq) -> Option<ChainHash>;
}

/// What every operation needs. Everything it changes goes through `store`; when the caller
/// abandons the transaction, it loads the channel anew.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The transaction.
    pub store: &'a dyn StateStore,
    /// Cryptography and randomness.
    pub backend: &'a Backend,
    /// Who acts.
    pub device: &'a Device,
    /// The network.
    pub bundle: &'a Bundle,
    /// Head keys, and the log as stored.
    pub log: &'a dyn LogBook,
    /// The device's clock: for what it makes itself, never for judging others.
    pub now: Timestamp,
}
