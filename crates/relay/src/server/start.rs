//! From parts and material to a relay that serves.

use std::sync::Arc;

use bytes::Bytes;
use enlace_identity::names::{Domain, ServiceName};
use enlace_transport::{Trust, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::allowances::Allowances;
use super::bundles::StoredBundles;
use super::crls::StoredCrls;
use super::in_flight::InFlight;
use super::newcomers::Enrolments;
use super::peers::Peers;
use super::{
    Context, Parts, Server, StartError, accept, bundles, crls, expiring, newcomers, seen, trusted,
};
use crate::config::{Limits, Material};
use crate::crl_directory::CrlDirectory;
use crate::device_trust::RelayTrust;
use crate::directory::Directory;
use crate::enrolments::EnrolmentDirectory;
use crate::federation::{self, Links};
use crate::head_certificates::HeadCertificates;
use crate::hub::{HubOptions, Sequencer};
use crate::renewals::RenewalDirectory;
use crate::transfers::Transfers;

/// What the store brings from the last run.
type Stored = (Vec<(Domain, Vec<Vec<u8>>)>, Vec<(Domain, Bytes)>, Vec<(u64, Bytes)>);

pub(super) async fn start(
    name: ServiceName,
    limits: Limits,
    material: Material,
    parts: Parts,
) -> Result<Server, StartError> {
    let Material { trust, head, endpoint_record, endpoint_records, .. } = material;
    let Parts {
        endpoint,
        storage,
        entropy,
        proofs,
        crls: crl_directory,
        bundles: bundle_directory,
        renewals,
        enrolments,
        boot,
        is_inline,
    } = parts;
    let device_trust = Arc::new(RelayTrust::new(trust.clone()));
    let clock = trust.clone();
    let now = Arc::new(move || clock.now());
    let options = HubOptions::new(name.clone(), head, device_trust.clone(), now);
    let options = HubOptions { boot: boot.clone(), ..options };
    let mut sequencing = JoinSet::new();
    let sequencer = if is_inline {
        let (sequencer, work) = Sequencer::inline(storage, options)?;
        sequencing.spawn(work);
        sequencer
    } else {
        Sequencer::spawn(storage, options)?
    };
    let hub = sequencer.handle();

    let read = |storage: &mut dyn crate::storage::ReadStorage| {
        Ok((storage.crls()?, storage.endpoint_records()?, storage.bundles()?))
    };
    let (stored_crls, stored_records, stored_bundles): Stored = hub.query(read).await?;
    bundles::restore(&trust, &stored_bundles);
    restore_crls(&trust, &stored_crls);
    let directory = Directory::new(trust.clone(), name.domain().clone());
    let configured = endpoint_records.into_iter().chain([endpoint_record]);
    offer(&directory, stored_records.into_iter().map(|(_, record)| record.to_vec()));
    offer(&directory, configured.filter(|record| !record.is_empty()));

    let bundle_now = trust.bundle();
    let local_addr = endpoint.local_address().map_err(StartError::Address)?;
    let context = Arc::new(Context {
        name,
        endpoint,
        trust: trust.clone(),
        device_trust,
        head_certificates: HeadCertificates::new(trust, hub.clone()),
        hub,
        directory,
        allowances: Allowances::new(&limits),
        peers: Arc::new(Peers::new(&limits)),
        limits,
        links: Links::default(),
        bundles: StoredBundles::new(&stored_bundles),
        crls: StoredCrls::new(&stored_crls),
        renewals: renewals.map(|path| RenewalDirectory::new(path, is_inline)),
        enrolments: enrolments.map(EnrolmentDirectory::new).map(Enrolments::new),
        proofs,
        transfers: Transfers::default(),
        entropy,
        in_flight: InFlight::default(),
        boot,
        stopping: watch::Sender::new(false),
    });

    let (reload, reloads) = watch::channel(());
    let mut tasks = JoinSet::new();
    tasks.spawn(trusted::keep(context.clone()));
    if let Some(path) = bundle_directory {
        tasks.spawn(bundles::poll(context.clone(), path));
    }
    if let Some(path) = crl_directory {
        tasks.spawn(crls::poll(context.clone(), CrlDirectory::new(path), reloads));
    }
    tasks.spawn(expiring::watch(context.clone()));
    tasks.spawn(newcomers::watch(context.clone()));
    tasks.spawn(seen::keep(context.clone()));
    let tidied = context.clone();
    tasks.spawn(async move { tidied.transfers().tidy().await });
    tasks.spawn(federation::watch_outbound(context.clone()));
    tasks.spawn(federation::watch_heads(context.clone()));
    tasks.spawn(federation::moving::watch(context.clone()));
    tasks.spawn(federation::keep_links(context.clone(), federation::Tasks::begin(&context)));
    let mut accepting = JoinSet::new();
    accepting.spawn(accept::accept(context.clone()));
    info!(relay = %context.name(), network = bundle_now.network(), "started");
    let sequencer = Some(sequencer);
    Ok(Server { context, tasks, accepting, sequencer, sequencing, reload, local_addr })
}

/// What was known before the relay stopped still counts, lest an older list bring a revoked
/// device back.
fn restore_crls(trust: &Trust, stored: &[(Domain, Vec<Vec<u8>>)]) {
    for list in stored.iter().flat_map(|(_, lists)| lists) {
        match trust.insert_crl(list) {
            Ok(_) => {}
            Err(error) if error.is_older() => {}
            Err(error) => warn!(%error, "a stored revocation list no longer counts"),
        }
    }
}

fn offer(directory: &Directory, records: impl Iterator<Item = Vec<u8>>) {
    for record in records {
        if let Err(error) = directory.offer(&record) {
            warn!(%error, "an endpoint record is passed over");
        }
    }
}
