//! What a device or its relay submits, checked as far as it can be without the channel.
//!
//! This is the costly half (hashes, signatures, certificate chains), so it runs in the caller's
//! task and in parallel; the sequencer sees only a [`Submission`].

use std::collections::BTreeMap;

use enlace_identity::canonical::sha256;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::PublicKey;
use enlace_identity::names::{DeviceName, Domain};
use enlace_log::device_list::parse_sorted;
use enlace_log::item::Sealed;
use enlace_log::{Incarnation, WelcomesHash};
use enlace_proto::relay::v1 as wire;

use super::errors::SubmitError;
use super::trust::{DeviceTrust, TrustError};
use crate::storage::IdempotencyKey;

/// Who submits: the verified identity of a connection.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Caller {
    /// A device, for itself.
    Device(DeviceName),
    /// A relay, for its authority's devices.
    Relay(Domain),
}

impl Caller {
    /// Whether it may speak for a device.
    #[must_use]
    pub fn speaks_for(&self, device: &DeviceName) -> bool {
        match self {
            Self::Device(name) => name == device,
            Self::Relay(domain) => domain == device.domain(),
        }
    }
}

/// An item that fits together and was signed by its author, where a signature is due.
#[derive(Clone, Debug)]
pub struct Submission {
    sealed: Sealed,
    device: DeviceName,
    incarnation: Incarnation,
    envelope_hash: [u8; 32],
    welcomes: Vec<wire::Welcome>,
    welcomed: BTreeMap<DeviceName, usize>,
    certificates: Vec<Vec<u8>>,
}

impl Submission {
    /// Checks a request that `caller` made. Its `known_head` and `hub` are the caller's to use.
    ///
    /// # Errors
    /// The submitter's fault.
    pub fn check(
        caller: &Caller,
        request: wire::SubmitRequest,
        trust: &dyn DeviceTrust,
    ) -> Result<Self, SubmitError> {
        let sealed = Sealed::from_request(&request)?;
        let envelope = sealed.envelope();
        let device = envelope.device().cloned().ok_or(SubmitError::HubStatement)?;
        if !caller.speaks_for(&device) {
            return Err(SubmitError::NotTheCallers(device));
        }
        if sealed.payload().is_none() {
            return Err(SubmitError::NoPayload);
        }
        let welcomed = read_welcomes(&request.welcomes, envelope.welcomes_hash)?;
        if envelope.kind.is_outer_signed() {
            let chain = UnverifiedChain::from_ders(&request.certificates);
            let author = trust.device_key(&chain.map_err(TrustError::from)?)?;
            if !is_signed_by(&sealed, &author) {
                return Err(SubmitError::OuterSignature);
            }
        }
        Ok(Self {
            envelope_hash: sha256(sealed.envelope_bytes()),
            sealed,
            device,
            incarnation: Incarnation(request.incarnation),
            welcomes: request.welcomes,
            welcomed,
            certificates: request.certificates,
        })
    }

    /// The item.
    #[must_use]
    pub fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    /// Its author.
    #[must_use]
    pub fn device(&self) -> &DeviceName {
        &self.device
    }

    /// What it is known by when it is sent again.
    #[must_use]
    pub fn key(&self) -> IdempotencyKey {
        let envelope = self.sealed.envelope();
        let (channel, client_id) = (envelope.channel, envelope.client_id);
        IdempotencyKey { channel, device: self.device.clone(), client_id }
    }

    /// The hub's incarnation where the author's copy of the log ends.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// SHA-256 of its envelope.
    #[must_use]
    pub fn envelope_hash(&self) -> &[u8; 32] {
        &self.envelope_hash
    }

    /// The devices that have a welcome.
    pub fn welcomed(&self) -> impl Iterator<Item = &DeviceName> {
        self.welcomed.keys()
    }

    pub(crate) fn welcomes(&self) -> &[wire::Welcome] {
        &self.welcomes
    }

    pub(crate) fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// How many bytes it holds in memory, roughly.
    pub(crate) fn weight(&self) -> usize {
        let welcomes: usize = self.welcomes.iter().map(|w| w.message.len() + w.bundle.len()).sum();
        let payload = self.sealed.payload().map_or(0, |payload| payload.len());
        let changes = self.sealed.list_change().map_or(0, |c| c.added.len() + c.removed.len());
        1024 + welcomes + payload + 128 * (changes + self.welcomed.len())
    }
}

/// Which welcome is for whom; each device has one.
pub(crate) fn read_welcomes(
    welcomes: &[wire::Welcome],
    expected: WelcomesHash,
) -> Result<BTreeMap<DeviceName, usize>, SubmitError> {
    let mut welcomed = BTreeMap::new();
    for (index, welcome) in welcomes.iter().enumerate() {
        let devices = parse_sorted(&welcome.devices).map_err(|_| SubmitError::Welcomes)?;
        let count = welcomed.len() + devices.len();
        welcomed.extend(devices.into_iter().map(|device| (device, index)));
        if welcomed.len() != count || welcome.devices.is_empty() {
            return Err(SubmitError::Welcomes);
        }
    }
    let messages: Vec<(DeviceName, &[u8])> = welcomed
        .iter()
        .map(|(device, index)| (device.clone(), &welcomes[*index].message[..]))
        .collect();
    if WelcomesHash::of(&messages) == expected { Ok(welcomed) } else { Err(SubmitError::Welcomes) }
}

/// Whether a device is the item's author and made the outer signature.
pub(crate) fn is_signed_by(sealed: &Sealed, (device, key): &(DeviceName, PublicKey)) -> bool {
    sealed.envelope().author == *device
        && sealed.outer_signature().verify(sealed.envelope_bytes(), key)
}
