//! B1, bytes: one note from author to hub and from hub to reader, and an hour idle; with the SDK,
//! MLS, and all protocols counted.

use std::time::Duration;

use anyhow::{Context as _, Result};
use enlace_channel::policy::Role;
use enlace_tests::case::open_channel;
use enlace_tests::{Network, Officer};

use super::{Plan, Workload, runtime};
use crate::baseline::client::{Device, Link};
use crate::case::text;
use crate::place::Place;
use crate::process::Server;
use crate::proxy::{Proxy, Traffic};
use crate::report::{Figure, Target};
use crate::statistics::median;

pub(super) const WORKLOAD: Workload = Workload {
    name: NAME,
    what: "bytes on the wire: a note of 200 characters, and an hour idle",
    run,
};

const NAME: &str = "B1";
/// What a device has to fit a note into.
const DATAGRAM: f64 = 1_200.0;
/// Acknowledgements have arrived then.
const QUIET: Duration = Duration::from_millis(200);
/// Notes before those that count: QUIC looks for the path's largest datagram with its first ones.
const WARM_UP: usize = 8;
/// Notes of which the middle one counts.
const REPEATS: usize = 5;
/// Of the transport; a window of so many of them is scaled to an hour.
const KEEP_ALIVE: Duration = Duration::from_secs(25);
const HOUR: Duration = Duration::from_secs(3600);

fn run(plan: &Plan) -> Result<Vec<Figure>> {
    runtime()?.block_on(measure(plan))
}

/// What passed for one device: to the server and from it.
type Both = (Traffic, Traffic);

async fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let network = Network::new(&["a.example"]);
    let places = Place::prepare(&network, &plan.dir)?;
    let (relay, bare) = (places[0].start_relay()?, places[0].start_bare()?);
    let (ana, ben) = (Proxy::start(relay.address()).await?, Proxy::start(relay.address()).await?);
    let mut author = officer(&network, "ana", &ana).await;
    let mut reader = officer(&network, "ben", &ben).await;
    let channel = open_channel(&author, "Operation Lighthouse").await;
    let wish = author.client().add_member(channel, reader.address(), Role::Member)?;
    author.accepted(wish).await;
    reader.joined(channel).await;
    let (to_bare, mut link) = bare_link(&network, &places[0], &bare).await?;

    let (mut sent, mut read, mut bare_note) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..WARM_UP + REPEATS {
        let text = text(number as u64);
        settle(&[&ana, &ben, &to_bare]).await;
        author.accepted(author.post(channel, &text)).await;
        reader.reads(channel, &text).await;
        link.exchange(vec![text.into_bytes()], 1, 1).await?;
        tokio::time::sleep(QUIET).await;
        if number >= WARM_UP {
            sent.push(ana.take());
            read.push(ben.take());
            bare_note.push(to_bare.take());
        }
    }

    settle(&[&ana, &ben, &to_bare]).await;
    let window = plan.pick(4 * KEEP_ALIVE, KEEP_ALIVE, QUIET);
    tokio::time::sleep(window).await;
    let idle = total(ben.take()) * (HOUR.as_secs_f64() / window.as_secs_f64());
    let bare_idle = total(to_bare.take()) * (HOUR.as_secs_f64() / window.as_secs_f64());
    for officer in [&mut author, &mut reader] {
        officer.go_offline().await;
    }
    drop(link);

    let largest = |name: &str, of: &[Both], direction: fn(&Both) -> Traffic| {
        let typical = |of: &[Both]| median(of.iter().map(|both| direction(both).largest as f64));
        Figure::new(NAME, format!("note, {name}: largest datagram"), typical(of), "B")
            .against(typical(&bare_note))
            .target(Target::AtMost(DATAGRAM))
    };
    let all = |name: &str, of: &[Both]| {
        let typical = |of: &[Both]| median(of.iter().copied().map(total));
        Figure::new(NAME, format!("note, {name}: all bytes, both ways"), typical(of), "B")
            .against(typical(&bare_note))
    };
    Ok(vec![
        largest("author to hub", &sent, |(there, _)| *there),
        largest("hub to reader", &read, |(_, back)| *back),
        all("author", &sent),
        all("reader", &read),
        Figure::new(NAME, "an hour idle, a device", idle / 1e3, "kB").against(bare_idle / 1e3),
    ])
}

async fn officer(network: &Network, name: &str, proxy: &Proxy) -> Officer {
    let mut officer = Officer::enrol(network, 0, name, proxy.port()).await;
    officer.introduce().await;
    officer.go_online();
    officer
}

async fn bare_link(network: &Network, place: &Place, bare: &Server) -> Result<(Proxy, Link)> {
    let proxy = Proxy::start(bare.address()).await?;
    let authority = place.authority(network);
    let device = Device::new(authority, "bare", place.directory(), bare)?.through(proxy.port());
    let link = device.link(false).await.context("bare quinn cannot be reached")?;
    Ok((proxy, link))
}

/// Waits until nothing passes any more, and forgets what did.
async fn settle(proxies: &[&Proxy]) {
    let mut is_quiet = false;
    while !is_quiet {
        tokio::time::sleep(QUIET).await;
        let passed = proxies.iter().map(|proxy| total(proxy.take()));
        is_quiet = passed.sum::<f64>() == 0.0;
    }
}

fn total((there, back): Both) -> f64 {
    (there.bytes + back.bytes) as f64
}
