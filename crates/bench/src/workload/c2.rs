//! C2, the forum's members: so many real MLS members in one process, each with its own channel, and
//! what each of them has to do when others come and go, when a guide publishes and when keys are
//! renewed. No relay and no network.

mod members;
mod parallel;

use anyhow::Result;
use enlace_channel::mls::Suite;

use self::members::{Forum, Round};
use super::{Plan, Workload};
use crate::report::{Figure, Target};
use crate::statistics::{Samples, milliseconds};

pub(super) const WORKLOAD: Workload = Workload {
    name: NAME,
    what: "forum's members: 1,000 real MLS members, batches, a note and changes to all of them",
    run,
};

const NAME: &str = "C2";
/// Members of the hybrid suite: what a thousand of them hold is more than the memory of most machines.
const HYBRID: usize = 250;
/// How much more a member may do for a note, and for a change, than MLS alone.
const TARGET: Target = Target::RatioAtMost(2.0);

fn run(plan: &Plan) -> Result<Vec<Figure>> {
    std::fs::create_dir_all(&plan.dir)?;
    let classic = plan.pick(1_000, 200, 6);
    let hybrid = plan.pick(HYBRID, 50, 4);
    let mut figures = measure(plan, "classic", Suite::Classic, classic)?;
    figures.extend(measure(plan, "hybrid", Suite::PostQuantum, hybrid)?);
    Ok(figures)
}

fn measure(plan: &Plan, name: &str, suite: Suite, members: usize) -> Result<Vec<Figure>> {
    let what = format!("{name}, {members} members");
    let mut figures = Vec::new();
    let mut forum = Forum::open(suite)?;
    let mut last = None;
    while forum.members() < members {
        let at_once = members - forum.members();
        last = Some(forum.admit(at_once.min(plan.pick(125, 60, 3)), at_once)?);
        let memory = crate::memory::of(std::process::id())? as f64 / 1e6;
        say(&format!("{} of {what} are in, {memory:.0} MB", forum.members()));
    }
    if let Some(batch) = &last {
        let title = format!("{what}: the last batch of {}", batch.admitted);
        let figure =
            |name: &str, value, unit| Figure::new(NAME, format!("{title}: {name}"), value, unit);
        figures.extend([
            figure("made by the lead", milliseconds(batch.making), "ms"),
            figure("change", batch.commit_bytes as f64 / 1e3, "kB"),
            figure("welcome, to each", batch.welcome_bytes as f64 / 1e3, "kB"),
        ]);
        figures.extend(spread(&format!("{title}: joining"), &batch.joining, None));
        figures.extend(spread(&format!("{title}: taken in by those before"), &batch.round, None));
    }
    let rounds = plan.pick(5, 3, 1);
    let notes = forum.repeat(rounds, Forum::publish)?;
    say(&format!("{what}: {rounds} notes are read"));
    figures.extend(spread(&format!("{what}: a note of a guide"), &notes, Some(TARGET)));
    figures.push(bytes(&format!("{what}: a note of a guide"), &notes));
    let renewals = forum.repeat(plan.pick(2, 2, 1), Forum::renew)?;
    say(&format!("{what}: keys are renewed"));
    figures.extend(spread(&format!("{what}: another's renewed keys"), &renewals, Some(TARGET)));
    figures.push(bytes(&format!("{what}: another's renewed keys"), &renewals));
    let removal = forum.repeat(1, Forum::remove_one)?;
    figures.extend(spread(&format!("{what}: one removed"), &removal, Some(TARGET)));
    figures.push(bytes(&format!("{what}: one removed"), &removal));
    let memory = crate::memory::of(std::process::id())? as f64 / 1e6 / forum.members() as f64;
    figures.push(Figure::new(NAME, format!("{what}: memory of a member"), memory, "MB"));
    let most = forum.stored().into_iter().max().unwrap_or_default() as f64 / 1e6;
    figures.push(Figure::new(NAME, format!("{what}: stored by a member, most"), most, "MB"));
    let file = plan.dir.join(format!("c2-{name}.csv"));
    std::fs::write(&file, forum.table())?;
    eprintln!("what each of {members} members did: {}", file.display());
    Ok(figures)
}

/// What the members did, CPU time each: the middle one, the ninety-ninth of a hundred, the most, and
/// all together.
fn spread(what: &str, round: &Round, target: Option<Target>) -> Vec<Figure> {
    let all = round.each.iter().sum();
    let samples = Samples::new(round.each.clone());
    let figure = |name: &str, value| {
        let figure = Figure::new(NAME, format!("{what}, {name}"), milliseconds(value), "ms");
        match round.bare {
            Some(bare) => figure.against(milliseconds(bare)),
            None => figure,
        }
    };
    let middle = figure("CPU of a member, p50", samples.percentile(50.0));
    vec![
        match target {
            Some(target) if round.bare.is_some() => middle.target(target),
            _ => middle,
        },
        figure("p99", samples.percentile(99.0)),
        figure("most", samples.percentile(100.0)),
        Figure::new(NAME, format!("{what}, all together"), milliseconds(all) / 1e3, "s"),
    ]
}

/// What has been done so far: the whole takes minutes.
fn say(what: &str) {
    eprintln!("{NAME}: {what}");
}

fn bytes(what: &str, round: &Round) -> Figure {
    Figure::new(NAME, format!("{what}, to each"), round.bytes as f64, "B")
}
