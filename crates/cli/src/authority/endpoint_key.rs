//! The key that signs endpoint records, and its certificate.

use std::collections::BTreeSet;

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::issue::IssuingCa;
use enlace_identity::keys::{Passphrase, SigningKey};
use enlace_identity::names::{LeafName, ServiceKind, ServiceName};
use enlace_identity::time::Timestamp;

use super::directory::{Directory, unlock};
use super::issuance::{Issuance, Subject, issue};
use super::registry::{Issued, Kind, Standing};
use crate::failure::Failure;
use crate::files::{self, Mode};

const DAYS: u32 = 2 * 365;

/// The endpoint key and its certificates. A certificate past half of its life is renewed here; a
/// revoked one leads to a new key.
pub(crate) fn endpoint_signer(
    directory: &mut Directory,
    issuing: &IssuingCa,
    passphrase: &Passphrase,
    now: Timestamp,
) -> Result<(SigningKey, UnverifiedChain), Failure> {
    match newest(directory, now) {
        Some((issued, Standing::Valid)) => {
            let key = unlock(&key_file(directory, label(&issued.name)), passphrase)?;
            let chain = directory.read_issued(&issued.name, &issued.serial.to_string())?;
            Ok((key, chain))
        }
        Some((issued, _)) => {
            let key = unlock(&key_file(directory, label(&issued.name)), passphrase)?;
            let chain = certify(directory, issuing, label(&issued.name), &key, now)?;
            Ok((key, chain))
        }
        None => {
            let label = next_label(directory);
            let key = make_key(directory, &label, passphrase)?;
            let chain = certify(directory, issuing, &label, &key, now)?;
            Ok((key, chain))
        }
    }
}

/// The newest endpoint certificate that is not revoked; it may have expired.
fn newest(directory: &Directory, now: Timestamp) -> Option<(Issued, Standing)> {
    let standings = directory.registry.standings(now).into_iter().rev();
    let mut usable = standings.filter(|(issued, standing)| {
        issued.kind == Kind::Endpoint && *standing != Standing::Revoked
    });
    usable.next().map(|(issued, standing)| (issued.clone(), standing))
}

fn label(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

fn key_file(directory: &Directory, label: &str) -> std::path::PathBuf {
    directory.private(&format!("{label}.key"))
}

fn next_label(directory: &Directory) -> String {
    let endpoints = directory.registry.certificates.iter().filter(|i| i.kind == Kind::Endpoint);
    let names: BTreeSet<_> = endpoints.map(|issued| &issued.name).collect();
    format!("e{}", names.len() + 1)
}

/// A key that an interrupted run left behind is nobody's yet, and serves.
fn make_key(
    directory: &Directory,
    label: &str,
    passphrase: &Passphrase,
) -> Result<SigningKey, Failure> {
    let path = key_file(directory, label);
    if path.exists() {
        return unlock(&path, passphrase);
    }
    let key = SigningKey::generate();
    files::create(&path, key.to_pem(Some(passphrase)).as_bytes(), Mode::Private)?;
    Ok(key)
}

fn certify(
    directory: &mut Directory,
    issuing: &IssuingCa,
    label: &str,
    key: &SigningKey,
    now: Timestamp,
) -> Result<UnverifiedChain, Failure> {
    let name = ServiceName::new(label, ServiceKind::Endpoint, directory.domain())?;
    let name = LeafName::Service(name);
    let issuance = Issuance {
        name: &name,
        common_name: "Endpoint records",
        days: DAYS,
        subject: Subject::Key(key.public()),
    };
    issue(directory, issuing, &issuance, now).map(|(chain, ..)| chain)
}
