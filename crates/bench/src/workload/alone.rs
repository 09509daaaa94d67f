//! One entry at a time: the next one goes when the last member has the one before.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use enlace_proto::relay::v1::SubmitRequest;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::measure::Measure;
use crate::baseline::client::{Arrival, Link};
use crate::channel::{ENTRY_BYTES, payload};
use crate::seat::Seat;
use crate::statistics::{Samples, micros_each};

/// What it gave.
#[derive(Debug)]
pub(crate) struct Alone {
    /// From sending until the last member had it, for each entry.
    pub(crate) until_last: Samples,
    /// CPU of the servers for one delivery, in microseconds.
    pub(crate) cpu_per_delivery: f64,
}

/// Counts until every reader has an entry.
#[derive(Debug)]
struct Arrivals {
    readers: u64,
    count: AtomicU64,
    last: Mutex<Instant>,
    complete: Notify,
}

/// The first seat submits; all read. The seats can't be used afterwards.
pub(crate) async fn relay(
    servers: &[u32],
    seats: Vec<Seat>,
    requests: Vec<SubmitRequest>,
) -> Result<Alone> {
    let arrivals = Arrivals::of(seats.len());
    let entries = requests.len() as u64;
    let (mut reading, mut submitter) = (JoinSet::new(), None);
    for mut seat in seats {
        submitter = submitter.or(seat.submitter.take());
        let arrivals = arrivals.clone();
        reading.spawn(async move {
            seat.reader.read(entries, |_, at| arrivals.note(at)).await?;
            anyhow::Ok(())
        });
    }
    let mut submitter = submitter.context("somebody writes")?;
    let mut measure = Measure::start(servers)?;
    let mut until_last = Vec::new();
    for request in requests {
        let sent = Instant::now();
        submitter.submissions.send(&[request]).await?;
        until_last.push(arrivals.wait(&mut reading).await? - sent);
        measure.cpu()?;
    }
    Alone::new(measure, &arrivals, until_last)
}

/// The same with bare quinn. The links can't be used afterwards.
pub(crate) async fn bare(servers: &[u32], links: Vec<Link>, entries: u64) -> Result<Alone> {
    let arrivals = Arrivals::of(links.len());
    let (mut reading, mut senders) = (JoinSet::new(), Vec::new());
    for link in links {
        let (_, connection, sender, mut reader) = link.split();
        senders.push(sender.clone());
        let arrivals = arrivals.clone();
        reading.spawn(async move {
            let (_connection, mut taken) = (connection, 0);
            loop {
                let before = taken;
                let show = |arrival| match arrival {
                    Arrival::Entry(_) => {
                        arrivals.note(Instant::now());
                        taken += 1;
                    }
                    Arrival::Durable(_) => {}
                };
                reader.take(show).await?;
                if taken > before {
                    sender.acknowledge(taken).await?;
                }
            }
        });
    }
    let mut measure = Measure::start(servers)?;
    let mut until_last = Vec::new();
    let sender = senders.first().context("somebody writes")?;
    for number in 0..entries {
        let sent = Instant::now();
        sender.send(&payload(number, ENTRY_BYTES)).await?;
        until_last.push(arrivals.wait(&mut reading).await? - sent);
        measure.cpu()?;
    }
    Alone::new(measure, &arrivals, until_last)
}

impl Alone {
    fn new(mut measure: Measure, arrivals: &Arrivals, times: Vec<Duration>) -> Result<Self> {
        let deliveries = arrivals.count.load(Ordering::Relaxed);
        let cpu_per_delivery = micros_each(measure.cpu()?, deliveries);
        Ok(Self { until_last: Samples::new(times), cpu_per_delivery })
    }
}

impl Arrivals {
    fn of(readers: usize) -> Arc<Self> {
        let (count, last) = (AtomicU64::new(0), Mutex::new(Instant::now()));
        Arc::new(Self { readers: readers as u64, count, last, complete: Notify::new() })
    }

    fn note(&self, at: Instant) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_multiple_of(self.readers) {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = at;
            self.complete.notify_one();
        }
    }

    /// Waits until every reader has the next entry; fails if one of them does.
    async fn wait(&self, reading: &mut JoinSet<Result<()>>) -> Result<Instant> {
        loop {
            tokio::select! {
                biased;
                () = self.complete.notified() => {
                    return Ok(*self.last.lock().unwrap_or_else(PoisonError::into_inner));
                }
                Some(ended) = reading.join_next() => ended??,
            }
        }
    }
}
