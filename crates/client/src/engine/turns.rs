//! Who of a channel goes first, where any member may do what has to be done once. All of them hear of it
//! at about the same time, and each works out the same order; so no two have the same turn, and of a
//! thousand as few start before they can have heard of the first one's act as of ten. Whoever is not
//! there is passed over by waiting.

use std::time::Duration;

use enlace_identity::canonical::sha256;
use enlace_identity::names::DeviceName;

/// From one turn to the next. To ask for the lease, to commit and to be heard takes about two of them in
/// a large channel.
const STEP: Duration = Duration::from_millis(500);

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
    let others = devices.into_iter().filter(|device| *device != me).filter_map(place);
    let before = others.filter(|other| *other < own).count();
    own.0 + STEP * u32::try_from(before).unwrap_or(u32::MAX)
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
