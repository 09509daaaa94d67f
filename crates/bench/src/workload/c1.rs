//! C1, the client: what its engine does on an SQLCipher file, beside the parts by themselves. No
//! relay and no network: items come from this process.

mod entries;
mod members;
mod starting;

use anyhow::{Context as _, Result};

use self::entries::Costs;
use super::{Plan, Workload};
use crate::case::{BareMember, BareStore, Case, Newcomer, Profile};
use crate::report::{Figure, Target};

pub(super) const WORKLOAD: Workload = Workload {
    name: NAME,
    what: "client: catching up, writing, starting; joining and committing among 10 to 1,000",
    run,
};

const NAME: &str = "C1";
/// Of the channel that is caught up with.
const MEMBERS: usize = 8;
/// Entries that one batch of a relay holds at most.
const BATCH: u64 = 256;
/// How much more a received entry may cost than its parts.
const TARGET: Target = Target::RatioAtMost(2.0);
/// How much longer a start may take with a long log.
const FLAT: Target = Target::RatioAtMost(1.2);

fn run(plan: &Plan) -> Result<Vec<Figure>> {
    std::fs::create_dir_all(&plan.dir)?;
    let mut figures = catching_up(plan)?;
    let counts: &[usize] = plan.pick(&[10, 100, 1_000], &[10, 100, 1_000], &[4]);
    for members in counts {
        figures.extend(members::measure(plan, *members)?);
    }
    Ok(figures)
}

fn catching_up(plan: &Plan) -> Result<Vec<Figure>> {
    let dir = tempfile::tempdir_in(&plan.dir).context("no directory can be made")?;
    let mut case = Case::open()?;
    let mut reader = Profile::new(&case.network, dir.path()).start()?;
    let mut bare = BareMember::new(&case.network, "bare")?;
    let mut bare_store = BareStore::create(dir.path())?;
    let mut admissions = vec![reader.admission()?, bare.admission()?];
    let mut newcomers = Vec::new();
    while admissions.len() + 1 < MEMBERS {
        let newcomer = Newcomer::new(&case.network, &format!("o{}", admissions.len()), &case.hub)?;
        admissions.push(newcomer.admission()?);
        newcomers.push(newcomer);
    }
    let (seq, request) = case.admit(admissions)?;
    let offer = case.hub.offer(seq, &request)?;
    reader.join(case.hub.welcome(seq, &request))?;
    bare.join(&request)?;
    let join = |newcomer: Newcomer| newcomer.join(&offer);
    let mut authors = newcomers.into_iter().map(join).collect::<Result<Vec<_>>>()?;

    let short = plan.pick(BATCH, BATCH, 8);
    let mut of_short = Costs::default();
    let notes = case.write(&mut authors, short)?;
    of_short.measure(&case.hub, &notes, &mut reader, &mut bare, &mut bare_store)?;
    let repeats = plan.pick(11, 7, 1);
    let (after_short, mut reader) = starting::measure(reader, repeats)?;

    let long = plan.pick(10_000, 3_000, 16);
    let mut costs = Costs::default();
    let notes = case.write(&mut authors, long)?;
    costs.measure(&case.hub, &notes, &mut reader, &mut bare, &mut bare_store)?;
    let (after_long, mut reader) = starting::measure(reader, repeats)?;

    let mut figures = costs.figures("catching up");
    let notes = plan.pick(200, 100, 4);
    figures.push(entries::writing(&mut case.hub, &mut reader, &mut bare, &mut bare_store, notes)?);
    figures.extend(starting::figures(after_short, after_long, (short, short + long)));
    Ok(figures)
}
