//! Those who don't belong, and what they try.

use std::sync::Arc;
use std::time::Duration;

use enlace_client::profile::Profile;
use enlace_identity::endpoint::SignedEndpointRecord;
use enlace_identity::keys::Passphrase;
use enlace_identity::names::DeviceName;
use enlace_identity::revocation::RevocationLists;
use enlace_log::{
    ChannelId, ClientId, Commitment, Envelope, Generation, ItemKind, ListHash, PayloadHash, Seq,
    SubmitCounter, WelcomesHash,
};
use enlace_proto::method::Call;
use enlace_proto::relay::v1::{FetchRangeRequest, LeasePurpose, LeaseRequest, SubmitRequest};
use enlace_transport::{
    CallError, ConnectError, Connection, Dialled, Endpoint, Expected, HelloOffer, LocalIdentity,
    SystemClock, Target, Trust,
};

use crate::failure::Failure;
use crate::files;
use crate::training::{TrainingAuthority, TrainingNetwork, TrainingOfficer};
use crate::when::now;

/// How long a relay may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody with a certificate, who dials relays without the client's program.
pub(super) struct Stranger {
    endpoint: Endpoint,
}

/// A channel as somebody knows it who heard of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rumour {
    pub(super) channel: ChannelId,
    pub(super) fence: Option<Seq>,
}

impl Stranger {
    pub(super) fn new(identity: LocalIdentity, trust: Trust) -> Result<Self, Failure> {
        Ok(Self { endpoint: Endpoint::dial_only(identity, trust)? })
    }

    /// An enrolled officer of the network.
    pub(super) fn enrolled(
        officer: &TrainingOfficer,
        passphrase: &Passphrase,
    ) -> Result<Self, Failure> {
        let unlocked = Profile::open(officer.profile_dir())?.unlock(passphrase)?;
        let clock = Arc::new(SystemClock);
        let trust = Trust::new(unlocked.bundle, RevocationLists::new(), clock);
        for list in &unlocked.crls {
            trust.insert_crl(list)?;
        }
        let device = unlocked.device;
        Self::new(LocalIdentity::new(&trust, &device.chain, device.key)?, trust)
    }

    pub(super) async fn dial(&self, target: &Target) -> Result<Dialled, ConnectError> {
        self.endpoint.connect(target, HelloOffer::default(), PATIENCE).await
    }
}

/// Where an authority's relay is.
pub(super) fn target(
    network: &TrainingNetwork,
    authority: &TrainingAuthority,
) -> Result<Target, Failure> {
    let bundle = crate::network::read_bundle(&network.bundle_file())?;
    let bundle = bundle.open(&network.bundle_hash())?;
    let record = SignedEndpointRecord::decode(&files::read(&authority.public("endpoint"))?)?;
    let record = record.verify(&bundle, now())?;
    let addresses = record.relays.iter().flat_map(|relay| &relay.addresses);
    let addresses = addresses.map(|address| (address.host.to_string(), address.port)).collect();
    Ok(Target { expected: Expected::AnyRelayOf(authority.domain().clone()), addresses })
}

/// Tries to read and to write a channel, and to change its members; returns what was not refused.
pub(super) async fn meddle(
    connection: &Connection,
    own: &DeviceName,
    member: &DeviceName,
    rumour: Rumour,
    hub: &TrainingAuthority,
) -> Vec<String> {
    let channel = Some(rumour.channel.to_wire());
    let hub = hub.domain().to_string();
    let read = FetchRangeRequest {
        channel: channel.clone(),
        from_seq: 0,
        max_items: 100,
        hub: hub.clone(),
    };
    let lease = LeaseRequest {
        channel,
        device: own.to_string(),
        purpose: LeasePurpose::Admission.into(),
        ..LeaseRequest::default()
    };
    let outcomes = [
        ("reading", refused(connection, &read).await),
        ("asking to change members", refused(connection, &lease).await),
        ("writing", refused(connection, &entry(own, rumour, &hub)).await),
        ("writing in a member's name", refused(connection, &entry(member, rumour, &hub)).await),
    ];
    let suffered = outcomes.into_iter().filter_map(|(what, refused)| Some((what, refused.err()?)));
    suffered.map(|(what, outcome)| format!("{what}: {outcome}")).collect()
}

/// Whether the relay said no; anything else is told.
async fn refused<C: Call>(connection: &Connection, request: &C) -> Result<(), String> {
    match connection.call(request, PATIENCE).await {
        Err(CallError::Refused(_)) => Ok(()),
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("it was not refused".to_owned()),
    }
}

fn entry(author: &DeviceName, rumour: Rumour, hub: &str) -> SubmitRequest {
    let payload = b"let me in".to_vec();
    let envelope = Envelope {
        channel: rumour.channel,
        generation: Generation(0),
        kind: ItemKind::Entry,
        author: author.clone().into(),
        client_id: ClientId([7; 16]),
        submit_counter: SubmitCounter(1),
        fence: rumour.fence,
        last_valid_commit: rumour.fence,
        commitment: Commitment([7; 32]),
        list_hash: ListHash::NONE,
        welcomes_hash: WelcomesHash::NONE,
        payload_hash: PayloadHash::of(&payload),
    };
    SubmitRequest {
        channel: Some(rumour.channel.to_wire()),
        envelope: Some(envelope.to_wire(true)),
        payload: payload.into(),
        hub: hub.to_owned(),
        ..SubmitRequest::default()
    }
}
