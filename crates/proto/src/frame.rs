//! Frames: `kind u16 ‖ length u32 ‖ body`, big-endian (PROTOCOL.md §4.2).
//!
//! [`Decoder`] is sans-IO: [`Decoder::push`] what arrived, then [`Decoder::poll`] until it returns
//! nothing. What a length field claims is checked against the limit before the body is waited for,
//! and memory is taken only for bytes that arrived. Which kinds may come, and how long each may
//! be, depends on the [`Place`] in a stream.

mod decoder;
mod place;

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

pub use self::decoder::{Decoder, FrameError};
pub use self::place::{ANSWERS, CONTROL, ERROR, EVENT, OK, Place, SUBMISSION};

/// Bytes before the body.
pub const HEADER_BYTES: usize = 6;

/// One frame, its limit already checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// What the body is: a method's number, or one of [`OK`], [`ERROR`], [`CONTROL`], [`EVENT`],
    /// [`SUBMISSION`], [`ANSWERS`].
    pub kind: u16,
    /// The message, encoded.
    pub body: Bytes,
}

/// A message that is longer than its frame may be: the sender has to split or to shorten it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a message of {length} bytes exceeds the limit of {limit} for its kind")]
pub struct TooLong {
    /// Bytes of the encoded message.
    pub length: usize,
    /// Bytes that its kind allows.
    pub limit: u32,
}

/// The frame of `message`, ready to be sent at `place`.
///
/// # Errors
/// [`TooLong`] if the message exceeds the limit of that kind, or if the kind has no place there.
pub fn encode<M: Message>(place: Place, kind: u16, message: &M) -> Result<Bytes, TooLong> {
    let length = message.encoded_len();
    let Some(limit) = place.limit(kind) else { return Err(TooLong { length, limit: 0 }) };
    let announced = u32::try_from(length).ok().filter(|announced| *announced <= limit);
    let Some(announced) = announced else { return Err(TooLong { length, limit }) };
    let mut out = BytesMut::with_capacity(HEADER_BYTES + length);
    out.put_u16(kind);
    out.put_u32(announced);
    message.encode_raw(&mut out);
    Ok(out.freeze())
}
