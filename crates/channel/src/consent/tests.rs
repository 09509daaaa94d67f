//! One encoding, and nothing else is read.

use enlace_identity::keys::SigningKey;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Generation};

use super::{Answer, Statement, StatementDraft, StatementError, Subject};
use crate::entry::{EntryKind, HandlingCode, NoteDraft, PartKind, Salt, SignedEntry, TimeZone};

fn statement(answer: Option<Answer>) -> Statement {
    let subject = Subject::Authority("bo@mj.example".parse().unwrap());
    Statement { subject, authorities_version: 3, answer }
}

fn signed(statement: &Statement) -> SignedEntry {
    let draft = StatementDraft {
        channel: ChannelId([1; 32]),
        generation: Generation(0),
        author: &"laptop.ana.officer.fge.example".parse().unwrap(),
        client_id: ClientId([2; 16]),
        local_time: Timestamp::from_secs(1_800_000_000),
        time_zone: TimeZone::utc(),
        parent: None,
        known_head: None,
        statement,
    };
    draft.sign(&SigningKey::from_seed([5; 32].into()), || Salt::from_bytes([6; Salt::BYTES]))
}

#[test]
fn a_statement_is_read_back_and_nothing_else() {
    let subjects = [
        Subject::Authority("bo@mj.example".parse().unwrap()),
        Subject::Owner("rui@pgr.example".parse().unwrap()),
    ];
    for subject in subjects {
        for answer in [None, Some(Answer::Yes), Some(Answer::No)] {
            let statement = Statement { subject: subject.clone(), authorities_version: 7, answer };
            let bytes = statement.encode();
            assert_eq!(Statement::decode(&bytes), Ok(statement));
            for cut in 0..bytes.len() {
                assert!(Statement::decode(&bytes[..cut]).is_err());
            }
            assert!(Statement::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
    }
    let bytes = statement(None).encode();
    for (place, value) in [(bytes.len() - 1, 3), (30, 0), (30, 9), (35, b'B')] {
        let mut bytes = bytes.clone();
        bytes[place] = value;
        assert!(Statement::decode(&bytes).is_err(), "{place}");
    }
}

#[test]
fn the_kind_of_the_entry_says_whether_it_asks_or_answers() {
    for (answer, kind) in [
        (None, EntryKind::Proposal),
        (Some(Answer::Yes), EntryKind::Consent),
        (Some(Answer::No), EntryKind::Consent),
    ] {
        let statement = statement(answer);
        let entry = signed(&statement);
        assert_eq!(entry.header().kind, kind);
        assert_eq!(entry.parts()[0].kind(), PartKind::Statement);
        assert_eq!(Statement::of(&entry), Ok(statement));
        assert_eq!(Statement::of(&entry.without_part(0)), Err(StatementError::Parts));
    }
}

#[test]
fn a_note_is_no_statement() {
    let draft = NoteDraft {
        channel: ChannelId([1; 32]),
        generation: Generation(0),
        author: &"laptop.ana.officer.fge.example".parse().unwrap(),
        client_id: ClientId([2; 16]),
        local_time: Timestamp::from_secs(1_800_000_000),
        time_zone: TimeZone::utc(),
        handling: HandlingCode::H1,
        restriction: None,
        parent: None,
        known_head: None,
        text: "yes",
    };
    let note = draft.sign(&SigningKey::from_seed([5; 32].into()), || Salt::from_bytes([6; 16]));
    assert_eq!(Statement::of(&note.unwrap()), Err(StatementError::Kind));
}
