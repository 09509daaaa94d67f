//! The table: good certificates of each kind, and each way to be refused.

use std::time::Duration;

use enlace_identity::bundle::LeafUsage;
use enlace_identity::certificate::{CertificateDer, UnverifiedChain};
use enlace_identity::issue::RevocationContent;
use enlace_identity::keys::SigningKey;
use enlace_identity::revocation::RevocationList;
use enlace_identity::time::{Timestamp, Validity};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose,
    NameConstraints, SanType, SerialNumber,
};

use crate::support::{
    DAY, NOW, TestAuthority, dns, extension, forge, forged, key, leaf_params, list, pair,
    rcgen_key, rcgen_time, span,
};

const DEVICE: &str = "laptop.ana-ruiz.officer.fge.example";
const EKU: [u64; 4] = [2, 5, 29, 37];

/// What each side says of a chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// Both accept.
    Good,
    /// Both refuse.
    Bad,
    /// openssl accepts, we refuse: PROTOCOL.md lists what we check beyond it.
    BadByProfile,
}
use self::Verdict::{Bad, BadByProfile, Good};

/// One chain, with what is presented and asked along with it.
pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) expected: Verdict,
    pub(super) chain: UnverifiedChain,
    pub(super) usage: LeafUsage,
    pub(super) lists: Vec<RevocationList>,
    pub(super) at: Timestamp,
}

/// The table: good certificates of each kind, and each way to be refused.
pub(super) struct Table {
    pub(super) fge: TestAuthority,
    pub(super) mp: TestAuthority,
    pub(super) cases: Vec<Case>,
}

impl Table {
    fn new() -> Self {
        let (fge, mp) = pair();
        Self { fge, mp, cases: Vec::new() }
    }

    fn current_lists(&self) -> Vec<RevocationList> {
        [&self.fge, &self.mp]
            .into_iter()
            .flat_map(|a| [a.root_list(2, &[]), a.issuing_list(2, &[])])
            .collect()
    }

    fn add(&mut self, what: &'static str, expected: Verdict, chain: UnverifiedChain) -> &mut Case {
        let lists = self.current_lists();
        let usage = LeafUsage::Device;
        self.cases.push(Case { what, expected, chain, usage, lists, at: NOW });
        self.cases.last_mut().unwrap()
    }

    /// A leaf of the first authority, spoilt in one way.
    fn spoilt(
        &mut self,
        what: &'static str,
        expected: Verdict,
        change: impl FnOnce(&mut CertificateParams),
    ) {
        let mut params = leaf_params(DEVICE);
        change(&mut params);
        let chain = forged(&self.fge, &params);
        self.add(what, expected, chain);
    }
}

pub(super) fn all() -> Table {
    let mut table = Table::new();
    good_certificates(&mut table);
    of_others(&mut table);
    at_other_times(&mut table);
    revoked(&mut table);
    wrong_names(&mut table);
    wrong_purposes(&mut table);
    wrong_form(&mut table);
    wrong_issuers(&mut table);
    table
}

fn good_certificates(table: &mut Table) {
    let kinds = [
        ("a device", "laptop.ana-ruiz.officer", LeafUsage::Device),
        ("a relay", "r1.relay", LeafUsage::Relay),
        ("a head key", "h1.head", LeafUsage::Head),
        ("an endpoint key", "e1.endpoint", LeafUsage::Endpoint),
        ("a duty key", "d1.duty", LeafUsage::Duty),
    ];
    for (what, leaf, usage) in kinds {
        let (fge, mp) = (table.fge.leaf(leaf, 30), table.mp.leaf(leaf, 30));
        table.add(what, Good, fge).usage = usage;
        table.add(what, Good, mp).usage = usage;
    }
    let label = "a".repeat(63);
    let chain = table.fge.leaf(&format!("{label}.{label}.officer"), 31);
    table.add("a device with a long name", Good, chain);
    table.spoilt("a forged leaf that is as it should be", Good, |_| {});
}

fn of_others(table: &mut Table) {
    let stranger = TestAuthority::new("other.example", 40);
    let chain = stranger.leaf("laptop.ana-ruiz.officer", 30);
    let case = table.add("an unknown authority", Bad, chain);
    case.lists.extend([stranger.root_list(1, &[]), stranger.issuing_list(1, &[])]);

    let impostor = TestAuthority::new("fge.example", 50);
    let chain = impostor.leaf("laptop.ana-ruiz.officer", 30);
    let case = table.add("an unknown authority with a known domain", Bad, chain);
    case.lists = vec![impostor.root_list(1, &[]), impostor.issuing_list(1, &[])];

    table.spoilt("a name in another authority's domain", Bad, |params| {
        params.subject_alt_names = vec![dns("laptop.ana.officer.mp.example")];
    });
    table.spoilt("a name in nobody's domain", Bad, |params| {
        params.subject_alt_names = vec![dns("laptop.ana.officer.other.example")];
    });

    let (leaf, issuing) = (table.fge.leaf("laptop.ana.officer", 30), table.mp.leaf("r1.relay", 30));
    let mixed = UnverifiedChain::new(leaf.leaf().clone(), issuing.issuing().clone());
    table.add("another authority's issuing CA in the chain", Bad, mixed);

    let forged = forge(
        &leaf_params(DEVICE),
        key(99).public().as_bytes(),
        table.fge.issuing.certificate(),
        &key(98),
    );
    let chain = UnverifiedChain::new(forged, table.fge.issuing.certificate().clone());
    table.add("a signature by another key", Bad, chain);
}

fn at_other_times(table: &mut Table) {
    let validity = |start: Timestamp, days| Validity::starting(start, DAY * days);
    for (what, expected, at) in [
        ("before its time", Bad, span(90).not_before.minus(DAY)),
        ("its first second", Good, span(90).not_before),
        ("its last second", Good, span(90).not_after.minus(Duration::from_secs(1))),
        ("the second after", Bad, span(90).not_after),
    ] {
        let chain = table.fge.leaf("laptop.ana.officer", 30);
        let lists = [&table.fge].map(|a| {
            let content = RevocationContent { validity: span(365), ..list(3, &[]) };
            [a.root.revocation_list(&content), a.issuing.revocation_list(&content)]
        });
        let case = table.add(what, expected, chain);
        case.lists = lists.into_iter().flatten().map(Result::unwrap).collect();
        case.at = at;
    }
    table.spoilt("not yet valid", Bad, |params| {
        params.not_before = rcgen_time(NOW.plus(DAY));
    });
    table.spoilt("expired", Bad, |params| {
        params.not_before = rcgen_time(NOW.minus(DAY * 9));
        params.not_after = rcgen_time(NOW.minus(DAY));
    });

    let fge = &table.fge;
    let expired = forge(
        &issuing_params(|params| params.not_after = rcgen_time(NOW)),
        key(60).public().as_bytes(),
        fge.root.certificate(),
        &fge.root_key,
    );
    let leaf = forge(&leaf_params(DEVICE), key(99).public().as_bytes(), &expired, &key(60));
    table.add("an expired issuing CA", Bad, UnverifiedChain::new(leaf, expired)).at = NOW.plus(DAY);

    let chain = table.fge.leaf("laptop.ana.officer", 30);
    let stale = RevocationContent { validity: validity(NOW.minus(DAY * 9), 8), ..list(3, &[]) };
    let (root_list, issuing_list) = (table.fge.root_list(3, &[]), table.fge.issuing_list(3, &[]));
    let stale_root = table.fge.root.revocation_list(&stale).unwrap();
    let stale_issuing = table.fge.issuing.revocation_list(&stale).unwrap();
    for (what, lists) in [
        ("a stale list of the issuing CA", vec![root_list.clone(), stale_issuing]),
        ("a stale list of the root", vec![stale_root, issuing_list.clone()]),
        ("no list of the issuing CA", vec![root_list]),
        ("no list of the root", vec![issuing_list]),
    ] {
        table.add(what, Bad, chain.clone()).lists = lists;
    }
}

fn revoked(table: &mut Table) {
    let chain = table.fge.leaf("laptop.ana.officer", 30);
    let (root_list, issuing_list) = (table.fge.root_list(3, &[]), table.fge.issuing_list(3, &[]));
    let revokes_leaf = table.fge.issuing_list(3, &[29, 30]);
    let revokes_ca = table.fge.root_list(3, &[11]);
    let others = table.fge.issuing_list(3, &[29, 31]);
    table.add("revoked", Bad, chain.clone()).lists = vec![root_list.clone(), revokes_leaf];
    table.add("another one revoked", Good, chain.clone()).lists = vec![root_list.clone(), others];
    table.add("a revoked issuing CA", Bad, chain.clone()).lists = vec![revokes_ca, issuing_list];

    let of_mp = table.mp.issuing_list(3, &[]).crl_der().to_vec();
    let issuing = table.fge.issuing.certificate().as_bytes();
    let foreign = RevocationList::from_bytes(&[&of_mp, issuing].concat()).unwrap();
    table.add("a list by another issuer", Bad, chain).lists = vec![root_list, foreign];
}

fn wrong_names(table: &mut Table) {
    let uri = || SanType::URI("https://mp.example/ana".try_into().unwrap());
    let mail = || SanType::Rfc822Name("ana@mp.example".try_into().unwrap());
    let other = || {
        let id = vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 3];
        SanType::OtherName((id, rcgen::OtherNameValue::Utf8String("ana@mp.example".into())))
    };
    let names: [(&'static str, Verdict, Vec<SanType>); 12] = [
        ("a second name", BadByProfile, vec![dns(DEVICE), dns("pc.ana-ruiz.officer.fge.example")]),
        ("the same name twice", BadByProfile, vec![dns(DEVICE), dns(DEVICE)]),
        ("a second name, a URI", BadByProfile, vec![dns(DEVICE), uri()]),
        ("a second name, an otherName", BadByProfile, vec![dns(DEVICE), other()]),
        ("a second name of another domain", Bad, vec![dns(DEVICE), dns("r1.relay.mp.example")]),
        ("no name but a URI", BadByProfile, vec![uri()]),
        ("no name but an otherName", BadByProfile, vec![other()]),
        ("no name but an e-mail address", BadByProfile, vec![mail()]),
        ("a wildcard", BadByProfile, vec![dns("*.ana.officer.fge.example")]),
        ("upper case", BadByProfile, vec![dns("Laptop.ana.officer.fge.example")]),
        ("no device's name", BadByProfile, vec![dns("ana.fge.example")]),
        ("no name at all", BadByProfile, Vec::new()),
    ];
    for (what, expected, names) in names {
        table.spoilt(what, expected, |params| params.subject_alt_names = names);
    }
    table.spoilt("no common name", BadByProfile, |params| {
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::OrganizationName, "fge");
    });
    table.spoilt("a common name that deceives", BadByProfile, |params| {
        params.distinguished_name.push(DnType::CommonName, "Ana\u{202e}ziuR");
    });
}

fn wrong_purposes(table: &mut Table) {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, EmailProtection, ServerAuth};
    let purposes = [
        ("no purpose", vec![]),
        ("another purpose", vec![ServerAuth]),
        ("a purpose too many", vec![ClientAuth, EmailProtection]),
        ("any purpose", vec![Any]),
        ("a relay's purposes", vec![ServerAuth, ClientAuth]),
    ];
    for (what, purposes) in purposes {
        table.spoilt(what, BadByProfile, |params| params.extended_key_usages = purposes);
    }
    let mut relay = leaf_params("r1.relay.fge.example");
    relay.extended_key_usages = vec![ClientAuth];
    let chain = forged(&table.fge, &relay);
    table.add("a relay with a device's purpose", BadByProfile, chain).usage = LeafUsage::Relay;
    for (what, label, usage) in [
        ("a head key with TLS purposes", "h1.head.fge.example", LeafUsage::Head),
        ("an endpoint key with TLS purposes", "e1.endpoint.fge.example", LeafUsage::Endpoint),
        ("a duty key with TLS purposes", "d1.duty.fge.example", LeafUsage::Duty),
    ] {
        let chain = forged(&table.fge, &leaf_params(label));
        table.add(what, BadByProfile, chain).usage = usage;
    }
    let chain = table.fge.leaf("laptop.ana.officer", 30);
    table.add("a device for a relay", BadByProfile, chain).usage = LeafUsage::Relay;
    table.spoilt("no key usage", BadByProfile, |params| params.key_usages.clear());
    table.spoilt("another key usage", BadByProfile, |params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement];
    });
    table.spoilt("a purpose that is critical", BadByProfile, |params| {
        params.extended_key_usages.clear();
        let client = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
        params.custom_extensions = vec![extension(&EKU, true, &client)];
    });
}

fn wrong_form(table: &mut Table) {
    table.spoilt("a CA flag", BadByProfile, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    table.spoilt("no basic constraints", BadByProfile, |params| params.is_ca = IsCa::NoCa);
    table.spoilt("no authority key identifier", BadByProfile, |params| {
        params.use_authority_key_identifier_extension = false;
    });
    table.spoilt("an unknown extension", BadByProfile, |params| {
        params.custom_extensions = vec![extension(&[1, 3, 6, 1, 4, 1, 99999, 1], false, &[5, 0])];
    });
    table.spoilt("an unknown critical extension", Bad, |params| {
        params.custom_extensions = vec![extension(&[1, 3, 6, 1, 4, 1, 99999, 1], true, &[5, 0])];
    });

    let fge = &table.fge;
    let issuing = fge.issuing.certificate().clone();
    let mut small_order = [0; 32];
    small_order[0] = 1;
    let weak = forge(&leaf_params(DEVICE), &small_order, &issuing, &fge.issuing_key);

    let p256 = rcgen::KeyPair::generate().unwrap();
    let ca = rustls_pki_types::CertificateDer::from(issuing.as_bytes());
    let issuer = Issuer::from_ca_cert_der(&ca, rcgen_key(&fge.issuing_key)).unwrap();
    let p256 = leaf_params(DEVICE).signed_by(&p256, &issuer).unwrap();
    let p256 = CertificateDer::from_bytes(p256.der()).unwrap();

    table.add("a key of small order", BadByProfile, UnverifiedChain::new(weak, issuing.clone()));
    table.add("a P-256 key", BadByProfile, UnverifiedChain::new(p256, issuing));
}

fn issuing_params(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = leaf_params(DEVICE);
    params.subject_alt_names.clear();
    params.extended_key_usages.clear();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("fge.example".into())],
        excluded_subtrees: Vec::new(),
    });
    params.distinguished_name.push(DnType::CommonName, "another issuing CA");
    change(&mut params);
    params
}

fn wrong_issuers(table: &mut Table) {
    type Change = fn(&mut CertificateParams);
    let changes: [(&'static str, Verdict, Change); 8] = [
        ("a second issuing CA", Good, |_| {}),
        ("an issuing CA of unlimited depth", BadByProfile, |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }),
        ("an issuing CA without constraints", BadByProfile, |p| p.name_constraints = None),
        ("an issuing CA that may not issue", Bad, |params| {
            params.key_usages = vec![KeyUsagePurpose::CrlSign];
        }),
        ("an issuing CA that may not sign lists", Bad, |params| {
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        }),
        ("an issuing CA with a purpose", BadByProfile, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }),
        ("an issuing CA that is none", Bad, |params| params.is_ca = IsCa::ExplicitNoCa),
        ("an issuing CA not yet valid", Bad, |p| p.not_before = rcgen_time(NOW.plus(DAY))),
    ];
    for (what, expected, change) in changes {
        let fge = &table.fge;
        let params = issuing_params(change);
        let ca_key = key(60);
        let root = fge.root.certificate();
        let issuing = forge(&params, ca_key.public().as_bytes(), root, &fge.root_key);
        let leaf = forge(&leaf_params(DEVICE), key(99).public().as_bytes(), &issuing, &ca_key);
        let list = forged_list(&params, &issuing, &ca_key);
        let case = table.add(what, expected, UnverifiedChain::new(leaf, issuing));
        case.lists.push(list);
    }

    let device = table.fge.leaf("laptop.ana.officer", 30);
    let leaf = forge(&leaf_params(DEVICE), key(99).public().as_bytes(), device.leaf(), &key(30));
    let chain = UnverifiedChain::new(leaf, device.leaf().clone());
    table.add("a leaf issued by a leaf", Bad, chain);

    let fge = &table.fge;
    let root = fge.root.certificate();
    let leaf = forge(&leaf_params(DEVICE), key(99).public().as_bytes(), root, &fge.root_key);
    let chain = UnverifiedChain::new(leaf, fge.issuing.certificate().clone());
    table.add("a leaf issued by the root", BadByProfile, chain);
}

/// An empty list by a forged CA, also by one that may not sign lists.
fn forged_list(
    params: &CertificateParams,
    ca: &CertificateDer,
    ca_key: &SigningKey,
) -> RevocationList {
    let mut params = params.clone();
    params.key_usages.clear();
    let list = CertificateRevocationListParams {
        this_update: rcgen_time(span(8).not_before),
        next_update: rcgen_time(span(8).not_after),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&Issuer::new(params, rcgen_key(ca_key))).unwrap();
    RevocationList::from_bytes(&[list.der().as_ref(), ca.as_bytes()].concat()).unwrap()
}
