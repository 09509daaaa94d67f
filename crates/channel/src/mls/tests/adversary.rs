//! Members with a modified client: each thing they could send that this protocol doesn't know.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use openmls::group::{Initial, MlsGroup, PURE_PLAINTEXT_WIRE_FORMAT_POLICY};
use openmls::messages::proposals::{CustomProposal, PreSharedKeyProposal, Proposal};
use openmls::prelude::{
    ApplicationIdExtension, Capabilities, CommitBuilder, Credential, CredentialType,
    CredentialWithKey, Extension, ExtensionType, Extensions, ExternalSender, GroupContext,
    KeyPackage, KeyPackageIn, LeafNodeIndex, LeafNodeParameters, MlsMessageBodyIn, MlsMessageIn,
    MlsMessageOut, ProcessedMessageContent, ProposalType, RequiredCapabilitiesExtension,
};
use openmls::schedule::PreSharedKeyId;
use tls_codec::{Deserialize, Serialize};

use super::joining::package_with;
use super::{Device, GROUP, POLICY, Pair, Trio, add};
use crate::known_rules::ProgramRules;
use crate::mls::credential::credential_with_key;
use crate::mls::{
    Backend, Changes, Group, LeafError, LeafIndex, ProcessError, Suite, Tamper, VoidReason,
    message_info, profile,
};
use crate::state_store::StateStore;

/// A commit whose proposals and path are the adversary's choice.
fn forge(
    device: &Device,
    group: &mut Group,
    choose: impl for<'b> FnOnce(CommitBuilder<'b, Initial>) -> CommitBuilder<'b, Initial>,
) -> Vec<u8> {
    let provider = device.provider();
    let builder = group.inner.commit_builder().force_self_update(true);
    let bundle = choose(builder)
        .load_psks(provider.storage())
        .unwrap()
        .build(provider.crypto(), provider.crypto(), &device.provider().signer(&device.key), |_| {
            true
        })
        .unwrap()
        .stage_commit(provider.mls())
        .unwrap();
    bundle.commit().tls_serialize_detached().unwrap()
}

/// Rui refuses, and goes on with Ana as if nothing had happened.
fn refused(pair: &mut Pair, message: &[u8]) -> VoidReason {
    let before = pair.rui.store.entries();
    let error = pair.rui.refuse(&mut pair.rui_group, message);
    assert_eq!(pair.rui.store.entries(), before);
    let (ana, rui) = (&pair.ana, &pair.rui);
    let note = pair.rui_group.encrypt(&rui.provider(), &rui.key, b"", b"goes on").unwrap();
    pair.ana_group.clear_pending(&ana.provider()).unwrap();
    assert_eq!(ana.read(&mut pair.ana_group, &note), b"goes on");
    match error {
        ProcessError::Void(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn standalone_proposals_are_void_before_decryption() {
    let mut pair = Pair::new(Suite::Classic);
    let ana = &pair.ana;
    let (proposal, _) = pair
        .ana_group
        .inner
        .propose_remove_member(
            ana.provider().mls(),
            &ana.provider().signer(&ana.key),
            LeafNodeIndex::new(1),
        )
        .unwrap();
    let proposal = proposal.tls_serialize_detached().unwrap();
    assert!(matches!(message_info(&proposal), Err(VoidReason::ContentType)));
    let error = pair.rui.refuse(&mut pair.rui_group, &proposal);
    assert!(matches!(error, ProcessError::Void(VoidReason::ContentType)));
}

#[test]
fn public_messages_are_void() {
    let mut pair = Pair::new(Suite::Classic);
    let provider = pair.ana.provider();
    let plaintext = openmls::group::MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .build();
    pair.ana_group.inner.set_configuration(provider.storage(), &plaintext).unwrap();
    let commit = forge(&pair.ana, &mut pair.ana_group, |builder| builder);
    assert!(matches!(message_info(&commit), Err(VoidReason::NotPrivate)));
    assert!(matches!(refused(&mut pair, &commit), VoidReason::NotPrivate));
}

#[test]
fn external_commits_are_void() {
    let mut pair = Pair::new(Suite::Classic);
    let (ana, eva) = (&pair.ana, Device::new(3));
    let info = pair
        .ana_group
        .inner
        .export_group_info(ana.provider().crypto(), &ana.provider().signer(&ana.key), true)
        .unwrap()
        .tls_serialize_detached()
        .unwrap();
    let MlsMessageBodyIn::GroupInfo(info) =
        MlsMessageIn::tls_deserialize_exact(info).unwrap().extract()
    else {
        panic!("not a group info")
    };
    let (_, bundle) = MlsGroup::external_commit_builder()
        .skip_lifetime_validation()
        .build_group(eva.provider().mls(), info, credential_with_key(&eva.chain, &eva.key.public()))
        .unwrap()
        .leaf_node_parameters(
            LeafNodeParameters::builder()
                .with_capabilities(profile::capabilities(ProgramRules::CURRENT))
                .build(),
        )
        .load_psks(eva.provider().storage())
        .unwrap()
        .build(
            eva.provider().crypto(),
            eva.provider().crypto(),
            &eva.provider().signer(&eva.key),
            |_| true,
        )
        .unwrap()
        .finalize(eva.provider().mls())
        .unwrap();
    let commit = bundle.commit().tls_serialize_detached().unwrap();
    assert!(matches!(refused(&mut pair, &commit), VoidReason::NotPrivate));
}

#[test]
fn proposals_by_reference_are_void_even_for_who_knows_them() {
    let mut trio = Trio::new(Suite::Classic);
    let (ana, rui, eva) = (&trio.ana, &trio.rui, &trio.eva);
    // An Update can only come by reference.
    let (update, _) = trio
        .eva_group
        .inner
        .propose_self_update(
            eva.provider().mls(),
            &eva.provider().signer(&eva.key),
            LeafNodeParameters::default(),
        )
        .unwrap();
    let update = update.tls_serialize_detached().unwrap();
    remember(ana, &mut trio.ana_group, &update);
    let commit = forge(ana, &mut trio.ana_group, |builder| builder.consume_proposal_store(true));
    let unknown = rui.refuse(&mut trio.rui_group, &commit);
    assert!(matches!(unknown, ProcessError::Void(VoidReason::Mls(_))), "{unknown:?}");
    remember(rui, &mut trio.rui_group, &update);
    let known = rui.refuse(&mut trio.rui_group, &commit);
    assert!(matches!(known, ProcessError::Void(VoidReason::ProposalByReference)), "{known:?}");
}

/// A modified client: takes a standalone proposal in.
fn remember(device: &Device, group: &mut Group, proposal: &[u8]) {
    let message = MlsMessageIn::tls_deserialize_exact(proposal).unwrap();
    let processed = group
        .inner
        .process_message(device.provider().mls(), message.try_into_protocol_message().unwrap())
        .unwrap();
    let ProcessedMessageContent::ProposalMessage(proposal) = processed.into_content() else {
        panic!("not a proposal")
    };
    group.inner.store_pending_proposal(device.provider().storage(), *proposal).unwrap();
}

#[test]
fn pre_shared_keys_are_void_even_for_who_holds_them() {
    let mut pair = Pair::new(Suite::Classic);
    let id = PreSharedKeyId::external(b"shared".to_vec(), vec![5; 32]);
    for device in [&pair.ana, &pair.rui] {
        id.store(device.provider().mls(), b"secret").unwrap();
    }
    let psk = Proposal::PreSharedKey(Box::new(PreSharedKeyProposal::new(id)));
    let commit = forge(&pair.ana, &mut pair.ana_group, |builder| builder.add_proposal(psk));
    assert!(matches!(refused(&mut pair, &commit), VoidReason::ProposalKind(4)));
}

#[test]
fn another_custom_proposal_is_void_even_where_everybody_supports_it() {
    let other = 0xF0E3;
    let mut pair = Pair::with_capabilities(Capabilities::new(
        None,
        Some(&[Suite::Classic.to_mls()]),
        Some(profile::capabilities(ProgramRules::CURRENT).extensions()),
        Some(&[ProposalType::Custom(other), ProposalType::Custom(profile::EVIDENCE_PROPOSAL)]),
        Some(&[CredentialType::X509]),
    ));
    let custom = Proposal::Custom(Box::new(CustomProposal::new(other, b"x".to_vec())));
    let commit = forge(&pair.ana, &mut pair.ana_group, |builder| builder.add_proposal(custom));
    assert!(matches!(refused(&mut pair, &commit), VoidReason::ProposalKind(0xF0E3)));
}

#[test]
fn a_commit_without_a_path_is_void() {
    let mut pair = Pair::new(Suite::Classic);
    let evidence =
        Proposal::Custom(Box::new(CustomProposal::new(profile::EVIDENCE_PROPOSAL, vec![1])));
    let commit = forge(&pair.ana, &mut pair.ana_group, |builder| {
        builder.force_self_update(false).add_proposal(evidence)
    });
    assert!(matches!(refused(&mut pair, &commit), VoidReason::NoPath));
}

#[test]
fn a_group_context_that_is_not_the_requirements_and_a_policy_is_void() {
    let policy = || profile::extensions(b"new").iter().last().unwrap().clone();
    let requirements = || profile::extensions(b"").iter().next().unwrap().clone();
    let fewer = Extension::RequiredCapabilities(RequiredCapabilitiesExtension::new(
        &[ExtensionType::Unknown(0xF0E1)],
        &[],
        &[],
    ));
    let external = Extension::ExternalSenders(vec![ExternalSender::new(
        vec![1; 32].into(),
        Credential::new(CredentialType::X509, vec![]),
    )]);
    let contexts = [
        vec![requirements()],
        vec![fewer, policy()],
        vec![requirements(), policy(), external],
        vec![],
    ];
    for extensions in contexts {
        let mut pair = Pair::new(Suite::Classic);
        let extensions = Extensions::<GroupContext>::from_vec(extensions).unwrap();
        let commit = forge(&pair.ana, &mut pair.ana_group, |builder| {
            builder.propose_group_context_extensions(extensions).unwrap()
        });
        assert!(matches!(refused(&mut pair, &commit), VoidReason::GroupContext));
        assert_eq!(pair.rui_group.policy().unwrap(), POLICY);
    }
}

#[test]
fn an_added_leaf_that_breaks_the_profile_is_void() {
    let eva = Device::new(3);
    let lifetime = package_with(&eva, openmls::prelude::Lifetime::default());
    let garbage = CredentialWithKey {
        credential: Credential::new(CredentialType::X509, b"no certificates".to_vec()),
        signature_key: eva.key.public().as_bytes().as_slice().into(),
    };
    let garbage = package(&eva, garbage, profile::capabilities(ProgramRules::CURRENT));
    let incapable = Capabilities::new(
        None,
        Some(&[Suite::PostQuantum.to_mls(), Suite::Classic.to_mls()]),
        Some(&[ExtensionType::Unknown(0xF0E1)]),
        Some(&[]),
        Some(&[CredentialType::X509]),
    );
    for (message, expected) in [(lifetime, LeafError::Lifetime), (garbage, LeafError::Credential)] {
        let mut pair = Pair::new(Suite::Classic);
        let package = parse(&message);
        let commit =
            forge(&pair.ana, &mut pair.ana_group, |builder| builder.propose_adds([package]));
        match refused(&mut pair, &commit) {
            VoidReason::Leaf(error) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
    }
    let own = credential_with_key(&eva.chain, &eva.key.public());
    let message = package(&eva, own, incapable);
    let checked = crate::mls::validate_key_package(&eva.backend, &message, Suite::Classic);
    assert!(matches!(checked, Err(crate::mls::KeyPackageError::Leaf(LeafError::Capabilities))));
}

fn package(device: &Device, credential: CredentialWithKey, capabilities: Capabilities) -> Vec<u8> {
    let built = KeyPackage::builder()
        .key_package_lifetime(profile::lifetime())
        .leaf_node_capabilities(capabilities)
        .build(
            Suite::Classic.to_mls(),
            device.provider().mls(),
            &device.provider().signer(&device.key),
            credential,
        )
        .unwrap();
    MlsMessageOut::from(built.into_key_package()).tls_serialize_detached().unwrap()
}

fn parse(message: &[u8]) -> KeyPackage {
    let MlsMessageBodyIn::KeyPackage(package) =
        MlsMessageIn::tls_deserialize_exact(message).unwrap().extract()
    else {
        panic!("not a key package")
    };
    let package: KeyPackageIn = package;
    package
        .validate(Backend::new().unwrap().crypto(), openmls::prelude::ProtocolVersion::Mls10)
        .unwrap()
}

#[test]
fn a_path_leaf_with_an_extension_is_void() {
    let mut pair = Pair::new(Suite::Classic);
    let id = Extension::ApplicationId(ApplicationIdExtension::new(b"tracked"));
    let parameters = LeafNodeParameters::builder()
        .with_capabilities(profile::capabilities(ProgramRules::CURRENT))
        .with_extensions(Extensions::single(id).unwrap())
        .build();
    let commit =
        forge(&pair.ana, &mut pair.ana_group, |builder| builder.leaf_node_parameters(parameters));
    let reason = refused(&mut pair, &commit);
    assert!(matches!(reason, VoidReason::Leaf(LeafError::Extensions)), "{reason:?}");
}

#[test]
fn a_path_leaf_with_a_broken_credential_is_void() {
    let mut pair = Pair::new(Suite::Classic);
    let credential = CredentialWithKey {
        credential: Credential::new(CredentialType::X509, vec![0x41]),
        signature_key: pair.ana.key.public().as_bytes().as_slice().into(),
    };
    let parameters = LeafNodeParameters::builder().with_credential_with_key(credential).build();
    let commit =
        forge(&pair.ana, &mut pair.ana_group, |builder| builder.leaf_node_parameters(parameters));
    assert!(matches!(refused(&mut pair, &commit), VoidReason::Leaf(LeafError::Credential)));
}

/// Breaks path secrets for one receiver.
struct Garble(Vec<u8>);

impl Tamper for Garble {
    fn sealed(&self, receiver: &[u8], ciphertext: &mut Vec<u8>) {
        if receiver == self.0 {
            ciphertext[0] ^= 1;
        }
    }
}

#[test]
fn a_garbled_path_secret_strands_its_victim_alone() {
    for suite in [Suite::PostQuantum, Suite::Classic] {
        let mut trio = Trio::new(suite);
        let view = trio.ana_group.view().unwrap();
        let victim = view.member(LeafIndex(1)).unwrap();
        let garble = Box::new(Garble(victim.encryption_key.to_vec()));
        trio.ana.backend = Backend::dangerous_with_tamper(garble).unwrap();
        let (ana, rui, eva) = (&trio.ana, &trio.rui, &trio.eva);

        let pending =
            trio.ana_group.commit(&ana.provider(), &ana.key, b"", Changes::default()).unwrap();
        let last = trio.eva_group.encrypt(&eva.provider(), &eva.key, b"", b"in time").unwrap();
        eva.follow(&mut trio.eva_group, &pending.commit);
        let error = rui.refuse(&mut trio.rui_group, &pending.commit);
        assert!(matches!(error, ProcessError::Stranded), "{error:?}");
        // The old epoch stays usable.
        assert_eq!(rui.read(&mut trio.rui_group, &last), b"in time");
        trio.ana_group.merge_pending(&ana.provider()).unwrap();

        // Anybody swaps the stranded device back in.
        rui.store.savepoint().unwrap();
        let changes = Changes {
            add: vec![rui.key_package(suite)],
            remove: vec![LeafIndex(1)],
            ..Changes::default()
        };
        let swap = trio.eva_group.commit(&eva.provider(), &eva.key, b"", changes).unwrap();
        trio.eva_group.merge_pending(&eva.provider()).unwrap();
        ana.follow(&mut trio.ana_group, &swap.commit);
        trio.rui_group.delete(&rui.provider()).unwrap();
        trio.rui_group = rui.join(&swap.welcome.unwrap());
        trio.assert_agreed();
    }
}

/// Replaces the n-th public key that is derived by one of small order.
struct Weaken {
    which: usize,
    derived: AtomicUsize,
}

impl Tamper for Weaken {
    fn derived(&self, public_key: &mut Vec<u8>) {
        if self.derived.fetch_add(1, Ordering::SeqCst) == self.which {
            public_key.fill(0);
        }
    }
}

#[test]
fn a_key_that_nobody_can_encrypt_to_is_void_for_all_but_those_it_strands() {
    // The node above Ana and Rui; the root; Ana's leaf. Who stands below a false node on Ana's path
    // can't read the path at all; for the others the commit is void.
    let below = [["stranded", "path", "path"], ["stranded", "stranded", "path"]];
    let expected = BTreeSet::from([below[0], below[1], ["leaf"; 3]]);
    let mut seen = BTreeSet::new();
    // Keys are derived in parallel: which of them is the first is left to chance.
    for which in (0..3).cycle().take(60) {
        seen.insert(judgements_of_a_weak_key(which));
        if seen.len() == expected.len() {
            break;
        }
    }
    assert_eq!(seen, expected);
}

/// What Rui, Eva and Leo find when the key that is derived as the `which`-th is weak.
fn judgements_of_a_weak_key(which: usize) -> [&'static str; 3] {
    let mut trio = Trio::new(Suite::Classic);
    let leo = Device::new(4);
    let adds = Changes { add: vec![leo.key_package(Suite::Classic)], ..Changes::default() };
    let pending = trio.ana_group.commit(&trio.ana.provider(), &trio.ana.key, b"", adds).unwrap();
    trio.ana_group.merge_pending(&trio.ana.provider()).unwrap();
    trio.rui.follow(&mut trio.rui_group, &pending.commit);
    trio.eva.follow(&mut trio.eva_group, &pending.commit);
    let mut leo_group = leo.join(&pending.welcome.unwrap());

    let weaken = Box::new(Weaken { which, derived: AtomicUsize::new(0) });
    trio.ana.backend = Backend::dangerous_with_tamper(weaken).unwrap();
    // Leo is removed, and must come to the same judgement as Eva, who stays.
    let commit = forge(&trio.ana, &mut trio.ana_group, |builder| {
        builder.propose_removals([LeafNodeIndex::new(3)])
    });
    let eva = trio.eva.refuse(&mut trio.eva_group, &commit);
    let leo = leo.refuse(&mut leo_group, &commit);
    let rui = trio.rui.refuse(&mut trio.rui_group, &commit);
    [rui, eva, leo].map(|error| match error {
        ProcessError::Stranded => "stranded",
        ProcessError::Void(VoidReason::UnusablePathKey) => "path",
        ProcessError::Void(VoidReason::Leaf(LeafError::UnusableKey)) => "leaf",
        other => panic!("{other:?}"),
    })
}

/// The same in a group that is founded for all: openmls takes such a group in.
#[test]
fn a_founded_group_with_a_key_that_nobody_can_encrypt_to_is_void_for_all_who_can_open_it() {
    let below = [["stranded", "path", "path"], ["stranded"; 3]];
    let expected = BTreeSet::from([below[0], below[1], ["leaf"; 3]]);
    let mut seen = BTreeSet::new();
    for which in (0..3).cycle().take(60) {
        seen.insert(judgements_of_a_weak_founding(which));
        if seen.len() == expected.len() {
            break;
        }
    }
    assert_eq!(seen, expected);
}

/// What Rui, Eva and Leo find when Ana founds a group, and the key derived as the `which`-th is weak.
fn judgements_of_a_weak_founding(which: usize) -> [&'static str; 3] {
    let suite = Suite::Classic;
    let mut ana = Device::new(1);
    let others = [2, 3, 4].map(Device::new);
    let created =
        Group::create(&ana.provider(), GROUP, &ana.key, &ana.chain, suite, POLICY).unwrap();
    let packages = others.each_ref().map(|other| {
        let message = other.key_package(suite);
        crate::mls::key_package::validate(ana.provider().crypto(), &message, suite).unwrap().0
    });
    let weaken = Box::new(Weaken { which, derived: AtomicUsize::new(0) });
    ana.backend = Backend::dangerous_with_tamper(weaken).unwrap();
    let mut group = created;
    let provider = ana.provider();
    let bundle = group
        .inner
        .commit_builder()
        .force_self_update(true)
        .propose_adds(packages)
        .load_psks(provider.storage())
        .unwrap()
        .build(provider.crypto(), provider.crypto(), &provider.signer(&ana.key), |_| true)
        .unwrap()
        .stage_commit(provider.mls())
        .unwrap();
    let welcome = bundle.to_welcome_msg().unwrap().tls_serialize_detached().unwrap();
    others.map(|other| {
        let provider = other.provider();
        let staged = crate::mls::stage_welcome(&provider, &welcome);
        let Ok(joined) = staged.and_then(|staged| staged.into_group(&provider)) else {
            return "stranded";
        };
        match joined.check_founded(&provider) {
            Err(VoidReason::UnusablePathKey) => "path",
            Err(VoidReason::Leaf(LeafError::UnusableKey)) => "leaf",
            other => panic!("{other:?}"),
        }
    })
}

#[test]
fn two_leaves_cannot_share_a_signature_key() {
    let mut pair = Pair::new(Suite::Classic);
    let eva = Device::new(3);
    let eva_group = add(&pair.ana, &mut pair.ana_group, &eva);
    drop(eva_group);
    // Eva's key in Ana's leaf: Ana holds both, as a thief would.
    let provider = pair.ana.provider();
    let identity = crate::mls::NewIdentity { signer: &eva.key, chain: eva.chain.clone() };
    let changes = Changes { identity: Some(identity), ..Changes::default() };
    let refused = pair.ana_group.commit(&provider, &pair.ana.key, b"", changes);
    assert!(matches!(refused, Err(crate::mls::CommitError::Void(VoidReason::DuplicateKey))));
    assert!(!pair.ana_group.is_pending() && !pair.ana.load().is_pending());
}

#[test]
fn corrupted_commits_are_void_and_never_panic() {
    let mut pair = Pair::new(Suite::Classic);
    let ana = &pair.ana;
    let pending =
        pair.ana_group.commit(&ana.provider(), &ana.key, b"aad", Changes::default()).unwrap();
    for position in (0..pending.commit.len()).step_by(3) {
        let mut garbled = pending.commit.clone();
        garbled[position] ^= 1;
        for bytes in [&garbled[..], &pending.commit[..position]] {
            let error = pair.rui.refuse(&mut pair.rui_group, bytes);
            assert!(matches!(error, ProcessError::Void(_)), "{error:?}");
        }
    }
    pair.rui.follow(&mut pair.rui_group, &pending.commit);
}

impl Pair {
    /// Two devices whose leaves state other capabilities than ours.
    fn with_capabilities(capabilities: Capabilities) -> Self {
        let (ana, rui) = (Device::new(1), Device::new(2));
        let config = openmls::group::MlsGroupCreateConfig::builder()
            .ciphersuite(Suite::Classic.to_mls())
            .lifetime(profile::lifetime())
            .capabilities(capabilities.clone())
            .with_group_context_extensions(profile::extensions(POLICY))
            .use_ratchet_tree_extension(true)
            .build();
        let group = MlsGroup::new_with_group_id(
            ana.provider().mls(),
            &ana.provider().signer(&ana.key),
            &config,
            GROUP.to_mls(),
            credential_with_key(&ana.chain, &ana.key.public()),
        );
        let mut ana_group = Group::of_mls(group.unwrap()).unwrap();
        let own = credential_with_key(&rui.chain, &rui.key.public());
        let package = parse(&package(&rui, own, capabilities));
        let provider = ana.provider();
        let (_, welcome, _) = ana_group
            .inner
            .add_members(provider.mls(), &ana.provider().signer(&ana.key), &[package])
            .unwrap();
        ana_group.merge_pending(&provider).unwrap();
        let rui_group = rui.join(&welcome.tls_serialize_detached().unwrap());
        Self { ana, ana_group, rui, rui_group }
    }
}
