//! How long the program takes to start, after a short log and after a long one.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{FLAT, NAME};
use crate::case::Reader;
use crate::report::Figure;
use crate::statistics::{Samples, milliseconds};

/// The middle of several starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    opening: Duration,
    rest: Duration,
}

/// Ends the program and starts it, several times.
pub(super) fn measure(mut reader: Reader, repeats: usize) -> Result<(Start, Reader)> {
    let (mut opening, mut rest) = (Vec::new(), Vec::new());
    for _ in 0..repeats {
        let profile = reader.end();
        let started = Instant::now();
        let store = profile.open()?;
        opening.push(started.elapsed());
        let started = Instant::now();
        reader = profile.start_on(store)?;
        rest.push(started.elapsed());
    }
    let middle = |times| Samples::new(times).percentile(50.0);
    Ok((Start { opening: middle(opening), rest: middle(rest) }, reader))
}

/// Of the starts after a short log and a long one of so many entries.
pub(super) fn figures(short: Start, long: Start, entries: (u64, u64)) -> Vec<Figure> {
    let figure = |name: &str, of: fn(Start) -> Duration| {
        let name = format!("starting, {name}: {} entries, to {}", entries.1, entries.0);
        Figure::new(NAME, name, milliseconds(of(long)), "ms").against(milliseconds(of(short)))
    };
    vec![
        figure("the whole", |start| start.opening + start.rest).target(FLAT),
        figure("once the file is open", |start| start.rest).target(FLAT),
    ]
}
