//! Calls that this side makes.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use enlace_proto::frame::{self, Place, TooLong};
use enlace_proto::method::{Call, Method};
use enlace_proto::relay::v1::{
    Error, SubmitAnswers, SubmitRequest, SubmitStreamRequest, SubscribeRequest,
    SubscriptionControl, SubscriptionEvent,
};
use enlace_proto::shape::{self, Shaped};

use crate::close::Lost;
use crate::connection::Connection;
use crate::refusal::Refusal;
use crate::stream::{FrameReceiver, FrameSender};
use crate::wire::{self, FrameSource, ReceiveError, SendError};

/// Why a call has no response.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The peer said no. Its code says what to do; but for an internal error, the call had no
    /// effect.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request exceeds its limit and was not sent: split it.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The peer answered what is no response: its fault. Whether the call had an effect is unknown.
    #[error("the peer's answer can't be read: {0}")]
    Malformed(ReceiveError),
    /// The peer gave up without an answer. Whether the call had an effect is unknown.
    #[error("the peer gave up on the call")]
    Unanswered,
    /// No answer within the time that the caller set. Whether the call had an effect is unknown.
    #[error("no answer in time")]
    TimedOut,
    /// The connection is gone. Whether the call had an effect is unknown.
    #[error(transparent)]
    Lost(#[from] Lost),
}

/// An open subscription.
#[derive(Debug)]
pub struct Subscription {
    /// To the relay: cursors and acknowledgements.
    pub controls: FrameSender<SubscriptionControl>,
    /// From the relay: items and what goes with them.
    pub events: FrameReceiver<SubscriptionEvent>,
}

/// An open submit stream: its frames count from 0, and each is answered once, in their order.
#[derive(Debug)]
pub struct SubmitStream {
    /// To the relay.
    pub submissions: FrameSender<SubmitRequest>,
    /// From the relay.
    pub answers: FrameReceiver<SubmitAnswers>,
}

impl Connection {
    /// Calls the peer and waits for its answer, at most for `limit`.
    ///
    /// Dropping the future gives the call up; whether it had an effect is unknown then.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call<C: Call>(
        &self,
        request: &C,
        limit: Duration,
    ) -> Result<C::Response, CallError> {
        in_time(limit, call(self.quic(), request)).await
    }

    /// Opens a subscription. A refusal comes as the first event's error.
    ///
    /// # Errors
    /// [`CallError`], but never [`CallError::Refused`].
    pub async fn subscribe(
        &self,
        request: &SubscribeRequest,
        limit: Duration,
    ) -> Result<Subscription, CallError> {
        let frame = frame::encode(Place::Request, Method::Subscribe.number(), request)?;
        let (send, recv) = in_time(limit, open(self.quic(), frame)).await?;
        Ok(Subscription {
            controls: FrameSender::new(self.clone(), send),
            events: FrameReceiver::new(self.clone(), FrameSource::new(recv, Place::Events)),
        })
    }

    /// Opens a stream on which items are submitted, many at a time. The relay reads no further
    /// while too many are unanswered: [`FrameSender::send`] waits then. A refusal of the stream
    /// itself comes as the first answer's error.
    ///
    /// # Errors
    /// [`CallError`], but never [`CallError::Refused`].
    pub async fn submit_stream(&self, limit: Duration) -> Result<SubmitStream, CallError> {
        let request = SubmitStreamRequest {};
        let frame = frame::encode(Place::Request, Method::SubmitStream.number(), &request)?;
        let (send, recv) = in_time(limit, open(self.quic(), frame)).await?;
        Ok(SubmitStream {
            submissions: FrameSender::new(self.clone(), send),
            answers: FrameReceiver::new(self.clone(), FrameSource::new(recv, Place::Answers)),
        })
    }
}

/// A call on a connection that may not have passed hello yet.
pub(crate) async fn call<C: Call>(
    quic: &quinn::Connection,
    request: &C,
) -> Result<C::Response, CallError> {
    let frame = frame::encode(Place::Request, C::METHOD.number(), request)?;
    let (mut send, recv) = open(quic, frame).await?;
    // It fails only if the peer has already stopped reading; then its answer says why.
    let _ = send.finish();
    let mut source = FrameSource::new(recv, Place::Response(C::METHOD));
    let frame = source.next().await?.ok_or(CallError::Unanswered)?;
    if source.has_remainder() {
        return Err(CallError::Malformed(ReceiveError::Message));
    }
    match frame.kind {
        frame::OK => decode(frame.body),
        _ => Err(Refusal::from(decode::<Error>(frame.body)?).into()),
    }
}

async fn open(
    quic: &quinn::Connection,
    frame: Bytes,
) -> Result<(quinn::SendStream, quinn::RecvStream), CallError> {
    let (mut send, recv) = quic.open_bi().await.map_err(Lost::from)?;
    match wire::write(&mut send, &mut [frame]).await {
        // A peer that refuses early stops reading; its answer is still to be read.
        Ok(()) | Err(SendError::Stopped) => Ok((send, recv)),
        Err(SendError::TooLong(error)) => Err(error.into()),
        Err(SendError::Lost(lost)) => Err(lost.into()),
    }
}

fn decode<M: Shaped>(body: Bytes) -> Result<M, CallError> {
    shape::read(body).map_err(|_| CallError::Malformed(ReceiveError::Message))
}

pub(crate) async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(CallError::TimedOut))
}

impl From<ReceiveError> for CallError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Lost(lost) => Self::Lost(lost),
            ReceiveError::Abandoned => Self::Unanswered,
            malformed => Self::Malformed(malformed),
        }
    }
}
