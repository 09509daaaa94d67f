//! `enlace-relay run`

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use enlace_transport::SystemClock;
use tracing::info;
use tracing_subscriber::EnvFilter;

use super::{ConfigArgument, output};
use crate::config::{LogFormat, LogSettings, Material, Settings};
use crate::server::Server;

/// What `run` takes.
#[derive(Debug, clap::Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub(super) fn run(arguments: &RunArguments) -> ExitCode {
    let settings = match super::settings(&arguments.config.config) {
        Ok(settings) => settings,
        Err(problem) => {
            output::problems(&[problem]);
            return ExitCode::FAILURE;
        }
    };
    start_log(settings.log);
    let (material, problems) = Material::load(&settings, Arc::new(SystemClock));
    let Some(material) = material else {
        output::problems(&problems);
        return ExitCode::FAILURE;
    };
    for problem in &problems {
        problem.log();
    }
    match serve(settings, material) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::failed(&error),
    }
}

fn serve(settings: Settings, material: Material) -> anyhow::Result<()> {
    // One thread for all connections: passing their packets between threads costs more than it
    // gains. Storage has threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    runtime.block_on(async {
        let server = Server::start(settings, material).await?;
        info!(address = %server.local_addr(), "serving");
        // For whoever starts the relay and waits for it.
        output::line(format_args!("listening on {}", server.local_addr()));
        let outcome = tokio::select! {
            biased;
            asked = stop_signal(&server) => asked,
            () = server.failed() => Err(anyhow!("the relay accepts nothing any more")),
        };
        info!("stopping");
        server.stop().await;
        info!("stopped");
        outcome
    })
}

/// Returns when the relay is asked to stop; SIGHUP on the way reads the revocation lists again.
#[cfg(unix)]
async fn stop_signal(server: &Server) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be awaited")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be awaited")?;
    let mut hang_up = signal(SignalKind::hangup()).context("SIGHUP cannot be awaited")?;
    loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => server.reload_crls(),
        }
    }
}

#[cfg(not(unix))]
async fn stop_signal(_: &Server) -> anyhow::Result<()> {
    tokio::signal::ctrl_c().await.context("Ctrl-C cannot be awaited")
}

fn start_log(settings: LogSettings) {
    // Libraries below speak up only when something is wrong.
    let level = settings.level;
    let filter = EnvFilter::new(format!("warn,enlace_relay={level},enlace_transport={level}"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // A process that has a log already, as `enlace demo` may, keeps it.
    let _ = match settings.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}
