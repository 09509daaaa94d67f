//! `enlace authority suspend` and `lift`: with the duty key alone.

use enlace_identity::suspension::{SignedSuspensions, SuspensionStatement};

use crate::support::{ISSUING, Place};

/// An authority, and a duty officer's files away from it.
fn place() -> Place {
    let place = Place::with_authority();
    place.request("duty.csr", "d1", &["subjectAltName=DNS:d1.duty.fge.example"]);
    let issue = ["authority", "issue", "duty.csr", "--authority", "fge", "--duty", "d1"];
    place.enlace(&[&issue[..], &ISSUING, &["--out", "duty.pem"]].concat()).succeeded();
    std::fs::rename(place.path("fge"), place.path("safe")).unwrap();
    place
}

fn with_duty<'a>(command: &'a str, names: &[&'a str]) -> Vec<&'a str> {
    let files = ["--key", "duty.csr.key", "--certificate", "duty.pem"];
    [&["authority", command], names, &files].concat()
}

fn statement(place: &Place) -> SuspensionStatement {
    let bytes = std::fs::read(place.path("fge.example.suspensions")).unwrap();
    SignedSuspensions::decode(&bytes).unwrap().unverified_statement().unwrap()
}

#[test]
fn officers_are_suspended_and_lifted_with_a_growing_serial() {
    let place = place();
    let eva = "laptop.eva.officer.fge.example";
    let first = place.enlace_json(&with_duty("suspend", &["ana@fge.example"]));
    assert_eq!(first["suspended"], serde_json::json!(["ana@fge.example"]));
    let serial = statement(&place).serial;
    let second = place.enlace_json(&with_duty("suspend", &[eva]));
    assert_eq!(second["suspended"], serde_json::json!(["ana@fge.example", eva]));
    assert!(statement(&place).serial > serial);
    assert_eq!(second["not_after"], first["not_after"], "the end is never brought forward");

    let lifted = place.enlace_json(&with_duty("lift", &["ana@fge.example"]));
    assert_eq!(lifted["suspended"], serde_json::json!([eva]));
    place.enlace(&with_duty("lift", &["ana@fge.example"])).failed_with("is not suspended");
    place.enlace(&with_duty("lift", &[eva])).succeeded();
    assert!(statement(&place).suspended.is_empty());
}

#[test]
fn a_duty_officer_is_warned_of_what_happens_to_others() {
    let place = place();
    let suspend = |name, until| with_duty("suspend", &[name, "--until", until]);
    let day = |days: i64| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let (soon, later) = (day(3), day(9));
    let first = place.enlace(&suspend("ana@fge.example", &soon)).succeeded();
    assert!(first.stderr.contains("begin from the newest file"), "{}", first.stderr);
    let earlier = place.enlace(&suspend("ben@fge.example", &soon)).succeeded();
    assert!(!earlier.stderr.contains("newest file") && !earlier.stderr.contains("same end"));
    let again = place.enlace(&suspend("eva@fge.example", &later)).succeeded();
    let told = "so have ana@fge.example, ben@fge.example.";
    assert!(again.stderr.contains(told), "{}", again.stderr);
}

#[test]
fn what_no_relay_would_believe_is_not_written() {
    let place = place();
    place.request("other.csr", "Eva", &["subjectAltName=DNS:a.eva.officer.fge.example"]);
    let file = || place.path("fge.example.suspensions").exists();
    for (arguments, why) in [
        (with_duty("suspend", &["ana@mp.example"]), "does not belong to fge.example"),
        (with_duty("suspend", &["ana@fge.example", "--until", "2020-01-01"]), "over already"),
        (with_duty("suspend", &["ana@fge.example", "--until", "2199-01-01"]), "ends on"),
        (with_duty("lift", &["ana@fge.example"]), "nobody is suspended"),
    ] {
        place.enlace(&arguments).failed_with(why);
        assert!(!file(), "{why}");
    }
    let mut wrong = with_duty("suspend", &["ana@fge.example"]);
    wrong[4] = "other.csr.key";
    place.enlace(&wrong).failed_with("of another key");
    assert_eq!(place.enlace(&with_duty("suspend", &["ana"])).code, Some(2));
    assert!(!file());
}
