//! `enlace authority`: what it makes, and what it refuses without changing anything.

use enlace_identity::endpoint::SignedEndpointRecord;

use crate::support::{ISSUING, Place, ROOT};

const DEVICE: &str = "laptop.ana-ruiz.officer.fge.example";
const SAN: &str = "subjectAltName=DNS:laptop.ana-ruiz.officer.fge.example";
const APPROVAL: [&str; 6] =
    ["--name", "ana-ruiz@fge.example", "--device", "laptop", "--common-name", "Ana Ruiz Gómez"];

fn issue<'a>(request: &'a str, approval: &[&'a str]) -> Vec<&'a str> {
    let start = ["authority", "issue", request, "--authority", "fge"];
    [&start[..], approval, &ISSUING].concat()
}

fn endpoint<'a>(relays: &[&'a str]) -> Vec<&'a str> {
    let start = ["authority", "endpoint", "--authority", "fge"];
    [&start[..], relays, &ISSUING].concat()
}

#[test]
fn init_makes_an_authority_once() {
    let place = Place::new();
    let made = place.enlace_json(
        &[
            &["authority", "init", "fge", "--domain", "fge.example"],
            &["--name", "Fiscalía General", "--country", "ES"][..],
            &ROOT,
            &ISSUING,
        ]
        .concat(),
    );
    assert_eq!(made["domain"], "fge.example");
    assert_eq!(made["root_fingerprint"].as_str().unwrap().len(), 64);
    for key in ["root_key", "issuing_key"] {
        let pem = place.text(made[key].as_str().unwrap());
        assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{key}");
    }
    let before = place.text("fge/authority.json");
    let again = [
        &["authority", "init", "fge", "--domain", "mp.example", "--name", "MP"][..],
        &["--country", "BR"],
        &ROOT,
        &ISSUING,
    ];
    place.enlace(&again.concat()).failed_with("exists already");
    assert_eq!(place.text("fge/authority.json"), before);
}

#[cfg(unix)]
#[test]
fn keys_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::with_authority();
    let mode = |name: &str| place.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("fge"), 0o700);
    for key in ["root.key", "issuing.key", "e1.key"] {
        assert_eq!(mode(&format!("fge/private/{key}")), 0o600, "{key}");
    }
}

#[test]
fn bad_arguments_are_usage_errors() {
    let place = Place::new();
    let init = |domain: &'static str, country: &'static str| {
        ["authority", "init", "d", "--domain", domain, "--name", "N", "--country", country]
    };
    for arguments in [
        &init("example", "ES")[..],
        &init("Fge.example", "ES"),
        &init("fge.example", "es"),
        &["authority", "issue", "r.csr"],
        &["authority", "issue", "r.csr", "--name", "ana@fge.example", "--common-name", "Ana"],
        &["authority", "issue", "r.csr", "--relay", "r1", "--head", "h1"],
        &["authority", "endpoint", "--relay", "r1"],
        &["nothing"],
    ] {
        assert_eq!(place.enlace(arguments).code, Some(2), "{arguments:?}");
    }
    assert!(!place.path("d").exists());
}

#[test]
fn passphrases_come_from_files_that_others_cannot_read() {
    let place = Place::new();
    let init = |file| {
        let init = ["authority", "init", "fge", "--domain", "fge.example", "--name", "F"];
        let rest = ["--country", "ES", "--passphrase-file", file];
        [&init[..], &rest, &ROOT].concat()
    };
    place.write_private("short", "1234567\n");
    place.write_private("empty", "\nsecond line\n");
    place.enlace(&init("short")).failed_with("fewer than 8 characters");
    place.enlace(&init("empty")).failed_with("no passphrase in its first line");
    place.enlace(&init("absent")).failed_with("cannot be read");
    #[cfg(unix)]
    {
        std::fs::write(place.path("exposed"), "long enough\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(place.path("exposed"), mode).unwrap();
        place.enlace(&init("exposed")).failed_with("chmod 600");
    }
    assert!(!place.path("fge").exists());
}

#[cfg(unix)]
#[test]
fn a_passphrase_comes_from_a_file_descriptor() {
    let place = Place::with_authority();
    let program = env!("CARGO_BIN_EXE_enlace");
    let line = format!("{program} authority crl --authority fge --passphrase-fd 9");
    let run = |input: &str| {
        let script = format!("printf '{input}\\n' | ({line} 9<&0 0</dev/null)");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script]).current_dir(place.path("")).output().unwrap().status
    };
    assert!(run("battery staple issuing").success());
    assert_eq!(run("something else").code(), Some(1));
}

#[test]
fn a_request_is_shown_and_issued() {
    let place = Place::with_authority();
    place.request("ana.csr", "Ana Ruiz Gómez", &[SAN]);
    let shown = place.enlace_json(&["authority", "request", "--show", "ana.csr"]);
    assert_eq!(shown["name"], DEVICE);
    assert_eq!(shown["officer"], "ana-ruiz@fge.example");
    assert_eq!(shown["device"], "laptop");
    assert_eq!(shown["common_name"], "Ana Ruiz Gómez");
    assert_eq!(shown["key"].as_str().unwrap().split(' ').count(), 8);

    let issued = place.enlace_json(
        &[&["--json"], &issue("ana.csr", &APPROVAL)[..], &["--out", "ana.pem"]].concat()[1..],
    );
    assert_eq!(issued["name"], DEVICE);
    assert_eq!(issued["file"], "ana.pem");
    assert_eq!(place.text("ana.pem").matches("BEGIN CERTIFICATE").count(), 2);

    let listed = place.enlace_json(&["authority", "list", "--authority", "fge"]);
    let rows = listed["certificates"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == DEVICE).unwrap();
    assert_eq!((&row["serial"], &row["kind"]), (&issued["serial"], &"device".into()));
    assert_eq!((&row["standing"], &row["revoked"]), (&"valid".into(), &serde_json::Value::Null));
}

#[test]
fn what_must_not_be_issued_is_refused_and_nothing_changes() {
    let place = Place::with_authority();
    let other = "subjectAltName=DNS:laptop.eva.officer.fge.example";
    let foreign = "subjectAltName=DNS:laptop.ana-ruiz.officer.mp.example";
    let two =
        "subjectAltName=DNS:laptop.ana-ruiz.officer.fge.example,DNS:a.eva.officer.fge.example";
    let uri = "subjectAltName=URI:https://fge.example";
    place.request("ca.csr", "Ana", &[SAN, "basicConstraints=critical,CA:TRUE"]);
    place.request("sign.csr", "Ana", &[SAN, "keyUsage=keyCertSign"]);
    place.request("other.csr", "Ana", &[other]);
    place.request("foreign.csr", "Ana", &[foreign]);
    place.request("two.csr", "Ana", &[two]);
    place.request("uri.csr", "Ana", &[uri]);
    place.request("good.csr", "Ana", &[SAN]);
    place.write_private("text.csr", "hello\n");
    let before = place.text("fge/authority.json");

    for (request, why) in [
        ("ca.csr", "asks for a certificate authority"),
        ("sign.csr", "asks for a certificate authority"),
        ("other.csr", "but you approve of"),
        ("foreign.csr", "but you approve of"),
        ("two.csr", "exactly one name"),
        ("uri.csr", "exactly one name"),
        ("text.csr", "not a certificate request"),
        ("absent.csr", "cannot be read"),
    ] {
        place.enlace(&issue(request, &APPROVAL)).failed_with(why);
    }
    let foreign = ["--name", "ana-ruiz@mp.example", "--device", "laptop", "--common-name", "Ana"];
    place.enlace(&issue("foreign.csr", &foreign)).failed_with("does not belong to fge.example");
    let long = "n".repeat(65);
    let unshowable =
        ["--name", "ana-ruiz@fge.example", "--device", "laptop", "--common-name", &long];
    place.enlace(&issue("good.csr", &unshowable)).failed_with("common name");
    let wrong = ["authority", "issue", "good.csr", "--authority", "fge"];
    let wrong = [&wrong[..], &APPROVAL, &["--passphrase-file", "root.passphrase"]].concat();
    place.enlace(&wrong).failed_with("passphrase does not fit");
    place
        .enlace(&issue("good.csr", &[&APPROVAL[..], &["--out", "ca.csr"]].concat()))
        .failed_with("exists already");

    assert_eq!(place.text("fge/authority.json"), before);
    assert_eq!(place.path("fge/issued").read_dir().unwrap().count(), 1, "the endpoint key's");
}

#[test]
fn a_name_changes_its_key_only_on_purpose() {
    let place = Place::with_authority();
    place.request("one.csr", "Ana", &[SAN]);
    place.request("two.csr", "Ana", &[SAN]);
    place.enlace(&issue("one.csr", &APPROVAL)).succeeded();
    place.enlace(&issue("two.csr", &APPROVAL)).failed_with("another key has a certificate");
    place.enlace(&issue("one.csr", &APPROVAL)).succeeded();
    let another = [&APPROVAL[..], &["--another-key"]].concat();
    place.enlace(&issue("two.csr", &another)).succeeded();
    let revoke = ["authority", "revoke", "ana-ruiz@fge.example", "--authority", "fge"];
    let revoked = place.enlace_json(&[&revoke[..], &ISSUING].concat());
    assert_eq!(revoked["revoked"].as_array().unwrap().len(), 3);
    place.enlace(&issue("two.csr", &APPROVAL)).succeeded();
}

/// Lets half of the life of every certificate of a name be over.
fn age(place: &Place, name: &str) {
    let text = place.text("fge/authority.json");
    let mut registry: serde_json::Value = serde_json::from_str(&text).unwrap();
    for issued in registry["certificates"].as_array_mut().unwrap() {
        if issued["name"] == name {
            issued["not_before"] = "2000-01-01T00:00:00Z".into();
            issued["not_after"] = "2049-12-31T00:00:00Z".into();
        }
    }
    std::fs::write(place.path("fge/authority.json"), registry.to_string()).unwrap();
}

#[test]
fn what_devices_ask_for_is_renewed_where_they_are_entitled() {
    let place = Place::with_authority();
    let renewals = |rest: &[&str]| {
        let start = ["authority", "renewals", "relay/renewals", "--authority", "fge"];
        place.enlace_json(&[&start[..], rest, &ISSUING].concat())["requests"].clone()
    };
    std::fs::create_dir_all(place.path("relay/renewals/requests")).unwrap();
    assert_eq!(renewals(&[]), serde_json::json!([]));
    let ask = |request: &str, name: &str| {
        let to = place.path(&format!("relay/renewals/requests/{name}.csr"));
        std::fs::copy(place.path(request), to).unwrap();
    };
    place.request("ana.csr", "Ana", &[SAN]);
    place.request("stranger.csr", "Ana", &[SAN]);
    place.enlace(&issue("ana.csr", &APPROVAL)).succeeded();
    let first = |rest: &[&str]| renewals(rest)[0].clone();

    ask("ana.csr", DEVICE);
    assert_eq!(first(&["--issue"])["state"], "delivered", "the relay doesn't have it");
    ask("ana.csr", DEVICE);
    assert!(first(&["--issue"])["reason"].as_str().unwrap().contains("too early"));
    age(&place, DEVICE);
    assert_eq!(first(&[])["state"], "due");
    ask("stranger.csr", DEVICE);
    assert!(first(&["--issue"])["reason"].as_str().unwrap().contains("another key"));
    ask("ana.csr", "phone.ana-ruiz.officer.fge.example");
    std::fs::remove_file(place.path(&format!("relay/renewals/requests/{DEVICE}.csr"))).unwrap();
    assert!(first(&["--issue"])["reason"].as_str().unwrap().contains("not for the device"));
    std::fs::remove_dir_all(place.path("relay/renewals/requests")).unwrap();
    std::fs::create_dir_all(place.path("relay/renewals/requests")).unwrap();

    ask("ana.csr", DEVICE);
    assert_eq!(first(&["--issue"])["state"], "issued");
    assert_eq!(renewals(&["--issue"]), serde_json::json!([]), "it is answered");
    let chain = place.text(&format!("relay/renewals/issued/{DEVICE}.pem"));
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2);

    age(&place, DEVICE);
    let revoke = ["authority", "revoke", "ana-ruiz@fge.example", "--authority", "fge"];
    place.enlace(&[&revoke[..], &ISSUING].concat()).succeeded();
    ask("ana.csr", DEVICE);
    assert!(first(&["--issue"])["reason"].as_str().unwrap().contains("no good certificate"));
}

#[test]
fn a_certificate_that_could_not_be_handed_over_is_handed_over_later() {
    let place = Place::with_authority();
    let issued = place.path(&format!("relay/renewals/issued/{DEVICE}.pem"));
    let start = ["authority", "renewals", "relay/renewals", "--authority", "fge", "--issue"];
    let renewals = || place.enlace(&[&["--json"], &start[..], &ISSUING].concat());
    let first = |output: &str| {
        let output: serde_json::Value = serde_json::from_str(output).unwrap();
        output["requests"][0].clone()
    };
    place.request("ana.csr", "Ana", &[SAN]);
    place.enlace(&issue("ana.csr", &APPROVAL)).succeeded();
    age(&place, DEVICE);
    std::fs::create_dir_all(place.path("relay/renewals/requests")).unwrap();
    let request = place.path(&format!("relay/renewals/requests/{DEVICE}.csr"));
    std::fs::copy(place.path("ana.csr"), &request).unwrap();

    // A directory stands where the certificate belongs.
    std::fs::create_dir_all(issued.join("in-the-way")).unwrap();
    let ran = renewals();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(first(&ran.stdout)["state"], "failed");
    assert!(request.exists());
    let registry = place.text("fge/authority.json");
    std::fs::remove_dir_all(&issued).unwrap();
    assert_eq!(first(&renewals().succeeded().stdout)["state"], "delivered");
    assert_eq!(std::fs::read_to_string(&issued).unwrap().matches("BEGIN CERTIFICATE").count(), 2);
    assert!(!request.exists());
    assert_eq!(place.text("fge/authority.json"), registry, "nothing is issued twice");
}

#[test]
fn a_relay_gets_two_certificates() {
    let place = Place::with_authority();
    place.request("relay.csr", "r1", &["subjectAltName=DNS:r1.relay.fge.example"]);
    place.request("head.csr", "h1", &[]);
    for (request, options, name) in [
        ("relay.csr", ["--relay", "r1"], "r1.relay.fge.example"),
        ("head.csr", ["--head", "h1"], "h1.head.fge.example"),
    ] {
        assert_eq!(place.enlace_json(&issue(request, &options))["name"], name);
    }
    place.enlace(&issue("relay.csr", &["--relay", "r2"])).failed_with("but you approve of");
}

#[test]
fn revocation_is_listed_and_final() {
    let place = Place::with_authority();
    place.request("ana.csr", "Ana", &[SAN]);
    let issued = place.enlace_json(&issue("ana.csr", &APPROVAL));
    let serial = issued["serial"].as_str().unwrap();
    let revoke = |options: &[&str]| {
        let start = ["authority", "revoke", serial, "--authority", "fge"];
        place.enlace(&[&["--json"], &start[..], options, &ISSUING].concat())
    };
    let before = place.text("fge/authority.json");
    revoke(&["--dry-run"]).succeeded();
    assert_eq!(place.text("fge/authority.json"), before);

    revoke(&["--reason", "lost on a train"]).succeeded();
    revoke(&[]).failed_with("is revoked already");
    let listed = place.enlace_json(&["authority", "list", "--authority", "fge"]);
    let rows = listed["certificates"].as_array().unwrap();
    let row = rows.iter().find(|row| row["serial"] == serial).unwrap();
    assert_eq!(row["standing"], "revoked");
    assert_eq!(row["revoked"]["reason"], "lost on a train");

    let crl = ["authority", "crl", "--authority", "fge"];
    let list = place.enlace_json(&[&crl[..], &ISSUING].concat());
    assert_eq!((&list["number"], &list["revoked"]), (&3.into(), &1.into()));
    let unknown = ["authority", "revoke", "eva@fge.example", "--authority", "fge"];
    place.enlace(&[&unknown[..], &ISSUING].concat()).failed_with("nothing of that name");
    let root = ["authority", "revoke", "root", "--authority", "fge"];
    place.enlace(&[&root[..], &ROOT].concat()).failed_with("a root cannot revoke itself");
}

#[test]
fn the_root_key_may_be_kept_elsewhere() {
    let place = Place::with_authority();
    std::fs::rename(place.path("fge/private/root.key"), place.path("usb.key")).unwrap();
    let crl = ["authority", "crl", "--root", "--authority", "fge"];
    place.enlace(&[&crl[..], &ROOT].concat()).failed_with("--root-key");
    let list = place.enlace_json(&[&crl[..], &ROOT, &["--root-key", "usb.key"]].concat());
    assert_eq!(list["number"], 2);
    std::fs::copy(place.path("fge/private/issuing.key"), place.path("other.key")).unwrap();
    let other = ["--root-key", "other.key", "--root-passphrase-file", "issuing.passphrase"];
    place.enlace(&[&crl[..], &other].concat()).failed_with("does not belong");
}

#[test]
fn an_endpoint_record_is_signed_and_counted() {
    let place = Place::with_authority();
    place.enlace(&endpoint(&[])).failed_with("not known yet");
    let relays = [
        "--relay",
        "r2=[::1]:4433",
        "--relay",
        "r1=relay.fge.example:4433",
        "--relay",
        "r2=10.0.0.2:4433",
    ];
    let first = place.enlace_json(&endpoint(&relays));
    assert_eq!(first["version"], 1);
    assert_eq!(first["relays"][0]["name"], "r1.relay.fge.example");
    assert_eq!(first["relays"][1]["addresses"][1], "10.0.0.2:4433");
    let second = place.enlace_json(&endpoint(&[]));
    assert_eq!((&second["version"], &second["relays"]), (&2.into(), &first["relays"]));
    let bytes = std::fs::read(place.path("fge/public/fge.example.endpoint")).unwrap();
    SignedEndpointRecord::decode(&bytes).unwrap();

    let revoke = ["authority", "revoke", "e1.endpoint.fge.example", "--authority", "fge"];
    place.enlace(&[&revoke[..], &ISSUING].concat()).succeeded();
    place.enlace(&endpoint(&[])).succeeded();
    assert!(place.path("fge/private/e2.key").exists(), "a revoked key signs no more");
}

#[test]
fn errors_are_told_to_programs_too() {
    let place = Place::new();
    let ran = place.enlace(&["--json", "authority", "list", "--authority", "absent"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert!(error["error"].as_str().unwrap().contains("no authority's directory"));
    assert!(error["hint"].as_str().unwrap().contains("--authority"));
    assert_eq!(error["causes"], serde_json::json!([]));
}
