//! W5, federated: four members at each of two relays, in one channel that the first one orders.

use anyhow::Result;
use enlace_test_authorities::Network;

use super::burst::{self, Typical};
use super::steady::{self, Steady};
use super::{Plan, Workload, runtime};
use crate::baseline::client::Device;
use crate::channel::{Channel, FIRST_ENTRY, entries_in_turn};
use crate::member::Member;
use crate::place::Place;
use crate::report::{Figure, Target};
use crate::seat::Seat;
use crate::statistics::{Samples, milliseconds};

pub(super) const WORKLOAD: Workload = Workload {
    name: NAME,
    what: "federated: 4 members at each of two relays, a burst, then 50 entries a second",
    run,
};

const NAME: &str = "W5";
/// Members at each relay.
const MEMBERS: usize = 4;
/// Entries in flight, of all members together.
const WINDOW: usize = 64;
const RATE: u32 = 50;
/// Bursts of which the middle one counts, after one that doesn't.
const REPEATS: usize = 3;

fn run(plan: &Plan) -> Result<Vec<Figure>> {
    runtime()?.block_on(measure(plan))
}

async fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let network = Network::new(&["a.example", "b.example"]);
    let places = Place::prepare(&network, &plan.dir)?;
    let relays = [places[0].start_relay()?, places[1].start_relay()?];
    let bare = places[0].start_bare()?;
    let follower = places[1].start_bare_follower(places[0].authority(&network), &bare)?;
    let bares = [bare, follower];

    let (mut members, mut links) = (Vec::new(), Vec::new());
    for (place, bare) in places.iter().zip(&bares) {
        let authority = place.authority(&network);
        let target = place.target(&network);
        members.extend(Member::connect_many(&network, authority, MEMBERS, &target).await?);
        links.extend(Device::link_many(authority, MEMBERS, place.directory(), bare).await?);
    }
    let count = members.len();
    let channel = [Channel::with_all(&mut members).await?];
    let mut seats = Seat::take_all(&members, count, &[]).await?;
    for (index, seat) in seats.iter_mut().enumerate() {
        // The copy at the second relay begins with the welcome.
        seat.reader.take_welcomes(usize::from(index > 0)).await?;
        seat.reader.follow(channel[0].cursor(FIRST_ENTRY)).await?;
    }

    let relays = relays.each_ref().map(crate::process::Server::id);
    let bares = bares.each_ref().map(crate::process::Server::id);
    let entries = plan.pick(20_000, 2_000, 80);
    let window = WINDOW / count;
    let (mut with_relay, mut with_bare) = (Vec::new(), Vec::new());
    for _ in 0..=REPEATS {
        let requests = entries_in_turn(&channel, &mut members, 0..entries);
        with_relay.push(burst::relay(&relays, &mut seats, requests, window).await?);
        with_bare.push(burst::bare(&bares, &mut links, 0..entries, count, window).await?);
    }
    let bursts = (Typical::of(&with_relay[1..]), Typical::of(&with_bare[1..]));
    let entries = u64::from(RATE) * plan.pick(20, 4, 1);
    let requests = entries_in_turn(&channel, &mut members, 0..entries);
    let steady_relay = steady::relay(&relays, seats, requests, RATE).await?;
    let steady_bare = steady::bare(&bares, links, entries, RATE).await?;

    let mut figures = of_bursts(bursts.0, bursts.1);
    figures.extend(of_steady(&steady_relay, &steady_bare));
    Ok(figures)
}

fn of_bursts(relays: Typical, bares: Typical) -> Vec<Figure> {
    vec![
        Figure::new(NAME, "burst: accepted", relays.accepted_per_second, "/s")
            .against(bares.accepted_per_second)
            .target(Target::BesideAtLeast(20_000.0)),
        Figure::new(NAME, "burst: delivered", relays.delivered_per_second, "/s")
            .against(bares.delivered_per_second),
        Figure::new(NAME, "burst: CPU of both relays per delivery", relays.cpu_per_delivery, "µs")
            .against(bares.cpu_per_delivery),
    ]
}

fn of_steady(relays: &Steady, bares: &Steady) -> Vec<Figure> {
    let p = |samples: &Samples, percent| milliseconds(samples.percentile(percent));
    let end_to_end = |percent: f64| {
        Figure::new(
            NAME,
            format!("50/s: end to end p{percent}"),
            p(&relays.delivery, percent),
            "ms",
        )
        .against(p(&bares.delivery, percent))
    };
    vec![
        Figure::new(NAME, "50/s: CPU of both relays per delivery", relays.cpu_per_delivery, "µs")
            .against(bares.cpu_per_delivery),
        end_to_end(50.0),
        end_to_end(99.0),
    ]
}
