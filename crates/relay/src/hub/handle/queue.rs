//! The way of a request into the sequencer's queue, and of its answer back.

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::Handle;
use crate::hub::errors::Unavailable;
use crate::hub::sequencer::Request;

/// What one permit of the queue's byte bound stands for.
const WEIGHT_UNIT: usize = 1024;

/// One request never asks for more room than the queue can have.
pub(crate) const MAX_UNITS: u32 = 32 * 1024;

/// Where the answer to a request goes. While it is kept, the request takes up room in the queue.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    sender: oneshot::Sender<T>,
    _room: OwnedSemaphorePermit,
}

impl<T> Answer<T> {
    /// Answers; whoever asked may be gone.
    pub(crate) fn send(self, value: T) {
        drop(self.sender.send(value));
    }
}

impl Handle {
    /// Puts a request into the queue, and waits for the answer.
    pub(super) async fn ask<T>(
        &self,
        weight: usize,
        request: impl FnOnce(Answer<T>) -> Request,
    ) -> Result<T, Unavailable> {
        self.queue(weight, request).await?.await
    }

    /// Puts a request into the queue; what is returned waits for the answer.
    pub(super) async fn queue<T, F: FnOnce(Answer<T>) -> Request>(
        &self,
        weight: usize,
        request: F,
    ) -> Result<impl Future<Output = Result<T, Unavailable>> + use<T, F>, Unavailable> {
        let units = u32::try_from(1 + weight / WEIGHT_UNIT).unwrap_or(u32::MAX);
        let room = self.waiting.clone().acquire_many_owned(units.min(MAX_UNITS)).await;
        let room = room.map_err(|_| Unavailable::Stopped)?;
        let (sender, receiver) = oneshot::channel();
        let answer = Answer { sender, _room: room };
        let queue = self.requests.upgrade().ok_or(Unavailable::Stopped)?;
        queue.send(request(answer)).await.map_err(|_| Unavailable::Stopped)?;
        drop(queue);
        Ok(async move { receiver.await.map_err(|_| Unavailable::Stopped) })
    }
}
