//! One direction between two nodes.

use std::time::Duration;

use tokio::time::Instant;

use crate::dice::Dice;

/// What a link does to datagrams. Chances are per thousand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quality {
    /// Nothing passes.
    pub cut: bool,
    /// How long a datagram travels at least.
    pub delay: Duration,
    /// By how much more it may travel, at most.
    pub jitter: Duration,
    /// Datagrams lost.
    pub loss: u64,
    /// Datagrams that arrive twice.
    pub duplication: u64,
    /// Datagrams that those behind them may overtake.
    pub reordering: u64,
    /// Bytes per second.
    pub bandwidth: u64,
}

impl Default for Quality {
    /// A good line.
    fn default() -> Self {
        Self {
            cut: false,
            delay: Duration::from_millis(5),
            jitter: Duration::ZERO,
            loss: 0,
            duplication: 0,
            reordering: 0,
            bandwidth: 100_000_000,
        }
    }
}

/// One queue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    /// What it does.
    pub quality: Quality,
    /// When the last byte that was sent leaves the sender.
    busy_until: Option<Instant>,
    /// Nothing that keeps its place arrives before this.
    last_arrival: Option<Instant>,
}

/// What happens to one datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It never arrives.
    Lost,
    /// It arrives then.
    Arrives(Instant),
    /// It arrives then, and once more later.
    Twice(Instant, Instant),
}

impl Fate {
    /// When it arrives, each time.
    pub fn arrivals(self) -> impl Iterator<Item = Instant> {
        let (first, second) = match self {
            Self::Lost => (None, None),
            Self::Arrives(at) => (Some(at), None),
            Self::Twice(at, again) => (Some(at), Some(again)),
        };
        first.into_iter().chain(second)
    }
}

/// A queue longer than this drops what comes, as routers do.
const QUEUE: Duration = Duration::from_secs(3);

impl Link {
    /// Sends a datagram.
    pub fn pass(&mut self, now: Instant, bytes: usize, dice: &mut Dice) -> Fate {
        let Quality { cut, delay, jitter, loss, duplication, reordering, bandwidth } = self.quality;
        if cut || (loss > 0 && dice.chance(loss)) {
            return Fate::Lost;
        }
        let free = self.busy_until.map_or(now, |busy| busy.max(now));
        if free.duration_since(now) > QUEUE {
            return Fate::Lost;
        }
        let nanos = bytes as u64 * 1_000_000_000 / bandwidth.max(1);
        let left = free + Duration::from_nanos(nanos);
        self.busy_until = Some(left);
        let on_the_way = |dice: &mut Dice| {
            let jitter = u64::try_from(jitter.as_millis()).unwrap_or(u64::MAX);
            delay + if jitter == 0 { Duration::ZERO } else { dice.millis(0..jitter) }
        };
        let mut arrives = left + on_the_way(dice);
        if reordering == 0 || !dice.chance(reordering) {
            arrives = self.last_arrival.map_or(arrives, |last| last.max(arrives));
            self.last_arrival = Some(arrives);
        }
        if duplication > 0 && dice.chance(duplication) {
            return Fate::Twice(arrives, arrives + on_the_way(dice));
        }
        Fate::Arrives(arrives)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(quality: Quality) -> (Link, Instant, Dice) {
        (Link { quality, ..Link::default() }, Instant::now(), Dice::new(1))
    }

    #[test]
    fn a_queue_keeps_its_order() {
        let jitter = Duration::from_millis(50);
        let (mut link, now, mut dice) = link(Quality { jitter, ..Quality::default() });
        let mut last = now;
        for _ in 0..100 {
            let Fate::Arrives(at) = link.pass(now, 1000, &mut dice) else { panic!("it was lost") };
            assert!(at >= last);
            last = at;
        }
    }

    #[test]
    fn a_cut_link_loses_all_and_a_bad_one_some() {
        let (mut cut, now, mut dice) = link(Quality { cut: true, ..Quality::default() });
        assert_eq!(cut.pass(now, 10, &mut dice), Fate::Lost);
        let (mut bad, now, mut dice) = link(Quality { loss: 500, ..Quality::default() });
        let lost = (0..100).filter(|_| bad.pass(now, 10, &mut dice) == Fate::Lost).count();
        assert!((20..80).contains(&lost));
    }

    #[test]
    fn bandwidth_delays() {
        let (mut slow, now, mut dice) = link(Quality { bandwidth: 1000, ..Quality::default() });
        let Fate::Arrives(at) = slow.pass(now, 500, &mut dice) else { panic!("it was lost") };
        assert_eq!(at.duration_since(now), Duration::from_millis(505));
    }

    #[test]
    fn duplicates_arrive_later() {
        let (mut link, now, mut dice) = link(Quality { duplication: 1000, ..Quality::default() });
        let fate = link.pass(now, 10, &mut dice);
        assert_eq!(fate.arrivals().count(), 2);
    }
}
