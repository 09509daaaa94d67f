//! Evidence inside a commit: why it may do what its author's role alone does not allow.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::bundle::Bundle;
use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::revocation::RevocationList;
use enlace_identity::suspension::{SignedSuspensions, VerifiedSuspensions};
use enlace_identity::time::Timestamp;
use enlace_log::control::Leave;
use enlace_log::{Envelope, ItemKind, OuterSignature, PayloadHash, Seq};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::act::Removal;
use super::change::Change;
use super::consents::{Consents, verify_consent};
use super::put_back;
use super::rule::{Rule, Void};
use super::stand_in::Mandates;

/// What the evidence in a commit entitles to.
#[derive(Debug, Default)]
pub(super) struct Grounds {
    /// Of those that go, who asked for it, and whose authority withdrew or suspended it.
    pub(super) removals: BTreeMap<DeviceName, Removal>,
    /// Until when those are suspended that go for it.
    pub(super) until: BTreeMap<DeviceName, Timestamp>,
    /// Of those that come, whose suspension is lifted.
    pub(super) lifted: BTreeSet<DeviceName>,
    /// The serials of the statements about suspensions.
    pub(super) serials: BTreeMap<Domain, u64>,
    /// What other authorities have agreed to.
    pub(super) consents: Consents,
    /// Who stands in.
    pub(super) mandates: Mandates,
    /// Whom a piece of evidence is about that goes, be it to come back at once.
    leaving: BTreeSet<DeviceName>,
}

/// R-EVIDENCE. Evidence that proves nothing here voids the commit, whether it is needed or not.
pub(super) fn grounds(bundle: &Bundle, change: &Change) -> Result<Grounds, Void> {
    let mut grounds = Grounds::default();
    for bytes in &change.evidence {
        match read(bytes).ok_or_else(unreadable)? {
            wire::evidence::Evidence::Leave(leave) => {
                grounds.take_removal(wish(change, &leave)?, Removal::Left)?;
            }
            wire::evidence::Evidence::Revocation(revocation) => {
                let device = withdrawal(bundle, change, &revocation)?;
                grounds.take_removal(device, Removal::Revoked)?;
            }
            wire::evidence::Evidence::Suspension(suspension) => {
                let (device, statement) = suspension_of(bundle, change, &suspension)?;
                grounds.take_statement(change, device, &statement)?;
            }
            wire::evidence::Evidence::Consent(consent) => {
                if !consent.mandate.is_empty() && consent.entry.is_none() {
                    grounds.mandates.take(bundle, change, &consent.mandate)?;
                    continue;
                }
                let entry = consent.entry.filter(|_| consent.mandate.is_empty());
                let entry = entry.ok_or_else(unreadable)?;
                let consent = verify_consent(&change.before, &entry, change.received_at)?;
                grounds.consents.take(change, consent)?;
            }
            // R-BUNDLE has judged it.
            wire::evidence::Evidence::Bundle(_) => {}
            wire::evidence::Evidence::Stranded(stranded) => {
                let request = put_back::request(change, &stranded).ok_or_else(unproven)?;
                grounds.take(&request.device)?;
            }
        }
    }
    match grounds.leaving.iter().find(|device| !change.removed.contains(*device)) {
        Some(device) => Err(Void::new(Rule::Evidence, device)),
        None => Ok(grounds),
    }
}

impl Grounds {
    fn take_removal(&mut self, device: DeviceName, because: Removal) -> Result<(), Void> {
        self.take(&device)?;
        self.removals.insert(device, because);
        Ok(())
    }

    /// Whoever goes, goes because the network's bundle no longer vouches for it.
    pub(super) fn dropped(&mut self, devices: &BTreeSet<DeviceName>) {
        self.removals.extend(devices.iter().map(|device| (device.clone(), Removal::Dropped)));
    }

    /// No two pieces of evidence are about one device.
    fn take(&mut self, device: &DeviceName) -> Result<(), Void> {
        match self.leaving.insert(device.clone()) {
            true => Ok(()),
            false => Err(Void::new(Rule::Evidence, device)),
        }
    }

    /// A statement speaks of a device that goes by naming it, of one that comes by not naming it, or
    /// by being over.
    fn take_statement(
        &mut self,
        change: &Change,
        device: DeviceName,
        statement: &VerifiedSuspensions,
    ) -> Result<(), Void> {
        let other = self.serials.insert(statement.domain.clone(), statement.serial);
        if other.is_some_and(|serial| serial != statement.serial) {
            return Err(Void::new(Rule::Evidence, device));
        }
        if statement.names(&device) && !statement.is_over(change.received_at) {
            self.until.insert(device.clone(), statement.end());
            return self.take_removal(device, Removal::Suspended);
        }
        let was_suspended = change.before.policy.suspended().contains_key(&device);
        let comes = was_suspended && change.added.contains(&device);
        if comes && self.lifted.insert(device.clone()) {
            Ok(())
        } else {
            Err(Void::new(Rule::Evidence, device))
        }
    }
}

/// A piece of evidence, in its one encoding.
pub(super) fn read(bytes: &[u8]) -> Option<wire::evidence::Evidence> {
    let evidence = wire::Evidence::decode(bytes).ok()?;
    if evidence.encode_to_vec() != bytes {
        return None;
    }
    evidence.evidence
}

fn unreadable() -> Void {
    Void::new(Rule::Evidence, "unreadable")
}

fn unproven() -> Void {
    Void::new(Rule::Evidence, "stranded")
}

/// A control item as it stood in the log.
pub(super) struct ControlItem<'a> {
    pub(super) kind: ItemKind,
    pub(super) envelope: &'a [u8],
    pub(super) outer_signature: &'a [u8],
    pub(super) payload: &'a [u8],
}

impl ControlItem<'_> {
    /// The newest commit item when it was written, void or not.
    pub(super) fn fence(&self) -> Option<Option<Seq>> {
        Envelope::decode(self.envelope).ok().map(|envelope| envelope.fence)
    }

    /// Whether a member before the commit wrote it in this channel, by the key of the leaf that it has there.
    pub(super) fn is_of(&self, change: &Change, device: &DeviceName) -> bool {
        let Some(member) = change.before.members.get(device) else { return false };
        let Ok(envelope) = Envelope::decode(self.envelope) else { return false };
        let Ok(signature) = OuterSignature::decode(envelope.kind, self.outer_signature) else {
            return false;
        };
        envelope.kind == self.kind
            && envelope.author == *device
            && (envelope.channel, envelope.generation) == change.before.place()
            && envelope.payload_hash == PayloadHash::of(self.payload)
            && signature.verify(self.envelope, &member.signature_key)
    }
}

fn wish(change: &Change, evidence: &wire::LeaveEvidence) -> Result<DeviceName, Void> {
    let leave = Leave::decode(&evidence.payload).map_err(|_| unreadable())?;
    let item = ControlItem {
        kind: ItemKind::Leave,
        envelope: &evidence.envelope,
        outer_signature: &evidence.outer_signature,
        payload: &evidence.payload,
    };
    let is_here = (leave.channel, leave.generation) == change.before.place();
    let member = change.before.members.get(&leave.device);
    let is_present = member.is_some_and(|member| member.leaf_hash == leave.leaf);
    if is_here && is_present && item.is_of(change, &leave.device) {
        Ok(leave.device)
    } else {
        Err(Void::new(Rule::Evidence, &leave.device))
    }
}

/// A list counts against the certificate that the leaf has now: a device that came back with
/// another one is not removed by it.
fn withdrawal(
    bundle: &Bundle,
    change: &Change,
    evidence: &wire::RevocationEvidence,
) -> Result<DeviceName, Void> {
    let refused = || Void::new(Rule::Evidence, &evidence.device);
    let device: DeviceName = evidence.device.parse().map_err(|_| unreadable())?;
    let list = RevocationList::from_bytes(&evidence.list).map_err(|_| unreadable())?;
    let leaf = change.before.members.get(&device).ok_or_else(refused)?;
    let verified = leaf.verify_at_some_time(bundle).map_err(|_| refused())?;
    if list.withdraws(verified.leaf()) { Ok(device) } else { Err(refused()) }
}

/// A statement counts not when a later one took effect in this channel: nobody can be suspended again
/// by an old one. One that is over has still replaced those before it.
fn suspension_of(
    bundle: &Bundle,
    change: &Change,
    evidence: &wire::SuspensionEvidence,
) -> Result<(DeviceName, VerifiedSuspensions), Void> {
    let refused = || Void::new(Rule::Evidence, &evidence.device);
    let device: DeviceName = evidence.device.parse().map_err(|_| unreadable())?;
    let signed = SignedSuspensions::decode(&evidence.statement).map_err(|_| unreadable())?;
    let statement = signed.verify_though_over(bundle, change.received_at).map_err(|_| refused())?;
    let is_newest = statement.serial >= change.before.policy.suspension_serial(&statement.domain);
    let is_own = statement.domain == *device.domain();
    if is_newest && is_own { Ok((device, statement)) } else { Err(refused()) }
}
