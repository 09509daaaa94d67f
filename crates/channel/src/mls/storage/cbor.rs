//! CBOR to and from buffers that are wiped: most of what passes here is a secret.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::{Zeroize, Zeroizing};

use super::byte_strings::WithByteStrings;
use crate::state_store::StateError;

/// Encodes `value`. Encoding into memory fails only for types that serde can't describe.
pub(super) fn encode(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, StateError> {
    let mut buffer = WipingBuffer::default();
    ciborium::into_writer(value, &mut buffer).map_err(|e| StateError::Corrupt(e.into()))?;
    Ok(buffer.0)
}

/// The same with lists of bytes as byte strings, which [`decode`] reads as well. Not for keys:
/// ciborium reads a byte string by way of a buffer that it doesn't wipe.
pub(super) fn encode_compact(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, StateError> {
    encode(&WithByteStrings(value))
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
    use std::collections::BTreeMap;

    use ciborium::{Value, cbor};
    use serde::Deserialize;

    use super::*;

    /// Lists of bytes in every place that a value can stand in.
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Everywhere {
        plain: Vec<u8>,
        none: Vec<u8>,
        numbers: Vec<u16>,
        pair: (u8, Vec<u8>),
        maybe: [Option<Vec<u8>>; 2],
        newtype: Newtype,
        kinds: Vec<Kind>,
        by_key: BTreeMap<u8, Vec<u8>>,
    }

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Newtype(Vec<u8>);

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    enum Kind {
        Unit,
        Newtype(Vec<u8>),
        Tuple(Vec<u8>, bool),
        Struct { field: Vec<u8> },
    }

    fn everywhere() -> Everywhere {
        Everywhere {
            plain: vec![0, 23, 24, 255],
            none: Vec::new(),
            numbers: vec![1, 2],
            pair: (7, vec![200]),
            maybe: [Some(vec![201]), None],
            newtype: Newtype(vec![202]),
            kinds: vec![
                Kind::Unit,
                Kind::Newtype(vec![203]),
                Kind::Tuple(vec![204], true),
                Kind::Struct { field: vec![205] },
            ],
            by_key: BTreeMap::from([(1, vec![206])]),
        }
    }

    #[test]
    fn lists_of_bytes_become_byte_strings_and_nothing_else_does() {
        let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
        let expected = cbor!({
            "plain" => bytes(&[0, 23, 24, 255]),
            "none" => [],
            "numbers" => [1, 2],
            "pair" => [7, bytes(&[200])],
            "maybe" => [bytes(&[201]), null],
            "newtype" => bytes(&[202]),
            "kinds" => [
                "Unit",
                { "Newtype" => bytes(&[203]) },
                { "Tuple" => [bytes(&[204]), true] },
                { "Struct" => { "field" => bytes(&[205]) } },
            ],
            "by_key" => { 1 => bytes(&[206]) },
        });
        let encoded = encode_compact(&everywhere()).unwrap();
        assert_eq!(decode::<Value>(encoded.to_vec()).unwrap(), expected.unwrap());
    }

    #[test]
    fn both_forms_are_read() {
        for encoded in [encode(&everywhere()), encode_compact(&everywhere())] {
            assert_eq!(decode::<Everywhere>(encoded.unwrap().to_vec()).unwrap(), everywhere());
        }
    }

    #[test]
    fn a_list_that_only_begins_with_bytes_stays_one() {
        let mixed = Value::Array(vec![Value::from(1), Value::from(2), Value::from(300)]);
        let encoded = encode_compact(&mixed).unwrap();
        assert_eq!(decode::<Value>(encoded.to_vec()).unwrap(), mixed);
    }

    #[test]
    fn values_survive_and_trailing_bytes_do_not_pass() {
        let value: Vec<u64> = (0..500).collect();
        let mut bytes = encode(&value).unwrap().to_vec();
        assert_eq!(decode::<Vec<u64>>(bytes.clone()).unwrap(), value);
        bytes.push(0);
        assert!(matches!(decode::<Vec<u64>>(bytes), Err(StateError::Corrupt(_))));
    }
}
