//! Entries at a steady rate, to the relay and to bare quinn.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use enlace_proto::relay::v1::SubmitRequest;
use tokio::task::JoinSet;

use super::measure::Measure;
use super::pace::Pace;
use crate::baseline::client::{Arrival, Link};
use crate::channel::{ENTRY_BYTES, number_of, payload};
use crate::seat::Seat;
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

/// How late things came to one member: what it read, and the answers to its own.
type Late = (Vec<Duration>, Vec<Duration>);

/// The members submit in turn; `requests` are numbered from 0 on. The seats can't be used
/// afterwards.
pub(crate) async fn relay(
    servers: &[u32],
    seats: Vec<Seat>,
    requests: Vec<Vec<SubmitRequest>>,
    rate: u32,
) -> Result<Steady> {
    let entries: u64 = requests.iter().map(|own| own.len() as u64).sum();
    let mut measure = Measure::start(servers)?;
    let pace = Pace::per_second(rate);
    let count = seats.len() as u64;
    let mut submissions = Vec::new();
    let mut reading = JoinSet::new();
    for ((index, seat), own) in (0..).zip(seats).zip(&requests) {
        let Seat { submitter, mut reader } = seat;
        let submitter = submitter.context("everybody writes")?;
        submissions.push(submitter.submissions);
        let (own, mut answers) = (own.len(), submitter.answers);
        reading.spawn(async move {
            let (mut delivered, mut answered) = (Vec::new(), Vec::new());
            let answering = async {
                while answered.len() < own {
                    let more = answers.next().await?;
                    let late = |turn| late(pace.due(turn * count + index), Instant::now());
                    answered.extend((answered.len() as u64..).take(more).map(late));
                }
                Ok(())
            };
            let delivering = reader.read(entries, |item, at| {
                delivered.extend(number_of(&item.payload).map(|n| late(pace.due(n), at)));
            });
            tokio::try_join!(answering, delivering)?;
            anyhow::Ok((delivered, answered))
        });
    }
    let mut queues: Vec<_> = requests.into_iter().map(Vec::into_iter).collect();
    for number in 0..entries {
        let author = (number % count) as usize;
        let request = queues[author].next().context("an entry for each turn")?;
        pace.wait(number).await;
        submissions[author].send(&[request]).await?;
        glance(&mut measure, number, rate).await?;
    }
    end(measure, reading).await
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
    let (mut senders, mut connections, mut reading) = (Vec::new(), Vec::new(), JoinSet::new());
    for (index, link) in (0..).zip(links) {
        let (durable_before, connection, sender, mut reader) = link.split();
        connections.push(connection);
        senders.push(sender.clone());
        reading.spawn(async move {
            let (mut delivered, mut answered) = (Vec::new(), Vec::new());
            let own = (entries + count - 1 - index) / count;
            while (delivered.len() as u64) < entries || (answered.len() as u64) < own {
                let before = delivered.len();
                let show = |arrival| match arrival {
                    Arrival::Entry(body) => {
                        let at = Instant::now();
                        delivered.extend(number_of(&body).map(|n| late(pace.due(n), at)));
                    }
                    Arrival::Durable(so_far) => {
                        let late = |turn| late(pace.due(turn * count + index), Instant::now());
                        let before = answered.len() as u64;
                        answered.extend((before..so_far - durable_before).map(late));
                    }
                };
                reader.take(show).await?;
                if delivered.len() > before {
                    sender.acknowledge(delivered.len() as u64).await?;
                }
            }
            anyhow::Ok((delivered, answered))
        });
    }
    for number in 0..entries {
        pace.wait(number).await;
        let author = (number % count) as usize;
        senders[author].send(&payload(number, ENTRY_BYTES)).await?;
        glance(&mut measure, number, rate).await?;
    }
    end(measure, reading).await
}

fn late(due: Instant, at: Instant) -> Duration {
    at.saturating_duration_since(due)
}

/// Looks at the servers' threads once a second, between two entries: idle ones may end.
async fn glance(measure: &mut Measure, number: u64, rate: u32) -> Result<()> {
    if number % u64::from(rate) == u64::from(rate / 2) {
        tokio::task::yield_now().await;
        measure.cpu()?;
    }
    Ok(())
}

async fn end(mut measure: Measure, mut reading: JoinSet<Result<Late>>) -> Result<Steady> {
    let (mut delivery, mut acknowledgement) = (Vec::new(), Vec::new());
    while let Some(late) = reading.join_next().await {
        let (delivered, answered) = late??;
        delivery.extend(delivered);
        acknowledgement.extend(answered);
    }
    let cpu_per_delivery = micros_each(measure.cpu()?, delivery.len() as u64);
    let (delivery, acknowledgement) = (Samples::new(delivery), Samples::new(acknowledgement));
    Ok(Steady { delivery, acknowledgement, cpu_per_delivery })
}
