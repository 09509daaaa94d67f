//! What a joiner asks of the group that it is let into, and a creator of its own.
//!
//! A joiner lacks the past: it can't judge the commits that led to this group. It checks that the
//! group is one that the rules allow, and that whoever let it in was entitled to.

use enlace_identity::bundle::Bundle;
use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;

use super::JudgeError;
use super::act::Act;
use super::rule::{Rule, Void};
use super::state::State;
use super::succession::may_found;
use super::version;
use crate::credential::device_name;
use crate::mls::{GroupView, LeafIndex, Suite};
use crate::policy::{ChannelKind, Policy, Role, former_domains};

/// Decides on a welcome: on the group behind it, whose signer is `signer`, and into which `me` is
/// let at `received_at`. `asked` is whether it is by a key package with which `me` asked to be put
/// back: any member may do that.
///
/// # Errors
/// [`JudgeError::Void`], with the rule that is broken: nobody should join this.
/// [`JudgeError::BundleMissing`]: join later, with that bundle.
pub fn judge_welcome(
    bundle: &Bundle,
    view: &GroupView,
    signer: LeafIndex,
    me: &DeviceName,
    asked: bool,
    received_at: Timestamp,
) -> Result<(), JudgeError> {
    let signer = view.member(signer).and_then(|member| device_name(&member.chain).ok());
    let signer = signer.ok_or_else(|| Void::new(Rule::WelcomeEntitled, "unknown"))?;
    let state = State::of_view(view)?;
    check_suite(&state, view.suite)?;
    judge_joined(bundle, &state, (&signer, asked), me, received_at)
}

/// Decides on a channel's next group for a member that has lost step before it, and can compare it
/// with nothing: as on a welcome, but that whoever may found it lets everybody in.
///
/// # Errors
/// As [`judge_welcome`].
pub fn judge_refounded(
    bundle: &Bundle,
    view: &GroupView,
    founder: &DeviceName,
    me: &DeviceName,
    received_at: Timestamp,
) -> Result<Vec<Act>, JudgeError> {
    let state = State::of_view(view)?;
    let bundle = check_group(bundle, &state)?;
    let own = state.members.get(me).ok_or_else(|| Void::new(Rule::RolesMatch, me))?;
    own.verify(bundle, received_at).map_err(|e| Void::new(Rule::WelcomeCertificate, e))?;
    check_suite(&state, view.suite)?;
    version::check_all_state(&state)?;
    let founding = state.policy.founding();
    let founding = founding.ok_or_else(|| Void::new(Rule::FoundingPolicy, founder))?;
    let role = state.policy.role_at(founder.officer(), received_at);
    if !may_found(&state.policy, role, founding.reason) {
        return Err(Void::new(Rule::Founder, founder).into());
    }
    Ok(vec![Act::Founded(founding.reason)])
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
    check_suite(&state, view.suite)?;
    let bundle = check_group(bundle, &state)?;
    check_open(&state.policy)?;
    let alone = state.members.len() == 1;
    let own = state.members.get(creator).filter(|_| alone);
    let own = own.ok_or_else(|| Void::new(Rule::Creation, creator))?;
    own.verify(bundle, received_at).map_err(|e| Void::new(Rule::Certificate, e))?;
    let policy = &state.policy;
    if policy.owners().next().is_none() {
        return Err(Void::new(Rule::OneOwner, 0).into());
    }
    let first = policy.generation().0 == 0 && policy.authorities_version() == 1;
    if first { Ok(()) } else { Err(Void::new(Rule::Creation, creator).into()) }
}

/// The welcome's judgement, on the state alone.
pub(super) fn judge_joined(
    bundle: &Bundle,
    state: &State,
    (signer, asked): (&DeviceName, bool),
    me: &DeviceName,
    received_at: Timestamp,
) -> Result<(), JudgeError> {
    let bundle = check_group(bundle, state)?;
    if !asked {
        check_open(&state.policy)?;
    }
    let own = state.members.get(me).ok_or_else(|| Void::new(Rule::RolesMatch, me))?;
    own.verify(bundle, received_at).map_err(|e| Void::new(Rule::WelcomeCertificate, e))?;
    check_entitled(state, signer, me, asked, received_at)?;
    Ok(())
}

/// J-SUITE.
pub(super) fn check_suite(state: &State, suite: Suite) -> Result<(), Void> {
    match (state.policy.kind(), suite) {
        (ChannelKind::Forum, _) | (ChannelKind::Case, Suite::PostQuantum) => Ok(()),
        (ChannelKind::Case, Suite::Classic) => Err(Void::new(Rule::WelcomeSuite, suite.code())),
    }
}

/// Returns the bundle that the group goes by.
fn check_group<'b>(newest: &'b Bundle, state: &State) -> Result<&'b Bundle, JudgeError> {
    let policy = &state.policy;
    let hash = policy.bundle_hash();
    let bundle = newest.known(&hash).ok_or(JudgeError::BundleMissing(hash))?;
    if bundle.authority_of(policy.hub()).is_none() {
        return Err(Void::new(Rule::WelcomeHub, policy.hub()).into());
    }
    if *policy.former_domains() != former_domains(bundle) {
        return Err(Void::new(Rule::Bundle, "former_domains").into());
    }
    state.check_roles_match()?;
    state.check_owners()?;
    let is_strange = |role: Role| !role.exists_in(policy.kind());
    if let Some((officer, _)) = policy.roles().iter().find(|(_, role)| is_strange(**role)) {
        return Err(Void::new(Rule::RoleKind, officer).into());
    }
    for (device, leaf) in &state.members {
        let verified = leaf.verify_at_some_time(bundle);
        let verified = verified.map_err(|e| Void::new(Rule::WelcomeCertificate, e))?;
        if verified.name() != device {
            return Err(Void::new(Rule::WelcomeCertificate, device).into());
        }
    }
    Ok(bundle)
}

/// R-CLOSED: nobody comes in. Whoever is put back was in.
fn check_open(policy: &Policy) -> Result<(), Void> {
    match policy.is_closed() {
        true => Err(Void::new(Rule::Closed, policy.title())),
        false => Ok(()),
    }
}

/// J-ENTITLED. The signer's role did not change in the same commit (R-OWN-ROLE-ALONE).
fn check_entitled(
    state: &State,
    signer: &DeviceName,
    me: &DeviceName,
    asked: bool,
    received_at: Timestamp,
) -> Result<(), Void> {
    let policy = &state.policy;
    let role = policy.role_at(signer.officer(), received_at);
    let is_mine = |domain: &Domain| policy.are_one(domain, me.domain());
    let lead = role.is_some_and(Role::is_lead) && is_mine(signer.domain());
    let of_mine = policy.roles().keys().filter(|officer| is_mine(officer.domain()));
    let first = role == Some(Role::Owner)
        && of_mine.count() == 1
        && policy.role_at(me.officer(), received_at) == Some(Role::Lead);
    let stand_in = role == Some(Role::Owner)
        && policy.stand_ins().contains_key(me.officer())
        && policy.role_at(me.officer(), received_at) == Some(Role::Lead);
    let own = signer.officer() == me.officer() || policy.succeeds(me.officer(), signer.officer());
    // Anybody lets a device back in that a suspension took out (R-ADMIT-LIFTED).
    let returned = policy.suspended().contains_key(me);
    let other = state.members.contains_key(signer) && signer != me;
    if other && (lead || first || stand_in || own || returned || asked) {
        Ok(())
    } else {
        Err(Void::new(Rule::WelcomeEntitled, signer))
    }
}
