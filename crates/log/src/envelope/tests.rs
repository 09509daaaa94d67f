use super::*;

const PAYLOAD: &[u8] = b"payload";

fn envelope(kind: ItemKind) -> Envelope {
    let (is_entry, is_commit) = (kind == ItemKind::Entry, kind == ItemKind::Commit);
    let has_list = kind.is_change();
    let author = match kind {
        ItemKind::HubStatement => "r1.relay.a.example",
        _ => "laptop.ana.officer.a.example",
    };
    Envelope {
        channel: ChannelId([1; 32]),
        generation: Generation(7),
        kind,
        author: author.parse().unwrap(),
        client_id: ClientId([2; 16]),
        submit_counter: SubmitCounter(3),
        fence: Some(Seq(0)),
        last_valid_commit: None,
        commitment: if is_entry { Commitment([5; 32]) } else { Commitment::NONE },
        list_hash: if has_list { ListHash([6; 32]) } else { ListHash::NONE },
        welcomes_hash: if is_commit { WelcomesHash([7; 32]) } else { WelcomesHash::NONE },
        payload_hash: PayloadHash::of(PAYLOAD),
    }
}

#[test]
fn what_travels_is_put_together_again() {
    for envelope in ItemKind::ALL.map(envelope) {
        assert_eq!(Envelope::decode(&envelope.encode()).as_ref(), Ok(&envelope));
        for payload in [Some(PAYLOAD), None] {
            let travels = envelope.to_wire(payload.is_some());
            let read = Envelope::from_wire(envelope.channel, &travels, payload);
            assert_eq!(read.as_ref(), Ok(&envelope));
        }
    }
}

#[test]
fn another_channel_or_payload_makes_another_envelope() {
    let genuine = envelope(ItemKind::Entry);
    let travels = genuine.to_wire(true);
    let elsewhere = Envelope::from_wire(ChannelId([9; 32]), &travels, Some(PAYLOAD)).unwrap();
    let other = Envelope::from_wire(genuine.channel, &travels, Some(b"other")).unwrap();
    assert_ne!(elsewhere.encode(), genuine.encode());
    assert_ne!(other.encode(), genuine.encode());
}

#[test]
fn what_no_author_would_have_sent_is_refused() {
    type Alter = fn(&mut wire::Envelope);
    let refused = |kind, payload: Option<&[u8]>, alter: Alter, field| {
        let mut travels = envelope(kind).to_wire(payload.is_some());
        alter(&mut travels);
        let read = Envelope::from_wire(ChannelId([1; 32]), &travels, payload);
        assert_eq!(read, Err(DecodeError::Value(field)), "{kind:?}");
    };
    let entry: [(&str, Alter); 13] = [
        ("kind", |e| e.kind = 0),
        ("kind", |e| e.kind = 99),
        ("author", |e| e.author.clear()),
        ("author", |e| e.author = "r1.relay.a.example".to_owned()),
        ("client_id", |e| e.client_id.truncate(15)),
        ("fence", |e| e.fence = Some(MAX_SEQ + 1)),
        ("last_valid_commit", |e| e.last_valid_commit = Some(u64::MAX)),
        ("commitment", |e| e.commitment.clear()),
        ("commitment", |e| e.commitment = vec![0; 32].into()),
        ("commitment", |e| e.commitment = vec![1; 33].into()),
        ("list_hash", |e| e.list_hash = vec![1; 32].into()),
        ("welcomes_hash", |e| e.welcomes_hash = vec![1; 32].into()),
        ("payload_hash", |e| e.payload_hash = PayloadHash::of(PAYLOAD).0.to_vec().into()),
    ];
    for (field, alter) in entry {
        refused(ItemKind::Entry, Some(PAYLOAD), alter, field);
    }
    refused(ItemKind::Entry, None, |e| e.payload_hash.clear(), "payload_hash");
    refused(ItemKind::Commit, Some(PAYLOAD), |e| e.list_hash.clear(), "list_hash");
    refused(ItemKind::Commit, Some(PAYLOAD), |e| e.commitment = vec![1; 32].into(), "commitment");
    refused(ItemKind::Succession, Some(PAYLOAD), |e| e.list_hash.clear(), "list_hash");
    let welcomed: Alter = |e| e.welcomes_hash = vec![1; 32].into();
    refused(ItemKind::Succession, Some(PAYLOAD), welcomed, "welcomes_hash");
    let officer: Alter = |e| e.author = "laptop.ana.officer.a.example".to_owned();
    refused(ItemKind::HubStatement, Some(PAYLOAD), officer, "author");
}
