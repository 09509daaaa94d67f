//! As many entries as the window lets through, to the relay and to bare quinn.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use enlace_proto::relay::v1::SubmitRequest;
use tokio::task::JoinSet;

use super::measure::Measure;
use crate::baseline::client::Link;
use crate::channel::{ENTRY_BYTES, payload};
use crate::seat::Seat;
use crate::statistics::{median, micros_each};

/// What one burst took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Burst {
    entries: u64,
    deliveries: u64,
    accepted_in: Duration,
    delivered_in: Duration,
    cpu: Duration,
}

/// The middle of several bursts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Typical {
    /// Entries accepted in a second.
    pub(crate) accepted_per_second: f64,
    /// Entries delivered in a second, to all members together.
    pub(crate) delivered_per_second: f64,
    /// CPU of the servers for one delivery, in microseconds.
    pub(crate) cpu_per_delivery: f64,
    /// Seconds until the last member had the last entry.
    pub(crate) seconds: f64,
}

/// When the last entry of a member's own was accepted, and when it had read everything.
type Times = (Option<Instant>, Instant);

/// Those who write submit their requests, each with a window of its own, and all read everything.
pub(crate) async fn relay(
    servers: &[u32],
    seats: &mut Vec<Seat>,
    requests: Vec<Vec<SubmitRequest>>,
    window: usize,
) -> Result<Burst> {
    let entries: u64 = requests.iter().map(|own| own.len() as u64).sum();
    let measure = Measure::start(servers)?;
    let mut own = requests.into_iter();
    let mut working = JoinSet::new();
    for (index, mut seat) in seats.drain(..).enumerate() {
        let own = own.next().unwrap_or_default();
        working.spawn(async move {
            let Seat { submitter, reader } = &mut seat;
            let submit = async {
                match submitter {
                    Some(submitter) => submitter.submit_all(own, window).await.map(Some),
                    None => Ok(None),
                }
            };
            let times = tokio::try_join!(submit, reader.read(entries, |_, _| ()))?;
            anyhow::Ok((index, seat, times))
        });
    }
    end(measure, entries, seats, working).await
}

/// The same with bare quinn; the first `writers` of the links write.
pub(crate) async fn bare(
    servers: &[u32],
    links: &mut Vec<Link>,
    numbers: Range<u64>,
    writers: usize,
    window: usize,
) -> Result<Burst> {
    let entries = numbers.end - numbers.start;
    let measure = Measure::start(servers)?;
    let mut working = JoinSet::new();
    for (index, mut link) in links.drain(..).enumerate() {
        let own = numbers.clone().filter(|number| *number % writers as u64 == index as u64);
        let own: Vec<Vec<u8>> = own.map(|number| payload(number, ENTRY_BYTES)).collect();
        working.spawn(async move {
            let times = link.exchange(own, window as u64, entries).await?;
            anyhow::Ok((index, link, times))
        });
    }
    end(measure, entries, links, working).await
}

async fn end<M: 'static>(
    mut measure: Measure,
    entries: u64,
    members: &mut Vec<M>,
    mut working: JoinSet<Result<(usize, M, Times)>>,
) -> Result<Burst> {
    let mut ended = Vec::new();
    while let Some(end) = working.join_next().await {
        ended.push(end??);
    }
    let cpu = measure.cpu()?;
    ended.sort_by_key(|(index, ..)| *index);
    let accepted = ended.iter().filter_map(|(.., (accepted, _))| *accepted).max();
    let delivered = ended.iter().map(|(.., (_, delivered))| *delivered).max();
    let (accepted, delivered) = accepted.zip(delivered).context("nobody writes")?;
    members.extend(ended.into_iter().map(|(_, member, _)| member));
    Ok(Burst {
        entries,
        deliveries: entries * members.len() as u64,
        accepted_in: accepted - measure.started(),
        delivered_in: delivered - measure.started(),
        cpu,
    })
}

impl Typical {
    /// The medians.
    pub(crate) fn of(bursts: &[Burst]) -> Self {
        let of = |figure: fn(&Burst) -> f64| median(bursts.iter().map(figure));
        Self {
            accepted_per_second: of(|b| b.entries as f64 / b.accepted_in.as_secs_f64()),
            delivered_per_second: of(|b| b.deliveries as f64 / b.delivered_in.as_secs_f64()),
            cpu_per_delivery: of(|b| micros_each(b.cpu, b.deliveries)),
            seconds: of(|b| b.delivered_in.as_secs_f64()),
        }
    }
}
