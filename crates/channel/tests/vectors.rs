//! The byte strings of PROTOCOL.md §3, from fixed inputs, as they lie in docs/test-vectors.json
//! for everybody who writes another implementation.
//!
//! A change of these bytes breaks every signature ever made: when this test fails, the code is
//! wrong. `ENLACE_WRITE_VECTORS=1 cargo test -p enlace-channel --test vectors` writes the file
//! anew, for vectors that are added.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::path::Path;
use std::time::Duration;

use enlace_channel::channel::group_id;
use enlace_channel::confirmations::Confirmations;
use enlace_channel::consent::{Answer, Statement, StatementDraft, Subject};
use enlace_channel::entry::{EntryKind, HandlingCode, NoteDraft, Part, PartKind, Salt};
use enlace_channel::history::{HistoryShare, SharedEntries};
use enlace_channel::policy::{ChannelKind, Expulsion, Founding, FoundingReason, NewCase, Role};
use enlace_channel::transfer::{TransferHeader, TransferReceipt, TransferRequest};
use enlace_identity::bundle::{AuthorityContent, BundleContent, FormerContent, SignedBundle};
use enlace_identity::canonical::sha256;
use enlace_identity::certificate::{Serial, UnverifiedChain};
use enlace_identity::endpoint::{
    EndpointRecord, RelayAddress, RelayEndpoint, SignedEndpointRecord,
};
use enlace_identity::issue::{Approval, IssuingCa, RevocationContent, Root};
use enlace_identity::keys::SigningKey;
use enlace_identity::mandate::{Mandate, SignedMandate};
use enlace_identity::names::{DeviceName, Domain, LeafName};
use enlace_identity::suspension::{SignedSuspensions, SuspensionStatement};
use enlace_identity::time::{Timestamp, Validity};
use enlace_log::control::{Contest, KeyPackageHash, LeafHash, Leave, Stranded};
use enlace_log::{
    ChainHash, ChainLink, ChainStart, ChannelId, ChannelNonce, ClientId, Commitment, DeviceList,
    Envelope, ErasureConfirmation, FoundingHash, Generation, Head, HeadSigner, HubStatement,
    HubVote, Incarnation, ItemKind, ListHash, OuterSignature, PayloadHash, Seq, SignedHubVote,
    SubmitCounter, Succession, TakeOver, Tombstone, WelcomesHash,
};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;
use serde_json::{Map, Value, json};

const CHANNEL: ChannelId = ChannelId([0x11; 32]);
const CLIENT_ID: ClientId = ClientId([0x22; 16]);
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32].into())
}

fn device(name: &str) -> DeviceName {
    format!("laptop.{name}.officer.fge.example").parse().unwrap()
}

/// The vectors, in the order of PROTOCOL.md.
#[derive(Default)]
struct Vectors(Map<String, Value>);

impl Vectors {
    fn add(&mut self, name: &str, input: Value, output: impl AsRef<[u8]>) {
        let vector = json!({ "input": input, "hex": hex(output.as_ref()) });
        assert!(self.0.insert(name.to_owned(), vector).is_none());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_byte_strings_are_those_of_the_published_vectors() {
    let mut vectors = Vectors::default();
    let head = chain_and_head(&mut vectors);
    entry(&mut vectors, &head);
    transfer(&mut vectors);
    consent(&mut vectors);
    forum_entries(&mut vectors);
    envelope(&mut vectors, &head);
    control(&mut vectors);
    policy(&mut vectors);
    identity(&mut vectors);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/test-vectors.json");
    let made = serde_json::to_string_pretty(&Value::Object(vectors.0)).unwrap() + "\n";
    if std::env::var_os("ENLACE_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap();
    for (ours, theirs) in made.lines().zip(published.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(made.lines().count(), published.lines().count());
}

fn chain_and_head(vectors: &mut Vectors) -> enlace_log::QuotedHead {
    let (hub, nonce) = ("fge.example", ChannelNonce([0x77; 32]));
    vectors.add(
        "channel_id",
        json!({ "hub": hub, "nonce": nonce.to_string() }),
        ChannelId::derive(&hub.parse().unwrap(), &nonce).as_bytes(),
    );
    let start = ChainStart {
        channel: CHANNEL,
        hub: "fge.example".parse().unwrap(),
        generation: Generation(0),
        predecessor: [0; 32],
    };
    vectors.add(
        "chain_start",
        json!({ "channel": CHANNEL.to_string(), "hub": "fge.example", "generation": 0,
                "predecessor": "00".repeat(32) }),
        start.hash().as_bytes(),
    );
    let next = start.hash().after(Seq(0), NOW, b"envelope bytes", &OuterSignature::NONE);
    vectors.add(
        "chain",
        json!({ "before": start.hash().to_string(), "seq": 0, "received_at": NOW.as_millis(),
                "envelope": hex(b"envelope bytes"), "outer_signature": "" }),
        next.as_bytes(),
    );
    let head = Head { channel: CHANNEL, incarnation: Incarnation(0), seq: Seq(0), chain: next };
    vectors.add(
        "head",
        json!({ "channel": CHANNEL.to_string(), "incarnation": 0, "seq": 0,
                "chain": next.to_string() }),
        head.encode(),
    );
    let signed = head.sign(&key(9), HeadSigner([0x99; 32]));
    vectors.add(
        "head_signature",
        json!({ "seed": "09".repeat(32), "message": "head" }),
        signed.to_wire().signature,
    );
    let quoted = signed.quoted();
    vectors.add(
        "quoted_head",
        json!({ "head": "head", "signature": "head_signature", "signer": "99".repeat(32) }),
        quoted.encode(),
    );
    let statement = HubStatement {
        incarnation: Incarnation(1_790_000_000),
        held: Some(Seq(7)),
        lost: Some(quoted.clone()),
        unheard: vec!["fge.example".parse().unwrap(), "mpf.example".parse().unwrap()],
        signer: HeadSigner([0x99; 32]),
        taken_over: None,
    };
    vectors.add(
        "hub_statement",
        json!({ "incarnation": 1_790_000_000, "held": 7, "lost": "quoted_head",
                "unheard": ["fge.example", "mpf.example"], "signer": "99".repeat(32) }),
        statement.encode(),
    );
    let vote = HubVote {
        channel: CHANNEL,
        from: "fge.example".parse().unwrap(),
        to: "mpf.example".parse().unwrap(),
        fence: Seq(7),
    };
    vectors.add(
        "hub_vote",
        json!({ "channel": CHANNEL.to_string(), "from": "fge.example", "to": "mpf.example",
                "fence": 7 }),
        vote.encode(),
    );
    let chain = UnverifiedChain::from_ders(&[&b"leaf"[..], b"issuing"]).unwrap();
    let vote = SignedHubVote::sign(vote, &key(8), chain);
    vectors.add(
        "signed_hub_vote",
        json!({ "vote": "hub_vote", "seed": "08".repeat(32),
                "certificates": [hex(b"leaf"), hex(b"issuing")] }),
        vote.encode(),
    );
    let hub = "mpf.example".parse().unwrap();
    let taken_over = Some(TakeOver { hub, votes: vec![vote] });
    vectors.add(
        "hub_statement_of_a_take_over",
        json!({ "statement": "hub_statement", "hub": "mpf.example",
                "votes": ["signed_hub_vote"] }),
        HubStatement { taken_over, ..statement }.encode(),
    );
    let link = ChainLink::new(NOW, b"envelope bytes", &OuterSignature::NONE);
    vectors.add(
        "chain_link",
        json!({ "received_at": NOW.as_millis(), "envelope": hex(b"envelope bytes"),
                "outer_signature": "" }),
        link.encode(),
    );
    quoted
}

fn entry(vectors: &mut Vectors, head: &enlace_log::QuotedHead) {
    let part = Part::text(PartKind::Paragraph, Salt::from_bytes([0x33; 16]), "Testigo V-07");
    vectors.add(
        "part_digest",
        json!({ "kind": 1, "salt": "33".repeat(16), "content": hex("Testigo V-07".as_bytes()) }),
        part.digest().unwrap().digest,
    );
    let mut salts = (0x40..).map(|byte| Salt::from_bytes([byte; 16]));
    let author = device("ana-ruiz");
    let entry = NoteDraft {
        channel: CHANNEL,
        generation: Generation(0),
        author: &author,
        client_id: CLIENT_ID,
        local_time: NOW,
        time_zone: "Europe/Madrid".parse().unwrap(),
        handling: HandlingCode::H1,
        restriction: None,
        parent: None,
        known_head: Some(head.clone()),
        text: "Primera línea\nsegunda",
    }
    .sign(&key(1), || salts.next().unwrap())
    .unwrap();
    vectors.add(
        "entry_header",
        json!({ "channel": CHANNEL.to_string(), "generation": 0, "author": author.to_string(),
                "client_id": CLIENT_ID.to_string(), "local_time": NOW.as_millis(),
                "time_zone": "Europe/Madrid", "kind": 1, "handling": 2,
                "parent": "00".repeat(32), "known_head": "quoted_head",
                "parts": [
                    { "kind": 1, "salt": "40".repeat(16), "text": "Primera línea" },
                    { "kind": 1, "salt": "41".repeat(16), "text": "segunda" },
                ] }),
        entry.header_bytes(),
    );
    vectors.add(
        "entry_signature",
        json!({ "seed": "01".repeat(32), "message": "entry_header" }),
        entry.signature().as_bytes(),
    );
    vectors.add(
        "commitment",
        json!({ "salt": hex(entry.salt().as_bytes()), "header": "entry_header",
                "signature": "entry_signature" }),
        entry.commitment().as_bytes(),
    );
    vectors.add(
        "entry_plaintext",
        json!({ "message": "enlace.channel.v1.EntryPlaintext", "padded_to": 576 }),
        entry.to_plaintext(),
    );
}

fn transfer(vectors: &mut Vectors) {
    let request = TransferRequest { device: device("ana-ruiz"), key: vec![0x77; 1216] };
    vectors.add(
        "history_request",
        json!({ "device": device("ana-ruiz").to_string(), "key": "77".repeat(1216) }),
        request.encode(),
    );
    let chain = UnverifiedChain::from_ders(&[&b"leaf"[..], b"issuing"]).unwrap();
    vectors.add(
        "signed_history_request",
        json!({ "request": "history_request", "seed": "01".repeat(32),
                "certificates": [hex(b"leaf"), hex(b"issuing")] }),
        request.sign(&key(1), chain.clone()).encode(),
    );
    let header = TransferHeader {
        device: device("ana-ruiz"),
        request: sha256(&request.encode()),
        length: 118_784,
        hash: [0x55; 32],
        sealed: b"sealed".to_vec(),
    };
    vectors.add(
        "history_transfer",
        json!({ "device": device("ana-ruiz").to_string(), "request": "history_request",
                "length": 118_784, "hash": "55".repeat(32), "sealed": hex(b"sealed") }),
        header.encode(),
    );
    vectors.add(
        "signed_history_transfer",
        json!({ "header": "history_transfer", "seed": "01".repeat(32),
                "certificates": [hex(b"leaf"), hex(b"issuing")] }),
        header.sign(&key(1), chain.clone()).encode(),
    );
    let receipt = TransferReceipt {
        device: device("ana-ruiz"),
        request: sha256(&request.encode()),
        backup: [0x55; 32],
        channels: 2,
        entries: 118,
        refused: 1,
    };
    vectors.add(
        "history_receipt",
        json!({ "device": device("ana-ruiz").to_string(), "request": "history_request",
                "backup": "55".repeat(32), "channels": 2, "entries": 118, "refused": 1 }),
        receipt.encode(),
    );
    vectors.add(
        "signed_history_receipt",
        json!({ "receipt": "history_receipt", "seed": "01".repeat(32),
                "certificates": [hex(b"leaf"), hex(b"issuing")] }),
        receipt.sign(&key(1), chain).encode(),
    );
}

fn consent(vectors: &mut Vectors) {
    let statement = Statement {
        subject: Subject::Authority("bia@mpf.example".parse().unwrap()),
        authorities_version: 2,
        answer: Some(Answer::Yes),
    };
    vectors.add(
        "statement",
        json!({ "subject": 1, "whom": "bia@mpf.example", "authorities_version": 2, "answer": 1 }),
        statement.encode(),
    );
    let mut salts = (0x40..).map(|byte| Salt::from_bytes([byte; 16]));
    let entry = StatementDraft {
        channel: CHANNEL,
        generation: Generation(0),
        author: &device("luis"),
        client_id: CLIENT_ID,
        local_time: NOW,
        time_zone: "Europe/Madrid".parse().unwrap(),
        parent: None,
        known_head: None,
        statement: &statement,
    }
    .sign(&key(1), || salts.next().unwrap());
    let consent = wire::ConsentEvidence { entry: Some(entry.to_wire()), mandate: Vec::new() };
    let evidence = Some(wire::evidence::Evidence::Consent(consent));
    vectors.add(
        "consent_evidence",
        json!({ "message": "enlace.channel.v1.Evidence", "seed": "01".repeat(32),
                "consent": { "author": device("luis").to_string(), "kind": 13, "handling": 1,
                             "channel": CHANNEL.to_string(), "generation": 0,
                             "client_id": CLIENT_ID.to_string(), "local_time": NOW.as_millis(),
                             "time_zone": "Europe/Madrid", "parent": "00".repeat(32),
                             "known_head": "", "salt": "41".repeat(16),
                             "parts": [{ "kind": 12, "salt": "40".repeat(16),
                                         "content": "statement" }] } }),
        wire::Evidence { evidence }.encode_to_vec(),
    );
}

fn forum_entries(vectors: &mut Vectors) {
    let author = device("ana-ruiz");
    let draft = |text: &'static str, parent: Option<Commitment>| NoteDraft {
        channel: CHANNEL,
        generation: Generation(0),
        author: &author,
        client_id: CLIENT_ID,
        local_time: NOW,
        time_zone: "Europe/Madrid".parse().unwrap(),
        handling: HandlingCode::H1,
        restriction: None,
        parent,
        known_head: None,
        text,
    };
    let salt = || Salt::from_bytes([0x33; 16]);
    let input = |kind: u64, parent: &str, part: Value| {
        json!({ "channel": CHANNEL.to_string(), "generation": 0, "author": author.to_string(),
                "client_id": CLIENT_ID.to_string(), "local_time": NOW.as_millis(),
                "time_zone": "Europe/Madrid", "kind": kind, "handling": 2, "parent": parent,
                "known_head": "", "parts": [part] })
    };
    let text = |text: &str| json!({ "kind": 1, "salt": "33".repeat(16), "text": text });
    let none = "00".repeat(32);
    let question = draft("¿Qué plazo?", None).sign_as(EntryKind::Question, &key(1), salt).unwrap();
    let asked = input(14, &none, text("¿Qué plazo?"));
    vectors.add("question_header", asked, question.header_bytes());
    vectors.add(
        "question_commitment",
        json!({ "salt": "33".repeat(16), "header": "question_header", "signed_by_seed": "01".repeat(32) }),
        question.commitment().as_bytes(),
    );
    let asked = Some(question.commitment());
    let answer = draft("Diez días", asked).sign_as(EntryKind::Answer, &key(1), salt).unwrap();
    let answered = input(15, "question_commitment", text("Diez días"));
    vectors.add("answer_header", answered, answer.header_bytes());
    let pin = draft("", asked).sign_pin(true, &key(1), salt).unwrap();
    let pinned = json!({ "kind": 16, "salt": "33".repeat(16), "content": "01" });
    vectors.add("pin_header", input(18, "question_commitment", pinned), pin.header_bytes());
}

fn envelope(vectors: &mut Vectors, head: &enlace_log::QuotedHead) {
    let payload_hash = PayloadHash::of(b"payload");
    vectors.add("payload_hash", json!({ "payload": hex(b"payload") }), payload_hash.as_bytes());
    let list: DeviceList = [device("ana-ruiz"), device("luis")].into_iter().collect();
    let names: Vec<String> = list.iter().map(ToString::to_string).collect();
    vectors.add("device_list", json!({ "devices": names }), list.hash().as_bytes());
    let welcomes = WelcomesHash::of(&[(device("luis"), b"welcome")]);
    vectors.add(
        "welcomes",
        json!([{ "device": device("luis").to_string(), "welcome": hex(b"welcome") }]),
        welcomes.as_bytes(),
    );
    let entry = Envelope {
        channel: CHANNEL,
        generation: Generation(0),
        kind: ItemKind::Entry,
        author: device("ana-ruiz").into(),
        client_id: CLIENT_ID,
        submit_counter: SubmitCounter(7),
        fence: Some(Seq(5)),
        last_valid_commit: Some(Seq(4)),
        commitment: Commitment([0x55; 32]),
        list_hash: ListHash::NONE,
        welcomes_hash: WelcomesHash::NONE,
        payload_hash,
    };
    let common = json!({ "channel": CHANNEL.to_string(), "generation": 0,
        "device": device("ana-ruiz").to_string(), "client_id": CLIENT_ID.to_string(),
        "submit_counter": 7, "payload_hash": "payload_hash" });
    let with = |more: Value| {
        let mut all = common.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        Value::Object(all)
    };
    vectors.add(
        "envelope_of_entry",
        with(json!({ "kind": 1, "fence": 5, "last_valid_commit": 4,
                     "commitment": "55".repeat(32) })),
        entry.encode(),
    );
    travelling(vectors, "envelope_of_entry", &entry);
    vectors.add(
        "aad_of_entry",
        json!({ "envelope": "envelope_of_entry", "known_head": "" }),
        entry.aad(None),
    );
    let commit = Envelope {
        kind: ItemKind::Commit,
        fence: None,
        last_valid_commit: None,
        commitment: Commitment::NONE,
        list_hash: list.hash(),
        welcomes_hash: welcomes,
        ..entry
    };
    vectors.add(
        "envelope_of_commit",
        with(json!({ "kind": 2, "fence": "none", "last_valid_commit": "none",
                     "list_hash": "device_list", "welcomes_hash": "welcomes" })),
        commit.encode(),
    );
    travelling(vectors, "envelope_of_commit", &commit);
    let succession = Envelope {
        kind: ItemKind::Succession,
        fence: Some(Seq(5)),
        last_valid_commit: Some(Seq(4)),
        welcomes_hash: WelcomesHash::NONE,
        ..commit.clone()
    };
    vectors.add(
        "envelope_of_succession",
        with(json!({ "kind": 7, "fence": 5, "last_valid_commit": 4,
                     "list_hash": "device_list" })),
        succession.encode(),
    );
    vectors.add(
        "aad_of_commit",
        json!({ "envelope": "envelope_of_commit", "known_head": "quoted_head" }),
        commit.aad(Some(head)),
    );
    vectors.add(
        "outer_signature",
        json!({ "seed": "01".repeat(32), "message": "envelope_of_commit" }),
        commit.sign(&key(1)).as_bytes(),
    );
}

/// The message in which an envelope travels, with its payload and after that was erased: one
/// encoding of those that protobuf allows.
fn travelling(vectors: &mut Vectors, name: &str, envelope: &Envelope) {
    for (form, payload) in [("travelling", Some(&b"payload"[..])), ("travelling_erased", None)] {
        let message = envelope.to_wire(payload.is_some());
        let read = Envelope::from_wire(CHANNEL, &message, payload).unwrap();
        assert_eq!(read.encode(), envelope.encode());
        let payload = hex(payload.unwrap_or_default());
        vectors.add(
            &format!("{name}_{form}"),
            json!({ "envelope": name, "payload": payload }),
            message.encode_to_vec(),
        );
    }
}

fn control(vectors: &mut Vectors) {
    let leaf = LeafHash::of(&[0x66; 4], &[0x77; 32], &[0x88; 5]);
    vectors.add(
        "leaf",
        json!({ "encryption_key": "66".repeat(4), "signature_key": "77".repeat(32),
                "certificate": "88".repeat(5) }),
        leaf.as_bytes(),
    );
    let leave = Leave { channel: CHANNEL, generation: Generation(0), device: device("luis"), leaf };
    vectors.add(
        "leave",
        json!({ "channel": CHANNEL.to_string(), "generation": 0,
                "device": device("luis").to_string(), "leaf": "leaf" }),
        leave.encode(),
    );
    let stranded = Stranded {
        channel: CHANNEL,
        generation: Generation(0),
        device: device("luis"),
        leaf: Some(leaf),
        since: Seq(11),
        key_package: vec![0x99; 6],
        share_key: vec![0xab; 4],
    };
    vectors.add(
        "stranded",
        json!({ "channel": CHANNEL.to_string(), "generation": 0,
                "device": device("luis").to_string(), "leaf": "leaf", "since": 11,
                "key_package": "99".repeat(6), "share_key": "ab".repeat(4) }),
        stranded.encode(),
    );
    vectors.add(
        "stranded_without_a_leaf",
        json!({ "channel": CHANNEL.to_string(), "generation": 0,
                "device": device("luis").to_string(), "since": 11,
                "key_package": "99".repeat(6), "share_key": "ab".repeat(4) }),
        Stranded { leaf: None, ..stranded }.encode(),
    );
    let shared = SharedEntries {
        chains: vec![[vec![0x30; 3], vec![0x31; 3]]],
        entries: vec![(Seq(12), 0, vec![0x0a; 4])],
    };
    vectors.add(
        "shared_entries",
        json!({ "certificates": [["30".repeat(3), "31".repeat(3)]],
                "entries": [{ "seq": 12, "certificates": 0, "entry": "0a".repeat(4) }] }),
        shared.encode(),
    );
    let (from, to) = (Seq(12), Seq(14));
    vectors.add(
        "history_share_purpose",
        json!({ "channel": CHANNEL.to_string(), "device": device("luis").to_string(),
                "from": 12, "to": 14 }),
        HistoryShare::purpose(CHANNEL, &device("luis"), (from, to)),
    );
    let share = HistoryShare { device: device("luis"), from, to, sealed: vec![0x5e; 5] };
    vectors.add(
        "history_share",
        json!({ "device": device("luis").to_string(), "from": 12, "to": 14,
                "sealed": "5e".repeat(5) }),
        share.encode(),
    );
    vectors.add(
        "key_package",
        json!({ "message": "99".repeat(6) }),
        KeyPackageHash::of(&[0x99; 6]).as_bytes(),
    );
    let contest = Contest { channel: CHANNEL, generation: Generation(0), commit: Seq(12) };
    vectors.add(
        "contest",
        json!({ "channel": CHANNEL.to_string(), "generation": 0, "commit": 12 }),
        contest.encode(),
    );
    let erased = vec![(Seq(7), PayloadHash([0xcd; 32])), (Seq(9), PayloadHash([0xef; 32]))];
    let tombstone = Tombstone { channel: CHANNEL, generation: Generation(0), erased };
    vectors.add(
        "tombstone",
        json!({ "channel": CHANNEL.to_string(), "generation": 0,
                "erased": [{ "seq": 7, "payload_hash": "cd".repeat(32) },
                           { "seq": 9, "payload_hash": "ef".repeat(32) }] }),
        tombstone.encode(),
    );
    let founding = FoundingHash::of(&[0x99; 6], &[0xaa; 32]);
    vectors.add(
        "founding",
        json!({ "group_context": "99".repeat(6), "epoch_authenticator": "aa".repeat(32) }),
        founding.as_bytes(),
    );
    let welcome = b"welcome".to_vec();
    let succession = Succession {
        channel: CHANNEL,
        generation: Generation(1),
        founding,
        suite: 0x004D,
        leaves: [(device("luis"), leaf)].into(),
        welcome,
    };
    vectors.add(
        "succession",
        json!({ "channel": CHANNEL.to_string(), "generation": 1, "founding": "founding",
                "suite": 0x004D, "leaves": [{ "device": device("luis").as_str(), "leaf": "leaf" }],
                "welcome": hex(b"welcome") }),
        succession.encode(),
    );
    vectors.add(
        "group_id",
        json!({ "channel": CHANNEL.to_string(), "generation": 0 }),
        group_id(CHANNEL, Generation(0)).as_bytes(),
    );
}

fn policy(vectors: &mut Vectors) {
    let owner = device("ana-ruiz").officer().clone();
    let case = NewCase {
        channel: CHANNEL,
        owner: owner.clone(),
        title: "Operación Faro".into(),
        case_reference: Some("DP 123/2026".into()),
        legal_basis: "Art. 18".into(),
        default_handling: HandlingCode::H1,
        hub: "fge.example".parse().unwrap(),
        bundle_hash: enlace_identity::bundle::BundleHash::from_bytes([0xbb; 32]),
    };
    let forum = case.clone().into_policy_of(ChannelKind::Forum).unwrap().edit().unwrap();
    let forum = forum.role(&"bia@mpf.example".parse().unwrap(), Role::Guide).finish().unwrap();
    vectors.add(
        "forum_policy",
        json!({ "policy": "policy", "kind": 2, "role_of_bia": 4 }),
        forum.encode(),
    );
    let policy = case.into_policy().unwrap();
    let policy =
        policy.edit().unwrap().role(&"bia@mpf.example".parse().unwrap(), Role::Lead).finish();
    vectors.add(
        "policy",
        json!({ "message": "enlace.channel.v1.Policy", "rules_version": 1,
                "channel": CHANNEL.to_string(), "generation": 0, "kind": 1,
                "title": "Operación Faro",
                "case_references": [{ "authority": "fge.example", "reference": "DP 123/2026" }],
                "legal_basis": "Art. 18", "default_handling": 2, "retention": [],
                "hub": "fge.example",
                "roles": [{ "officer": owner.to_string(), "role": 1 },
                          { "officer": "bia@mpf.example", "role": 2 }],
                "bundle_hash": "bb".repeat(32), "authorities_version": 2 }),
        policy.as_ref().unwrap().encode(),
    );
    let expelled = Founding {
        expulsion: Some(Expulsion {
            authority: "mpf.example".parse().unwrap(),
            consents: vec![b"an entry".to_vec()],
        }),
        ..Founding::of_all(Seq(4), FoundingReason::Expulsion)
    };
    vectors.add(
        "policy_after_an_expulsion",
        json!({ "policy": "policy", "generation": 1, "predecessor": 4, "authorities_version": 3,
                "founding": { "reason": 3, "expelled": "mpf.example",
                              "consents": [hex(b"an entry")] } }),
        policy.as_ref().unwrap().succeed(expelled).unwrap().encode(),
    );
    let founding = Founding::of_all(Seq(4), FoundingReason::Renewal);
    vectors.add(
        "policy_of_the_next_group",
        json!({ "policy": "policy", "generation": 1, "predecessor": 4, "founding": { "reason": 1 } }),
        policy.as_ref().unwrap().succeed(founding).unwrap().encode(),
    );
    let moved = policy.as_ref().unwrap().at_hub(&"mpf.example".parse().unwrap()).unwrap();
    vectors.add(
        "policy_after_a_move",
        json!({ "policy": "policy", "hub": "mpf.example", "creating_hub": "fge.example" }),
        moved.encode(),
    );
    let closed = policy.unwrap().edit().unwrap().closed(true).finish().unwrap();
    vectors.add("closed_policy", json!({ "policy": "policy", "closed": true }), closed.encode());
}

fn identity(vectors: &mut Vectors) {
    let domain: Domain = "fge.example".parse().unwrap();
    let validity = Validity::starting(NOW, 3650 * DAY);
    let serial = |byte| Serial::from_random([byte; 16]);
    let root = Root::create(&domain, key(2), validity, &serial(1)).unwrap();
    let issuing = root.issue_ca(&key(3).public(), validity, &serial(2)).unwrap();
    let issuing = IssuingCa::load(&domain, root.certificate(), &issuing, key(3)).unwrap();
    let leaf = |name: LeafName, seed, byte| -> UnverifiedChain {
        let approval = Approval {
            common_name: "Ana Ruiz Peña".into(),
            name,
            validity: Validity::starting(NOW, 365 * DAY),
            serial: serial(byte),
        };
        issuing.issue_for_key(&key(seed).public(), &approval).unwrap()
    };
    vectors.add(
        "root_certificate",
        json!({ "seed": "02".repeat(32), "domain": "fge.example" }),
        root.certificate().as_bytes(),
    );
    vectors.add(
        "issuing_certificate",
        json!({ "seed": "03".repeat(32), "issuer": "root_certificate" }),
        issuing.certificate().as_bytes(),
    );
    let device_chain = leaf(LeafName::Device(device("ana-ruiz")), 1, 3);
    vectors.add(
        "device_certificate",
        json!({ "seed": "01".repeat(32), "issuer": "issuing_certificate",
                "name": device("ana-ruiz").to_string() }),
        device_chain.leaf().as_bytes(),
    );

    let list = issuing
        .revocation_list(&RevocationContent {
            number: 7,
            validity: Validity::starting(NOW, 30 * DAY),
            revoked: vec![(serial(3), NOW)],
        })
        .unwrap();
    vectors.add(
        "revocation_list",
        json!({ "issuer": "issuing_certificate", "number": 7, "this_update": NOW.as_millis(),
                "next_update": NOW.plus(30 * DAY).as_millis(), "revoked": ["device_certificate"] }),
        list.to_bytes(),
    );
    let revocation =
        wire::RevocationEvidence { device: device("ana-ruiz").to_string(), list: list.to_bytes() };
    let evidence = Some(wire::evidence::Evidence::Revocation(revocation));
    vectors.add(
        "revocation_evidence",
        json!({ "message": "enlace.channel.v1.Evidence",
                "revocation": { "device": device("ana-ruiz").to_string(),
                                "list": "revocation_list" } }),
        wire::Evidence { evidence }.encode_to_vec(),
    );

    let mut bundle = SignedBundle::create(BundleContent {
        network: "Red de fiscales".into(),
        version: 1,
        previous: None,
        threshold: 1,
        validity: Validity::starting(NOW, 365 * DAY),
        authorities: vec![AuthorityContent {
            domain: domain.clone(),
            country: "ES".into(),
            name: "Fiscalía General".into(),
            roots: vec![root.certificate().clone()],
        }],
        former: Vec::new(),
    })
    .unwrap();
    bundle.sign(&domain, &key(2)).unwrap();
    let content = bundle.unverified_content().unwrap().encode();
    let input = json!({ "network": "Red de fiscales", "version": 1, "threshold": 1,
        "not_before": NOW.as_millis(), "not_after": NOW.plus(365 * DAY).as_millis(),
        "authorities": [{ "domain": "fge.example", "country": "ES", "name": "Fiscalía General",
                          "roots": ["root_certificate"] }] });
    vectors.add("bundle", input, content);
    vectors.add("bundle_hash", json!({ "bundle": "bundle" }), bundle.hash().as_bytes());
    vectors.add(
        "signed_bundle",
        json!({ "bundle": "bundle", "signed_by_seed": "02".repeat(32) }),
        bundle.encode(),
    );

    let first = bundle.open(&bundle.hash()).unwrap();
    let mut next = SignedBundle::create(BundleContent {
        network: "Red de fiscales y jueces".into(),
        version: 2,
        previous: Some(first.hash()),
        ..first.content().clone()
    })
    .unwrap();
    next.sign_after(&first, &domain, &key(2)).unwrap();
    vectors.add(
        "next_signed_bundle",
        json!({ "network": "Red de fiscales y jueces", "version": 2, "previous": "bundle_hash",
                "otherwise": "bundle", "signed_by_seed": "02".repeat(32) }),
        next.encode(),
    );
    let second = next.open_after(&first).unwrap();
    let new_domain: Domain = "fiscalia.example".parse().unwrap();
    let new_root = Root::create(&new_domain, key(8), validity, &serial(8)).unwrap();
    let mut renamed = SignedBundle::create(BundleContent {
        version: 3,
        previous: Some(second.hash()),
        authorities: vec![AuthorityContent {
            domain: new_domain.clone(),
            roots: vec![new_root.certificate().clone()],
            ..second.content().authorities[0].clone()
        }],
        former: vec![FormerContent {
            domain: domain.clone(),
            authority: new_domain.clone(),
            roots: vec![root.certificate().clone()],
            until: NOW.plus(90 * DAY),
        }],
        ..second.content().clone()
    })
    .unwrap();
    renamed.sign_after(&second, &domain, &key(2)).unwrap();
    renamed.sign_after(&second, &new_domain, &key(8)).unwrap();
    renamed.open_after(&second).unwrap();
    let new_certificate = new_root.certificate().as_bytes();
    vectors.add("new_root_certificate", json!({ "domain": "fiscalia.example" }), new_certificate);
    vectors.add(
        "renamed_signed_bundle",
        json!({ "version": 3, "previous": second.hash().to_string().replace(' ', ""),
                "otherwise": "next_signed_bundle",
                "authorities": [{ "domain": "fiscalia.example", "country": "ES",
                                  "name": "Fiscalía General", "roots": ["new_root_certificate"] }],
                "former": [{ "domain": "fge.example", "authority": "fiscalia.example",
                             "roots": ["root_certificate"],
                             "until": NOW.plus(90 * DAY).as_millis() }],
                "signed_by_seeds": ["02".repeat(32), "08".repeat(32)] }),
        renamed.encode(),
    );
    let evidence = wire::BundleEvidence { bundles: vec![next.encode()] };
    let evidence = Some(wire::evidence::Evidence::Bundle(evidence));
    vectors.add(
        "bundle_evidence",
        json!({ "message": "enlace.channel.v1.Evidence",
                "bundle": { "bundles": ["next_signed_bundle"] } }),
        wire::Evidence { evidence }.encode_to_vec(),
    );

    let statement = SuspensionStatement {
        domain: domain.clone(),
        serial: 3,
        issued_at: NOW,
        not_after: NOW.plus(14 * DAY),
        suspended: vec![
            "eva@fge.example".parse().unwrap(),
            device("ana-ruiz").to_string().parse().unwrap(),
        ],
    };
    vectors.add(
        "suspensions",
        json!({ "domain": "fge.example", "serial": 3, "issued_at": NOW.as_millis(),
                "not_after": NOW.plus(14 * DAY).as_millis(),
                "suspended": ["eva@fge.example", device("ana-ruiz").to_string()] }),
        statement.encode(),
    );
    let chain = leaf(LeafName::Service("d1.duty.fge.example".parse().unwrap()), 5, 5);
    let signed = SignedSuspensions::sign(&statement, &key(5), chain).unwrap();
    vectors.add(
        "signed_suspensions",
        json!({ "statement": "suspensions", "signed_by_seed": "05".repeat(32) }),
        signed.encode(),
    );
    let mandate = Mandate {
        channel: CHANNEL.0,
        officer: "luis@fge.example".parse().unwrap(),
        serial: 4,
        not_after: NOW.plus(30 * DAY),
    };
    vectors.add(
        "stand_in_mandate",
        json!({ "channel": CHANNEL.to_string(), "officer": "luis@fge.example", "serial": 4,
                "not_after": NOW.plus(30 * DAY).as_millis() }),
        mandate.encode(),
    );
    let chain = leaf(LeafName::Service("d1.duty.fge.example".parse().unwrap()), 5, 5);
    let signed_mandate = SignedMandate::sign(&mandate, &key(5), chain);
    vectors.add(
        "signed_stand_in_mandate",
        json!({ "mandate": "stand_in_mandate", "signed_by_seed": "05".repeat(32) }),
        signed_mandate.encode(),
    );
    let consent = wire::ConsentEvidence { entry: None, mandate: signed_mandate.encode() };
    let evidence = Some(wire::evidence::Evidence::Consent(consent));
    vectors.add(
        "mandate_evidence",
        json!({ "message": "enlace.channel.v1.Evidence",
                "consent": { "mandate": "signed_stand_in_mandate" } }),
        wire::Evidence { evidence }.encode_to_vec(),
    );
    let chain = leaf(LeafName::Service("h1.head.fge.example".parse().unwrap()), 6, 6);
    let confirmation = ErasureConfirmation {
        channel: CHANNEL,
        tombstone: Seq(9),
        chain: ChainHash([0x44; 32]),
        erased: vec![(Seq(3), PayloadHash([0x33; 32])), (Seq(7), PayloadHash([0x77; 32]))],
        at: NOW,
        signer: HeadSigner(*chain.leaf().fingerprint().as_bytes()),
    };
    vectors.add(
        "erasure_confirmation",
        json!({ "channel": CHANNEL.to_string(), "tombstone": 9, "chain": "44".repeat(32),
                "erased": [{ "seq": 3, "payload_hash": "33".repeat(32) },
                           { "seq": 7, "payload_hash": "77".repeat(32) }],
                "at": NOW.as_millis(), "signer": hex(&confirmation.signer.0) }),
        confirmation.encode(),
    );
    let confirmed = confirmation.sign(&key(6), chain);
    vectors.add(
        "signed_erasure_confirmation",
        json!({ "confirmation": "erasure_confirmation", "signed_by_seed": "06".repeat(32) }),
        confirmed.encode(),
    );
    vectors.add(
        "erasure_confirmations",
        json!({ "confirmations": ["signed_erasure_confirmation"] }),
        Confirmations::take_from(&mut vec![confirmed]).encode(),
    );
    let suspension = wire::SuspensionEvidence {
        device: device("ana-ruiz").to_string(),
        statement: signed.encode(),
    };
    let evidence = Some(wire::evidence::Evidence::Suspension(suspension));
    vectors.add(
        "suspension_evidence",
        json!({ "message": "enlace.channel.v1.Evidence",
                "suspension": { "device": device("ana-ruiz").to_string(),
                                "statement": "signed_suspensions" } }),
        wire::Evidence { evidence }.encode_to_vec(),
    );

    let record = EndpointRecord {
        domain,
        version: 1,
        validity: Validity::starting(NOW, 90 * DAY),
        relays: vec![RelayEndpoint {
            name: "r1.relay.fge.example".parse().unwrap(),
            addresses: vec![RelayAddress { host: "192.0.2.7".parse().unwrap(), port: 4433 }],
        }],
    };
    vectors.add(
        "endpoint_record",
        json!({ "domain": "fge.example", "version": 1, "not_before": NOW.as_millis(),
                "not_after": NOW.plus(90 * DAY).as_millis(),
                "relays": [{ "name": "r1.relay.fge.example",
                             "addresses": [{ "host": "192.0.2.7", "port": 4433 }] }] }),
        record.encode(),
    );
    let chain = leaf(LeafName::Service("e1.endpoint.fge.example".parse().unwrap()), 4, 4);
    let signed = SignedEndpointRecord::sign(&record, &key(4), chain).unwrap();
    vectors.add(
        "signed_endpoint_record",
        json!({ "record": "endpoint_record", "signed_by_seed": "04".repeat(32) }),
        signed.encode(),
    );
}
