//! Asking for a lease: for what, and how it is proven.

use enlace_channel::channel::{Channel, ChannelError};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::LeafUsage;
use enlace_identity::names::{DeviceName, LeafName};
use enlace_identity::revocation::RevocationStatusError;
use enlace_proto::relay::v1::{ChannelId as WireId, LeasePurpose, LeaseRequest};
use enlace_transport::{Trust, Untrusted};

use crate::task::Task;

/// The request for a lease that a task needs.
pub(super) fn request(
    task: &Task,
    purpose: LeasePurpose,
    channel: &Channel,
    trust: &Trust,
) -> Result<LeaseRequest, ChannelError> {
    let request = LeaseRequest {
        channel: Some(WireId { value: channel.id().0.to_vec() }),
        purpose: purpose.into(),
        ..LeaseRequest::default()
    };
    let is_removed = |device: &DeviceName| match task {
        Task::Remove { officer } => device.officer() == officer,
        Task::CarryOutLeave { device: goes }
        | Task::RemoveRevoked { device: goes }
        | Task::RemoveSuspended { device: goes }
        | Task::RemoveDevice { device: goes } => device == goes,
        _ => false,
    };
    if purpose != LeasePurpose::Removal {
        return Ok(request);
    }
    let members = channel.view()?.members.into_iter();
    let mut removed = members.filter_map(|member| match member.chain.unverified_name() {
        Ok(LeafName::Device(device)) if is_removed(&device) => Some((device, member.chain)),
        _ => None,
    });
    Ok(match removed.find(|(_, chain)| is_revoked(chain, trust)) {
        Some((device, chain)) => LeaseRequest {
            purpose: LeasePurpose::Revocation.into(),
            revoked: device.to_string(),
            certificates: chain.ders(),
            ..request
        },
        None => request,
    })
}

fn is_revoked(chain: &UnverifiedChain, trust: &Trust) -> bool {
    let Ok(leaf) = trust.verify_chain(chain, &[LeafUsage::Device]) else { return false };
    matches!(
        trust.check_revocation(&leaf),
        Err(Untrusted::Suspended(_)
            | Untrusted::Revocation(
                RevocationStatusError::Revoked(_) | RevocationStatusError::IssuingRevoked(_)
            ))
    )
}
