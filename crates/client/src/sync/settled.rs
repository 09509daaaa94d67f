//! Whether a bounded sync has everything: the protocol has no word for it, so it is asked.
//!
//! Of each channel the relay is asked for what comes after the stored position; an empty answer
//! means that all of it is here. Welcomes come unasked when the subscription opens: a short quiet
//! time stands for "there are no more".

use std::collections::HashSet;
use std::time::Duration;

use enlace_log::ChannelId;
use tokio::time::Instant;

const QUIET: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(super) struct Settled {
    caught_up: HashSet<ChannelId>,
    last_came: Instant,
    open_questions: usize,
}

impl Default for Settled {
    fn default() -> Self {
        Self { caught_up: HashSet::new(), last_came: Instant::now(), open_questions: 0 }
    }
}

impl Settled {
    pub(super) fn something_came(&mut self) {
        self.last_came = Instant::now();
    }

    /// A call was made whose answer may bring more.
    pub(super) fn asked(&mut self) {
        self.open_questions += 1;
    }

    pub(super) fn answered(&mut self) {
        self.open_questions = self.open_questions.saturating_sub(1);
    }

    pub(super) fn set_caught_up(&mut self, channel: ChannelId, caught_up: bool) {
        if caught_up {
            self.caught_up.insert(channel);
        } else {
            self.caught_up.remove(&channel);
        }
    }

    pub(super) fn is_caught_up(&self, followed: &HashSet<ChannelId>) -> bool {
        self.open_questions == 0 && followed.is_subset(&self.caught_up)
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.last_came.elapsed() >= QUIET
    }
}
