//! What every group and every leaf of this protocol states, and the settings of ours.

use openmls::prelude::{
    Capabilities, CredentialType, Extension, ExtensionType, Extensions, GroupContext, Lifetime,
    MlsGroupCreateConfig, MlsGroupJoinConfig, PURE_CIPHERTEXT_WIRE_FORMAT_POLICY, ProposalType,
    ProtocolVersion, RequiredCapabilitiesExtension, SenderRatchetConfiguration, UnknownExtension,
};

use super::suite::Suite;
use crate::known_rules::{ProgramRules, StatedRules};

/// The group-context extension that holds the policy.
const POLICY_EXTENSION: u16 = 0xF0E1;
/// With a version's number added: the extension type by which a leaf says that its program applies
/// that version of the rules. Nothing of these types is ever sent.
const RULES_EXTENSIONS: u16 = 0xF100;
/// The custom proposal that holds evidence.
pub(super) const EVIDENCE_PROPOSAL: u16 = 0xF0E2;

/// Items come in order; what a device encrypted and then sent twice may overtake a little.
const OUT_OF_ORDER_TOLERANCE: u32 = 5;
/// Further than any honest device gets within an epoch. Skipping as far as this costs 0.2 s.
const MAXIMUM_FORWARD_DISTANCE: u32 = 65_536;

/// The only lifetime there is. openmls checks the lifetime of whom a commit adds against the
/// system clock: with any other one, members whose clocks differ would disagree about a commit.
pub(super) fn lifetime() -> Lifetime {
    Lifetime::init(0, u64::MAX)
}

/// What a leaf states that it can do.
pub(super) fn capabilities(rules: ProgramRules) -> Capabilities {
    let stated = rules.stated();
    let versions = stated.iter().filter_map(|version| u16::try_from(version).ok());
    let extensions: Vec<_> = [ExtensionType::Unknown(POLICY_EXTENSION), ExtensionType::LastResort]
        .into_iter()
        .chain(versions.map(|version| ExtensionType::Unknown(RULES_EXTENSIONS + version)))
        .collect();
    Capabilities::new(
        Some(&[ProtocolVersion::Mls10]),
        Some(&[Suite::PostQuantum.to_mls(), Suite::Classic.to_mls()]),
        Some(&extensions),
        Some(&[ProposalType::Custom(EVIDENCE_PROPOSAL)]),
        Some(&[CredentialType::X509]),
    )
}

/// The versions of the rules that a leaf states.
pub(super) fn stated_rules(capabilities: &Capabilities) -> StatedRules {
    let types = capabilities.extensions().iter().map(|kind| u16::from(*kind));
    types.filter_map(|kind| kind.checked_sub(RULES_EXTENSIONS).map(u32::from)).collect()
}

/// Whether `capabilities` hold everything that this version needs. A newer version may state more.
pub(super) fn capabilities_suffice(capabilities: &Capabilities, suite: Suite) -> bool {
    capabilities.versions().contains(&ProtocolVersion::Mls10)
        && capabilities.ciphersuites().contains(&suite.to_mls().into())
        && capabilities.extensions().contains(&ExtensionType::Unknown(POLICY_EXTENSION))
        && capabilities.proposals().contains(&ProposalType::Custom(EVIDENCE_PROPOSAL))
        && capabilities.credentials().contains(&CredentialType::X509)
}

/// The whole group context of a channel: the requirements and the policy.
pub(super) fn extensions(policy: &[u8]) -> Extensions<GroupContext> {
    Extensions::from_vec(vec![
        Extension::RequiredCapabilities(required_capabilities()),
        Extension::Unknown(POLICY_EXTENSION, UnknownExtension(policy.to_vec())),
    ])
    .expect("two different extensions that a group context may hold")
}

/// The policy, if the group context is exactly the requirements and a policy.
pub(super) fn policy_of(extensions: &Extensions<GroupContext>) -> Option<&[u8]> {
    let complete = extensions.iter().count() == 2
        && extensions.required_capabilities() == Some(&required_capabilities());
    let policy = extensions.iter().find_map(|extension| match extension {
        Extension::Unknown(POLICY_EXTENSION, UnknownExtension(policy)) => Some(policy.as_slice()),
        _ => None,
    });
    policy.filter(|_| complete)
}

/// Settings of a group that this device creates.
pub(super) fn create_config(
    suite: Suite,
    policy: &[u8],
    rules: ProgramRules,
) -> MlsGroupCreateConfig {
    MlsGroupCreateConfig::builder()
        .ciphersuite(suite.to_mls())
        .lifetime(lifetime())
        .capabilities(capabilities(rules))
        .with_group_context_extensions(extensions(policy))
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .padding_size(0)
        .max_past_epochs(0)
        .number_of_resumption_psks(0)
        .use_ratchet_tree_extension(true)
        .sender_ratchet_configuration(ratchets())
        .build()
}

/// Settings of a group that this device joins.
pub(super) fn join_config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .padding_size(0)
        .max_past_epochs(0)
        .number_of_resumption_psks(0)
        .use_ratchet_tree_extension(true)
        .sender_ratchet_configuration(ratchets())
        .build()
}

fn required_capabilities() -> RequiredCapabilitiesExtension {
    RequiredCapabilitiesExtension::new(
        &[ExtensionType::Unknown(POLICY_EXTENSION)],
        &[ProposalType::Custom(EVIDENCE_PROPOSAL)],
        &[CredentialType::X509],
    )
}

fn ratchets() -> SenderRatchetConfiguration {
    SenderRatchetConfiguration::new(OUT_OF_ORDER_TOLERANCE, MAXIMUM_FORWARD_DISTANCE)
}
