//! CBOR to and from buffers that are wiped: most of what passes here is a secret.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::{Zeroize, Zeroizing};

use crate::state_store::StateError;

/// Encodes `value`. Encoding into memory fails only for types that serde can't describe.
pub(super) fn encode(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, StateError> {
    let mut buffer = WipingBuffer::default();
    ciborium::into_writer(value, &mut buffer).map_err(|e| StateError::Corrupt(e.into()))?;
    Ok(buffer.0)
}

/// Decodes exactly one value, with nothing after it, and wipes the bytes.
pub(super) fn decode<T: DeserializeOwned>(bytes: Vec<u8>) -> Result<T, StateError> {
    let bytes = Zeroizing::new(bytes);
    let mut rest = bytes.as_slice();
    let value = ciborium::from_reader(&mut rest).map_err(|e| StateError::Corrupt(e.into()))?;
    if rest.is_empty() { Ok(value) } else { Err(StateError::Corrupt("trailing bytes".into())) }
}

/// A growing buffer that leaves no copy behind when it moves.
#[derive(Default)]
struct WipingBuffer(Zeroizing<Vec<u8>>);

impl Write for WipingBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Vec::with_capacity(needed.next_power_of_two().max(256));
            larger.extend_from_slice(&self.0);
            self.0.zeroize();
            *self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_and_trailing_bytes_do_not_pass() {
        let value: Vec<u64> = (0..500).collect();
        let mut bytes = encode(&value).unwrap().to_vec();
        assert_eq!(decode::<Vec<u64>>(bytes.clone()).unwrap(), value);
        bytes.push(0);
        assert!(matches!(decode::<Vec<u64>>(bytes), Err(StateError::Corrupt(_))));
    }
}
