//! What depends on how many members there are: joining, commits, and what an entry rewrites.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::entries::Costs;
use super::{NAME, Plan};
use crate::case::{BareMember, BareStore, Case, Profile};
use crate::report::Figure;
use crate::statistics::{median, milliseconds};

/// With so many members. The tree is as commits of one member leave it: mostly blank, so that
/// commits are as long as they get.
pub(super) fn measure(plan: &Plan, members: usize) -> Result<Vec<Figure>> {
    let dir = tempfile::tempdir_in(&plan.dir).context("no directory can be made")?;
    let mut case = Case::open()?;
    let mut reader = Profile::new(&case.network, dir.path()).start()?;
    let mut bare = BareMember::new(&case.network, "bare")?;
    let mut store = BareStore::create(dir.path())?;
    case.fill(members - 2)?;
    let (seq, request) = case.admit(vec![reader.admission()?, bare.admission()?])?;
    let welcome = case.hub.welcome(seq, &request);
    let join = timed(|| reader.join(welcome))?;
    let bare_join = timed(|| bare.join(&request))?;

    let (mut received, mut bare_received) = (Vec::new(), Vec::new());
    for _ in 0..plan.pick(5, 3, 1) {
        let seq = case.renew()?;
        let batch = case.hub.batch_on_the_wire(seq.0..seq.0 + 1)?;
        received.push(timed(|| reader.receive(batch))?);
        let (items, _) = case.hub.batch(seq.0..seq.0 + 1)?;
        bare_received.push(timed(|| bare.process(&items[0]))?);
    }

    let mut costs = Costs::default();
    let notes = case.write(&mut [], plan.pick(1_024, 256, 8))?;
    costs.measure(&case.hub, &notes, &mut reader, &mut bare, &mut store)?;

    reader.wish_for_new_keys(case.hub.channel())?;
    let (seq, making) = reader.submit(&mut case.hub)?;
    let batch = case.hub.batch_on_the_wire(seq.0..seq.0 + 1)?;
    let commit = making + timed(|| reader.receive(batch))?;
    let bare_commit = timed(|| bare.commit())?;

    let figure = |name: &str, value: Duration, bare: Duration| {
        Figure::new(NAME, format!("{members} members: {name}"), milliseconds(value), "ms")
            .against(milliseconds(bare))
    };
    let middle = |times: &[Duration]| {
        Duration::from_secs_f64(median(times.iter().map(Duration::as_secs_f64)))
    };
    let mut figures = vec![
        figure("joining, to MLS", join, bare_join),
        figure("another's commit, to MLS", middle(&received), middle(&bare_received)),
        figure("an own commit, made and merged, to MLS", commit, bare_commit),
    ];
    figures.extend(costs.figures(&format!("{members} members")));
    Ok(figures)
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed())
}
