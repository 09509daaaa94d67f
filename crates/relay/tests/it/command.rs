//! The command line and the configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use enlace_identity::issue::CertificateRequest;
use enlace_identity::names::ServiceKind;
use enlace_transport::{CloseCode, Expected, Lost, Target};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::support::{Device, Network, TestChannel, soon};

fn relay(arguments: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_enlace-relay"))
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn init_makes_what_check_then_misses() {
    let directory = tempfile::tempdir().unwrap();
    let hash = "ab".repeat(32);
    let arguments = ["init", "--dir", "r", "--name", "r1.relay.a.example", "--bundle-hash", &hash];
    let made = relay(&arguments, directory.path());
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("r/relay.csr"));
    for file in ["relay.key", "relay.csr", "head.key", "head.csr", "relay.toml"] {
        assert!(directory.path().join("r").join(file).is_file(), "{file}");
    }
    let again = relay(&arguments, directory.path());
    assert_eq!(again.status.code(), Some(1), "nothing is replaced");
    assert!(text(&again.stderr).contains("relay.key exists already"));

    let checked = relay(&["check", "--config", "r/relay.toml", "--json"], directory.path());
    assert_eq!(checked.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["relay"], "r1.relay.a.example");
    let places: Vec<&str> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["place"].as_str().unwrap())
        .collect();
    for missing in ["r/relay.pem", "r/head.pem", "r/network.bundle"] {
        assert!(places.contains(&missing), "{missing} is missing in {places:?}");
    }
}

#[test]
fn an_address_without_a_port_is_a_wrong_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["init", "--dir", "r", "--name", "r1.relay.a.example", "--listen", "127.0.0.1"];
    assert_eq!(relay(&arguments, directory.path()).status.code(), Some(2));
    assert!(!directory.path().join("r").exists(), "nothing is made");
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let hash = "ab".repeat(32);
    let made = relay(
        &["init", "--dir", "r", "--name", "r1.relay.a.example", "--bundle-hash", &hash],
        directory.path(),
    );
    assert!(made.status.success());
    let key = directory.path().join("r/relay.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let checked = relay(&["check", "--config", "r/relay.toml"], directory.path());
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked.stderr).contains("others may read this file"));
}

#[test]
fn a_configuration_that_is_misspelt_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let base = "[relay]\nname = \"r1.relay.a.example\"\n[head]\n[network]\nbundle_hash = \"00\"\n";
    for (wrong, complaint) in [
        (base.to_owned(), "64 hexadecimal digits"),
        (base.replace("[head]", "[head]\ncolour = 3"), "colour"),
        (base.replace("r1.relay", "r1.head"), "not a relay's name"),
        (base.to_owned() + "[limits]\nconnections = 0\n", "bundle_hash"),
        ("[relay".to_owned(), "relay"),
    ] {
        fs::write(directory.path().join("relay.toml"), wrong).unwrap();
        let checked = relay(&["check"], directory.path());
        assert_eq!(checked.status.code(), Some(1));
        assert!(text(&checked.stderr).contains(complaint), "{}", text(&checked.stderr));
    }
    let unknown = relay(&["dance"], directory.path());
    assert_eq!(unknown.status.code(), Some(2));
    let missing = relay(&["run", "--config", "nowhere.toml"], directory.path());
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("Hint: "));
}

/// A directory as `init` makes it, filled with what registrar and secretariat hand over.
struct Installed {
    network: Network,
    directory: TempDir,
}

impl Installed {
    fn new() -> Self {
        let network = Network::new(&["a.example", "b.example"]);
        let directory = tempfile::tempdir().unwrap();
        let hash = network.signed.hash().to_string();
        let made = relay(
            &[
                "init",
                "--dir",
                "r",
                "--name",
                "r1.relay.a.example",
                "--listen",
                "127.0.0.1:0",
                "--bundle-hash",
                &hash,
            ],
            directory.path(),
        );
        assert!(made.status.success(), "{}", text(&made.stderr));
        let installed = Self { network, directory };
        let authority = &installed.network.authorities[0];
        for (stem, kind) in [("relay", ServiceKind::Relay), ("head", ServiceKind::Head)] {
            let request = installed.read(&format!("{stem}.csr"));
            let request = CertificateRequest::from_pem(&request).unwrap();
            let chain = authority.approve(&request, "r1", kind);
            installed.write(&format!("{stem}.pem"), chain.to_pem().as_bytes());
        }
        installed.write("network.bundle", &installed.network.signed.encode());
        installed.write("own.endpoint", &authority.endpoint_record(4433));
        for (index, list) in authority.lists(1, &[]).iter().enumerate() {
            installed.write(&format!("crls/{index}.crl"), list);
        }
        let other = installed.network.authorities[1].endpoint_record(4434);
        installed.write("endpoints/b.endpoint", &other);
        installed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("r").join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
    }

    fn check(&self) -> (Option<i32>, serde_json::Value) {
        let checked =
            relay(&["check", "--config", "r/relay.toml", "--json"], self.directory.path());
        (checked.status.code(), serde_json::from_slice(&checked.stdout).unwrap())
    }
}

#[test]
fn a_complete_directory_passes_the_check() {
    let installed = Installed::new();
    let (code, report) = installed.check();
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["ok"], true);
    assert_eq!(report["network"], "test");
    assert_eq!(report["problems"].as_array().unwrap().len(), 0, "{report}");
}

#[test]
fn the_check_names_each_thing_that_is_wrong() {
    type Break = fn(&Installed);
    let broken: [(Break, &str, &str); 7] = [
        (|i| i.write("relay.pem", i.read("head.pem").as_bytes()), "relay.pem", "head"),
        (|i| i.write("head.pem", i.read("relay.pem").as_bytes()), "head.pem", "relay"),
        (
            |i| fs::copy(i.path("head.key"), i.path("relay.key")).map(drop).unwrap(),
            "relay.pem",
            "key",
        ),
        (|i| i.write("network.bundle", b"no bundle"), "network.bundle", "not a network bundle"),
        (|i| fs::remove_file(i.path("crls/0.crl")).unwrap(), "relay.pem", "revocation list"),
        (
            |i| i.write("own.endpoint", &fs::read(i.path("endpoints/b.endpoint")).unwrap()),
            "own.endpoint",
            "b.example",
        ),
        (|i| i.write("crls/9.crl", b"no list"), "crls/9.crl", "not a revocation list"),
    ];
    for (break_it, place, complaint) in broken {
        let installed = Installed::new();
        break_it(&installed);
        let (_, report) = installed.check();
        let problems = report["problems"].as_array().unwrap();
        let found = problems.iter().any(|problem| {
            problem["place"].as_str().unwrap().ends_with(place)
                && problem["message"].as_str().unwrap().contains(complaint)
        });
        assert!(found, "{place}: {complaint}: {report}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_process_serves_and_ends_in_good_order() {
    let installed = Installed::new();
    let mut process = tokio::process::Command::new(env!("CARGO_BIN_EXE_enlace-relay"))
        .args(["run", "--config", "r/relay.toml"])
        .current_dir(installed.directory.path())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
    let serving = loop {
        let line = soon(log.next_line()).await.unwrap().expect("it runs");
        if line.contains("serving") {
            break line;
        }
    };
    let port = serving.rsplit(':').next().unwrap().trim().parse().unwrap();
    let authority = &installed.network.authorities[0];
    let target = Target {
        expected: Expected::Relay(authority.relay_name()),
        addresses: vec![("127.0.0.1".to_owned(), port)],
    };
    let mut ana = Device::new(&installed.network, 0, "ana");
    let anas = ana.connect(&target).await;
    let mut channel = TestChannel::new(1, &authority.domain);
    channel.create(&mut ana, &anas, &[]).await;

    let id = process.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(soon(anas.closed()).await, Lost::ByPeer(CloseCode::Stopping));
    let mut rest = Vec::new();
    while let Some(line) = soon(log.next_line()).await.unwrap() {
        rest.push(line);
    }
    assert!(soon(process.wait()).await.unwrap().success(), "{rest:?}");
    assert!(rest.iter().all(|line| !line.contains("ana")), "no names at this level: {rest:?}");
}
