//! The command line and the configuration.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

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
