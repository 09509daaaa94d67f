//! What an authority has to renew, said after every command of its registrar.

use enlace_identity::time::{Timestamp, Validity};
use enlace_identity::warnings::{Alarm, Subject, Warning, warning};

use crate::authority::{Issued, Kind, Registry, Standing};
use crate::ui::Ui;
use crate::when;

/// Warns about what all of the authority depends on.
pub(super) fn about_expiry(registry: &Registry, now: Timestamp, ui: &Ui) {
    for warning in authority_warnings(registry, now) {
        let until = when::show(warning.not_after);
        let renew = renewal(&warning.subject);
        if warning.alarm == Alarm::Half {
            ui.note(format_args!("Note: {warning} (until {until}). {renew}"));
        } else {
            ui.warning(format_args!("{warning} (until {until}). {renew}"));
        }
    }
}

/// About CAs, lists and the endpoint record; not about single devices.
pub(super) fn authority_warnings(registry: &Registry, now: Timestamp) -> Vec<Warning> {
    let domain = || registry.domain.to_string();
    let list = |subject, validity| warning(subject, validity, now);
    let mut warnings: Vec<Warning> = [
        list(Subject::RootCrl(domain()), registry.root_list.validity()),
        list(Subject::IssuingCrl(domain()), registry.issuing_list.validity()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(endpoint) = &registry.endpoint {
        warnings.extend(list(Subject::EndpointRecord(domain()), endpoint.validity()));
    }
    for (issued, standing) in registry.standings(now) {
        if matches!(standing, Standing::Revoked | Standing::Replaced) {
            continue;
        }
        let subject = match issued.kind {
            Kind::Root => Subject::Root(domain()),
            Kind::IssuingCa => Subject::IssuingCa(domain()),
            _ => continue,
        };
        warnings.extend(warning(subject, validity(issued), now));
    }
    warnings
}

pub(super) fn validity(issued: &Issued) -> Validity {
    Validity { not_before: issued.not_before, not_after: issued.not_after }
}

fn renewal(subject: &Subject) -> &'static str {
    match subject {
        Subject::RootCrl(_) => "`enlace authority crl --root` makes the next.",
        Subject::IssuingCrl(_) => "`enlace authority crl` makes the next.",
        Subject::EndpointRecord(_) => "`enlace authority endpoint` makes the next.",
        Subject::Root(_) | Subject::IssuingCa(_) => "Plan its successor.",
        Subject::Certificate(_) | Subject::Bundle(_) => "",
    }
}
