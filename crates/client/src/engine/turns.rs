//! Who of a channel goes first, where any member may do what has to be done once. All of them hear of it
//! at about the same time, and each works out the same order; so no two have the same turn, and of a
//! thousand as few start before they can have heard of the first one's act as of ten. Whoever is not
//! there is passed over by waiting; who is there alone has not to wait for a thousand others.

use std::time::Duration;

use enlace_identity::canonical::sha256;
use enlace_identity::names::DeviceName;

/// From one turn to the next. To ask for the lease, to commit and to be heard takes about two of them in
/// a large channel.
const STEP: Duration = Duration::from_millis(500);

/// So many of one rank are a whole step apart in any case.
const FIRST: u32 = 20;

/// All others of a rank follow within this time.
const OTHERS: Duration = Duration::from_secs(50);

/// How long `me` waits: `rank` says by how much those go later who are to defer to others (`None`: who
/// does not come into question), and a hash of both names orders those of one rank.
pub(super) fn turn<'a>(
    me: &DeviceName,
    about: impl AsRef<[u8]>,
    devices: impl IntoIterator<Item = &'a DeviceName>,
    rank: impl Fn(&DeviceName) -> Option<Duration>,
) -> Duration {
    let about = about.as_ref();
    let place = |device: &DeviceName| {
        let order = sha256(&[device.as_str().as_bytes(), b"\n", about].concat());
        Some((rank(device)?, order))
    };
    let Some(own) = place(me) else { return Duration::ZERO };
    let (mut earlier, mut before, mut after) = (0_u32, 0_u32, 0_u32);
    for other in devices.into_iter().filter(|device| *device != me).filter_map(place) {
        match other {
            _ if other.0 < own.0 => earlier += 1,
            _ if other.0 > own.0 => {}
            _ if other < own => before += 1,
            _ => after += 1,
        }
    }
    own.0 + STEP * earlier.min(FIRST) + spread(before, before + 1 + after)
}

/// How long the one at a place waits, of so many of its rank.
fn spread(place: u32, of: u32) -> Duration {
    match place.checked_sub(FIRST) {
        None => STEP * place,
        Some(behind) => STEP * FIRST + STEP.min(OTHERS / (of - FIRST)) * behind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(count: usize) -> Vec<DeviceName> {
        (0..count).map(|n| format!("pc.o{n}.officer.fge.example").parse().unwrap()).collect()
    }

    #[test]
    fn no_two_have_the_same_turn_and_each_event_has_another_order() {
        let devices = devices(100);
        let turns = |about: &str| -> Vec<Duration> {
            devices.iter().map(|me| turn(me, about, &devices, |_| Some(Duration::ZERO))).collect()
        };
        let (one, other) = (turns("one"), turns("other"));
        assert_ne!(one, other);
        for mut turns in [one, other] {
            turns.sort();
            let expected: Vec<Duration> = (0..100).map(|place| STEP * place).collect();
            assert_eq!(turns, expected);
        }
    }

    #[test]
    fn of_a_thousand_the_last_waits_a_minute() {
        let waits: Vec<Duration> = (0..1_000).map(|place| spread(place, 1_000)).collect();
        let first: Vec<Duration> = (0..=20).map(|place| STEP * place).collect();
        assert_eq!(waits[..21], first);
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(waits[999] <= Duration::from_secs(60));
    }

    #[test]
    fn whoever_defers_goes_later_and_whoever_is_out_of_question_keeps_nobody_waiting() {
        let (devices, late) = (devices(10), Duration::from_secs(6));
        let rank = |device: &DeviceName| match device.as_str().as_bytes()[4] {
            b'0'..=b'2' => Some(Duration::ZERO),
            b'3' | b'4' => None,
            _ => Some(late),
        };
        let mut turns: Vec<Duration> = devices
            .iter()
            .filter(|device| rank(device).is_some())
            .map(|me| turn(me, "", &devices, rank))
            .collect();
        turns.sort();
        let first = (0..3).map(|place| STEP * place);
        let then = (3..8).map(|place| late + STEP * place);
        assert_eq!(turns, first.chain(then).collect::<Vec<_>>());
    }
}
