//! The policy as protobuf, read strictly: known values, sorted lists, everything once.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::bundle::BundleHash;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Generation};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::{ChannelKind, Content, Founding, Policy, PolicyError, Role, SuspendedDevice};
use crate::entry::HandlingCode;

/// Reads and checks the fields that this version knows.
pub(super) fn decode(bytes: &[u8]) -> Result<Content, PolicyError> {
    if bytes.len() > Policy::MAX_BYTES {
        return Err(PolicyError::Malformed);
    }
    let policy = wire::Policy::decode(bytes).map_err(|_| PolicyError::Malformed)?;
    let content = Content {
        rules_version: policy.rules_version,
        channel: ChannelId(fixed("channel", &policy.channel)?),
        generation: Generation(policy.generation),
        kind: kind_of(policy.kind)?,
        title: policy.title,
        case_references: read_sorted(
            "case_references",
            policy.case_references,
            |r| r.authority.clone(),
            |r| Ok((domain("case_references", &r.authority)?, r.reference)),
        )?,
        legal_basis: policy.legal_basis,
        default_handling: handling_of(policy.default_handling)?,
        retention: read_sorted(
            "retention",
            policy.retention,
            |r| r.authority.clone(),
            |r| Ok((domain("retention", &r.authority)?, r.days)),
        )?,
        hub: domain("hub", &policy.hub)?,
        creating_hub: match &policy.creating_hub[..] {
            "" => None,
            creating => Some(domain("creating_hub", creating)?),
        },
        roles: read_sorted(
            "roles",
            policy.roles,
            |r| r.officer.clone(),
            |r| Ok((officer(&r.officer)?, role_of(r.role)?)),
        )?,
        bundle_hash: BundleHash::from_bytes(fixed("bundle_hash", &policy.bundle_hash)?),
        authorities_version: policy.authorities_version,
        closed: policy.closed,
        holds: read_holds(&policy.holds)?,
        founding: Founding::of_wire(
            Generation(policy.generation),
            policy.predecessor,
            policy.founding,
        )?,
        stand_ins: read_sorted(
            "stand_ins",
            policy.stand_ins,
            |s| s.officer.clone(),
            |s| Ok((officer(&s.officer)?, Timestamp::from_millis(s.not_after))),
        )?,
        mandate_serials: read_sorted(
            "mandate_serials",
            policy.mandate_serials,
            |s| s.authority.clone(),
            |s| Ok((domain("mandate_serials", &s.authority)?, s.serial)),
        )?,
        suspension_serials: read_sorted(
            "suspension_serials",
            policy.suspension_serials,
            |s| s.authority.clone(),
            |s| Ok((domain("suspension_serials", &s.authority)?, s.serial)),
        )?,
        suspended: read_sorted(
            "suspended",
            policy.suspended,
            |s| s.device.clone(),
            |s| suspended_of(&s),
        )?,
        former_domains: read_sorted(
            "former_domains",
            policy.former_domains,
            |f| f.domain.clone(),
            |f| Ok((domain("former_domains", &f.domain)?, domain("former_domains", &f.authority)?)),
        )?,
    };
    check(&content)?;
    Ok(content)
}

/// Writes the one encoding of these fields.
pub(super) fn encode(content: &Content) -> Vec<u8> {
    let authorities = content.case_references.iter();
    let case_references = authorities.map(|(authority, reference)| wire::CaseReference {
        authority: authority.to_string(),
        reference: reference.clone(),
    });
    let retention = content
        .retention
        .iter()
        .map(|(authority, days)| wire::Retention { authority: authority.to_string(), days: *days });
    let mut roles: Vec<_> = content.roles.iter().map(role_to_wire).collect();
    roles.sort_by(|a, b| a.officer.cmp(&b.officer));
    let stand_ins = content.stand_ins.iter().map(|(officer, end)| wire::StandIn {
        officer: officer.to_string(),
        not_after: end.as_millis(),
    });
    let mut stand_ins: Vec<_> = stand_ins.collect();
    stand_ins.sort_by(|a, b| a.officer.cmp(&b.officer));
    let policy = wire::Policy {
        rules_version: content.rules_version,
        channel: content.channel.as_bytes().to_vec(),
        generation: content.generation.0,
        kind: kind_to_wire(content.kind).into(),
        title: content.title.clone(),
        case_references: case_references.collect(),
        legal_basis: content.legal_basis.clone(),
        default_handling: handling_to_wire(content.default_handling).into(),
        retention: retention.collect(),
        hub: content.hub.to_string(),
        creating_hub: content.creating_hub.as_ref().map(ToString::to_string).unwrap_or_default(),
        roles,
        bundle_hash: content.bundle_hash.as_bytes().to_vec(),
        authorities_version: content.authorities_version,
        closed: content.closed,
        holds: content.holds.iter().map(ToString::to_string).collect(),
        predecessor: content.founding.as_ref().map(|founding| founding.predecessor.0),
        founding: content.founding.as_ref().map(Founding::to_wire),
        stand_ins,
        mandate_serials: content
            .mandate_serials
            .iter()
            .map(|(authority, serial)| wire::MandateSerial {
                authority: authority.to_string(),
                serial: *serial,
            })
            .collect(),
        suspension_serials: content
            .suspension_serials
            .iter()
            .map(|(authority, serial)| wire::SuspensionSerial {
                authority: authority.to_string(),
                serial: *serial,
            })
            .collect(),
        suspended: content.suspended.iter().map(suspended_to_wire).collect(),
        former_domains: content
            .former_domains
            .iter()
            .map(|(domain, authority)| wire::FormerDomain {
                domain: domain.to_string(),
                authority: authority.to_string(),
            })
            .collect(),
    };
    policy.encode_to_vec()
}

/// Checks what the fields' types let through.
pub(super) fn check(content: &Content) -> Result<(), PolicyError> {
    let title_like = |text: &str| is_line(text, Policy::MAX_TITLE_CHARS);
    let days = 1..=Policy::MAX_RETENTION_DAYS;
    let per_authority = Policy::MAX_PER_AUTHORITY;
    let rules = [
        ("rules_version", content.rules_version >= 1),
        ("title", title_like(&content.title)),
        (
            "case_references",
            content.case_references.len() <= per_authority
                && content.case_references.values().all(|reference| title_like(reference)),
        ),
        (
            "legal_basis",
            content.legal_basis.is_empty()
                || is_line(&content.legal_basis, Policy::MAX_LEGAL_BASIS_CHARS),
        ),
        (
            "retention",
            content.retention.len() <= per_authority
                && content.retention.values().all(|d| days.contains(d)),
        ),
        ("holds", content.holds.len() <= per_authority),
        ("roles", (1..=Policy::MAX_ROLES).contains(&content.roles.len())),
        ("authorities_version", content.authorities_version >= 1),
        ("founding", content.founding.is_some() == (content.generation.0 > 0)),
        (
            "suspension_serials",
            content.suspension_serials.len() <= Policy::MAX_AUTHORITIES
                && content.suspension_serials.values().all(|serial| *serial >= 1),
        ),
        ("stand_ins", content.stand_ins.len() <= Policy::MAX_ROLES),
        (
            "mandate_serials",
            content.mandate_serials.len() <= Policy::MAX_AUTHORITIES
                && content.mandate_serials.values().all(|serial| *serial >= 1),
        ),
        ("suspended", content.suspended.len() <= Policy::MAX_ROLES),
        ("former_domains", content.former_domains.len() <= Policy::MAX_AUTHORITIES),
    ];
    match rules.into_iter().find(|(_, holds)| !holds) {
        Some((field, _)) => Err(PolicyError::Value(field)),
        None => Ok(()),
    }
}

/// One line of text that is not empty and hides nothing.
fn is_line(text: &str, max_chars: usize) -> bool {
    let deceptive = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let chars = text.chars().count();
    (1..=max_chars).contains(&chars) && !text.chars().any(deceptive) && !text.trim().is_empty()
}

/// Reads a list whose keys must be sorted by bytes, each once.
fn read_sorted<T, K: Ord, V>(
    field: &'static str,
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    read: impl Fn(T) -> Result<(K, V), PolicyError>,
) -> Result<BTreeMap<K, V>, PolicyError> {
    if !items.is_sorted_by(|a, b| key(a) < key(b)) {
        return Err(PolicyError::Order(field));
    }
    items.into_iter().map(read).collect()
}

fn read_holds(holds: &[String]) -> Result<BTreeSet<Domain>, PolicyError> {
    if !holds.is_sorted_by(|a, b| a < b) {
        return Err(PolicyError::Order("holds"));
    }
    holds.iter().map(|holder| domain("holds", holder)).collect()
}

fn fixed<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], PolicyError> {
    bytes.try_into().map_err(|_| PolicyError::Value(field))
}

fn domain(field: &'static str, text: &str) -> Result<Domain, PolicyError> {
    text.parse().map_err(|_| PolicyError::Value(field))
}

fn officer(text: &str) -> Result<OfficerAddress, PolicyError> {
    text.parse().map_err(|_| PolicyError::Value("roles"))
}

fn kind_of(kind: i32) -> Result<ChannelKind, PolicyError> {
    match wire::ChannelKind::try_from(kind) {
        Ok(wire::ChannelKind::Case) => Ok(ChannelKind::Case),
        Ok(wire::ChannelKind::Forum) => Ok(ChannelKind::Forum),
        Ok(wire::ChannelKind::Unspecified) | Err(_) => Err(PolicyError::Value("kind")),
    }
}

fn kind_to_wire(kind: ChannelKind) -> wire::ChannelKind {
    match kind {
        ChannelKind::Case => wire::ChannelKind::Case,
        ChannelKind::Forum => wire::ChannelKind::Forum,
    }
}

fn handling_of(code: i32) -> Result<HandlingCode, PolicyError> {
    match wire::HandlingCode::try_from(code) {
        Ok(wire::HandlingCode::H0) => Ok(HandlingCode::H0),
        Ok(wire::HandlingCode::H1) => Ok(HandlingCode::H1),
        Ok(wire::HandlingCode::H2) => Ok(HandlingCode::H2),
        Ok(wire::HandlingCode::H3) => Ok(HandlingCode::H3),
        Ok(wire::HandlingCode::Unspecified) | Err(_) => Err(PolicyError::Value("default_handling")),
    }
}

fn handling_to_wire(code: HandlingCode) -> wire::HandlingCode {
    match code {
        HandlingCode::H0 => wire::HandlingCode::H0,
        HandlingCode::H1 => wire::HandlingCode::H1,
        HandlingCode::H2 => wire::HandlingCode::H2,
        HandlingCode::H3 => wire::HandlingCode::H3,
    }
}

fn role_of(role: i32) -> Result<Role, PolicyError> {
    match wire::Role::try_from(role) {
        Ok(wire::Role::Owner) => Ok(Role::Owner),
        Ok(wire::Role::Lead) => Ok(Role::Lead),
        Ok(wire::Role::Member) => Ok(Role::Member),
        Ok(wire::Role::Guide) => Ok(Role::Guide),
        Ok(wire::Role::Observer) => Ok(Role::Observer),
        Ok(wire::Role::Unspecified) | Err(_) => Err(PolicyError::Value("roles")),
    }
}

fn suspended_of(
    suspended: &wire::SuspendedDevice,
) -> Result<(DeviceName, SuspendedDevice), PolicyError> {
    let refused = || PolicyError::Value("suspended");
    let device = suspended.device.parse().map_err(|_| refused())?;
    let role = match wire::Role::try_from(suspended.role) {
        Ok(wire::Role::Unspecified) => None,
        _ => Some(role_of(suspended.role).map_err(|_| refused())?),
    };
    Ok((device, SuspendedDevice { role, until: Timestamp::from_millis(suspended.until_ms) }))
}

fn suspended_to_wire(
    (device, suspended): (&DeviceName, &SuspendedDevice),
) -> wire::SuspendedDevice {
    wire::SuspendedDevice {
        device: device.to_string(),
        role: suspended.role.map_or(wire::Role::Unspecified, wire_role).into(),
        until_ms: suspended.until.as_millis(),
    }
}

fn role_to_wire((officer, role): (&OfficerAddress, &Role)) -> wire::RoleAssignment {
    wire::RoleAssignment { officer: officer.to_string(), role: wire_role(*role).into() }
}

fn wire_role(role: Role) -> wire::Role {
    match role {
        Role::Owner => wire::Role::Owner,
        Role::Lead => wire::Role::Lead,
        Role::Member => wire::Role::Member,
        Role::Guide => wire::Role::Guide,
        Role::Observer => wire::Role::Observer,
    }
}
