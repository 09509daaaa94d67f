//! Items of a log: envelope, outer signature, payload, device list.

use enlace_log::envelope::quoted_head_in_aad;
use enlace_log::{Envelope, Item, PayloadHash, Sealed};
use enlace_proto::relay::v1 as wire;

use crate::check::{canonical, message};
use crate::scene::{Log, seeded_key};
use crate::{Outcome, check};

/// Reads the input as an envelope and as an item.
pub fn run(data: &[u8]) -> Outcome {
    let envelope = canonical(data, Envelope::decode, Envelope::encode);
    if let Ok(envelope) = &envelope {
        assert!(data.len() <= Envelope::MAX_BYTES, "an envelope beyond its limit was read");
        check_aad(envelope);
    }
    let item = message::<wire::Item>(data);
    let read = item.and_then(read_item);
    Outcome::of(&envelope).or(check::outcome(&read))
}

/// Reads an item as relays and members do.
pub(super) fn read_item(item: wire::Item) -> Option<Item> {
    let read = Item::from_wire(Log::channel(), item.clone()).ok()?;
    let travels = wire::Item { chain: Vec::new(), ..item };
    assert_eq!(read.to_wire(), travels, "an item that was read cannot be sent on");
    check_sealed(&read.sealed);
    Some(read)
}

/// Expects the pieces of an item to fit together, and its signature to be its author's.
pub(super) fn check_sealed(sealed: &Sealed) {
    let envelope = sealed.envelope();
    let payload = sealed.payload();
    assert!(payload.is_none_or(|payload| PayloadHash::of(payload) == envelope.payload_hash));
    let key = seeded_key(envelope.author.as_str()).public();
    if sealed.outer_signature().verify(sealed.envelope_bytes(), &key) {
        let genuine = Log::shared().holds(sealed.envelope_bytes());
        assert!(genuine, "an envelope that its author never signed");
    }
}

/// What an envelope's AAD quotes is found in it again, and nowhere else.
fn check_aad(envelope: &Envelope) {
    let log = Log::shared();
    let quoted = log.heads.first().map(|head| head.quoted());
    let is_commit = envelope.kind == enlace_log::ItemKind::Commit;
    for known in [None, quoted.as_ref().filter(|_| is_commit)] {
        let aad = envelope.aad(known);
        assert_eq!(quoted_head_in_aad(envelope, &aad).as_ref().map(Option::as_ref), Ok(known));
    }
    let other =
        Envelope { generation: enlace_log::Generation(!envelope.generation.0), ..envelope.clone() };
    assert!(quoted_head_in_aad(&other, &envelope.aad(None)).is_err());
}
