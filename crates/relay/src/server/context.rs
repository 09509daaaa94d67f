//! What every connection, call and link of one relay shares.

use std::sync::Arc;

use bytes::Bytes;
use enlace_identity::entropy::Entropy;
use enlace_identity::names::{Domain, ServiceName};
use enlace_transport::{Endpoint, Trust, watch};
use tracing::{debug, info, warn};

use super::allowances::Allowances;
use super::bundles::StoredBundles;
use super::crls::StoredCrls;
use super::in_flight::{InFlight, Ongoing};
use super::newcomers::Enrolments;
use super::peers::Peers;
use crate::config::Limits;
use crate::device_trust::RelayTrust;
use crate::directory::Directory;
use crate::federation::Links;
use crate::head_certificates::HeadCertificates;
use crate::hub;
use crate::proofs::Proofs;
use crate::renewals::RenewalDirectory;
use crate::storage::SideWrite;
use crate::transfers::Transfers;

/// One running relay.
#[derive(Debug)]
pub(crate) struct Context {
    pub(super) name: ServiceName,
    pub(super) endpoint: Endpoint,
    pub(super) trust: Trust,
    pub(super) device_trust: Arc<RelayTrust>,
    pub(super) hub: hub::Handle,
    pub(super) directory: Directory,
    pub(super) limits: Limits,
    pub(super) allowances: Allowances,
    pub(super) peers: Arc<Peers>,
    pub(super) head_certificates: HeadCertificates,
    pub(super) links: Links,
    pub(super) bundles: StoredBundles,
    pub(super) crls: StoredCrls,
    pub(super) renewals: Option<RenewalDirectory>,
    pub(super) enrolments: Option<Enrolments>,
    pub(super) proofs: Box<dyn Proofs>,
    pub(super) transfers: Transfers,
    pub(super) entropy: Entropy,
    pub(super) in_flight: InFlight,
    /// The boot of the machine, where that is known.
    pub(super) boot: Option<String>,
    pub(super) stopping: watch::Sender<bool>,
}

impl Context {
    /// The relay's name.
    pub(crate) fn name(&self) -> &ServiceName {
        &self.name
    }

    /// The authority's domain.
    pub(crate) fn domain(&self) -> &Domain {
        self.name.domain()
    }

    /// The socket.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Bundle, revocation lists and clock.
    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What the hub asks about devices.
    pub(crate) fn device_trust(&self) -> &RelayTrust {
        &self.device_trust
    }

    /// The logs.
    pub(crate) fn hub(&self) -> &hub::Handle {
        &self.hub
    }

    /// Where the network's relays are.
    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// What one peer may use.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What each peer may still use.
    pub(crate) fn allowances(&self) -> &Allowances {
        &self.allowances
    }

    /// Who is connected.
    pub(crate) fn peers(&self) -> &Arc<Peers> {
        &self.peers
    }

    /// Whose signatures heads carry.
    pub(crate) fn head_certificates(&self) -> &HeadCertificates {
        &self.head_certificates
    }

    /// Which versions of the network's bundle are in the store.
    pub(crate) fn bundles(&self) -> &StoredBundles {
        &self.bundles
    }

    /// Which revocation lists are in the store.
    pub(crate) fn crls(&self) -> &StoredCrls {
        &self.crls
    }

    /// Where requests for new certificates wait for the registrar, if they can.
    pub(crate) fn renewals(&self) -> Option<&RenewalDirectory> {
        self.renewals.as_ref()
    }

    /// Who is invited, if anybody can be.
    pub(crate) fn enrolments(&self) -> Option<&Enrolments> {
        self.enrolments.as_ref()
    }

    /// The histories that pass between devices.
    pub(crate) fn transfers(&self) -> &Transfers {
        &self.transfers
    }

    /// Where proofs of a hub's lies are kept.
    pub(crate) fn proofs(&self) -> &dyn Proofs {
        &*self.proofs
    }

    /// Where chance comes from.
    pub(crate) fn entropy(&self) -> &Entropy {
        &self.entropy
    }

    /// The links to other authorities.
    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    /// A call begins, which the relay finishes before it stops.
    pub(crate) fn begin_call(&self) -> Ongoing<'_> {
        self.in_flight.begin()
    }

    /// Whether the relay is being stopped.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Becomes true when the relay is being stopped.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Takes in an endpoint record that a relay handed over; it is kept if it is news.
    pub(crate) async fn take_endpoint_record(&self, record: &[u8]) {
        if record.is_empty() {
            return;
        }
        match self.directory.offer(record) {
            Ok(Some(domain)) => {
                info!(authority = %domain, "a newer endpoint record came");
                self.links.peer_is_up(&domain);
                let record = Bytes::copy_from_slice(record);
                let write = SideWrite::EndpointRecord { domain, record };
                if let Err(error) = self.hub.store(vec![write]).await {
                    warn!(%error, "an endpoint record cannot be stored");
                }
            }
            Ok(None) => {}
            Err(error) => debug!(%error, "an endpoint record is refused"),
        }
    }
}
