//! Runs every command of docs/TUTORIAL.md, in order.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::net::UdpSocket;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const TUTORIAL: &str = include_str!("../../../docs/TUTORIAL.md");

/// Whoever needs longer hangs.
const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn the_tutorial_works() {
    let place = tempfile::tempdir().unwrap();
    let programs = programs(place.path());
    let path = format!("{}:{}", programs, std::env::var("PATH").unwrap());
    let script = place.path().join("tutorial.sh");
    fs::write(&script, script_of(TUTORIAL)).unwrap();
    let log = place.path().join("log");
    let output = fs::File::create(&log).unwrap();
    let child = Command::new("sh")
        .arg(&script)
        .current_dir(place.path())
        .env("PATH", path)
        .env("LC_ALL", "C.UTF-8")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let succeeded = succeeds(child);
    let log = fs::read_to_string(&log).unwrap();
    assert!(succeeded, "{log}");
}

/// The commands, each block announced, on ports that are free.
fn script_of(tutorial: &str) -> String {
    let mut script = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n".to_owned();
    for (index, block) in blocks(tutorial).iter().enumerate() {
        script += &format!("echo '== block {index}'\n{block}");
    }
    // Both are held until both are chosen.
    let sockets = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    let ports = sockets.each_ref().map(|socket| socket.local_addr().unwrap().port().to_string());
    script.replace("4433", &ports[0]).replace("4434", &ports[1])
}

/// The blocks marked `sh`; those marked otherwise are not to be run.
fn blocks(tutorial: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in tutorial.lines() {
        match (&mut open, line) {
            (None, "```sh") => open = Some(String::new()),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), line) => *block += &format!("{line}\n"),
            (None, _) => {}
        }
    }
    assert!(open.is_none() && blocks.len() > 10);
    blocks
}

/// A directory with both programs. The relay is inside `enlace` too.
fn programs(place: &Path) -> String {
    let directory = place.join("bin");
    fs::create_dir(&directory).unwrap();
    let enlace = env!("CARGO_BIN_EXE_enlace");
    symlink(enlace, directory.join("enlace")).unwrap();
    let relay = directory.join("enlace-relay");
    fs::write(&relay, format!("#!/bin/sh\nexec '{enlace}' relay \"$@\"\n")).unwrap();
    fs::set_permissions(&relay, Permissions::from_mode(0o755)).unwrap();
    directory.to_str().unwrap().to_owned()
}

/// Waits for the script, and ends it and all that it started if it takes too long.
fn succeeds(mut child: Child) -> bool {
    let group = format!("-{}", child.id());
    let (ended, end) = mpsc::sync_channel(1);
    let waiting = std::thread::spawn(move || {
        let succeeded = child.wait().unwrap().success();
        ended.send(()).unwrap();
        succeeded
    });
    let in_time = end.recv_timeout(LIMIT).is_ok();
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    waiting.join().unwrap() && in_time
}
