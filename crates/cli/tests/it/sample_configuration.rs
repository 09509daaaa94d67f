//! `deploy/relay.toml`: with one's own name, hash and files it is a configuration that works.

use std::fs;

use enlace_relay::config::{ConfigFile, LimitsSection, LogSection};

use crate::support::{ISSUING, Place, ROOT};

const SAMPLE: &str = include_str!("../../../../deploy/relay.toml");

/// What stands for the reader's own values in the sample.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const CREDENTIAL: &str = "/run/credentials/enlace-relay.service/key-passphrase";

#[test]
fn check_accepts_the_sample() {
    let place = Place::with_authority();
    let hash = make_network(&place);
    make_relay(&place);
    configure(&place, &hash);

    let checked = place.relay(&["check", "--config", "relay/relay.toml", "--json"]).succeeded();
    let report: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(report["problems"], serde_json::json!([]));
    assert_eq!(report["ok"], true);
    assert_eq!(report["relay"], "r1.relay.fge.example");

    configure(&place, &"ab".repeat(32));
    let refused = place.relay(&["check", "--config", "relay/relay.toml"]);
    refused.failed_with("relay/network.bundle");
}

#[test]
fn the_sample_states_the_defaults() {
    let sample = ConfigFile::parse(SAMPLE).unwrap();
    assert_eq!(format!("{:?}", sample.limits), format!("{:?}", LimitsSection::default()));
    assert_eq!(format!("{:?}", sample.log), format!("{:?}", LogSection::default()));
}

/// Makes a network of the one authority, and returns its hash.
fn make_network(place: &Place) -> String {
    place.enlace(&["network", "init", "red", "--name", "Red de prueba"]).succeeded();
    let root = "fge/public/fge.example.root.pem";
    let add = ["network", "add", "red", "--authority-certificate", root, "--country", "ES"];
    place.enlace(&[&add[..], &["--name", "Fiscalía"]].concat()).succeeded();
    let sign = ["network", "sign", "red", "--authority", "fge"];
    place.enlace(&[&sign[..], &ROOT].concat()).succeeded();
    let shown = place.enlace_json(&["network", "show", "red"]);
    shown["hash"].as_str().unwrap().to_owned()
}

fn make_relay(place: &Place) {
    place.write_private("relay.passphrase", "a passphrase of the relay\n");
    let name = ["--name", "r1.relay.fge.example"];
    let passphrase = ["--key-passphrase-file", "relay.passphrase"];
    place.relay(&[&["init", "--dir", "relay"][..], &name, &passphrase].concat()).succeeded();
    for kind in ["relay", "head"] {
        let (request, out) = (format!("relay/{kind}.csr"), format!("relay/{kind}.pem"));
        let option = format!("--{kind}");
        let issue = ["authority", "issue", &request, &option, "r1", "--out", &out];
        place.enlace(&[&issue[..], &["--authority", "fge"], &ISSUING].concat()).succeeded();
    }
    let address = ["--relay", "r1=relay.fge.example:4433"];
    let endpoint = ["authority", "endpoint", "--authority", "fge"];
    place.enlace(&[&endpoint[..], &address, &ISSUING].concat()).succeeded();
    for (from, to) in [
        ("red/network.bundle", "network.bundle"),
        ("fge/public/fge.example.endpoint", "own.endpoint"),
        ("fge/public/fge.example.root.crl", "crls/root.crl"),
        ("fge/public/fge.example.issuing.crl", "crls/issuing.crl"),
    ] {
        fs::copy(place.path(from), place.path("relay").join(to)).unwrap();
    }
}

/// Does what the sample's reader does: writes their own values.
fn configure(place: &Place, hash: &str) {
    for placeholder in [NO_HASH, CREDENTIAL] {
        assert!(SAMPLE.contains(placeholder), "{placeholder}");
    }
    let own = SAMPLE.replace(NO_HASH, hash).replace(CREDENTIAL, "../relay.passphrase");
    fs::write(place.path("relay/relay.toml"), own).unwrap();
}
