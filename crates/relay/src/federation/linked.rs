//! Which authorities are linked: those that the network's bundle lists, as it changes. One that
//! changes its domain has a relay of each for as long as the former one holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use enlace_identity::bundle::{Authority, Bundle, FormerDomain};
use enlace_identity::names::Domain;
use enlace_identity::time::Timestamp;
use tokio::task::{AbortHandle, JoinSet};
use tracing::info;

use super::link::Link;
use super::{forward, session, witness};
use crate::server::Context;

/// The tasks that keep the links. Dropping it ends them.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    running: JoinSet<()>,
    of: BTreeMap<Domain, Vec<AbortHandle>>,
}

/// Links whoever enters the network and unlinks whoever leaves it, for as long as the relay runs.
pub(crate) async fn keep(context: Arc<Context>, mut tasks: Tasks) {
    let mut changes = context.trust().changes();
    loop {
        changes.mark_unchanged();
        tasks.follow_bundle(&context);
        if changes.changed().await.is_err() {
            return;
        }
    }
}

impl Tasks {
    /// Links everybody whom the present bundle lists.
    pub(crate) fn begin(context: &Arc<Context>) -> Self {
        let mut tasks = Self::default();
        tasks.follow_bundle(context);
        tasks
    }

    fn follow_bundle(&mut self, context: &Arc<Context>) {
        let bundle = context.trust().bundle();
        let linked = linked_by(&bundle, context.trust().now());
        let gone: Vec<Domain> =
            self.of.keys().filter(|domain| !linked.contains(domain)).cloned().collect();
        for authority in gone {
            info!(%authority, "an authority has left the network");
            self.of.remove(&authority).into_iter().flatten().for_each(|task| task.abort());
            write(context, |links| drop(links.remove(&authority)));
        }
        for authority in linked {
            if authority != context.domain() && !self.of.contains_key(authority) {
                write(context, |links| {
                    links.insert(authority.clone(), Arc::new(Link::new()));
                });
                self.begin_link(context, authority);
            }
        }
        while self.running.try_join_next().is_some() {}
    }

    fn begin_link(&mut self, context: &Arc<Context>, authority: &Domain) {
        let of = || (context.clone(), authority.clone());
        let ((a, of_a), (b, of_b), (c, of_c)) = (of(), of(), of());
        let tasks = vec![
            self.running.spawn(session::keep(a, of_a)),
            self.running.spawn(forward::keep(b, of_b)),
            self.running.spawn(witness::keep(c, of_c)),
        ];
        self.of.insert(authority.clone(), tasks);
    }
}

/// The domains whose relays may be there.
fn linked_by(bundle: &Bundle, now: Timestamp) -> BTreeSet<&Domain> {
    let former = bundle.former_domains().iter().filter(|former| now < former.until());
    let present = bundle.authorities().iter().map(Authority::domain);
    present.chain(former.map(FormerDomain::domain)).collect()
}

fn write(context: &Context, change: impl FnOnce(&mut BTreeMap<Domain, Arc<Link>>)) {
    change(&mut context.links().links.write().unwrap_or_else(PoisonError::into_inner));
}
