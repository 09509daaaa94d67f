//! Who may write which entry.

use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;

use super::rule::{Rule, Void};
use crate::entry::Header;
use crate::policy::{ChannelKind, Policy, Role};

/// Whether a device may write entries. Else its entry is shown as refused, and never as said.
///
/// # Errors
/// [`Rule::EntryRole`], [`Rule::EntryClosed`].
pub fn judge_author(policy: &Policy, author: &DeviceName) -> Result<(), Void> {
    if policy.is_closed() {
        return Err(Void::new(Rule::EntryClosed, author));
    }
    check_role(policy, author)
}

fn check_role(policy: &Policy, author: &DeviceName) -> Result<(), Void> {
    match policy.role_of(author.officer()) {
        Some(role) if role.may_write() => Ok(()),
        _ => Err(Void::new(Rule::EntryRole, author)),
    }
}

/// Whether a device may write this entry at `received_at`. Only the header's kind, the kinds of its
/// parts, and whether it names a parent at all, count: a joiner lacks the past, and can't say which
/// entry the parent is.
///
/// # Errors
/// As [`judge_author`]; [`Rule::EntryKind`].
pub fn judge_entry(
    policy: &Policy,
    author: &DeviceName,
    header: &Header,
    received_at: Timestamp,
) -> Result<(), Void> {
    match header.kind.outlasts_closing() {
        true => check_role(policy, author)?,
        false => judge_author(policy, author)?,
    }
    let allowed = match policy.kind() {
        ChannelKind::Case => !header.kind.is_of_forums(),
        ChannelKind::Forum => {
            let role = policy.role_at(author.officer(), received_at);
            let entitled = !header.kind.publishes() || role.is_some_and(Role::may_publish);
            entitled && (header.parent.is_some() || !header.kind.speaks_of_another())
        }
    };
    let parts = header.parts.iter().map(|part| part.kind);
    let fits = header.kind.only_part().is_none_or(|only| parts.eq([only]));
    if allowed && fits { Ok(()) } else { Err(Void::new(Rule::EntryKind, author)) }
}
