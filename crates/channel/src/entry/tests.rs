//! An entry comes through as it was written, or not at all.

use enlace_identity::canonical::DecodeError;
use enlace_identity::keys::SigningKey;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::chain::ChainHash;
use enlace_log::head::HeadSigner;
use enlace_log::{
    ChannelId, ClientId, Commitment, Envelope, Generation, Head, Incarnation, ItemKind, ListHash,
    PayloadHash, Seq, SubmitCounter, WelcomesHash,
};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;
use zeroize::Zeroizing;

use super::{
    ComposeError, EntryError, EntryKind, HandlingCode, Header, MAX_TEXT_BYTES, NoteDraft, Part,
    PartKind, Salt, SignedEntry, TimeZone, UnverifiedEntry,
};
use crate::padding::bucket;

/// What is altered, how, and how it is refused.
type Case<T> = (&'static str, fn(&mut T), EntryError);

const CHANNEL: ChannelId = ChannelId([1; 32]);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(Zeroizing::new([seed; 32]))
}

fn device(name: &str) -> DeviceName {
    format!("laptop.{name}.officer.fge.example").parse().unwrap()
}

fn salts() -> impl FnMut() -> Salt {
    let mut next = 0_u8;
    move || {
        next = next.wrapping_add(1);
        Salt::from_bytes([next; 16])
    }
}

fn draft<'a>(author: &'a DeviceName, text: &'a str) -> NoteDraft<'a> {
    let head = Head {
        channel: CHANNEL,
        incarnation: Incarnation(0),
        seq: Seq(4),
        chain: ChainHash([9; 32]),
    };
    NoteDraft {
        channel: CHANNEL,
        generation: Generation(0),
        author,
        client_id: ClientId([2; 16]),
        local_time: Timestamp::from_millis(1_700_000_000_000),
        time_zone: "America/Bogota".parse().unwrap(),
        handling: HandlingCode::H1,
        restriction: None,
        parent: Some(Commitment([3; 32])),
        known_head: Some(head.sign(&key(8), HeadSigner([7; 32])).quoted()),
        text,
    }
}

fn signed(text: &str) -> SignedEntry {
    draft(&device("ana-ruiz"), text).sign(&key(1), salts()).unwrap()
}

fn envelope(entry: &SignedEntry) -> Envelope {
    Envelope {
        channel: CHANNEL,
        generation: Generation(0),
        kind: ItemKind::Entry,
        author: device("ana-ruiz").into(),
        client_id: ClientId([2; 16]),
        submit_counter: SubmitCounter(1),
        fence: Some(Seq(3)),
        last_valid_commit: Some(Seq(3)),
        commitment: entry.commitment(),
        list_hash: ListHash::NONE,
        welcomes_hash: WelcomesHash::NONE,
        payload_hash: PayloadHash([0; 32]),
    }
}

fn receive(plaintext: &[u8], envelope: &Envelope) -> Result<super::VerifiedEntry, EntryError> {
    let entry = UnverifiedEntry::decode(plaintext, envelope)?;
    entry.verify(envelope, &device("ana-ruiz"), &key(1).public())
}

/// Sends a plaintext that `alter` has changed after it was signed and bound.
fn receive_altered(alter: impl FnOnce(&mut wire::EntryPlaintext)) -> Result<(), EntryError> {
    let entry = signed("first\nsecond");
    let mut wire = wire::EntryPlaintext::decode(&entry.to_plaintext()[..]).unwrap();
    alter(&mut wire);
    receive(&wire.encode_to_vec(), &envelope(&entry)).map(|_| ())
}

/// Sends an entry whose header `alter` has changed before it was signed and bound.
fn receive_with_header(alter: impl FnOnce(&mut Header)) -> Result<(), EntryError> {
    let mut entry = signed("first\nsecond");
    alter(&mut entry.header);
    entry.header_bytes = entry.header.encode();
    entry.signature = key(1).sign(&entry.header_bytes);
    receive(&entry.to_plaintext(), &envelope(&entry)).map(|_| ())
}

#[test]
fn what_was_written_arrives() {
    let text = "Lugar: Cúcuta\n\nHora: 14:30";
    let entry = signed(text);
    let received = receive(&entry.to_plaintext(), &envelope(&entry)).unwrap();
    assert_eq!(received.text(), text);
    assert_eq!(received.parts().len(), 3);
    assert_eq!(received.as_signed(), &entry);
    assert_eq!(received.header().time_zone.as_str(), "America/Bogota");
    assert!(!received.needs_newer_version());
}

#[test]
fn the_bytes_are_these() {
    let entry = signed("uno\ndos");
    let hash = enlace_identity::canonical::sha256;
    let header = hex(&hash(entry.header_bytes()));
    assert_eq!(header, "f4fdfab6a9593682f9e9d255d79e7722360856375d9037e690ea4204b15ad8a8");
    assert_eq!(
        entry.commitment().to_string(),
        "87176149cca6aebf46d02bfadb0cd2c67e3921c4d5632cb6bc5521617a0be28b"
    );
    let digest = hex(&entry.header().parts[0].digest);
    assert_eq!(digest, "d99ddd54064d2d6e6cd5ad21a2901fc5292416a135ea1d330674296d848cf62e");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn the_length_tells_a_bucket_only() {
    for length in [1, 100, 500, 1_000, 70_000, MAX_TEXT_BYTES] {
        let plaintext = signed(&"a".repeat(length)).to_plaintext();
        assert_eq!(plaintext.len(), bucket(plaintext.len()));
    }
    let of = |length: usize| signed(&"a".repeat(length)).to_plaintext().len();
    assert_eq!(of(1), of(40));
}

#[test]
fn encrypting_again_does_not_sign_again() {
    let entry = signed("first\nsecond");
    let reloaded = SignedEntry::decode(&entry.encode()).unwrap();
    assert_eq!(reloaded, entry);
    assert_eq!(reloaded.to_plaintext(), entry.to_plaintext());
}

#[test]
fn a_withdrawn_part_still_verifies_and_shows() {
    let entry = signed("first\nsecret\nthird").without_part(1);
    let plaintext = entry.to_plaintext();
    assert!(!plaintext.windows(6).any(|w| w == b"secret"));
    let received = receive(&plaintext, &envelope(&entry)).unwrap();
    assert_eq!(received.parts()[1], Part::Withdrawn { kind: PartKind::Paragraph });
    assert_eq!(received.text(), "first\nthird");
}

#[test]
fn an_entry_of_a_newer_version_is_kept() {
    let mut entry = signed("first");
    entry.header.kind = EntryKind::from_code(77);
    let parts = vec![Part::text(PartKind::from_code(99), Salt::from_bytes([4; 16]), "?")];
    let entry = SignedEntry::sign(entry.header, parts, Salt::from_bytes([5; 16]), &key(1));
    let received = receive(&entry.to_plaintext(), &envelope(&entry)).unwrap();
    assert!(received.needs_newer_version());
    assert_eq!(received.as_signed(), &entry);
}

#[test]
fn a_restriction_goes_with_its_code() {
    let author = device("ana-ruiz");
    let with = |handling, restriction| {
        let draft = NoteDraft { handling, restriction, ..draft(&author, "text") };
        draft.sign(&key(1), salts())
    };
    let entry = with(HandlingCode::H3, Some("Only for the joint team")).unwrap();
    let received = receive(&entry.to_plaintext(), &envelope(&entry)).unwrap();
    assert_eq!(received.restriction(), Some("Only for the joint team"));
    assert_eq!(received.text(), "text");
    assert_eq!(with(HandlingCode::H3, None), Err(ComposeError::Restriction));
    assert_eq!(with(HandlingCode::H3, Some(" ")), Err(ComposeError::Restriction));
    assert_eq!(with(HandlingCode::H0, Some("x")), Err(ComposeError::Restriction));
}

#[test]
fn texts_have_limits() {
    let author = device("ana-ruiz");
    let sign = |text: &str| draft(&author, text).sign(&key(1), salts()).map(|_| ());
    assert_eq!(sign(" \n"), Err(ComposeError::Empty));
    let bytes = MAX_TEXT_BYTES + 1;
    assert_eq!(sign(&"a".repeat(bytes)), Err(ComposeError::TooLong { bytes }));
    let longest = signed(&"a\n".repeat(MAX_TEXT_BYTES / 2));
    assert!(receive(&longest.to_plaintext(), &envelope(&longest)).is_ok());
}

#[test]
fn an_altered_plaintext_is_refused() {
    let cases: [Case<wire::EntryPlaintext>; 19] = [
        ("time", |e| e.local_time += 1, EntryError::Signature),
        ("zone", |e| e.time_zone = "UTC".to_owned(), EntryError::Signature),
        ("no zone", |e| e.time_zone = "a b".to_owned(), header_value("time_zone")),
        ("kind", |e| e.kind = 2, EntryError::Signature),
        ("handling", |e| e.handling = 1, EntryError::Signature),
        ("no handling", |e| e.handling = 0, header_value("handling")),
        ("parent", |e| e.parent[0] ^= 1, EntryError::Signature),
        ("short parent", |e| e.parent.truncate(31), header_value("parent")),
        ("no parent", |e| e.parent.clear(), EntryError::Signature),
        ("head", |e| quoted(e).seq += 1, EntryError::Signature),
        ("short head", |e| quoted(e).chain.truncate(31), EntryError::Head),
        ("no head", |e| e.known_head = None, EntryError::Signature),
        ("signature", |e| e.signature[10] ^= 1, EntryError::Signature),
        ("short signature", |e| e.signature.truncate(63), EntryError::Signature),
        ("salt", |e| e.salt[0] ^= 1, EntryError::Commitment),
        ("short salt", |e| e.salt.truncate(15), EntryError::Salt),
        ("part", |e| e.parts[1].content[0] ^= 1, EntryError::Signature),
        ("order", |e| e.parts.swap(0, 1), EntryError::Signature),
        ("number", |e| e.parts.truncate(1), EntryError::Signature),
    ];
    for (name, alter, error) in cases {
        assert_eq!(receive_altered(alter), Err(error), "{name}");
    }
    let parts: [Case<wire::Part>; 6] = [
        ("kind", |p| p.kind = 2, EntryError::Signature),
        ("salt", |p| p.salt[0] ^= 1, EntryError::Signature),
        ("salt alone withdrawn", |p| p.salt.clear(), EntryError::Part(0)),
        ("digest beside the salt", |p| p.digest = vec![0; 32], EntryError::Part(0)),
        ("content of a withdrawn one", |p| withdraw(p, b"first"), EntryError::Part(0)),
        ("another digest", |p| withdraw(p, b""), EntryError::Signature),
    ];
    for (name, alter, error) in parts {
        assert_eq!(receive_altered(|e| alter(&mut e.parts[0])), Err(error), "part: {name}");
    }
    assert_eq!(receive_altered(|_| ()), Ok(()));
    assert_eq!(receive_altered(|e| e.padding.clear()), Ok(()));
}

fn header_value(field: &'static str) -> EntryError {
    EntryError::Header(DecodeError::Value(field))
}

fn quoted(entry: &mut wire::EntryPlaintext) -> &mut wire::QuotedHead {
    entry.known_head.as_mut().unwrap()
}

fn withdraw(part: &mut wire::Part, content: &[u8]) {
    let (digest, content) = (vec![9; 32], content.to_vec());
    *part = wire::Part { kind: part.kind, salt: Vec::new(), content, digest };
}

#[test]
fn what_is_kept_must_fit_its_header() {
    let entry = signed("first\nsecond");
    let decode = |alter: fn(&mut wire::Entry)| {
        let mut wire = wire::Entry::decode(&entry.encode()[..]).unwrap();
        alter(&mut wire);
        SignedEntry::decode(&wire.encode_to_vec()).map(|_| ())
    };
    let cases: [Case<wire::Entry>; 6] = [
        ("short signature", |e| e.signature.truncate(63), EntryError::Signature),
        ("short salt", |e| e.salt.truncate(15), EntryError::Salt),
        ("part", |e| e.parts[1].content[0] ^= 1, EntryError::Part(1)),
        ("part's kind", |e| e.parts[1].kind = 2, EntryError::Part(1)),
        ("order", |e| e.parts.swap(0, 1), EntryError::Part(0)),
        ("number", |e| e.parts.truncate(1), EntryError::PartCount { found: 1, named: 2 }),
    ];
    for (name, alter, error) in cases {
        assert_eq!(decode(alter), Err(error), "{name}");
    }
    assert_eq!(decode(|_| ()), Ok(()));
}

#[test]
fn an_entry_for_another_item_is_refused() {
    let entry = signed("first");
    let receive_in = |alter: fn(&mut Envelope)| {
        let mut envelope = envelope(&entry);
        alter(&mut envelope);
        receive(&entry.to_plaintext(), &envelope).map(|_| ())
    };
    let cases: [Case<Envelope>; 6] = [
        ("kind", |e| e.kind = ItemKind::Leave, EntryError::ItemKind),
        ("channel", |e| e.channel = ChannelId([2; 32]), EntryError::Signature),
        ("generation", |e| e.generation = Generation(1), EntryError::Signature),
        ("author", |e| e.author = device("eva-soto").into(), EntryError::Author),
        ("client_id", |e| e.client_id = ClientId([3; 16]), EntryError::Signature),
        ("commitment", |e| e.commitment = Commitment([4; 32]), EntryError::Commitment),
    ];
    for (name, alter, error) in cases {
        assert_eq!(receive_in(alter), Err(error), "{name}");
    }
}

#[test]
fn a_signature_over_something_else_than_the_item_says_is_refused() {
    let cases: [Case<Header>; 6] = [
        ("channel", |h| h.channel = ChannelId([2; 32]), EntryError::Signature),
        ("generation", |h| h.generation = Generation(1), EntryError::Signature),
        ("author", |h| h.author = device("eva-soto"), EntryError::Signature),
        ("client_id", |h| h.client_id = ClientId([3; 16]), EntryError::Signature),
        ("digest", |h| h.parts[0].digest[0] ^= 1, EntryError::Signature),
        ("parts", |h| h.parts.truncate(1), EntryError::Signature),
    ];
    for (name, alter, error) in cases {
        assert_eq!(receive_with_header(alter), Err(error), "{name}");
    }
    let other = Head {
        channel: ChannelId([2; 32]),
        incarnation: Incarnation(0),
        seq: Seq(0),
        chain: ChainHash([0; 32]),
    };
    let quoted = other.sign(&key(8), HeadSigner([7; 32])).quoted();
    let refused = receive_with_header(|h| h.known_head = Some(quoted));
    assert_eq!(refused, Err(EntryError::Signature));
}

#[test]
fn another_sender_or_key_is_refused() {
    let entry = signed("first");
    let (ana, eva) = (device("ana-ruiz"), device("eva-soto"));
    let envelope = envelope(&entry);
    let read = || UnverifiedEntry::decode(&entry.to_plaintext(), &envelope).unwrap();
    let by_key = read().verify(&envelope, &ana, &key(2).public());
    assert_eq!(by_key, Err(EntryError::Signature));
    let by_sender = read().verify(&envelope, &eva, &key(1).public());
    assert_eq!(by_sender, Err(EntryError::Author));
}

#[test]
fn text_must_be_text() {
    let part = Part::Open {
        kind: PartKind::Paragraph,
        salt: Salt::from_bytes([4; 16]),
        content: vec![0xff],
    };
    let header = signed("first").header;
    let entry = SignedEntry::sign(header, vec![part], Salt::from_bytes([5; 16]), &key(1));
    let received = receive(&entry.to_plaintext(), &envelope(&entry));
    assert_eq!(received, Err(EntryError::PartText(0)));
}

#[test]
fn damaged_plaintexts_are_refused_quietly() {
    let entry = signed("first\nsecond");
    let envelope = envelope(&entry);
    let plaintext = entry.to_plaintext();
    for cut in 0..plaintext.len() {
        let _ = receive(&plaintext[..cut], &envelope);
    }
    for bit in 0..plaintext.len() * 8 {
        let mut damaged = plaintext.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(received) = receive(&damaged, &envelope) {
            assert_eq!(received.as_signed(), &entry, "only padding may differ: bit {bit}");
        }
    }
    assert_eq!(
        receive(&vec![0; super::MAX_PLAINTEXT_BYTES + 1], &envelope),
        Err(EntryError::TooLarge)
    );
}

#[test]
fn time_zones_have_a_form() {
    for good in ["UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
        assert!(good.parse::<TimeZone>().is_ok(), "{good}");
    }
    for bad in ["", "America/São_Paulo", "a b", &"a".repeat(65)] {
        assert!(bad.parse::<TimeZone>().is_err(), "{bad}");
    }
}

#[test]
fn an_answer_of_200_characters_with_accents_is_in_the_smallest_bucket() {
    let author = device("ana-ruiz");
    let text = "ñ".repeat(25) + &"a".repeat(175);
    let zone = "America/Argentina/Buenos_Aires".parse().unwrap();
    let draft = NoteDraft { time_zone: zone, ..draft(&author, &text) };
    assert!(draft.parent.is_some() && draft.known_head.is_some());
    let plaintext = draft.sign(&key(1), salts()).unwrap().to_plaintext();
    assert_eq!(plaintext.len(), crate::padding::SMALLEST);
}
