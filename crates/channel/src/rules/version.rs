//! Which version of the rules a channel follows, and who can still follow it.

use enlace_identity::names::DeviceName;

use super::act::Act;
use super::change::Change;
use super::rule::{Rule, Void};
use super::state::State;
use crate::known_rules::ProgramRules;
use crate::policy::Policy;

/// R-RULES-VERSION: the owner raises the version, by one, in a commit that does nothing else, and
/// only where every leaf states it; and no leaf comes, or is renewed, that does not state the
/// present one.
pub(super) fn check(change: &Change) -> Result<Vec<Act>, Void> {
    let (before, after) = (&change.before.policy, &change.after.policy);
    let version = after.rules_version();
    if version == before.rules_version() {
        let new = change.added.iter().chain([&change.committer]);
        return check_stated(change, version, new).map(|()| Vec::new());
    }
    let alone = change.added.is_empty() && change.removed.is_empty() && change.evidence.is_empty();
    if !change.is_by_owner() || !alone || !is_one_step(before, after) {
        return Err(Void::new(Rule::RulesVersion, version));
    }
    check_stated(change, version, change.after.members.keys())?;
    Ok(vec![Act::RulesRaised { to: version }])
}

/// J-VERSION: whether a program can join a channel, as far as the version of its rules goes.
///
/// # Errors
/// [`Rule::WelcomeVersion`]: a newer program is needed.
pub fn judge_program(program: ProgramRules, policy: &Policy) -> Result<(), Void> {
    let version = policy.rules_version();
    if program.applies(version) { Ok(()) } else { Err(Void::new(Rule::WelcomeVersion, version)) }
}

/// R-RULES-VERSION of a group that is founded: each leaf states the version that it begins with.
pub(super) fn check_all_state(founded: &State) -> Result<(), Void> {
    let version = founded.policy.rules_version();
    match founded.members.iter().find(|(_, leaf)| !leaf.rules.has(version)) {
        Some((device, _)) => Err(Void::new(Rule::RulesVersion, device)),
        None => Ok(()),
    }
}

fn is_one_step(before: &Policy, after: &Policy) -> bool {
    let raised = before.edit().and_then(|edit| edit.raise_rules().finish());
    raised.is_ok_and(|raised| raised == *after)
}

fn check_stated<'a>(
    change: &Change,
    version: u32,
    devices: impl IntoIterator<Item = &'a DeviceName>,
) -> Result<(), Void> {
    let lacks = |device: &&DeviceName| {
        change.after.members.get(*device).is_some_and(|leaf| !leaf.rules.has(version))
    };
    match devices.into_iter().find(lacks) {
        Some(device) => Err(Void::new(Rule::RulesVersion, device)),
        None => Ok(()),
    }
}
