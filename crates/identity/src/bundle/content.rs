//! What a bundle says, as it is hashed and signed.

use crate::bundle::BundleHash;
use crate::canonical::{DecodeError, Reader, Writer, sha256};
use crate::certificate::{CertificateDer, profile};
use crate::names::Domain;
use crate::time::{Timestamp, Validity};

const LABEL: &str = "enlace bundle v1";
/// With former domains; a program that knows none takes such a version for no bundle at all.
const LABEL_WITH_FORMER: &str = "enlace bundle v2";
const NONE: [u8; 32] = [0; 32];

/// The fields of a bundle. Whoever fills them in gets the same bytes as everybody else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BundleContent {
    /// The network's name, to be shown; at most 64 characters.
    pub network: String,
    /// From 1.
    pub version: u64,
    /// The version before this one; none for the first alone.
    pub previous: Option<BundleHash>,
    /// How many of these authorities must sign the next version; at least one.
    pub threshold: u64,
    /// When this bundle is meant to be in use.
    pub validity: Validity,
    /// Sorted by domain.
    pub authorities: Vec<AuthorityContent>,
    /// The domains that authorities had before, sorted.
    pub former: Vec<FormerContent>,
}

/// What a bundle says of a domain that an authority had before its present one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FormerContent {
    /// The former domain.
    pub domain: Domain,
    /// The authority's present domain.
    pub authority: Domain,
    /// The roots that the authority had for it, one to [`BundleContent::MAX_ROOTS`].
    pub roots: Vec<CertificateDer>,
    /// From then on no certificate of the former domain holds.
    pub until: Timestamp,
}

/// What a bundle says of one authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthorityContent {
    /// The domain in which it alone names officers and relays.
    pub domain: Domain,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
    /// Its name, to be shown; at most 64 characters.
    pub name: String,
    /// Its root certificates, one to [`BundleContent::MAX_ROOTS`].
    pub roots: Vec<CertificateDer>,
}

impl BundleContent {
    /// The most authorities of a network.
    pub const MAX_AUTHORITIES: usize = 512;
    /// The most roots of an authority.
    pub const MAX_ROOTS: usize = 4;
    /// The most former domains of a network.
    pub const MAX_FORMER: usize = 512;

    /// The bytes that are hashed and signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let label = if self.former.is_empty() { LABEL } else { LABEL_WITH_FORMER };
        let writer = Writer::new(label)
            .bytes(self.network.as_bytes())
            .u64(self.version)
            .fixed(self.previous.as_ref().map_or(&NONE, BundleHash::as_bytes))
            .u64(self.threshold)
            .u64(self.validity.not_before.as_millis())
            .u64(self.validity.not_after.as_millis())
            .list(&self.authorities, |w, authority| {
                w.bytes(authority.domain.as_str().as_bytes())
                    .bytes(authority.country.as_bytes())
                    .bytes(authority.name.as_bytes())
                    .list(&authority.roots, |w, root| w.bytes(root.as_bytes()))
            });
        if self.former.is_empty() {
            return writer.finish();
        }
        writer
            .list(&self.former, |w, former| {
                w.bytes(former.domain.as_str().as_bytes())
                    .bytes(former.authority.as_str().as_bytes())
                    .list(&former.roots, |w, root| w.bytes(root.as_bytes()))
                    .u64(former.until.as_millis())
            })
            .finish()
    }

    /// SHA-256 of [`encode`](Self::encode).
    #[must_use]
    pub fn hash(&self) -> BundleHash {
        BundleHash::from_bytes(sha256(&self.encode()))
    }

    /// Reads the bytes back and checks each field by itself; domains may still nest, and roots be
    /// anything.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let with_former = Reader::new(LABEL_WITH_FORMER, bytes);
        let has_former = with_former.is_ok();
        let mut r = with_former.or_else(|_| Reader::new(LABEL, bytes))?;
        let mut content = Self {
            network: r.text()?.to_owned(),
            version: r.u64()?,
            previous: Some(r.fixed()?).filter(|hash| *hash != NONE).map(BundleHash::from_bytes),
            threshold: r.u64()?,
            validity: read_validity(&mut r)?,
            authorities: r.list("authorities", Self::MAX_AUTHORITIES, read_authority)?,
            former: Vec::new(),
        };
        if has_former {
            content.former = r.list("former", Self::MAX_FORMER, read_former)?;
            // There is one encoding of each value.
            if content.former.is_empty() {
                return Err(DecodeError::Value("former"));
            }
        }
        r.finish()?;
        content.check()?;
        Ok(content)
    }

    /// Checks each field by itself.
    pub(super) fn check(&self) -> Result<(), DecodeError> {
        let first = self.version == 1;
        let authorities = self.authorities.len();
        let threshold = (1..=authorities as u64).contains(&self.threshold);
        let sorted = self.authorities.is_sorted_by(|a, b| a.domain <= b.domain);
        let country = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
        let of_somebody = |f: &FormerContent| {
            self.authorities.iter().any(|authority| authority.domain == f.authority)
        };
        let former = self.former.len() <= Self::MAX_FORMER
            && self.former.is_sorted_by(|a, b| a.domain <= b.domain)
            && self.former.iter().all(of_somebody);
        let authorities_roots = self.authorities.iter().map(|a| &a.roots);
        let mut roots = authorities_roots.chain(self.former.iter().map(|f| &f.roots));
        let rules = [
            ("network", profile::is_showable(&self.network)),
            ("version", self.version > 0),
            ("previous", self.previous.is_none() == first),
            ("authorities", authorities <= Self::MAX_AUTHORITIES && sorted),
            ("threshold", threshold),
            ("not_after", self.validity.not_before < self.validity.not_after),
            ("country", self.authorities.iter().all(|a| country(&a.country))),
            ("name", self.authorities.iter().all(|a| profile::is_showable(&a.name))),
            ("roots", roots.all(|roots| (1..=Self::MAX_ROOTS).contains(&roots.len()))),
            ("former", former),
        ];
        match rules.into_iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(DecodeError::Value(field)),
            None => Ok(()),
        }
    }
}

fn read_validity(r: &mut Reader<'_>) -> Result<Validity, DecodeError> {
    let not_before = Timestamp::from_millis(r.u64()?);
    Ok(Validity { not_before, not_after: Timestamp::from_millis(r.u64()?) })
}

fn read_roots(r: &mut Reader<'_>) -> Result<Vec<CertificateDer>, DecodeError> {
    r.list("roots", BundleContent::MAX_ROOTS, |r| {
        CertificateDer::from_bytes(r.bytes()?).map_err(|_| DecodeError::Value("roots"))
    })
}

fn read_domain(r: &mut Reader<'_>) -> Result<Domain, DecodeError> {
    r.text()?.parse().map_err(|_| DecodeError::Value("domain"))
}

fn read_former(r: &mut Reader<'_>) -> Result<FormerContent, DecodeError> {
    Ok(FormerContent {
        domain: read_domain(r)?,
        authority: read_domain(r)?,
        roots: read_roots(r)?,
        until: Timestamp::from_millis(r.u64()?),
    })
}

fn read_authority(r: &mut Reader<'_>) -> Result<AuthorityContent, DecodeError> {
    Ok(AuthorityContent {
        domain: read_domain(r)?,
        country: r.text()?.to_owned(),
        name: r.text()?.to_owned(),
        roots: read_roots(r)?,
    })
}
