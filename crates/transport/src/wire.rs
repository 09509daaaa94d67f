//! One QUIC stream as a sequence of frames.

use bytes::Bytes;
use enlace_proto::frame::{Decoder, Frame, FrameError, Place};
use enlace_proto::method;
use futures_util::FutureExt as _;
use quinn::{ReadError, RecvStream, VarInt, WriteError};

use crate::close::Lost;

/// Stream error code: whoever had to answer gave up without an answer.
pub(crate) const ABANDONED: VarInt = VarInt::from_u32(1);

/// The receiving half: frames come whole, or not at all. Its methods may be cancelled at any point.
#[derive(Debug)]
pub(crate) struct FrameSource {
    stream: RecvStream,
    decoder: Decoder,
}

/// Why no frame comes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReceiveError {
    /// The peer broke the protocol on this stream.
    #[error("the peer sent what is no frame of this place: {0}")]
    Frame(#[from] FrameError),
    /// A frame's body is not the message that its kind names, or something follows the last one.
    #[error("the peer sent a message that can't be read")]
    Message,
    /// The peer gave up on the stream.
    #[error("the peer abandoned the stream")]
    Abandoned,
    /// The connection is gone.
    #[error(transparent)]
    Lost(#[from] Lost),
}

/// Why a frame can't be sent on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SendError {
    /// The message exceeds its limit: split it.
    #[error(transparent)]
    TooLong(#[from] enlace_proto::frame::TooLong),
    /// The peer no longer reads this stream.
    #[error("the peer no longer reads this stream")]
    Stopped,
    /// The connection is gone.
    #[error(transparent)]
    Lost(#[from] Lost),
}

impl FrameSource {
    pub(crate) fn new(stream: RecvStream, place: Place) -> Self {
        Self { stream, decoder: Decoder::new(place) }
    }

    /// The next frame; nothing when the stream ended between two frames.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, ReceiveError> {
        loop {
            if let Some(frame) = self.decoder.poll()? {
                return Ok(Some(frame));
            }
            if !self.fill().await? {
                self.decoder.finish()?;
                return Ok(None);
            }
        }
    }

    /// The next frame, if it has come whole and is no more than small; doesn't wait.
    pub(crate) fn next_small(&mut self) -> Result<Option<Frame>, ReceiveError> {
        loop {
            if self.decoder.announced()?.is_some_and(|length| length > method::SMALL) {
                return Ok(None);
            }
            if let Some(frame) = self.decoder.poll()? {
                return Ok(Some(frame));
            }
            match self.fill().now_or_never() {
                Some(Ok(true)) => {}
                // The end of the stream is noticed by whoever waits for more.
                Some(Ok(false)) | None => return Ok(None),
                Some(Err(error)) => return Err(error),
            }
        }
    }

    /// Waits until the next frame's header has come, and returns its body's length.
    pub(crate) async fn announced(&mut self) -> Result<Option<u32>, ReceiveError> {
        loop {
            if let Some(length) = self.decoder.announced()? {
                return Ok(Some(length));
            }
            if !self.fill().await? {
                self.decoder.finish()?;
                return Ok(None);
            }
        }
    }

    /// Says that what follows stands at another place of the stream.
    pub(crate) fn move_to(&mut self, place: Place) {
        self.decoder.move_to(place);
    }

    /// Whether bytes have come beyond the last frame that was taken.
    pub(crate) fn has_remainder(&self) -> bool {
        self.decoder.has_remainder()
    }

    async fn fill(&mut self) -> Result<bool, ReceiveError> {
        match self.stream.read_chunk(usize::MAX, true).await {
            Ok(Some(chunk)) => {
                self.decoder.push(chunk.bytes);
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(ReadError::ConnectionLost(error)) => Err(Lost::from(error).into()),
            Err(_) => Err(ReceiveError::Abandoned),
        }
    }
}

/// Writes whole frames; waits while the peer's windows are full.
pub(crate) async fn write(
    stream: &mut quinn::SendStream,
    frames: &mut [Bytes],
) -> Result<(), SendError> {
    stream.write_all_chunks(frames).await.map_err(|error| match error {
        WriteError::ConnectionLost(error) => Lost::from(error).into(),
        _ => SendError::Stopped,
    })
}
