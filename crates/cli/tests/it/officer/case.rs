//! A case by commands alone, between processes: two relays, three officers.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use enlace_cli::training::{Program, RelayProcess, TrainingNetwork, TrainingOfficer};
use serde_json::Value;

use crate::support::{Ran, enlace_in};

/// Whoever needs longer hangs.
const LIMIT: Duration = Duration::from_secs(60);

struct Scene {
    network: TrainingNetwork,
    relays: Vec<RelayProcess>,
    place: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let program = Program::new(env!("CARGO_BIN_EXE_enlace"));
        let network = TrainingNetwork::create(&place.path().join("net"), &program).unwrap();
        Self { network, relays: Vec::new(), place }
    }

    fn start_relays(&mut self) {
        self.relays = [0, 1].map(|index| self.network.start_relay(index).unwrap()).into();
    }

    fn officer(&self, index: usize) -> Officer<'_> {
        Officer { scene: self, officer: &self.network.officers()[index] }
    }

    fn path(&self) -> &Path {
        self.place.path()
    }
}

#[derive(Clone, Copy)]
struct Officer<'a> {
    scene: &'a Scene,
    officer: &'a TrainingOfficer,
}

impl Officer<'_> {
    fn address(&self) -> String {
        self.officer.address().to_string()
    }

    fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let profile = self.officer.profile_dir().to_str().unwrap().to_owned();
        let passphrase = self.scene.network.passphrase_file().to_str().unwrap().to_owned();
        let own = ["--profile".into(), profile, "--passphrase-file".into(), passphrase];
        arguments.iter().map(|argument| (*argument).to_owned()).chain(own).collect()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, "")
    }

    fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let arguments = self.arguments(arguments);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        enlace_in(self.scene.path(), &arguments, input)
    }

    /// Every line that was printed, as JSON.
    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let ran = self.run(&[arguments, &["--json"]].concat()).succeeded();
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut lines = self.lines(arguments);
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }

    fn accepted(&self, arguments: &[&str]) -> Value {
        let outcome = self.json(&[arguments, &["--wait"]].concat());
        assert_eq!(outcome["state"], "accepted", "{outcome}");
        outcome
    }

    fn sync(&self) {
        let synced = self.json(&["sync"]);
        assert_eq!(
            (&synced["caught_up"], &synced["pending"]),
            (&true.into(), &Value::Array(vec![]))
        );
    }

    fn texts(&self, channel: &str) -> Vec<String> {
        let entries = self.lines(&["read", channel]);
        entries.iter().map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
    }

    fn follow(&self, channel: &str) -> Following {
        let arguments = self.arguments(&["read", channel, "--follow", "--json"]);
        let mut child = Command::new(env!("CARGO_BIN_EXE_enlace"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::sync_channel(64);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Following { child, lines }
    }
}

/// `read --follow` at work.
struct Following {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Following {
    fn next_text(&self) -> String {
        let line = self.lines.recv_timeout(LIMIT).unwrap();
        let entry: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(entry["state"], "logged");
        entry["text"].as_str().unwrap().to_owned()
    }

    /// Asks it to stop, and returns its exit status.
    fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const RIVER: &str = "Operación Río";

#[test]
fn what_is_asked_for_without_a_relay_waits_and_is_sent_once() {
    let mut scene = Scene::new();
    let ana = scene.officer(0);
    let opened = ana.json(&["channel", "new", RIVER, "--case-reference", "DP 118/2026"]);
    assert_eq!(opened["state"], "queued");
    let id = opened["channel"].as_str().unwrap();
    let note = ["post", RIVER, "Primera nota", "--id", "6f9619ff-8b86-d011-b42d-00c04fc964ff"];
    for _ in 0..2 {
        let posted = ana.json(&note);
        assert_eq!((&posted["state"], &posted["channel"]), (&"queued".into(), &id.into()));
        assert_eq!(posted["client_id"], "6f9619ff8b86d011b42d00c04fc964ff");
    }
    let waiting = ana.lines(&["read", &id[..8]]);
    assert_eq!(waiting.len(), 1);
    assert_eq!((&waiting[0]["state"], &waiting[0]["seq"]), (&"queued".into(), &Value::Null));
    let human = ana.run(&["read", RIVER, "--language", "es"]).succeeded().stdout;
    assert!(human.contains("Primera nota") && human.contains("aún no aceptado"), "{human}");

    let waited = ana.json(&["post", RIVER, "Segunda nota", "--wait", "--timeout", "1"]);
    assert_eq!(waited["state"], "queued");
    assert!(ana.run(&["sync", "--timeout", "1"]).failed_with("enlace doctor").code == Some(1));
    let doctor = ana.run(&["doctor", "--json"]);
    assert_eq!(doctor.code, Some(1));
    let diagnosis: Value = serde_json::from_str(&doctor.stdout).unwrap();
    let findings = diagnosis["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["code"] == "udp-no-answer"), "{diagnosis}");

    scene.start_relays();
    let ana = scene.officer(0);
    ana.sync();
    assert_eq!(ana.json(&note)["state"], "queued", "nothing was connected to ask");
    assert_eq!(ana.accepted(&note)["seq"], 1);
    assert_eq!(ana.texts(RIVER), ["Primera nota", "Segunda nota"]);
    assert_eq!(ana.json(&["doctor"])["ok"], true);
}

#[test]
fn officers_of_two_authorities_write_to_each_other_by_commands() {
    let mut scene = Scene::new();
    scene.start_relays();
    let [ana, tomas, beatriz] = [0, 1, 2].map(|index| scene.officer(index));
    for officer in [tomas, beatriz] {
        officer.sync();
    }
    ana.accepted(&["channel", "new", RIVER]);
    let add = |officer: Officer<'_>, role| {
        let address = officer.address();
        ana.accepted(&["channel", "add", RIVER, &address, "--role", role]);
    };
    add(tomas, "observer");
    add(beatriz, "lead");
    ana.accepted(&[
        "post",
        RIVER,
        "Salió a las 04:10",
        "--handling",
        "H3",
        "--restriction",
        "Solo JIT",
    ]);
    for officer in [tomas, beatriz] {
        officer.sync();
    }

    let following = beatriz.follow(RIVER);
    assert_eq!(following.next_text(), "Salió a las 04:10");
    let lines = "línea 1\nlínea 2\n\nlínea 3\n";
    let posted = ana.run_with_input(&["post", RIVER, "--lines", "--json", "--wait"], lines);
    let posted: Vec<Value> =
        posted.succeeded().stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(posted.len(), 4, "one for each note, and the summary");
    assert_eq!((&posted[3]["accepted"], &posted[3]["queued"]), (&3.into(), &0.into()));
    for text in ["línea 1", "línea 2", "línea 3"] {
        assert_eq!(following.next_text(), text);
    }
    assert_eq!(following.stop(), Some(0));
    beatriz.run_with_input(&["post", RIVER, "-", "--wait"], "Recibido.\nObrigada.\n").succeeded();

    tomas.sync();
    let entries = tomas.lines(&["read", RIVER]);
    assert_eq!(entries.len(), 5);
    assert_eq!(
        (&entries[0]["handling"], &entries[0]["restriction"]),
        (&"H3".into(), &"Solo JIT".into())
    );
    assert_eq!(entries[4]["text"], "Recibido.\nObrigada.");
    assert_eq!(entries[4]["author"], beatriz.address());
    let order: Vec<u64> = entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert!(order.is_sorted_by(|a, b| a < b), "{order:?}");
    assert_eq!(tomas.lines(&["read", RIVER, "--last", "2"]), entries[3..]);
    tomas.run(&["post", RIVER, "¿Puedo?"]).failed_with("as an observer");

    beatriz.run(&["channel", "renew", RIVER]).failed_with("only the owner");
    ana.accepted(&["channel", "renew", RIVER]);
    beatriz.accepted(&["post", RIVER, "Con claves nuevas"]);
    beatriz.accepted(&["channel", "renew", RIVER, "--poisoned"]);
    tomas.sync();
    assert_eq!(tomas.texts(RIVER).last().map(String::as_str), Some("Con claves nuevas"));
    ana.accepted(&["post", RIVER, "Con otras"]);
    assert_eq!(beatriz.accepted(&["post", RIVER, "Y todo sigue"])["state"], "accepted");

    let shown = ana.json(&["channel", "show", "río"]);
    let comparison = &shown["comparison"];
    let roles: Vec<_> = shown["members"].as_array().unwrap().iter().map(|m| &m["role"]).collect();
    assert_eq!(roles, ["owner", "lead", "observer"], "by address");
    assert_eq!(beatriz.json(&["channel", "show", RIVER])["comparison"], *comparison);
    another_relay_is_voted_for(ana, beatriz);
}

/// Beatriz's authority alone cannot move what Ana's relay orders.
fn another_relay_is_voted_for(ana: Officer<'_>, beatriz: Officer<'_>) {
    let [own, hers] = [ana, beatriz].map(|officer| officer.officer.address().domain().to_string());
    let moving = ["channel", "move", RIVER];
    let view = beatriz.json(&moving);
    assert_eq!((&view["hub"], &view["wanted"]), (&own.clone().into(), &Value::Null));
    ana.run(&[&moving[..], &["--to", &own]].concat()).failed_with(&own);
    let view = beatriz.json(&[&moving[..], &["--to", &hers]].concat());
    assert_eq!(view["wanted"], hers);
    let proposal = &view["proposals"][0];
    assert_eq!((&proposal["to"], &proposal["needed"]), (&hers.into(), &1.into()));
    assert_eq!(proposal["voters"], serde_json::json!([beatriz.address()]));
    assert_eq!(proposal["missing"], serde_json::json!([own]));
    let view = beatriz.json(&[&moving[..], &["--cancel"]].concat());
    assert_eq!((&view["wanted"], view["proposals"].as_array().unwrap().len()), (&Value::Null, 0));
    beatriz.run(&[&moving[..], &["--cancel"]].concat()).failed_with("");
}

#[test]
fn members_change_roles_leave_and_are_removed() {
    let mut scene = Scene::new();
    scene.start_relays();
    let [ana, tomas, beatriz] = [0, 1, 2].map(|index| scene.officer(index));
    tomas.sync();
    ana.accepted(&["channel", "new", RIVER]);
    let (her, his) = (beatriz.address(), tomas.address());
    let waiting = ana.run(&["channel", "add", RIVER, &her, "--wait", "--timeout", "2"]).succeeded();
    assert!(waiting.stderr.contains("has been connected once"), "{}", waiting.stderr);

    ana.accepted(&["channel", "add", RIVER, &his]);
    ana.run(&["channel", "add", RIVER, &his]).failed_with("in this channel already");
    ana.run(&["channel", "add", RIVER, "eva@other.example"])
        .failed_with("no authority of this network");
    ana.run(&["channel", "remove", RIVER, "eva@fge.example"]).failed_with("not in this channel");
    ana.run(&["channel", "leave", RIVER]).failed_with("cannot leave");
    tomas.sync();
    tomas.run(&["channel", "remove", RIVER, &ana.address()]).failed_with("only a lead");
    ana.accepted(&["channel", "role", RIVER, &his, "lead"]);
    tomas.sync();
    assert_eq!(tomas.json(&["channel", "show", RIVER])["members"][1]["role"], "lead");

    tomas.accepted(&["channel", "leave", RIVER]);
    beatriz.sync();
    ana.sync();
    let notices = ana.lines(&["read", RIVER, "--notices"]);
    assert!(notices.iter().any(|notice| notice["notice"] == "leave_requested"), "{notices:?}");
    ana.run(&["read", "Mar"]).failed_with("no channel of yours");
    ana.json(&["channel", "new", "Operación Mar"]);
    ana.run(&["read", "operación"]).failed_with("several channels");
    assert_eq!(ana.json(&["channel", "list"])["channels"].as_array().unwrap().len(), 2);
}

#[test]
fn a_case_is_closed_and_opened_again() {
    let mut scene = Scene::new();
    scene.start_relays();
    let [ana, tomas] = [0, 1].map(|index| scene.officer(index));
    tomas.sync();
    ana.accepted(&["channel", "new", RIVER]);
    ana.accepted(&["channel", "add", RIVER, &tomas.address()]);
    ana.accepted(&["post", RIVER, "antes"]);
    tomas.sync();
    tomas.run(&["channel", "close", RIVER]).failed_with("only the owner");

    ana.accepted(&["channel", "close", RIVER]);
    tomas.sync();
    assert_eq!(tomas.json(&["channel", "show", RIVER])["closed"], true);
    let shown = tomas.run(&["channel", "show", RIVER]).succeeded();
    assert!(shown.stdout.contains("(member, closed)"), "{}", shown.stdout);
    for officer in [&ana, &tomas] {
        let refused = officer.run(&["post", RIVER, "después"]).failed_with("this case is closed");
        assert!(refused.stderr.contains("enlace channel reopen"), "{}", refused.stderr);
    }
    ana.run(&["channel", "add", RIVER, "eva@fge.example"]).failed_with("nobody comes in");
    assert_eq!(tomas.texts(RIVER), ["antes"]);
    let told = tomas.run(&["read", RIVER, "--notices"]).succeeded();
    assert!(told.stdout.contains("closed the case"), "{}", told.stdout);

    ana.accepted(&["channel", "reopen", RIVER]);
    tomas.sync();
    tomas.accepted(&["post", RIVER, "otra vez"]);
    ana.sync();
    assert_eq!(ana.texts(RIVER), ["antes", "otra vez"]);
}

#[test]
fn a_second_device_is_let_in_from_the_first_and_out_again() {
    let mut scene = Scene::new();
    scene.start_relays();
    let phone = scene.network.enrol_device(0, &scene.network.officers()[0], "phone").unwrap();
    let [ana, tomas] = [0, 1].map(|index| scene.officer(index));
    let phone = Officer { scene: &scene, officer: &phone };
    tomas.sync();
    ana.accepted(&["channel", "new", RIVER]);
    ana.accepted(&["channel", "add", RIVER, &tomas.address()]);
    ana.run(&["device", "add", "laptop"]).failed_with("that you are using");
    let waiting = ana.json(&["device", "add", "phone"]);
    assert_eq!(waiting["devices"][1]["waiting"].as_array().unwrap().len(), 1);
    // It has to have been connected once.
    phone.sync();
    ana.sync();
    phone.sync();
    let devices = ana.json(&["device", "list"]);
    assert_eq!(devices["devices"][1]["channels"].as_array().unwrap().len(), 1);
    tomas.sync();
    tomas.accepted(&["post", RIVER, "a las dos"]);
    for device in [&ana, &phone] {
        device.sync();
        assert_eq!(device.texts(RIVER), ["a las dos"]);
    }
    phone.accepted(&["post", RIVER, "desde el teléfono"]);
    tomas.sync();
    assert_eq!(tomas.texts(RIVER), ["a las dos", "desde el teléfono"]);
    let told = tomas.run(&["read", RIVER, "--notices"]).succeeded();
    assert!(told.stdout.contains("let another device in"), "{}", told.stdout);
    assert!(ana.run(&["device", "list"]).succeeded().stdout.contains("this one, channels: 1"));

    ana.sync();
    ana.json(&["device", "remove", "phone"]);
    ana.sync();
    phone.sync();
    phone.run(&["post", RIVER, "ya no"]).failed_with("no longer a member");
}
