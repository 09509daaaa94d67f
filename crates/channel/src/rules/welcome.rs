//! What a joiner asks of the group that it is let into, and a creator of its own.
//!
//! A joiner lacks the past: it can't judge the commits that led to this group. It checks that the
//! group is one that the rules allow, and that whoever let it in was entitled to.

use enlace_identity::bundle::Bundle;
use enlace_identity::chain::ChainError;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;

use super::JudgeError;
use super::rule::{Rule, Void};
use super::state::{LeafInfo, State};
use crate::credential::{CredentialError, VerifiedDevice, device_name};
use crate::mls::{GroupView, LeafIndex};
use crate::policy::{ChannelKind, RULES_VERSION, Role};

/// Decides on a welcome: on the group behind it, whose signer is `signer`, and into which `me` is
/// let at `received_at`.
///
/// # Errors
/// [`JudgeError::Void`], with the rule that is broken: nobody should join this.
/// [`JudgeError::BundleMissing`]: join later, with that bundle.
pub fn judge_welcome(
    bundle: &Bundle,
    view: &GroupView,
    signer: LeafIndex,
    me: &DeviceName,
    received_at: Timestamp,
) -> Result<(), JudgeError> {
    let signer = view.member(signer).and_then(|member| device_name(&member.chain).ok());
    let signer = signer.ok_or_else(|| Void::new(Rule::WelcomeEntitled, "unknown"))?;
    let state = State::of_view(view)?;
    judge_joined(bundle, &state, &signer, me, received_at)
}

/// Decides on the group that `creator` begins a channel with.
///
/// # Errors
/// As [`judge_welcome`].
pub fn judge_creation(
    bundle: &Bundle,
    view: &GroupView,
    creator: &DeviceName,
    received_at: Timestamp,
) -> Result<(), JudgeError> {
    let state = State::of_view(view)?;
    check_group(bundle, &state)?;
    let alone = state.members.len() == 1;
    let own = state.members.get(creator).filter(|_| alone);
    let own = own.ok_or_else(|| Void::new(Rule::Creation, creator))?;
    verify(bundle, own, received_at).map_err(|e| Void::new(Rule::Certificate, e))?;
    let policy = &state.policy;
    let first = policy.generation().0 == 0 && policy.authorities_version() == 1;
    if first { Ok(()) } else { Err(Void::new(Rule::Creation, creator).into()) }
}

/// The welcome's judgement, on the state alone.
pub(super) fn judge_joined(
    bundle: &Bundle,
    state: &State,
    signer: &DeviceName,
    me: &DeviceName,
    received_at: Timestamp,
) -> Result<(), JudgeError> {
    check_group(bundle, state)?;
    let own = state.members.get(me).ok_or_else(|| Void::new(Rule::RolesMatch, me))?;
    verify(bundle, own, received_at).map_err(|e| Void::new(Rule::WelcomeCertificate, e))?;
    check_entitled(state, signer, me)?;
    Ok(())
}

fn check_group(bundle: &Bundle, state: &State) -> Result<(), JudgeError> {
    let policy = &state.policy;
    if policy.rules_version() != RULES_VERSION || policy.kind() != ChannelKind::Case {
        return Err(Void::new(Rule::WelcomeVersion, policy.rules_version()).into());
    }
    if bundle.hash() != policy.bundle_hash() {
        return Err(JudgeError::BundleMissing(policy.bundle_hash()));
    }
    if !bundle.contains(policy.hub()) {
        return Err(Void::new(Rule::WelcomeHub, policy.hub()).into());
    }
    state.check_roles_match()?;
    state.check_one_owner()?;
    if let Some((guide, _)) = policy.roles().iter().find(|(_, role)| **role == Role::Guide) {
        return Err(Void::new(Rule::RoleKind, guide).into());
    }
    for (device, leaf) in &state.members {
        let verified = verify_at_some_time(bundle, leaf);
        let verified = verified.map_err(|e| Void::new(Rule::WelcomeCertificate, e))?;
        if verified.name() != device {
            return Err(Void::new(Rule::WelcomeCertificate, device).into());
        }
    }
    Ok(())
}

/// J-ENTITLED. The signer's role did not change in the same commit (R-OWN-ROLE-ALONE).
fn check_entitled(state: &State, signer: &DeviceName, me: &DeviceName) -> Result<(), Void> {
    let policy = &state.policy;
    let role = policy.role_of(signer.officer());
    let lead = role.is_some_and(Role::is_lead) && signer.domain() == me.domain();
    let of_mine = policy.roles().keys().filter(|officer| officer.domain() == me.domain());
    let first = role == Some(Role::Owner)
        && of_mine.count() == 1
        && policy.role_of(me.officer()) == Some(Role::Lead);
    let other = state.members.contains_key(signer) && signer != me;
    if other && (lead || first) { Ok(()) } else { Err(Void::new(Rule::WelcomeEntitled, signer)) }
}

/// A member whose certificate has expired since it came is a member still: the chain must hold at
/// the first instant at which all of it claims to, whatever the time is now.
fn verify_at_some_time(
    bundle: &Bundle,
    leaf: &LeafInfo,
) -> Result<VerifiedDevice, CredentialError> {
    let domain = leaf.chain.unverified_name()?.domain().clone();
    let authority = bundle.authority(&domain).ok_or(ChainError::UnknownAuthority(domain))?;
    let start = leaf.chain.unverified_validity()?.not_before;
    let mut verified = verify(bundle, leaf, start);
    for root in authority.root_validities() {
        verified = verified.or_else(|_| verify(bundle, leaf, start.max(root.not_before)));
    }
    verified
}

fn verify(
    bundle: &Bundle,
    leaf: &LeafInfo,
    at: Timestamp,
) -> Result<VerifiedDevice, CredentialError> {
    VerifiedDevice::verify(&leaf.chain, &leaf.signature_key, bundle, at)
}
