//! Invariants 3 and 4: what must not be where.

use aho_corasick::AhoCorasick;

use super::{Findings, Membership};
use crate::facts::Facts;

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    if let Ok(secrets) = AhoCorasick::new(&facts.secrets) {
        for (place, content) in &facts.kept_by_relays {
            for secret in secrets.find_iter(content).map(|hit| hit.pattern()) {
                found.add(3, format!("{place} holds {:?}", facts.secrets[secret.as_usize()]));
            }
        }
    }
    for (device, shown) in &facts.devices {
        for (channel, view) in shown.channels.iter().filter(|(c, _)| !facts.is_forked(c)) {
            for entry in &view.entries {
                if !membership.includes(channel, device, entry.place) {
                    found.add(
                        4,
                        format!(
                            "{device} was not in {channel} at {} and has {entry:?}",
                            entry.place
                        ),
                    );
                }
            }
        }
    }
}
