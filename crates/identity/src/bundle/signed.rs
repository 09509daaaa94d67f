//! A bundle with its signatures, as a file holds it; making, signing and opening one.

use crate::bundle::{
    Authority, AuthorityContent, Bundle, BundleContent, BundleError, BundleHash, FormerContent,
    FormerDomain, Root,
};
use crate::canonical::{DecodeError, Reader, Writer, sha256};
use crate::certificate::profile::check_root;
use crate::certificate::x509::X509;
use crate::certificate::{CertificateDer, ProfileError};
use crate::keys::{PublicKey, Signature, SigningKey};
use crate::names::Domain;

const LABEL: &str = "enlace signed bundle v1";

/// A bundle and its authorities' signatures, unverified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedBundle {
    bundle: Vec<u8>,
    shares: Vec<(Domain, Signature)>,
}

impl SignedBundle {
    /// Starts a bundle that nobody has signed yet. The authorities are sorted here.
    ///
    /// # Errors
    /// [`BundleError`] when the content breaks a rule that [`open`](Self::open) would hold
    /// against it.
    pub fn create(mut content: BundleContent) -> Result<Self, BundleError> {
        content.authorities.sort_by(|a, b| a.domain.cmp(&b.domain));
        content.former.sort_by(|a, b| a.domain.cmp(&b.domain));
        content.check()?;
        Members::open(&content)?;
        Ok(Self { bundle: content.encode(), shares: Vec::new() })
    }

    /// Adds, or replaces, the signature of an authority.
    ///
    /// # Errors
    /// [`BundleError::UnknownSigner`] when the bundle has no such authority,
    /// [`BundleError::Signature`] when `key` is not that of one of its roots there.
    pub fn sign(&mut self, domain: &Domain, key: &SigningKey) -> Result<(), BundleError> {
        let authorities = Members::open(&self.unverified_content()?)?.authorities;
        let share = (domain.clone(), key.sign(&self.bundle));
        check_share(&authorities, &self.bundle, &share)?;
        self.put_share(domain, share.1);
        Ok(())
    }

    /// The file's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .bytes(&self.bundle)
            .list(&self.shares, |w, (domain, signature)| {
                w.bytes(domain.as_str().as_bytes()).fixed(signature.as_bytes())
            })
            .finish()
    }

    /// Reads a file's bytes; nothing is verified.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let bundle = r.bytes()?.to_vec();
        let shares = r.list("shares", BundleContent::MAX_AUTHORITIES, |r| {
            let domain = r.text()?.parse().map_err(|_| DecodeError::Value("domain"))?;
            Ok((domain, Signature::from_bytes(r.fixed()?)))
        })?;
        r.finish()?;
        if !shares.is_sorted_by(|(a, _): &(Domain, _), (b, _)| a < b) {
            return Err(DecodeError::Value("shares"));
        }
        Ok(Self { bundle, shares })
    }

    /// The hash to be compared with the one that was told by another way.
    #[must_use]
    pub fn hash(&self) -> BundleHash {
        BundleHash::from_bytes(sha256(&self.bundle))
    }

    /// What the bundle claims, to be shown to whoever decides about it.
    ///
    /// # Errors
    /// [`DecodeError`] when there is no reading it.
    pub fn unverified_content(&self) -> Result<BundleContent, DecodeError> {
        BundleContent::decode(&self.bundle)
    }

    /// Checks everything, and takes the bundle for the network's if its hash is `expected`. Of a
    /// version that has a predecessor, a signature that only the predecessor's roots could show to
    /// be good is passed over: the hash vouches for what the bundle says.
    ///
    /// # Errors
    /// [`BundleError`] says what doesn't hold.
    pub fn open(&self, expected: &BundleHash) -> Result<Bundle, BundleError> {
        let hash = self.hash();
        if hash != *expected {
            return Err(BundleError::WrongHash { expected: *expected, found: hash });
        }
        let content = self.unverified_content()?;
        let Members { authorities, former_domains } = Members::open(&content)?;
        let mut signers = Vec::with_capacity(self.shares.len());
        for share in &self.shares {
            match check_share(&authorities, &self.bundle, share) {
                Ok(()) => signers.push(share.0.clone()),
                Err(error) if content.previous.is_none() => return Err(error),
                Err(_) => {}
            }
        }
        let signed = self.encode().into();
        Ok(Bundle { content, hash, authorities, former_domains, signers, signed, former: None })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bundle
    }

    pub(super) fn shares(&self) -> &[(Domain, Signature)] {
        &self.shares
    }

    pub(super) fn put_share(&mut self, domain: &Domain, signature: Signature) {
        self.shares.retain(|(signer, _)| signer != domain);
        self.shares.push((domain.clone(), signature));
        self.shares.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
}

pub(super) fn check_share(
    authorities: &[Authority],
    bundle: &[u8],
    (domain, signature): &(Domain, Signature),
) -> Result<(), BundleError> {
    let authority = authorities.iter().find(|authority| authority.domain == *domain);
    let authority = authority.ok_or_else(|| BundleError::UnknownSigner(domain.clone()))?;
    if authority.root_keys().any(|key| key.verify(bundle, signature).is_ok()) {
        Ok(())
    } else {
        Err(BundleError::Signature(domain.clone()))
    }
}

/// The authorities of a bundle and their domains, present and former, with their roots opened.
pub(super) struct Members {
    pub(super) authorities: Vec<Authority>,
    pub(super) former_domains: Vec<FormerDomain>,
}

impl Members {
    /// Checks domains and roots against each other.
    pub(super) fn open(content: &BundleContent) -> Result<Self, BundleError> {
        check_nesting(content)?;
        let mut keys = Vec::new();
        let mut authorities = Vec::with_capacity(content.authorities.len());
        for AuthorityContent { domain, country, name, roots } in &content.authorities {
            let roots = open_roots(roots, domain, &mut keys)?;
            let (domain, country, name) = (domain.clone(), country.clone(), name.clone());
            authorities.push(Authority { domain, country, name, roots });
        }
        let mut former_domains = Vec::with_capacity(content.former.len());
        for FormerContent { domain, authority, roots, until } in &content.former {
            let roots = open_roots(roots, domain, &mut keys)?;
            let (domain, authority) = (domain.clone(), authority.clone());
            former_domains.push(FormerDomain { domain, authority, roots, until: *until });
        }
        Ok(Self { authorities, former_domains })
    }
}

/// No domain, present or former, is another one or lies inside it.
fn check_nesting(content: &BundleContent) -> Result<(), BundleError> {
    let present = content.authorities.iter().map(|authority| &authority.domain);
    let all: Vec<&Domain> = present.chain(content.former.iter().map(|f| &f.domain)).collect();
    for (index, outer) in all.iter().enumerate() {
        for inner in &all[index + 1..] {
            if outer.nests_with(inner) {
                return Err(BundleError::NestedDomains((*outer).clone(), (*inner).clone()));
            }
        }
    }
    Ok(())
}

/// No key stands twice in a bundle.
fn open_roots(
    roots: &[CertificateDer],
    domain: &Domain,
    keys: &mut Vec<PublicKey>,
) -> Result<Vec<Root>, BundleError> {
    let opened = roots.iter().map(|root| open_root(root, domain));
    let opened: Vec<Root> = opened
        .collect::<Result<_, _>>()
        .map_err(|reason| BundleError::Root { domain: domain.clone(), reason })?;
    for root in &opened {
        if keys.contains(&root.certificate.public_key) {
            return Err(BundleError::RepeatedRoot(domain.clone()));
        }
        keys.push(root.certificate.public_key);
    }
    Ok(opened)
}

fn open_root(der: &CertificateDer, domain: &Domain) -> Result<Root, ProfileError> {
    let certificate = X509::parse(der)?;
    check_root(&certificate, domain)?;
    let anchor = webpki::anchor_from_trusted_cert(&der.to_pki())
        .map_err(|_| ProfileError::Malformed)?
        .to_owned();
    Ok(Root { certificate, anchor })
}
