//! Alarms of what the operator has to renew, as problems.

use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::endpoint::EndpointRecord;
use enlace_identity::names::Domain;
use enlace_identity::revocation::RevocationLists;
use enlace_identity::time::Timestamp;
use enlace_identity::warnings::{self, Alarm, Warning};
use enlace_transport::Trust;

use crate::config::Problem;

/// About a certificate in use and its issuing CA.
pub(crate) fn of_leaf(place: &str, leaf: &VerifiedLeaf, now: Timestamp) -> Vec<Problem> {
    warnings::of_leaf(leaf, now).iter().map(|warning| problem(place, warning)).collect()
}

/// About an endpoint record.
pub(crate) fn of_record(place: &str, record: &EndpointRecord, now: Timestamp) -> Option<Problem> {
    warnings::of_endpoint_record(record, now).map(|warning| problem(place, &warning))
}

/// About the bundle and its roots.
pub(crate) fn of_bundle(trust: &Trust) -> Vec<Problem> {
    let warnings = warnings::of_bundle(&trust.bundle(), trust.now());
    warnings.iter().map(|warning| problem("network.bundle", warning)).collect()
}

/// About the own authority's revocation lists.
pub(crate) fn of_lists(trust: &Trust, own: &Domain) -> Vec<Problem> {
    let (bundle, now) = (trust.bundle(), trust.now());
    let mut lists = RevocationLists::new();
    for list in trust.crls_of(own) {
        // It was taken in before.
        let _ = lists.insert(&list, &bundle, now);
    }
    let warnings = warnings::of_lists(&lists, now);
    warnings.iter().map(|warning| problem("network.crls", warning)).collect()
}

fn problem(place: &str, warning: &Warning) -> Problem {
    match warning.alarm {
        Alarm::Expired => Problem::error(place, warning),
        Alarm::Half | Alarm::FourFifths => Problem::warning(place, warning),
    }
}
