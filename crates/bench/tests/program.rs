//! The program, its processes and its report, with counts that measure nothing.

#![allow(clippy::unwrap_used)]

use std::process::{Command, ExitStatus};

/// A report, and what the program said on the way.
struct Run {
    status: ExitStatus,
    table: String,
    report: serde_json::Value,
    /// Files that are left in the directory that it was given.
    left: usize,
}

fn run(arguments: &[&str]) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("report.json");
    let mut bench = Command::new(env!("CARGO_BIN_EXE_enlace-bench"));
    bench.arg("--tiny").args(arguments).arg("--json").arg(&json).arg("--dir").arg(dir.path());
    let done = bench.output().unwrap();
    let report = std::fs::read(json).unwrap();
    assert!(!report.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
    Run {
        status: done.status,
        table: String::from_utf8(done.stdout).unwrap(),
        report: serde_json::from_slice(&report).unwrap(),
        left: std::fs::read_dir(dir.path()).unwrap().count(),
    }
}

#[test]
fn a_tiny_run_of_w1_reports_every_figure() {
    let Run { status, table, report, left } = run(&["--only", "w1"]);
    assert!(status.success(), "a target that is missed is no failure");
    let results = report["results"].as_array().unwrap();
    assert_eq!(table.lines().count(), results.len() + 2, "machine, heading, a line for each");
    let cpu = results.iter().find(|row| row["figure"] == "burst: relay CPU per delivery").unwrap();
    assert_eq!(cpu["workload"], "W1");
    let number = |key: &str| cpu[key].as_f64().unwrap();
    assert!(number("value") > 0.0 && number("baseline") > 0.0);
    assert!((number("ratio") - number("value") / number("baseline")).abs() < 1e-9);
    assert!(cpu["ok"].is_boolean());
    assert_eq!(left, 1, "stores and keys are gone; only the report is left");
}

#[test]
fn a_tiny_run_of_c1_is_checked_by_its_own_report() {
    let Run { status, report, left, .. } = run(&["--only", "C1", "--check"]);
    let results = report["results"].as_array().unwrap();
    let keys = ["workload", "figure", "value", "unit", "baseline", "ratio", "target", "ok"];
    for row in results {
        let row = row.as_object().unwrap();
        assert!(row.keys().all(|key| keys.contains(&key.as_str())) && row.len() == keys.len());
        assert!(row["value"].as_f64().unwrap() > 0.0, "{row:?}");
    }
    let is_missed = results.iter().any(|row| row["ok"] == false);
    assert_eq!(status.code(), Some(i32::from(is_missed)), "--check tells of a missed target");
    assert_eq!(left, 1, "the client's file is gone; only the report is left");
}

#[test]
fn an_unknown_workload_is_named_beside_those_that_exist() {
    let done =
        Command::new(env!("CARGO_BIN_EXE_enlace-bench")).args(["--only", "W99"]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(errors.contains("no workload is called W99"), "{errors}");
    assert!(errors.contains("W1, W2, W3, W4, W5, W6, C1, C2, B1"), "{errors}");
}

#[test]
fn a_report_that_cannot_be_written_is_found_out_before_anything_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_enlace-bench"))
        .args(["--tiny", "--json"])
        .arg(dir.path().join("missing").join("report.json"))
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(errors.contains("report.json cannot be written"), "{errors}");
    assert!(!errors.contains("W1"), "{errors}");
}
