//! Tells the operator in time what expires, also when the relay runs for months.

use std::sync::Arc;
use std::time::Duration;

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::LeafUsage;
use enlace_identity::endpoint::SignedEndpointRecord;

use super::Context;
use crate::config::Problem;
use crate::expiry;

/// How often the log says so.
const PERIOD: Duration = Duration::from_secs(6 * 60 * 60);

/// Looks again and again; what held at the start, the start has told.
pub(super) async fn watch(context: Arc<Context>) {
    loop {
        tokio::time::sleep(PERIOD).await;
        for problem in problems(&context) {
            problem.log();
        }
    }
}

fn problems(context: &Context) -> Vec<Problem> {
    let trust = context.trust();
    let now = trust.now();
    let mut problems = expiry::of_bundle(trust);
    problems.extend(expiry::of_lists(trust, context.domain()));
    let relay = context.endpoint().identity();
    problems.extend(expiry::of_leaf("relay.certificate", relay.leaf(), now));
    let head = UnverifiedChain::from_ders(context.hub().head_key().certificates());
    let head = head.map_err(|error| error.to_string()).and_then(|chain| {
        trust.verify_chain(&chain, &[LeafUsage::Head]).map_err(|error| error.to_string())
    });
    match head {
        Ok(leaf) => problems.extend(expiry::of_leaf("head.certificate", &leaf, now)),
        Err(error) => problems.push(Problem::error("head.certificate", error)),
    }
    let own = SignedEndpointRecord::decode(&context.directory().own())
        .map(|signed| signed.verify(&trust.bundle(), now).map_err(|error| error.to_string()));
    match own {
        Ok(Ok(record)) => {
            problems.extend(expiry::of_record("network.endpoint_record", record.record(), now));
        }
        Ok(Err(error)) => problems.push(Problem::error("network.endpoint_record", error)),
        Err(_) => {
            let message = "others do not learn where this relay is";
            problems.push(Problem::warning("network.endpoint_record", message));
        }
    }
    problems
}
