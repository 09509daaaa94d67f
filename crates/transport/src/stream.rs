//! The two directions of a subscription or of a submit stream, typed.

use std::marker::PhantomData;

use bytes::Bytes;
use enlace_proto::frame::{self, Frame, Place, TooLong};
use enlace_proto::method;
use enlace_proto::relay::v1::{
    Error, SubmitAnswers, SubmitRequest, SubscriptionControl, SubscriptionEvent,
};
use enlace_proto::shape::{self, Shaped};
use tokio::sync::OwnedSemaphorePermit;

use crate::close::Lost;
use crate::connection::Connection;
use crate::refusal::Refusal;
use crate::wire::{self, FrameSource, ReceiveError, SendError};

/// A message of a long-lived stream.
pub trait StreamMessage: Shaped + sealed::Sealed {
    /// The frame's kind.
    const KIND: u16;

    /// Where in the stream it stands.
    const PLACE: Place;
}

impl StreamMessage for SubscriptionControl {
    const KIND: u16 = frame::CONTROL;
    const PLACE: Place = Place::Controls;
}

impl StreamMessage for SubscriptionEvent {
    const KIND: u16 = frame::EVENT;
    const PLACE: Place = Place::Events;
}

impl StreamMessage for SubmitRequest {
    const KIND: u16 = frame::SUBMISSION;
    const PLACE: Place = Place::Submissions;
}

impl StreamMessage for SubmitAnswers {
    const KIND: u16 = frame::ANSWERS;
    const PLACE: Place = Place::Answers;
}

/// A message from the relay: in its place may come the reason why the stream ends.
pub trait FromRelay: StreamMessage {}

impl FromRelay for SubscriptionEvent {}
impl FromRelay for SubmitAnswers {}

mod sealed {
    use enlace_proto::relay::v1::{
        SubmitAnswers, SubmitRequest, SubscriptionControl, SubscriptionEvent,
    };

    pub trait Sealed {}
    impl Sealed for SubscriptionControl {}
    impl Sealed for SubscriptionEvent {}
    impl Sealed for SubmitRequest {}
    impl Sealed for SubmitAnswers {}
}

/// A message in its frame, encoded once for any number of receivers.
#[derive(Debug)]
pub struct EncodedFrame<M> {
    bytes: Bytes,
    message: PhantomData<M>,
}

impl<M> Clone for EncodedFrame<M> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), message: PhantomData }
    }
}

impl<M: StreamMessage> EncodedFrame<M> {
    /// Encodes a message.
    ///
    /// # Errors
    /// [`TooLong`] if it exceeds its limit: split it.
    pub fn new(message: &M) -> Result<Self, TooLong> {
        let bytes = frame::encode(M::PLACE, M::KIND, message)?;
        Ok(Self { bytes, message: PhantomData })
    }

    /// Bytes on the wire.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Why a stream brings nothing more.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StreamError {
    /// The relay ended it for that reason.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What comes can't be read, or nothing comes any more.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
}

/// Sends the messages of one direction, in order.
#[derive(Debug)]
pub struct FrameSender<M> {
    stream: quinn::SendStream,
    _connection: Connection,
    message: PhantomData<M>,
}

impl<M: StreamMessage> FrameSender<M> {
    pub(crate) fn new(connection: Connection, stream: quinn::SendStream) -> Self {
        Self { stream, _connection: connection, message: PhantomData }
    }

    /// Sends a message; waits while the receiver is slow. If the future is dropped before it is
    /// done, the stream is of no more use.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&mut self, message: &M) -> Result<(), SendError> {
        self.send_encoded(&[EncodedFrame::new(message)?]).await
    }

    /// Sends frames that were encoded before; otherwise as [`send`](Self::send).
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send_encoded(&mut self, frames: &[EncodedFrame<M>]) -> Result<(), SendError> {
        let mut chunks: Vec<Bytes> = frames.iter().map(|frame| frame.bytes.clone()).collect();
        wire::write(&mut self.stream, &mut chunks).await
    }

    /// Says that nothing more comes in this direction.
    pub fn finish(&mut self) {
        // It fails only on a stream that is already finished or stopped.
        let _ = self.stream.finish();
    }

    /// Waits until the receiver reads no further, or the connection is gone.
    pub async fn stopped(&mut self) {
        // Either way there is nobody left to send to.
        let _ = self.stream.stopped().await;
    }
}

impl<M: FromRelay> FrameSender<M> {
    /// Ends the stream with a reason.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn refuse(mut self, refusal: Refusal) -> Result<(), SendError> {
        let frame = frame::encode(M::PLACE, frame::ERROR, &Error::from(refusal))?;
        wire::write(&mut self.stream, &mut [frame]).await?;
        self.finish();
        Ok(())
    }
}

/// Receives the messages of one direction, in order.
#[derive(Debug)]
pub struct FrameReceiver<M> {
    source: FrameSource,
    connection: Connection,
    /// Leave to take in a message that is more than small.
    large: Option<OwnedSemaphorePermit>,
    /// What follows the messages that came before it.
    failed: Option<StreamError>,
    message: PhantomData<M>,
}

/// Messages that came together.
#[derive(Debug)]
pub struct Portion<M> {
    /// In their order, at least one.
    pub messages: Vec<M>,
    /// Bytes of their frames' bodies.
    pub bytes: usize,
    /// To be kept as long as the messages, or what they became, are in memory.
    pub room: Room,
}

/// Counts among the peer's large requests, if the portion holds one.
#[derive(Debug)]
pub struct Room {
    _large: Option<OwnedSemaphorePermit>,
}

impl<M: StreamMessage> FrameReceiver<M> {
    pub(crate) fn new(connection: Connection, source: FrameSource) -> Self {
        Self { source, connection, large: None, failed: None, message: PhantomData }
    }

    /// The next message; nothing when the sender has finished. May be cancelled at any point.
    ///
    /// # Errors
    /// [`StreamError`]; the stream is of no more use then.
    pub async fn next(&mut self) -> Result<Option<M>, StreamError> {
        let Some(frame) = self.source.next().await? else { return Ok(None) };
        read(frame).map(Some)
    }

    /// What has come, as soon as there is something: at most `most` messages, and none after one
    /// that is more than small; nothing when the sender has finished. Of such messages few of one
    /// peer are in memory at a time: the next one waits in QUIC's windows. May be cancelled at any
    /// point.
    ///
    /// # Errors
    /// [`StreamError`], once all messages before it were returned; the stream is of no more use
    /// then.
    pub async fn next_portion(&mut self, most: usize) -> Result<Option<Portion<M>>, StreamError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let length = loop {
            match self.source.announced().await? {
                Some(length) if length > method::SMALL && self.large.is_none() => {
                    // The semaphore is never closed.
                    self.large = self.connection.large_requests().acquire_owned().await.ok();
                }
                Some(length) => break length,
                None => return Ok(None),
            }
        };
        let Some(first) = self.source.next().await? else { return Ok(None) };
        let room = Room { _large: self.large.take() };
        let mut portion = Portion { messages: Vec::new(), bytes: length as usize, room };
        portion.messages.push(read(first)?);
        while portion.messages.len() < most && portion.bytes <= method::SMALL as usize {
            let frame = match self.source.next_small() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    self.failed = Some(error.into());
                    break;
                }
            };
            portion.bytes += frame.body.len();
            match read(frame) {
                Ok(message) => portion.messages.push(message),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(Some(portion))
    }

    /// Why the connection is gone, if it is.
    #[must_use]
    pub fn lost(&self) -> Option<Lost> {
        self.connection.lost()
    }
}

fn read<M: StreamMessage>(frame: Frame) -> Result<M, StreamError> {
    if frame.kind == M::KIND {
        return Ok(shape::read(frame.body).map_err(|_| ReceiveError::Message)?);
    }
    let error = shape::read::<Error>(frame.body).map_err(|_| ReceiveError::Message)?;
    Err(Refusal::from(error).into())
}
