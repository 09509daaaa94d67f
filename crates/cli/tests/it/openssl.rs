//! Stock openssl reads every PEM file, and reaches our verdict on it.

use crate::support::{ISSUING, Place};

const ROOT_PEM: &str = "fge/public/fge.example.root.pem";
const ISSUING_PEM: &str = "fge/public/fge.example.issuing.pem";

/// The arguments by which openssl checks a leaf with both revocation lists.
fn verify<'a>(leaf: &'a str, lists: &'a str) -> Vec<&'a str> {
    let check = ["verify", "-x509_strict", "-crl_check_all", "-CRLfile", lists];
    [&check[..], &["-CAfile", ROOT_PEM, "-untrusted", ISSUING_PEM, leaf]].concat()
}

fn join_lists(place: &Place) {
    let root = place.text("fge/public/fge.example.root.crl");
    let issuing = place.text("fge/public/fge.example.issuing.crl");
    std::fs::write(place.path("lists.pem"), root + &issuing).unwrap();
}

#[test]
fn openssl_verifies_what_is_issued_until_it_is_revoked() {
    let place = Place::with_authority();
    place.request("ana.csr", "Ana", &["subjectAltName=DNS:laptop.ana.officer.fge.example"]);
    place.request("relay.csr", "r1", &["subjectAltName=DNS:r1.relay.fge.example"]);
    let officer = ["--name", "ana@fge.example", "--device", "laptop", "--common-name", "Ana"];
    for (request, approval, out) in
        [("ana.csr", &officer[..], "ana.pem"), ("relay.csr", &["--relay", "r1"], "relay.pem")]
    {
        let issue = ["authority", "issue", request, "--authority", "fge", "--out", out];
        place.enlace(&[&issue[..], approval, &ISSUING].concat()).succeeded();
    }
    join_lists(&place);
    for leaf in ["ana.pem", "relay.pem"] {
        place.openssl(&verify(leaf, "lists.pem")).succeeded();
    }

    let revoke = ["authority", "revoke", "ana@fge.example", "--authority", "fge"];
    place.enlace(&[&revoke[..], &ISSUING].concat()).succeeded();
    join_lists(&place);
    let refused = place.openssl(&verify("ana.pem", "lists.pem"));
    assert!(refused.stderr.contains("certificate revoked"), "{}", refused.stderr);
    place.openssl(&verify("relay.pem", "lists.pem")).succeeded();
}

#[test]
fn openssl_reads_keys_certificates_and_lists() {
    let place = Place::with_authority();
    for (key, passphrase) in [
        ("fge/private/root.key", "file:root.passphrase"),
        ("fge/private/issuing.key", "file:issuing.passphrase"),
        ("fge/private/e1.key", "file:issuing.passphrase"),
    ] {
        place.openssl(&["pkey", "-in", key, "-passin", passphrase, "-noout"]).succeeded();
    }
    place.openssl(&["verify", "-x509_strict", "-CAfile", ROOT_PEM, ISSUING_PEM]).succeeded();
    for (list, ca) in [("root", ROOT_PEM), ("issuing", ISSUING_PEM)] {
        let file = format!("fge/public/fge.example.{list}.crl");
        let text = place.openssl(&["crl", "-in", &file, "-CAfile", ca, "-text"]).succeeded();
        assert!(text.stderr.contains("verify OK"), "{}", text.stderr);
        assert!(text.stdout.contains("Next Update"));
    }
}
