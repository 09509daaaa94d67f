//! Files: keys, settings, registries, and short texts.

use std::sync::OnceLock;

use der::SecretDocument;
use der::pem::LineEnding;
use enlace_identity::keys::SigningKey;
use pkcs8::PrivateKeyInfo;
use pkcs8::pkcs5::pbes2::Parameters;

use super::Seed;
use crate::decoders::key_files::PASSPHRASE;
use crate::scene::network;

pub(super) fn seeds() -> Vec<Seed> {
    let key = network().a.device("ana").key;
    let locked = locked(&key);
    let keys = [
        Seed::new("key_files", "open", key.to_pem(None).as_bytes().to_vec()),
        Seed::new("key_files", "locked", locked.into_bytes()),
    ];
    let profiles = profile_files()
        .iter()
        .zip(0_u8..)
        .map(|((name, content), at)| Seed::tagged("profile_files", *name, at, content));
    keys.into_iter().chain(profiles).chain(settings()).chain(texts()).collect()
}

/// A key file that is opened fast: of a real one, only the number of iterations differs.
fn locked(key: &SigningKey) -> String {
    const ITERATIONS: u32 = 16;
    let plain = key.to_pkcs8_der();
    let parameters = Parameters::pbkdf2_sha256_aes256cbc(ITERATIONS, &[7; 16], &[8; 16]).unwrap();
    let info = PrivateKeyInfo::try_from(&plain[..]).unwrap();
    let document: SecretDocument = info.encrypt_with_params(parameters, PASSPHRASE).unwrap();
    document.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap().to_string()
}

/// The files of an enrolled device's profile, by name.
///
/// # Panics
/// Never: what they are made of is good.
#[must_use]
pub fn profile_files() -> &'static [(&'static str, Vec<u8>)] {
    static FILES: OnceLock<Vec<(&'static str, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let network = network();
        let ana = network.a.device("ana");
        let settings = format!(
            "version = 1\naddress = \"ana@a.example\"\ndevice = \"laptop\"\nname = \"Ana Ruiz\"\n\n\
             [network]\nbundle = \"{}\"\n",
            network.bundle.hash()
        );
        vec![
            ("profile.toml", settings.into_bytes()),
            ("device.key", locked(&ana.key).into_bytes()),
            ("device.csr", network.a.request().to_pem().into_bytes()),
            ("certificates.pem", ana.chain.to_pem().into_bytes()),
            ("network.bundle", network.signed.encode()),
            ("endpoint.record", network.a.signed_endpoint_record().encode()),
        ]
    })
}

fn settings() -> Vec<Seed> {
    let hash = network().bundle.hash();
    let relay = format!(
        "[relay]\nname = \"r1.relay.a.example\"\nlisten = \"127.0.0.1:4433\"\n\n[head]\n\n\
         [network]\nbundle_hash = \"{hash}\"\ncrls = \"lists\"\n\n[limits]\nconnections = 10\n\n\
         [log]\nformat = \"json\"\nlevel = \"debug\"\n"
    );
    let span = r#""not_before":"2026-01-01T00:00:00Z","not_after":"2028-01-01T00:00:00Z""#;
    let registry = format!(
        r#"{{"version":1,"domain":"a.example","name":"Fiscalía","country":"ES","root_list":{{"number":1,{span}}},"issuing_list":{{"number":2,{span}}},"endpoint":{{"version":1,{span},"relays":[{{"name":"r1.relay.a.example","addresses":[{{"host":"127.0.0.1","port":4433}}]}}]}},"certificates":[{{"serial":"4101","kind":"device","name":"laptop.ana.officer.a.example","common_name":"Ana Ruiz","public_key":"00","{rest}"#,
        rest = format_args!(
            r#"not_before":"2026-01-01T00:00:00Z","not_after":"2028-01-01T00:00:00Z","revoked":{{"at":"2026-02-01T00:00:00Z","reason":null}}}}]}}"#
        ),
    );
    let pem = network().a.root.certificate().to_pem().replace('\n', "\\n");
    let draft = format!(
        r#"{{"version":1,"name":"Red","threshold":null,{span},"authorities":[{{"domain":"a.example","country":"ES","name":"Fiscalía","roots":["{pem}"]}}]}}"#
    );
    vec![
        Seed::new("relay_config", "full", relay.into_bytes()),
        Seed::new("registries", "authority", registry.into_bytes()),
        Seed::new("registries", "network", draft.into_bytes()),
    ]
}

fn texts() -> Vec<Seed> {
    let hash = network().bundle.hash().to_string();
    let texts = [
        "laptop.ana.officer.a.example",
        "r1.relay.a.example",
        "ana@a.example",
        "a.example",
        "2001:db8::1",
        "America/Bogota",
        "H3",
        "4101ab",
        &hash,
    ];
    let texts = texts.iter().enumerate();
    texts
        .map(|(at, text)| Seed::new("names", format!("name-{at}"), text.as_bytes().to_vec()))
        .collect()
}
