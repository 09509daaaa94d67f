//! What is withdrawn is in no file of an honest device or relay.

use std::path::{Path, PathBuf};

use enlace_client::Client;
use enlace_client::notice::Notice;
use enlace_log::Seq;
use enlace_tests::officer::{logged, note};
use enlace_tests::{ANA, BEN, CID, Case, DORA};
use rusqlite::Connection;

use crate::traces::{any_holds, files, holds, pages};

const READ: &str = "la testigo vive en la calle Ocampo 14";
const UNREAD: &str = "y trabaja en el mercado de la plaza";

/// What a relay stores of an item: the beginning of its ciphertext.
fn ciphertext(directory: &Path, seq: Seq) -> Vec<u8> {
    let is_database = |path: &PathBuf| path.file_name().is_some_and(|name| name == "relay.db");
    let database = files(directory).into_iter().find(is_database).unwrap();
    let connection = Connection::open(database).unwrap();
    let sql = "SELECT substr(payload, 1, 64) FROM items WHERE seq = ?1";
    connection.query_row(sql, [i64::try_from(seq.0).unwrap()], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_content_is_in_no_file() {
    let mut case = Case::with_four().await;
    let channel = case.channel;
    let post = |text: &str| case.officers[ANA].post(channel, text);
    let read = case.officers[ANA].accepted(post(READ)).await.unwrap();
    for officer in &case.officers {
        officer.reads(channel, READ).await;
    }
    case.officers[DORA].go_offline().await;
    let asked = case.officers[ANA].post(channel, UNREAD);
    let unread = case.officers[ANA].accepted(asked).await.unwrap();
    case.officers[CID].reads(channel, UNREAD).await;
    let mut traces = vec![READ.as_bytes().to_vec(), UNREAD.as_bytes().to_vec()];
    for seq in [read, unread] {
        let [one, other] = [0, 1].map(|at: usize| ciphertext(case.places[at].directory(), seq));
        assert_eq!((one.len(), &one), (64, &other));
        traces.push(one);
    }
    for who in [ANA, BEN, CID] {
        assert!(holds(&pages(&case.officers[who].profile_dir()), READ.as_bytes()));
    }
    for seq in [read, unread] {
        let ana = &case.officers[ANA];
        ana.accepted(ana.client().withdraw(channel, seq, note("")).unwrap()).await;
    }
    let is_erased = |client: &Client| {
        let views = logged(client, channel);
        let erased = views.iter().filter(|v| v.erased.is_some() && v.erased_at_relays.is_some());
        (erased.count() == 2).then_some(())
    };
    for who in [ANA, BEN, CID] {
        case.officers[who].until("erasure", is_erased).await;
    }
    for at in [0, 1] {
        case.stop_relay(at).await;
        for trace in &traces {
            assert!(!any_holds(case.places[at].directory(), trace), "relay {at}");
        }
    }
    for who in [ANA, BEN, CID] {
        let pages = pages(&case.officers[who].profile_dir());
        for trace in &traces {
            assert!(!holds(&pages, trace), "officer {who}: {}", String::from_utf8_lossy(trace));
        }
    }
    // Who was away erases what it had read, and is told of what it had not.
    for at in [0, 1] {
        case.start_relay(at).await;
    }
    case.officers[DORA].go_online();
    let ana = case.officers[ANA].device().clone();
    case.officers[DORA]
        .is_told(channel, "an erasure", |row| match &row.notice {
            Notice::ErasedUnread { author, place, .. } if *place == unread.0 => {
                (*author == ana).then_some(())
            }
            _ => None,
        })
        .await;
    let gone = |client: &Client| {
        let erased = logged(client, channel).iter().any(|v| v.erased.is_some());
        erased.then_some(())
    };
    case.officers[DORA].until("erasure", gone).await;
    let pages = pages(&case.officers[DORA].profile_dir());
    for trace in &traces {
        assert!(!holds(&pages, trace), "Dora: {}", String::from_utf8_lossy(trace));
    }
    case.assert_healthy().await;
}
