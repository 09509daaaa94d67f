//! Submits own devices' items at the hubs of their channels: one submit stream for each link.
//!
//! What waits in a link's queue goes out in its order. A device's submit counter is durable before
//! its item leaves here, as the hub does for its own: a device that was set back to an older state
//! learns of it in hello.

use std::collections::VecDeque;
use std::sync::Arc;

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::SubmitCounter;
use enlace_proto::relay::v1::{ErrorCode, SubmitAnswers, SubmitRequest, SubmitResponse};
use enlace_transport::{Connection, EncodedFrame, Refusal, SubmitStream, answers_by_index};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{CALL_TIME, DIAL_TIME, unreachable};
use crate::hub::SubmitError;
use crate::server::Context;
use crate::storage::SideWrite;

/// Requests for forwarding that wait at one link; whoever comes then waits to be let in.
pub(super) const QUEUE: usize = 64;

/// Requests for forwarding that are sent together.
const TOGETHER: usize = 16;

/// What may be sent and unanswered.
const MAX_SENT: usize = 64;

/// An item of an own device for another hub, checked as far as this relay can.
#[derive(Debug)]
pub(crate) struct Forwarded {
    /// Its author.
    pub(crate) device: DeviceName,
    /// Its author's counter.
    pub(crate) counter: SubmitCounter,
    /// The item.
    pub(crate) request: SubmitRequest,
}

/// What became of forwarded items, in their order.
pub(crate) type ForwardAnswers = Vec<Result<SubmitResponse, Refusal>>;

/// Items that came together.
#[derive(Debug)]
pub(super) struct Forward {
    items: Vec<Forwarded>,
    answer: oneshot::Sender<ForwardAnswers>,
}

/// Items that were sent.
struct Sent {
    answers: ForwardAnswers,
    expected: usize,
    answer: oneshot::Sender<ForwardAnswers>,
    since: Instant,
}

impl Forward {
    pub(super) fn new(items: Vec<Forwarded>) -> (Self, oneshot::Receiver<ForwardAnswers>) {
        let (answer, answers) = oneshot::channel();
        (Self { items, answer }, answers)
    }

    fn refuse(self, refusal: &Refusal) {
        let answers = self.items.iter().map(|_| Err(refusal.clone())).collect();
        // Whoever asked may be gone.
        drop(self.answer.send(answers));
    }
}

impl Sent {
    /// Answers; what is open has an unknown outcome.
    fn finish(mut self, authority: &Domain) {
        self.answers.resize_with(self.expected, || Err(unknown(authority)));
        // Whoever asked may be gone.
        drop(self.answer.send(self.answers));
    }
}

/// Forwards what waits for an authority for as long as the relay runs.
pub(crate) async fn keep(context: Arc<Context>, authority: Domain) {
    let Some(link) = context.links().link(&authority) else { return };
    let Some(mut queue) = link.take_forwards() else { return };
    while let Some(first) = queue.recv().await {
        match link.connection(DIAL_TIME).await {
            Some(connection) => run(&context, &authority, &connection, first, &mut queue).await,
            None => {
                let refusal = unreachable(&authority);
                first.refuse(&refusal);
                while let Ok(next) = queue.try_recv() {
                    next.refuse(&refusal);
                }
            }
        }
    }
}

/// Forwards over one connection until its stream breaks off.
async fn run(
    context: &Context,
    authority: &Domain,
    connection: &Connection,
    first: Forward,
    queue: &mut mpsc::Receiver<Forward>,
) {
    let mut stream = match connection.submit_stream(CALL_TIME).await {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(%authority, %error, "a submit stream is not opened");
            first.refuse(&unreachable(authority));
            return;
        }
    };
    let mut next = vec![first];
    let mut sent = VecDeque::new();
    let mut answered = 0;
    loop {
        if !next.is_empty()
            && send(context, authority, &mut stream, &mut next, &mut sent).await.is_none()
        {
            break;
        }
        let oldest = sent.front().map_or_else(Instant::now, |sent: &Sent| sent.since);
        tokio::select! {
            biased;
            answers = stream.answers.next() => {
                let Ok(Some(answers)) = answers else { break };
                if !deliver(answers, &mut answered, &mut sent) {
                    tracing::debug!(%authority, "a hub answers what was not asked");
                    break;
                }
            }
            count = queue.recv_many(&mut next, TOGETHER), if sent.len() < MAX_SENT => {
                if count == 0 {
                    break;
                }
            }
            () = tokio::time::sleep_until(oldest + CALL_TIME), if !sent.is_empty() => {
                tracing::debug!(%authority, "a hub does not answer");
                break;
            }
        }
    }
    sent.into_iter().for_each(|sent| sent.finish(authority));
}

/// Makes the counters durable and sends; nothing when the stream is of no more use.
async fn send(
    context: &Context,
    authority: &Domain,
    stream: &mut SubmitStream,
    next: &mut Vec<Forward>,
    sent: &mut VecDeque<Sent>,
) -> Option<()> {
    let counters = next.iter().flat_map(|forward| &forward.items).map(|item| {
        let (device, counter) = (item.device.clone(), item.counter);
        SideWrite::SubmitCounter { device, counter }
    });
    if let Err(unavailable) = context.hub().store(counters.collect()).await {
        let refusal = Refusal::from(SubmitError::from(unavailable).to_wire());
        next.drain(..).for_each(|forward| forward.refuse(&refusal));
        return Some(());
    }
    let mut frames = Vec::new();
    for Forward { items, answer } in next.drain(..) {
        // Each was within the same limit when it came.
        let encoded: Result<Vec<_>, _> =
            items.iter().map(|item| EncodedFrame::new(&item.request)).collect();
        let expected = items.len();
        let entry = Sent { answers: Vec::new(), expected, answer, since: Instant::now() };
        match encoded {
            Ok(encoded) => {
                frames.extend(encoded);
                sent.push_back(entry);
            }
            Err(error) => {
                tracing::warn!(%authority, %error, "an item cannot be passed on");
                entry.finish(authority);
            }
        }
    }
    tokio::time::timeout(CALL_TIME, stream.submissions.send_encoded(&frames)).await.ok()?.ok()
}

/// Hands answers to those who wait; false when they are not what comes next.
fn deliver(answers: SubmitAnswers, answered: &mut u64, sent: &mut VecDeque<Sent>) -> bool {
    for (index, answer) in answers_by_index(answers) {
        let Some(front) = sent.front_mut() else { return false };
        if index != *answered {
            return false;
        }
        *answered += 1;
        front.answers.push(answer);
        if front.answers.len() == front.expected
            && let Some(done) = sent.pop_front()
        {
            // Whoever asked may be gone.
            drop(done.answer.send(done.answers));
        }
    }
    true
}

fn unknown(authority: &Domain) -> Refusal {
    let message = format!("the relay of {authority} did not answer: send it again");
    Refusal::new(ErrorCode::Internal, message)
}
