//! Stock openssl as a second opinion: it reads our files, and accepts whatever we accept.
//!
//! The command `openssl` (3.0 or newer) is a prerequisite of these tests.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // another program reads files

mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use enlace_identity::bundle::Bundle;
use enlace_identity::issue::CertificateRequest;
use enlace_identity::keys::{Passphrase, SigningKey};
use enlace_identity::revocation::{RevocationList, RevocationLists};

use self::table::{Case, Table, Verdict};
use crate::support::{bundle, key, name};

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

fn openssl<'a>(arguments: impl IntoIterator<Item = &'a str>, files: &[(&str, &Path)]) -> Output {
    let mut command = Command::new("openssl");
    command.args(arguments);
    for (option, path) in files {
        command.arg(option).arg(path);
    }
    command.output().expect("the command openssl is a prerequisite of this test")
}

fn succeeds(arguments: &str, files: &[(&str, &Path)]) -> String {
    let output = openssl(arguments.split_whitespace(), files);
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "openssl {arguments}: {out}{err}");
    out.into_owned()
}

#[test]
fn openssl_reads_our_key_files_and_we_read_its() {
    let files = Files::new();
    let passphrase = Passphrase::new("frase de paso");
    let secret = files.put("passphrase", passphrase.expose());
    let argument = format!("file:{}", secret.display());
    let public = |path: &Path| {
        let der =
            openssl(["pkey", "-pubout", "-outform", "DER", "-passin", &argument], &[("-in", path)]);
        assert!(der.status.success(), "{}", String::from_utf8_lossy(&der.stderr));
        der.stdout[12..].to_vec()
    };
    let ours = key(30);
    for pem in [ours.to_pem(None), ours.to_pem(Some(&passphrase))] {
        assert_eq!(public(&files.put("ours.pem", &pem)), ours.public().as_bytes());
    }

    for lock in [&[][..], &["-aes-256-cbc", "-pass", &argument]] {
        let made = files.0.path().join("theirs.pem");
        let arguments = ["genpkey", "-algorithm", "ed25519"].iter().chain(lock).copied();
        assert!(openssl(arguments, &[("-out", &made)]).status.success());
        let theirs = fs::read_to_string(&made).unwrap();
        let theirs = SigningKey::from_pem(&theirs, Some(&passphrase)).unwrap();
        assert_eq!(public(&made), theirs.public().as_bytes());
    }
}

#[test]
fn openssl_reads_our_requests_and_we_read_its() {
    let files = Files::new();
    let name = name("laptop.ana-ruiz.officer.fge.example");
    let ours = CertificateRequest::create(&key(30), &name, "Ana Ruiz Gómez").unwrap();
    let path = files.put("ours.csr", &ours.to_pem());
    let text = succeeds("req -verify -noout -text -nameopt utf8", &[("-in", &path)]);
    assert!(text.contains("DNS:laptop.ana-ruiz.officer.fge.example"), "{text}");

    let private = files.put("key.pem", &key(31).to_pem(None));
    let config = files.put("config", "[req]\ndistinguished_name=dn\n[dn]\n");
    let made = files.0.path().join("theirs.csr");
    let made_by = [("-key", &*private), ("-config", &*config), ("-out", &*made)];
    let subject = "req -new -utf8 -subj /CN=Ana -addext";
    succeeds(&format!("{subject} subjectAltName=DNS:{name}"), &made_by);
    let theirs = CertificateRequest::from_pem(&fs::read_to_string(&made).unwrap()).unwrap();
    assert_eq!((theirs.name(), theirs.public_key()), (Some(&name), key(31).public()));
    succeeds(&format!("{subject} basicConstraints=CA:TRUE"), &made_by);
    assert!(CertificateRequest::from_pem(&fs::read_to_string(&made).unwrap()).is_err());
}

#[test]
fn openssl_accepts_what_we_accept() {
    let Table { fge, mp, cases } = table::all();
    let bundle = bundle(&[&fge, &mp]);
    let files = Files::new();
    let roots = fge.root.certificate().to_pem() + &mp.root.certificate().to_pem();
    let roots = files.put("roots.pem", &roots);
    for case in &cases {
        let ours = accepted_here(case, &bundle);
        let theirs = accepted_by_openssl(case, &files, &roots, "");
        let found = match (ours.is_ok(), theirs.is_ok()) {
            (true, true) => Verdict::Good,
            (false, false) => Verdict::Bad,
            (false, true) => Verdict::BadByProfile,
            (true, false) => panic!("{}: only we accept it: {theirs:?}", case.what),
        };
        assert_eq!(found, case.expected, "{}: we say {ours:?}, openssl {theirs:?}", case.what);
        if found == Verdict::Good {
            accepted_by_openssl(case, &files, &roots, "-x509_strict").unwrap();
        }
    }
}

fn accepted_here(case: &Case, bundle: &Bundle) -> Result<(), Box<dyn std::error::Error>> {
    let mut lists = RevocationLists::new();
    for list in &case.lists {
        let _ = lists.insert(&list.to_bytes(), bundle, case.at);
    }
    let leaf = bundle.verify(&case.chain, case.at, case.usage)?;
    Ok(lists.check(&leaf, case.at)?)
}

fn accepted_by_openssl(
    case: &Case,
    files: &Files,
    roots: &Path,
    strict: &str,
) -> Result<(), String> {
    let leaf = files.put("leaf.pem", &case.chain.leaf().to_pem());
    let issuing = files.put("issuing.pem", &case.chain.issuing().to_pem());
    let crls: String = case.lists.iter().map(RevocationList::to_pem).collect();
    let crls = files.put("crls.pem", &crls);
    let at = case.at.as_secs();
    let arguments = format!("verify -crl_check_all -verify_depth 2 -attime {at} {strict}");
    let mut command = Command::new("openssl");
    command.args(arguments.split_whitespace());
    for (option, path) in [("-CAfile", roots), ("-untrusted", &issuing), ("-CRLfile", &crls)] {
        command.arg(option).arg(path);
    }
    let output = command.arg(&leaf).output().expect("openssl runs");
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
