//! As many entries as the window lets through, to the relay and to bare quinn.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use enlace_proto::relay::v1::SubmitRequest;
use tokio::task::JoinSet;

use crate::baseline::client::Link;
use crate::channel::{ENTRY_BYTES, payload};
use crate::cpu::Meter;
use crate::member::{Member, Reader};
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
}

/// The members submit their requests, each with a window of its own, and all read everything.
pub(crate) async fn relay(
    servers: &[u32],
    members: &[Member],
    readers: &mut Vec<Reader>,
    requests: Vec<Vec<SubmitRequest>>,
    window: usize,
) -> Result<Burst> {
    let entries: u64 = requests.iter().map(|own| own.len() as u64).sum();
    let measure = Measure::start(servers)?;
    let mut reading = JoinSet::new();
    for (index, mut reader) in readers.drain(..).enumerate() {
        reading.spawn(async move {
            let end = reader.read(entries, |_, _| ()).await?;
            anyhow::Ok((index, reader, end))
        });
    }
    let mut writing = JoinSet::new();
    for (member, own) in members.iter().zip(requests) {
        let submitter = member.submitter();
        writing.spawn(async move { submitter.submit_all(own, window).await });
    }
    let accepted = latest(writing).await?;
    let mut ended = Vec::new();
    while let Some(end) = reading.join_next().await {
        ended.push(end??);
    }
    ended.sort_by_key(|(index, ..)| *index);
    let delivered = ended.iter().map(|(.., end)| *end).max().context("nobody reads")?;
    readers.extend(ended.into_iter().map(|(_, reader, _)| reader));
    measure.end(entries, readers.len(), accepted, delivered)
}

/// The same with bare quinn.
pub(crate) async fn bare(
    servers: &[u32],
    links: &mut Vec<Link>,
    numbers: Range<u64>,
    senders: usize,
    window: u64,
) -> Result<Burst> {
    let entries = numbers.end - numbers.start;
    let measure = Measure::start(servers)?;
    let mut exchanging = JoinSet::new();
    for (index, mut link) in links.drain(..).enumerate() {
        let own = numbers.clone().filter(|number| *number % senders as u64 == index as u64);
        let own: Vec<Vec<u8>> = own.map(|number| payload(number, ENTRY_BYTES)).collect();
        exchanging.spawn(async move {
            let times = link.exchange(own, window, entries).await?;
            anyhow::Ok((index, link, times))
        });
    }
    let mut ended = Vec::new();
    while let Some(end) = exchanging.join_next().await {
        ended.push(end??);
    }
    ended.sort_by_key(|(index, ..)| *index);
    let accepted = ended.iter().map(|(.., (accepted, _))| *accepted).max();
    let delivered = ended.iter().map(|(.., (_, delivered))| *delivered).max();
    links.extend(ended.into_iter().map(|(_, link, _)| link));
    let (accepted, delivered) = accepted.zip(delivered).context("nobody reads")?;
    measure.end(entries, links.len(), accepted, delivered)
}

/// Time and CPU from one moment on.
#[derive(Debug)]
pub(crate) struct Measure {
    meter: Meter,
    before: Duration,
    started: Instant,
}

impl Measure {
    /// From now on.
    pub(crate) fn start(servers: &[u32]) -> Result<Self> {
        let mut meter = Meter::new(servers);
        Ok(Self { before: meter.sample()?, meter, started: Instant::now() })
    }

    /// The CPU that the servers have used since.
    pub(crate) fn cpu(&mut self) -> Result<Duration> {
        Ok(self.meter.sample()?.saturating_sub(self.before))
    }

    fn end(
        mut self,
        entries: u64,
        readers: usize,
        accepted: Instant,
        delivered: Instant,
    ) -> Result<Burst> {
        Ok(Burst {
            entries,
            deliveries: entries * readers as u64,
            accepted_in: accepted - self.started,
            delivered_in: delivered - self.started,
            cpu: self.cpu()?,
        })
    }
}

async fn latest(mut tasks: JoinSet<Result<Instant>>) -> Result<Instant> {
    let mut latest = None;
    while let Some(end) = tasks.join_next().await {
        latest = latest.max(Some(end??));
    }
    latest.context("nobody writes")
}

impl Typical {
    /// The medians.
    pub(crate) fn of(bursts: &[Burst]) -> Self {
        let of = |figure: fn(&Burst) -> f64| median(bursts.iter().map(figure));
        Self {
            accepted_per_second: of(|b| b.entries as f64 / b.accepted_in.as_secs_f64()),
            delivered_per_second: of(|b| b.deliveries as f64 / b.delivered_in.as_secs_f64()),
            cpu_per_delivery: of(|b| micros_each(b.cpu, b.deliveries)),
        }
    }
}
