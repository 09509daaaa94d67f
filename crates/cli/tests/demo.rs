//! `enlace demo`, as somebody runs it who has just built it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, Output};

use serde_json::Value;

/// What must be among the checks, whatever else is.
const CHECKS: [&str; 10] = [
    "delivered_both_ways",
    "second_device_reads",
    "survived_relay_stop",
    "intruder_refused",
    "revoked_officer_cut",
    "revoked_device_removed",
    "record_in_same_order",
    "case_closed",
    "relay_holds_no_plaintext",
    "openssl_verifies_certificates",
];

fn demo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_enlace"));
    command.arg("demo").args(arguments).output().expect("the program runs")
}

#[test]
fn every_check_holds_and_the_network_stays_where_it_was_asked_for() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("training");
    let output = demo(&["--json", "--notes", "100", "--dir", dir.to_str().unwrap()]);
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert_eq!(err, "", "programs read standard output alone");

    let report: Value = serde_json::from_str(&out).expect("one object and nothing else");
    let checks = report["checks"].as_array().unwrap();
    for name in CHECKS {
        let check = checks.iter().find(|check| check["name"] == name).expect(name);
        assert_eq!(check["ok"], true, "{check}");
    }
    assert!(checks.iter().all(|check| check["ok"] == true), "{report}");
    let latency = &report["post_to_arrival_ms"];
    assert_eq!(latency["notes"], 100);
    assert!(latency["p50"].as_f64().unwrap() <= latency["p99"].as_f64().unwrap());
    for left in ["passphrase", "network/network.bundle", "officers/ana-ruiz/profile.toml"] {
        assert!(dir.join(left).is_file(), "{left}");
    }

    let again = demo(&["--json", "--dir", dir.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(1), "what is there is left alone");
    assert!(again.stdout.is_empty());
}

#[test]
fn too_few_notes_measure_nothing() {
    let output = demo(&["--notes", "99"]);
    assert_eq!(output.status.code(), Some(2));
}
