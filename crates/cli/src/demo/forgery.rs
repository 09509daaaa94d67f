//! Certificates that nobody should accept, made as a hostile authority would.

use std::sync::Arc;

use enlace_identity::bundle::{AuthorityContent, BundleContent, SignedBundle};
use enlace_identity::certificate::{CertificateDer, Serial};
use enlace_identity::issue::{Approval, IssuingCa, Root};
use enlace_identity::keys::SigningKey;
use enlace_identity::names::{DeviceName, Domain, LeafName};
use enlace_identity::revocation::RevocationLists;
use enlace_identity::time::Validity;
use enlace_transport::{LocalIdentity, SystemClock, Trust};
use zeroize::Zeroizing;

use crate::failure::{Explain as _, Failure};
use crate::files;
use crate::training::{TrainingAuthority, TrainingNetwork};
use crate::when::{DAY, now};

/// A device that shows a forged certificate. It trusts the real relays, and itself.
pub(super) struct Forged {
    pub(super) identity: LocalIdentity,
    pub(super) trust: Trust,
}

/// An officer of an authority that the network doesn't list.
pub(super) fn outsider(network: &TrainingNetwork) -> Result<Forged, Failure> {
    let device = "laptop.eva.officer.otra.example".parse()?;
    let keys = [SigningKey::generate(), SigningKey::generate()];
    forge(network, &device, keys)
}

/// A device of somebody else's authority, certified by the keys of `forger`.
pub(super) fn impersonator(
    network: &TrainingNetwork,
    device: &DeviceName,
    forger: &TrainingAuthority,
) -> Result<Forged, Failure> {
    let key = |name: &str| -> Result<SigningKey, Failure> {
        let path = forger.registrar_dir().join("private").join(name);
        let pem = Zeroizing::new(files::read_text(&path)?);
        Ok(SigningKey::from_pem(&pem, Some(network.passphrase()))?)
    };
    forge(network, device, [key("root.key")?, key("issuing.key")?])
}

fn forge(
    network: &TrainingNetwork,
    device: &DeviceName,
    [root_key, issuing_key]: [SigningKey; 2],
) -> Result<Forged, Failure> {
    let domain = device.domain();
    let validity = Validity { not_before: now().minus(DAY), not_after: now().plus(DAY * 30) };
    let root = Root::create(domain, root_key, validity, &Serial::generate())?;
    let certificate = root.issue_ca(&issuing_key.public(), validity, &Serial::generate())?;
    let issuing = IssuingCa::load(domain, root.certificate(), &certificate, issuing_key)?;
    let device_key = SigningKey::generate();
    let approval = Approval {
        name: LeafName::Device(device.clone()),
        common_name: "Eva Intrusa".to_owned(),
        validity,
        serial: Serial::generate(),
    };
    let chain = issuing.issue_for_key(&device_key.public(), &approval)?;
    let trust = trusting_itself(network, domain, root.certificate(), validity)?;
    let identity = LocalIdentity::new(&trust, &chain, device_key)
        .context(|| "the forgery is no good".to_owned())?;
    Ok(Forged { identity, trust })
}

/// A bundle as the intruder would like it: the forged root beside the real ones.
fn trusting_itself(
    network: &TrainingNetwork,
    domain: &Domain,
    forged: &CertificateDer,
    validity: Validity,
) -> Result<Trust, Failure> {
    // The hub's authority alone: the key of the other's root may be the forged root's.
    let hub = network.authorities().first().ok_or_else(|| Failure::new("no authority"))?;
    let real = CertificateDer::from_pem(&files::read_text(&hub.public("root.pem"))?)?;
    let entry = |domain: &Domain, roots| AuthorityContent {
        domain: domain.clone(),
        country: hub.country().to_owned(),
        name: hub.name().to_owned(),
        roots,
    };
    let authorities = if domain == hub.domain() {
        vec![entry(domain, vec![real, forged.clone()])]
    } else {
        vec![entry(hub.domain(), vec![real]), entry(domain, vec![forged.clone()])]
    };
    let content = BundleContent {
        network: "Otra red".to_owned(),
        version: 1,
        previous: None,
        threshold: 1,
        validity,
        authorities,
        former: Vec::new(),
    };
    let bundle = SignedBundle::create(content)?;
    let bundle = bundle.open(&bundle.hash())?;
    Ok(Trust::new(bundle, RevocationLists::new(), Arc::new(SystemClock)))
}
