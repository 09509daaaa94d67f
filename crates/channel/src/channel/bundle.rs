//! Which version of the network's bundle the channel goes by, and following it to a later one.

use enlace_identity::bundle::Bundle;
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::{Channel, ChannelError, Context, Event};
use crate::policy::{Policy, PolicyError, Role, former_domains};
use crate::rules::{self, MAX_VERSIONS, State};

/// A later version of the network's bundle than the one that a channel goes by.
pub(super) struct Later<'b> {
    pub(super) bundle: &'b Bundle,
    /// The versions that lead there, signed.
    pub(super) signed: Vec<Vec<u8>>,
    /// The devices that it doesn't vouch for.
    pub(super) gone: Vec<DeviceName>,
}

impl Channel {
    /// Whether the channel goes by an older version of the network's bundle than the newest one known,
    /// and this device may take it there.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_behind_bundle(&self, ctx: &Context<'_>) -> Result<bool, ChannelError> {
        Ok(self.later_bundle(ctx)?.is_some_and(|later| !later.gone.contains(&ctx.device.name)))
    }

    /// The newest version known, with those before it.
    pub(super) fn newest_bundle<'a>(&'a self, ctx: &Context<'a>) -> &'a Bundle {
        match &self.learned {
            Some(learned) if ctx.bundle.known(&learned.hash()).is_none() => learned,
            _ => ctx.bundle,
        }
    }

    /// The version that the channel goes by.
    pub(super) fn present_bundle<'a>(
        &'a self,
        ctx: &Context<'a>,
    ) -> Result<&'a Bundle, ChannelError> {
        let hash = self.policy.bundle_hash();
        self.newest_bundle(ctx).known(&hash).ok_or(ChannelError::BundleMissing(hash))
    }

    /// What a welcome brings along: the signed bundle, unless it is a first version.
    pub(super) fn bundle_for_joiners(&self, ctx: &Context<'_>) -> Result<Vec<u8>, ChannelError> {
        let bundle = self.present_bundle(ctx)?;
        let is_first = bundle.version() == 1;
        Ok(if is_first { Vec::new() } else { bundle.signed().to_vec() })
    }

    /// The newest version that one commit leads to, if it isn't the channel's and lists its hub.
    pub(super) fn later_bundle<'a>(
        &'a self,
        ctx: &Context<'a>,
    ) -> Result<Option<Later<'a>>, ChannelError> {
        let (present, newest) = (self.present_bundle(ctx)?, self.newest_bundle(ctx));
        let hub = self.hub();
        if present.version() == newest.version() || newest.authority_of(&hub).is_none() {
            return Ok(None);
        }
        let later = newest.all_known().take_while(|bundle| bundle.version() > present.version());
        let mut later: Vec<&Bundle> = later.collect();
        later.reverse();
        later.truncate(MAX_VERSIONS);
        let signed = later.iter().map(|bundle| bundle.signed().to_vec()).collect();
        let Some(bundle) = later.pop() else { return Ok(None) };
        let Ok(state) = State::of_view(&self.view()?) else { return Ok(None) };
        let gone = state.members.iter().filter(|(device, leaf)| {
            let verified = leaf.verify_at_some_time(bundle);
            !verified.is_ok_and(|verified| verified.name() == *device)
        });
        let gone = gone.map(|(device, _)| device.clone()).collect();
        Ok(Some(Later { bundle, signed, gone }))
    }

    /// The policy under a later version. An owner who goes is succeeded.
    pub(super) fn policy_under(&self, later: &Later<'_>) -> Result<Policy, PolicyError> {
        let devices = self.devices();
        let stays = |officer: &OfficerAddress| {
            devices.iter().any(|device| device.officer() == officer && !later.gone.contains(device))
        };
        let edit = self.policy.edit()?.bundle_hash(later.bundle.hash());
        let mut edit = edit.former_domains(former_domains(later.bundle));
        for (officer, role) in self.policy.roles() {
            if stays(officer) {
                continue;
            }
            edit = edit.without(officer);
            let heir = self.policy.successors(officer).find(|heir| stays(heir));
            if *role == Role::Owner
                && let Some(heir) = heir
            {
                edit = edit.role(heir, Role::Owner);
            }
        }
        edit.finish()
    }

    /// Keeps the bundles that a commit brought along for the items after it, and for the caller.
    pub(super) fn learn_bundles(
        &mut self,
        ctx: &Context<'_>,
        evidence: &[Vec<u8>],
    ) -> Option<Event> {
        let signed = evidence.iter().find_map(|bytes| rules::signed_bundles(bytes))?;
        let mut newest = self.newest_bundle(ctx).clone();
        for version in &signed {
            if let Ok(Some(with)) = newest.with(version) {
                newest = with;
            }
        }
        self.learned = Some(newest);
        Some(Event::Bundles(signed))
    }
}

/// The evidence for a later version.
pub(super) fn bundle_evidence(signed: Vec<Vec<u8>>) -> Vec<u8> {
    let bundle = wire::BundleEvidence { bundles: signed };
    wire::Evidence { evidence: Some(wire::evidence::Evidence::Bundle(bundle)) }.encode_to_vec()
}
