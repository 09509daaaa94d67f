//! W4, idle: authenticated connections on which nothing happens but what keeps them alive.

use std::time::Duration;

use anyhow::Result;
use enlace_test_authorities::Network;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::measure::Measure;
use super::{Plan, Workload, runtime};
use crate::baseline::client::Device;
use crate::member::Member;
use crate::memory;
use crate::place::Place;
use crate::report::{Figure, Target};

pub(super) const WORKLOAD: Workload = Workload {
    name: NAME,
    what: "idle: memory and CPU of authenticated connections on which nothing happens",
    run,
};

const NAME: &str = "W4";
/// Connections of one device.
const PER_DEVICE: usize = 100;
/// Handshakes at a time.
const HANDSHAKES: usize = 16;
const KILO: f64 = 1000.0;

fn run(plan: &Plan) -> Result<Vec<Figure>> {
    let counts: &[usize] = plan.pick(&[1_000, 10_000], &[1_000, 2_000], &[10]);
    let runtime = runtime()?;
    let mut figures = Vec::new();
    for count in counts {
        figures.extend(runtime.block_on(measure(plan, *count))?);
    }
    Ok(figures)
}

/// What one server spends.
#[derive(Clone, Copy, Debug)]
struct Idle {
    kilobytes_each: f64,
    /// Thousandths of a core.
    cpu_permille: f64,
}

async fn measure(plan: &Plan, count: usize) -> Result<Vec<Figure>> {
    let network = Network::new(&["a.example"]);
    let places = Place::prepare(&network, &plan.dir)?;
    let (place, target) = (&places[0], places[0].target(&network));
    let authority = place.authority(&network);
    let (relay, bare) = (place.start_relay()?, place.start_bare()?);
    let device_count = count.div_ceil(PER_DEVICE);

    // Each device's first connection is among those that are counted out: it is there before.
    let members = Member::connect_many(&network, authority, device_count, &target).await?;
    let before = memory::of(relay.id())?;
    let dial = |index: usize| members[index % device_count].connect_again(&target);
    let dialled = stream::iter((0..count).map(dial)).buffer_unordered(HANDSHAKES);
    let connections: Vec<_> = dialled.try_collect().await?;
    let settled = settled(plan, relay.id(), before, count).await?;

    let devices = (0..device_count)
        .map(|n| Device::new(authority, &format!("b{n}"), place.directory(), &bare));
    let devices: Vec<Device> = devices.collect::<Result<_>>()?;
    let bare_before = memory::of(bare.id())?;
    let dial = |index: usize| devices[index % device_count].connect();
    let dialled = stream::iter((0..count).map(dial)).buffer_unordered(HANDSHAKES);
    let bare_connections: Vec<_> = dialled.try_collect().await?;
    let bare_settled = self::settled(plan, bare.id(), bare_before, count).await?;

    let figures = figures(count, settled, bare_settled);
    drop((connections, bare_connections));
    Ok(figures)
}

/// Waits a while; what is used then is what idle connections cost.
async fn settled(plan: &Plan, server: u32, before: u64, count: usize) -> Result<Idle> {
    let while_idle = Duration::from_secs(plan.pick(30, 4, 1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut measure = Measure::start(&[server])?;
    tokio::time::sleep(while_idle).await;
    let cpu_permille = measure.cpu()?.as_secs_f64() / while_idle.as_secs_f64() * 1e3;
    let used = memory::of(server)?.saturating_sub(before);
    Ok(Idle { kilobytes_each: used as f64 / KILO / count as f64, cpu_permille })
}

fn figures(count: usize, relay: Idle, bare: Idle) -> Vec<Figure> {
    vec![
        Figure::new(
            NAME,
            format!("{count}: relay memory per connection"),
            relay.kilobytes_each,
            "kB",
        )
        .against(bare.kilobytes_each)
        .target(Target::AtMost(45.0)),
        Figure::new(NAME, format!("{count}: relay CPU, of a core"), relay.cpu_permille, "‰")
            .against(bare.cpu_permille),
    ]
}
