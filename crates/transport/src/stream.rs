//! The two directions of a subscription, typed.

use std::marker::PhantomData;

use bytes::Bytes;
use enlace_proto::frame::{self, Place, TooLong};
use enlace_proto::relay::v1::{Error, SubscriptionControl, SubscriptionEvent};
use enlace_proto::shape::{self, Shaped};

use crate::close::Lost;
use crate::connection::Connection;
use crate::refusal::Refusal;
use crate::wire::{self, FrameSource, ReceiveError, SendError};

/// A message of a subscription's stream.
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

mod sealed {
    use enlace_proto::relay::v1::{SubscriptionControl, SubscriptionEvent};

    pub trait Sealed {}
    impl Sealed for SubscriptionControl {}
    impl Sealed for SubscriptionEvent {}
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
}

/// Why a subscription brings nothing more.
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

impl FrameSender<SubscriptionEvent> {
    /// Ends the subscription with a reason.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn refuse(mut self, refusal: Refusal) -> Result<(), SendError> {
        let frame = frame::encode(Place::Events, frame::ERROR, &Error::from(refusal))?;
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
    message: PhantomData<M>,
}

impl<M: StreamMessage> FrameReceiver<M> {
    pub(crate) fn new(connection: Connection, source: FrameSource) -> Self {
        Self { source, connection, message: PhantomData }
    }

    /// The next message; nothing when the sender has finished. May be cancelled at any point.
    ///
    /// # Errors
    /// [`StreamError`]; the stream is of no more use then.
    pub async fn next(&mut self) -> Result<Option<M>, StreamError> {
        let Some(frame) = self.source.next().await? else { return Ok(None) };
        if frame.kind == M::KIND {
            let message = shape::read(frame.body).map_err(|_| ReceiveError::Message)?;
            return Ok(Some(message));
        }
        let error = shape::read::<Error>(frame.body).map_err(|_| ReceiveError::Message)?;
        Err(Refusal::from(error).into())
    }

    /// Why the connection is gone, if it is.
    #[must_use]
    pub fn lost(&self) -> Option<Lost> {
        self.connection.lost()
    }
}
