//! What stands round every item in clear, and is hashed into the chain (PROTOCOL.md §3.5).

use bytes::Bytes;
use enlace_identity::canonical::{DecodeError, Reader, Writer, sha256};
use enlace_identity::keys::{PublicKey, Signature, SigningKey};
use enlace_identity::names::{DeviceName, LeafName, ServiceKind};
use enlace_proto::relay::v1 as wire;

use crate::device_list::ListHash;
use crate::head::QuotedHead;
use crate::ids::{
    ChannelId, ClientId, Commitment, Generation, MAX_SEQ, Seq, SubmitCounter, bytes_id,
    seq_from_u64, seq_to_u64,
};

const LABEL: &str = "enlace envelope v2";
const AAD_LABEL: &str = "enlace aad v2";

bytes_id!(
    /// Hash of an item's payload.
    PayloadHash, 32
);
bytes_id!(
    /// Hash of the welcomes of a commit.
    WelcomesHash, 32
);

impl PayloadHash {
    /// Hashes a payload.
    #[must_use]
    pub fn of(payload: &[u8]) -> Self {
        Self(Writer::new("enlace payload v1").bytes(payload).hash())
    }
}

impl WelcomesHash {
    /// What stands in an item that admits nobody.
    pub const NONE: Self = Self([0; 32]);

    /// Hashes the welcome of each admitted device. `NONE` for none.
    #[must_use]
    pub fn of(welcomes: &[(DeviceName, &[u8])]) -> Self {
        if welcomes.is_empty() {
            return Self::NONE;
        }
        let mut welcomes: Vec<_> = welcomes.iter().collect();
        welcomes.sort_by(|a, b| a.0.cmp(&b.0));
        // Many are admitted by one message, which is long: it is hashed once.
        let mut last: Option<(&[u8], [u8; 32])> = None;
        let writer = Writer::new("enlace welcomes v1").list(&welcomes, |w, (device, message)| {
            let hash = match last {
                Some((before, hash)) if std::ptr::eq(before, *message) => hash,
                _ => Writer::new("enlace welcome v1").bytes(message).hash(),
            };
            last = Some((message, hash));
            w.bytes(device.as_str().as_bytes()).fixed(&hash)
        });
        Self(writer.hash())
    }
}

/// What kind of item an envelope holds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ItemKind {
    /// An encrypted entry.
    Entry,
    /// A commit.
    Commit,
    /// A member's wish to be removed.
    Leave,
    /// A dropped device's objection to a commit.
    Contest,
    /// A device's word that a commit's secrets did not reach it.
    Stranded,
    /// What a hub states of itself.
    HubStatement,
    /// The founding of the channel's next group.
    Succession,
    /// A member has the relays erase what entries say.
    Tombstone,
}

impl ItemKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Entry,
        Self::Commit,
        Self::Leave,
        Self::Contest,
        Self::Stranded,
        Self::HubStatement,
        Self::Succession,
        Self::Tombstone,
    ];

    /// Its number.
    #[must_use]
    pub fn code(self) -> u32 {
        match self {
            Self::Entry => 1,
            Self::Commit => 2,
            Self::Leave => 3,
            Self::Contest => 4,
            Self::Stranded => 5,
            Self::HubStatement => 6,
            Self::Succession => 7,
            Self::Tombstone => 9,
        }
    }

    fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether it changes the group, and with it the fence and the device list.
    #[must_use]
    pub fn is_change(self) -> bool {
        matches!(self, Self::Commit | Self::Succession)
    }

    /// Whether an outer signature is due.
    #[must_use]
    pub fn is_outer_signed(self) -> bool {
        self != Self::Entry
    }
}

/// The envelope of an item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// The channel.
    pub channel: ChannelId,
    /// Which of its groups: the one that its author was in when it made it.
    pub generation: Generation,
    /// What it holds.
    pub kind: ItemKind,
    /// Who made it: a device; of a hub's statement, the hub's relay.
    pub author: LeafName,
    /// The idempotency key.
    pub client_id: ClientId,
    /// The device's count of encryptions.
    pub submit_counter: SubmitCounter,
    /// The newest commit item that the author has processed.
    pub fence: Option<Seq>,
    /// The newest commit that the author holds valid.
    pub last_valid_commit: Option<Seq>,
    /// Binds the entry inside; `NONE` for what is no entry.
    pub commitment: Commitment,
    /// Of a commit and of a succession: the device list after it; else `NONE`.
    pub list_hash: ListHash,
    /// Of a commit that admits: its welcomes; else `NONE`.
    pub welcomes_hash: WelcomesHash,
    /// Hash of the payload.
    pub payload_hash: PayloadHash,
}

impl Envelope {
    /// The most bytes an envelope can have.
    pub const MAX_BYTES: usize = 1024;

    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let writer = self.write_authenticated(Writer::new(LABEL));
        let writer = match self.kind {
            ItemKind::Commit => writer.fixed(&self.welcomes_hash.0),
            _ => writer,
        };
        writer.fixed(&self.payload_hash.0).finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest author would not have written, also a commitment or list hash of zeros
    /// on a kind of item that has one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let channel = ChannelId(r.fixed()?);
        let generation = Generation(r.u64()?);
        let kind = u32::try_from(r.u64()?).ok().and_then(ItemKind::from_code);
        let kind = kind.ok_or(DecodeError::Value("kind"))?;
        let (is_entry, is_commit) = (kind == ItemKind::Entry, kind == ItemKind::Commit);
        let has_list = kind.is_change();
        let envelope = Self {
            channel,
            generation,
            kind,
            author: r.text()?.parse().map_err(|_| DecodeError::Value("author"))?,
            client_id: ClientId(r.fixed()?),
            submit_counter: SubmitCounter(r.u64()?),
            fence: seq_from_u64("fence", r.u64()?)?,
            last_valid_commit: seq_from_u64("last_valid_commit", r.u64()?)?,
            commitment: if is_entry { Commitment(r.fixed()?) } else { Commitment::NONE },
            list_hash: if has_list { ListHash(r.fixed()?) } else { ListHash::NONE },
            welcomes_hash: if is_commit { WelcomesHash(r.fixed()?) } else { WelcomesHash::NONE },
            payload_hash: PayloadHash(r.fixed()?),
        };
        r.finish()?;
        envelope.check()
    }

    /// Whether each field is one that an item of this kind has.
    fn check(self) -> Result<Self, DecodeError> {
        let kind = self.kind;
        let (is_entry, is_commit) = (kind == ItemKind::Entry, kind == ItemKind::Commit);
        let is_author = match &self.author {
            LeafName::Device(_) => kind != ItemKind::HubStatement,
            LeafName::Service(name) => {
                kind == ItemKind::HubStatement && name.kind() == ServiceKind::Relay
            }
        };
        let fields = [
            ("author", is_author),
            ("commitment", is_entry == (self.commitment != Commitment::NONE)),
            ("list_hash", kind.is_change() == (self.list_hash != ListHash::NONE)),
            ("welcomes_hash", is_commit || self.welcomes_hash == WelcomesHash::NONE),
        ];
        match fields.into_iter().find(|(_, is_right)| !is_right) {
            Some((field, _)) => Err(DecodeError::Value(field)),
            None => Ok(self),
        }
    }

    /// As it travels beside its channel and, unless that is erased, its payload (PROTOCOL.md §3.5).
    #[must_use]
    pub fn to_wire(&self, has_payload: bool) -> wire::Envelope {
        let hash = |hash: &[u8; 32]| match *hash == [0; 32] {
            true => Bytes::new(),
            false => Bytes::copy_from_slice(hash),
        };
        wire::Envelope {
            generation: self.generation.0,
            kind: self.kind.code(),
            author: self.author.to_string(),
            client_id: Bytes::copy_from_slice(&self.client_id.0),
            submit_counter: self.submit_counter.0,
            fence: self.fence.map(|seq| seq.0),
            last_valid_commit: self.last_valid_commit.map(|seq| seq.0),
            commitment: hash(&self.commitment.0),
            list_hash: hash(&self.list_hash.0),
            welcomes_hash: hash(&self.welcomes_hash.0),
            payload_hash: if has_payload { Bytes::new() } else { hash(&self.payload_hash.0) },
        }
    }

    /// Puts an envelope together again from what travelled, its channel, and its payload; `None`
    /// where that is erased.
    ///
    /// # Errors
    /// As those of [`Self::decode`]; also a hash of a payload that came along.
    pub fn from_wire(
        channel: ChannelId,
        envelope: &wire::Envelope,
        payload: Option<&[u8]>,
    ) -> Result<Self, DecodeError> {
        let hash = |field, bytes: &[u8]| match bytes {
            [] => Ok([0; 32]),
            bytes => match fixed(field, bytes)? {
                none if none == [0; 32] => Err(DecodeError::Value(field)),
                hash => Ok(hash),
            },
        };
        let seq = |field, seq: Option<u64>| match seq {
            Some(seq) if seq > MAX_SEQ => Err(DecodeError::Value(field)),
            seq => Ok(seq.map(Seq)),
        };
        let payload_hash = match payload {
            Some(payload) if envelope.payload_hash.is_empty() => PayloadHash::of(payload),
            Some(_) => return Err(DecodeError::Value("payload_hash")),
            None => PayloadHash(fixed("payload_hash", &envelope.payload_hash)?),
        };
        let read = Self {
            channel,
            generation: Generation(envelope.generation),
            kind: ItemKind::from_code(envelope.kind).ok_or(DecodeError::Value("kind"))?,
            author: envelope.author.parse().map_err(|_| DecodeError::Value("author"))?,
            client_id: ClientId(fixed("client_id", &envelope.client_id)?),
            submit_counter: SubmitCounter(envelope.submit_counter),
            fence: seq("fence", envelope.fence)?,
            last_valid_commit: seq("last_valid_commit", envelope.last_valid_commit)?,
            commitment: Commitment(hash("commitment", &envelope.commitment)?),
            list_hash: ListHash(hash("list_hash", &envelope.list_hash)?),
            welcomes_hash: WelcomesHash(hash("welcomes_hash", &envelope.welcomes_hash)?),
            payload_hash,
        };
        read.check()
    }

    /// The AAD of the MLS message inside: what the sender knows before it encrypts
    /// (PROTOCOL.md §3.9). `known_head` is quoted in commits only.
    #[must_use]
    pub fn aad(&self, known_head: Option<&QuotedHead>) -> Vec<u8> {
        let quoted = known_head.map(QuotedHead::encode).unwrap_or_default();
        self.write_authenticated(Writer::new(AAD_LABEL)).bytes(&quoted).finish()
    }

    /// The device that made it; `None` where a hub did.
    #[must_use]
    pub fn device(&self) -> Option<&DeviceName> {
        match &self.author {
            LeafName::Device(device) => Some(device),
            LeafName::Service(_) => None,
        }
    }

    /// Signs the envelope with the author's key: a device's, or a hub's head key.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> OuterSignature {
        OuterSignature(Some(key.sign(&self.encode())))
    }

    /// The fields that the AAD repeats: all but the hashes of what comes out of the encryption.
    fn write_authenticated(&self, writer: Writer) -> Writer {
        let writer = writer
            .fixed(&self.channel.0)
            .u64(self.generation.0)
            .u64(self.kind.code().into())
            .bytes(self.author.as_str().as_bytes())
            .fixed(&self.client_id.0)
            .u64(self.submit_counter.0)
            .u64(seq_to_u64(self.fence))
            .u64(seq_to_u64(self.last_valid_commit));
        match self.kind {
            ItemKind::Entry => writer.fixed(&self.commitment.0),
            ItemKind::Commit | ItemKind::Succession => writer.fixed(&self.list_hash.0),
            _ => writer,
        }
    }
}

fn fixed<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    bytes.try_into().map_err(|_| DecodeError::Value(field))
}

/// The quoted head inside a commit's AAD, once its other fields are known to equal the envelope's.
///
/// # Errors
/// [`DecodeError::Value`] when the AAD is not the one that belongs to `envelope`.
pub fn quoted_head_in_aad(
    envelope: &Envelope,
    aad: &[u8],
) -> Result<Option<QuotedHead>, DecodeError> {
    let expected = envelope.write_authenticated(Writer::new(AAD_LABEL)).finish();
    let rest = aad.strip_prefix(&expected[..]).ok_or(DecodeError::Value("aad"))?;
    let (length, quoted) = rest.split_first_chunk::<4>().ok_or(DecodeError::Truncated)?;
    if u32::from_be_bytes(*length) as usize != quoted.len() {
        return Err(DecodeError::Trailing);
    }
    match (quoted.is_empty(), envelope.kind) {
        (true, _) => Ok(None),
        (false, ItemKind::Commit) => QuotedHead::decode(quoted).map(Some),
        (false, _) => Err(DecodeError::Value("known_head")),
    }
}

/// The author's signature over an envelope, where one is due.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OuterSignature(Option<Signature>);

impl OuterSignature {
    /// Of an entry, which carries none.
    pub const NONE: Self = Self(None);

    /// Reads 64 bytes, or none.
    ///
    /// # Errors
    /// [`DecodeError::Value`] when the length is another, or does not fit the kind.
    pub fn decode(kind: ItemKind, bytes: &[u8]) -> Result<Self, DecodeError> {
        if !kind.is_outer_signed() {
            return if bytes.is_empty() {
                Ok(Self::NONE)
            } else {
                Err(DecodeError::Value("outer_signature"))
            };
        }
        let signature = Signature::try_from(bytes);
        Ok(Self(Some(signature.map_err(|_| DecodeError::Value("outer_signature"))?)))
    }

    /// Its bytes: 64, or none.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |signature| &signature.as_bytes()[..])
    }

    /// Whether it is the author's over these canonical envelope bytes; false where there is none.
    #[must_use]
    pub fn verify(&self, envelope: &[u8], key: &PublicKey) -> bool {
        self.0.as_ref().is_some_and(|signature| key.verify(envelope, signature).is_ok())
    }

    /// Its hash, as the chain takes it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.as_bytes())
    }
}

#[cfg(test)]
mod tests;
