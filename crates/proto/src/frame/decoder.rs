//! The incremental decoder.

use bytes::{Buf, Bytes, BytesMut};

use super::{Frame, HEADER_BYTES, Place};

/// Why a stream of frames cannot be read on. The peer broke the protocol: refuse and end the
/// stream; nothing after this point can be understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FrameError {
    /// A kind that this version does not know, or that may not stand here. On a request: an
    /// unknown method.
    #[error("a frame of kind {kind} may not stand here")]
    Kind {
        /// The kind that came.
        kind: u16,
    },
    /// The length announced exceeds the limit of that kind.
    #[error("a frame of kind {kind} announces {length} bytes; its limit is {limit}")]
    TooLong {
        /// The kind that came.
        kind: u16,
        /// Bytes announced.
        length: u32,
        /// Bytes that the kind allows.
        limit: u32,
    },
    /// The stream ended inside a frame.
    #[error("the stream ends inside a frame, after {received} of its bytes")]
    Truncated {
        /// Bytes of the incomplete frame that did arrive, header included.
        received: usize,
    },
}

/// Cuts bytes, as they arrive, into frames.
#[derive(Debug)]
pub struct Decoder {
    place: Place,
    buffer: BytesMut,
    broken: Option<FrameError>,
}

impl Decoder {
    /// A decoder for the frames of that place in a stream.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self { place, buffer: BytesMut::new(), broken: None }
    }

    /// Takes bytes that arrived. Call [`Decoder::poll`] until it returns nothing before pushing
    /// again: that is what bounds the memory.
    pub fn push(&mut self, arrived: Bytes) {
        if self.broken.is_some() {
            return;
        }
        if self.buffer.is_empty() {
            self.buffer = BytesMut::from(arrived);
        } else {
            self.buffer.extend_from_slice(&arrived);
        }
    }

    /// The next whole frame, or nothing if more bytes have to arrive first.
    ///
    /// # Errors
    /// [`FrameError`] once the bytes break the protocol, and again on each later call.
    pub fn poll(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(length) = self.announced()? else { return Ok(None) };
        let body_bytes = length as usize;
        if self.buffer.len() - HEADER_BYTES < body_bytes {
            return Ok(None);
        }
        let kind = self.buffer.get_u16();
        self.buffer.advance(HEADER_BYTES - 2);
        Ok(Some(Frame { kind, body: self.buffer.split_to(body_bytes).freeze() }))
    }

    /// The length of the next frame's body, once its header has arrived.
    ///
    /// # Errors
    /// As [`Decoder::poll`].
    pub fn announced(&mut self) -> Result<Option<u32>, FrameError> {
        match (self.broken, self.header()) {
            (Some(error), _) => Err(error),
            (None, Ok(header)) => Ok(header.map(|(_, length)| length)),
            (None, Err(error)) => Err(self.give_up(error)),
        }
    }

    /// Reads what follows as the frames of another place: after a request that opens a stream.
    pub fn move_to(&mut self, place: Place) {
        self.place = place;
    }

    /// Says that the stream has ended.
    ///
    /// # Errors
    /// [`FrameError::Truncated`] if it ended inside a frame.
    pub fn finish(&self) -> Result<(), FrameError> {
        match self.broken {
            Some(error) => Err(error),
            None if self.buffer.is_empty() => Ok(()),
            None => Err(FrameError::Truncated { received: self.buffer.len() }),
        }
    }

    /// Whether bytes of a later frame are already here.
    #[must_use]
    pub fn has_remainder(&self) -> bool {
        !self.buffer.is_empty()
    }

    fn header(&self) -> Result<Option<(u16, u32)>, FrameError> {
        let mut unread = &self.buffer[..];
        if unread.len() < 2 {
            return Ok(None);
        }
        let kind = unread.get_u16();
        let limit = self.place.limit(kind).ok_or(FrameError::Kind { kind })?;
        if unread.len() < 4 {
            return Ok(None);
        }
        let length = unread.get_u32();
        if length > limit {
            return Err(FrameError::TooLong { kind, length, limit });
        }
        Ok(Some((kind, length)))
    }

    fn give_up(&mut self, error: FrameError) -> FrameError {
        self.buffer = BytesMut::new();
        self.broken = Some(error);
        error
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use prost::Message;

    use super::{Decoder, FrameError};
    use crate::frame::{
        ANSWERS, CONTROL, EVENT, Frame, HEADER_BYTES, OK, Place, SUBMISSION, encode,
    };
    use crate::method::{Call, Method};
    use crate::relay::v1::{HelloRequest, LeaseRequest, LeaseResponse, SubmitRequest};

    fn decode_in_steps(place: Place, bytes: &[u8], step: usize) -> Result<Vec<Frame>, FrameError> {
        let mut decoder = Decoder::new(place);
        let mut frames = Vec::new();
        for chunk in bytes.chunks(step.max(1)) {
            decoder.push(Bytes::copy_from_slice(chunk));
            while let Some(frame) = decoder.poll()? {
                frames.push(frame);
            }
        }
        decoder.finish()?;
        Ok(frames)
    }

    fn hello() -> HelloRequest {
        HelloRequest {
            versions: vec![1],
            bundle_hash: vec![7; 32],
            crls: vec![vec![1; 300]],
            known_heads: Vec::new(),
            software: "enlace 0.1.0".into(),
            former_bundles: vec![],
        }
    }

    fn header(kind: u16, length: u32) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &length.to_be_bytes()[..]].concat()
    }

    #[test]
    fn bytes_are_those_of_the_protocol_page() {
        let request = LeaseRequest { device: "d".into(), ..LeaseRequest::default() };
        let frame = encode(Place::Request, LeaseRequest::METHOD.number(), &request).unwrap();
        assert_eq!(frame[..], [0, 5, 0, 0, 0, 3, 0x12, 1, b'd']);
    }

    #[test]
    fn frames_come_back_however_they_are_cut() {
        let one = encode(Place::Request, Method::Hello.number(), &hello()).unwrap();
        let bytes = [&one[..], &one[..]].concat();
        for step in 1..=bytes.len() {
            let frames = decode_in_steps(Place::Request, &bytes, step).unwrap();
            assert_eq!(frames.len(), 2);
            for frame in frames {
                assert_eq!(frame.kind, Method::Hello.number());
                assert_eq!(HelloRequest::decode(frame.body).unwrap(), hello());
            }
        }
    }

    #[test]
    fn the_body_shares_the_memory_that_arrived() {
        let request =
            SubmitRequest { payload: Bytes::from(vec![9; 1000]), ..SubmitRequest::default() };
        let bytes = encode(Place::Request, Method::Submit.number(), &request).unwrap();
        let arrived = bytes.as_ptr_range();
        let mut decoder = Decoder::new(Place::Request);
        decoder.push(bytes);
        let frame = decoder.poll().unwrap().unwrap();
        let payload = SubmitRequest::decode(frame.body).unwrap().payload;
        assert!(arrived.contains(&payload.as_ptr()));
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_the_body_comes() {
        for method in Method::ALL {
            let limit = method.request_limit();
            let mut decoder = Decoder::new(Place::Request);
            decoder.push(Bytes::from(header(method.number(), limit + 1)));
            let kind = method.number();
            let refusal = FrameError::TooLong { kind, length: limit + 1, limit };
            assert_eq!(decoder.poll(), Err(refusal));
            assert_eq!(decoder.poll(), Err(refusal));
            assert_eq!(decoder.finish(), Err(refusal));

            let mut decoder = Decoder::new(Place::Request);
            decoder.push(Bytes::from(header(method.number(), limit)));
            assert_eq!(decoder.poll(), Ok(None));
            assert!(decoder.buffer.capacity() < 64);
        }
    }

    #[test]
    fn a_stream_goes_on_at_another_place() {
        let request = encode(Place::Request, Method::Lease.number(), &LeaseRequest::default());
        let control = encode(Place::Controls, CONTROL, &LeaseResponse::default());
        let mut decoder = Decoder::new(Place::Request);
        decoder.push([&request.unwrap()[..], &control.unwrap()[..]].concat().into());
        assert_eq!(decoder.announced(), Ok(Some(0)));
        assert_eq!(decoder.poll().unwrap().unwrap().kind, Method::Lease.number());
        assert!(decoder.has_remainder());
        decoder.move_to(Place::Controls);
        assert_eq!(decoder.poll().unwrap().unwrap().kind, CONTROL);
        assert!(!decoder.has_remainder());
    }

    #[test]
    fn an_unknown_kind_is_refused_by_its_first_two_bytes() {
        let mut decoder = Decoder::new(Place::Request);
        decoder.push(Bytes::from_static(&[0, 99]));
        assert_eq!(decoder.poll(), Err(FrameError::Kind { kind: 99 }));
    }

    #[test]
    fn each_kind_has_its_place() {
        let refused = [
            (Place::Request, OK),
            (Place::Response(Method::Lease), CONTROL),
            (Place::Response(Method::Lease), EVENT),
            (Place::Controls, EVENT),
            (Place::Controls, OK),
            (Place::Events, CONTROL),
            (Place::Events, OK),
            (Place::Submissions, OK),
            (Place::Submissions, ANSWERS),
            (Place::Answers, SUBMISSION),
            (Place::Answers, EVENT),
        ];
        for (place, kind) in refused {
            assert_eq!(
                decode_in_steps(place, &header(kind, 0), 1),
                Err(FrameError::Kind { kind }),
                "{place:?}"
            );
        }
    }

    #[test]
    fn every_cut_inside_a_frame_is_noticed() {
        let bytes = encode(Place::Request, Method::Hello.number(), &hello()).unwrap();
        for end in 1..bytes.len() {
            assert_eq!(
                decode_in_steps(Place::Request, &bytes[..end], end),
                Err(FrameError::Truncated { received: end })
            );
        }
    }

    #[test]
    fn mutated_frames_never_panic() {
        let bytes = encode(Place::Request, Method::Hello.number(), &hello()).unwrap();
        for position in 0..bytes.len() {
            for flip in 0..8 {
                let mut mutated = bytes.to_vec();
                mutated[position] ^= 1 << flip;
                if let Ok(frames) = decode_in_steps(Place::Request, &mutated, 7) {
                    for frame in frames {
                        drop(HelloRequest::decode(frame.body));
                    }
                }
            }
        }
    }

    #[test]
    fn a_message_over_its_limit_is_not_sent() {
        let response = LeaseResponse::default();
        let place = Place::Response(Method::Lease);
        assert_eq!(encode(place, OK, &response).unwrap().len(), HEADER_BYTES);
        let request = LeaseRequest { device: "d".repeat(70_000), ..LeaseRequest::default() };
        let refused = encode(Place::Request, Method::Lease.number(), &request).unwrap_err();
        assert_eq!(refused.limit, Method::Lease.request_limit());
        assert!(encode(Place::Controls, EVENT, &response).is_err());
    }
}
