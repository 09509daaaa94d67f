//! Frames of the bare protocol: `kind u8 ‖ length u32 ‖ body`.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// A payload, to the server and from it.
pub(crate) const ENTRY: u8 = 1;
/// How many payloads of this stream are durable, or how many bytes its reader has taken.
pub(crate) const ACKNOWLEDGE: u8 = 2;
/// Asks for all that is in the file, before what comes.
pub(crate) const REPLAY: u8 = 3;
/// Bytes before the body.
pub(crate) const HEADER: usize = 5;
/// The longest body; only what has gone wrong exceeds it.
const MAX: usize = 1 << 20;

/// A frame announces too much.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a frame announces {0} bytes")]
pub(crate) struct TooLong(usize);

/// Appends a frame.
pub(crate) fn put(out: &mut BytesMut, kind: u8, body: &[u8]) {
    out.put_u8(kind);
    out.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
    out.put_slice(body);
}

/// A frame with a number in it.
pub(crate) fn number(kind: u8, number: u64) -> Bytes {
    let mut out = BytesMut::with_capacity(13);
    put(&mut out, kind, &number.to_be_bytes());
    out.freeze()
}

/// Cuts bytes, as they arrive, into frames.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    buffer: BytesMut,
}

impl Frames {
    /// Takes bytes that arrived.
    pub(crate) fn push(&mut self, arrived: Bytes) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::from(arrived);
        } else {
            self.buffer.extend_from_slice(&arrived);
        }
    }

    /// The next whole frame.
    pub(crate) fn next(&mut self) -> Result<Option<(u8, Bytes)>, TooLong> {
        let Some(mut header) = self.buffer.get(..HEADER) else { return Ok(None) };
        let kind = header.get_u8();
        let length = header.get_u32() as usize;
        if length > MAX {
            return Err(TooLong(length));
        }
        if self.buffer.len() < HEADER + length {
            return Ok(None);
        }
        self.buffer.advance(HEADER);
        Ok(Some((kind, self.buffer.split_to(length).freeze())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_however_they_are_cut() {
        let mut bytes = BytesMut::new();
        put(&mut bytes, ENTRY, &[7; 300]);
        bytes.extend_from_slice(&number(ACKNOWLEDGE, 9));
        let bytes = bytes.freeze();
        for step in [1, 4, 5, 6, 299, 1000] {
            let mut frames = Frames::default();
            let mut got = Vec::new();
            for start in (0..bytes.len()).step_by(step) {
                frames.push(bytes.slice(start..bytes.len().min(start + step)));
                while let Some(frame) = frames.next().unwrap() {
                    got.push(frame);
                }
            }
            let expected = [
                (ENTRY, Bytes::from(vec![7; 300])),
                (ACKNOWLEDGE, 9_u64.to_be_bytes().to_vec().into()),
            ];
            assert_eq!(got, expected, "in steps of {step}");
        }
    }

    #[test]
    fn nobody_waits_for_a_frame_that_is_too_long() {
        let mut frames = Frames::default();
        frames.push(Bytes::from_static(&[ENTRY, 0xff, 0, 0, 0]));
        assert!(frames.next().is_err());
    }
}
