//! W1, the case channel: eight members, all of whom write and read.

use anyhow::Result;
use enlace_test_authorities::Network;

use super::burst::{self, Typical};
use super::steady::{self, Steady};
use super::{Plan, Workload, runtime};
use crate::baseline::client::Device;
use crate::baseline::sync;
use crate::channel::{Channel, ENTRY_BYTES, FIRST_ENTRY, entries_in_turn};
use crate::member::Member;
use crate::place::Place;
use crate::report::{Figure, Target};
use crate::seat::Seat;
use crate::statistics::{Samples, milliseconds};

pub(super) const WORKLOAD: Workload = Workload {
    name: NAME,
    what: "case channel: 8 members, a burst with 64 entries in flight, then 50 entries a second",
    run,
};

const NAME: &str = "W1";
const MEMBERS: usize = 8;
/// Entries in flight, of all members together.
const WINDOW: usize = 64;
const RATE: u32 = 50;
/// Bursts of which the middle one counts, after one that doesn't.
const REPEATS: usize = 5;

fn run(plan: &Plan) -> Result<Vec<Figure>> {
    runtime()?.block_on(measure(plan))
}

async fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let network = Network::new(&["a.example"]);
    let places = Place::prepare(&network, &plan.dir)?;
    let (place, target) = (&places[0], places[0].target(&network));
    let authority = place.authority(&network);
    let (relay, bare) = (place.start_relay()?, place.start_bare()?);
    let mut members = Member::connect_many(&network, authority, MEMBERS, &target).await?;
    let channel = [Channel::with_all(&mut members).await?];
    let mut seats = Seat::take_all(&members, MEMBERS, &[channel[0].cursor(FIRST_ENTRY)]).await?;
    let mut links = Device::link_many(authority, MEMBERS, place.directory(), &bare).await?;

    let (relays, bares) = (&[relay.id()], &[bare.id()]);
    let entries = plan.pick(20_000, 4_000, 80);
    let window = WINDOW / MEMBERS;
    let (mut with_relay, mut with_bare) = (Vec::new(), Vec::new());
    for _ in 0..=REPEATS {
        let requests = entries_in_turn(&channel, &mut members, 0..entries);
        with_relay.push(burst::relay(relays, &mut seats, requests, window).await?);
        with_bare.push(burst::bare(bares, &mut links, 0..entries, MEMBERS, window).await?);
    }
    let bursts = (Typical::of(&with_relay[1..]), Typical::of(&with_bare[1..]));

    let entries = u64::from(RATE) * plan.pick(20, 6, 1);
    let requests = entries_in_turn(&channel, &mut members, 0..entries);
    let steady_relay = steady::relay(relays, seats, requests, RATE).await?;
    let steady_bare = steady::bare(bares, links, entries, RATE).await?;
    let sync = sync::one_by_one(place.directory(), plan.pick(500, 200, 10), ENTRY_BYTES)?;

    let mut figures = of_bursts(bursts.0, bursts.1);
    figures.extend(of_steady(&steady_relay, &steady_bare));
    figures.push(Figure::new(
        NAME,
        "one sync of 300 B, p50",
        milliseconds(sync.percentile(50.0)),
        "ms",
    ));
    Ok(figures)
}

fn of_bursts(relay: Typical, bare: Typical) -> Vec<Figure> {
    let (cpu, bare_cpu) = (relay.cpu_per_delivery, bare.cpu_per_delivery);
    vec![
        Figure::new(NAME, "burst: accepted", relay.accepted_per_second, "/s")
            .against(bare.accepted_per_second)
            .target(Target::BesideAtLeast(40_000.0)),
        Figure::new(NAME, "burst: delivered", relay.delivered_per_second, "/s")
            .against(bare.delivered_per_second),
        Figure::new(NAME, "burst: relay CPU per delivery", cpu, "µs")
            .against(bare_cpu)
            .target(Target::RatioAtMost(3.0)),
        Figure::new(NAME, "burst: relay CPU per delivery, beside peers", cpu, "µs")
            .against(bare_cpu)
            .target(Target::BesideAtMost(4.0)),
    ]
}

fn of_steady(relay: &Steady, bare: &Steady) -> Vec<Figure> {
    let p = |samples: &Samples, percent| milliseconds(samples.percentile(percent));
    vec![
        Figure::new(NAME, "50/s: relay CPU per delivery", relay.cpu_per_delivery, "µs")
            .against(bare.cpu_per_delivery)
            .target(Target::BesideAtMost(20.0)),
        Figure::new(
            NAME,
            "50/s: end to end p50, bare round trip with sync",
            p(&relay.delivery, 50.0),
            "ms",
        )
        .against(p(&bare.acknowledgement, 50.0))
        .target(Target::ExcessAtMost(2.0)),
        Figure::new(NAME, "50/s: end to end p99", p(&relay.delivery, 99.0), "ms")
            .against(p(&bare.delivery, 99.0)),
        Figure::new(NAME, "50/s: acknowledged p50", p(&relay.acknowledgement, 50.0), "ms")
            .against(p(&bare.acknowledgement, 50.0)),
    ]
}
