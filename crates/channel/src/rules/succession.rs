//! Which successions count: the next group of a channel, beside the one before (PROTOCOL.md §5.9).

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::bundle::Bundle;
use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::{DeviceList, ListHash, Seq, Succession};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::JudgeError;
use super::act::Act;
use super::consents::{suffices, verify_consent};
use super::rule::{Rule, Void};
use super::state::State;
use super::{version, welcome};
use crate::consent::Subject;
use crate::credential::VerifiedDevice;
use crate::mls::{GroupView, Suite};
use crate::policy::{Expulsion, Founding, FoundingReason, Policy, Role};

/// All that the validity of a succession depends on.
#[derive(Clone, Debug)]
pub struct Successor {
    /// Who founded the group: the device that the envelope names, and that signed the welcome.
    pub founder: DeviceName,
    /// The present group.
    pub before: State,
    /// Its suite.
    pub suite_before: Suite,
    /// The newest commit that counts in it.
    pub last_valid: Option<Seq>,
    /// The group that was founded.
    pub after: State,
    /// Its suite.
    pub suite_after: Suite,
    /// The newest commit that the founder held valid, as the envelope names it.
    pub predecessor: Option<Seq>,
    /// The hash of the device list in the envelope.
    pub list_hash: ListHash,
    /// Whose relay orders the log at its position.
    pub hub: Domain,
    /// The hub's clock there.
    pub received_at: Timestamp,
}

/// Decides on a succession, and says what it does.
///
/// # Errors
/// [`JudgeError`].
pub fn judge_succession(bundle: &Bundle, successor: &Successor) -> Result<Vec<Act>, JudgeError> {
    let expected = successor.before.policy.bundle_hash();
    let bundle = bundle.known(&expected).ok_or(JudgeError::BundleMissing(expected))?;
    successor.check_list()?;
    let founding = successor.check_policy()?;
    successor.check_place(&founding)?;
    successor.check_founder(&founding)?;
    successor.check_suite(&founding)?;
    successor.check_expulsion(&founding)?;
    successor.check_members(bundle, &founding)?;
    let expelled = founding.expulsion.map(|expulsion| Act::Expelled(expulsion.authority));
    Ok([Act::Founded(founding.reason)].into_iter().chain(expelled).collect())
}

/// S-FOUNDER, as far as it goes before anybody knows what is founded: for no reason does anybody
/// found a group who is neither owner nor lead.
///
/// # Errors
/// [`Rule::Founder`].
pub fn judge_founder(
    before: &Policy,
    founder: &DeviceName,
    received_at: Timestamp,
) -> Result<(), Void> {
    let role = before.role_at(founder.officer(), received_at);
    let may = role.is_some_and(Role::is_lead);
    if may { Ok(()) } else { Err(Void::new(Rule::Founder, founder)) }
}

/// S-LEAVES: the founder's word on the suite and on each device's leaf, by which whoever could not
/// open the welcome asks to be put back.
///
/// # Errors
/// [`Rule::FoundingLeaves`]; [`Rule::PolicyForm`], [`Rule::DeviceUnique`].
pub fn judge_told(view: &GroupView, told: &Succession) -> Result<(), Void> {
    let members = State::of_view(view)?.members;
    if told.suite != view.suite.code() {
        return Err(Void::new(Rule::FoundingLeaves, told.suite));
    }
    let leaves: BTreeMap<_, _> =
        members.into_iter().map(|(device, leaf)| (device, leaf.leaf_hash)).collect();
    let is_false = |(device, leaf): &(&DeviceName, _)| told.leaves.get(*device) != Some(*leaf);
    let surplus = told.leaves.keys().find(|device| !leaves.contains_key(*device));
    match leaves.iter().find(is_false).map(|(device, _)| device).or(surplus) {
        None => Ok(()),
        Some(device) => Err(Void::new(Rule::FoundingLeaves, device)),
    }
}

/// What its founder has signed of who is in the next group says to whoever cannot open it: S-LEAVES and
/// S-MEMBERS as far as they go then. What passes may count for the others.
///
/// # Errors
/// The rule that it breaks, whatever the group holds.
pub fn judge_unopened(
    before: &Policy,
    devices: &DeviceList,
    founder: &DeviceName,
    told: &Succession,
    list_hash: ListHash,
    received_at: Timestamp,
) -> Result<(), Void> {
    let after =
        listed(told, list_hash).ok_or_else(|| Void::new(Rule::FoundingLeaves, list_hash))?;
    if let Some(device) = after.iter().find(|device| !devices.contains(device)) {
        return Err(Void::new(Rule::FoundingMembers, device));
    }
    let Some(gone) = devices.iter().find(|device| !after.contains(device)) else { return Ok(()) };
    let authority = before.present(gone.domain());
    let goes = |device: &DeviceName| before.are_one(device.domain(), authority);
    if after.iter().any(goes) {
        return Err(Void::new(Rule::FoundingMembers, gone));
    }
    if let Some(device) = devices.iter().find(|device| !goes(device) && !after.contains(device)) {
        return Err(Void::new(Rule::FoundingMembers, device));
    }
    let role = before.role_at(founder.officer(), received_at);
    if !may_found(before, role, FoundingReason::Expulsion) {
        return Err(Void::new(Rule::Founder, founder));
    }
    let subject = Subject::Expulsion(authority.clone());
    match suffices(before, &subject, &before.authorities(), received_at) {
        true => Ok(()),
        false => Err(Void::new(Rule::FoundingExpulsion, authority)),
    }
}

/// The devices of the next group, if its founder tells of the list that it has signed.
pub(crate) fn listed(told: &Succession, list_hash: ListHash) -> Option<DeviceList> {
    let list: DeviceList = told.leaves.keys().cloned().collect();
    (list.hash() == list_hash).then_some(list)
}

impl Successor {
    /// R-LIST.
    fn check_list(&self) -> Result<(), Void> {
        let fits = self.after.devices().hash() == self.list_hash;
        if fits { Ok(()) } else { Err(Void::new(Rule::List, self.list_hash)) }
    }

    /// S-POLICY: the policy before, one generation on, at the present hub, and byte for byte what this program would
    /// have written.
    fn check_policy(&self) -> Result<Founding, Void> {
        let refused = || Void::new(Rule::FoundingPolicy, self.after.policy.generation());
        let founding = self.after.policy.founding().ok_or_else(refused)?;
        let present = self.before.policy.at_hub(&self.hub).map_err(|_| refused())?;
        let expected = present.succeed(founding.clone()).map_err(|_| refused())?;
        if expected == self.after.policy { Ok(founding.clone()) } else { Err(refused()) }
    }

    /// S-PLACE: the group takes the place of the present one; of a poisoned channel, also of one
    /// that some had moved on from, for those would else be left alone.
    fn check_place(&self, founding: &Founding) -> Result<(), Void> {
        let named = Some(founding.predecessor);
        let fits = match founding.reason {
            FoundingReason::Renewal | FoundingReason::Expulsion => named == self.last_valid,
            FoundingReason::Poisoned => named <= self.last_valid,
        };
        if fits && named == self.predecessor {
            Ok(())
        } else {
            Err(Void::new(Rule::FoundingPlace, founding.predecessor))
        }
    }

    /// S-FOUNDER: the owner; where there is none, or the channel is poisoned, also a lead.
    fn check_founder(&self, founding: &Founding) -> Result<(), Void> {
        let policy = &self.before.policy;
        let role = policy.role_at(self.founder.officer(), self.received_at);
        let entitled = self.before.members.contains_key(&self.founder)
            && may_found(policy, role, founding.reason);
        if entitled { Ok(()) } else { Err(Void::new(Rule::Founder, &self.founder)) }
    }

    /// J-SUITE, S-SUITE.
    fn check_suite(&self, founding: &Founding) -> Result<(), Void> {
        welcome::check_suite(&self.after, self.suite_after)?;
        let same = self.suite_before == self.suite_after;
        if same || founding.reason == FoundingReason::Renewal {
            Ok(())
        } else {
            Err(Void::new(Rule::FoundingSuite, self.suite_after.code()))
        }
    }

    /// S-EXPULSION: each consent counts, is to this, and of another authority.
    fn check_expulsion(&self, founding: &Founding) -> Result<(), Void> {
        let Some(Expulsion { authority, consents }) = &founding.expulsion else { return Ok(()) };
        let refused = || Void::new(Rule::FoundingExpulsion, authority);
        let subject = Subject::Expulsion(authority.clone());
        let mut agree = BTreeSet::new();
        for consent in consents {
            let entry = wire::Entry::decode(&consent[..]).map_err(|_| refused())?;
            if entry.encode_to_vec() != *consent {
                return Err(refused());
            }
            let consent = verify_consent(&self.before, &entry, self.received_at)?;
            if consent.subject != subject
                || !agree.insert(self.before.policy.present(consent.by.domain()).clone())
            {
                return Err(refused());
            }
        }
        let agree = agree.iter().collect();
        let enough = suffices(&self.before.policy, &subject, &agree, self.received_at);
        if enough { Ok(()) } else { Err(refused()) }
    }

    /// S-MEMBERS, R-RULES-VERSION, R-CERTIFICATE: the same devices with the same keys, but for those of whom is
    /// expelled. A certificate that was there before is not verified again: its expiry voids nothing.
    fn check_members(&self, bundle: &Bundle, founding: &Founding) -> Result<(), Void> {
        let (before, after) = (&self.before.members, &self.after.members);
        let expelled = founding.expulsion.as_ref().map(|expulsion| &expulsion.authority);
        let policy = &self.before.policy;
        let stays = |device: &&DeviceName| {
            !expelled.is_some_and(|expelled| policy.are_one(device.domain(), expelled))
        };
        let mut staying = before.keys().filter(stays);
        let lost = staying.find(|device| !after.contains_key(*device));
        let come = after.keys().find(|d| !before.contains_key(*d) || !stays(d));
        if let Some(device) = lost.or(come) {
            return Err(Void::new(Rule::FoundingMembers, device));
        }
        version::check_all_state(&self.after)?;
        for (device, leaf) in after {
            let former = before.get(device).filter(|f| f.signature_key == leaf.signature_key);
            let former = former.ok_or_else(|| Void::new(Rule::FoundingMembers, device))?;
            if !leaf.has_other_certificate(former) {
                continue;
            }
            let key = &leaf.signature_key;
            match VerifiedDevice::verify(&leaf.chain, key, bundle, self.received_at) {
                Ok(verified) if verified.name() == device => {}
                Ok(verified) => return Err(Void::new(Rule::Certificate, verified.name())),
                Err(error) => return Err(Void::new(Rule::Certificate, error)),
            }
        }
        Ok(())
    }
}

/// Whether an officer of this role may found the next group.
pub(crate) fn may_found(policy: &Policy, role: Option<Role>, reason: FoundingReason) -> bool {
    match role {
        Some(Role::Owner) => true,
        Some(Role::Lead) => match reason {
            FoundingReason::Poisoned => true,
            FoundingReason::Renewal => policy.owners().next().is_none(),
            FoundingReason::Expulsion => false,
        },
        _ => false,
    }
}
