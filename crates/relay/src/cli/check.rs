//! `enlace-relay check`

use std::process::ExitCode;
use std::sync::Arc;

use enlace_transport::SystemClock;
use serde::Serialize;

use super::{ConfigArgument, output};
use crate::config::{Material, Problem};

/// What `check` takes.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    relay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    problems: Vec<Problem>,
}

pub(super) fn run(arguments: &CheckArguments) -> ExitCode {
    let report = report(arguments);
    if arguments.json {
        match serde_json::to_string(&report) {
            Ok(json) => output::line(json),
            Err(error) => return output::failed(&error.into()),
        }
    } else {
        output::problems(&report.problems);
        if report.ok {
            output::line(format!(
                "{} of the network {} is ready to run.",
                report.relay.as_deref().unwrap_or_default(),
                report.network.as_deref().unwrap_or_default()
            ));
        }
    }
    if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(arguments: &CheckArguments) -> Report {
    let settings = match super::settings(&arguments.config.config) {
        Ok(settings) => settings,
        Err(problem) => {
            return Report { ok: false, relay: None, network: None, problems: vec![problem] };
        }
    };
    let (material, problems) = Material::load(&settings, Arc::new(SystemClock));
    Report {
        ok: material.is_some() && !problems.iter().any(Problem::is_error),
        relay: Some(settings.name.to_string()),
        network: material.map(|material| material.trust.bundle().network().to_owned()),
        problems,
    }
}
