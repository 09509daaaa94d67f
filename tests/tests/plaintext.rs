//! What relays hold of a case: nothing of what was said in it, in no script and no writing; not in
//! their stores, nor in the most talkative log that they can be made to write.
//!
//! A process of its own, so that the log is of this case alone.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::sync::Mutex;

use enlace_channel::entry::HandlingCode;
use enlace_channel::policy::Role;
use enlace_cli::plaintext::{Searcher, Writing};
use enlace_client::engine::{NewChannel, NewNote};
use enlace_tests::officer::note;
use enlace_tests::{ANA, Case};

const TITLE: &str = "Operación Faro – trata de personas";
const REFERENCE: &str = "DP 4711/2026-ñ";
const LEGAL_BASIS: &str = "Convenio del Consejo de Europa sobre ciberdelincuencia, art. 26";
const RESTRICTION: &str = "Solo para la fiscal Ruiz Gómez";

const NOTES: [&str; 9] = [
    "La testigo V-07 llega el jueves a Núñez de Balboa",
    "A criança está em segurança, não digam a ninguém",
    "Η μάρτυρας φτάνει την Πέμπτη το πρωί",
    "Свидетель прибудет в четверг утром",
    "الشاهدة تصل صباح يوم الخميس",
    "证人将于星期四上午抵达机场",
    "העדה מגיעה ביום חמישי בבוקר",
    "plain letters alone, with no accents at all",
    "🚢🚢🚢 the ship leaves at dawn",
];

#[tokio::test(flavor = "multi_thread")]
async fn relays_hold_nothing_of_what_was_said() {
    let logs = tempfile::tempdir().unwrap();
    let log = logs.path().join("relays.log");
    tracing_subscriber::fmt()
        .with_env_filter("trace")
        .with_ansi(false)
        .with_writer(Mutex::new(File::create(&log).unwrap()))
        .init();

    let mut case = Case::opened_by_ana().await;
    let ana = case.officers[ANA].client();
    case.channel = ana
        .create_channel(NewChannel {
            title: TITLE.to_owned(),
            case_reference: Some(REFERENCE.to_owned()),
            legal_basis: LEGAL_BASIS.to_owned(),
            default_handling: HandlingCode::H1,
        })
        .unwrap();
    let ben = case.join_in(0, "ben").await;
    let cid = case.join_in(1, "cid").await;
    case.admit(ANA, ben, Role::Member).await;
    case.admit(ANA, cid, Role::Lead).await;
    let restricted = NewNote {
        handling: Some(HandlingCode::H3),
        restriction: Some(RESTRICTION.to_owned()),
        ..note(NOTES[0])
    };
    let asked = case.officers[ANA].client().post(case.channel, restricted).unwrap();
    case.officers[ANA].accepted(asked).await;
    for (index, text) in NOTES.iter().enumerate().skip(1) {
        let author = &case.officers[[ANA, ben, cid][index % 3]];
        author.accepted(author.post(case.channel, text)).await;
    }
    for text in NOTES {
        for officer in &case.officers {
            officer.reads(case.channel, text).await;
        }
    }
    // Whatever goes wrong is logged, too.
    case.stop_relay(1).await;
    let late = case.officers[cid].post(case.channel, "said while the relay was away");
    case.start_relay(1).await;
    case.officers[cid].accepted(late).await;
    case.assert_healthy().await;

    let said = [TITLE, REFERENCE, LEGAL_BASIS, RESTRICTION, "said while the relay was away"];
    let secrets: Vec<String> = said.iter().chain(&NOTES).map(ToString::to_string).collect();
    let searcher = Searcher::new(&secrets).unwrap();
    let searched = |when: &str| {
        for place in &case.places {
            let (found, files) = searcher.search(place.directory()).unwrap();
            assert!(found.is_empty(), "{when}: {found:?}");
            assert!(files >= 2, "{when}: a store and more in {files} files");
        }
        let (found, files) = searcher.search(logs.path()).unwrap();
        assert!(found.is_empty(), "{when}: {found:?}");
        assert_eq!(files, 1);
    };
    searched("while the relays run");
    for relay in case.relays.each_mut().map(Option::take).into_iter().flatten() {
        relay.stop().await;
    }
    searched("when they have stopped");
    let written = std::fs::read_to_string(&log).unwrap();
    assert!(written.contains("enlace_relay") && written.contains("pc.cid.officer.b.example"));

    // The search would find it: each text, in each writing, between the relay's own files.
    for (index, secret) in secrets.iter().enumerate() {
        for writing in Writing::all() {
            let planted = case.places[1].path("data/planted");
            let around = [&b"\x00SQLite"[..], &writing.of(secret), b"\xff\n"].concat();
            std::fs::write(&planted, around).unwrap();
            let (found, _) = searcher.search(case.places[1].directory()).unwrap();
            assert_eq!(found.len(), 1, "{secret} as {writing:?}");
            assert_eq!((found[0].text, &found[0].file), (index, &planted));
            std::fs::remove_file(planted).unwrap();
        }
    }
}
