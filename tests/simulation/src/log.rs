//! What the programs log in a run: lines for people, and text that is searched for secrets.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, Registry};

use crate::trace::{Topic, Trace};

/// All that the programs of this workspace say, and what goes wrong beneath them.
const SAID: &str =
    "warn,enlace_relay=debug,enlace_client=debug,enlace_transport=debug,enlace_channel=debug";

/// Collects what this thread's programs log, for as long as it lives.
pub struct Log {
    text: Arc<Mutex<String>>,
    _guard: DefaultGuard,
}

impl Log {
    /// Collects from now on.
    #[must_use]
    pub fn collect(trace: &Trace) -> Self {
        let text = Arc::<Mutex<String>>::default();
        let collector =
            Collector { text: text.clone(), trace: trace.clone(), began: Instant::now() };
        let subscriber = Registry::default().with(collector.with_filter(EnvFilter::new(SAID)));
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Collector {
    text: Arc<Mutex<String>>,
    trace: Trace,
    began: Instant,
}

impl<S: Subscriber> Layer<S> for Collector {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Line(format!("{} {}:", metadata.level(), metadata.target()));
        event.record(&mut line);
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&line.0);
        text.push('\n');
        drop(text);
        self.trace.line(self.began.elapsed(), Topic::Logged, "", line.0);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
