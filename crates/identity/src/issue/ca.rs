//! Roots and issuing CAs.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints, SanType,
};

use crate::certificate::profile::{check_issuing, check_leaf, check_root, names_issuer};
use crate::certificate::x509::X509;
use crate::certificate::{CertificateDer, LeafUsage, ProfileError, Serial, UnverifiedChain};
use crate::issue::signer::{Signer, ca_name, self_sign};
use crate::issue::{Approval, CertificateRequest, IssueError, RevocationContent};
use crate::keys::{PublicKey, SigningKey};
use crate::names::Domain;
use crate::revocation::RevocationList;
use crate::time::Validity;

/// An authority's root with its key: issues issuing CAs, signs the yearly list and bundles.
#[derive(Clone, Debug)]
pub struct Root(Signer);

/// An authority's issuing CA with its key: issues leaves, signs the short-lived list.
#[derive(Clone, Debug)]
pub struct IssuingCa(Signer);

impl Root {
    /// Makes a root for one domain: self-signed, allowed one CA below it, constrained to names in
    /// that domain.
    ///
    /// # Errors
    /// [`IssueError::Validity`].
    pub fn create(
        domain: &Domain,
        key: SigningKey,
        validity: Validity,
        serial: &Serial,
    ) -> Result<Self, IssueError> {
        let mut params = ca_params(domain, 1);
        params.distinguished_name = ca_name(domain, "root", &key.public());
        let certificate = self_sign(params, &key, validity, serial)?;
        check_root(&certificate, domain)?;
        Signer::new(domain, certificate, key).map(Self)
    }

    /// Takes a root that exists.
    ///
    /// # Errors
    /// [`IssueError::Profile`] when the certificate is no root of that domain,
    /// [`IssueError::WrongKey`].
    pub fn load(
        domain: &Domain,
        certificate: &CertificateDer,
        key: SigningKey,
    ) -> Result<Self, IssueError> {
        let certificate = X509::parse(certificate).map_err(ProfileError::from)?;
        check_root(&certificate, domain)?;
        Signer::new(domain, certificate, key).map(Self)
    }

    /// Issues the certificate of an issuing CA, whose key is `subject`.
    ///
    /// # Errors
    /// [`IssueError::Validity`].
    pub fn issue_ca(
        &self,
        subject: &PublicKey,
        validity: Validity,
        serial: &Serial,
    ) -> Result<CertificateDer, IssueError> {
        let mut params = ca_params(&self.0.domain, 0);
        params.distinguished_name = ca_name(&self.0.domain, "issuing CA", subject);
        let issued = self.0.issue(params, subject, validity, serial)?;
        check_issuing(&issued, &self.0.certificate, &self.0.domain)?;
        Ok(issued.der)
    }

    /// Signs a list of revoked issuing CAs.
    ///
    /// # Errors
    /// [`IssueError::Validity`], [`IssueError::Encoding`].
    pub fn revocation_list(
        &self,
        content: &RevocationContent,
    ) -> Result<RevocationList, IssueError> {
        Ok(RevocationList::new(self.0.revocation_list(content)?, None))
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer {
        &self.0.certificate.der
    }

    /// The certificate's validity.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.0.certificate.validity
    }
}

impl IssuingCa {
    /// Takes an issuing CA that exists, below `root`.
    ///
    /// # Errors
    /// [`IssueError::Profile`] when the certificate is no issuing CA of that domain below that
    /// root, [`IssueError::WrongKey`].
    pub fn load(
        domain: &Domain,
        root: &CertificateDer,
        certificate: &CertificateDer,
        key: SigningKey,
    ) -> Result<Self, IssueError> {
        let root = X509::parse(root).map_err(ProfileError::from)?;
        let certificate = X509::parse(certificate).map_err(ProfileError::from)?;
        check_root(&root, domain)?;
        check_issuing(&certificate, &root, domain)?;
        let issued = names_issuer(&certificate, &root)
            && certificate.verify_signature(&root.public_key).is_ok();
        if !issued {
            return Err(IssueError::WrongKey);
        }
        Signer::new(domain, certificate, key).map(Self)
    }

    /// Issues the certificate that `request` asks for, saying what was approved and nothing else
    /// of the request but its key.
    ///
    /// # Errors
    /// [`IssueError::NotApproved`] when the request names somebody else; and as
    /// [`issue_for_key`](Self::issue_for_key).
    pub fn issue(
        &self,
        request: &CertificateRequest,
        approval: &Approval,
    ) -> Result<UnverifiedChain, IssueError> {
        match request.name() {
            Some(requested) if *requested != approval.name => Err(IssueError::NotApproved {
                requested: Box::new(requested.clone()),
                approved: Box::new(approval.name.clone()),
            }),
            _ => self.issue_for_key(&request.public_key(), approval),
        }
    }

    /// Issues a certificate for a key that the registrar made or holds: head, endpoint and duty keys.
    ///
    /// # Errors
    /// [`IssueError`] says what is wrong with the approval.
    pub fn issue_for_key(
        &self,
        subject: &PublicKey,
        approval: &Approval,
    ) -> Result<UnverifiedChain, IssueError> {
        let Approval { name, validity, serial, .. } = approval;
        let Signer { domain, certificate, .. } = &self.0;
        if name.domain() != domain {
            return Err(IssueError::OtherDomain { name: name.clone(), domain: domain.clone() });
        }
        let usage = LeafUsage::of(name);
        let issued = self.0.issue(leaf_params(approval, domain)?, subject, *validity, serial)?;
        check_leaf(&issued, certificate, name, usage)?;
        Ok(UnverifiedChain::new(issued.der, certificate.der.clone()))
    }

    /// Signs a list of revoked leaves.
    ///
    /// # Errors
    /// [`IssueError::Validity`], [`IssueError::Encoding`].
    pub fn revocation_list(
        &self,
        content: &RevocationContent,
    ) -> Result<RevocationList, IssueError> {
        let issuing = self.0.certificate.der.clone();
        Ok(RevocationList::new(self.0.revocation_list(content)?, Some(issuing)))
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer {
        &self.0.certificate.der
    }

    /// The certificate's validity.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.0.certificate.validity
    }

    /// The authority.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.0.domain
    }
}

fn ca_params(domain: &Domain, below: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(domain.to_string())],
        excluded_subtrees: Vec::new(),
    });
    params
}

fn leaf_params(approval: &Approval, domain: &Domain) -> Result<CertificateParams, IssueError> {
    let name = approval.name.as_str().try_into().map_err(|_| IssueError::Encoding)?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::ExplicitNoCa;
    params.subject_alt_names = vec![SanType::DnsName(name)];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, domain.as_str());
    subject.push(DnType::CommonName, approval.common_name.as_str());
    params.distinguished_name = subject;

    let usage = LeafUsage::of(&approval.name);
    match usage {
        LeafUsage::Device => {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
        LeafUsage::Relay => {
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        }
        // rcgen's object identifiers have arcs of 64 bits, ours one of 128.
        LeafUsage::Head | LeafUsage::Endpoint | LeafUsage::Duty => {
            let id = [2, 5, 29, 37];
            let mut purposes = CustomExtension::from_oid_content(&id, usage.purposes().to_vec());
            purposes.set_criticality(true);
            params.custom_extensions = vec![purposes];
        }
    }
    Ok(params)
}
