//! Entries at a steady rate, to the relay and to bare quinn.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use enlace_proto::relay::v1::SubmitRequest;
use tokio::task::JoinSet;

use super::burst::Measure;
use super::pace::Pace;
use crate::baseline::client::{Arrival, Link};
use crate::channel::{ENTRY_BYTES, number_of, payload};
use crate::member::{Member, Reader};
use crate::statistics::{Samples, micros_each};

/// What steady load gave.
#[derive(Debug)]
pub(crate) struct Steady {
    /// From the time at which an entry was due to its arrival, for each entry and reader.
    pub(crate) delivery: Samples,
    /// From the time at which an entry was due to its acknowledgement, for each entry.
    pub(crate) acknowledgement: Samples,
    /// CPU of the servers for one delivery, in microseconds.
    pub(crate) cpu_per_delivery: f64,
}

/// The members submit in turn; `requests` are numbered from 0 on.
pub(crate) async fn relay(
    servers: &[u32],
    members: &[Member],
    readers: &mut Vec<Reader>,
    requests: Vec<Vec<SubmitRequest>>,
    rate: u32,
) -> Result<Steady> {
    let entries: u64 = requests.iter().map(|own| own.len() as u64).sum();
    let mut measure = Measure::start(servers)?;
    let pace = Pace::per_second(rate);
    let mut reading = JoinSet::new();
    for (index, mut reader) in readers.drain(..).enumerate() {
        reading.spawn(async move {
            let mut late = Vec::new();
            let mut show = |payload: &[u8], at: Instant| {
                late.extend(number_of(payload).map(|n| at.saturating_duration_since(pace.due(n))));
            };
            reader.read(entries, |item, at| show(&item.payload, at)).await?;
            anyhow::Ok((index, reader, late))
        });
    }
    let mut queues: Vec<_> = requests.into_iter().map(Vec::into_iter).collect();
    let mut answers = JoinSet::new();
    for number in 0..entries {
        let author = (number % members.len() as u64) as usize;
        let request = queues[author].next().context("an entry for each turn")?;
        let submitter = members[author].submitter();
        pace.wait(number).await;
        answers.spawn(async move {
            submitter.submit(request).await?;
            anyhow::Ok(Instant::now().saturating_duration_since(pace.due(number)))
        });
        if number % u64::from(rate) == u64::from(rate / 2) {
            tokio::task::yield_now().await;
            measure.cpu()?;
        }
    }
    let mut acknowledgement = Vec::new();
    while let Some(answer) = answers.join_next().await {
        acknowledgement.push(answer??);
    }
    let mut ended = Vec::new();
    while let Some(end) = reading.join_next().await {
        ended.push(end??);
    }
    ended.sort_by_key(|(index, ..)| *index);
    let mut delivery = Vec::new();
    for (_, reader, late) in ended {
        readers.push(reader);
        delivery.extend(late);
    }
    Steady::new(&mut measure, delivery, acknowledgement)
}

/// The same with bare quinn. The links can't be used afterwards.
pub(crate) async fn bare(
    servers: &[u32],
    links: Vec<Link>,
    entries: u64,
    rate: u32,
) -> Result<Steady> {
    let mut measure = Measure::start(servers)?;
    let pace = Pace::per_second(rate);
    let count = links.len() as u64;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let (mut senders, mut connections, mut reading) = (Vec::new(), Vec::new(), JoinSet::new());
    for (index, link) in links.into_iter().enumerate() {
        let (already_durable, connection, sender, mut reader) = link.split();
        connections.push(connection);
        senders.push(sender);
        let acknowledged = acknowledged.clone();
        reading.spawn(async move {
            let mut late = Vec::new();
            let own = (entries + count - 1 - index as u64) / count;
            let mut durable = 0;
            while (late.len() as u64) < entries || durable < own {
                let show = |arrival| {
                    let at = Instant::now();
                    match arrival {
                        Arrival::Entry(body) => late.extend(
                            number_of(&body).map(|n| at.saturating_duration_since(pace.due(n))),
                        ),
                        Arrival::Durable(so_far) => {
                            let so_far = so_far - already_durable;
                            let due = |turn| pace.due(turn * count + index as u64);
                            let waited = (durable..so_far).map(|turn| at - due(turn));
                            acknowledged
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .extend(waited);
                            durable = so_far;
                        }
                    }
                };
                reader.take(show).await?;
            }
            anyhow::Ok(late)
        });
    }
    for number in 0..entries {
        pace.wait(number).await;
        let author = (number % count) as usize;
        senders[author].send(&payload(number, ENTRY_BYTES)).await?;
        if number % u64::from(rate) == u64::from(rate / 2) {
            tokio::task::yield_now().await;
            measure.cpu()?;
        }
    }
    let mut delivery: Vec<Duration> = Vec::new();
    while let Some(late) = reading.join_next().await {
        delivery.extend(late??);
    }
    let acknowledged =
        std::mem::take(&mut *acknowledged.lock().unwrap_or_else(PoisonError::into_inner));
    Steady::new(&mut measure, delivery, acknowledged)
}

impl Steady {
    fn new(
        measure: &mut Measure,
        delivery: Vec<Duration>,
        acknowledgement: Vec<Duration>,
    ) -> Result<Self> {
        let cpu_per_delivery = micros_each(measure.cpu()?, delivery.len() as u64);
        let (delivery, acknowledgement) = (Samples::new(delivery), Samples::new(acknowledgement));
        Ok(Self { delivery, acknowledgement, cpu_per_delivery })
    }
}
