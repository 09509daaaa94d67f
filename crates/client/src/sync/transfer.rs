//! The calls of a transfer between two devices (PROTOCOL.md §5.12): on a connection of their own, which
//! is opened again when it is lost.

use std::time::Duration;

use enlace_proto::method::Call;
use enlace_proto::relay::v1::ErrorCode;
use enlace_transport::{Backoff, CallError, Connection};
use tokio::time::Instant;

use super::connect::Dialler;
use super::{Shared, SyncError};
use crate::engine::TransferError;

/// How long the relay may take for an answer: it waits for the other device meanwhile.
const CALL_TIME: Duration = Duration::from_secs(20);

/// An answer that comes sooner has not waited for the other device.
const QUICK: Duration = Duration::from_secs(1);

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A way to the relay that lasts until nothing has moved for a while.
pub(crate) struct Line<'s> {
    shared: &'s Shared,
    dialler: Dialler,
    connection: Option<Connection>,
    waiting: Waiting,
}

/// How long it has waited, and still does.
struct Waiting {
    patience: Duration,
    deadline: Instant,
    called_at: Instant,
    backoff: Backoff,
}

impl<'s> Line<'s> {
    /// Over that dialler, for as long as something moves within `patience`.
    pub(crate) fn new(shared: &'s Shared, dialler: Dialler, patience: Duration) -> Self {
        let waiting = Waiting::from(Instant::now(), patience);
        Self { shared, dialler, connection: None, waiting }
    }

    /// Something has moved: the wait begins anew.
    pub(crate) fn moved(&mut self) {
        self.waiting.moved(Instant::now());
    }

    /// Nothing has moved: fails when that has been so for too long, and waits after an answer that came at
    /// once, so that nobody keeps this device busy with saying nothing.
    pub(crate) async fn idle(&mut self) -> Result<(), TransferError> {
        let [random] = self.shared.engine().entropy().bytes();
        if let Some(pause) = self.waiting.idle(Instant::now(), random)? {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// Makes a call, again and again while it makes sense.
    pub(crate) async fn call<C: Call>(
        &mut self,
        request: &C,
    ) -> Result<C::Response, TransferError> {
        loop {
            if let Some(response) = self.try_call(request).await? {
                return Ok(response);
            }
        }
    }

    /// Makes a call once; `None` when it was lost, after a while, and may be made again.
    pub(crate) async fn try_call<C: Call>(
        &mut self,
        request: &C,
    ) -> Result<Option<C::Response>, TransferError> {
        self.waiting.called_at = Instant::now();
        let error = match self.connect().await {
            Ok(connection) => match connection.call(request, CALL_TIME).await {
                Ok(response) => return Ok(Some(response)),
                Err(error) if may_pass(&error) => TransferError::from(error),
                Err(error) => return Err(error.into()),
            },
            Err(error) if error.may_pass() => error.into(),
            Err(error) => return Err(error.into()),
        };
        let is_refused = matches!(error, TransferError::Call(CallError::Refused(_)));
        if !is_refused {
            self.connection = None;
        }
        if self.waiting.check(Instant::now()).is_err() {
            return Err(error);
        }
        tracing::info!(%error, "a transfer waits for the relay");
        self.pause().await;
        Ok(None)
    }

    /// Makes a call whose answer changes nothing here, again and again for so long at most.
    pub(crate) async fn tell<C: Call>(&mut self, request: &C, within: Duration) {
        let told = tokio::time::timeout(within, self.call(request)).await;
        let error = match told {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error,
            Err(_) => TransferError::TimedOut,
        };
        tracing::info!(%error, "the relay is not told how far a transfer is");
    }

    /// Waits before the relay is asked again.
    async fn pause(&mut self) {
        let [random] = self.shared.engine().entropy().bytes();
        tokio::time::sleep(self.waiting.backoff.next(random)).await;
    }

    /// Ends it in good order.
    pub(crate) async fn close(self) {
        drop(self.connection);
        self.dialler.close().await;
    }

    async fn connect(&mut self) -> Result<Connection, SyncError> {
        if let Some(connection) = self.connection.as_ref().filter(|c| c.lost().is_none()) {
            return Ok(connection.clone());
        }
        let greeted = self.dialler.connect(self.shared).await?;
        Ok(self.connection.insert(greeted.dialled.connection).clone())
    }
}

impl Waiting {
    fn from(now: Instant, patience: Duration) -> Self {
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        Self { patience, deadline: now + patience, called_at: now, backoff }
    }

    fn moved(&mut self, now: Instant) {
        self.deadline = now + self.patience;
        self.backoff.reset();
    }

    fn check(&self, now: Instant) -> Result<(), TransferError> {
        if now < self.deadline { Ok(()) } else { Err(TransferError::TimedOut) }
    }

    /// How long to pause after an answer that brought nothing.
    fn idle(&mut self, now: Instant, random: u8) -> Result<Option<Duration>, TransferError> {
        self.check(now)?;
        let is_quick = now.duration_since(self.called_at) < QUICK;
        Ok(is_quick.then(|| self.backoff.next(random)))
    }
}

fn may_pass(error: &CallError) -> bool {
    match error {
        CallError::Refused(refusal) => {
            matches!(refusal.code, ErrorCode::Limit | ErrorCode::Stopping)
        }
        CallError::TooLong(_) | CallError::Malformed(_) => false,
        CallError::Unanswered | CallError::TimedOut | CallError::Lost(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(600);

    #[test]
    fn whoever_says_nothing_again_and_again_keeps_nobody_busy() {
        let mut now = Instant::now();
        let mut waiting = Waiting::from(now, PATIENCE);
        let mut calls = 0;
        // A relay answers at once that there is nothing, as often as it is asked.
        while let Ok(pause) = waiting.idle(now, 0) {
            now += pause.unwrap();
            waiting.called_at = now;
            calls += 1;
        }
        assert!((100..400).contains(&calls), "{calls} calls in ten minutes");
        assert!(now.duration_since(waiting.deadline) <= LONGEST_PAUSE);
        // One that has waited for the other device needs no pause, and what moves begins anew.
        waiting.moved(now);
        assert_eq!(waiting.idle(now + QUICK, 0).unwrap(), None);
        assert!(waiting.idle(now, 0).unwrap().unwrap() < QUICK);
        assert!(waiting.idle(now + PATIENCE, 0).is_err());
    }
}
