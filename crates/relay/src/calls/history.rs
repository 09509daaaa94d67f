//! `ReceiveHistory` and `SendHistory`: the two sides of a transfer between two devices of one officer.
//! The relay brings them together and can read nothing of what passes.

use std::future::Future;

use bytes::Bytes;
use enlace_identity::names::DeviceName;
use enlace_proto::relay::v1::{
    ReceiveHistoryRequest, ReceiveHistoryResponse, SendHistoryRequest, SendHistoryResponse,
};
use enlace_transport::Refusal;

use super::refusals::{limit, malformed, not_allowed};
use super::{Caller, Handle};
use crate::transfers::{Ask, Busy, PORTION, Standing, WAIT};

/// The longest request, in bytes (PROTOCOL.md §3.20).
const REQUEST: usize = 16 * 1024;

/// The longest receipt, in bytes (PROTOCOL.md §3.20).
const RECEIPT: usize = 16 * 1024;

impl Handle for ReceiveHistoryRequest {
    async fn handle(self, caller: &Caller) -> Result<ReceiveHistoryResponse, Refusal> {
        caller.unless_stopping()?;
        let device = caller.own_device()?;
        if self.request.is_empty() || self.request.len() > REQUEST {
            return Err(malformed("the request is missing or too long"));
        }
        if self.receipt.len() > RECEIPT || !(self.done || self.receipt.is_empty()) {
            return Err(malformed("the receipt is too long, or comes before all is there"));
        }
        let (request, transfers) = (Bytes::from(self.request), caller.context().transfers());
        let done = self.done.then(|| Bytes::from(self.receipt));
        let ask = Ask { request: request.clone(), taken: self.taken, done };
        transfers.ask(device, ask).map_err(busy)?;
        if self.done {
            return Ok(ReceiveHistoryResponse::default());
        }
        let next = transfers.next(device, &request, self.taken);
        let portion = in_time(caller, next).await.unwrap_or_default().to_vec();
        let anew = portion.is_empty() && transfers.is_lost(device, &request);
        Ok(ReceiveHistoryResponse { portion, anew })
    }
}

impl Handle for SendHistoryRequest {
    async fn handle(self, caller: &Caller) -> Result<SendHistoryResponse, Refusal> {
        caller.unless_stopping()?;
        let own = caller.own_device()?;
        let device: DeviceName =
            self.device.parse().map_err(|_| malformed("this is no name of a device"))?;
        if device == *own || device.officer() != own.officer() {
            return Err(not_allowed("a history goes to another device of the same officer"));
        }
        if self.portion.len() > PORTION {
            return Err(malformed("the portion is too long"));
        }
        let transfers = caller.context().transfers();
        if self.anew {
            transfers.lose(own, &device);
        }
        let standing = if self.portion.is_empty() {
            in_time(caller, transfers.asked(own, &device, self.from)).await
        } else {
            let portion = Bytes::from(self.portion);
            let brought = transfers.bring(own, &device, self.from, portion);
            in_time(caller, brought).await.transpose().map_err(busy)?
        };
        let standing = standing.unwrap_or_else(|| transfers.standing(own, &device, self.from));
        let Standing { request, taken, receipt, held } = standing;
        let (request, receipt) = (request.to_vec(), receipt.to_vec());
        Ok(SendHistoryResponse { request, taken, receipt, held })
    }
}

/// Waits for the other side: not for long, nor while the relay stops.
async fn in_time<T>(caller: &Caller, other: impl Future<Output = T>) -> Option<T> {
    let mut stopping = caller.context().stopping();
    tokio::select! {
        biased;
        done = tokio::time::timeout(WAIT, other) => done.ok(),
        _ = stopping.wait_until(|is_stopping| is_stopping.then_some(())) => None,
    }
}

fn busy(busy: Busy) -> Refusal {
    limit(busy.to_string()).retry_after(WAIT)
}
