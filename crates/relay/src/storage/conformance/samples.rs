//! Made-up logs: whole enough to be stored.

use bytes::Bytes;
use enlace_identity::keys::SigningKey;
use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::head::HeadSigner;
use enlace_log::{
    ChainHash, ChannelId, ChannelNonce, ClientId, Commitment, Envelope, Generation, Head,
    Incarnation, ItemKind, ListHash, PayloadHash, Seq, SignedHead, SubmitCounter, WelcomesHash,
};
use zeroize::Zeroizing;

use crate::storage::{Accepted, ChannelRecord, Doubts, IdempotencyKey, LogWrite, Role, StoredItem};

pub(crate) fn channel(number: u8) -> ChannelId {
    ChannelId([number; 32])
}

pub(crate) fn domain(name: &str) -> Domain {
    format!("{name}.example").parse().unwrap()
}

pub(crate) fn device(name: &str) -> DeviceName {
    format!("laptop.{name}.officer.a.example").parse().unwrap()
}

pub(crate) fn client_id(seq: u64) -> ClientId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&seq.to_be_bytes());
    ClientId(id)
}

pub(crate) fn envelope(channel: ChannelId, seq: u64) -> Envelope {
    Envelope {
        channel,
        generation: Generation(0),
        kind: ItemKind::Entry,
        author: device("ana").into(),
        client_id: client_id(seq),
        submit_counter: SubmitCounter(seq),
        fence: Some(Seq(0)),
        last_valid_commit: Some(Seq(0)),
        commitment: Commitment([5; 32]),
        list_hash: ListHash::NONE,
        welcomes_hash: WelcomesHash::NONE,
        payload_hash: PayloadHash::of(b"payload"),
    }
}

pub(crate) fn item(channel: ChannelId, seq: u64) -> StoredItem {
    StoredItem {
        seq: Seq(seq),
        received_at: Timestamp::from_millis(u64::MAX - seq),
        envelope: envelope(channel, seq).encode().into(),
        outer_signature: Bytes::new(),
        payload: Bytes::from_static(b"payload"),
        list_change: (seq == 0).then(|| Bytes::from_static(b"change")),
        chain: ChainHash([u8::try_from(seq % 251).unwrap(); 32]),
    }
}

pub(crate) fn record(channel: ChannelId, role: Role, seq: u64) -> ChannelRecord {
    let tail = item(channel, seq).tail();
    let (hub, generation) = (domain("hub"), Generation(u64::MAX));
    let nonce = ChannelNonce([channel.0[0] ^ 0xff; 32]);
    let settled = Doubts::default();
    let (creating_hub, fence) = (domain("creating"), Some(Seq(seq)));
    ChannelRecord { channel, hub, creating_hub, nonce, role, generation, tail, fence, settled }
}

pub(crate) fn create(channel: ChannelId) -> LogWrite {
    LogWrite::Create(record(channel, Role::Hub, 0), item(channel, 0))
}

pub(crate) fn append(channel: ChannelId, after: u64, count: u64) -> LogWrite {
    let items = (after + 1..=after + count).map(|seq| item(channel, seq)).collect();
    LogWrite::Append { channel, after: Seq(after), items, fence: Some(Seq(0)) }
}

pub(crate) fn accepted(channel: ChannelId, seq: u64) -> (Accepted, LogWrite) {
    let accepted = Accepted {
        seq: Seq(seq),
        received_at: item(channel, seq).received_at,
        kind: ItemKind::Entry,
        commitment: Commitment([5; 32]),
        envelope_hash: enlace_identity::canonical::sha256(&item(channel, seq).envelope),
    };
    let (device, client_id) = (device("ana"), client_id(seq));
    let key = IdempotencyKey { channel, device, client_id };
    (accepted, LogWrite::Accepted { key, accepted })
}

pub(crate) fn head(channel: ChannelId, seq: u64) -> SignedHead {
    let key = SigningKey::from_seed(Zeroizing::new([1; 32]));
    let chain = item(channel, seq).chain;
    let head = Head { channel, incarnation: Incarnation(0), seq: Seq(seq), chain };
    head.sign(&key, HeadSigner([2; 32])).signed().clone()
}
