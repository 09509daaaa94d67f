//! What must be true at the end.

use crate::failure::Failure;

/// One thing that the demonstration finds out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Check {
    /// Officers of both authorities read each other's notes.
    DeliveredBothWays,
    /// An officer's second device reads what comes after the first one let it in.
    SecondDeviceReads,
    /// Notes written while a relay was down waited, and arrived when it was back.
    SurvivedRelayStop,
    /// Whoever doesn't belong gets neither in nor anything out.
    IntruderRefused,
    /// A revoked officer's live connection ends, and there is no new one.
    RevokedOfficerCut,
    /// Without anybody's doing, the device of the revoked officer is out of the channel.
    RevokedDeviceRemoved,
    /// All members hold the same notes in the same order, none twice.
    RecordInSameOrder,
    /// A closed case can be read, and nothing is written any more.
    CaseClosed,
    /// Nothing of what was said is in the relays' files.
    RelayHoldsNoPlaintext,
    /// Stock openssl accepts every certificate that was issued.
    OpensslVerifiesCertificates,
}

/// What was found out of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Finding {
    pub(super) ok: bool,
    /// What to know about it; always there when it is not so.
    pub(super) detail: Option<String>,
}

/// All checks; one that was not reached counts as failed.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    found: Vec<(Check, Finding)>,
    stopped: Option<String>,
}

impl Check {
    pub(super) const ALL: [Self; 10] = [
        Self::DeliveredBothWays,
        Self::SecondDeviceReads,
        Self::SurvivedRelayStop,
        Self::IntruderRefused,
        Self::RevokedOfficerCut,
        Self::RevokedDeviceRemoved,
        Self::RecordInSameOrder,
        Self::CaseClosed,
        Self::RelayHoldsNoPlaintext,
        Self::OpensslVerifiesCertificates,
    ];

    /// Its name for programs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DeliveredBothWays => "delivered_both_ways",
            Self::SecondDeviceReads => "second_device_reads",
            Self::SurvivedRelayStop => "survived_relay_stop",
            Self::IntruderRefused => "intruder_refused",
            Self::RevokedOfficerCut => "revoked_officer_cut",
            Self::RevokedDeviceRemoved => "revoked_device_removed",
            Self::RecordInSameOrder => "record_in_same_order",
            Self::CaseClosed => "case_closed",
            Self::RelayHoldsNoPlaintext => "relay_holds_no_plaintext",
            Self::OpensslVerifiesCertificates => "openssl_verifies_certificates",
        }
    }
}

impl Finding {
    pub(super) fn good() -> Self {
        Self { ok: true, detail: None }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self { ok: false, detail: Some(detail.into()) }
    }

    /// Good if nothing speaks against it.
    pub(super) fn unless(objections: &[String]) -> Self {
        if objections.is_empty() { Self::good() } else { Self::bad(objections.join("; ")) }
    }
}

impl Checks {
    pub(super) fn enter(&mut self, check: Check, finding: Finding) {
        self.found.push((check, finding));
    }

    /// The demonstration could not go on.
    pub(super) fn stop(&mut self, failure: &Failure) {
        let mut said = failure.messages();
        said.extend(failure.hint_text().map(ToOwned::to_owned));
        self.stopped = Some(said.join(": "));
    }

    /// Every check with what was found.
    pub(super) fn findings(&self) -> impl Iterator<Item = (Check, Finding)> {
        Check::ALL.into_iter().map(|check| {
            let found = self.found.iter().find(|(found, _)| *found == check);
            let unreached = || {
                let why = self.stopped.as_deref().unwrap_or_default();
                Finding::bad(format!("not reached: {why}"))
            };
            (check, found.map_or_else(unreached, |(_, finding)| finding.clone()))
        })
    }

    /// Fails if a check did.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let failed: Vec<_> = self
            .findings()
            .filter(|(_, finding)| !finding.ok)
            .map(|(check, _)| check.name())
            .collect();
        match failed.as_slice() {
            [] => Ok(()),
            failed => Err(Failure::new(format!("not so: {}", failed.join(", ")))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_reached_has_failed() {
        let mut checks = Checks::default();
        checks.enter(Check::DeliveredBothWays, Finding::good());
        checks.stop(&Failure::new("the relay is gone").hint("Start it."));
        let findings: Vec<_> = checks.findings().collect();
        assert_eq!(findings.len(), Check::ALL.len());
        assert!(findings[0].1.ok);
        for (check, finding) in &findings[1..] {
            assert!(!finding.ok, "{check:?}");
            let detail = finding.detail.as_deref().unwrap();
            assert_eq!(detail, "not reached: the relay is gone: Start it.");
        }
        assert!(checks.verdict().is_err());
    }

    #[test]
    fn all_good_is_good() {
        let mut checks = Checks::default();
        for check in Check::ALL {
            checks.enter(check, Finding::good());
        }
        assert!(checks.verdict().is_ok());
    }
}
