//! Every command that a guide in docs/guides shows is one that the program understands.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the program exits with when it does not understand its arguments.
const USAGE: i32 = 2;

#[test]
fn every_command_of_the_guides_is_understood() {
    let guides = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides");
    let home = tempfile::tempdir().unwrap();
    let mut commands = BTreeSet::new();
    for guide in fs::read_dir(guides).unwrap() {
        let text = fs::read_to_string(guide.unwrap().path()).unwrap();
        commands.extend(commands_of(&text).map(str::to_owned));
    }
    assert!(commands.len() > 50, "{commands:?}");
    let misunderstood: Vec<_> =
        commands.iter().filter(|command| run(command, home.path()) == Some(USAGE)).collect();
    assert!(misunderstood.is_empty(), "{misunderstood:#?}");
}

/// What stands between backticks and begins with the program's name.
fn commands_of(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("enlace "))
}

/// There is no device in `home`, so that nothing can come of a command that is understood.
fn run(command: &str, home: &Path) -> Option<i32> {
    let command = command.replacen("enlace", "exec \"$ENLACE\"", 1);
    let mut shell = Command::new("sh");
    shell.args(["-c", &command]).current_dir(home).env_clear();
    shell.env("ENLACE", env!("CARGO_BIN_EXE_enlace")).env("HOME", home);
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.status().unwrap().code()
}
