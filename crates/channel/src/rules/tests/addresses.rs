//! An authority takes another domain, and its officers other addresses, one by one: fge.example is
//! nova.example from now on.

use std::sync::OnceLock;

use enlace_identity::bundle::{
    AuthorityContent, Bundle, BundleContent, FormerContent, SignedBundle,
};
use enlace_identity::keys::SigningKey;
use enlace_identity::names::{DeviceName, Domain};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::super::{Act, Change, JudgeError, LeafInfo, Removal, Rule, State, judge_change};
use super::scene::{
    DAY, Draft, NOW, Network, consent_evidence, device, enters, hash, key, network, officer, state,
};
use crate::consent::Subject;
use crate::known_rules::StatedRules;
use crate::policy::{Policy, Role, former_domains};
use crate::rules::welcome::judge_joined;

struct Renamed {
    /// Certifies nova.example.
    nova: Network,
    /// The second version, on the first.
    bundle: Bundle,
}

fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

fn renamed() -> &'static Renamed {
    static RENAMED: OnceLock<Renamed> = OnceLock::new();
    RENAMED.get_or_init(|| {
        let nova = Network::new(&["nova.example"]);
        let bundle = next(&nova);
        Renamed { nova, bundle }
    })
}

fn next(nova: &Network) -> Bundle {
    let first = &network().bundle;
    let content = first.content().clone();
    let of = |name: &str| content.authorities.iter().find(|a| a.domain == domain(name)).unwrap();
    let mut authorities = content.authorities.clone();
    authorities.retain(|authority| authority.domain != domain("fge.example"));
    authorities.push(AuthorityContent { ..nova.bundle.content().authorities[0].clone() });
    let former = vec![FormerContent {
        domain: domain("fge.example"),
        authority: domain("nova.example"),
        roots: of("fge.example").roots.clone(),
        until: NOW.plus(DAY * 30),
    }];
    let (version, previous) = (2, Some(first.hash()));
    let content = BundleContent { version, previous, authorities, former, ..content };
    let mut signed = SignedBundle::create(content).unwrap();
    for name in ["fge.example", "nova.example"] {
        let root = key(&format!("root {name}"));
        signed.sign_after(first, &domain(name), &root).unwrap();
    }
    signed.open_after(first).unwrap()
}

fn leaf(device: &DeviceName) -> LeafInfo {
    let is_new = *device.domain() == domain("nova.example");
    let key: SigningKey = key(device.as_str());
    let issuer = if is_new { &renamed().nova } else { network() };
    let chain = issuer.certify(device, &key);
    LeafInfo {
        leaf_hash: hash(&chain, &key, 1),
        chain,
        signature_key: key.public(),
        rules: StatedRules::default(),
    }
}

/// A commit under the second version, in the making.
struct Commit(Draft);

impl Commit {
    fn by(before: &State, address: &str) -> Self {
        Self(Draft::on(before.clone(), address))
    }

    fn add(mut self, device: &DeviceName) -> Self {
        self.0.0.after.members.insert(device.clone(), leaf(device));
        self.0.0.added.insert(device.clone());
        self
    }

    fn role(self, address: &str, role: Role) -> Self {
        Self(self.0.role(address, role))
    }

    fn remove(self, address: &str) -> Self {
        Self(self.0.remove(address))
    }

    fn judge(self) -> Result<Vec<Act>, Rule> {
        judge(self.0.0)
    }

    fn apply(self) -> State {
        let after = self.0.0.after.clone();
        self.judge().expect("a valid commit");
        after
    }
}

fn judge(mut change: Change) -> Result<Vec<Act>, Rule> {
    change.list_hash = change.after.devices().hash();
    judge_change(&renamed().bundle, &change).map_err(|error| match error {
        JudgeError::Void(void) => void.rule(),
        JudgeError::BundleMissing(hash) => panic!("bundle {hash} is missing"),
    })
}

/// What takes the channel to the second version; `change` makes it something else.
fn follow(author: &str, change: impl FnOnce(Policy) -> Policy) -> Draft {
    let bundle = &renamed().bundle;
    let evidence = wire::BundleEvidence { bundles: vec![bundle.signed().to_vec()] };
    let evidence = wire::Evidence { evidence: Some(wire::evidence::Evidence::Bundle(evidence)) };
    let mut before = state();
    let edit = before.policy.edit().unwrap().retention(&domain("fge.example"), Some(90));
    before.policy = edit.hold(&domain("pgr.example"), true).finish().unwrap();
    let mut draft = Draft::on(before, author).evidence(evidence.encode_to_vec());
    let edit = draft.0.after.policy.edit().unwrap().bundle_hash(bundle.hash());
    let policy = edit.former_domains(former_domains(bundle)).finish().unwrap();
    draft.0.after.policy = change(policy);
    draft
}

/// The channel after it.
fn under_the_new_name() -> State {
    let draft = follow("ze@pgr.example", |policy| policy);
    let after = draft.0.after.clone();
    judge(draft.0).expect("a valid commit");
    after
}

#[test]
fn the_channel_follows_and_nobody_goes() {
    let after = under_the_new_name();
    assert_eq!(after.devices(), state().devices());
    let nova = domain("nova.example");
    assert_eq!(after.policy.authorities(), [&nova, &domain("pgr.example")].into());
    assert_eq!(after.policy.authorities_version(), state().policy.authorities_version());
    assert_eq!(after.policy.retention().get(&nova), Some(&90));
    assert_eq!(after.policy.leads_of(&nova).count(), 2);
    assert_eq!(Policy::decode(&after.policy.encode()).unwrap(), after.policy);
}

#[test]
fn the_policy_says_of_domains_what_the_bundle_says() {
    let forge = |change: fn(&mut crate::policy::Content)| {
        let policy = move |policy: Policy| policy.edit().unwrap().forge(change).finish().unwrap();
        judge(follow("ze@pgr.example", policy).0)
    };
    assert_eq!(forge(|c| c.former_domains.clear()), Err(Rule::Bundle));
    let stolen =
        forge(|c| _ = c.former_domains.insert(domain("mj.example"), domain("pgr.example")));
    assert_eq!(stolen, Err(Rule::Bundle));
    let taken = forge(|c| {
        let days = c.retention.remove(&domain("nova.example")).unwrap();
        c.retention.insert(domain("pgr.example"), days);
    });
    assert_eq!(taken, Err(Rule::PolicyAuthority));
    // Without a version that says so, nothing changes about domains.
    let mut alone = Draft::on(state(), "ana@fge.example");
    let edit = alone.0.after.policy.edit().unwrap();
    let former = former_domains(&renamed().bundle);
    alone.0.after.policy = edit.former_domains(former).finish().unwrap();
    assert_eq!(judge(alone.0), Err(Rule::Bundle));
}

#[test]
fn an_officers_role_passes_to_the_officers_new_address() {
    let before = under_the_new_name();
    for (name, role) in [("luis", Role::Lead), ("eva", Role::Member), ("oto", Role::Observer)] {
        let (old, new) = (format!("{name}@fge.example"), format!("{name}@nova.example"));
        let acts = Commit::by(&before, &old).add(&device(&new)).role(&new, role).judge();
        let changed = Act::AddressChanged {
            former: officer(&old),
            officer: officer(&new),
            device: device(&new),
            role,
        };
        assert_eq!(acts, Ok(vec![changed]), "{name}");
        let both = Commit::by(&before, &old).add(&device(&new)).role(&new, role).apply();
        let gone = Commit::by(&both, &new).remove(&old);
        let removed =
            Act::Removed { officer: officer(&old), device: device(&old), because: Removal::Own };
        assert_eq!(gone.judge(), Ok(vec![removed]), "{name}");
    }
}

#[test]
fn the_owner_hands_over_to_the_owners_new_address() {
    let before = under_the_new_name();
    let (old, new) = ("ana@fge.example", "ana@nova.example");
    let pass = || Commit::by(&before, old).add(&device(new)).role(new, Role::Owner);
    let both = pass().role(old, Role::Lead).apply();
    assert_eq!(both.policy.owners().collect::<Vec<_>>(), [&officer(new)]);
    assert_eq!(pass().judge(), Err(Rule::SucceedAddress), "two owners");
    assert_eq!(pass().role(old, Role::Member).judge(), Err(Rule::SucceedAddress));
    let as_lead = Commit::by(&before, old).add(&device(new)).role(new, Role::Lead);
    assert_eq!(as_lead.judge(), Err(Rule::SucceedAddress));
    let after = Commit::by(&both, new).remove(old).apply();
    assert_eq!(after.policy.authorities_version(), before.policy.authorities_version());
    // The new address owns the channel, also across authorities.
    let entering =
        Commit::by(&after, new).add(&device("mia@mj.example")).role("mia@mj.example", Role::Lead);
    assert_eq!(entering.judge(), Err(Rule::AdmitConsent), "not without the others' consent");
}

#[test]
fn nobody_takes_anothers_role_by_an_address() {
    let before = under_the_new_name();
    let admit =
        |by: &str, who: &str, role| Commit::by(&before, by).add(&device(who)).role(who, role);
    let void = [
        ("another name", "eva@fge.example", "mia@nova.example", Role::Member, Rule::AdmitSovereign),
        ("a higher role", "eva@fge.example", "eva@nova.example", Role::Lead, Rule::SucceedAddress),
        ("another's", "eva@fge.example", "oto@nova.example", Role::Observer, Rule::AdmitSovereign),
        ("by others", "rui@pgr.example", "eva@nova.example", Role::Member, Rule::AdmitSovereign),
        (
            "the owner's by a lead",
            "luis@fge.example",
            "ana@nova.example",
            Role::Owner,
            Rule::AdmitRole,
        ),
        (
            "in another domain",
            "eva@fge.example",
            "eva@pgr.example",
            Role::Member,
            Rule::AdmitSovereign,
        ),
    ];
    for (what, by, who, role, rule) in void {
        // certificates of the third one are not at hand here
        if who.ends_with("pgr.example") {
            let draft = Draft::on(before.clone(), by).admit(who, role);
            assert_eq!(judge(draft.0), Err(rule), "{what}");
            continue;
        }
        assert_eq!(admit(by, who, role).judge(), Err(rule), "{what}");
    }
    // A lead lets a colleague in under the new name, as ever; that takes nothing over.
    let both = admit("luis@fge.example", "ana@nova.example", Role::Member).apply();
    let removal = Commit::by(&both, "ana@nova.example").remove("ana@fge.example");
    assert_eq!(removal.judge(), Err(Rule::RemoveOwner), "nor does it put the owner out");
    let colleague = Commit::by(&both, "ana@nova.example").remove("eva@fge.example");
    assert_eq!(colleague.judge(), Err(Rule::RemoveSovereign));
    // What went before the change of domain counts for nothing after it.
    let early = Draft::on(state(), "eva@fge.example");
    let mut early = Commit(early).add(&device("eva@nova.example"));
    early = early.role("eva@nova.example", Role::Member);
    assert_eq!(early.judge(), Err(Rule::Certificate));
}

#[test]
fn old_and_new_name_are_one_authority() {
    let before = under_the_new_name();
    let (old, new) = ("luis@fge.example", "luis@nova.example");
    let both = Commit::by(&before, old).add(&device(new)).role(new, Role::Lead).apply();
    // A lead of the one is a lead of the other.
    let of_old = Commit::by(&both, new).role("eva@fge.example", Role::Observer);
    assert!(of_old.judge().is_ok());
    let of_new = Commit::by(&both, old).add(&device("mia@nova.example"));
    assert!(of_new.role("mia@nova.example", Role::Member).judge().is_ok());
    // It consents once, under whichever name.
    let consented = |by: &str| {
        let version = both.policy.authorities_version();
        let entry = super::scene::Consented::by(by, enters("mia@mj.example"), version);
        consent_evidence(entry.entry().to_wire())
    };
    let enter = |leads: &[&str]| {
        let mut draft =
            Draft::on(both.clone(), "ana@fge.example").admit("mia@mj.example", Role::Lead);
        for lead in leads {
            draft = draft.evidence(consented(lead));
        }
        judge(draft.0)
    };
    assert!(enter(&["rui@pgr.example"]).is_ok());
    assert_eq!(enter(&[old, new, "rui@pgr.example"]), Err(Rule::Evidence));
    assert_eq!(enter(&[new]), Err(Rule::AdmitConsent));
    assert_eq!(Subject::Authority(officer("a@b.example")).whom(), "a@b.example");
}

#[test]
fn who_comes_in_under_the_new_address_was_let_in_by_the_old_one() {
    let before = under_the_new_name();
    let (old, new) = ("eva@fge.example", "eva@nova.example");
    let both = Commit::by(&before, old).add(&device(new)).role(new, Role::Member).apply();
    let joined = |signer: &str| {
        let judged =
            judge_joined(&renamed().bundle, &both, (&device(signer), false), &device(new), NOW);
        judged.map_err(|error| match error {
            JudgeError::Void(void) => void.rule(),
            JudgeError::BundleMissing(hash) => panic!("bundle {hash} is missing"),
        })
    };
    assert_eq!(joined(old), Ok(()));
    assert_eq!(joined("luis@fge.example"), Ok(()), "a lead of the same authority");
    assert_eq!(joined("oto@fge.example"), Err(Rule::WelcomeEntitled));
    assert_eq!(joined("rui@pgr.example"), Err(Rule::WelcomeEntitled));
}

#[test]
fn no_new_leaf_is_of_the_former_domain_after_its_end() {
    let before = under_the_new_name();
    let second = officer("eva@fge.example").device("phone").unwrap();
    let add = |at| {
        let commit = Commit::by(&before, "eva@fge.example").add(&second);
        judge(commit.0.received_at(at).0)
    };
    assert!(add(NOW).is_ok());
    assert_eq!(add(NOW.plus(DAY * 30)), Err(Rule::Certificate));
    // Whoever is there stays, and is removed by a colleague like anybody else.
    let stays = Commit::by(&before, "luis@fge.example").role("eva@fge.example", Role::Observer);
    assert!(judge(stays.0.received_at(NOW.plus(DAY * 40)).0).is_ok());
}
