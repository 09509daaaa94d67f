//! A look at everything that can keep this device from working.

use enlace_channel::mls::Suite;
use enlace_identity::bundle::LeafUsage;
use enlace_identity::names::Domain;
use enlace_identity::revocation::RevocationLists;
use enlace_identity::warnings;

use super::Client;
use super::findings::Finding;
use crate::engine::{Engine, EngineError};
use crate::store::ChannelStanding;
use crate::sync::{Dialler, SyncError};

/// By how much two clocks may differ unnoticed.
const CLOCK_TOLERANCE_MS: i64 = 30_000;

impl Client {
    /// Looks at certificates, lists, channels, outbox and the way to the home relay. Nothing is
    /// sent but a hello.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn doctor(&self) -> Result<Vec<Finding>, EngineError> {
        // First the relay: it brings the newest lists.
        let connection = self.examine_connection().await?;
        let mut findings =
            self.with_engine(|engine| engine.examine(&self.inner.endpoint_record))?;
        findings.extend(connection);
        Ok(findings)
    }

    async fn examine_connection(&self) -> Result<Vec<Finding>, EngineError> {
        let mut findings = Vec::new();
        let connected = match Dialler::new(self.shared(), &self.inner.endpoint_record) {
            Ok(dialler) => {
                let connected = dialler.connect(self.shared()).await.map(|_| ());
                dialler.close().await;
                connected
            }
            Err(error) => Err(error),
        };
        match connected {
            Ok(()) => findings.push(Finding::good("relay", "the relay answers")),
            Err(SyncError::Connect(error)) => findings.push(Finding::of_connect(&error)),
            Err(SyncError::Engine(error)) => return Err(error),
            Err(error) => findings.push(Finding::problem(
                "connection",
                error.to_string(),
                "ask your authority's IT",
            )),
        }
        let offset = self.status().clock_offset_ms.filter(|ms| ms.abs() > CLOCK_TOLERANCE_MS);
        if let Some(offset) = offset {
            findings.push(Finding::warning(
                "clock",
                format!("this machine's clock and the relay's differ by {} s", offset.abs() / 1000),
                "set this machine's clock, and let it keep time",
            ));
        }
        if let Some((relay, store)) = self.with_engine(Engine::snapshot)? {
            findings.push(Finding::problem(
                "snapshot-restored",
                format!(
                    "this device was restored from a copy: the relay has seen {relay} messages of \
                     it, its store knows of {store}"
                ),
                "if you restored it, run `enlace device resume`; if not, somebody has copied this \
                 device: have it revoked, and enrol a new one",
            ));
        }
        Ok(findings)
    }
}

impl Engine {
    fn examine(&mut self, enrolled_record: &[u8]) -> Result<Vec<Finding>, EngineError> {
        let mut findings = self.examine_certificate();
        findings.extend(self.examine_lifetimes(enrolled_record)?);
        findings.extend(self.examine_channels()?);
        if findings.is_empty() {
            findings.push(Finding::good("device", "certificate, lists and channels are in order"));
        }
        Ok(findings)
    }

    fn examine_certificate(&self) -> Vec<Finding> {
        let trust = self.trust();
        let chain = &self.device().chain;
        match trust.verify_chain(chain, &[LeafUsage::Device]) {
            Ok(leaf) => {
                let mut findings: Vec<Finding> =
                    warnings::of_leaf(&leaf, trust.now()).iter().map(Finding::expiring).collect();
                if let Err(error) = trust.check_revocation(&leaf) {
                    findings.push(Finding::warning(
                        "revocation",
                        error.to_string(),
                        "connect once, so that the newest lists come; if it stays, ask your \
                         registrar",
                    ));
                }
                findings
            }
            Err(error) => vec![Finding::problem(
                "certificate",
                error.to_string(),
                "check this machine's clock; then ask your registrar for a new certificate",
            )],
        }
    }

    fn examine_lifetimes(&mut self, enrolled_record: &[u8]) -> Result<Vec<Finding>, EngineError> {
        let now = self.trust().now();
        let bundle = self.trust().bundle();
        let own: Domain = self.device().name.domain().clone();
        let mut lists = RevocationLists::new();
        for crl in self.trust().crls_of(&own) {
            // They were verified when they came.
            let _ = lists.insert(&crl, &bundle, now);
        }
        let mut due = warnings::of_bundle(&bundle, now);
        due.extend(warnings::of_lists(&lists, now));
        match self.own_endpoint_record(enrolled_record)? {
            Some(record) => due.extend(warnings::of_endpoint_record(&record, now)),
            None => {
                return Ok(vec![Finding::problem(
                    "endpoint-record",
                    format!("no address of a relay of {own} is known"),
                    "enrol again with your authority's endpoint record",
                )]);
            }
        }
        Ok(due.iter().map(Finding::expiring).collect())
    }

    fn examine_channels(&mut self) -> Result<Vec<Finding>, EngineError> {
        let (channels, queued, unpublished) = self.read(|tx| {
            let unpublished = tx.key_packages(Suite::default().code())?;
            Ok((tx.channels()?, tx.queued(None)?, unpublished))
        })?;
        let mut findings = Vec::new();
        for row in channels {
            if row.standing == ChannelStanding::Stranded {
                findings.push(Finding::problem(
                    "stranded",
                    format!("\"{}\": this device has lost step with the channel", row.title),
                    "another member's device brings it back, as soon as one is connected; if none does, ask a lead of your authority to remove and add you again",
                ));
            }
            if let Some(reason) = row.stopped {
                findings.push(Finding::problem(
                    "channel-stopped",
                    format!("\"{}\": {reason}", row.title),
                    "tell your authority's IT, and the other members by another way",
                ));
            }
        }
        let waiting = queued.iter().filter(|row| !row.automatic).count();
        if waiting > 0 {
            findings.push(Finding::warning(
                "outbox",
                format!("{waiting} queued, not yet accepted"),
                "they go out by themselves once the relay can be reached; to be admitted, an \
                 officer must have connected once",
            ));
        }
        if unpublished.is_empty() {
            findings.push(Finding::warning(
                "key-packages",
                "nobody can admit this device yet",
                "sync once: the relay then holds what others need to admit it",
            ));
        }
        Ok(findings)
    }
}
