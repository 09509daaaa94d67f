//! Alarms of what the operator has to renew, as problems.

use std::path::Path;

use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::endpoint::EndpointRecord;
use enlace_identity::time::Timestamp;
use enlace_identity::warnings::{self, Alarm, Warning};
use enlace_transport::Trust;

use crate::config::problem::Problem;

/// About a certificate in use and its issuing CA.
pub(super) fn of_leaf(path: &Path, leaf: &VerifiedLeaf, now: Timestamp) -> Vec<Problem> {
    warnings::of_leaf(leaf, now).iter().map(|warning| problem(&place(path), warning)).collect()
}

/// About an endpoint record.
pub(super) fn of_record(path: &Path, record: &EndpointRecord, now: Timestamp) -> Option<Problem> {
    warnings::of_endpoint_record(record, now).map(|warning| problem(&place(path), &warning))
}

/// About the bundle and its roots.
pub(super) fn of_bundle(trust: &Trust) -> Vec<Problem> {
    let warnings = warnings::of_bundle(&trust.bundle(), trust.now());
    warnings.iter().map(|warning| problem("network.bundle", warning)).collect()
}

fn problem(place: &str, warning: &Warning) -> Problem {
    match warning.alarm {
        Alarm::Expired => Problem::error(place, warning),
        Alarm::Half | Alarm::FourFifths => Problem::warning(place, warning),
    }
}

fn place(path: &Path) -> String {
    path.display().to_string()
}
