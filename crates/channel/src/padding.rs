//! Padding of plaintexts, so that a ciphertext's length tells little about what was said.
//!
//! A padded plaintext has one of these lengths, its *bucket*: 576, 1024, 2048 and so on in powers
//! of two up to 64 KiB, then multiples of 64 KiB.

/// The smallest bucket, in bytes: what goes in one datagram with everything that stands round it,
/// from its author to the hub and from there to a member. A note of 200 characters fits in.
pub const SMALLEST: usize = 576;

/// From here on buckets grow by this many bytes instead of doubling.
pub const STEP: usize = 64 << 10;

/// The smallest bucket that holds `length` bytes.
///
/// # Panics
/// When `length` lies within 64 KiB of the end of the address space.
#[must_use]
pub fn bucket(length: usize) -> usize {
    if length <= SMALLEST {
        SMALLEST
    } else if length <= STEP {
        length.next_power_of_two()
    } else {
        length.div_ceil(STEP).checked_mul(STEP).expect("no message fills the address space")
    }
}

/// How many bytes a protobuf `bytes` field with a one-byte tag must hold, so that a message of
/// `length` bytes without the field has a bucket's length with it. 0 means: leave the field out.
///
/// A few lengths cannot be met exactly, because the field's own length takes one byte more from
/// 128 on, and so forth; such a message goes into the next bucket.
#[must_use]
pub(crate) fn padding_field(length: usize) -> usize {
    let mut target = bucket(length);
    loop {
        if let Some(content) = content_for(target - length) {
            return content;
        }
        target = bucket(target + 1);
    }
}

/// The content of a field that takes `room` bytes, tag and length included.
fn content_for(room: usize) -> Option<usize> {
    if room == 0 {
        return Some(0);
    }
    (1..=5)
        .filter_map(|prefix| room.checked_sub(1 + prefix))
        .find(|&content| content > 0 && 1 + varint_bytes(content) + content == room)
}

fn varint_bytes(value: usize) -> usize {
    prost::length_delimiter_len(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_double_and_then_step() {
        let cases = [(0, 576), (576, 576), (577, 1024), (65_536, 65_536), (65_537, 131_072)];
        for (length, expected) in cases {
            assert_eq!(bucket(length), expected, "{length}");
        }
        assert_eq!(bucket(200_000), 262_144);
        assert_eq!(bucket(262_145), 327_680);
    }

    #[test]
    fn every_length_ends_in_a_bucket() {
        for length in (0..140_000).chain(260_000..270_000) {
            let content = padding_field(length);
            let padded = match content {
                0 => length,
                n => length + 1 + varint_bytes(n) + n,
            };
            assert_eq!(padded, bucket(padded), "{length}");
            assert!(padded <= bucket(bucket(length) + 1), "{length}");
        }
    }
}
