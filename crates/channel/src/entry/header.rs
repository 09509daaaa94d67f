//! The header of an entry: what its author signs (PROTOCOL.md §3.1).

use std::fmt;
use std::str::FromStr;

use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Commitment, Generation, QuotedHead};

use super::kinds::{EntryKind, HandlingCode, PartKind};
use super::part::PartDigest;

const LABEL: &str = "enlace entry header v1";

/// The header of an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// The channel.
    pub channel: ChannelId,
    /// Which of its groups the entry was written in.
    pub generation: Generation,
    /// The author's device.
    pub author: DeviceName,
    /// The idempotency key: random, unique per device.
    pub client_id: ClientId,
    /// The author's clock.
    pub local_time: Timestamp,
    /// The author's time zone.
    pub time_zone: TimeZone,
    /// What the entry is.
    pub kind: EntryKind,
    /// What may be done with it.
    pub handling: HandlingCode,
    /// The entry that this one answers, corrects or withdraws.
    pub parent: Option<Commitment>,
    /// The newest head that the author held; unverified.
    pub known_head: Option<QuotedHead>,
    /// The parts, in reading order.
    pub parts: Vec<PartDigest>,
}

impl Header {
    /// The most parts that an entry can have.
    pub const MAX_PARTS: usize = 1024;

    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let known_head = self.known_head.as_ref().map(QuotedHead::encode).unwrap_or_default();
        Writer::new(LABEL)
            .fixed(self.channel.as_bytes())
            .u64(self.generation.0)
            .bytes(self.author.as_str().as_bytes())
            .fixed(self.client_id.as_bytes())
            .u64(self.local_time.as_millis())
            .bytes(self.time_zone.as_str().as_bytes())
            .u64(self.kind.code())
            .u64(self.handling.code())
            .fixed(self.parent.unwrap_or(Commitment::NONE).as_bytes())
            .bytes(&known_head)
            .list(&self.parts, |w, part| w.u64(part.kind.code()).fixed(&part.digest))
            .finish()
    }

    /// The newest head that the author held; unverified.
    #[must_use]
    pub fn known_head(&self) -> Option<&QuotedHead> {
        self.known_head.as_ref()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest author would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let header = Self {
            channel: ChannelId(r.fixed()?),
            generation: Generation(r.u64()?),
            author: r.text()?.parse().map_err(|_| DecodeError::Value("author"))?,
            client_id: ClientId(r.fixed()?),
            local_time: Timestamp::from_millis(r.u64()?),
            time_zone: r.text()?.parse().map_err(|_| DecodeError::Value("time_zone"))?,
            kind: EntryKind::from_code(r.u64()?),
            handling: HandlingCode::from_code(r.u64()?).ok_or(DecodeError::Value("handling"))?,
            parent: Some(Commitment(r.fixed()?)).filter(|parent| *parent != Commitment::NONE),
            known_head: match r.bytes()? {
                [] => None,
                quoted => Some(QuotedHead::decode(quoted)?),
            },
            parts: r.list("parts", Self::MAX_PARTS, |r| {
                let code = u32::try_from(r.u64()?).map_err(|_| DecodeError::Value("parts"))?;
                Ok(PartDigest { kind: PartKind::from_code(code.into()), digest: r.fixed()? })
            })?,
        };
        r.finish()?;
        Ok(header)
    }
}

/// The name of a time zone in the IANA database, or `UTC`; only its form is checked.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TimeZone(String);

/// The text has not the form of a time zone's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a time zone has a name such as America/Bogota, or UTC")]
pub struct TimeZoneError;

impl TimeZone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TimeZone {
    type Err = TimeZoneError;

    fn from_str(text: &str) -> Result<Self, TimeZoneError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'+' | b'-');
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TimeZoneError)
        }
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
