//! An entry comes through as it was written, or not at all.

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
        Salt::from_bytes([next; 32])
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
        device: device("ana-ruiz"),
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
    let entry = UnverifiedEntry::decode(plaintext)?;
    entry.verify(envelope, &device("ana-ruiz"), &key(1).public())
}

/// Sends a plaintext that `alter` has changed after it was signed and bound.
fn receive_altered(alter: impl FnOnce(&mut wire::Entry)) -> Result<(), EntryError> {
    let entry = signed("first\nsecond");
    let mut wire = wire::Entry::decode(&entry.to_plaintext()[..]).unwrap();
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
    assert_eq!(header, "9ca26ab7c7dbb64c2b5a680d49e3df9aab258fc492407a68e080d980c07bac15");
    assert_eq!(
        entry.commitment().to_string(),
        "46fa5d150a9b06b6a716926bad37563edbd5767749a7741419a461cbcc7be253"
    );
    let digest = hex(&entry.header().parts[0].digest);
    assert_eq!(digest, "19e1bad55370eba696cab115191c27d1faf46d5690ba30f3c7e5a08b06b2b7a0");
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
    let reloaded = SignedEntry::reload(&entry.to_plaintext()).unwrap();
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
    let parts = vec![Part::text(PartKind::from_code(99), Salt::from_bytes([4; 32]), "?")];
    let entry = SignedEntry::sign(entry.header, parts, Salt::from_bytes([5; 32]), &key(1));
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
    let cases: [Case<wire::Entry>; 11] = [
        ("header", |e| e.header[40] ^= 1, EntryError::Channel),
        ("signature", |e| e.signature[10] ^= 1, EntryError::Signature),
        ("short signature", |e| e.signature.truncate(63), EntryError::Signature),
        ("salt", |e| e.salt[0] ^= 1, EntryError::Commitment),
        ("short salt", |e| e.salt.truncate(31), EntryError::Salt),
        ("part", |e| e.parts[1].content[0] ^= 1, EntryError::Part(1)),
        ("part's kind", |e| e.parts[1].kind = 2, EntryError::Part(1)),
        ("part's salt", |e| e.parts[0].salt[0] ^= 1, EntryError::Part(0)),
        ("salt alone withdrawn", |e| e.parts[0].salt.clear(), EntryError::Part(0)),
        ("order", |e| e.parts.swap(0, 1), EntryError::Part(0)),
        ("number", |e| e.parts.truncate(1), EntryError::PartCount { found: 1, named: 2 }),
    ];
    for (name, alter, error) in cases {
        assert_eq!(receive_altered(alter), Err(error), "{name}");
    }
    assert_eq!(receive_altered(|_| ()), Ok(()));
    assert_eq!(receive_altered(|e| e.padding.clear()), Ok(()));
}

#[test]
fn every_bit_of_the_header_counts() {
    let entry = signed("first");
    for bit in 0..entry.header_bytes.len() * 8 {
        let mut wire = wire::Entry::decode(&entry.to_plaintext()[..]).unwrap();
        wire.header[bit / 8] ^= 1 << (bit % 8);
        assert!(receive(&wire.encode_to_vec(), &envelope(&entry)).is_err(), "{bit}");
    }
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
        ("channel", |e| e.channel = ChannelId([2; 32]), EntryError::Channel),
        ("generation", |e| e.generation = Generation(1), EntryError::Generation),
        ("device", |e| e.device = device("eva-soto"), EntryError::Author),
        ("client_id", |e| e.client_id = ClientId([3; 16]), EntryError::ClientId),
        ("commitment", |e| e.commitment = Commitment([4; 32]), EntryError::Commitment),
    ];
    for (name, alter, error) in cases {
        assert_eq!(receive_in(alter), Err(error), "{name}");
    }
}

#[test]
fn a_header_that_lies_is_refused_even_when_signed() {
    let cases: [Case<Header>; 6] = [
        ("channel", |h| h.channel = ChannelId([2; 32]), EntryError::Channel),
        ("generation", |h| h.generation = Generation(1), EntryError::Generation),
        ("author", |h| h.author = device("eva-soto"), EntryError::Author),
        ("client_id", |h| h.client_id = ClientId([3; 16]), EntryError::ClientId),
        ("digest", |h| h.parts[0].digest[0] ^= 1, EntryError::Part(0)),
        ("parts", |h| h.parts.truncate(1), EntryError::PartCount { found: 2, named: 1 }),
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
    assert_eq!(receive_with_header(|h| h.known_head = Some(quoted)), Err(EntryError::Channel));
}

#[test]
fn another_sender_or_key_is_refused() {
    let entry = signed("first");
    let read = || UnverifiedEntry::decode(&entry.to_plaintext()).unwrap();
    let (ana, eva) = (device("ana-ruiz"), device("eva-soto"));
    let envelope = envelope(&entry);
    let by_key = read().verify(&envelope, &ana, &key(2).public());
    assert_eq!(by_key, Err(EntryError::Signature));
    let by_sender = read().verify(&envelope, &eva, &key(1).public());
    assert_eq!(by_sender, Err(EntryError::Author));
}

#[test]
fn text_must_be_text() {
    let part = Part::Open {
        kind: PartKind::Paragraph,
        salt: Salt::from_bytes([4; 32]),
        content: vec![0xff],
    };
    let header = signed("first").header;
    let entry = SignedEntry::sign(header, vec![part], Salt::from_bytes([5; 32]), &key(1));
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
