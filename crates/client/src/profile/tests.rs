//! Enrolment refuses whatever is not this device's, and changes nothing then.

use std::collections::BTreeMap;
use std::path::Path;

use enlace_identity::bundle::BundleHash;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::{KeyFileError, Passphrase, SigningKey};
use tempfile::TempDir;

use super::*;
use crate::testing::{NOW, TestAuthority, TestNetwork};

struct Fixture {
    network: TestNetwork,
    dir: TempDir,
    profile: Profile,
    chain: UnverifiedChain,
    bundle: Vec<u8>,
    record: Vec<u8>,
}

fn passphrase() -> Passphrase {
    Passphrase::new("clave")
}

impl Fixture {
    fn new() -> Self {
        let network = TestNetwork::new();
        let dir = TempDir::new().unwrap();
        let address = "ana@fge.example".parse().unwrap();
        let at = dir.path().join("profile");
        let (profile, request) =
            Profile::create(&at, &address, "pc", "Ana Ruiz Gómez", &passphrase()).unwrap();
        let chain = network.fge.issue(&request);
        let bundle = network.signed.encode();
        let record = network.fge.endpoint_record();
        Self { network, dir, profile, chain, bundle, record }
    }

    fn enroll(&mut self, change: impl FnOnce(&mut Enrollment<'_>)) -> Result<(), EnrollError> {
        let pem = self.chain.to_pem();
        let mut enrollment = Enrollment {
            certificates: &pem,
            bundle: &self.bundle,
            bundle_hash: self.network.signed.hash(),
            endpoint_record: &self.record,
            crls: &[],
        };
        change(&mut enrollment);
        self.profile.enroll(&enrollment, NOW).map(|_| ())
    }

    fn refused(&mut self, change: impl FnOnce(&mut Enrollment<'_>)) -> EnrollError {
        let before = files_of(self.profile.dir());
        let error = self.enroll(change).unwrap_err();
        assert_eq!(files_of(self.profile.dir()), before, "a refusal changes nothing: {error}");
        assert!(!self.profile.is_enrolled());
        error
    }
}

fn files_of(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn an_enrolled_profile_opens_with_its_passphrase_alone() {
    let mut fixture = Fixture::new();
    assert!(matches!(fixture.profile.unlock(&passphrase()), Err(ProfileError::NotEnrolled)));
    fixture.enroll(|_| ()).unwrap();
    let profile = Profile::open(fixture.profile.dir()).unwrap();
    assert_eq!(profile.common_name(), "Ana Ruiz Gómez");
    assert!(profile.is_enrolled());
    let unlocked = profile.unlock(&passphrase()).unwrap();
    assert_eq!(unlocked.device.name.as_str(), "pc.ana.officer.fge.example");
    assert_eq!(unlocked.device.chain, fixture.chain);
    assert_eq!(unlocked.endpoint_record, fixture.record);
    let wrong = profile.unlock(&Passphrase::new("otra"));
    assert!(matches!(wrong, Err(ProfileError::Key(KeyFileError::WrongPassphrase))));
}

#[test]
fn a_certificate_can_be_renewed() {
    let mut fixture = Fixture::new();
    fixture.enroll(|_| ()).unwrap();
    fixture.chain = fixture.network.fge.issue(&fixture.profile.request().unwrap());
    fixture.enroll(|_| ()).unwrap();
    assert_eq!(fixture.profile.unlock(&passphrase()).unwrap().device.chain, fixture.chain);
}

#[test]
fn a_profile_is_not_made_over_another() {
    let fixture = Fixture::new();
    let before = files_of(fixture.profile.dir());
    let address = "eva@fge.example".parse().unwrap();
    let again =
        Profile::create(fixture.profile.dir(), &address, "pc", "Eva", &Passphrase::new("x"));
    assert!(matches!(again, Err(CreateError::Exists(_))));
    assert_eq!(files_of(fixture.profile.dir()), before);
}

#[test]
fn an_empty_passphrase_is_refused() {
    let dir = TempDir::new().unwrap();
    let address = "eva@fge.example".parse().unwrap();
    let made = Profile::create(dir.path(), &address, "pc", "Eva", &Passphrase::new(""));
    assert!(matches!(made, Err(CreateError::EmptyPassphrase)));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_a_profile() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut fixture = Fixture::new();
    fixture.enroll(|_| ()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(fixture.profile.dir()), 0o700);
    for path in files_of(fixture.profile.dir()).keys() {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    assert!(fixture.dir.path().exists());
}

#[test]
fn a_bundle_with_another_hash_is_refused() {
    let error = Fixture::new()
        .refused(|enrollment| enrollment.bundle_hash = BundleHash::from_bytes([7; 32]));
    assert!(matches!(error, EnrollError::Bundle(BundleError::WrongHash { .. })));
}

#[test]
fn a_bundle_without_the_own_authority_is_refused() {
    let other = TestNetwork::new();
    let mut content = other.signed.unverified_content().unwrap();
    content.authorities.retain(|authority| authority.domain != other.fge.domain);
    let mut signed = SignedBundle::create(content).unwrap();
    signed.sign(&other.mp.domain, &other.mp.root_key).unwrap();
    let mut fixture = Fixture::new();
    fixture.bundle = signed.encode();
    let error = fixture.refused(|enrollment| enrollment.bundle_hash = signed.hash());
    assert!(matches!(error, EnrollError::NotAMember(_)));
}

#[test]
fn a_certificate_of_an_unknown_ca_is_refused() {
    let mut fixture = Fixture::new();
    let stranger = TestAuthority::new("fge.example");
    fixture.chain = stranger.issue(&fixture.profile.request().unwrap());
    let error = fixture.refused(|_| ());
    assert!(matches!(error, EnrollError::Chain(_)));
}

#[test]
fn a_certificate_of_another_officer_or_device_is_refused() {
    for leaf in ["pc.eva.officer", "phone.ana.officer"] {
        let mut fixture = Fixture::new();
        let key = fixture.profile.request().unwrap().public_key();
        fixture.chain = fixture.network.fge.leaf(leaf, &key);
        let error = fixture.refused(|_| ());
        assert!(matches!(error, EnrollError::OtherName { .. }), "{error}");
    }
}

#[test]
fn a_certificate_for_another_key_is_refused() {
    let mut fixture = Fixture::new();
    let other = SigningKey::generate().public();
    fixture.chain = fixture.network.fge.leaf("pc.ana.officer", &other);
    assert!(matches!(fixture.refused(|_| ()), EnrollError::OtherKey));
}

#[test]
fn a_relays_certificate_is_refused() {
    let mut fixture = Fixture::new();
    let key = fixture.profile.request().unwrap().public_key();
    fixture.chain = fixture.network.fge.leaf("r1.relay", &key);
    assert!(matches!(fixture.refused(|_| ()), EnrollError::Chain(_)));
}

#[test]
fn another_authoritys_endpoint_record_is_refused() {
    let mut fixture = Fixture::new();
    fixture.record = fixture.network.mp.endpoint_record();
    assert!(matches!(fixture.refused(|_| ()), EnrollError::OtherRecord(_)));
}

#[test]
fn an_altered_endpoint_record_is_refused() {
    let mut fixture = Fixture::new();
    let middle = fixture.record.len() / 3;
    fixture.record[middle] ^= 1;
    assert!(matches!(fixture.refused(|_| ()), EnrollError::EndpointRecord(_)));
}

#[test]
fn a_revoked_certificate_is_refused() {
    let mut fixture = Fixture::new();
    let bundle = fixture.network.bundle();
    let leaf =
        bundle.verify(&fixture.chain, NOW, enlace_identity::bundle::LeafUsage::Device).unwrap();
    let crls = fixture.network.fge.crls(1, Some(leaf.serial()));
    let pem = fixture.chain.to_pem();
    let before = files_of(fixture.profile.dir());
    let enrollment = Enrollment {
        certificates: &pem,
        bundle: &fixture.bundle,
        bundle_hash: fixture.network.signed.hash(),
        endpoint_record: &fixture.record,
        crls: &crls,
    };
    let refused = fixture.profile.enroll(&enrollment, NOW);
    assert!(matches!(refused, Err(EnrollError::Revoked(_))));
    assert_eq!(files_of(fixture.profile.dir()), before);
    assert!(!fixture.profile.is_enrolled());
}

#[test]
fn an_expired_certificate_is_refused() {
    let mut fixture = Fixture::new();
    let pem = fixture.chain.to_pem();
    let enrollment = Enrollment {
        certificates: &pem,
        bundle: &fixture.bundle,
        bundle_hash: fixture.network.signed.hash(),
        endpoint_record: &fixture.record,
        crls: &[],
    };
    let later = NOW.plus(std::time::Duration::from_secs(100 * 86_400));
    assert!(matches!(fixture.profile.enroll(&enrollment, later), Err(EnrollError::Chain(_))));
    assert!(!fixture.profile.is_enrolled());
}

#[test]
fn another_network_is_refused() {
    let mut fixture = Fixture::new();
    fixture.enroll(|_| ()).unwrap();
    let mut content = fixture.network.signed.unverified_content().unwrap();
    content.network = "Otra red".to_owned();
    let signed = SignedBundle::create(content).unwrap();
    let bundle = signed.encode();
    let before = files_of(fixture.profile.dir());
    fixture.bundle = bundle;
    let error = fixture.enroll(|enrollment| enrollment.bundle_hash = signed.hash()).unwrap_err();
    assert!(matches!(error, EnrollError::OtherNetwork(_)));
    assert_eq!(files_of(fixture.profile.dir()), before);
}

#[test]
fn settings_with_unknown_keys_are_refused() {
    let fixture = Fixture::new();
    let path = fixture.profile.dir().join(SETTINGS);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("colour = 1\n{text}")).unwrap();
    assert!(matches!(Profile::open(fixture.profile.dir()), Err(ProfileError::Settings(_))));
    let empty = TempDir::new().unwrap();
    assert!(matches!(Profile::open(empty.path()), Err(ProfileError::Missing(_))));
}
