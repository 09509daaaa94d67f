//! Where in a stream a frame stands: this decides which kinds may come, and their limits.

use crate::method::{self, Caller, Method};

/// Kind of the frame that carries a method's response.
pub const OK: u16 = 0;

/// Kind of the frame that carries an `Error` in place of a response, or that ends a stream.
pub const ERROR: u16 = 1;

/// Kind of the frames that carry a `SubscriptionControl`, from the caller.
pub const CONTROL: u16 = 2;

/// Kind of the frames that carry a `SubscriptionEvent`, to the caller.
pub const EVENT: u16 = 3;

/// Kind of the frames that carry a `SubmitRequest` on a submit stream, from the caller.
pub const SUBMISSION: u16 = 4;

/// Kind of the frames that carry `SubmitAnswers`, to the caller.
pub const ANSWERS: u16 = 5;

/// A position in a stream, as seen by whoever reads there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// The first frame of a stream, from the caller: any method's request.
    Request,
    /// As `Request`, on the protocol of those who have no certificate yet.
    NewcomersRequest,
    /// The only frame that answers a call.
    Response(Method),
    /// What a subscriber sends after its request.
    Controls,
    /// What a subscriber receives.
    Events,
    /// What comes on a submit stream after its request.
    Submissions,
    /// What the caller of a submit stream receives.
    Answers,
}

impl Place {
    /// The longest body of that kind here, in bytes; nothing if the kind has no place here.
    #[must_use]
    pub fn limit(self, kind: u16) -> Option<u32> {
        match (self, kind) {
            (Self::Request, number) => Method::from_number(number).map(Method::request_limit),
            (Self::NewcomersRequest, number) => Method::from_number(number)
                .filter(|method| method.allows(Caller::Newcomer))
                .map(Method::request_limit),
            (Self::Response(method), OK) => Some(method.response_limit()),
            (Self::Response(_) | Self::Events | Self::Answers, ERROR) => Some(method::ERROR),
            (Self::Controls, CONTROL) => Some(method::SMALL),
            (Self::Events, EVENT) => Some(Method::Subscribe.response_limit()),
            (Self::Submissions, SUBMISSION) => Some(Method::Submit.request_limit()),
            (Self::Answers, ANSWERS) => Some(Method::SubmitStream.response_limit()),
            _ => None,
        }
    }
}
