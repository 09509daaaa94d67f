//! A channel as its members see it, with opaque payloads: to a relay they are opaque anyway.
//! Envelopes, hashes and the signature of the first commit are genuine.

use std::ops::Range;

use anyhow::{Context as _, Result};
use enlace_identity::entropy::Entropy;
use enlace_identity::names::{DeviceName, Domain};
use enlace_log::{
    ChannelId, ChannelNonce, ClientId, Commitment, DeviceList, Envelope, Generation, ItemKind,
    ListHash, PayloadHash, Seq, SubmitCounter, WelcomesHash,
};
use enlace_proto::relay::v1::{
    self as wire, CreateChannelRequest, Cursor, Item, SubmitRequest, Welcome,
};
use enlace_test_authorities::START;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use prost::Message as _;

use crate::member::Member;

/// Bytes of an entry's payload.
pub(crate) const ENTRY_BYTES: usize = 300;

/// Where the first entry stands: the commit that creates the channel is at 0.
pub(crate) const FIRST_ENTRY: u64 = 1;

/// Calls of one device at a time.
const CALLS: usize = 8;

/// A channel that has been created.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    id: ChannelId,
    hub: Domain,
}

impl Channel {
    /// A channel with all members in it; the first creates it.
    pub(crate) async fn with_all(members: &mut [Member]) -> Result<Self> {
        let mut channels = Self::many_with_all(1, members).await?;
        channels.pop().context("one channel was created")
    }

    /// So many channels, all members in each; the first creates them.
    pub(crate) async fn many_with_all(count: usize, members: &mut [Member]) -> Result<Vec<Self>> {
        let (creator, others) = members.split_first_mut().context("a channel has members")?;
        let others: Vec<_> = others.iter().map(|member| member.name().clone()).collect();
        let (channels, requests): (Vec<Self>, Vec<CreateChannelRequest>) =
            (0..count as u64).map(|number| Self::plan(number, creator, &others)).unzip();
        let creator = &*creator;
        let calls = requests.iter().map(|request| creator.call(request));
        let created = stream::iter(calls).buffer_unordered(CALLS).try_collect::<Vec<_>>().await;
        created.context("a channel cannot be created")?;
        Ok(channels)
    }

    /// A channel that will have that creator and others, and the request that creates it.
    fn plan(
        number: u64,
        creator: &mut Member,
        others: &[DeviceName],
    ) -> (Self, CreateChannelRequest) {
        let hub = creator.name().domain().clone();
        let mut nonce = ChannelNonce([0; 32]);
        nonce.0[..8].copy_from_slice(&number.to_be_bytes());
        let channel = Self { id: ChannelId::derive(&hub, &nonce), hub };
        let first = Some(channel.first_commit(creator, others));
        (channel, CreateChannelRequest { first, nonce: nonce.0.to_vec() })
    }

    fn first_commit(&self, creator: &mut Member, others: &[DeviceName]) -> SubmitRequest {
        let list: DeviceList = others.iter().cloned().chain([creator.name().clone()]).collect();
        let admitted: Vec<DeviceName> =
            list.iter().filter(|device| *device != creator.name()).cloned().collect();
        let message = b"an opaque welcome".as_slice();
        let welcomed: Vec<(DeviceName, &[u8])> =
            admitted.iter().map(|device| (device.clone(), message)).collect();
        let welcome = Welcome {
            devices: admitted.iter().map(ToString::to_string).collect(),
            message: message.into(),
            bundle: Vec::new(),
        };
        let payload = b"an opaque commit".as_slice();
        let envelope = Envelope {
            kind: ItemKind::Commit,
            fence: None,
            last_valid_commit: None,
            commitment: Commitment::NONE,
            list_hash: list.hash(),
            welcomes_hash: WelcomesHash::of(&welcomed),
            ..self.envelope(creator, payload)
        };
        SubmitRequest {
            channel: Some(self.wire_id()),
            envelope: Some(envelope.to_wire(true)),
            outer_signature: envelope.sign(creator.key()).as_bytes().to_vec(),
            payload: payload.into(),
            list_change: Some(DeviceList::default().change_to(&list).to_wire()),
            welcomes: if admitted.is_empty() { Vec::new() } else { vec![welcome] },
            certificates: creator.certificates(),
            known_head: None,
            incarnation: 0,
            hub: self.hub.to_string(),
        }
    }

    /// An entry of `author` that carries a number, to be known again by [`number_of`].
    pub(crate) fn entry(&self, author: &mut Member, number: u64, bytes: usize) -> SubmitRequest {
        let payload = payload(number, bytes);
        SubmitRequest {
            channel: Some(self.wire_id()),
            envelope: Some(self.envelope(author, &payload).to_wire(true)),
            payload: payload.into(),
            hub: self.hub.to_string(),
            ..SubmitRequest::default()
        }
    }

    /// Bytes of an entry as a reader gets it, in a frame with others.
    pub(crate) fn delivered_bytes(&self, author: &mut Member) -> usize {
        let SubmitRequest { envelope, payload, .. } = self.entry(author, 0, ENTRY_BYTES);
        let received_at_ms = START.as_millis();
        let envelope = envelope.map(Box::new);
        let item = Item { seq: 1_000, received_at_ms, envelope, payload, ..Item::default() };
        wire::Items { items: vec![item], ..wire::Items::default() }.encoded_len()
    }

    fn envelope(&self, author: &mut Member, payload: &[u8]) -> Envelope {
        let counter = author.count();
        let client_id = ClientId::new(Seq(counter), Entropy::system().bytes());
        let created = Some(Seq(FIRST_ENTRY - 1));
        Envelope {
            channel: self.id,
            generation: Generation(0),
            kind: ItemKind::Entry,
            author: author.name().clone().into(),
            client_id,
            submit_counter: SubmitCounter(counter),
            fence: created,
            last_valid_commit: created,
            commitment: Commitment([9; 32]),
            list_hash: ListHash::NONE,
            welcomes_hash: WelcomesHash::NONE,
            payload_hash: PayloadHash::of(payload),
        }
    }

    /// Its id on the wire.
    pub(crate) fn wire_id(&self) -> wire::ChannelId {
        self.id.to_wire()
    }

    /// A reader's place before an item.
    pub(crate) fn cursor(&self, next_seq: u64) -> Cursor {
        Cursor {
            channel: Some(self.wire_id()),
            next_seq,
            hub: self.hub.to_string(),
            incarnation: 0,
        }
    }
}

/// Entries with these numbers, the authors taking turns, and the channels; for each author its
/// own, in order.
pub(crate) fn entries_in_turn(
    channels: &[Channel],
    authors: &mut [Member],
    numbers: Range<u64>,
) -> Vec<Vec<SubmitRequest>> {
    let (mut entries, count) = (vec![Vec::new(); authors.len()], authors.len() as u64);
    for number in numbers {
        let author = (number % count) as usize;
        let channel = &channels[(number % channels.len() as u64) as usize];
        entries[author].push(channel.entry(&mut authors[author], number, ENTRY_BYTES));
    }
    entries
}

/// The payload of an entry that carries a number; at least 8 bytes.
pub(crate) fn payload(number: u64, bytes: usize) -> Vec<u8> {
    let mut payload = vec![7; bytes.max(8)];
    payload[..8].copy_from_slice(&number.to_be_bytes());
    payload
}

/// The number that a payload carries.
pub(crate) fn number_of(payload: &[u8]) -> Option<u64> {
    payload.first_chunk().map(|number| u64::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_carries_its_number_at_any_size() {
        for bytes in [0, 8, 300] {
            let payload = payload(0x0102_0304, bytes);
            assert_eq!(payload.len(), bytes.max(8));
            assert_eq!(number_of(&payload), Some(0x0102_0304));
        }
        assert_eq!(number_of(&[1, 2, 3]), None);
    }
}
