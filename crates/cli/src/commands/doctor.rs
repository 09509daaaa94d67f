//! `enlace doctor`

use std::fmt;

use enlace_client::client::{Finding, Level};
use serde::Serialize;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, block_on, shown};
use crate::ui::Ui;
use crate::words::Text;

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    profile: ProfileArguments,
}

#[derive(Debug, Serialize)]
struct Diagnosis {
    /// Whether nothing is wrong; warnings don't count.
    ok: bool,
    findings: Vec<Found>,
    #[serde(skip)]
    verdict: Option<String>,
}

#[derive(Debug, Serialize)]
struct Found {
    /// `ok`, `warning` or `problem`.
    level: String,
    /// A stable name, such as `udp-no-answer`.
    code: &'static str,
    message: String,
    hint: Option<&'static str>,
    #[serde(skip)]
    words: String,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let mut findings = block_on(async { client.doctor().await.explained(ui) })?;
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let problems = findings.iter().filter(|finding| finding.level == Level::Problem).count();
    let ok = problems == 0;
    ui.report(&Diagnosis {
        ok,
        findings: findings.iter().map(|finding| found(finding, ui)).collect(),
        verdict: ok.then(|| ui.say(Text::AllWell)),
    })?;
    if ok { Ok(()) } else { Err(Failure::new(ui.say(Text::Problems { count: problems }))) }
}

fn found(finding: &Finding, ui: &Ui) -> Found {
    Found {
        level: finding.level.to_string(),
        code: finding.code,
        message: finding.message.clone(),
        hint: finding.hint,
        words: ui.say(Text::Level(finding.level)),
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Found { words, message, hint, .. } in &self.findings {
            writeln!(f, "{words:<9}  {}", shown(message))?;
            if let Some(hint) = hint {
                writeln!(f, "{:<9}  → {hint}", "")?;
            }
        }
        self.verdict.iter().try_for_each(|verdict| writeln!(f, "{verdict}"))
    }
}
