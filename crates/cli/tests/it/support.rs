//! A directory to work in, and running programs in it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const ROOT: [&str; 2] = ["--root-passphrase-file", "root.passphrase"];
pub(crate) const ISSUING: [&str; 2] = ["--passphrase-file", "issuing.passphrase"];

/// A temporary directory with two passphrase files.
pub(crate) struct Place(TempDir);

/// What a program did.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write_private("root.passphrase", "correct horse root\n");
        place.write_private("issuing.passphrase", "battery staple issuing\n");
        place
    }

    /// One with an authority in `fge`.
    pub(crate) fn with_authority() -> Self {
        let place = Self::new();
        place.make_authority("fge", "fge.example", "ES");
        place
    }

    pub(crate) fn make_authority(&self, dir: &str, domain: &str, country: &str) {
        let name = format!("Fiscalía de {country}");
        let init =
            ["authority", "init", dir, "--domain", domain, "--name", &name, "--country", country];
        self.enlace(&[&init[..], &ROOT, &ISSUING].concat()).succeeded();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn write_private(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::Permissions::from_mode(0o600);
            fs::set_permissions(self.path(name), mode).unwrap();
        }
    }

    pub(crate) fn enlace(&self, arguments: &[&str]) -> Ran {
        self.run(Path::new(env!("CARGO_BIN_EXE_enlace")), arguments, "")
    }

    /// Runs the relay that this program holds, as `enlace-relay` does.
    pub(crate) fn relay(&self, arguments: &[&str]) -> Ran {
        self.enlace(&[&["relay", "--"], arguments].concat())
    }

    /// Runs with `--json`, and reads the one object that was printed.
    pub(crate) fn enlace_json(&self, arguments: &[&str]) -> Value {
        let ran = self.enlace(&[&["--json"], arguments].concat()).succeeded();
        assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    pub(crate) fn openssl(&self, arguments: &[&str]) -> Ran {
        self.run(Path::new("openssl"), arguments, "")
    }

    /// A request as any program may write it; `extensions` are OpenSSL's `-addext`.
    pub(crate) fn request(&self, file: &str, common_name: &str, extensions: &[&str]) {
        let key = format!("{file}.key");
        self.openssl(&["genpkey", "-algorithm", "ED25519", "-out", &key]).succeeded();
        self.request_for_key(&key, file, common_name, extensions);
    }

    pub(crate) fn request_for_key(
        &self,
        key: &str,
        file: &str,
        common_name: &str,
        extensions: &[&str],
    ) {
        let subject = format!("/CN={common_name}");
        let mut arguments = vec!["req", "-new", "-utf8", "-key", key, "-subj", &subject];
        for extension in extensions {
            arguments.extend(["-addext", extension]);
        }
        arguments.extend(["-out", file]);
        self.openssl(&arguments).succeeded();
    }

    fn run(&self, program: &Path, arguments: &[&str], input: &str) -> Ran {
        run_in(self.0.path(), program, arguments, input)
    }
}

/// Runs the built program in a directory.
pub(crate) fn enlace_in(place: &Path, arguments: &[&str], input: &str) -> Ran {
    run_in(place, Path::new(env!("CARGO_BIN_EXE_enlace")), arguments, input)
}

fn run_in(place: &Path, program: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(place)
        .env_remove("NO_COLOR")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that doesn't read its input may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ran::from(child.wait_with_output().unwrap())
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// It failed, with that on standard error, and printed no data.
    #[track_caller]
    pub(crate) fn failed_with(self, what: &str) -> Self {
        assert_eq!(self.code, Some(1), "{}\n{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        assert!(self.stderr.contains(what), "{:?} in:\n{}", what, self.stderr);
        self
    }
}
