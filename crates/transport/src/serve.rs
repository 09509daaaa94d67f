//! Calls that the peer makes.
//!
//! [`Connection::accept`] hands out streams as they are opened, without reading them, so that a
//! peer that stalls one holds up nothing else; [`IncomingStream::read`] belongs in a task of its
//! own. What can't be read or isn't allowed by the kind of the peer's certificate is refused here.

use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use enlace_proto::frame::{self, FrameError, Place, TooLong};
use enlace_proto::method::{self, Call, Method};
use enlace_proto::relay::v1::{
    Error, ErrorCode, SubmitAnswers, SubmitRequest, SubmitStreamRequest, SubscribeRequest,
    SubscriptionControl, SubscriptionEvent,
};
use enlace_proto::shape::{self, Shaped};
use tokio::sync::OwnedSemaphorePermit;

use crate::close::Lost;
use crate::connection::Connection;
use crate::refusal::Refusal;
use crate::stream::{FrameReceiver, FrameSender, StreamMessage};
use crate::wire::{self, ABANDONED, FrameSource, ReceiveError, SendError};

/// How long a peer may take to send a request whole.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// Why a peer's call did not become a request. The peer has been told what it can be told.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// What came can't be read.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// This kind of certificate may not make this call.
    #[error("{0:?} is not for this kind of peer")]
    NotAllowed(Method),
    /// It did not come whole in time.
    #[error("the request did not come in time")]
    TimedOut,
}

/// Why a response was not sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReplyError {
    /// The response exceeds its limit: our fault; the caller was told of an internal error.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The caller no longer waits, or is gone.
    #[error("the caller no longer waits")]
    CallerGone,
}

/// A call of which nothing has been read.
#[derive(Debug)]
pub struct IncomingStream {
    connection: Connection,
    answer: Answer,
    source: FrameSource,
}

/// A call whose request has come whole. Dropping it tells the caller that nobody will answer.
#[derive(Debug)]
pub struct IncomingCall {
    connection: Connection,
    method: Method,
    body: Bytes,
    answer: Answer,
    source: FrameSource,
    permit: Option<OwnedSemaphorePermit>,
}

/// The obligation to answer a call. Dropping it tells the caller that nobody will.
#[derive(Debug)]
pub struct Reply<C> {
    answer: Answer,
    _permit: Option<OwnedSemaphorePermit>,
    call: PhantomData<fn() -> C>,
}

impl Connection {
    /// Waits for the next call of the peer. May be cancelled at any point.
    ///
    /// # Errors
    /// [`Lost`] when the connection is gone.
    pub async fn accept(&self) -> Result<IncomingStream, Lost> {
        let (send, recv) = self.quic().accept_bi().await?;
        Ok(IncomingStream {
            connection: self.clone(),
            answer: Answer::new(send),
            source: FrameSource::new(recv, Place::Request),
        })
    }
}

impl IncomingStream {
    /// Waits for the whole request, for half a minute at most.
    ///
    /// # Errors
    /// [`RequestError`]; the peer has been refused then.
    pub async fn read(mut self) -> Result<IncomingCall, RequestError> {
        let received = tokio::time::timeout(REQUEST_TIME, self.receive()).await;
        match received.unwrap_or(Err(RequestError::TimedOut)) {
            Ok((method, body, permit)) => {
                let Self { connection, answer, source } = self;
                Ok(IncomingCall { connection, method, body, answer, source, permit })
            }
            Err(error) => {
                if let Some(refusal) = refusal_of(&error) {
                    // Whether the peer hears of it changes nothing here.
                    let _ = self.answer.refuse(refusal).await;
                }
                Err(error)
            }
        }
    }

    async fn receive(
        &mut self,
    ) -> Result<(Method, Bytes, Option<OwnedSemaphorePermit>), RequestError> {
        let length = self.source.announced().await?.ok_or(ReceiveError::Abandoned)?;
        let permit = if length > method::SMALL {
            // The semaphore is never closed.
            self.connection.large_requests().acquire_owned().await.ok()
        } else {
            None
        };
        let frame = self.source.next().await?.ok_or(ReceiveError::Abandoned)?;
        let method = Method::from_number(frame.kind)
            .filter(|method| *method != Method::Hello)
            .ok_or(ReceiveError::Message)?;
        if !method.allows(self.connection.caller()) {
            return Err(RequestError::NotAllowed(method));
        }
        Ok((method, frame.body, permit))
    }
}

impl IncomingCall {
    /// Which call it is.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The connection that it came on, and with it the caller's certificate.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Takes the request out; `C` has to be the one of [`method`](Self::method).
    ///
    /// # Errors
    /// [`RequestError`]; the caller has been refused then.
    pub async fn decode<C: Call>(self) -> Result<(C, Reply<C>), RequestError> {
        if C::METHOD != self.method || self.source.has_remainder() {
            return Err(self.malformed().await);
        }
        let Ok(request) = shape::read::<C>(self.body.clone()) else {
            return Err(self.malformed().await);
        };
        let Self { answer, permit, .. } = self;
        Ok((request, Reply { answer, _permit: permit, call: PhantomData }))
    }

    /// Takes the request of [`Method::Subscribe`] out, and the two directions of its stream.
    ///
    /// # Errors
    /// [`RequestError`]; the caller has been refused then.
    pub async fn into_subscription(self) -> Result<IncomingSubscription, RequestError> {
        let (request, events, controls) = self.into_stream(Method::Subscribe).await?;
        Ok(IncomingSubscription { request, events, controls })
    }

    /// Takes the two directions of the stream of [`Method::SubmitStream`] out.
    ///
    /// # Errors
    /// [`RequestError`]; the caller has been refused then.
    pub async fn into_submit_stream(self) -> Result<IncomingSubmitStream, RequestError> {
        let (SubmitStreamRequest {}, answers, submissions) =
            self.into_stream(Method::SubmitStream).await?;
        Ok(IncomingSubmitStream { answers, submissions })
    }

    async fn into_stream<R: Shaped, O: StreamMessage, I: StreamMessage>(
        mut self,
        method: Method,
    ) -> Result<(R, FrameSender<O>, FrameReceiver<I>), RequestError> {
        if self.method != method {
            return Err(self.malformed().await);
        }
        let Ok(request) = shape::read::<R>(self.body.clone()) else {
            return Err(self.malformed().await);
        };
        let Some(send) = self.answer.0.take() else { return Err(ReceiveError::Abandoned.into()) };
        let Self { connection, mut source, .. } = self;
        source.move_to(I::PLACE);
        let sender = FrameSender::new(connection.clone(), send);
        Ok((request, sender, FrameReceiver::new(connection, source)))
    }

    /// Says no.
    ///
    /// # Errors
    /// [`ReplyError::CallerGone`].
    pub async fn refuse(mut self, refusal: Refusal) -> Result<(), ReplyError> {
        self.answer.refuse(refusal).await
    }

    async fn malformed(mut self) -> RequestError {
        let refusal = Refusal::new(ErrorCode::Malformed, "the request can't be read");
        // Whether the peer hears of it changes nothing here.
        let _ = self.answer.refuse(refusal).await;
        ReceiveError::Message.into()
    }
}

/// A subscription, seen from the relay.
#[derive(Debug)]
pub struct IncomingSubscription {
    /// What the subscriber asked for.
    pub request: SubscribeRequest,
    /// To the subscriber.
    pub events: FrameSender<SubscriptionEvent>,
    /// From the subscriber.
    pub controls: FrameReceiver<SubscriptionControl>,
}

/// A submit stream, seen from the relay.
#[derive(Debug)]
pub struct IncomingSubmitStream {
    /// To the submitter.
    pub answers: FrameSender<SubmitAnswers>,
    /// From the submitter.
    pub submissions: FrameReceiver<SubmitRequest>,
}

impl<C: Call> Reply<C> {
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer, _permit: None, call: PhantomData }
    }

    /// Answers the call.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub async fn send(mut self, answer: Result<C::Response, Refusal>) -> Result<(), ReplyError> {
        let place = Place::Response(C::METHOD);
        let response = match answer {
            Ok(response) => response,
            Err(refusal) => return self.answer.refuse(refusal).await,
        };
        let encoded = frame::encode(place, frame::OK, &response);
        drop(response);
        match encoded {
            Ok(frame) => self.answer.send(frame).await,
            Err(too_long) => {
                let refusal = Refusal::new(ErrorCode::Internal, "the response is too long");
                self.answer.refuse(refusal).await?;
                Err(too_long.into())
            }
        }
    }
}

/// The sending half of a call's stream, until it is used.
#[derive(Debug)]
pub(crate) struct Answer(Option<quinn::SendStream>);

impl Answer {
    pub(crate) fn new(stream: quinn::SendStream) -> Self {
        Self(Some(stream))
    }

    pub(crate) async fn refuse(&mut self, refusal: Refusal) -> Result<(), ReplyError> {
        // Any method's error has the same frame.
        let place = Place::Response(Method::Hello);
        let frame = frame::encode(place, frame::ERROR, &Error::from(refusal))?;
        self.send(frame).await
    }

    async fn send(&mut self, frame: Bytes) -> Result<(), ReplyError> {
        let Some(mut stream) = self.0.take() else { return Err(ReplyError::CallerGone) };
        match wire::write(&mut stream, &mut [frame]).await {
            Ok(()) => stream.finish().map_err(|_| ReplyError::CallerGone),
            Err(SendError::TooLong(error)) => Err(error.into()),
            Err(SendError::Stopped | SendError::Lost(_)) => Err(ReplyError::CallerGone),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(mut stream) = self.0.take() {
            // It fails only on a stream that is already closed.
            let _ = stream.reset(ABANDONED);
        }
    }
}

pub(crate) fn refusal_of(error: &RequestError) -> Option<Refusal> {
    let (code, message) = match error {
        RequestError::Receive(ReceiveError::Frame(FrameError::Kind { kind })) => {
            (ErrorCode::Unsupported, format!("there is no method {kind}"))
        }
        RequestError::Receive(ReceiveError::Frame(error)) => {
            (ErrorCode::Malformed, error.to_string())
        }
        RequestError::Receive(ReceiveError::Message) => {
            (ErrorCode::Malformed, "the request can't be read".to_owned())
        }
        RequestError::Receive(ReceiveError::Abandoned | ReceiveError::Lost(_)) => return None,
        RequestError::NotAllowed(_) => (ErrorCode::NotAllowed, error.to_string()),
        RequestError::TimedOut => (ErrorCode::Malformed, error.to_string()),
    };
    Some(Refusal::new(code, message))
}
