//! The program, its processes and its report, with counts that measure nothing.

#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn a_tiny_run_of_w1_reports_every_figure() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("report.json");
    let done = Command::new(env!("CARGO_BIN_EXE_enlace-bench"))
        .args(["--tiny", "--only", "w1", "--json"])
        .arg(&json)
        .arg("--dir")
        .arg(dir.path())
        .output()
        .unwrap();
    let (table, errors) =
        (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{errors}");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let results = report["results"].as_array().unwrap();
    assert_eq!(table.lines().count(), results.len() + 2, "machine, heading, a line for each");
    let cpu = results.iter().find(|row| row["figure"] == "burst: relay CPU per delivery").unwrap();
    assert_eq!(cpu["workload"], "W1");
    let number = |key: &str| cpu[key].as_f64().unwrap();
    assert!(number("value") > 0.0 && number("baseline") > 0.0);
    assert!((number("ratio") - number("value") / number("baseline")).abs() < 1e-9);
    assert!(cpu["ok"].is_boolean());
    let left = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 1, "stores and keys are gone; only the report is left");
}

#[test]
fn an_unknown_workload_is_named() {
    let done =
        Command::new(env!("CARGO_BIN_EXE_enlace-bench")).args(["--only", "W99"]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).contains("no workload is called W99"));
}
