//! A device's way into the network by invitation, between processes: registrar, relay, device.

use std::path::{Path, PathBuf};

use enlace_cli::training::{Program, RelayProcess, TrainingNetwork};
use serde_json::Value;

use crate::support::{Ran, enlace_in};

struct Scene {
    network: TrainingNetwork,
    relay: Option<RelayProcess>,
    place: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let program = Program::new(env!("CARGO_BIN_EXE_enlace"));
        let network = TrainingNetwork::create(&place.path().join("net"), &program).unwrap();
        Self { network, relay: None, place }
    }

    fn with_relay() -> Self {
        let mut scene = Self::new();
        scene.relay = Some(scene.network.start_relay(0).unwrap());
        scene
    }

    fn domain(&self) -> String {
        self.network.authorities()[0].domain().to_string()
    }

    fn enrolments(&self) -> PathBuf {
        self.network.authorities()[0].relay_dir().join("data/enrolments")
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        enlace_in(self.place.path(), arguments, "")
    }

    fn passphrase(&self) -> [String; 2] {
        let file = self.network.passphrase_file();
        ["--passphrase-file".to_owned(), file.to_str().unwrap().to_owned()]
    }

    fn registrar(&self, command: &[&str]) -> Ran {
        let directory = self.network.authorities()[0].registrar_dir();
        let own = ["--authority", directory.to_str().unwrap()];
        self.run(&[&["--json", "authority"], command, &own].concat())
    }

    /// Invites a new officer.
    fn invite(&self, who: &str, more: &[&str]) -> Ran {
        let (address, out) = (format!("{who}@{}", self.domain()), format!("{who}.invitation"));
        let bundle = self.network.bundle_file();
        let enrolments = self.enrolments();
        let whom =
            ["invite", "--name", &address, "--device", "laptop", "--common-name", "Eva Sanz"];
        let files = ["--bundle", bundle.to_str().unwrap(), "--out", &out];
        let relay = ["--enrolments", enrolments.to_str().unwrap()];
        self.registrar(&[&whom[..], &files, &relay, more].concat())
    }

    fn enrolments_command(&self, more: &[&str]) -> Vec<Value> {
        let (directory, passphrase) = (self.enrolments(), self.passphrase());
        let own = ["enrolments", directory.to_str().unwrap(), &passphrase[0], &passphrase[1]];
        let ran = self.registrar(&[&own[..], more].concat()).succeeded();
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        report["enrolments"].as_array().unwrap().clone()
    }

    fn enroll(&self, profile: &str, invitation: &str) -> Ran {
        let passphrase = self.passphrase();
        let own = ["--profile", profile, &passphrase[0], &passphrase[1]];
        let command = ["--json", "enroll", "--invitation", invitation];
        self.run(&[&command[..], &own].concat())
    }

    /// Enrols, as soon as the relay knows of the invitation.
    fn enroll_at_relay(&self, profile: &str, invitation: &str) -> Value {
        loop {
            let ran = self.enroll(profile, invitation);
            if ran.code == Some(0) {
                return serde_json::from_str(&ran.stdout).unwrap();
            }
            let not_yet = ran.stderr.contains("TLS handshake failed");
            assert!(not_yet, "{}", ran.stderr);
        }
    }
}

fn state(item: &Value) -> (&str, &str) {
    (item["name"].as_str().unwrap(), item["state"].as_str().unwrap())
}

#[test]
fn a_pre_approved_device_enrols_and_connects_and_nobody_is_asked() {
    let scene = Scene::with_relay();
    let invited = scene.invite("eva", &["--pre-approved"]).succeeded();
    let invitation = std::fs::read_to_string(scene.place.path().join("eva.invitation")).unwrap();
    let secret = invitation.lines().nth(3).unwrap();
    assert!(!invited.stdout.contains(secret) && !invited.stderr.contains(secret));

    let waiting = scene.enroll_at_relay("eva", "eva.invitation");
    assert_eq!(waiting["state"], "waiting");
    let device = format!("laptop.eva.officer.{}", scene.domain());
    assert_eq!(state(&scene.enrolments_command(&[])[0]), (&*device, "due"));
    assert_eq!(state(&scene.enrolments_command(&["--issue"])[0]), (&*device, "issued"));
    assert_eq!(state(&scene.enrolments_command(&["--issue"])[0]), (&*device, "answered"));

    let enrolled = scene.enroll_at_relay("eva", "eva.invitation");
    assert_eq!(enrolled["device"], *device);
    assert_eq!(enrolled["bundle_hash"], scene.network.bundle_hash().to_string());
    let passphrase = scene.passphrase();
    let sync = ["--json", "sync", "--profile", "eva", &passphrase[0], &passphrase[1]];
    scene.run(&sync).succeeded();

    // Whoever finds the file later gets nothing by it.
    let second = scene.enroll("thief", "eva.invitation");
    second.failed_with("does not accept this invitation");
    // Neither the relay nor the registrar holds the secret.
    for directory in [scene.enrolments(), scene.network.dir().to_owned()] {
        assert!(!holds(&directory, secret), "{}", directory.display());
    }
}

fn holds(directory: &Path, text: &str) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn without_approval_the_registrar_compares_the_key_first() {
    let scene = Scene::with_relay();
    scene.invite("eva", &[]).succeeded();
    let key = scene.enroll_at_relay("eva", "eva.invitation")["key"].as_str().unwrap().to_owned();
    let waits = scene.enrolments_command(&["--issue"]);
    assert_eq!(
        (waits[0]["state"].as_str(), waits[0]["key"].as_str()),
        (Some("waits"), Some(&*key))
    );
    let (directory, passphrase) = (scene.enrolments(), scene.passphrase());
    let other = key.replace(|digit: char| digit.is_ascii_digit(), "a");
    let own = ["enrolments", directory.to_str().unwrap(), &passphrase[0], &passphrase[1]];
    let refused = scene.registrar(&[&own[..], &["--approve", &other]].concat());
    refused.failed_with("no request has the key");
    assert_eq!(scene.enrolments_command(&["--approve", &key])[0]["state"], "issued");
    assert!(scene.enroll_at_relay("eva", "eva.invitation")["network"].is_string());
}

#[test]
fn the_registrar_refuses_what_no_invitation_of_this_registry_stands_for() {
    let scene = Scene::new();
    scene.invite("eva", &["--pre-approved"]).succeeded();
    scene.invite("eva", &["--pre-approved"]).failed_with("exists already");
    std::fs::remove_file(scene.place.path().join("eva.invitation")).unwrap();
    scene.invite("eva", &[]).failed_with("is invited already");
    scene.invite("rui", &["--until", "2020-01-01"]).failed_with("over already");
    scene.invite("rui", &["--until", "2199-01-01"]).failed_with("ends by");
    let ana = scene.network.officers()[0].address().to_string();
    let ana = ana.split('@').next().unwrap();
    scene.invite(ana, &[]).failed_with("has a certificate");

    let device = format!("laptop.eva.officer.{}", scene.domain());
    let invitations = scene.enrolments().join("invitations");
    let known = || std::fs::read_dir(&invitations).unwrap().count();
    assert_eq!(known(), 1);
    assert_eq!(state(&scene.enrolments_command(&[])[0]), (&*device, "invited"));
    // A relay's operator puts a request there that nobody was invited for, and one that is none.
    let requests = scene.enrolments().join("requests");
    std::fs::create_dir_all(&requests).unwrap();
    std::fs::write(requests.join("00.enrolment"), b"garbage").unwrap();
    let refused = scene.enrolments_command(&["--issue"]);
    assert!(refused.iter().any(|item| item["state"] == "refused"));

    scene.enrolments_command(&["--withdraw", &device]);
    assert_eq!(known(), 0, "the relay knows of it no longer");
    let again = scene.registrar(&["enrolments", "none", "--withdraw", &device]);
    again.failed_with("can be withdrawn");
}

#[test]
fn an_invitation_that_cannot_be_read_makes_no_device() {
    let scene = Scene::new();
    std::fs::write(scene.place.path().join("half"), "-----BEGIN ENLACE INVITATION-----\n").unwrap();
    scene.enroll("eva", "half").failed_with("half cannot be used");
    assert!(!scene.place.path().join("eva").exists());
    // Nobody listens where the relay should be.
    scene.invite("eva", &[]).succeeded();
    scene.enroll("eva", "eva.invitation").failed_with("cannot be reached");
    let both = ["enroll", "--invitation", "a", "--certificate", "b"];
    assert_eq!(scene.run(&both).code, Some(2));
    assert_eq!(scene.run(&["enroll"]).code, Some(2));
}
