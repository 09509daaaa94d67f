//! `enlace init`, `enroll` and `whoami`: a device's way into the network, without any relay.

use crate::support::{ISSUING, Place, ROOT, Ran};

const WITH_PASSPHRASE: [&str; 2] = ["--passphrase-file", "root.passphrase"];

fn init(place: &Place, profile: &str, more: &[&str]) -> Ran {
    let who = ["init", "--name", "ana-ruiz@fge.example", "--device", "laptop"];
    let rest = ["--common-name", "Ana Ruiz Gómez", "--profile", profile];
    place.enlace(&[&who[..], &rest, &WITH_PASSPHRASE, more].concat())
}

/// An authority with its endpoint record, a signed network, and a device with a certificate.
fn certified() -> (Place, String) {
    let place = Place::with_authority();
    let endpoint = ["authority", "endpoint", "--relay", "r1=127.0.0.1:9", "--authority", "fge"];
    place.enlace(&[&endpoint[..], &ISSUING].concat()).succeeded();
    place.enlace(&["network", "init", "red", "--name", "Red"]).succeeded();
    let root = "fge/public/fge.example.root.pem";
    let add = ["network", "add", "red", "--authority-certificate", root, "--country", "ES"];
    place.enlace(&[&add[..], &["--name", "Fiscalía"]].concat()).succeeded();
    let sign = ["network", "sign", "red", "--authority", "fge"];
    place.enlace(&[&sign[..], &ROOT].concat()).succeeded();
    let hash = place.enlace_json(&["network", "show", "red"])["hash"].as_str().unwrap().to_owned();

    init(&place, "ana", &["--out", "ana.csr"]).succeeded();
    issue(&place, "ana.csr", "ana-ruiz@fge.example", "ana.pem");
    (place, hash)
}

fn issue(place: &Place, request: &str, officer: &str, out: &str) {
    let issue = ["authority", "issue", request, "--name", officer, "--device", "laptop"];
    let rest = ["--common-name", "Ana", "--authority", "fge", "--out", out];
    place.enlace(&[&issue[..], &rest, &ISSUING].concat()).succeeded();
}

fn enroll<'a>(certificate: &'a str, hash: &'a str) -> Vec<&'a str> {
    let files = ["enroll", "--certificate", certificate, "--bundle", "red/network.bundle"];
    let record = ["--endpoint-record", "fge/public/fge.example.endpoint"];
    [&files[..], &record, &["--bundle-hash", hash, "--profile", "ana"]].concat()
}

#[test]
fn a_device_is_made_certified_and_enrolled() {
    let (place, hash) = certified();
    let before = place.enlace_json(&["whoami", "--profile", "ana"]);
    assert_eq!(
        (&before["officer"], &before["enrolled"]),
        (&"ana-ruiz@fge.example".into(), &false.into())
    );
    let requested = place.enlace_json(&["authority", "request", "--show", "ana.csr"]);
    assert_eq!(before["key"], requested["key"], "both sides see the same digits");

    let enrolled = place.enlace_json(&enroll("ana.pem", &hash));
    assert_eq!(enrolled["network"], "Red");
    assert_eq!(enrolled["device"], "laptop.ana-ruiz.officer.fge.example");
    let after = place.enlace_json(&["whoami", "--profile", "ana"]);
    assert_eq!(after["enrolled"], true);
    assert_eq!(after["certificate"]["not_after"], enrolled["not_after"]);
}

#[test]
fn what_does_not_fit_a_device_is_refused_and_nothing_changes() {
    let (place, hash) = certified();
    let before = place.text("ana/profile.toml");
    let other = hash.replace(|c: char| c.is_ascii_digit(), "a");
    place.enlace(&enroll("ana.pem", &other)).failed_with("hash is");
    place.enlace(&enroll("ana.pem", &other)).failed_with("do not go on");
    place.enlace(&enroll("ana.csr", &hash)).failed_with("not the request");
    place.request("eva.csr", "Eva", &["subjectAltName=DNS:laptop.eva.officer.fge.example"]);
    issue(&place, "eva.csr", "eva@fge.example", "eva.pem");
    place.enlace(&enroll("eva.pem", &hash)).failed_with("this device is laptop.ana-ruiz");
    let revoke = ["authority", "revoke", "ana-ruiz@fge.example", "--authority", "fge"];
    place.enlace(&[&revoke[..], &ISSUING].concat()).succeeded();
    let lists = ["fge/public/fge.example.root.crl", "fge/public/fge.example.issuing.crl"];
    let lists = ["--crl", lists[0], "--crl", lists[1]];
    place.enlace(&[&enroll("ana.pem", &hash)[..], &lists].concat()).failed_with("is revoked");
    assert_eq!(place.text("ana/profile.toml"), before);
    assert!(!place.path("ana/certificates.pem").exists());

    init(&place, "ana", &[]).failed_with("there is a profile in");
    init(&place, "eva", &["--out", "ana.csr"]).failed_with("exists already");
    assert!(!place.path("eva").exists());
}

#[test]
fn without_a_device_or_certificate_the_officer_is_told_what_to_do() {
    let place = Place::new();
    place.enlace(&["whoami", "--profile", "nowhere"]).failed_with("enlace init");
    init(&place, "ana", &[]).succeeded();
    let list = ["channel", "list", "--profile", "ana"];
    place.enlace(&[&list[..], &WITH_PASSPHRASE].concat()).failed_with("no certificate yet");
    let spanish = ["--language", "es"];
    place.enlace(&[&list[..], &spanish].concat()).failed_with("aún no tiene certificado");
    let french = ["whoami", "--profile", "nowhere", "--language", "fr"];
    place.enlace(&french).failed_with("Conseil :");
    let error = place.enlace(&["--json", "whoami", "--profile", "nowhere"]).stderr;
    let error: serde_json::Value = serde_json::from_str(&error).unwrap();
    assert!(error["hint"].as_str().unwrap().contains("enlace init"), "{error}");
}
