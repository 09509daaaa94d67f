//! W2, the forum: five hundred connected members, one of whom writes.

use anyhow::Result;
use enlace_test_authorities::Network;

use super::alone::{self, Alone};
use super::burst::{self, Typical};
use super::{Plan, Workload, runtime};
use crate::baseline::client::Device;
use crate::baseline::frame;
use crate::channel::{Channel, ENTRY_BYTES, FIRST_ENTRY, entries_in_turn};
use crate::member::Member;
use crate::place::Place;
use crate::report::{Figure, Target};
use crate::seat::Seat;
use crate::statistics::milliseconds;

pub(super) const WORKLOAD: Workload = Workload {
    name: NAME,
    what: "forum: 500 members, one writes 200 entries, in a burst and one by one",
    run,
};

const NAME: &str = "W2";
const WINDOW: usize = 64;
/// Bursts of which the middle one counts, after one that doesn't.
const REPEATS: usize = 3;
const TARGET: Target = Target::RatioAtMost(1.5);

fn run(plan: &Plan) -> Result<Vec<Figure>> {
    runtime()?.block_on(measure(plan))
}

async fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let network = Network::new(&["a.example"]);
    let places = Place::prepare(&network, &plan.dir)?;
    let (place, target) = (&places[0], places[0].target(&network));
    let authority = place.authority(&network);
    let (relay, bare) = (place.start_relay()?, place.start_bare()?);
    let count = plan.pick(500, 500, 20);
    let mut members = Member::connect_many(&network, authority, count, &target).await?;
    let channel = [Channel::with_all(&mut members).await?];
    let mut seats = Seat::take_all(&members, 1, &[channel[0].cursor(FIRST_ENTRY)]).await?;
    let mut links = Device::link_many(authority, count, place.directory(), &bare).await?;

    let (relays, bares) = (&[relay.id()], &[bare.id()]);
    let entries = plan.pick(200, 100, 10);
    let mut own = || entries_in_turn(&channel, &mut members[..1], 0..entries);
    let (mut with_relay, mut with_bare) = (Vec::new(), Vec::new());
    for _ in 0..=REPEATS {
        with_relay.push(burst::relay(relays, &mut seats, own(), WINDOW).await?);
        with_bare.push(burst::bare(bares, &mut links, 0..entries, 1, WINDOW).await?);
    }
    let bursts = (Typical::of(&with_relay[1..]), Typical::of(&with_bare[1..]));
    let alone_relay = alone::relay(relays, seats, own().concat()).await?;
    let alone_bare = alone::bare(bares, links, entries).await?;

    let mut figures = of_bursts(bursts.0, bursts.1);
    figures.extend(of_alone(&alone_relay, &alone_bare));
    let delivered = channel[0].delivered_bytes(&mut members[0]) as f64;
    let bare = (ENTRY_BYTES + frame::HEADER) as f64;
    figures.push(Figure::new(NAME, "an entry as it is delivered", delivered, "B").against(bare));
    Ok(figures)
}

fn of_bursts(relay: Typical, bare: Typical) -> Vec<Figure> {
    vec![
        Figure::new(NAME, "burst: delivered", relay.delivered_per_second, "/s")
            .against(bare.delivered_per_second)
            .target(Target::BesideAtLeast(125_000.0)),
        Figure::new(NAME, "burst: relay CPU per delivery", relay.cpu_per_delivery, "µs")
            .against(bare.cpu_per_delivery)
            .target(TARGET),
        Figure::new(NAME, "burst: until the last member has all", relay.seconds, "s")
            .against(bare.seconds),
    ]
}

fn of_alone(relay: &Alone, bare: &Alone) -> Vec<Figure> {
    let until = |percent| {
        let of = |alone: &Alone| milliseconds(alone.until_last.percentile(percent));
        Figure::new(
            NAME,
            format!("one by one: until the last member has it, p{percent}"),
            of(relay),
            "ms",
        )
        .against(of(bare))
    };
    vec![
        Figure::new(NAME, "one by one: relay CPU per delivery", relay.cpu_per_delivery, "µs")
            .against(bare.cpu_per_delivery)
            .target(TARGET),
        until(50.0),
        until(99.0),
    ]
}
