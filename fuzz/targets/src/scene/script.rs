//! Changes to bytes, as an input tells them: how a target gets past what no fuzzer guesses.

/// Applies steps of four bytes each: what to do, where (16 bits), and with what. Positions count
/// round the end.
#[must_use]
pub fn alter(genuine: &[u8], script: &[u8]) -> Vec<u8> {
    let mut bytes = genuine.to_vec();
    for step in script.chunks_exact(4) {
        let at = usize::from(u16::from_be_bytes([step[1], step[2]]));
        let at = at.checked_rem(bytes.len()).unwrap_or_default();
        let (count, value) = (usize::from(step[3]), step[3]);
        match step[0] % 5 {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= value),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, value),
            3 => drop(bytes.drain(at..(at + count).min(bytes.len()))),
            _ => {
                let again = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::alter;

    #[test]
    fn each_step_does_its_work() {
        assert_eq!(alter(b"abc", &[]), b"abc");
        assert_eq!(alter(b"abc", &[0, 0, 1, 1]), b"acc");
        assert_eq!(alter(b"abc", &[1, 0, 1, 0]), b"a");
        assert_eq!(alter(b"abc", &[2, 0, 1, b'x']), b"axbc");
        assert_eq!(alter(b"abc", &[3, 0, 1, 9]), b"a");
        assert_eq!(alter(b"abc", &[4, 0, 1, 2]), b"abcbc");
        assert_eq!(alter(b"", &[2, 0, 7, b'x', 0, 0, 0, 1]), b"y");
    }
}
