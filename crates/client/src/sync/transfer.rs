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

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A way to the relay that lasts until nothing has moved for a while.
pub(crate) struct Line<'s> {
    shared: &'s Shared,
    dialler: Dialler,
    connection: Option<Connection>,
    patience: Duration,
    deadline: Instant,
    backoff: Backoff,
}

impl<'s> Line<'s> {
    /// Over that dialler, for as long as something moves within `patience`.
    pub(crate) fn new(shared: &'s Shared, dialler: Dialler, patience: Duration) -> Self {
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let deadline = Instant::now() + patience;
        Self { shared, dialler, connection: None, patience, deadline, backoff }
    }

    /// Something has moved: the wait begins anew.
    pub(crate) fn moved(&mut self) {
        self.deadline = Instant::now() + self.patience;
        self.backoff.reset();
    }

    /// Fails when nothing has moved for too long.
    pub(crate) fn check_time(&self) -> Result<(), TransferError> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(TransferError::TimedOut) }
    }

    /// Makes a call, again and again while it makes sense.
    pub(crate) async fn call<C: Call>(
        &mut self,
        request: &C,
    ) -> Result<C::Response, TransferError> {
        loop {
            let error = match self.connect().await {
                Ok(connection) => match connection.call(request, CALL_TIME).await {
                    Ok(response) => return Ok(response),
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
            if self.check_time().is_err() {
                return Err(error);
            }
            tracing::info!(%error, "a transfer waits for the relay");
            self.pause().await;
        }
    }

    /// Makes a call once, whose answer changes nothing here.
    pub(crate) async fn tell<C: Call>(&mut self, request: &C) {
        let told = match self.connect().await {
            Ok(connection) => connection.call(request, CALL_TIME).await.map_err(Into::into),
            Err(error) => Err(TransferError::from(error)),
        };
        if let Err(error) = told {
            tracing::info!(%error, "the relay is not told that a transfer is over");
        }
    }

    /// Waits before the relay is asked again.
    pub(crate) async fn pause(&mut self) {
        let [random] = self.shared.engine().entropy().bytes();
        tokio::time::sleep(self.backoff.next(random)).await;
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

fn may_pass(error: &CallError) -> bool {
    match error {
        CallError::Refused(refusal) => {
            matches!(refusal.code, ErrorCode::Limit | ErrorCode::Stopping)
        }
        CallError::TooLong(_) | CallError::Malformed(_) => false,
        CallError::Unanswered | CallError::TimedOut | CallError::Lost(_) => true,
    }
}
