//! A channel as its members see it, without MLS: payloads are opaque to a relay anyway.

use std::collections::BTreeSet;

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::{
    ChannelId, ChannelNonce, ClientId, Commitment, DeviceList, Envelope, Generation, ItemKind,
    ListHash, PayloadHash, Seq, SubmitCounter, WelcomesHash,
};
use enlace_proto::relay::v1::{
    self as wire, CreateChannelRequest, LeasePurpose, LeaseRequest, SubmitRequest, SubmitResponse,
};
use enlace_transport::{Connection, Refusal};

use super::Device;
use super::device::call;

/// What every member knows of a channel.
pub(crate) struct TestChannel {
    pub(crate) id: ChannelId,
    pub(crate) nonce: ChannelNonce,
    hub: Domain,
    /// Of the hub, as the members know it.
    incarnation: u64,
    fence: Option<Seq>,
    list: DeviceList,
}

pub(crate) fn wire_id(channel: ChannelId) -> wire::ChannelId {
    channel.to_wire()
}

impl TestChannel {
    pub(crate) fn new(number: u8, hub: &Domain) -> Self {
        let (fence, list) = (None, DeviceList::default());
        let nonce = ChannelNonce([number; 32]);
        Self {
            id: ChannelId::derive(hub, &nonce),
            nonce,
            hub: hub.clone(),
            incarnation: 0,
            fence,
            list,
        }
    }

    /// Creates the channel at its hub, with its creator and whoever is admitted at once.
    pub(crate) async fn create(
        &mut self,
        creator: &mut Device,
        connection: &Connection,
        admitted: &[&DeviceName],
    ) -> SubmitResponse {
        let first = self.first_commit(creator, admitted);
        let request = CreateChannelRequest { first: Some(first), nonce: self.nonce.0.to_vec() };
        let created = call(connection, &request).await.unwrap();
        let accepted = created.first.unwrap();
        self.set_fence(Seq(accepted.seq));
        accepted
    }

    /// The commit that begins the channel; whoever orders it says where it stands.
    pub(crate) fn first_commit(
        &mut self,
        creator: &mut Device,
        admitted: &[&DeviceName],
    ) -> SubmitRequest {
        let list: DeviceList =
            admitted.iter().map(|name| (*name).clone()).chain([creator.name.clone()]).collect();
        let commit = self.commit(creator, &list);
        self.list = list;
        commit
    }

    /// It goes on at another hub.
    pub(crate) fn moved(&mut self, hub: &Domain, incarnation: u64) {
        (self.hub, self.incarnation) = (hub.clone(), incarnation);
    }

    /// The newest commit stands there.
    pub(crate) fn set_fence(&mut self, fence: Seq) {
        self.fence = Some(fence);
    }

    /// Asks for the lease and commits to another list of devices.
    pub(crate) async fn change(
        &mut self,
        author: &mut Device,
        connection: &Connection,
        list: &[&DeviceName],
    ) -> SubmitResponse {
        self.lease(author, connection).await.unwrap();
        self.try_change(author, connection, list).await.unwrap()
    }

    /// Commits to another list of devices, with a lease or without.
    pub(crate) async fn try_change(
        &mut self,
        author: &mut Device,
        connection: &Connection,
        list: &[&DeviceName],
    ) -> Result<SubmitResponse, Refusal> {
        let list: DeviceList = list.iter().map(|name| (*name).clone()).collect();
        let commit = self.commit(author, &list);
        let accepted = call(connection, &commit).await?;
        Ok(self.committed(list, accepted))
    }

    pub(crate) async fn lease(
        &self,
        author: &Device,
        connection: &Connection,
    ) -> Result<wire::LeaseResponse, Refusal> {
        let request = LeaseRequest {
            channel: Some(wire_id(self.id)),
            device: author.name.to_string(),
            purpose: LeasePurpose::Admission.into(),
            ..LeaseRequest::default()
        };
        call(connection, &request).await
    }

    /// Posts an entry.
    pub(crate) async fn post(
        &self,
        author: &mut Device,
        connection: &Connection,
    ) -> SubmitResponse {
        let entry = self.entry(author);
        call(connection, &entry).await.unwrap()
    }

    /// Posts an entry of that size.
    pub(crate) async fn post_large(
        &self,
        author: &mut Device,
        connection: &Connection,
        bytes: usize,
    ) -> SubmitResponse {
        let entry = self.large_entry(author, bytes);
        call(connection, &entry).await.unwrap()
    }

    /// An entry that fits the channel's present state.
    pub(crate) fn entry(&self, author: &mut Device) -> SubmitRequest {
        let payload = format!("opaque {}", author.name).into_bytes();
        self.entry_of(author, payload)
    }

    /// An entry of that size.
    pub(crate) fn large_entry(&self, author: &mut Device, bytes: usize) -> SubmitRequest {
        self.entry_of(author, vec![7; bytes])
    }

    fn entry_of(&self, author: &mut Device, payload: Vec<u8>) -> SubmitRequest {
        let mut envelope = self.envelope(author, ItemKind::Entry, &payload);
        envelope.commitment = Commitment([9; 32]);
        SubmitRequest {
            channel: Some(envelope.channel.to_wire()),
            envelope: Some(envelope.to_wire(true)),
            payload: payload.into(),
            hub: self.hub.to_string(),
            incarnation: self.incarnation,
            ..SubmitRequest::default()
        }
    }

    fn commit(&self, author: &mut Device, list: &DeviceList) -> SubmitRequest {
        let change = self.list.change_to(list);
        let admitted: BTreeSet<&DeviceName> =
            change.added.iter().filter(|device| **device != author.name).collect();
        let welcomes: Vec<wire::Welcome> = admitted
            .iter()
            .map(|device| wire::Welcome {
                devices: vec![device.to_string()],
                message: format!("welcome {device}").into(),
                bundle: Vec::new(),
            })
            .collect();
        let messages: Vec<(DeviceName, &[u8])> = admitted
            .iter()
            .zip(&welcomes)
            .map(|(device, welcome)| ((*device).clone(), &welcome.message[..]))
            .collect();
        let payload = b"commit".to_vec();
        let mut envelope = self.envelope(author, ItemKind::Commit, &payload);
        envelope.list_hash = list.hash();
        envelope.welcomes_hash = WelcomesHash::of(&messages);
        SubmitRequest {
            channel: Some(envelope.channel.to_wire()),
            envelope: Some(envelope.to_wire(true)),
            outer_signature: envelope.sign(&author.credential.key).as_bytes().to_vec(),
            payload: payload.into(),
            list_change: Some(change.to_wire()),
            welcomes,
            certificates: author.credential.chain.ders(),
            known_head: None,
            incarnation: self.incarnation,
            hub: self.hub.to_string(),
        }
    }

    fn envelope(&self, author: &mut Device, kind: ItemKind, payload: &[u8]) -> Envelope {
        let counter = author.count();
        let mut client_id = [0; 16];
        client_id[..8].copy_from_slice(&counter.to_be_bytes());
        Envelope {
            channel: self.id,
            generation: Generation(0),
            kind,
            author: author.name.clone().into(),
            client_id: ClientId(client_id),
            submit_counter: SubmitCounter(counter),
            fence: self.fence,
            last_valid_commit: self.fence,
            commitment: Commitment::NONE,
            list_hash: ListHash::NONE,
            welcomes_hash: WelcomesHash::NONE,
            payload_hash: PayloadHash::of(payload),
        }
    }

    fn committed(&mut self, list: DeviceList, accepted: SubmitResponse) -> SubmitResponse {
        self.fence = Some(Seq(accepted.seq));
        self.list = list;
        accepted
    }
}
