//! One-time invitations, as the registry keeps them, and what a request that came with one is
//! entitled to.

use enlace_identity::invitation::{Enrolment, Invitation, InvitationVerifier};
use enlace_identity::keys::PublicKey;
use enlace_identity::names::{DeviceName, LeafName};
use enlace_identity::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::registry::{Issued, Registry};
use crate::as_text;
use crate::when::rfc3339;

/// An invitation, without its secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invited {
    /// Its id, in hexadecimal.
    pub(crate) invitation: String,
    /// Whom it is for.
    #[serde(with = "as_text")]
    pub(crate) device: DeviceName,
    pub(crate) common_name: String,
    #[serde(with = "rfc3339")]
    pub(crate) not_after: Timestamp,
    /// Whether nobody has to be asked again.
    pub(crate) pre_approved: bool,
    /// The one key that it serves, in hexadecimal: written before a certificate is issued.
    pub(crate) key: Option<String>,
    pub(crate) withdrawn: bool,
}

/// What a request that came with an invitation is entitled to.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Claim<'a> {
    /// To a certificate, at once.
    Due(&'a Invited),
    /// To a certificate, once the key was compared with the officer.
    Waits(&'a Invited),
    /// To the certificate that was issued for it.
    Answered(&'a Issued),
}

impl Invited {
    pub(crate) fn new(invitation: &Invitation, pre_approved: bool) -> Self {
        Self {
            invitation: hex::encode(invitation.id().as_bytes()),
            device: invitation.device.clone(),
            common_name: invitation.common_name.clone(),
            not_after: invitation.not_after,
            pre_approved,
            key: None,
            withdrawn: false,
        }
    }

    /// What the relay is to know of it; nothing where the registry is damaged.
    pub(crate) fn verifier(&self) -> Option<InvitationVerifier> {
        let id: [u8; 32] = hex::decode(&self.invitation).ok()?.try_into().ok()?;
        let invitation = PublicKey::from_bytes(id).ok()?;
        Some(InvitationVerifier { invitation, not_after: self.not_after })
    }

    /// Whether somebody may still use it for the first time.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        !self.withdrawn && self.key.is_none() && now < self.not_after
    }
}

/// Judges a request whose proof fits. One invitation serves one key, that of one device; and nobody
/// takes a name over that another key has a good certificate for.
pub(crate) fn claim<'a>(
    registry: &'a Registry,
    enrolment: &Enrolment,
    approved: &[String],
    now: Timestamp,
) -> Result<Claim<'a>, &'static str> {
    let id = hex::encode(enrolment.invitation().as_bytes());
    let invited = registry.invitations.iter().find(|invited| invited.invitation == id);
    let invited = invited.ok_or("nobody was invited like this")?;
    let request = enrolment.request();
    let key = hex::encode(request.public_key().as_bytes());
    let is_meant =
        matches!(request.name(), Some(LeafName::Device(device)) if *device == invited.device);
    if !is_meant {
        return Err("it is not for the device that was invited");
    }
    if invited.withdrawn {
        return Err("the invitation was withdrawn");
    }
    if invited.key.as_ref().is_some_and(|served| *served != key) {
        return Err("the invitation has served another key");
    }
    let name = invited.device.as_str();
    if registry.current(name, now).any(|issued| issued.public_key != key) {
        return Err("another key has a good certificate of that name");
    }
    if invited.key.is_some() {
        // Its certificate was issued, unless the program ended at that very moment.
        let issued = registry.certificates.iter().rev();
        let mut own = issued.filter(|issued| issued.name == name && issued.public_key == key);
        return match own.next() {
            Some(issued) if issued.revoked.is_some() => Err("its certificate was revoked"),
            Some(issued) if now >= issued.not_after => Err("its certificate has expired"),
            Some(issued) => Ok(Claim::Answered(issued)),
            None => Ok(Claim::Due(invited)),
        };
    }
    let is_approved = invited.pre_approved && now < invited.not_after || approved.contains(&key);
    Ok(if is_approved { Claim::Due(invited) } else { Claim::Waits(invited) })
}

#[cfg(test)]
mod tests {
    use enlace_identity::bundle::BundleHash;
    use enlace_identity::certificate::Serial;
    use enlace_identity::endpoint::RelayAddress;
    use enlace_identity::entropy::Entropy;
    use enlace_identity::issue::CertificateRequest;
    use enlace_identity::keys::SigningKey;

    use super::*;
    use crate::authority::{Kind, ListState, Revoked};

    const NAME: &str = "laptop.ana.officer.fge.example";
    const NOW: Timestamp = Timestamp::from_secs(1500);
    const END: Timestamp = Timestamp::from_secs(2000);

    fn scene(pre_approved: bool) -> (Registry, Invitation) {
        let span = Timestamp::from_secs(1000);
        let list = ListState { number: 1, not_before: span, not_after: span };
        let domain = "fge.example".parse().unwrap();
        let lists = [list.clone(), list];
        let mut registry = Registry::new(domain, "Fiscalía".into(), "ES".into(), lists);
        let relays = vec![RelayAddress { host: "localhost".parse().unwrap(), port: 1 }];
        let (device, hash) = (NAME.parse().unwrap(), BundleHash::from_bytes([1; 32]));
        let entropy = Entropy::system();
        let invitation =
            Invitation::new(&entropy, device, "Ana".into(), hash, END, relays).unwrap();
        registry.invitations.push(Invited::new(&invitation, pre_approved));
        (registry, invitation)
    }

    fn enrolment(invitation: &Invitation, key: &SigningKey, name: &str) -> Enrolment {
        let request = CertificateRequest::create(key, &name.parse().unwrap(), "Ana").unwrap();
        Enrolment::prove(invitation, [1; 32], request)
    }

    fn issued(key: &SigningKey) -> Issued {
        Issued {
            serial: Serial::from_random([1; 16]),
            kind: Kind::Device,
            name: NAME.into(),
            common_name: "Ana".into(),
            public_key: hex::encode(key.public().as_bytes()),
            not_before: Timestamp::from_secs(1000),
            not_after: Timestamp::from_secs(3000),
            revoked: None,
        }
    }

    #[test]
    fn a_pre_approved_request_is_due_until_the_end_and_then_waits_for_approval() {
        let (registry, invitation) = scene(true);
        let asked = enrolment(&invitation, &SigningKey::generate(), NAME);
        let invited = &registry.invitations[0];
        assert_eq!(claim(&registry, &asked, &[], NOW), Ok(Claim::Due(invited)));
        assert_eq!(claim(&registry, &asked, &[], END), Ok(Claim::Waits(invited)));
    }

    #[test]
    fn another_request_waits_until_its_own_key_is_approved() {
        let (registry, invitation) = scene(false);
        let (key, other) = (SigningKey::generate(), SigningKey::generate());
        let asked = enrolment(&invitation, &key, NAME);
        let invited = &registry.invitations[0];
        let digits = |key: &SigningKey| vec![hex::encode(key.public().as_bytes())];
        assert_eq!(claim(&registry, &asked, &[], NOW), Ok(Claim::Waits(invited)));
        assert_eq!(claim(&registry, &asked, &digits(&other), NOW), Ok(Claim::Waits(invited)));
        assert_eq!(claim(&registry, &asked, &digits(&key), END), Ok(Claim::Due(invited)));
    }

    #[test]
    fn an_invitation_serves_one_device_and_one_key_for_good() {
        let (mut registry, invitation) = scene(true);
        let (key, other) = (SigningKey::generate(), SigningKey::generate());
        let asked = enrolment(&invitation, &key, NAME);
        let replaced = enrolment(&invitation, &other, NAME);
        let elsewhere = enrolment(&invitation, &key, "phone.ana.officer.fge.example");
        assert!(claim(&registry, &elsewhere, &[], NOW).is_err());

        registry.invitations[0].key = Some(hex::encode(key.public().as_bytes()));
        let invited = registry.invitations[0].clone();
        assert_eq!(claim(&registry, &asked, &[], NOW), Ok(Claim::Due(&invited)), "interrupted");
        assert!(claim(&registry, &replaced, &[], NOW).is_err());
        registry.certificates.push(issued(&key));
        let answered = registry.certificates[0].clone();
        assert_eq!(claim(&registry, &asked, &[], END), Ok(Claim::Answered(&answered)));
        // Also once the thief's certificate is revoked.
        registry.certificates[0].revoked = Some(Revoked { at: NOW, reason: None });
        assert!(claim(&registry, &replaced, &[], NOW).is_err());
        assert!(claim(&registry, &asked, &[], NOW).is_err());
    }

    #[test]
    fn nobody_takes_over_a_name_that_is_in_use_or_uses_what_was_withdrawn() {
        let (mut registry, invitation) = scene(true);
        let asked = enrolment(&invitation, &SigningKey::generate(), NAME);
        registry.certificates.push(issued(&SigningKey::generate()));
        assert!(claim(&registry, &asked, &[], NOW).is_err());
        registry.certificates.clear();
        registry.invitations[0].withdrawn = true;
        assert!(claim(&registry, &asked, &[], NOW).is_err());
        registry.invitations.clear();
        assert!(claim(&registry, &asked, &[], NOW).is_err(), "the relay made it up");
    }
}
