//! `enlace network`: a bundle from its first line to its last signature.

use crate::support::{Place, ROOT};

fn two_authorities() -> Place {
    let place = Place::with_authority();
    place.make_authority("mp", "mp.example", "BR");
    place.enlace(&["network", "init", "red", "--name", "Red de prueba"]).succeeded();
    place
}

fn add<'a>(certificate: &'a str, country: &'a str) -> Vec<&'a str> {
    let start = ["network", "add", "red", "--authority-certificate", certificate];
    [&start[..], &["--country", country, "--name", "Fiscalía"]].concat()
}

const FGE: &str = "fge/public/fge.example.root.pem";
const MP: &str = "mp/public/mp.example.root.pem";

#[test]
fn a_bundle_is_made_and_signed_by_all() {
    let place = two_authorities();
    place.enlace(&add(MP, "BR")).succeeded();
    let added = place.enlace_json(&add(FGE, "ES"));
    assert_eq!((&added["domain"], &added["authorities"]), (&"fge.example".into(), &2.into()));

    let sign = |authority| ["network", "sign", "red/network.bundle", "--authority", authority];
    let one = place.enlace_json(&[&sign("fge")[..], &ROOT].concat());
    assert_eq!(one["missing"], serde_json::json!(["mp.example"]));
    let two = place.enlace_json(&[&sign("mp")[..], &ROOT].concat());
    assert_eq!(two["missing"], serde_json::json!([]));

    let shown = place.enlace_json(&["network", "show", "red"]);
    assert_eq!((&shown["network"], &shown["version"]), (&"Red de prueba".into(), &1.into()));
    assert_eq!((&shown["threshold"], &shown["previous"]), (&2.into(), &serde_json::Value::Null));
    assert_eq!(shown["authorities"][0]["domain"], "fge.example");
    assert_eq!(shown["authorities"][1]["signed"], true);
    let hash = shown["hash"].as_str().unwrap();
    assert_eq!(hash.split(' ').count(), 16, "in groups, to be read out");
    assert_eq!(two["hash"], hash);

    let text = place.enlace(&["network", "show", "red", "--hash", hash]).succeeded().stdout;
    assert!(text.contains("Red de prueba") && text.contains("has signed"), "{text}");
    let wrong = "0".repeat(64);
    place.enlace(&["network", "show", "red", "--hash", &wrong]).failed_with("hash is");
}

#[test]
fn a_signed_bundle_does_not_change_by_accident() {
    let place = two_authorities();
    place.enlace(&add(FGE, "ES")).succeeded();
    let sign = ["network", "sign", "red", "--authority", "fge"];
    place.enlace(&[&sign[..], &ROOT].concat()).succeeded();
    let signed = std::fs::read(place.path("red/network.bundle")).unwrap();
    place.enlace(&add(MP, "BR")).failed_with("has signed this bundle already");
    assert_eq!(std::fs::read(place.path("red/network.bundle")).unwrap(), signed);
    let discard = [&add(MP, "BR")[..], &["--discard-signatures"]].concat();
    place.enlace(&discard).succeeded();
    let shown = place.enlace_json(&["network", "show", "red"]);
    assert_eq!(shown["authorities"][0]["signed"], false);
}

#[test]
fn what_does_not_belong_into_a_bundle_is_refused() {
    let place = two_authorities();
    place.make_authority("inner", "mx.fge.example", "MX");
    place.enlace(&add(FGE, "ES")).succeeded();
    let before = place.text("red/network.json");
    place.enlace(&add(FGE, "ES")).failed_with("in the bundle already");
    place
        .enlace(&add("inner/public/mx.fge.example.root.pem", "MX"))
        .failed_with("lie inside each other");
    place
        .enlace(&add("fge/public/fge.example.issuing.pem", "ES"))
        .failed_with("no authority's root certificate");
    place.enlace(&add("root.passphrase", "ES")).failed_with("holds no certificate");
    assert_eq!(place.text("red/network.json"), before);
    place.enlace(&[&add(FGE, "ES")[..], &["--replace"]].concat()).succeeded();
}

#[test]
fn only_an_authority_of_the_bundle_signs_and_with_its_own_root() {
    let place = two_authorities();
    place.enlace(&add(FGE, "ES")).succeeded();
    let before = std::fs::read(place.path("red/network.bundle")).unwrap();
    let sign = |authority| ["network", "sign", "red", "--authority", authority];
    place.enlace(&[&sign("mp")[..], &ROOT].concat()).failed_with("not one of its authorities");
    place.make_authority("twin", "fge.example", "ES");
    place.enlace(&[&sign("twin")[..], &ROOT].concat()).failed_with("does not fit");
    let wrong = ["--root-passphrase-file", "issuing.passphrase"];
    place.enlace(&[&sign("fge")[..], &wrong].concat()).failed_with("passphrase does not fit");
    let hash = "ab".repeat(32);
    place.enlace(&[&sign("fge")[..], &ROOT, &["--hash", &hash]].concat()).failed_with("hash is");
    assert_eq!(std::fs::read(place.path("red/network.bundle")).unwrap(), before);
}

#[test]
fn a_network_is_begun_once_and_a_damaged_bundle_is_refused() {
    let place = two_authorities();
    place.enlace(&["network", "init", "red", "--name", "Otra"]).failed_with("exists already");
    place.enlace(&["network", "show", "red"]).failed_with("cannot be read");
    place.enlace(&add(FGE, "ES")).succeeded();
    let path = place.path("red/network.bundle");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.pop();
    std::fs::write(&path, bytes).unwrap();
    place.enlace(&["network", "show", "red"]).failed_with("no network bundle");
}

#[test]
fn the_next_version_is_signed_by_whom_the_present_one_asks_for() {
    let place = two_authorities();
    place.make_authority("mpf", "mpf.example", "AR");
    place.enlace(&add(FGE, "ES")).succeeded();
    place.enlace(&add(MP, "BR")).succeeded();
    let sign =
        |authority| [&["network", "sign", "red", "--authority", authority][..], &ROOT].concat();
    place.enlace(&sign("fge")).succeeded();
    place.enlace(&sign("mp")).succeeded();
    let first = place.enlace_json(&["network", "show", "red"])["hash"].clone();

    let begun = place.enlace_json(&["network", "next", "red"]);
    assert_eq!((&begun["version"], &begun["needed"]), (&2.into(), &2.into()));
    place.enlace(&add("mpf/public/mpf.example.root.pem", "AR")).succeeded();
    place.enlace(&["network", "drop", "red", "mp.example"]).succeeded();
    place.enlace(&["network", "drop", "red", "mp.example"]).failed_with("not in the bundle");
    place.enlace(&["network", "next", "red"]).failed_with("have signed, and it takes 2");
    let one = place.enlace_json(&sign("fge"));
    assert!(one["unfinished"].as_str().unwrap().contains("takes 2"), "{one}");
    // Whoever is dropped is of the present version, and signs.
    let two = place.enlace_json(&sign("mp"));
    assert!(two["unfinished"].as_str().unwrap().contains("mpf.example enters"), "{two}");
    assert_eq!(place.enlace_json(&sign("mpf"))["unfinished"], serde_json::Value::Null);
    let shown = place.enlace_json(&["network", "show", "red"]);
    assert_eq!((&shown["version"], &shown["previous"]), (&2.into(), &first));
    assert_eq!(shown["dropped"], serde_json::json!(["mp.example"]));

    // Elsewhere the version before has to be named.
    std::fs::copy(place.path("red/network.bundle"), place.path("new.bundle")).unwrap();
    let alone = [&["network", "sign", "new.bundle", "--authority", "fge"][..], &ROOT].concat();
    place.enlace(&alone).failed_with("the version before is missing");
    let named = [&alone[..], &["--previous", "red/network.1.bundle"]].concat();
    place.enlace(&named).succeeded();
    let wrong = [&alone[..], &["--previous", "new.bundle"]].concat();
    place.enlace(&wrong).failed_with("is not the version before");
}

#[test]
fn the_keys_of_one_network_sign_for_no_other() {
    let place = two_authorities();
    place.enlace(&add(FGE, "ES")).succeeded();
    let sign = |network, authority| {
        [&["network", "sign", network, "--authority", authority][..], &ROOT].concat()
    };
    place.enlace(&sign("red", "fge")).succeeded();
    let add_to_other = |certificate| {
        let start = ["network", "add", "otra", "--authority-certificate", certificate];
        [&start[..], &["--country", "ES", "--name", "Fiscalía"]].concat()
    };
    place.enlace(&["network", "init", "otra", "--name", "Otra red"]).succeeded();
    place.enlace(&add_to_other(FGE)).succeeded();
    let before = std::fs::read(place.path("otra/network.bundle")).unwrap();
    place.enlace(&sign("otra", "fge")).failed_with("are for the network Red de prueba");
    assert_eq!(std::fs::read(place.path("otra/network.bundle")).unwrap(), before);
    // The next version of its own network is another matter.
    place.enlace(&["network", "next", "red"]).succeeded();
    place.enlace(&sign("red", "fge")).succeeded();

    // The same authority's other keys.
    place.make_authority("fge-otra", "fge.example", "ES");
    let other =
        [&add_to_other("fge-otra/public/fge.example.root.pem")[..], &["--replace"]].concat();
    place.enlace(&other).succeeded();
    place.enlace(&sign("otra", "fge-otra")).succeeded();
    place.enlace(&sign("red", "fge-otra")).failed_with("are for the network Otra red");
}

#[test]
fn an_authority_takes_another_domain_with_both_roots() {
    let place = two_authorities();
    place.make_authority("nova", "nova.example", "ES");
    place.enlace(&add(FGE, "ES")).succeeded();
    place.enlace(&add(MP, "BR")).succeeded();
    let sign =
        |authority| [&["network", "sign", "red", "--authority", authority][..], &ROOT].concat();
    let rename = |domain, end| {
        let certificate = "nova/public/nova.example.root.pem";
        let start = ["network", "rename", "red", domain, "--authority-certificate", certificate];
        [&start[..], &["--until", end]].concat()
    };
    place.enlace(&rename("fge.example", "2030-01-31")).failed_with("by a next version");
    place.enlace(&sign("fge")).succeeded();
    place.enlace(&sign("mp")).succeeded();
    place.enlace(&["network", "next", "red"]).succeeded();
    place.enlace(&rename("other.example", "2030-01-31")).failed_with("not in the bundle");
    let renamed = place.enlace_json(&rename("fge.example", "2030-01-31"));
    assert_eq!(
        (&renamed["former"], &renamed["domain"]),
        (&"fge.example".into(), &"nova.example".into())
    );

    place.enlace(&sign("mp")).succeeded();
    let one = place.enlace_json(&sign("nova"));
    assert!(one["unfinished"].as_str().unwrap().contains("takes 2"), "{one}");
    let two = place.enlace_json(&sign("fge"));
    assert_eq!(two["unfinished"], serde_json::Value::Null, "{two}");
    let shown = place.enlace_json(&["network", "show", "red"]);
    assert_eq!(shown["former"][0]["domain"], "fge.example");
    assert_eq!(shown["former"][0]["authority"], "nova.example");
    assert_eq!(shown["former"][0]["until"], "2030-02-01T00:00:00Z");
    assert_eq!(shown["dropped"], serde_json::json!([]));

    // What was stays in later versions, and its end can be moved by its authority.
    place.enlace(&["network", "next", "red"]).succeeded();
    let end = ["network", "rename", "red", "fge.example", "--until", "2029-01-01T00:00Z"];
    place.enlace(&end).succeeded();
    place.enlace(&sign("mp")).succeeded();
    let last = place.enlace_json(&sign("nova"));
    assert_eq!(last["unfinished"], serde_json::Value::Null, "{last}");
    let shown = place.enlace_json(&["network", "show", "red"]);
    assert_eq!(shown["former"][0]["until"], "2029-01-01T00:00:00Z");
}
