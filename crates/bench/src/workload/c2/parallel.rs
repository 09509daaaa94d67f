//! Members who have nothing to do with one another work side by side, as they do on their own machines.

use anyhow::{Result, anyhow};

/// Does something with each, on all cores; what came of each, in order.
pub(super) fn each<T: Send, R: Send>(
    all: Vec<T>,
    work: impl Fn(T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = all.len().div_ceil(threads).max(1);
    let mut all = all.into_iter();
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        loop {
            let some: Vec<T> = all.by_ref().take(share).collect();
            if some.is_empty() {
                break;
            }
            let work = &work;
            running
                .push(scope.spawn(move || some.into_iter().map(work).collect::<Result<Vec<R>>>()));
        }
        let mut done = Vec::new();
        for thread in running {
            done.extend(thread.join().map_err(|_| anyhow!("a thread has panicked"))??);
        }
        Ok(done)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_each_is_in_order() {
        for count in [0, 1, 2, 7] {
            let all: Vec<u32> = (0..count).collect();
            let doubled: Vec<u32> = all.iter().map(|number| number * 2).collect();
            assert_eq!(each(all, |number| Ok(number * 2)).unwrap(), doubled);
        }
    }

    #[test]
    fn one_failure_is_the_whole_ones() {
        let all: Vec<u32> = (0..9).collect();
        let failing = |number| if number == 5 { Err(anyhow!("five")) } else { Ok(()) };
        assert!(each(all, failing).is_err());
    }
}
