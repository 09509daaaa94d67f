//! Checks that many decoders share.

use std::fmt::Debug;

use enlace_identity::canonical::DecodeError;
use enlace_proto::shape::{self, Shaped};

use crate::Outcome;

/// Decodes canonical bytes, and expects what was read to be written as it stood.
pub(crate) fn canonical<T>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    encode: impl Fn(&T) -> Vec<u8>,
) -> Result<T, DecodeError> {
    let read = decode(bytes);
    if let Ok(value) = &read {
        assert_eq!(encode(value), bytes, "another encoding of the same value was read");
    }
    read
}

/// Reads a message of the wire as relays and clients do, and expects it to survive being sent on.
pub(crate) fn message<M: Shaped + Debug + PartialEq>(body: &[u8]) -> Option<M> {
    let read: M = shape::read(bytes::Bytes::copy_from_slice(body)).ok()?;
    let again = M::decode(&read.encode_to_vec()[..]);
    assert_eq!(again.as_ref(), Ok(&read), "a message that was read cannot be sent on");
    Some(read)
}

/// The outcome of reading a message.
pub(crate) fn outcome<M>(read: &Option<M>) -> Outcome {
    Outcome::when(read.is_some())
}
