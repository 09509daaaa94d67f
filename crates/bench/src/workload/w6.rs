//! W6, many channels: the same load, spread over ever more of them.

use anyhow::Result;
use enlace_test_authorities::Network;

use super::steady::{self, Steady};
use super::{Plan, Workload, burst, runtime};
use crate::baseline::client::Device;
use crate::channel::{Channel, FIRST_ENTRY, entries_in_turn};
use crate::member::Member;
use crate::place::Place;
use crate::report::{Figure, Target};
use crate::seat::Seat;
use crate::statistics::milliseconds;

pub(super) const WORKLOAD: Workload = Workload {
    name: NAME,
    what: "many channels: 1,000 entries a second to 10, 1,000 and up to 10,000 channels of 4 members",
    run,
};

const NAME: &str = "W6";
const MEMBERS: usize = 4;
const RATE: u32 = 1_000;
const WINDOW: usize = 16;
/// Entries before those that count: at least one in each channel.
const WARM_UP: usize = 1_000;
/// How much more a delivery may cost where there are more channels.
const FLAT: f64 = 1.2;

fn run(plan: &Plan) -> Result<Vec<Figure>> {
    let counts: &[usize] = plan.pick(&[10, 1_000, 10_000], &[10, 1_000, 3_000], &[2, 6]);
    let runtime = runtime()?;
    let mut figures = Vec::new();
    let mut with_fewest = None;
    for count in counts {
        let relay = runtime.block_on(with_relay(plan, *count))?;
        let cpu = relay.cpu_per_delivery;
        let baseline = *with_fewest.get_or_insert(cpu);
        let name = format!("{count} channels: relay CPU per delivery, to that of {}", counts[0]);
        let figure = Figure::new(NAME, name, cpu, "µs").against(baseline);
        let is_first = figures.is_empty();
        figures.push(if is_first { figure } else { figure.target(Target::RatioAtMost(FLAT)) });
        let late = milliseconds(relay.delivery.percentile(50.0));
        figures.push(Figure::new(NAME, format!("{count} channels: end to end p50"), late, "ms"));
    }
    let bare = runtime.block_on(with_bare(plan))?;
    let fewest = with_fewest.unwrap_or_default();
    let name = format!("{} channels: relay CPU per delivery", counts[0]);
    figures.push(Figure::new(NAME, name, fewest, "µs").against(bare.cpu_per_delivery));
    Ok(figures)
}

async fn with_relay(plan: &Plan, count: usize) -> Result<Steady> {
    let network = Network::new(&["a.example"]);
    let places = Place::prepare(&network, &plan.dir)?;
    let (place, target) = (&places[0], places[0].target(&network));
    let relay = place.start_relay()?;
    let mut members =
        Member::connect_many(&network, place.authority(&network), MEMBERS, &target).await?;
    let channels = Channel::many_with_all(count, &mut members).await?;
    let cursors: Vec<_> = channels.iter().map(|channel| channel.cursor(FIRST_ENTRY)).collect();
    let mut seats = Seat::take_all(&members, MEMBERS, &cursors).await?;

    let warm_up = count.max(plan.pick(WARM_UP, WARM_UP, 10)) as u64;
    let requests = entries_in_turn(&channels, &mut members, 0..warm_up);
    burst::relay(&[relay.id()], &mut seats, requests, WINDOW).await?;
    let requests = entries_in_turn(&channels, &mut members, 0..entries(plan));
    steady::relay(&[relay.id()], seats, requests, RATE).await
}

async fn with_bare(plan: &Plan) -> Result<Steady> {
    let network = Network::new(&["a.example"]);
    let places = Place::prepare(&network, &plan.dir)?;
    let bare = places[0].start_bare()?;
    let authority = places[0].authority(&network);
    let links = Device::link_many(authority, MEMBERS, places[0].directory(), &bare).await?;
    steady::bare(&[bare.id()], links, entries(plan), RATE).await
}

fn entries(plan: &Plan) -> u64 {
    u64::from(RATE) * plan.pick(10, 4, 1)
}
