//! Evidence as it stands in commits.

use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use crate::channel::state::ControlEvidence;
use crate::entry::SignedEntry;

pub(super) fn mandate_evidence(mandate: &[u8]) -> Vec<u8> {
    let consent = wire::ConsentEvidence { entry: None, mandate: mandate.to_vec() };
    wire::Evidence { evidence: Some(wire::evidence::Evidence::Consent(consent)) }.encode_to_vec()
}

pub(super) fn consent_evidence(entry: &SignedEntry) -> Vec<u8> {
    let consent = wire::ConsentEvidence { entry: Some(entry.to_wire()), mandate: Vec::new() };
    encode(wire::evidence::Evidence::Consent(consent))
}

impl ControlEvidence {
    pub(super) fn encode_leave(&self) -> Vec<u8> {
        let Self { envelope, outer_signature, payload } = self.clone();
        let leave = wire::LeaveEvidence { envelope, outer_signature, payload };
        encode(wire::evidence::Evidence::Leave(leave))
    }

    pub(super) fn encode_stranded(&self) -> Vec<u8> {
        let Self { envelope, outer_signature, payload } = self.clone();
        let stranded = wire::StrandedEvidence { envelope, outer_signature, payload };
        encode(wire::evidence::Evidence::Stranded(stranded))
    }
}

pub(super) fn encode(evidence: wire::evidence::Evidence) -> Vec<u8> {
    wire::Evidence { evidence: Some(evidence) }.encode_to_vec()
}
