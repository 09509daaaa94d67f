//! What the demonstration comes to, for people and for programs.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::checks::{Check, Checks};
use super::latency::Latency;
use super::words::{Words, fill};
use crate::training::TrainingNetwork;

/// The one object that `--json` prints; shown, the last screen.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    checks: Vec<Line>,
    post_to_arrival_ms: Option<Latency>,
    seconds: f64,
    /// Where the training network is left, if it is.
    dir: Option<PathBuf>,
    #[serde(skip)]
    words: &'static Words,
    #[serde(skip)]
    relays: Vec<PathBuf>,
    #[serde(skip)]
    profiles: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip)]
    check: Check,
}

impl Report {
    /// `kept` is the network if it stays.
    pub(super) fn new(
        words: &'static Words,
        checks: &Checks,
        latency: Option<Latency>,
        took: Duration,
        kept: Option<&TrainingNetwork>,
    ) -> Self {
        let line = |(check, finding): (Check, super::checks::Finding)| Line {
            name: check.name(),
            ok: finding.ok,
            detail: finding.detail,
            check,
        };
        let from_here = |path: &std::path::Path, network: &TrainingNetwork| {
            path.strip_prefix(network.dir()).unwrap_or(path).to_owned()
        };
        let relays = kept.map_or_else(Vec::new, |network| {
            let dirs = network.authorities().iter().map(|authority| authority.relay_dir());
            dirs.map(|dir| from_here(dir, network)).collect()
        });
        let profiles = kept.map_or_else(Vec::new, |network| {
            let dirs = network.officers().iter().map(|officer| officer.profile_dir());
            dirs.map(|dir| from_here(dir, network)).collect()
        });
        Self {
            checks: checks.findings().map(line).collect(),
            post_to_arrival_ms: latency,
            seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
            dir: kept.map(|network| network.dir().to_owned()),
            words,
            relays,
            profiles,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.words;
        writeln!(f)?;
        let width = words.yes.chars().count().max(words.no.chars().count());
        for Line { ok, detail, check, name } in &self.checks {
            let word = if *ok { words.yes } else { words.no };
            writeln!(f, "  {word:<width$}  {}", words.check(*check))?;
            if let Some(detail) = detail {
                writeln!(f, "  {:<width$}  {name}: {detail}", "")?;
            }
        }
        writeln!(f)?;
        if let Some(Latency { p50, p99, notes }) = &self.post_to_arrival_ms {
            writeln!(f, "{}", fill(words.latency, &[notes, p50, p99]))?;
        }
        writeln!(f, "{}\n", fill(words.took, &[&self.seconds]))?;
        match &self.dir {
            None => write!(f, "{}", words.try_with_dir),
            Some(dir) => self.how_to_go_on(f, dir),
        }
    }
}

impl Report {
    fn how_to_go_on(&self, f: &mut fmt::Formatter<'_>, dir: &std::path::Path) -> fmt::Result {
        let words = self.words;
        writeln!(f, "{}", fill(words.left_in, &[&dir.display()]))?;
        writeln!(f, "\n  {}", words.start_relays)?;
        for relay in &self.relays {
            writeln!(f, "    enlace relay run --config {}/relay.toml", relay.display())?;
        }
        writeln!(f, "\n  {}", words.then_as)?;
        for profile in &self.profiles {
            let profile = profile.display();
            writeln!(
                f,
                "    enlace channel list --profile {profile} --passphrase-file passphrase"
            )?;
        }
        Ok(())
    }
}
