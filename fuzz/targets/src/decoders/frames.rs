//! The frames of a stream, however it was cut into pieces on its way.
//!
//! Input: place, size of the pieces, then the stream.

use bytes::Bytes;
use enlace_proto::frame::{Decoder, Frame, FrameError, HEADER_BYTES, Place};
use enlace_proto::method::Method;

use crate::Outcome;

/// A place that is the response to a method: this, and the method's number.
pub const RESPONSE: u8 = 100;

/// Reads the stream whole and in pieces: both must say the same.
pub fn run(data: &[u8]) -> Outcome {
    let [place, step, stream @ ..] = data else { return Outcome::Refused };
    let Some(place) = place_of(*place) else { return Outcome::Refused };
    let step = usize::from(*step) + 1;
    let whole = read(place, stream, stream.len().max(1));
    let pieces = read(place, stream, step);
    assert_eq!(whole.frames, pieces.frames, "the cuts changed what was read");
    match (whole.end, pieces.end) {
        (Err(FrameError::Truncated { .. }), Err(FrameError::Truncated { .. })) => {}
        (whole, pieces) => assert_eq!(whole, pieces, "the cuts changed how it ended"),
    }
    check_frames(place, stream, &whole.frames);
    Outcome::when(!whole.frames.is_empty())
}

struct Read {
    frames: Vec<Frame>,
    end: Result<(), FrameError>,
}

fn read(place: Place, stream: &[u8], step: usize) -> Read {
    let mut decoder = Decoder::new(place);
    let mut frames = Vec::new();
    for piece in stream.chunks(step) {
        decoder.push(Bytes::copy_from_slice(piece));
        loop {
            match decoder.poll() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.poll(), Err(error), "an error is final");
                    return Read { frames, end: Err(error) };
                }
            }
        }
    }
    Read { frames, end: decoder.finish() }
}

/// What was read is the beginning of the stream, within the limits of its place.
fn check_frames(place: Place, stream: &[u8], frames: &[Frame]) {
    let mut written = Vec::new();
    for frame in frames {
        let limit = place.limit(frame.kind).expect("the kind may stand here");
        let length = u32::try_from(frame.body.len()).expect("a body is shorter than 4 GiB");
        assert!(length <= limit, "a body beyond its limit");
        written.extend_from_slice(&frame.kind.to_be_bytes());
        written.extend_from_slice(&length.to_be_bytes());
        written.extend_from_slice(&frame.body);
    }
    assert!(stream.starts_with(&written));
    assert!(frames.iter().map(|f| f.body.len() + HEADER_BYTES).sum::<usize>() <= stream.len());
}

fn place_of(byte: u8) -> Option<Place> {
    Some(match byte {
        0 => Place::Request,
        1 => Place::Controls,
        2 => Place::Events,
        3 => Place::Submissions,
        4 => Place::Answers,
        number => Place::Response(Method::from_number(number.wrapping_sub(RESPONSE).into())?),
    })
}
