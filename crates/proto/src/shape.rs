//! Reading a message of which only the length is known: how many records it may hold.
//!
//! An element of a list can take two bytes on the wire and a hundred in memory. So the records of a
//! message are counted before it is decoded, down to the innermost message, but not inside strings
//! and bytes: what these hold is opaque, and nobody else's to judge.

use bytes::{Buf, Bytes};
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, skip_field};

use crate::method::MEDIUM;

/// Which fields of a message are messages, by number.
#[derive(Debug)]
pub struct Shape(&'static [(u32, &'static Shape)]);

/// A message of the wire, with its [`Shape`].
pub trait Shaped: Message + Default {
    /// Which of its fields are messages.
    const SHAPE: &'static Shape;
}

/// The bytes are no such message, or hold more records than their length allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the message cannot be read")]
pub struct Unreadable;

/// Decodes a message.
///
/// # Errors
/// [`Unreadable`].
pub fn read<M: Shaped>(body: Bytes) -> Result<M, Unreadable> {
    let mut left = most_records(body.len());
    count(M::SHAPE, &body, &mut left)?;
    M::decode(body).map_err(|_| Unreadable)
}

/// 1024, one for each 8 bytes of the first 2 MiB, and one for each 32 bytes of the rest.
fn most_records(length: usize) -> usize {
    let first = length.min(MEDIUM as usize);
    1024 + first / 8 + (length - first) / 32
}

/// Messages nest as deep as the schema does: it has no loops.
fn count(shape: &Shape, mut bytes: &[u8], left: &mut usize) -> Result<(), Unreadable> {
    while bytes.has_remaining() {
        *left = left.checked_sub(1).ok_or(Unreadable)?;
        let (number, wire_type) = decode_key(&mut bytes).map_err(|_| Unreadable)?;
        let inner = shape.0.iter().find(|(field, _)| *field == number);
        match (inner, wire_type) {
            (Some((_, inner)), WireType::LengthDelimited) => {
                let length = decode_varint(&mut bytes).map_err(|_| Unreadable)?;
                let length = usize::try_from(length).map_err(|_| Unreadable)?;
                let (message, rest) = bytes.split_at_checked(length).ok_or(Unreadable)?;
                count(inner, message, left)?;
                bytes = rest;
            }
            _ => {
                let limits = prost::encoding::DecodeContext::default();
                skip_field(wire_type, number, &mut bytes, limits).map_err(|_| Unreadable)?;
            }
        }
    }
    Ok(())
}

#[allow(non_upper_case_globals)]
mod generated {
    use super::{Shape, Shaped};

    include!(concat!(env!("OUT_DIR"), "/shapes.rs"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::{DELIVERY, LARGE};
    use crate::relay::v1::{
        Cursor, Envelope, Item, Items, ListChange, SubmitRequest, SubscribeRequest,
        SubscriptionEvent, Welcome, subscription_event,
    };

    /// One byte of key, one of length, as often as fits.
    fn flood(field: u8, length: u32) -> Bytes {
        [field << 3 | 2, 0].repeat(length as usize / 2).into()
    }

    #[test]
    fn a_flood_of_empty_elements_is_refused_wherever_it_stands() {
        assert_eq!(read::<SubscribeRequest>(flood(1, MEDIUM)), Err(Unreadable));
        assert_eq!(read::<SubmitRequest>(flood(5, LARGE)), Err(Unreadable));
        let devices = Welcome { message: flood(1, 0), ..Welcome::default() };
        let inner = [&devices.encode_to_vec()[..], &flood(1, LARGE - 64)].concat();
        let mut request = vec![5 << 3 | 2];
        prost::encoding::encode_varint(inner.len() as u64, &mut request);
        request.extend(inner);
        assert_eq!(read::<SubmitRequest>(request.into()), Err(Unreadable));
    }

    #[test]
    fn what_a_payload_holds_is_nobodys_business() {
        let request = SubmitRequest { payload: flood(1, LARGE / 2), ..SubmitRequest::default() };
        assert_eq!(read(request.encode_to_vec().into()), Ok(request.clone()));
        let item = Item { payload: request.payload, ..Item::default() };
        let items = Items { items: vec![item], ..Items::default() };
        let event = SubscriptionEvent { event: Some(subscription_event::Event::Items(items)) };
        assert_eq!(read(event.encode_to_vec().into()), Ok(event));
    }

    fn entry() -> Envelope {
        Envelope {
            kind: 1,
            author: "laptop.officer-1.officer.a.example".to_owned(),
            client_id: vec![1; 16].into(),
            submit_counter: 1_000,
            fence: Some(1_000),
            last_valid_commit: Some(1_000),
            commitment: vec![1; 32].into(),
            ..Envelope::default()
        }
    }

    #[test]
    fn the_longest_lists_of_honest_peers_are_read() {
        let name = |n: usize| format!("laptop.officer-{n}.officer.a.example");
        let list_change =
            ListChange { added: (0..20_000).map(name).collect(), ..ListChange::default() };
        let commit = Envelope { list_hash: vec![1; 32].into(), ..entry() };
        let request = SubmitRequest {
            envelope: Some(commit),
            payload: vec![0; 1 << 20].into(),
            list_change: Some(list_change),
            ..SubmitRequest::default()
        };
        assert_eq!(read(request.encode_to_vec().into()), Ok(request));

        let item = Item {
            seq: 7,
            received_at_ms: 1_800_000_000_000,
            envelope: Some(Box::new(entry())),
            payload: vec![0; 300].into(),
            ..Item::default()
        };
        let count = DELIVERY as usize / item.encoded_len() - 10;
        let items = Items { items: vec![item; count], ..Items::default() };
        assert_eq!(read(items.encode_to_vec().into()), Ok(items));

        let channel = crate::relay::v1::ChannelId { value: vec![9; 32] };
        let hub = "a.example".into();
        let cursor = Cursor { channel: Some(channel), next_seq: 9, hub, incarnation: 7 };
        let count = MEDIUM as usize / cursor.encoded_len() - 10;
        let request = SubscribeRequest { cursors: vec![cursor; count], devices: Vec::new() };
        assert_eq!(read(request.encode_to_vec().into()), Ok(request));
    }
}
