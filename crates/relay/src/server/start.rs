//! From settings and material to a relay that serves.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use enlace_identity::names::Domain;
use enlace_identity::revocation::CrlError;
use enlace_transport::{Endpoint, Trust};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::allowances::Allowances;
use super::crls::StoredCrls;
use super::in_flight::InFlight;
use super::peers::Peers;
use super::{Context, Server, StartError, accept, crls, expiring};
use crate::config::{Material, Settings};
use crate::crl_directory::CrlDirectory;
use crate::device_trust::RelayTrust;
use crate::directory::Directory;
use crate::federation::{self, Links};
use crate::head_certificates::HeadCertificates;
use crate::hub::{HeadKey, HubOptions, Sequencer};
use crate::storage::{SqliteOptions, SqliteStorage};

/// The store's file names start with the data directory; proofs of lies are kept beside it.
const ALARMS: &str = "alarms";

/// What the store brings from the last run.
type Stored = (Vec<(Domain, Vec<Vec<u8>>)>, Vec<(Domain, Bytes)>);

pub(super) async fn start(settings: Settings, material: Material) -> Result<Server, StartError> {
    let Settings { name, listen, data_dir, network, limits, .. } = settings;
    let Material { trust, identity, head, bundle, endpoint_record, endpoint_records } = material;
    make_directory(&data_dir)?;
    let device_trust = Arc::new(RelayTrust::new(trust.clone()));
    let sequencer = open(&data_dir, name.domain(), head, &device_trust, &trust)?;
    let hub = sequencer.handle();

    let read = |storage: &mut dyn crate::storage::ReadStorage| {
        Ok((storage.crls()?, storage.endpoint_records()?))
    };
    let (stored_crls, stored_records): Stored = hub.query(read).await?;
    restore_crls(&trust, &stored_crls);
    let directory = Directory::new(trust.clone(), name.domain().clone());
    let configured = endpoint_records.into_iter().chain([endpoint_record]);
    offer(&directory, stored_records.into_iter().map(|(_, record)| record.to_vec()));
    offer(&directory, configured.filter(|record| !record.is_empty()));

    let bundle_now = trust.bundle();
    let others = bundle_now.authorities().iter().map(|authority| authority.domain().clone());
    let links = Links::new(others.filter(|domain| domain != name.domain()));
    let endpoint = Endpoint::bind(listen, identity, trust.clone())?;
    let local_addr = endpoint.local_address().map_err(StartError::Address)?;
    let context = Arc::new(Context {
        name,
        endpoint,
        trust: trust.clone(),
        device_trust,
        head_certificates: HeadCertificates::new(trust, hub.clone()),
        hub,
        bundle,
        directory,
        allowances: Allowances::new(&limits),
        peers: Arc::new(Peers::new(&limits)),
        limits,
        links,
        crls: StoredCrls::new(&stored_crls),
        alarms: data_dir.join(ALARMS),
        in_flight: InFlight::default(),
        stopping: watch::Sender::new(false),
    });

    let (reload, reloads) = watch::channel(());
    let mut tasks = JoinSet::new();
    tasks.spawn(crls::keep(context.clone()));
    tasks.spawn(crls::poll(context.clone(), CrlDirectory::new(network.crls), reloads));
    tasks.spawn(expiring::watch(context.clone()));
    tasks.spawn(federation::watch_outbound(context.clone()));
    for authority in context.links().authorities() {
        tasks.spawn(federation::keep(context.clone(), authority.clone()));
        tasks.spawn(federation::keep_forwarding(context.clone(), authority.clone()));
    }
    let mut accepting = JoinSet::new();
    accepting.spawn(accept::accept(context.clone()));
    info!(relay = %context.name(), network = bundle_now.network(), "started");
    Ok(Server { context, tasks, accepting, sequencer: Some(sequencer), reload, local_addr })
}

/// For the relay alone: what lies there says who is in touch with whom.
fn make_directory(path: &Path) -> Result<(), StartError> {
    let failed = |source| StartError::Directory { path: path.display().to_string(), source };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(failed)
}

fn open(
    data_dir: &Path,
    domain: &Domain,
    head: HeadKey,
    device_trust: &Arc<RelayTrust>,
    trust: &Trust,
) -> Result<Sequencer, StartError> {
    let storage = SqliteStorage::open(&SqliteOptions::new(data_dir))?;
    let clock = trust.clone();
    let now = Arc::new(move || clock.now());
    let options = HubOptions::new(domain.clone(), head, device_trust.clone(), now);
    Ok(Sequencer::spawn(Box::new(storage), options)?)
}

/// What was known before the relay stopped still counts, lest an older list bring a revoked
/// device back.
fn restore_crls(trust: &Trust, stored: &[(Domain, Vec<Vec<u8>>)]) {
    for list in stored.iter().flat_map(|(_, lists)| lists) {
        match trust.insert_crl(list) {
            Ok(_) | Err(CrlError::Older { .. }) => {}
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
