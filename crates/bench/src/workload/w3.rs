//! W3, offline: eight members are away while entries come, and then all connect at once.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use enlace_proto::relay::v1::Cursor;
use enlace_test_authorities::Network;
use enlace_transport::Target as Relay;
use tokio::task::JoinSet;

use super::measure::Measure;
use super::{Plan, Workload, runtime};
use crate::baseline::client::Device;
use crate::channel::{Channel, ENTRY_BYTES, FIRST_ENTRY, entries_in_turn, payload};
use crate::member::Member;
use crate::place::Place;
use crate::report::{Figure, Target};
use crate::statistics::{median, micros_each};

pub(super) const WORKLOAD: Workload = Workload {
    name: NAME,
    what: "offline: 8 members away while 2,000 entries come; then all connect and catch up",
    run,
};

const NAME: &str = "W3";
const MEMBERS: usize = 8;
const WINDOW: usize = 64;

fn run(plan: &Plan) -> Result<Vec<Figure>> {
    runtime()?.block_on(measure(plan))
}

/// How all of them caught up once.
#[derive(Clone, Copy, Debug)]
struct CaughtUp {
    /// From the moment at which all began to connect.
    since_connecting: Duration,
    /// From the moment at which the first had asked for its log.
    since_asking: Duration,
    cpu: Duration,
}

async fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let network = Network::new(&["a.example"]);
    let places = Place::prepare(&network, &plan.dir)?;
    let (place, target) = (&places[0], places[0].target(&network));
    let authority = place.authority(&network);
    let (relay, bare) = (place.start_relay()?, place.start_bare()?);
    let mut members = Member::connect_many(&network, authority, MEMBERS, &target).await?;
    let channel = [Channel::with_all(&mut members).await?];
    let cursor = channel[0].cursor(FIRST_ENTRY);
    let entries = plan.pick(2_000, 2_000, 100);
    let own = entries_in_turn(&channel, &mut members[..1], 0..entries).concat();
    members[0].submitter().await?.submit_all(own, WINDOW).await?;
    for member in &members[1..] {
        member.subscribe(Vec::new()).await?.take_welcomes(1).await?;
    }

    let devices =
        (0..MEMBERS).map(|n| Device::new(authority, &format!("b{n}"), place.directory(), &bare));
    let mut devices: Vec<Device> = devices.collect::<Result<_>>()?;
    let own = (0..entries).map(|number| payload(number, ENTRY_BYTES)).collect();
    devices[0].link(false).await?.exchange(own, WINDOW as u64, entries).await?;

    let (mut with_relay, mut with_bare) = (Vec::new(), Vec::new());
    for _ in 0..plan.pick(7, 3, 1) {
        let measured = Measure::start(&[relay.id()])?;
        with_relay.push(connect_all(measured, &mut members, &target, &cursor, entries).await?);
        let measured = Measure::start(&[bare.id()])?;
        with_bare.push(link_all(measured, &mut devices, entries).await?);
    }
    Ok(figures(&with_relay, &with_bare, entries))
}

async fn connect_all(
    measure: Measure,
    members: &mut Vec<Member>,
    target: &Relay,
    cursor: &Cursor,
    entries: u64,
) -> Result<CaughtUp> {
    for member in members.iter() {
        member.leave().await;
    }
    let started = Instant::now();
    let mut catching_up = JoinSet::new();
    for mut member in members.drain(..) {
        let (target, cursor) = (target.clone(), cursor.clone());
        catching_up.spawn(async move {
            member.reconnect(&target).await?;
            let asked = Instant::now();
            let mut reader = member.subscribe(vec![cursor]).await?;
            let end = reader.read(entries, |_, _| ()).await?;
            anyhow::Ok((member, asked, end))
        });
    }
    all(measure, started, members, catching_up).await
}

async fn link_all(measure: Measure, devices: &mut Vec<Device>, entries: u64) -> Result<CaughtUp> {
    let started = Instant::now();
    let mut catching_up = JoinSet::new();
    for device in devices.drain(..) {
        catching_up.spawn(async move {
            let mut link = device.link(true).await?;
            let asked = Instant::now();
            let (_, end) = link.exchange(Vec::new(), 0, entries).await?;
            anyhow::Ok((device, asked, end))
        });
    }
    all(measure, started, devices, catching_up).await
}

async fn all<M: 'static>(
    mut measure: Measure,
    started: Instant,
    members: &mut Vec<M>,
    mut catching_up: JoinSet<Result<(M, Instant, Instant)>>,
) -> Result<CaughtUp> {
    let mut times = Vec::new();
    while let Some(done) = catching_up.join_next().await {
        let (member, asked, end) = done??;
        members.push(member);
        times.push((asked, end));
    }
    let asked = times.iter().map(|(asked, _)| *asked).min().context("nobody reads")?;
    let end = times.iter().map(|(_, end)| *end).max().context("nobody reads")?;
    Ok(CaughtUp { since_connecting: end - started, since_asking: end - asked, cpu: measure.cpu()? })
}

fn figures(relay: &[CaughtUp], bare: &[CaughtUp], entries: u64) -> Vec<Figure> {
    let deliveries = entries * MEMBERS as u64;
    let seconds = |of: &[CaughtUp]| median(of.iter().map(|c| c.since_connecting.as_secs_f64()));
    let rate =
        |of: &[CaughtUp]| median(of.iter().map(|c| entries as f64 / c.since_asking.as_secs_f64()));
    let cpu = |of: &[CaughtUp]| median(of.iter().map(|c| micros_each(c.cpu, deliveries)));
    vec![
        Figure::new(NAME, "until each has connected and caught up", seconds(relay), "s")
            .against(seconds(bare))
            .target(Target::BesideAtMost(0.05)),
        Figure::new(NAME, "read by each, once it has asked", rate(relay), "/s")
            .against(rate(bare))
            .target(Target::AtLeast(50_000.0)),
        Figure::new(NAME, "relay CPU per delivery, connecting included", cpu(relay), "µs")
            .against(cpu(bare)),
    ]
}
