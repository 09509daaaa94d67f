//! `SubmitStream`: many items on one long-lived stream, answered in their order.
//!
//! What has come is taken in portions. A portion's items have their place in the sequencer's queue,
//! or in that of the link to their hub, before the next portion is looked at: the order on the
//! stream is the order in each log. While too much is unanswered, or the submitter's allowance is
//! used up, nothing more is read, and the submitter waits.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use enlace_identity::names::Domain;
use enlace_proto::relay::v1::{ErrorCode, SubmitAnswers, SubmitRequest, SubmitResponse};
use enlace_transport::{
    Answers, FrameReceiver, FrameSender, IncomingSubmitStream, Portion, Refusal, SendError,
    StreamError, watch,
};
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;
use tracing::debug;

use super::Caller;
use super::submit::{check, check_forwarded, look_at_known_head, other_hub, refused};
use crate::federation::Forwarded;
use crate::hub::{Submission, SubmitError, Unavailable};

/// Items that are taken together.
const PORTION: usize = 64;

/// How much of one stream may be unanswered.
const MAX_ITEMS: usize = 1024;
const MAX_BYTES: usize = 4 << 20;

type Answer = Result<SubmitResponse, Refusal>;
type Pending = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// What became of a portion.
struct Answered {
    answers: Vec<Answer>,
    bytes: usize,
}

/// Why a stream ends from this side.
#[derive(Debug, thiserror::Error)]
enum End {
    /// The submitter is told why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What comes can't be read.
    #[error(transparent)]
    Receive(#[from] StreamError),
    /// The submitter no longer reads.
    #[error(transparent)]
    Send(#[from] SendError),
}

struct Session<'c> {
    caller: &'c Caller,
    submissions: FrameReceiver<SubmitRequest>,
    sender: FrameSender<SubmitAnswers>,
    /// In the order of the stream.
    pending: FuturesOrdered<Pending>,
    items: usize,
    bytes: usize,
    next_index: u64,
}

/// Serves a submit stream until either side ends it.
pub(super) async fn serve(caller: &Caller, stream: IncomingSubmitStream) {
    let IncomingSubmitStream { answers, submissions } = stream;
    let mut session = Session {
        caller,
        submissions,
        sender: answers,
        pending: FuturesOrdered::new(),
        items: 0,
        bytes: 0,
        next_index: 0,
    };
    match session.run().await {
        Ok(()) => session.sender.finish(),
        Err(End::Refused(refusal)) => {
            debug!(peer = %caller.name(), %refusal, "a submit stream was ended");
            // Whether the submitter hears of it changes nothing here.
            let _ = session.sender.refuse(refusal).await;
        }
        Err(error) => debug!(peer = %caller.name(), %error, "a submit stream broke off"),
    }
}

impl Session<'_> {
    async fn run(&mut self) -> Result<(), End> {
        let mut stopping = self.caller.context().stopping();
        let mut ongoing = None;
        let mut held: Option<Portion<SubmitRequest>> = None;
        let mut resume = Instant::now();
        let mut is_open = true;
        loop {
            let has_room = self.items < MAX_ITEMS && self.bytes < MAX_BYTES;
            tokio::select! {
                biased;
                () = stopped(&mut stopping), if is_open => is_open = false,
                Some(answered) = self.pending.next() => self.answer(answered).await?,
                () = tokio::time::sleep_until(resume), if held.is_some() => {}
                portion = self.submissions.next_portion(PORTION),
                    if is_open && has_room && held.is_none() =>
                {
                    held = portion?;
                    is_open = held.is_some();
                    resume = Instant::now();
                }
            }
            if let Some(portion) = held.take_if(|_| resume <= Instant::now()) {
                ongoing.get_or_insert_with(|| self.caller.context().begin_call());
                match self.caller.take(portion.messages.len(), portion.bytes) {
                    Ok(()) => self.take(portion).await,
                    Err(wait) => {
                        resume = Instant::now() + wait;
                        held = Some(portion);
                    }
                }
            }
            if self.pending.is_empty() {
                ongoing = None;
                if *stopping.borrow() {
                    return Err(stopping_refusal().into());
                }
                if !is_open && held.is_none() {
                    return Ok(());
                }
            }
        }
    }

    /// Gives a portion's items their places in the queues.
    async fn take(&mut self, portion: Portion<SubmitRequest>) {
        let context = self.caller.context();
        let Portion { messages, bytes, room } = portion;
        let mut sorted = Sorted::default();
        let mut slots = Vec::with_capacity(messages.len());
        for request in messages {
            look_at_known_head(self.caller, &request).await;
            slots.push(sorted.add(self.caller, request).unwrap_or_else(Slot::Refused));
        }
        let Sorted { own, foreign } = sorted;
        let own = match own.is_empty() {
            false => Some(context.hub().submit_all(own).await),
            true => None,
        };
        let mut forwarded = Vec::with_capacity(foreign.len());
        for (hub, requests) in foreign {
            let answers = context.links().submit(&hub, requests).await;
            forwarded.push((hub, answers));
        }
        self.items += slots.len();
        self.bytes += bytes;
        self.pending.push_back(Box::pin(async move {
            let _room = room;
            let own = match own {
                Some(Ok(answers)) => answers.await,
                Some(Err(error)) => Err(error),
                None => Ok(Vec::new()),
            };
            let mut own = own.map(Vec::into_iter);
            let mut foreign = BTreeMap::new();
            for (hub, answers) in forwarded {
                let answers = match answers {
                    Ok(answers) => Ok(answers.await.into_iter()),
                    Err(refusal) => Err(refusal),
                };
                foreign.insert(hub, answers);
            }
            let answers = slots.into_iter().map(|slot| match slot {
                Slot::Refused(refusal) => Err(refusal),
                Slot::Own => match &mut own {
                    Ok(own) => match own.next() {
                        Some(Ok(accepted)) => Ok(accepted.to_wire()),
                        Some(Err(error)) => Err(refused(&error)),
                        None => Err(unanswered()),
                    },
                    Err(error) => Err(refused(&(*error).into())),
                },
                Slot::Foreign(hub) => match foreign.get_mut(&hub) {
                    Some(Ok(answers)) => answers.next().unwrap_or_else(|| Err(unanswered())),
                    Some(Err(refusal)) => Err(refusal.clone()),
                    None => Err(unanswered()),
                },
            });
            Answered { answers: answers.collect(), bytes }
        }));
    }

    /// Sends an answer, and with it whatever is ready too.
    async fn answer(&mut self, first: Answered) -> Result<(), SendError> {
        let mut answers = Answers::default();
        let mut next = Some(first);
        while let Some(Answered { answers: portion, bytes }) = next {
            self.items -= portion.len();
            self.bytes -= bytes;
            for answer in portion {
                answers.push(self.next_index, answer);
                self.next_index += 1;
            }
            if answers.is_full() {
                break;
            }
            next = self.pending.next().now_or_never().flatten();
        }
        self.sender.send(&answers.into_wire()).await
    }
}

/// Where an answer comes from.
enum Slot {
    Refused(Refusal),
    Own,
    Foreign(Domain),
}

/// A portion by hub, in order.
#[derive(Default)]
struct Sorted {
    own: Vec<Submission>,
    foreign: BTreeMap<Domain, Vec<Forwarded>>,
}

impl Sorted {
    /// Checks a request and puts it where it belongs.
    fn add(&mut self, caller: &Caller, request: SubmitRequest) -> Result<Slot, Refusal> {
        caller.unless_stopping()?;
        let Some(hub) = other_hub(caller, &request)? else {
            self.own.push(check(caller, request)?);
            return Ok(Slot::Own);
        };
        let forwarded = check_forwarded(caller, request)?;
        self.foreign.entry(hub.clone()).or_default().push(forwarded);
        Ok(Slot::Foreign(hub))
    }
}

fn unanswered() -> Refusal {
    refused(&SubmitError::Unavailable(Unavailable::Stopped))
}

fn stopping_refusal() -> Refusal {
    Refusal::new(ErrorCode::Stopping, "the relay is being stopped")
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // If the sender is gone, so is the relay.
    let _ = stopping.wait_until(|stopping| stopping.then_some(())).await;
}
