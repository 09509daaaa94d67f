//! `enlace demo`: a short case between two authorities on this machine, with nothing pretended.
//!
//! Relays are processes, connections are QUIC, stores are encrypted databases. [`case`] plays it
//! and [`checks`] holds what must be true of it; [`report`] says so to people or programs.

mod case;
mod checks;
mod forgery;
mod intruders;
mod latency;
mod officer;
mod openssl;
mod report;
mod script;
mod sealed;
mod words;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use self::case::Case;
use self::checks::{Check, Checks};
use self::report::Report;
use self::words::Words;
use crate::failure::{Explain as _, Failure};
use crate::training::{Program, TrainingNetwork};
use crate::ui::Ui;

/// The end of what still runs when the demonstration is interrupted.
const FAREWELL: Duration = Duration::from_secs(1);

/// What the demonstration is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where to leave the training network; nowhere if not given.
    pub(crate) dir: Option<PathBuf>,
    /// How many notes to measure.
    pub(crate) notes: usize,
}

/// Plays, and reports. Fails if a check does.
pub(crate) fn run(options: &Options, ui: &Ui) -> Result<(), Failure> {
    let began = Instant::now();
    let temporary = match options.dir {
        Some(_) => None,
        None => {
            let made = tempfile::Builder::new().prefix("enlace-demo-").tempdir();
            Some(made.context(|| "no temporary directory can be made".to_owned())?)
        }
    };
    let dir = match (&options.dir, &temporary) {
        (Some(dir), _) => dir.clone(),
        (None, Some(temporary)) => temporary.path().join("network"),
        (None, None) => return Err(Failure::new("there is no directory to work in")),
    };
    let words = Words::of(ui.language());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let played = runtime.block_on(async {
        tokio::select! {
            played = play(dir, options.notes, words, ui) => played,
            _ = tokio::signal::ctrl_c() => Err(Failure::new("interrupted")),
        }
    });
    runtime.shutdown_timeout(FAREWELL);
    let (checks, latency, network) = played?;
    let kept = options.dir.is_some().then_some(&network);
    let report = Report::new(words, &checks, latency, began.elapsed(), kept);
    ui.report(&report)?;
    checks.verdict()
}

type Played = (Checks, Option<latency::Latency>, TrainingNetwork);

async fn play(
    dir: PathBuf,
    notes: usize,
    words: &'static Words,
    ui: &Ui,
) -> Result<Played, Failure> {
    ui.note(words.setting_up);
    let network = off_thread(move || TrainingNetwork::create(&dir, &Program::this()?)).await?;
    let mut checks = Checks::default();
    let mut latency = None;
    let stage = case::Stage { network: &network, words, ui };
    if let Err(failure) = act(stage, notes, &mut checks, &mut latency).await {
        checks.stop(&failure);
    }
    Ok((checks, latency, network))
}

/// The acts, in order; each check is entered when it is decided.
async fn act(
    stage: case::Stage<'_>,
    notes: usize,
    checks: &mut Checks,
    latency: &mut Option<latency::Latency>,
) -> Result<(), Failure> {
    let mut case = Case::open(stage).await?;
    checks.enter(Check::DeliveredBothWays, case.write_both_ways().await?);
    checks.enter(Check::SecondDeviceReads, case.add_a_device().await?);
    checks.enter(Check::SurvivedRelayStop, case.stop_a_relay().await?);
    checks.enter(Check::IntruderRefused, case.admit_no_intruder().await?);
    *latency = Some(case.measure(notes).await?);
    checks.enter(Check::RevokedOfficerCut, case.revoke().await?);
    checks.enter(Check::RevokedDeviceRemoved, case.take_out_the_revoked().await?);
    checks.enter(Check::RecordInSameOrder, case.compare_records().await?);
    checks.enter(Check::CaseClosed, case.close().await?);
    let secrets = case.secrets();
    case.end().await?;
    checks.enter(Check::RelayHoldsNoPlaintext, sealed::check(stage, &secrets)?);
    checks.enter(Check::OpensslVerifiesCertificates, openssl::check(stage)?);
    Ok(())
}

/// Runs what blocks where it holds nobody up.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let panicked = |_| Err(Failure::new("a step of the demonstration panicked"));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(panicked)
}
